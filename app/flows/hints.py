"""Wake-up calls between processes: lost ones cost a moment, never an order; whoever waits also looks by itself."""

import asyncio
import contextlib
import logging
from types import TracebackType
from typing import Self

from app.infra.redis import REDIS_LOST, Redis
from app.infra.sharing import end_task

log = logging.getLogger(__name__)

LANES = "hint:lanes"
OUTBOX = "hint:outbox"


async def hint(redis: Redis, *channels: str) -> None:
    """Tells those who wait on the channels to look now."""
    with contextlib.suppress(*REDIS_LOST):
        await redis.publish([(channel, b"1") for channel in channels])


class Bell:
    """Hints beside the work that causes them: rung while one is under way, it hints once more after that."""

    def __init__(self, redis: Redis, *channels: str) -> None:
        self._redis = redis
        self._channels = channels
        self._rung = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="bell")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None, "entered before it is left"
        await end_task(self._task)

    def ring(self) -> None:
        """Asks for a hint; waits for nothing."""
        self._rung.set()

    async def _run(self) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            try:
                await hint(self._redis, *self._channels)
            except Exception:
                # The edge of a background loop: the next ring must still be heard.
                log.exception("a hint failed")
