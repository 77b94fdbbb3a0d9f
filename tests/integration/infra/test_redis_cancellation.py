"""A cancellation reaches whoever waits for Redis, in whichever moment it comes."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.infra.redis import REDIS_LOST, Redis, open_redis

MOMENTS = 150
"""Turns of the event loop after which the cancellation comes, each from 0 to 14, ten times."""


async def _publishing(redis: Redis) -> None:
    await redis.publish([("nobody", b"1"), ("nobody", b"2")])


async def _pinging(redis: Redis) -> None:
    await redis.ping()


@pytest.mark.parametrize("command", [_publishing, _pinging], ids=["pipeline", "command"])
async def test_loop_around_a_command_ends_when_it_is_cancelled(
    redis_url: str, redis_prefix: str, command: Callable[[Redis], Awaitable[None]]
) -> None:
    redis = await open_redis(redis_url, redis_prefix)
    deaf = 0

    async def loop_for_ever() -> None:
        while True:
            try:
                await command(redis)
            except REDIS_LOST:
                continue

    for moment in range(MOMENTS):
        looping = asyncio.create_task(loop_for_ever())
        for _ in range(20 + moment % 15):
            await asyncio.sleep(0)
        looping.cancel()
        _, pending = await asyncio.wait([looping], timeout=0.2)
        deaf += len(pending)
        while not looping.done():
            looping.cancel()
            await asyncio.wait([looping], timeout=0.05)

    assert deaf == 0
    await redis.close()


async def test_command_on_the_way_out_is_carried_out(redis_url: str, redis_prefix: str) -> None:
    redis = await open_redis(redis_url, redis_prefix)
    told = asyncio.Event()

    async def leave_in_order() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await redis.publish([("nobody", b"bye")])
            told.set()

    leaving = asyncio.create_task(leave_in_order())
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])

    assert told.is_set()
    await redis.close()
