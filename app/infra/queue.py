"""Background work: taskiq on Redis streams. It carries wake-ups and chores, nothing that must not be lost."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import Any, Final

from taskiq import AckableMessage, AsyncBroker, TaskiqMessage, TaskiqMiddleware, TaskiqScheduler, async_shared_broker
from taskiq.api import run_receiver_task
from taskiq.schedule_sources import LabelScheduleSource
from taskiq_redis import RedisStreamBroker

from app.infra.redis import REDIS_LOST

log = logging.getLogger(__name__)

QUEUE: Final = "tasks"
QUEUE_LENGTH_MAX: Final = 10_000
_BACKOFF_S: Final = 1.0
_LOCK_TIMEOUT_S: Final = 60.0
_END_S_MAX: Final = 3.0
_CANCEL_EVERY_S: Final = 0.1


class PatientBroker(RedisStreamBroker):
    """Waits for a Redis that is away, and makes the queue anew in one that forgot it."""

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        """The messages, until it is cancelled. The library alone loses a cancellation that comes while it reads."""
        messages = self._messages()
        reading: asyncio.Task[AckableMessage] | None = None
        try:
            while True:
                reading = asyncio.create_task(_next(messages))
                yield await asyncio.shield(reading)
        finally:
            while reading is not None and not reading.done():
                reading.cancel()
                await asyncio.wait([reading], timeout=_CANCEL_EVERY_S)
            await messages.aclose()

    async def _messages(self) -> AsyncGenerator[AckableMessage, None]:
        # The library itself would try again at once, with a traceback for each time.
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


async def _next(messages: AsyncGenerator[AckableMessage, None]) -> AckableMessage:
    return await anext(messages)


class Chores(TaskiqMiddleware):
    """Knows which chores are being done, so that a worker that stops lets them end."""

    def __init__(self) -> None:
        super().__init__()
        self._running: set[asyncio.Task[Any]] = set()

    def pre_execute(self, message: TaskiqMessage) -> TaskiqMessage:
        """Keeps the chore until it is done, acknowledgement and all."""
        task = asyncio.current_task()
        assert task is not None, "the receiver runs each chore in a task of its own"
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return message

    async def end(self, timeout_s: float) -> None:
        """Waits for the chores that run, and cancels those that take longer than a stop may."""
        running = set(self._running)
        try:
            if running:
                await asyncio.wait(running, timeout=timeout_s)
        finally:
            unfinished = [task for task in running if not task.done()]
            for task in unfinished:
                task.cancel()
            if unfinished:
                log.warning("%d chores end unfinished; their next time finds what is left", len(unfinished))


async def do_chores(broker: AsyncBroker, *, end_s_max: float = _END_S_MAX) -> None:
    """Does what the queue brings until it is cancelled, and then what it has begun, for some seconds at most."""
    chores = Chores()
    broker.add_middlewares(chores)
    logging.getLogger("taskiq.receiver.receiver").addFilter(_is_no_cancellation)
    try:
        await run_receiver_task(broker)
    finally:
        await chores.end(end_s_max)


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    # The library tells a chore that was cut off as it tells a broken one.
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)


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
