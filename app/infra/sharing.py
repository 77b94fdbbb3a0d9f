"""What runs while somebody uses it: opened by the first who asks, shared by all, closed by the last who leaves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable, Set
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Final, TypeVar

END_RETRY_S: Final = 0.5

ThingT = TypeVar("ThingT")


class _Entry:
    def __init__(self) -> None:
        self.users = 0
        self.thing: Any = None
        self.changing = asyncio.Lock()
        self.stack = AsyncExitStack()


class Sharing:
    """Things by key, each open while it has users."""

    def __init__(self) -> None:
        self._entries: dict[Hashable, _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def keys(self) -> Set[Hashable]:
        """The keys of what is open, or about to be."""
        return self._entries.keys()

    @property
    def things(self) -> list[Any]:
        """What is open now."""
        return [entry.thing for entry in self._entries.values() if entry.thing is not None]

    @asynccontextmanager
    async def use(
        self, key: Hashable, open_thing: Callable[[], AbstractAsyncContextManager[ThingT]]
    ) -> AsyncIterator[ThingT]:
        """The thing of the key while the block lasts. One that fails to open is opened anew by the next who asks."""
        entry = self._entries.setdefault(key, _Entry())
        entry.users += 1
        try:
            async with entry.changing:
                if entry.thing is None:
                    entry.thing = await entry.stack.enter_async_context(open_thing())
            yield entry.thing
        finally:
            entry.users -= 1
            if not entry.users:
                # Whoever comes now opens another one.
                if self._entries.get(key) is entry:
                    del self._entries[key]
                await asyncio.shield(entry.stack.aclose())


async def end_task(task: "asyncio.Task[None]") -> None:
    """Ends a task and waits until it has ended."""
    # A cancellation gets lost where a time-out ends at the same moment: it is repeated.
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=END_RETRY_S)
