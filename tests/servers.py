"""The PostgreSQL and Redis of a test run: one pair for all workers, embedded unless addresses are given."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from redis.asyncio import Redis

from app.infra.embedded import start_postgres, start_redis
from app.infra.migrations import upgrade

Answer = TypeVar("Answer")

_TEMPLATE_LOCK = 7_000_001


class ServersOfRun:
    """Starts each server at its first use and stops what it started."""

    def __init__(self) -> None:
        # A loop of our own that is nobody's current loop: the tests' loop is left alone.
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._stack = AsyncExitStack()
        self._folder: Path | None = None
        self._postgres_url = os.environ.get("TEST_DATABASE_URL")
        self._redis_url = os.environ.get("TEST_REDIS_URL")

    @property
    def is_given_postgres(self) -> bool:
        """Whether the server was there before the run and stays after it."""
        return "TEST_DATABASE_URL" in os.environ

    @property
    def postgres_url(self) -> str:
        """The address of the server, as a login that may create databases and roles."""
        if self._postgres_url is None:
            context = start_postgres(self._state_dir(), durable=False)
            self._postgres_url = self._runner.run(self._stack.enter_async_context(context))
        return self._postgres_url

    @property
    def redis_url(self) -> str:
        """The address of the Redis server."""
        if self._redis_url is None:
            context = start_redis(self._state_dir(), durable=False)
            self._redis_url = self._runner.run(self._stack.enter_async_context(context))
        return self._redis_url

    def close(self) -> None:
        """Stop the servers and remove their folder."""
        self._runner.run(self._stack.aclose())
        self._runner.close()
        if self._folder is not None:
            shutil.rmtree(self._folder)

    def _state_dir(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="oms-tests-"))
            # Root's servers run as another user, who must pass here.
            self._folder.chmod(0o711)
        return self._folder


def create_clone(postgres_url: str, run: str, worker: str) -> str:
    """The address of a new database of the worker, a copy of the run's migrated template."""
    template, clone = f"oms_test_{run}", f"oms_test_{run}_{worker}"
    _in_thread(_create_template(postgres_url, template))
    statement = f'create database "{clone}" template "{template}" strategy file_copy'
    _in_thread(_execute(postgres_url, statement))
    return of_database(postgres_url, clone)


def drop_databases(postgres_url: str, prefix: str) -> None:
    """Drop every database whose name begins with `prefix`."""
    _in_thread(_drop_databases(postgres_url, prefix))


def delete_keys(redis_url: str, prefix: str) -> None:
    """Delete every key that begins with `prefix`."""
    _in_thread(_delete_keys(redis_url, prefix))


def of_database(url: str, database: str) -> str:
    """The address of another database of the same server."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{database}"))


def _in_thread(work: Coroutine[Any, Any, Answer]) -> Answer:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def _execute(postgres_url: str, statement: str) -> None:
    connection = await asyncpg.connect(of_database(postgres_url, "postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _create_template(postgres_url: str, template: str) -> None:
    connection = await asyncpg.connect(of_database(postgres_url, "postgres"))
    try:
        await connection.execute("select pg_advisory_lock($1)", _TEMPLATE_LOCK)
        if await connection.fetchval("select 1 from pg_database where datname = $1", template):
            return
        half_made = f"{template}_unmigrated"
        await connection.execute(f'create database "{half_made}"')
        await asyncio.to_thread(upgrade, of_database(postgres_url, half_made))
        await connection.execute(f'alter database "{half_made}" rename to "{template}"')
    finally:
        await connection.close()


async def _drop_databases(postgres_url: str, prefix: str) -> None:
    connection = await asyncpg.connect(of_database(postgres_url, "postgres"))
    try:
        found = await connection.fetch("select datname from pg_database where starts_with(datname, $1)", prefix)
        for record in found:
            await connection.execute(f'drop database "{record["datname"]}" with (force)')
    finally:
        await connection.close()


async def _delete_keys(redis_url: str, prefix: str) -> None:
    async with Redis.from_url(redis_url) as client:
        async for key in client.scan_iter(f"{prefix}*", count=1000):
            await client.delete(key)
