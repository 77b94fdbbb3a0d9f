"""`oms up` as an operator meets it: everything comes up, heals, and leaves nothing behind."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[3]
_PROCESSES = {"serve", "connector", "relay", "worker", "scheduler", "simulator"}
_START_S_MAX = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A running `oms up`."""

    process: asyncio.subprocess.Process
    state_dir: Path
    environment: dict[str, str]
    log_path: Path

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def children(self) -> dict[int, str]:
        """Every process that belongs to this installation but the supervisor: its id and last argument."""
        mark = os.fsencode(f"OMS_STATE_DIR={self.state_dir}")
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
                is_ours = mark in (entry / "environ").read_bytes() or any(
                    os.fsencode(self.state_dir) in w for w in words
                )
            except OSError:
                continue
            if is_ours and words != [b""] and int(entry.name) != self.process.pid:
                found[int(entry.name)] = words[-1].decode()
        return found


async def _until(is_true: Callable[[], object], timeout_s: float = _START_S_MAX) -> None:
    async with asyncio.timeout(timeout_s):
        while not is_true():
            await asyncio.sleep(0.05)


@pytest.fixture
async def installation(state_dir: Path, free_ports: tuple[int, int]) -> AsyncIterator[Installation]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(_ROOT),
        "OMS_STATE_DIR": str(state_dir),
        "OMS_HTTP_PORT": str(free_ports[0]),
        "OMS_SIMULATOR_PORT": str(free_ports[1]),
    }
    log_path = state_dir / "up.log"
    with log_path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app.cli", "up", env=environment, cwd=state_dir, stdout=log, stderr=log
        )
    running = Installation(process=process, state_dir=state_dir, environment=environment, log_path=log_path)
    try:
        await _until(lambda: "Ctrl-C stops everything" in running.log() or process.returncode is not None)
        assert process.returncode is None, running.log()
        yield running
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await _until(lambda: not running.children(), timeout_s=10)


async def test_everything_comes_up_heals_and_ends_at_one_signal(installation: Installation) -> None:
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.cli", "demo", "--json"),
        env=installation.environment,
        cwd=installation.state_dir,
        stdout=asyncio.subprocess.PIPE,
    )
    told = json.loads((await demo.communicate())[0])
    before = installation.children()
    relay = next(pid for pid, name in before.items() if name == "relay")

    os.kill(relay, signal.SIGKILL)
    await _until(lambda: [pid for pid, name in installation.children().items() if name == "relay" and pid != relay])
    await _until(lambda: "starts again" in installation.log())
    began = time.monotonic()
    installation.process.send_signal(signal.SIGINT)
    code = await installation.process.wait()
    took_s = time.monotonic() - began

    assert set(before.values()) >= _PROCESSES
    assert told["graphqlUrl"] == f"http://127.0.0.1:{installation.environment['OMS_HTTP_PORT']}/graphql"
    assert told["password"] in installation.log()
    assert code == 0
    assert took_s < 2
    assert installation.children() == {}
    assert "Traceback" not in installation.log()


async def test_nothing_survives_a_killed_supervisor(installation: Installation) -> None:
    assert len(installation.children()) >= len(_PROCESSES)

    installation.process.kill()
    await installation.process.wait()

    await _until(lambda: not installation.children(), timeout_s=5)


async def test_second_one_on_the_same_folder_is_refused_and_the_first_goes_on(installation: Installation) -> None:
    before = installation.children()
    demo = (installation.state_dir / "demo.json").read_bytes()

    code, error = await _failing_up(installation.environment)

    assert code == 1
    assert error == (
        f"oms: `oms up` already runs on {installation.state_dir}: stop it, or set OMS_STATE_DIR to another\n"
    )
    assert installation.children() == before
    assert (installation.state_dir / "demo.json").read_bytes() == demo


@pytest.mark.parametrize(
    ("variable", "url", "told"),
    [
        ("OMS_DATABASE_URL", "postgresql://x@127.0.0.1:1/none", "oms: PostgreSQL at postgresql://127.0.0.1:1/none"),
        ("OMS_REDIS_URL", "redis://127.0.0.1:1/0", "oms: Redis at redis://127.0.0.1:1/0"),
    ],
)
async def test_dead_server_of_the_settings_is_one_line(
    state_dir: Path, free_ports: tuple[int, int], variable: str, url: str, told: str
) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(_ROOT),
        "OMS_STATE_DIR": str(state_dir),
        "OMS_HTTP_PORT": str(free_ports[0]),
        "OMS_SIMULATOR_PORT": str(free_ports[1]),
        variable: url,
    }

    code, error = await _failing_up(environment)

    assert code == 1
    assert error.startswith(f"{told} does not answer: ")
    assert error.count("\n") == 1


async def _failing_up(environment: dict[str, str]) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.cli", "up"),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_START_S_MAX):
            error = (await process.communicate())[1]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, error.decode()
