"""An event loop whose time jumps to the next timer: a minute of waiting costs nothing, and a run repeats exactly."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

START = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


class NothingLeftError(Exception):
    """Every task waits for another: no timer will ever wake one of them."""


class VirtualLoop(asyncio.BaseEventLoop):
    """No sockets, no threads, no clock but its own."""

    def __init__(self) -> None:
        super().__init__()
        self._virtual_s = 0.0
        self._selector = self

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._virtual_s

    def select(self, timeout: float | None) -> list[Any]:
        """What the loop asks of its selector: to wait. Time passes instead."""
        if timeout is None:
            raise NothingLeftError
        self._virtual_s += max(timeout, 0.0)
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        assert not event_list

    def _write_to_self(self) -> None:
        raise AssertionError("nothing here has threads")


class VirtualClock:
    """The house's clock: the loop's time as an instant."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        """This instant."""
        return START + timedelta(seconds=self._loop.time())


class CountedIds:
    """Ids in the order of their making."""

    def __init__(self) -> None:
        self._last = 0

    def new(self) -> UUID:
        """The next id."""
        self._last += 1
        return UUID(int=self._last)
