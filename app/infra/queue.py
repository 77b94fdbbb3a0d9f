"""Background work: taskiq on Redis streams. It carries wake-ups and chores, nothing that must not be lost."""

from typing import Final

from taskiq import AsyncBroker, TaskiqScheduler, async_shared_broker
from taskiq.schedule_sources import LabelScheduleSource
from taskiq_redis import RedisStreamBroker

QUEUE: Final = "tasks"
QUEUE_LENGTH_MAX: Final = 10_000


def make_broker(url: str, prefix: str) -> AsyncBroker:
    """The broker of the installation; tasks declared on the shared broker run on it."""
    broker = RedisStreamBroker(
        url, queue_name=prefix + QUEUE, consumer_group_name=prefix + QUEUE, maxlen=QUEUE_LENGTH_MAX
    )
    async_shared_broker.default_broker(broker)
    return broker


def make_scheduler(broker: AsyncBroker) -> TaskiqScheduler:
    """The scheduler that sends tasks at the times their labels say."""
    return TaskiqScheduler(broker, [LabelScheduleSource(async_shared_broker)])
