"""What a subscriber of the bus is told when the way to Redis breaks and nobody says so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from app.infra.bus import GAP, Bus, RedisBackend
from app.infra.redis import Redis, open_redis
from tests.faults.proxy import Proxy, Side, proxied, to_port, to_socket

TIMEOUT_S = 10.0


@asynccontextmanager
async def behind_a_proxy(redis_url: str) -> AsyncIterator[Proxy]:
    """A proxy before the Redis server."""
    address = urlsplit(redis_url)
    dial = to_socket(address.path) if address.scheme == "unix" else to_port(address.port or 6379)
    async with proxied("redis", dial) as proxy:
        yield proxy


async def test_way_that_broke_unsaid_is_told_as_a_gap_and_messages_come_again(
    redis_url: str, redis_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.infra.bus.SILENCE_S", 0.2)
    sender: Redis = await open_redis(redis_url, redis_prefix)
    async with (
        asyncio.timeout(TIMEOUT_S),
        behind_a_proxy(redis_url) as proxy,
        Bus(f"redis://127.0.0.1:{proxy.port}", redis_prefix) as bus,
        bus.subscribe("news") as news,
    ):
        await sender.publish([("news", b"first")])
        assert await anext(news) == b"first"

        breaking = asyncio.create_task(proxy.half_open(Side.SERVER, 60))
        assert await anext(news) is GAP
        await sender.publish([("news", b"second")])

        assert await anext(news) == b"second"
        breaking.cancel()
    await asyncio.gather(breaking, return_exceptions=True)
    await sender.close()


async def test_quiet_channel_is_no_loss(redis_url: str, redis_prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.infra.bus.SILENCE_S", 0.3)
    sender: Redis = await open_redis(redis_url, redis_prefix)
    async with asyncio.timeout(TIMEOUT_S), Bus(redis_url, redis_prefix) as bus, bus.subscribe("quiet") as quiet:
        waiting = asyncio.ensure_future(anext(quiet))
        done, _ = await asyncio.wait({waiting}, timeout=1)
        assert not done
        await sender.publish([("quiet", b"late")])

        assert await waiting == b"late"
    await sender.close()


@pytest.mark.parametrize("turns", range(5))
async def test_a_cancellation_in_the_moment_of_the_confirmation_is_not_lost(redis_url: str, turns: int) -> None:
    backend = RedisBackend(redis_url)
    subscribing = asyncio.create_task(backend.subscribe("channel"))
    while "channel" not in backend._confirmed:
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)

    backend._confirmed["channel"].set()
    for _ in range(turns):
        await asyncio.sleep(0)
    was_waiting = subscribing.cancel()
    await asyncio.gather(subscribing, return_exceptions=True)

    assert subscribing.cancelled() is was_waiting
