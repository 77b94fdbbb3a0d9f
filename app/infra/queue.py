"""Background work: taskiq on Redis streams. It carries wake-ups and chores, nothing that must not be lost."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import Final

from taskiq import AckableMessage, AsyncBroker, TaskiqScheduler, async_shared_broker
from taskiq.schedule_sources import LabelScheduleSource
from taskiq_redis import RedisStreamBroker

from app.infra.redis import REDIS_LOST

log = logging.getLogger(__name__)

QUEUE: Final = "tasks"
QUEUE_LENGTH_MAX: Final = 10_000
_BACKOFF_S: Final = 1.0
_LOCK_TIMEOUT_S: Final = 60.0


class PatientBroker(RedisStreamBroker):
    """Waits for a Redis that is away, and makes the queue anew in one that forgot it."""

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        """The messages, for ever. The library itself would try again at once, with a traceback for each time."""
        is_up = True
        while True:
            try:
                if not is_up:
                    await self._declare_consumer_group()
                    log.info("the queue is there again")
                    is_up = True
                async for message in super().listen():
                    yield message
            except REDIS_LOST as error:
                if is_up:
                    log.error("the queue waits: %s", error)
                is_up = False
                await asyncio.sleep(_BACKOFF_S)


def make_broker(url: str, prefix: str) -> AsyncBroker:
    """The broker of the installation; tasks declared on the shared broker run on it."""
    broker = PatientBroker(
        url,
        queue_name=prefix + QUEUE,
        consumer_group_name=prefix + QUEUE,
        # From the stream's beginning, so that what is sent before the group is made again is done too.
        consumer_id="0",
        maxlen=QUEUE_LENGTH_MAX,
        # A worker that is killed while it holds the lock must not keep the others from it for ever.
        unacknowledged_lock_timeout=_LOCK_TIMEOUT_S,
    )
    async_shared_broker.default_broker(broker)
    return broker


def make_scheduler(broker: AsyncBroker) -> TaskiqScheduler:
    """The scheduler that sends tasks at the times their labels say."""
    return TaskiqScheduler(broker, [LabelScheduleSource(async_shared_broker)])
