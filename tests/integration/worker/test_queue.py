"""The queue when Redis forgets: a worker goes on, and what is sent afterwards is done."""

import asyncio

import pytest
from taskiq import AckableMessage, BrokerMessage

from app.infra.queue import QUEUE, do_chores, make_broker
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
    listening.cancel()
    await asyncio.wait({listening})
    await broker.shutdown()
    await redis.close()


async def test_worker_that_stops_ends_what_it_has_begun(redis_url: str, redis_prefix: str) -> None:
    broker = make_broker(redis_url, f"{redis_prefix}ending:")
    begun, may_end, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @broker.task(task_name="slow")
    async def slow() -> None:
        begun.set()
        await may_end.wait()
        done.set()

    await broker.startup()
    worker = asyncio.create_task(do_chores(broker))
    async with asyncio.timeout(10):
        await slow.kiq()
        await begun.wait()
        worker.cancel()
        _, still = await asyncio.wait([worker], timeout=0.1)
        may_end.set()
        await asyncio.wait([worker])

    assert still == {worker}
    assert done.is_set()
    await broker.shutdown()


async def test_chore_that_outlives_a_stop_is_cut_off_without_an_alarm(
    redis_url: str, redis_prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    broker = make_broker(redis_url, f"{redis_prefix}endless:")
    begun, ended = asyncio.Event(), asyncio.Event()

    @broker.task(task_name="endless")
    async def endless() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    await broker.startup()
    worker = asyncio.create_task(do_chores(broker, end_s_max=0.05))
    async with asyncio.timeout(10):
        await endless.kiq()
        await begun.wait()
        worker.cancel()
        await asyncio.wait([worker])
        await ended.wait()

    assert "1 chores end unfinished" in caplog.text
    assert "Traceback" not in caplog.text
    await broker.shutdown()


def _message(data: bytes) -> BrokerMessage:
    return BrokerMessage(task_id="one", task_name="nothing", message=data, labels={})
