"""The batcher: each caller its own answer, and no trouble of one batch is another's."""

import asyncio
from collections.abc import Sequence

import pytest

from app.infra.batching import Batcher

TIMEOUT_S = 5.0


async def double(numbers: Sequence[int]) -> Sequence[int]:
    return [2 * number for number in numbers]


async def nothing(_: Sequence[int]) -> None:
    return


async def test_callers_at_the_same_time_each_get_their_own_answer() -> None:
    async with Batcher(double, nothing) as batcher:
        answers = await asyncio.gather(*(batcher.submit(number) for number in range(1_000)))

    assert answers == [2 * number for number in range(1_000)]


async def test_what_fails_after_the_answers_does_not_end_the_batcher() -> None:
    async def fail(_: Sequence[int]) -> None:
        raise RuntimeError("the handler is closed")

    async with Batcher(double, fail) as batcher, asyncio.timeout(TIMEOUT_S):
        first = await batcher.submit(1)
        second = await batcher.submit(2)

    assert (first, second) == (2, 4)


async def test_batch_that_fails_is_told_to_its_callers_and_to_no_others() -> None:
    async def refuse_odd(numbers: Sequence[int]) -> Sequence[int]:
        if any(number % 2 for number in numbers):
            raise ValueError("odd")
        return numbers

    async with Batcher(refuse_odd, nothing) as batcher, asyncio.timeout(TIMEOUT_S):
        with pytest.raises(ValueError, match="odd"):
            await batcher.submit(1)

        assert await batcher.submit(2) == 2
