"""Long documents looked at beside the loop: in a process behind all others, or in a thread where there is none."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import Final

from app.core.errors import OmsError
from schema.base.documents import Prepared

Work = Callable[[str], Prepared]
Elsewhere = Callable[[str], Future[Prepared]]
"""The way to the process that looks at long documents."""

# What is shorter costs less than to send it elsewhere and wait.
ASIDE_LENGTH_MIN: Final = 1_024
WAITING_MAX: Final = 5
# The dearest document takes 60 ms: whoever needs this long is frozen, or the machine is overrun.
ANSWERS_WITHIN_S: Final = 20.0
_log = logging.getLogger("oms.graphql")


class DocumentsTooManyError(OmsError):
    """The tenant, or the address without a credential, has as many new documents looked at as it may."""

    code = "DOCUMENTS_TOO_MANY"
    is_retryable = True

    def __init__(self) -> None:
        super().__init__("Too many new documents at once: ask again, or ask for those that are known.")


class Aside:
    """Prepares long documents one at a time, so that nobody's order waits for anybody's document.

    Each holder has a few of them waiting at most; who asks for the same document waits for the same work. The work is
    done by the process that `elsewhere` leads to; without one, or when it is lost, by a thread.
    """

    def __init__(
        self, work: Work, elsewhere: Elsewhere | None = None, answers_within_s: float = ANSWERS_WITHIN_S
    ) -> None:
        self._work = work
        self._elsewhere = elsewhere
        self._answers_within_s = answers_within_s
        self._coming: dict[str, asyncio.Task[Prepared]] = {}
        self._waiting: Counter[Hashable] = Counter()
        self._turn = asyncio.Semaphore(1)

    async def prepare(self, text: str, holder: Hashable) -> Prepared:
        """The document. Raises DocumentsTooManyError."""
        coming = self._coming.get(text)
        if coming is None:
            if self._waiting[holder] >= WAITING_MAX:
                raise DocumentsTooManyError
            self._waiting[holder] += 1
            # A task of its own: who asked first may leave while others wait.
            coming = self._coming[text] = asyncio.create_task(self._prepare(text, holder))
        return await asyncio.shield(coming)

    async def _prepare(self, text: str, holder: Hashable) -> Prepared:
        try:
            async with self._turn:
                return await self._prepared(text)
        finally:
            del self._coming[text]
            self._waiting[holder] -= 1
            if not self._waiting[holder]:
                del self._waiting[holder]

    async def _prepared(self, text: str) -> Prepared:
        if self._elsewhere is not None:
            try:
                return await asyncio.wait_for(asyncio.wrap_future(self._elsewhere(text)), self._answers_within_s)
            except (BrokenProcessPool, TimeoutError) as error:
                # A process is safely forked before it has threads: there is no other until this one starts again.
                _log.warning("the process that looks at new documents is lost, a thread does its work: %r", error)
                self._elsewhere = None
        return await asyncio.to_thread(self._work, text)
