"""Finds out whether the servers that a process needs answer, and says in one line which one does not."""

import asyncio
import os
from urllib.parse import urlsplit

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.core.errors import UnavailableError
from app.infra.embedded import PostgresServer, RedisServer
from app.infra.local_secrets import state_folders
from app.infra.settings import Settings

_TIMEOUT_S = 5.0


async def reachable_settings(settings: Settings) -> Settings:
    """The settings with both addresses known and answering: those given, or those of embedded servers that run.

    Raises: UnavailableError naming the server that does not answer.
    """
    database_url, redis_url = await asyncio.gather(reachable_postgres(settings), reachable_redis(settings))
    return settings.model_copy(update={"database_url": database_url, "redis_url": redis_url})


async def check_postgres(url: str) -> str:
    """Connect to PostgreSQL; returns its version.

    Raises: UnavailableError when it does not let us in.
    """
    try:
        connection = await asyncpg.connect(url, timeout=_TIMEOUT_S)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise UnavailableError(f"PostgreSQL at {without_secret(url)} does not answer: {_reason(error)}") from error
    version = str(connection.get_server_version().major)
    await connection.close(timeout=_TIMEOUT_S)
    return version


async def check_redis(url: str) -> str:
    """Connect to Redis; returns its version.

    Raises: UnavailableError when it does not let us in.
    """
    try:
        async with Redis.from_url(url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S) as client:
            return str((await client.info("server"))["redis_version"])
    except (OSError, ValueError, RedisError) as error:
        raise UnavailableError(f"Redis at {without_secret(url)} does not answer: {_reason(error)}") from error


def without_secret(url: str) -> str:
    """The address as it may be shown: without user and password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" + (
        f"?{parts.query}" if parts.query else ""
    )


async def reachable_postgres(settings: Settings) -> str:
    """The address of the PostgreSQL that answers.

    Raises: UnavailableError when none does.
    """
    if settings.database_url is not None:
        await check_postgres(settings.database_url)
        return settings.database_url
    server = PostgresServer(state_folders(settings), postgres_home=settings.postgres_home)
    if not await server.is_ready():
        raise UnavailableError("no PostgreSQL: set OMS_DATABASE_URL, or run `oms up`, which brings one")
    return server.url


async def reachable_redis(settings: Settings) -> str:
    """The address of the Redis that answers.

    Raises: UnavailableError when none does.
    """
    if settings.redis_url is not None:
        await check_redis(settings.redis_url)
        return settings.redis_url
    server = RedisServer(state_folders(settings))
    if not await server.is_ready():
        raise UnavailableError("no Redis: set OMS_REDIS_URL, or run `oms up`, which brings one")
    return server.url


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {_TIMEOUT_S:.0f} s"
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
