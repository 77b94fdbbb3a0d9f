"""Hints that are given beside the work that causes them."""

import asyncio
from collections.abc import Sequence
from typing import Any

from app.flows.hints import LANES, OUTBOX, Bell

TIMEOUT_S = 5.0


class Line:
    """A Redis that takes each message when it is told to, or refuses it."""

    def __init__(self) -> None:
        self.told: list[list[str]] = []
        self.go = asyncio.Semaphore(0)
        self.refuses = False

    async def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        self.told.append([channel for channel, _ in messages])
        await self.go.acquire()
        if self.refuses:
            raise RuntimeError("the handler is closed")


async def until(line: Line, count: int) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while len(line.told) < count:
            await asyncio.sleep(0)


async def test_rings_during_a_hint_are_one_hint_after_it() -> None:
    line: Any = Line()
    async with Bell(line, LANES, OUTBOX) as bell:
        bell.ring()
        await until(line, 1)
        for _ in range(3):
            bell.ring()
        line.go.release()
        await until(line, 2)
        line.go.release()
        for _ in range(10):
            await asyncio.sleep(0)

    assert line.told == [[LANES, OUTBOX]] * 2


async def test_a_hint_that_fails_does_not_silence_the_bell() -> None:
    line: Any = Line()
    line.refuses = True
    async with Bell(line, LANES) as bell:
        bell.ring()
        line.go.release()
        await until(line, 1)
        bell.ring()

        await until(line, 2)


async def test_a_bell_ends_although_the_first_cancellation_is_lost_in_a_hint() -> None:
    class Deaf(Line):
        async def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
            try:
                await super().publish(messages)
            except asyncio.CancelledError:
                # The client of Redis loses a cancellation where it comes between two of its own waits.
                return

    line: Any = Deaf()
    async with asyncio.timeout(TIMEOUT_S):
        async with Bell(line, LANES) as bell:
            bell.ring()
            await until(line, 1)

    assert line.told == [[LANES]]
