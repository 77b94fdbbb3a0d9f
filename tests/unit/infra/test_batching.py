"""Batches: whoever comes meanwhile goes next, single items before those that come in bulk."""

import asyncio
from collections.abc import Sequence

import pytest

from app.core.errors import UnavailableError
from app.infra.batching import BATCH_MAX, WAITING_MAX, Batcher

TIMEOUT_S = 5.0


class Kitchen:
    """Handles batches of numbers, each when it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go = asyncio.Semaphore(0)

    async def handle(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        await self.go.acquire()
        if -1 in items:
            raise ValueError("burnt")
        return [item * 10 for item in items]


async def test_single_items_go_before_what_waits_in_bulk() -> None:
    kitchen = Kitchen()
    async with Batcher(kitchen.handle) as batcher:
        bulk = asyncio.create_task(batcher.submit_all(range(1_000, 1_000 + 2 * BATCH_MAX)))
        while not kitchen.batches:
            await asyncio.sleep(0)
        singles = [asyncio.create_task(batcher.submit(number)) for number in range(3)]
        await asyncio.sleep(0)
        for _ in range(3):
            kitchen.go.release()

        answers = await bulk

    assert [task.result() for task in singles] == [0, 10, 20]
    assert answers == [number * 10 for number in range(1_000, 1_000 + 2 * BATCH_MAX)]
    assert [len(batch) for batch in kitchen.batches] == [BATCH_MAX, BATCH_MAX, 3]
    assert kitchen.batches[1][:4] == [0, 1, 2, 1_000 + BATCH_MAX]


async def test_a_batch_that_fails_leaves_the_others_of_a_bulk_alone() -> None:
    kitchen = Kitchen()
    items = [-1, *range(2 * BATCH_MAX - 1)]
    async with Batcher(kitchen.handle) as batcher:
        kitchen.go.release()
        kitchen.go.release()

        answers = await batcher.submit_all(items)

    assert [type(answer) for answer in answers[:BATCH_MAX]] == [ValueError] * BATCH_MAX
    assert answers[BATCH_MAX:] == [item * 10 for item in items[BATCH_MAX:]]


async def test_a_bulk_that_finds_no_room_is_taken_not_at_all() -> None:
    kitchen = Kitchen()
    async with Batcher(kitchen.handle) as batcher:
        with pytest.raises(UnavailableError):
            await batcher.submit_all(range(WAITING_MAX + 1))

    assert kitchen.batches == []


async def test_batch_that_fails_is_told_to_its_callers_and_to_no_others() -> None:
    async def refuse_odd(numbers: Sequence[int]) -> Sequence[int]:
        if any(number % 2 for number in numbers):
            raise ValueError("odd")
        return numbers

    async with Batcher(refuse_odd) as batcher, asyncio.timeout(TIMEOUT_S):
        with pytest.raises(ValueError, match="odd"):
            await batcher.submit(1)

        assert await batcher.submit(2) == 2
