"""What a process is told when the database server goes away under its connections."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

import asyncpg
import pytest

from app.infra.db import CONNECTION_LOST, Database, DatabaseRole
from app.infra.uow import begin_system


async def test_connection_that_the_server_ended_counts_as_lost_before_its_end_is_seen(
    database_url: str, postgres_url: str
) -> None:
    async with _withholding_ends(database_url) as (url, _):
        database = Database(url, DatabaseRole.SYSTEM, size=1)
        await database.open()
        async with begin_system(database) as session:
            pid = (await session.fetch("SELECT pg_backend_pid() AS pid"))[0]["pid"]
        await _end_backend(postgres_url, pid)

        with pytest.raises(CONNECTION_LOST):
            async with begin_system(database) as session:
                await session.fetch("SELECT 1")

        async with begin_system(database) as session:
            assert (await session.fetch("SELECT pg_backend_pid() AS pid"))[0]["pid"] != pid
    await database.close()


async def test_work_is_cancelled_also_when_the_server_ended_its_connection(
    database_url: str, postgres_url: str
) -> None:
    database = Database(database_url, DatabaseRole.SYSTEM, size=1)
    await database.open()
    under_way = asyncio.Event()
    pids: list[int] = []

    async def work() -> None:
        async with begin_system(database) as session:
            pids.append((await session.fetch("SELECT pg_backend_pid() AS pid"))[0]["pid"])
            under_way.set()
            await asyncio.Event().wait()

    working = asyncio.create_task(work())
    await under_way.wait()
    await _end_backend(postgres_url, pids[0])
    async with begin_system(database):
        # A pool of one gives a connection out again once it has seen the end of the last.
        pass
    working.cancel()
    (outcome,) = await asyncio.gather(working, return_exceptions=True)

    assert isinstance(outcome, asyncio.CancelledError)
    await database.close()


async def test_way_that_broke_unsaid_counts_as_lost_and_the_next_connection_serves(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.infra.db.COMMAND_TIMEOUT_S", 0.5)
    monkeypatch.setattr("app.infra.db.CLOSE_TIMEOUT_S", 0.1)
    monkeypatch.setattr("app.infra.uow.ROLLBACK_TIMEOUT_S", 0.1)
    async with _withholding_ends(database_url) as (url, silence):
        database = Database(url, DatabaseRole.SYSTEM, size=1)
        await database.open()

        silence()
        with pytest.raises(CONNECTION_LOST):
            async with begin_system(database) as session:
                await session.fetch("SELECT 1")

        async with begin_system(database) as session:
            assert (await session.fetch("SELECT 1 AS one"))[0]["one"] == 1
        await database.close()


async def _end_backend(postgres_url: str, pid: int) -> None:
    operator = await asyncpg.connect(postgres_url)
    await operator.execute("SELECT pg_terminate_backend($1, 5000)", pid)
    await operator.close()


@asynccontextmanager
async def _withholding_ends(database_url: str) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """The database behind a relay that does not pass the end of a connection on, as a half-dead network does.

    What comes with the address makes the connections so far carry nothing any more, and tells nobody.
    """
    parts = urlsplit(database_url)
    query = parse_qs(parts.query)
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if parts.hostname is None:
            up_reader, up_writer = await asyncio.open_unix_connection(f"{query['host'][0]}/.s.PGSQL.5432")
        else:
            up_reader, up_writer = await asyncio.open_connection(parts.hostname, parts.port or 5432)
        writers.extend((writer, up_writer))
        tasks.add(asyncio.create_task(_pump(up_reader, writer)))
        tasks.add(asyncio.create_task(_pump(reader, up_writer)))

    def silence() -> None:
        for task in tasks:
            task.cancel()

    folder = Path(tempfile.mkdtemp(prefix="oms-test-"))
    server = await asyncio.start_unix_server(serve, folder / ".s.PGSQL.5432")
    user = parts.netloc.rpartition("@")[0]
    netloc = f"{user}@" if user else ""
    try:
        address = urlunsplit(parts._replace(netloc=netloc, query=f"host={quote(str(folder), safe='/')}"))
        yield address, silence
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
        shutil.rmtree(folder)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while block := await reader.read(65_536):
        writer.write(block)
        await writer.drain()
