"""History, options, futures and delayed data over the simulator's socket, on both client libraries."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from app.brokers.ib.adapter import IbAdapter
from app.brokers.inquiries import (
    AskBars,
    AskTicks,
    Bars,
    ContractQuery,
    DescribeContracts,
    ListOptions,
    OptionClasses,
    PastTicks,
    ToldContracts,
)
from app.core.fix import BarInterval, InstrumentType
from tests.contract.brokers.conftest import Bench, RecordingSink, contract_of


@pytest.fixture
async def adapter(bench: Bench) -> IbAdapter:
    """A connected adapter."""
    made = bench.adapter(RecordingSink())
    await made.connect()
    return made


@pytest.mark.parametrize("interval", list(BarInterval))
async def test_bars_of_each_length_lie_within_what_was_asked_for(adapter: IbAdapter, interval: BarInterval) -> None:
    length = timedelta(seconds=interval.seconds)
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    start = end - 10 * length

    told = await adapter.inquire(AskBars(contract=contract_of("EUR.USD"), interval=interval, start=start, end=end))

    assert isinstance(told, Bars)
    assert told.bars
    times = [bar.time for bar in told.bars]
    assert times == sorted(set(times))
    assert all(start <= time < end for time in times)
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in told.bars)


async def test_trades_of_the_past_come_in_the_order_of_time(adapter: IbAdapter) -> None:
    end = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)

    told = await adapter.inquire(AskTicks(contract=contract_of("AAPL"), start=None, end=end, count=20))

    assert isinstance(told, PastTicks)
    assert 0 < len(told.ticks) <= 20
    times = [tick.time for tick in told.ticks]
    assert times == sorted(times)
    assert all(time < end for time in times)
    assert all(tick.last is not None and tick.bid is None for tick in told.ticks)


async def test_quotes_of_a_pair_stand_for_its_trades(adapter: IbAdapter) -> None:
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)

    told = await adapter.inquire(AskTicks(contract=contract_of("EUR.USD"), start=start, end=None, count=5))

    assert isinstance(told, PastTicks)
    assert len(told.ticks) == 5
    assert all(tick.bid is not None and tick.ask is not None and tick.last is None for tick in told.ticks)


async def test_an_option_of_the_chain_is_described(adapter: IbAdapter) -> None:
    chain = await adapter.inquire(ListOptions(contract=contract_of("AAPL")))
    assert isinstance(chain, OptionClasses)
    [smart] = [one for one in chain.classes if one.exchange == "SMART"]

    query = ContractQuery(
        symbol="AAPL",
        instrument_type=InstrumentType.OPTION,
        exchange="SMART",
        currency="USD",
        expires_on=smart.expiries[-1],
        strike=smart.strikes[len(smart.strikes) // 2],
    )
    found = await adapter.inquire(DescribeContracts(query=query))

    assert isinstance(found, ToldContracts)
    assert {one.option_right for one in found.contracts} == {"CALL", "PUT"}
    for one in found.contracts:
        assert (one.multiplier, one.underlying_symbol, one.underlying_contract_id) == (Decimal(100), "AAPL", 265598)
        assert (one.expires_on, one.strike) == (query.expires_on, query.strike)
        assert [str(band.increment) for band in one.price_bands] != []


async def test_futures_are_found_by_what_they_are_on(adapter: IbAdapter) -> None:
    query = ContractQuery(symbol="ES", instrument_type=InstrumentType.FUTURE, currency="USD")

    found = await adapter.inquire(DescribeContracts(query=query))

    assert isinstance(found, ToldContracts)
    assert found.contracts
    assert {one.multiplier for one in found.contracts} == {Decimal(50)}
    assert all(one.expires_on is not None and one.instrument_type is InstrumentType.FUTURE for one in found.contracts)
