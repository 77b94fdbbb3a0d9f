"""Rate limits on a real Redis: what is let through, over how many processes, at what price, and without Redis."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from app.core.gcra import Limit, Standing
from app.infra.embedded import start_redis
from app.infra.rates import WINDOW_S, Charge, RateLimiter
from app.infra.redis import Redis, make_client

# A quarter of a second may be long on a busy machine; what a limit lets through does not depend on it.
PATIENCE_S = 5.0


@asynccontextmanager
async def limiter_at(url: str, prefix: str, **options: float) -> AsyncIterator[RateLimiter]:
    """The limiter of a process of its own."""
    redis = Redis(make_client(url), prefix)
    async with RateLimiter(redis, timeout_s=options.get("timeout_s", PATIENCE_S)) as limiter:
        yield limiter
    await redis.close()


@pytest.fixture
async def limiter(redis_url: str, redis_prefix: str) -> AsyncIterator[RateLimiter]:
    """A limiter."""
    async with limiter_at(redis_url, redis_prefix) as one:
        yield one


def charge(limit: Limit, units: int = 1, key: str | None = None) -> Charge:
    return Charge(key=key or uuid4().hex, limit=limit, units=units)


def is_through(standing: Standing | None) -> bool:
    return standing is not None and standing.wait_s == 0


SLOW = Limit(units_per_s=0.001, burst=10)


async def test_a_burst_goes_through_and_no_more(limiter: RateLimiter) -> None:
    one = charge(SLOW)

    standings = [await limiter.charge([one], opens=False) for _ in range(12)]

    assert [is_through(standing) for standing in standings] == [True] * 10 + [False] * 2
    assert [standing.remaining for standing in standings if standing] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0]
    refused = standings[-1]
    assert refused is not None
    assert 900 < refused.wait_s <= 1000


async def test_units_flow_back(redis_url: str, redis_prefix: str) -> None:
    limit = Limit(units_per_s=40, burst=2)
    async with limiter_at(redis_url, redis_prefix) as limiter:
        one = charge(limit, 2)
        assert is_through(await limiter.charge([one], opens=False))
        refused = await limiter.charge([one], opens=False)
        assert refused is not None
        assert 0 < refused.wait_s <= 0.05

        async with asyncio.timeout(10):
            while not is_through(await limiter.charge([one], opens=False)):
                await asyncio.sleep(refused.wait_s)


async def test_where_one_limit_refuses_none_is_charged(limiter: RateLimiter) -> None:
    wide, narrow = charge(SLOW), charge(Limit(units_per_s=0.001, burst=1))
    assert is_through(await limiter.charge([wide, narrow], opens=False))
    for _ in range(30):
        refused = await limiter.charge([wide, narrow], opens=False)
        assert refused is not None
        assert refused.key == narrow.key

    assert [is_through(await limiter.charge([wide], opens=False)) for _ in range(10)] == [True] * 9 + [False]


async def test_more_than_a_burst_at_once_waits_for_the_whole_burst(limiter: RateLimiter) -> None:
    large = charge(SLOW, 1_000_000)

    assert is_through(await limiter.charge([large], opens=False))
    assert not is_through(await limiter.charge([large], opens=False))


async def test_those_who_come_at_once_share_a_call(limiter: RateLimiter) -> None:
    tenant = charge(Limit(units_per_s=1000, burst=10_000))
    keys = [charge(Limit(units_per_s=1000, burst=1000)) for _ in range(20)]

    standings = await asyncio.gather(*(limiter.charge([one, tenant], opens=False) for one in keys * 10))

    assert all(is_through(standing) for standing in standings)
    assert limiter.calls <= 3


async def test_a_steady_stream_asks_redis_seldom(limiter: RateLimiter) -> None:
    one = charge(Limit(units_per_s=100_000, burst=1_000_000), 10)
    asked = 0
    async with asyncio.timeout(30):
        loop = asyncio.get_running_loop()
        began = loop.time()
        while loop.time() - began < 4 * WINDOW_S:
            assert is_through(await limiter.charge([one], opens=False))
            asked += 1
            await asyncio.sleep(0)

    assert asked > 400
    assert limiter.calls < asked / 10


async def test_what_was_refused_is_refused_again_without_redis(limiter: RateLimiter) -> None:
    one = charge(Limit(units_per_s=0.001, burst=1))
    await limiter.charge([one], opens=False)
    await limiter.charge([one], opens=False)
    calls = limiter.calls

    for _ in range(100):
        assert not is_through(await limiter.charge([one], opens=False))

    assert limiter.calls == calls


@pytest.mark.parametrize("processes", [2, 5])
async def test_all_processes_together_let_one_burst_through(redis_url: str, redis_prefix: str, processes: int) -> None:
    limit = Limit(units_per_s=200, burst=200)
    key = uuid4().hex
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        limiters = [await stack.enter_async_context(limiter_at(redis_url, redis_prefix)) for _ in range(processes)]
        asked = let_through = 0

        async def press(limiter: RateLimiter, seed: int) -> None:
            nonlocal asked, let_through
            dice = random.Random(seed)
            while loop.time() < ends_at:
                units = dice.choice((1, 1, 2, 5))
                asked += units
                if is_through(await limiter.charge([charge(limit, units, key)], opens=False)):
                    let_through += units
                await asyncio.sleep(dice.choice((0, 0, 0.001, 0.02)))

        began = loop.time()
        ends_at = began + 1.5
        await asyncio.gather(*(press(one, 10 * place + n) for place, one in enumerate(limiters) for n in range(4)))
        lasted = loop.time() - began

    exact = limit.burst + limit.units_per_s * lasted
    assert let_through <= exact + limit.units_per_s * WINDOW_S
    # And it is not stingy: what was taken ahead in vain comes back. A machine that is overrun asks for less.
    assert let_through >= min(exact, asked / 2) * 0.8


async def test_who_keeps_a_small_quota_is_not_refused(limiter: RateLimiter) -> None:
    # Twenty a second allowed and eighteen sent: nothing that is taken ahead may cost a request.
    quota = charge(Limit(units_per_s=20, burst=4))

    for _ in range(30):
        assert is_through(await limiter.charge([quota], opens=False))
        await asyncio.sleep(0.055)


async def test_redis_killed_in_the_midst(state_dir: Path) -> None:
    one = charge(SLOW)
    async with AsyncExitStack() as servers:
        url = await servers.enter_async_context(start_redis(state_dir, durable=False))
        async with limiter_at(url, "killed:", timeout_s=0.5) as limiter:
            assert [is_through(await limiter.charge([one], opens=False)) for _ in range(11)].count(True) == 10
            await servers.aclose()
            other = charge(SLOW)

            reads = [await limiter.charge([other], opens=True) for _ in range(30)]
            # Of two limits all give, or none does: the first is as full as it was.
            spent, full = charge(Limit(units_per_s=0.001, burst=1)), charge(SLOW)
            await limiter.charge([spent], opens=False)
            refused = [await limiter.charge([full, spent], opens=False) for _ in range(20)]
            rest = [await limiter.charge([full], opens=False) for _ in range(12)]
            orders = [await limiter.charge([other], opens=False) for _ in range(12)]
            async with start_redis(state_dir, durable=False) as again:
                assert again == url
                async with asyncio.timeout(20):
                    while await limiter.charge([charge(SLOW)], opens=True) is None:
                        await asyncio.sleep(0.05)

    assert reads == [None] * 30
    assert all(standing is not None and standing.key == spent.key for standing in refused)
    assert rest[:10] == [None] * 10
    assert orders[:10] == [None] * 10
    assert not any(is_through(standing) for standing in orders[10:])
    assert all(standing is not None and standing.wait_s > 0 for standing in orders[10:])
