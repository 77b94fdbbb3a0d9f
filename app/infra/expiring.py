"""A bounded cache of answers that hold for a few seconds, each fetched once however many ask."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class ExpiringCache(Generic[_Key, _Value]):
    """Answers by key, the oldest going first when size_max is reached; life_s is counted on a monotonic clock."""

    def __init__(self, *, life_s: float, size_max: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._life_s = life_s
        self._size_max = size_max
        self._monotonic = monotonic
        self._entries: dict[_Key, tuple[float, _Value]] = {}
        self._locks: WeakValueDictionary[_Key, asyncio.Lock] = WeakValueDictionary()

    async def get(self, key: _Key, fetch: Callable[[], Awaitable[_Value]]) -> _Value:
        """The answer, at most life_s old; of those who ask for a missing one, one fetches and the others wait.

        Its age counts from before the fetch. What fetch raises is raised and not kept.
        """
        entry = self._live(key)
        if entry is not None:
            return entry[1]
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            entry = self._live(key)
            if entry is not None:
                return entry[1]
            asked_at = self._monotonic()
            value = await fetch()
            self._entries.pop(key, None)
            while len(self._entries) >= self._size_max:
                del self._entries[next(iter(self._entries))]
            self._entries[key] = (asked_at, value)
            return value

    def drop(self, is_meant: Callable[[_Value], bool]) -> None:
        """Forgets the answers that are meant."""
        for key in [key for key, (_, value) in self._entries.items() if is_meant(value)]:
            del self._entries[key]

    def __len__(self) -> int:
        return len(self._entries)

    def _live(self, key: _Key) -> tuple[float, _Value] | None:
        entry = self._entries.get(key)
        return entry if entry is not None and self._monotonic() - entry[0] < self._life_s else None
