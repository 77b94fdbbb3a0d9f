"""The relay: one at a time by lease, each account in order, nothing lost while Redis or a relay is away."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import orjson
import pytest

from app.flows.journal.event_feed import EventFeeds
from app.flows.journal.relay_outbox import Relay
from app.infra.bus import Gap, Stream
from app.infra.db import Database
from app.infra.redis import Redis, make_client
from app.infra.uow import begin_system
from app.orders.domain.journal import events_channel
from tests.command_line import Running, started
from tests.integration.flows.conftest import Trader

LEASE_S = 0.4


class HeldRedis(Redis):
    """A Redis that hangs before or after it took the messages, until it is let go."""

    def __init__(self, redis: Redis, *, takes_first: bool) -> None:
        super().__init__(redis.client, redis.prefix)
        self._takes_first = takes_first
        self.is_reached = asyncio.Event()
        self.is_free = asyncio.Event()

    async def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Publishes, at last."""
        if self._takes_first:
            await super().publish(messages)
        self.is_reached.set()
        await self.is_free.wait()
        if not self._takes_first:
            await super().publish(messages)


@pytest.fixture
async def empty_outbox(system_database: Database) -> None:
    """Takes away what other tests have left, and the lease."""
    async with begin_system(system_database) as session:
        await session.execute("DELETE FROM outbox")
        await session.execute("UPDATE relay_leases SET lease_until = '-infinity'")


@asynccontextmanager
async def heard(trader: Trader) -> AsyncIterator[Stream[bytes]]:
    """What comes over the bus for the trader's tenant."""
    async with trader.desk.bus.subscribe(events_channel(trader.key.tenant_id)) as stream:
        yield stream


async def sequences(stream: Stream[bytes], last: int) -> list[int]:
    """The sequences that come, up to the last."""
    seen: list[int] = []
    async with asyncio.timeout(30):
        while not seen or seen[-1] < last:
            message = await anext(stream)
            assert not isinstance(message, Gap)
            seen += [document["sequence"] for document in orjson.loads(message)]
    return seen


async def waiting(database: Database, trader: Trader) -> int:
    """How many messages of the trader's tenant wait in the outbox."""
    async with begin_system(database) as session:
        rows = await session.fetch("SELECT count(*) AS n FROM outbox WHERE tenant_id = $1", trader.key.tenant_id)
    return int(rows[0]["n"])


@pytest.mark.usefixtures("empty_outbox")
async def test_one_relay_is_active_and_another_takes_over_when_it_stands_down(
    trader: Trader, system_database: Database
) -> None:
    first, second = (Relay(system_database, trader.desk.redis, trader.desk.ids) for _ in range(2))

    assert await first.relay_once() == 0
    assert await second.relay_once() is None
    assert await first.relay_once() == 0
    await first.stand_down()

    assert await second.relay_once() == 0
    assert await first.relay_once() is None
    await second.stand_down()


@pytest.mark.usefixtures("empty_outbox")
async def test_events_leave_in_the_order_of_the_account(trader: Trader, system_database: Database) -> None:
    relay = Relay(system_database, trader.desk.redis, trader.desk.ids)
    async with heard(trader) as stream:
        for _ in range(5):
            await trader.placed()
        logged = [one.sequence for one in await trader.events()]

        sent = await relay.relay_once()
        seen = await sequences(stream, logged[-1])

    assert sent == 5
    assert seen == logged == list(range(1, len(logged) + 1))
    assert await waiting(system_database, trader) == 0
    await relay.stand_down()


@pytest.mark.usefixtures("empty_outbox")
@pytest.mark.parametrize("takes_first", [True, False], ids=["after it published", "before it publishes"])
async def test_a_frozen_relay_is_followed_by_another_and_takes_nothing_away_later(
    trader: Trader, system_database: Database, takes_first: bool
) -> None:
    redis = HeldRedis(trader.desk.redis, takes_first=takes_first)
    frozen = Relay(system_database, redis, trader.desk.ids, lease_s=LEASE_S)
    other = Relay(system_database, trader.desk.redis, trader.desk.ids, lease_s=LEASE_S)
    async with heard(trader) as stream:
        await trader.placed()
        relaying = asyncio.create_task(frozen.relay_once())
        await redis.is_reached.wait()
        assert await other.relay_once() is None
        await trader.placed()
        last = (await trader.events())[-1].sequence
        async with asyncio.timeout(10):
            while not await other.relay_once():
                await asyncio.sleep(0.02)

        # Committed after the other had relayed: it must be there when the frozen one goes on.
        await trader.placed()
        redis.is_free.set()
        sent_by_frozen = await relaying
        left = await waiting(system_database, trader)
        seen = await sequences(stream, last)

    assert sent_by_frozen is None
    assert left == 1
    assert set(seen) == set(range(1, last + 1))
    await other.stand_down()


@pytest.mark.usefixtures("empty_outbox")
async def test_no_transaction_is_open_while_redis_hangs_and_nothing_is_lost(
    trader: Trader, system_database: Database, database_url: str
) -> None:
    redis = HeldRedis(trader.desk.redis, takes_first=False)
    relay = Relay(system_database, redis, trader.desk.ids)
    await trader.placed()
    relaying = asyncio.create_task(relay.relay_once())
    await redis.is_reached.wait()

    async with system_database.acquire() as connection:
        in_transaction = await connection.fetch(
            "SELECT query FROM pg_stat_activity WHERE application_name = 'oms/oms_system' AND pid <> pg_backend_pid()"
            " AND datname = current_database() AND xact_start IS NOT NULL"
        )
    with pytest.raises(TimeoutError):
        await relaying

    assert in_transaction == []
    assert await waiting(system_database, trader) == 1
    await relay.stand_down()


@pytest.mark.usefixtures("empty_outbox")
async def test_a_redis_that_is_away_delays_and_loses_nothing(trader: Trader, system_database: Database) -> None:
    nobody = Redis(make_client("redis://127.0.0.1:1"), trader.desk.redis.prefix)
    relay = Relay(system_database, nobody, trader.desk.ids)
    await trader.placed()
    with pytest.raises(Exception, match="connect"):
        await relay.relay_once()
    await relay.stand_down()
    again = Relay(system_database, trader.desk.redis, trader.desk.ids)

    async with heard(trader) as stream:
        assert await again.relay_once() == 1
        assert await sequences(stream, 1) == [1]
    await again.stand_down()
    await nobody.close()


async def test_followers_see_what_the_bus_has_lost_without_another_event(
    trader: Trader, intake_database: Database
) -> None:
    # No relay: nothing comes over the bus, as when Redis forgot the last message.
    async with AsyncExitStack() as stack:
        feeds = await stack.enter_async_context(
            EventFeeds(trader.desk.bus, trader.desk.database, intake_database, watch_s=0.05)
        )
        early = await stack.enter_async_context(feeds.follow(trader.key.tenant_id))
        late = await stack.enter_async_context(feeds.follow(trader.key.tenant_id))
        await trader.placed()
        async with asyncio.timeout(10):
            seen = [await anext(early), await anext(late)]

    logged = tuple(await trader.events())
    assert seen == [logged, logged]


@pytest.mark.usefixtures("empty_outbox")
async def test_of_two_processes_one_may_freeze_and_then_die(
    trader: Trader, system_database: Database, database_url: str, redis_url: str, redis_prefix: str, tmp_path: Path
) -> None:
    def relay_process() -> AbstractAsyncContextManager[Running]:
        return started(
            "relay",
            folder=tmp_path,
            OMS_ENVIRONMENT="test",
            OMS_DATABASE_URL=database_url,
            OMS_REDIS_URL=redis_url,
            OMS_REDIS_PREFIX=redis_prefix,
        )

    async def holder() -> str:
        async with begin_system(system_database) as session:
            rows = await session.fetch("SELECT holder FROM relay_leases WHERE lease_until > clock_timestamp()")
        return rows[0]["holder"] if rows else ""

    async def changed(before: str) -> str:
        async with asyncio.timeout(30):
            while (now := await holder()) in ("", before):
                await asyncio.sleep(0.05)
        return now

    async with (
        heard(trader) as stream,
        relay_process() as first,
    ):
        one = await changed("")
        async with relay_process() as second:
            await trader.placed()
            seen = await sequences(stream, 1)
            assert await holder() == one

            first.send_signal(signal.SIGSTOP)
            await trader.placed()
            other = await changed(one)
            seen += await sequences(stream, 2)

            first.send_signal(signal.SIGCONT)
            await trader.placed()
            seen += await sequences(stream, 3)
            assert await holder() == other

            second.send_signal(signal.SIGKILL)
            await trader.placed()
            assert await changed(other) == one
            seen += await sequences(stream, 4)

    assert set(seen) == {1, 2, 3, 4}
    async with asyncio.timeout(10):
        while await waiting(system_database, trader):
            await asyncio.sleep(0.05)
