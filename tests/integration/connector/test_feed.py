"""Market data from the simulator's socket to Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import count

import pytest

from app.brokers.ib.adapter import IbAdapter
from app.brokers.ib.library import Library
from app.brokers.ib.pacing import Pacer
from app.brokers.ib.session import GatewayAddress
from app.brokers.port import BrokerSink
from app.connector.feed import CLIENT_ID_OFFSET, FeedAdapter, FeedIntervals, FeedRunner
from app.core.errors import UnavailableError
from app.core.messages import Tick
from app.infra.bus import Bus
from app.infra.redis import Redis
from app.infra.system import SystemClock
from app.marketdata.domain import decode_ticks, ticks_channel
from app.marketdata.lines import WatchList
from app.marketdata.service import read_quotes
from app.simulator.server import Simulator
from tests.contract.brokers.conftest import contract_of
from tests.integration.connector.conftest import House

WAIT_S = 5.0
AAPL = contract_of("AAPL")
MSFT = contract_of("MSFT")


@asynccontextmanager
async def feeding(house: House, redis: Redis, outages: int = 0) -> AsyncIterator[None]:
    """A feed of AAPL and MSFT at work; after its first look the database is away so many times."""
    looks = count()

    def adapter(sink: BrokerSink) -> FeedAdapter:
        account = house.account
        return IbAdapter(
            library=Library("ib_insync"),
            address=GatewayAddress(
                host=account.host,
                port=account.port,
                client_id=account.client_id + CLIENT_ID_OFFSET,
                account=account.account_number,
            ),
            tenant=account.tenant_id,
            sink=sink,
            pacer=Pacer(None, asyncio.get_running_loop()),
            clock=SystemClock(),
        )

    async def wanted() -> WatchList:
        if 0 < next(looks) <= outages:
            raise UnavailableError("the database does not answer")
        return WatchList(contracts=(AAPL, MSFT))

    async def rates() -> None:
        return None

    async def nothing(_: object) -> None:
        return None

    runner = FeedRunner(
        account=house.account,
        make_adapter=adapter,
        watch_list=wanted,
        count=nothing,
        keep_rates=rates,
        renewals=(nothing,),
        redis=redis,
        clock=SystemClock(),
        intervals=FeedIntervals(window_s=0.01, contracts_s=0.1, probe_s=0.05),
    )
    task = asyncio.create_task(runner.run())
    try:
        yield
        assert not task.done(), "a feed goes on until it is cancelled"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until_told(bus: Bus, house: House, redis: Redis, bid: str) -> list[Tick]:
    """Wait until the channel tells this bid for AAPL; all ticks told until then."""
    told: list[Tick] = []
    async with (
        asyncio.timeout(WAIT_S),
        bus.subscribe(ticks_channel(house.tenant_id)) as stream,
        feeding(house, redis),
    ):
        async for message in stream:
            if isinstance(message, bytes):
                told += decode_ticks(message)
            if any(tick.symbol == "AAPL" and tick.bid == Decimal(bid) for tick in told):
                return told
    raise AssertionError("the stream ended")


async def test_quotes_are_kept_and_told(
    house: House, redis: Redis, redis_url: str, redis_prefix: str, simulator: Simulator
) -> None:
    simulator.set_quote("AAPL", bid=Decimal("187.40"), ask=Decimal("187.42"), bid_size=Decimal(300))

    async with Bus(redis_url, redis_prefix) as bus:
        told = await until_told(bus, house, redis, "187.4")
    quotes = await read_quotes(redis, house.tenant_id, [AAPL.instrument_id, MSFT.instrument_id])

    assert {tick.instrument_id for tick in told} <= {AAPL.instrument_id, MSFT.instrument_id}
    aapl = quotes[AAPL.instrument_id]
    assert (aapl.bid, aapl.ask, aapl.bid_size) == (Decimal("187.4"), Decimal("187.42"), Decimal(300))


async def test_the_feed_comes_back_after_the_gateway(
    house: House, redis: Redis, redis_url: str, redis_prefix: str, simulator: Simulator
) -> None:
    async with (
        Bus(redis_url, redis_prefix) as bus,
        asyncio.timeout(WAIT_S),
        bus.subscribe(ticks_channel(house.tenant_id)) as stream,
        feeding(house, redis),
    ):
        await anext(stream)

        simulator.drop_connections()
        simulator.set_quote("AAPL", bid=Decimal("190.10"), ask=Decimal("190.12"))

        async for message in stream:
            if isinstance(message, bytes) and any(tick.bid == Decimal("190.1") for tick in decode_ticks(message)):
                break
    quotes = await read_quotes(redis, house.tenant_id, [AAPL.instrument_id])
    assert quotes[AAPL.instrument_id].bid == Decimal("190.1")


async def test_quotes_of_nothing_are_nothing(house: House, redis: Redis) -> None:
    assert await read_quotes(redis, house.tenant_id, []) == {}
    assert await read_quotes(redis, house.tenant_id, [AAPL.instrument_id]) == {}


async def test_the_feed_tells_on_while_the_database_is_away(
    house: House,
    redis: Redis,
    redis_url: str,
    redis_prefix: str,
    simulator: Simulator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with (
        Bus(redis_url, redis_prefix) as bus,
        asyncio.timeout(WAIT_S),
        bus.subscribe(ticks_channel(house.tenant_id)) as stream,
        feeding(house, redis, outages=1_000),
    ):
        while "the database does not answer" not in caplog.text:
            simulator.step_market()
            await anext(stream)
        simulator.set_quote("AAPL", bid=Decimal("191.10"), ask=Decimal("191.12"))

        told: list[Tick] = []
        while not any(tick.bid == Decimal("191.10") for tick in told):
            message = await anext(stream)
            told += decode_ticks(message) if isinstance(message, bytes) else []

    assert "stopped" not in caplog.text
