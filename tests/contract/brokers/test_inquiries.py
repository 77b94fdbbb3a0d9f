"""Inquiries about contracts over the simulator's socket, on both client libraries."""

import asyncio
from decimal import Decimal

import pytest

from app.brokers.errors import BrokerDisconnectedError, InquiryRefusedError
from app.brokers.ib.adapter import IbAdapter
from app.brokers.inquiries import (
    ContractHits,
    ContractQuery,
    DescribeContracts,
    MarketSnapshot,
    SearchContracts,
    TakeSnapshot,
    ToldContracts,
)
from app.core.fix import InstrumentType
from app.core.messages import PriceBand
from tests.contract.brokers.conftest import Bench, RecordingSink, contract_of

APPLE = 265598


@pytest.fixture
async def adapter(bench: Bench) -> IbAdapter:
    """A connected adapter."""
    made = bench.adapter(RecordingSink())
    await made.connect()
    return made


async def test_a_search_finds_contracts_by_the_beginning_of_their_symbol(adapter: IbAdapter) -> None:
    found = await adapter.inquire(SearchContracts(pattern="AAP"))

    assert isinstance(found, ContractHits)
    [hit] = [one for one in found.hits if one.contract_id == APPLE]
    assert (hit.symbol, hit.security_type, hit.currency) == ("AAPL", "STK", "USD")
    assert hit.instrument_type is InstrumentType.STOCK


async def test_two_searches_keep_a_second_between_them(adapter: IbAdapter) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()

    await asyncio.gather(*(adapter.inquire(SearchContracts(pattern=letter)) for letter in "AM"))

    assert loop.time() - begun >= 1.0


async def test_a_contract_is_described_with_increments_and_hours(adapter: IbAdapter) -> None:
    found = await adapter.inquire(DescribeContracts(query=ContractQuery(contract_id=APPLE)))

    assert isinstance(found, ToldContracts)
    [told] = found.contracts
    assert (told.contract_id, told.symbol, told.exchange, told.currency) == (APPLE, "AAPL", "SMART", "USD")
    assert (told.instrument_type, told.multiplier, told.lot_size) == (InstrumentType.STOCK, Decimal(1), Decimal(1))
    assert told.price_bands == (PriceBand(lowest=Decimal(0), increment=Decimal("0.01")),)
    assert told.zone is not None
    assert told.known_from is not None
    assert told.known_until is not None
    assert all(told.known_from <= one.opens_at < one.closes_at <= told.known_until for one in told.regular)


async def test_a_pair_is_found_by_the_name_that_a_trader_types(adapter: IbAdapter) -> None:
    query = ContractQuery(symbol="EUR.USD", instrument_type=InstrumentType.FOREX, exchange="IDEALPRO")

    found = await adapter.inquire(DescribeContracts(query=query))

    assert isinstance(found, ToldContracts)
    [told] = found.contracts
    assert (told.local_symbol, told.instrument_type, told.tick_size) == (
        "EUR.USD",
        InstrumentType.FOREX,
        Decimal("0.00005"),
    )


async def test_what_nobody_lists_is_refused_in_the_brokers_words(adapter: IbAdapter) -> None:
    query = ContractQuery(symbol="NOPE", instrument_type=InstrumentType.STOCK, exchange="SMART", currency="USD")

    with pytest.raises(InquiryRefusedError, match="200 No security definition"):
        await adapter.inquire(DescribeContracts(query=query))


async def test_many_inquiries_at_a_time_are_told_apart(adapter: IbAdapter) -> None:
    symbols = ("AAPL", "MSFT", "SAP", "SPY", "EUR.USD")

    found = await asyncio.gather(
        *(
            adapter.inquire(DescribeContracts(query=ContractQuery(contract_id=contract_of(symbol).contract_id)))
            for symbol in symbols
        )
    )

    told = [one.contracts[0].local_symbol for one in found if isinstance(one, ToldContracts)]
    assert told == list(symbols)


async def test_a_snapshot_shows_the_market_without_a_line(adapter: IbAdapter) -> None:
    shown = await adapter.inquire(TakeSnapshot(contract=contract_of("AAPL")))

    assert isinstance(shown, MarketSnapshot)
    assert (shown.bid, shown.ask, shown.is_delayed) == (Decimal("187.4"), Decimal("187.42"), False)
    assert adapter.take_ticks() == []


async def test_a_session_that_ended_is_not_asked(adapter: IbAdapter) -> None:
    await adapter.close()

    with pytest.raises(BrokerDisconnectedError):
        await adapter.inquire(SearchContracts(pattern="AAP"))
