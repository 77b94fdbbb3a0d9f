"""The cache of short-lived answers."""

import asyncio

import pytest

from app.infra.expiring import ExpiringCache


class Source:
    """Counts how often it is asked; answers with the count."""

    def __init__(self) -> None:
        self.asked = 0

    async def fetch(self) -> int:
        """The next number, after a turn of the loop."""
        self.asked += 1
        answer = self.asked
        await asyncio.sleep(0)
        return answer


class Stopwatch:
    """A monotonic clock in the test's hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_an_answer_is_kept_for_its_life() -> None:
    source, watch = Source(), Stopwatch()
    cache: ExpiringCache[str, int] = ExpiringCache(life_s=5, size_max=10, monotonic=watch)

    first = await cache.get("a", source.fetch)
    watch.now = 4.9
    second = await cache.get("a", source.fetch)
    watch.now = 5.0
    third = await cache.get("a", source.fetch)

    assert (first, second, third) == (1, 1, 2)


async def test_many_who_ask_at_once_fetch_once() -> None:
    source = Source()
    cache: ExpiringCache[str, int] = ExpiringCache(life_s=5, size_max=10)

    answers = await asyncio.gather(*(cache.get("a", source.fetch) for _ in range(50)))

    assert set(answers) == {1}


async def test_the_cache_never_outgrows_its_bound() -> None:
    source = Source()
    cache: ExpiringCache[int, int] = ExpiringCache(life_s=5, size_max=3)

    for key in range(10):
        await cache.get(key, source.fetch)

    assert len(cache) == 3


async def test_a_failed_fetch_is_not_kept_and_the_next_one_asks_again() -> None:
    source = Source()
    cache: ExpiringCache[str, int] = ExpiringCache(life_s=5, size_max=3)

    async def fail() -> int:
        raise OSError("down")

    with pytest.raises(OSError, match="down"):
        await cache.get("a", fail)

    assert await cache.get("a", source.fetch) == 1


async def test_the_leaving_of_who_fetches_does_not_hurt_who_waits() -> None:
    source = Source()
    cache: ExpiringCache[str, int] = ExpiringCache(life_s=5, size_max=3)
    gate = asyncio.Event()

    async def slow() -> int:
        await gate.wait()
        return 0

    leaving = asyncio.ensure_future(cache.get("a", slow))
    await asyncio.sleep(0)
    waiting = asyncio.ensure_future(cache.get("a", source.fetch))
    await asyncio.sleep(0)
    leaving.cancel()

    assert await waiting == 1


async def test_a_dropped_answer_is_asked_for_again() -> None:
    source = Source()
    cache: ExpiringCache[str, int] = ExpiringCache(life_s=5, size_max=3)
    await cache.get("a", source.fetch)

    cache.drop(lambda value: value == 1)

    assert await cache.get("a", source.fetch) == 2
