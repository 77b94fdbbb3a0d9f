"""Natural batching: whoever comes while the last batch is being handled goes into the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Generic, Self, TypeVar

from app.core.errors import UnavailableError

ItemT = TypeVar("ItemT")
AnswerT = TypeVar("AnswerT")

BATCH_MAX = 256
WAITING_MAX = 10_000


class Batcher(Generic[ItemT, AnswerT]):
    """Gathers concurrent calls into batches, without a timer, and gives each caller its own answer.

    handle answers a batch item by item.
    """

    def __init__(self, handle: Callable[[Sequence[ItemT]], Awaitable[Sequence[AnswerT]]]) -> None:
        self._handle = handle
        self._waiting: deque[tuple[ItemT, asyncio.Future[AnswerT]]] = deque()
        self._in_bulk: deque[tuple[ItemT, asyncio.Future[AnswerT]]] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="batcher")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None, "entered before it is left"
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        for _, future in (*self._waiting, *self._in_bulk):
            if not future.done():
                future.set_exception(UnavailableError("the process is stopping"))
        self._waiting.clear()
        self._in_bulk.clear()

    async def submit(self, item: ItemT) -> AnswerT:
        """The answer to the item.

        Raises UnavailableError when too many wait, and whatever the handling of its batch raised.
        """
        if len(self._waiting) >= WAITING_MAX:
            raise UnavailableError("too many orders are waiting")
        future: asyncio.Future[AnswerT] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._wake.set()
        return await future

    async def submit_all(self, items: Sequence[ItemT]) -> list[AnswerT | BaseException]:
        """The answer to each of the items, or what the handling of its batch raised.

        They are handled in their order, in what room single items leave in the batches. Raises UnavailableError when
        too many wait.
        """
        if len(self._in_bulk) + len(items) > WAITING_MAX:
            raise UnavailableError("too many orders are waiting")
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[AnswerT]] = [loop.create_future() for _ in items]
        self._in_bulk.extend(zip(items, futures, strict=True))
        self._wake.set()
        return await asyncio.gather(*futures, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
            room = BATCH_MAX - len(batch)
            batch += [self._in_bulk.popleft() for _ in range(min(room, len(self._in_bulk)))]
            if not (self._waiting or self._in_bulk):
                self._wake.clear()
            if batch:
                await self._answer(batch)

    async def _answer(self, batch: list[tuple[ItemT, asyncio.Future[AnswerT]]]) -> None:
        try:
            answers = await self._handle([item for item, _ in batch])
        except asyncio.CancelledError:
            for _, future in batch:
                if not future.done():
                    future.set_exception(UnavailableError("the process is stopping; the outcome is not known"))
            raise
        except Exception as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)
