"""What the calendar and the account do to orders: expiry, margin, market data lines, a market told what to show."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.simulator.config import SimulatorConfig
from app.simulator.server import Simulator
from tests.contract.simulator.clients import quiet
from tests.contract.simulator.clocks import HandClock
from tests.contract.simulator.raw import AAPL, RawClients, place_order

Start = Callable[..., Coroutine[Any, Any, Simulator]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def start_one(clock: HandClock | None = None, **config: Any) -> Simulator:
            server = Simulator(SimulatorConfig(market_interval_ms=5, **config), clock)
            await server.start()
            stack.push_async_callback(server.stop)
            quiet(server)
            return server

        yield start_one


async def test_day_order_expires_at_midnight_and_a_good_till_cancel_stays(start: Start, raw: RawClients) -> None:
    clock = HandClock(datetime(2026, 11, 20, 23, 50, tzinfo=UTC))
    server = await start(clock)
    client = await raw.start(server.port, "v157..178")
    for order_id, time_in_force in ((1, "DAY"), (2, "GTC")):
        client.writer.write(
            place_order(178, order_id, "BUY", "1", order_type="LMT", limit="200", time_in_force=time_in_force)
        )
        await client.until("3", at1=str(order_id), at2="Submitted")

    clock.moment += timedelta(minutes=11)

    assert (await client.until("3", at2="Cancelled"))[1] == "1"
    assert [order.request.order_id for order in server.venue.exchange.open_orders()] == [2]


async def test_good_till_date_order_expires_at_its_time(start: Start, raw: RawClients) -> None:
    clock = HandClock(datetime(2026, 11, 20, 23, 50, tzinfo=UTC))
    server = await start(clock)
    client = await raw.start(server.port, "v157..178")
    order = place_order(
        178, 1, "BUY", "1", order_type="LMT", limit="200", time_in_force="GTD", good_till="20261120 23:55:00 UTC"
    )
    client.writer.write(order)
    await client.until("3", at1="1", at2="Submitted")

    clock.moment += timedelta(minutes=4)
    client.send(49, 1)
    await client.until("49")
    assert len(list(server.venue.exchange.open_orders())) == 1
    clock.moment += timedelta(minutes=1)

    assert (await client.until("3", at2="Cancelled"))[1] == "1"


async def test_good_till_date_may_be_put_off(start: Start, raw: RawClients) -> None:
    clock = HandClock(datetime(2026, 11, 20, 23, 50, tzinfo=UTC))
    server = await start(clock)
    client = await raw.start(server.port, "v157..178")
    for good_till in ("20261120 23:55:00 UTC", "20261121 12:00:00 UTC"):
        order = place_order(178, 1, "BUY", "1", order_type="LMT", limit="200", time_in_force="GTD", good_till=good_till)
        client.writer.write(order)
        await client.until("3", at1="1", at2="Submitted")

    clock.moment += timedelta(hours=1)
    server.venue.pass_time(clock.now())
    assert len(list(server.venue.exchange.open_orders())) == 1
    clock.moment += timedelta(hours=12)

    assert (await client.until("3", at2="Cancelled"))[1] == "1"


async def test_order_beyond_the_margin_is_rejected_when_margin_is_enforced(start: Start, raw: RawClients) -> None:
    server = await start(is_margin_enforced=True, displayed_size_max=100_000)
    client = await raw.start(server.port, "v157..178")

    client.writer.write(place_order(178, 1, "BUY", "8700", order_type="LMT", limit="200"))
    refused = await client.until("4", at2="1")
    inactive = await client.until("3", at1="1")
    client.writer.write(place_order(178, 2, "BUY", "8600", order_type="LMT", limit="200"))
    accepted = await client.until("3", at1="2")

    assert refused[3] == "201"
    assert "initial margin" in refused[4]
    assert inactive[2] == "Inactive"
    assert accepted[2] == "Submitted"


async def test_market_data_lines_are_limited(start: Start, raw: RawClients) -> None:
    server = await start(market_lines_max=2)
    client = await raw.start(server.port, "v157..178")

    for request_id in (1, 2, 3):
        client.send(1, 11, request_id, *AAPL, 0, "", 0, 0, "")

    assert (await client.until("4", at3="101"))[2] == "3"
    client.send(2, 2, 1)
    client.send(1, 11, 3, *AAPL, 0, "", 0, 0, "")
    assert (await client.until("58", at2="3"))[3] == "1"


async def test_same_line_twice_and_the_end_of_none_are_told(start: Start, raw: RawClients) -> None:
    server = await start()
    client = await raw.start(server.port, "v157..178")

    for _ in range(2):
        client.send(1, 11, 5, *AAPL, 0, "", 0, 0, "")
    client.send(2, 2, 6)

    assert (await client.until("4", at3="322"))[2] == "5"
    assert (await client.until("4", at3="300"))[2] == "6"


async def test_side_that_shows_nothing_is_told_as_minus_one_and_fills_nothing(start: Start, raw: RawClients) -> None:
    server = await start()
    client = await raw.start(server.port, "v157..178")
    client.send(1, 11, 5, *AAPL, 0, "", 0, 0, "")
    await client.until("1", at3="2")

    server.set_quote("AAPL", bid=Decimal("229.99"), ask=None, ask_size=Decimal(0))
    assert (await client.until("1", at3="2"))[4] == "-1"
    client.writer.write(place_order(178, 1, "BUY", "1"))
    assert (await client.until("3", at2="Submitted"))[3] == "0"
    server.set_quote("AAPL", bid=Decimal("229.99"), ask=Decimal("230.01"))

    assert (await client.until("3", at2="Filled"))[5] == "230.01"


async def test_resumed_market_moves_by_itself(start: Start, raw: RawClients) -> None:
    server = await start()
    client = await raw.start(server.port, "v157..178")
    client.send(1, 11, 5, *AAPL, 0, "", 0, 0, "")
    await client.until("1", at3="14")

    server.resume_market()

    for _ in range(3):
        await client.until("1", at3="1")


async def test_quote_of_an_unknown_symbol_is_the_callers_mistake(start: Start) -> None:
    server = await start()

    with pytest.raises(KeyError):
        server.set_quote("NOSUCH", bid=Decimal(1), ask=Decimal(2))
