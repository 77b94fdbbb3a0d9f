"""What is shared is open while somebody uses it, and once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from app.infra.sharing import Sharing


class Lamp:
    """Counts how often it was lit and put out."""

    def __init__(self) -> None:
        self.lit = 0
        self.out = 0
        self.may_light = asyncio.Event()
        self.may_light.set()
        self.is_broken = False

    def opener(self) -> Callable[[], AbstractAsyncContextManager[int]]:
        """Opens it: its number."""

        @asynccontextmanager
        async def light() -> AsyncIterator[int]:
            await self.may_light.wait()
            if self.is_broken:
                raise OSError("dark")
            self.lit += 1
            try:
                yield self.lit
            finally:
                self.out += 1

        return light


async def test_the_first_opens_and_the_last_closes() -> None:
    sharing, lamp = Sharing(), Lamp()

    async with sharing.use("hall", lamp.opener()) as first:
        async with sharing.use("hall", lamp.opener()) as second, sharing.use("yard", lamp.opener()) as other:
            assert (first, second, other) == (1, 1, 2)
            assert len(sharing) == 2
        assert (lamp.lit, lamp.out) == (2, 1)

    assert (lamp.lit, lamp.out, len(sharing)) == (2, 2, 0)


async def test_those_who_come_while_it_opens_wait_for_it() -> None:
    sharing, lamp = Sharing(), Lamp()
    lamp.may_light.clear()

    async def use() -> int:
        async with sharing.use("hall", lamp.opener()) as number:
            await asyncio.sleep(0)
            return number

    using = [asyncio.create_task(use()) for _ in range(5)]
    await asyncio.sleep(0)
    using[0].cancel()
    await asyncio.sleep(0)
    lamp.may_light.set()
    found = await asyncio.gather(*using, return_exceptions=True)

    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1:] == [1, 1, 1, 1]
    assert (lamp.lit, lamp.out, len(sharing)) == (1, 1, 0)


async def test_what_failed_to_open_is_opened_by_the_next() -> None:
    sharing, lamp = Sharing(), Lamp()
    lamp.is_broken = True
    with pytest.raises(OSError, match="dark"):
        async with sharing.use("hall", lamp.opener()):
            pass
    lamp.is_broken = False

    async with sharing.use("hall", lamp.opener()) as number:
        assert number == 1

    assert (lamp.out, len(sharing)) == (1, 0)
