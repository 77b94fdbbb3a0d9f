"""The whole system as `make run` starts it: real processes, real servers, an empty state folder, free ports."""

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
START_S_MAX = 60.0
PROCESSES = {"serve", "connector", "relay", "worker", "scheduler", "simulator"}
STOP_S_MAX = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A running `oms up`."""

    process: asyncio.subprocess.Process
    state_dir: Path
    environment: dict[str, str]
    log_path: Path

    def log(self) -> str:
        """All that its processes have said."""
        return self.log_path.read_text(errors="replace")

    def children(self) -> dict[int, str]:
        """Every process that belongs to this installation but the supervisor: its id and last argument."""
        mark = os.fsencode(f"OMS_STATE_DIR={self.state_dir}")
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
                is_ours = mark in (entry / "environ").read_bytes() or any(
                    os.fsencode(self.state_dir) in word for word in words
                )
            except OSError:
                continue
            if is_ours and words != [b""] and int(entry.name) != self.process.pid:
                found[int(entry.name)] = words[-1].decode()
        return found

    def kill(self, service: str) -> None:
        """Ends one process of the system as the worst would: without a warning."""
        for pid, name in self.children().items():
            if name == service:
                os.kill(pid, signal.SIGKILL)

    async def demo(self) -> dict[str, Any]:
        """What `oms demo --json` tells."""
        told = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app.cli", "demo", "--json"),
            env=self.environment,
            cwd=self.state_dir,
            stdout=asyncio.subprocess.PIPE,
        )
        answer: dict[str, Any] = json.loads((await told.communicate())[0])
        return answer


async def until(is_true: Callable[[], object], timeout_s: float = START_S_MAX) -> None:
    """Waits for a condition.

    Raises TimeoutError when it does not come true in time.
    """
    async with asyncio.timeout(timeout_s):
        while not is_true():
            await asyncio.sleep(0.05)


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def installed(settings: Mapping[str, str] | None = None) -> AsyncIterator[Installation]:
    """The system, up and ready while the block lasts; `settings` are further OMS_ variables."""
    # Root's servers run as another user, who must pass here.
    state_dir = Path(tempfile.mkdtemp(prefix="oms-installation-", dir="/var/tmp"))
    state_dir.chmod(0o711)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMS_STATE_DIR": str(state_dir),
        "OMS_HTTP_PORT": str(free_port()),
        "OMS_SIMULATOR_PORT": str(free_port()),
        **(settings or {}),
    }
    log_path = state_dir / "up.log"
    with log_path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app.cli", "up", env=environment, cwd=state_dir, stdout=log, stderr=log
        )
    running = Installation(process=process, state_dir=state_dir, environment=environment, log_path=log_path)
    try:
        await until(lambda: "Ctrl-C stops everything" in running.log() or process.returncode is not None)
        assert process.returncode is None, running.log()
        await until(lambda: set(running.children().values()) >= PROCESSES)
        yield running
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            try:
                async with asyncio.timeout(STOP_S_MAX):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        await until(lambda: not running.children(), STOP_S_MAX)
        shutil.rmtree(state_dir)
