"""`oms up` as an operator meets it: everything comes up, heals, and leaves nothing behind."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from app.infra.embedded.folders import Folders
from app.infra.embedded.postgres import PostgresServer
from tests.installation import PROCESSES, ROOT, START_S_MAX, Installation, installed, until

# A second on a machine that has one to spare; what is proven here is that nobody has to ask twice.
_STOP_S_MAX = 8.0


@pytest.fixture(scope="module")
async def standing() -> AsyncIterator[Installation]:
    """One for all that leave it as it is, and for the one that ends it."""
    async with installed() as running:
        yield running


async def test_everything_comes_up_heals_and_ends_at_one_signal() -> None:
    async with installed() as installation:
        told = await installation.demo()
        before = installation.children()
        relay = next(pid for pid, name in before.items() if name == "relay")

        os.kill(relay, signal.SIGKILL)
        await until(lambda: [pid for pid, name in installation.children().items() if name == "relay" and pid != relay])
        await until(lambda: "starts again" in installation.log())
        began = time.monotonic()
        installation.process.send_signal(signal.SIGINT)
        code = await installation.process.wait()
        took_s = time.monotonic() - began

        assert set(before.values()) >= PROCESSES
        assert told["graphqlUrl"] == f"http://127.0.0.1:{installation.environment['OMS_HTTP_PORT']}/graphql"
        assert told["password"] in installation.log()
        assert code == 0
        assert took_s < _STOP_S_MAX
        assert installation.children() == {}
        assert "Traceback" not in installation.log()


async def test_processes_log_in_as_one_that_owns_nothing(standing: Installation) -> None:
    server = PostgresServer(Folders.at(standing.state_dir))
    connection = await asyncpg.connect(server.url)

    logins = await connection.fetch(
        "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name LIKE 'oms/%' AND datname = 'oms'"
    )
    (role,) = await connection.fetch("SELECT * FROM pg_roles WHERE rolname = 'oms_login'")
    owned = await connection.fetchval("SELECT count(*) FROM pg_class WHERE relowner = 'oms_login'::regrole")
    await connection.close()

    assert [row["usename"] for row in logins] == ["oms_login"]
    assert not any(role[power] for power in ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolinherit"))
    assert owned == 0


async def test_second_one_on_the_same_folder_is_refused_and_the_first_goes_on(standing: Installation) -> None:
    before = standing.children()
    demo = (standing.state_dir / "demo.json").read_bytes()

    code, error = await _failing_up(standing.environment)

    assert code == 1
    assert error == (f"oms: `oms up` already runs on {standing.state_dir}: stop it, or set OMS_STATE_DIR to another\n")
    assert standing.children() == before
    assert (standing.state_dir / "demo.json").read_bytes() == demo


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
        "PYTHONPATH": str(ROOT),
        "OMS_STATE_DIR": str(state_dir),
        "OMS_HTTP_PORT": str(free_ports[0]),
        "OMS_SIMULATOR_PORT": str(free_ports[1]),
        variable: url,
    }

    code, error = await _failing_up(environment)

    assert code == 1
    assert error.startswith(f"{told} does not answer: ")
    assert error.count("\n") == 1


# The last: it ends what the others stand on.
async def test_nothing_survives_a_killed_supervisor(standing: Installation) -> None:
    assert len(standing.children()) >= len(PROCESSES)

    standing.process.kill()
    await standing.process.wait()

    await until(lambda: not standing.children(), timeout_s=5)


async def _failing_up(environment: dict[str, str]) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.cli", "up"),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(START_S_MAX):
            error = (await process.communicate())[1]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, error.decode()
