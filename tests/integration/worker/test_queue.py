"""The queue when Redis forgets: a worker goes on, and what is sent afterwards is done."""

import asyncio

import pytest
from taskiq import AckableMessage, BrokerMessage

from app.infra.queue import QUEUE, make_broker
from app.infra.redis import open_redis


async def test_worker_listens_on_after_redis_forgot_the_queue(
    redis_url: str, redis_prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    redis = await open_redis(redis_url, redis_prefix)
    broker = make_broker(redis_url, f"{redis_prefix}forgotten:")
    broker.is_worker_process = True
    await broker.startup()
    arrived: asyncio.Queue[AckableMessage] = asyncio.Queue()

    async def listen() -> None:
        async for message in broker.listen():
            assert isinstance(message, AckableMessage)
            arrived.put_nowait(message)

    listening = asyncio.create_task(listen())
    await broker.kick(_message(b"before"))
    async with asyncio.timeout(10):
        before = await arrived.get()

    await redis.client.delete(f"{redis_prefix}forgotten:{QUEUE}")
    await broker.kick(_message(b"after"))

    async with asyncio.timeout(10):
        after = await arrived.get()
    assert (before.data, after.data) == (b"before", b"after")
    assert [record.name for record in caplog.records].count("app.infra.queue") <= 2
    # The library loses a cancellation that comes while it reads.
    while not listening.done():
        listening.cancel()
        await asyncio.wait({listening}, timeout=0.1)
    await broker.shutdown()
    await redis.close()


def _message(data: bytes) -> BrokerMessage:
    return BrokerMessage(task_id="one", task_name="nothing", message=data, labels={})
