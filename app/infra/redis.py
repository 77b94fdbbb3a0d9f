"""Redis: last values, hints and leases, under the prefix of the installation."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from redis.asyncio import Redis as Client
from redis.asyncio.client import Pipeline
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from app.core.errors import UnavailableError

TIMEOUT_S = 2.0
REDIS_LOST: tuple[type[BaseException], ...] = (RedisError, OSError, TimeoutError)


def make_client(url: str, *, timeout_s: float | None = TIMEOUT_S) -> Client:
    """A client of the address, redis://, rediss:// or unix://; nothing is connected yet."""
    client = _HeedingClient.from_url(
        url,
        socket_connect_timeout=TIMEOUT_S,
        socket_timeout=timeout_s,
        retry=Retry(NoBackoff(), 1),
        health_check_interval=15,
    )
    pool = client.connection_pool
    pool.connection_class = _telling_its_loss(pool.connection_class)
    return client


def _telling_its_loss(kind: type[AbstractConnection]) -> type[AbstractConnection]:
    class Connection(kind):  # type: ignore[misc, valid-type]
        async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
            try:
                await super().send_packed_command(command, check_health)
            except RuntimeError as error:
                # Real world: uvloop refuses to write to a socket that the server has just reset, in its own way.
                raise RedisConnectionError(f"the connection is closed: {error}") from error

    return Connection


@contextmanager
def _heeding_cancellation() -> Iterator[None]:
    # Real world: redis-py may answer a command in the moment of a cancellation as if there had been none, or tell it as
    # a loss; the loop around the command would go on for ever.
    task = asyncio.current_task()
    before = 0 if task is None else task.cancelling()
    try:
        yield
    finally:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError


class _HeedingPipeline(Pipeline):
    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        with _heeding_cancellation():
            return await super().execute(raise_on_error)


class _HeedingClient(Client):
    async def execute_command(self, *args: Any, **options: Any) -> Any:
        with _heeding_cancellation():
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        return _HeedingPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class Redis:
    """A client that puts the prefix before every key and channel.

    Values are bytes. Each call raises RedisError or TimeoutError when the server does not answer: what is kept here
    may be lost at any time, so callers have a way on without it.
    """

    def __init__(self, client: Client, prefix: str) -> None:
        self.client = client
        self.prefix = prefix

    async def close(self) -> None:
        """Closes the connections."""
        await self.client.aclose()

    async def ping(self) -> None:
        """Raises when the server does not answer."""
        await self.client.ping()

    async def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Publishes messages in order, in one round trip."""
        if not messages:
            return
        async with self.client.pipeline(transaction=False) as pipeline:
            for channel, message in messages:
                pipeline.publish(self.prefix + channel, message)
            await pipeline.execute()


async def open_redis(url: str, prefix: str) -> Redis:
    """A connected Redis.

    Raises UnavailableError when the server does not answer.
    """
    redis = Redis(make_client(url), prefix)
    try:
        await redis.ping()
    except REDIS_LOST as error:
        await redis.close()
        raise UnavailableError(f"Redis does not answer: {error}") from error
    return redis
