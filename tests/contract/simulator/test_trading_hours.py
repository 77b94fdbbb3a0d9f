"""Sessions on a clock set by hand: what rests outside them, what an opening does, and what ends with the day."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.core.money import plain
from app.core.sessions import US_SHARES
from app.simulator.config import SessionMode, SimulatorConfig
from app.simulator.orders import OrderStatus, SimulatedOrder
from app.simulator.server import Simulator
from tests.contract.simulator.clients import Desk, load, quiet, until
from tests.contract.simulator.clocks import HandClock
from tests.contract.simulator.raw import RawClients, place_order

MORNING = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
"""A Friday, 08:00 in New York: early trading, before the opening."""

OPENING = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
CLOSE = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)


class Floor:
    """A simulator in the exchange's hours, on a clock that stands, and one client of it."""

    def __init__(self, server: Simulator, clock: HandClock, desk: Desk) -> None:
        self.server = server
        self.clock = clock
        self.desk = desk

    def be(self, moment: datetime) -> None:
        """Set the clock, and let the simulator look at it."""
        self.clock.moment = moment
        self.server.venue.pass_time(moment)

    def order(self, number: int = 0) -> SimulatedOrder:
        """The number-th order that was placed."""
        return list(self.server.venue.exchange.orders.values())[number]

    async def place(self, order_type: str = "LMT", quantity: int = 100, **terms: Any) -> SimulatedOrder:
        """A new order to buy AAPL, as the exchange has it."""
        exchange = self.server.venue.exchange
        count = len(exchange.orders)
        names = {"orderType": order_type, "action": "BUY", "totalQuantity": quantity, "tif": "DAY", **terms}
        self.desk.place(self.desk.library.Order(**names))
        await until(lambda: len(exchange.orders) > count, "the order at the exchange")
        return self.order(-1)


def dealt(order: SimulatedOrder) -> tuple[str, int, str]:
    """The order's status, what it filled and at which price."""
    return order.status.value, int(order.filled), plain(order.average_price)


Start = Callable[..., Coroutine[Any, Any, Floor]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def start_one(moment: datetime, **config: Any) -> Floor:
            clock = HandClock(moment)
            config = {"sessions": SessionMode.EXCHANGE, **config}
            server = Simulator(SimulatorConfig(market_interval_ms=5, **config), clock)
            await server.start()
            stack.push_async_callback(server.stop)
            quiet(server)
            desk = Desk(load("ib_async"), server.port)
            await desk.connect()
            stack.callback(desk.ib.disconnect)
            return Floor(server, clock, desk)

        yield start_one


async def test_order_rests_before_the_opening_and_fills_with_it(start: Start) -> None:
    floor = await start(MORNING)

    order = await floor.place(lmtPrice=231.0)
    await until(lambda: floor.desk.codes() == [399], "the notice that it waits")
    before = dealt(order)
    floor.be(OPENING)

    assert before == ("PreSubmitted", 0, "0")
    assert "will not be placed at the exchange until 2026-11-20 09:30:00 America/New_York" in floor.desk.errors[-1][2]
    assert dealt(order) == ("Filled", 100, "230.01")


async def test_order_for_extended_hours_fills_before_the_opening(start: Start) -> None:
    floor = await start(MORNING)

    order = await floor.place(lmtPrice=231.0, outsideRth=True)

    assert order.status == "Filled"
    assert floor.desk.codes() == []


async def test_order_for_extended_hours_rests_in_the_night(start: Start) -> None:
    floor = await start(NIGHT)

    order = await floor.place(lmtPrice=231.0, outsideRth=True)
    before = order.status.value
    floor.be(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))

    assert (before, order.status.value) == ("PreSubmitted", "Filled")


@pytest.mark.parametrize(("is_outside_rth", "end"), [(False, CLOSE), (True, NIGHT)])
async def test_day_order_ends_with_the_session_that_it_deals_in(
    start: Start, is_outside_rth: bool, end: datetime
) -> None:
    floor = await start(NOON)
    order = await floor.place(lmtPrice=200.0, outsideRth=is_outside_rth)

    floor.be(datetime.fromtimestamp(end.timestamp() - 1, UTC))
    before = order.status.value
    floor.be(end)

    assert (before, order.status.value, order.completed_status) == ("Submitted", "Cancelled", "Expired")


async def test_good_till_cancel_order_sleeps_from_the_close_to_the_next_opening(start: Start) -> None:
    floor = await start(NOON)
    order = await floor.place(lmtPrice=200.0, tif="GTC")

    floor.be(CLOSE)
    floor.server.set_quote("AAPL", bid=Decimal("198.99"), ask=Decimal("199.00"))
    asleep = dealt(order)
    floor.be(MONDAY)

    assert asleep == ("PreSubmitted", 0, "0")
    assert dealt(order) == ("Filled", 100, "199")


async def test_stop_is_not_set_off_outside_its_session(start: Start) -> None:
    floor = await start(CLOSE)
    order = await floor.place("STP", auxPrice=231.0, tif="GTC")

    floor.server.set_quote("AAPL", bid=Decimal("231.99"), ask=Decimal("232.01"), last=Decimal("232"))
    floor.server.set_quote("AAPL", bid=Decimal("229.99"), ask=Decimal("230.01"), last=Decimal("230"))
    floor.be(MONDAY)
    opened = (order.status.value, order.is_triggered)
    floor.server.set_quote("AAPL", bid=Decimal("231.99"), ask=Decimal("232.01"), last=Decimal("232"))

    assert opened == ("PreSubmitted", False)
    assert order.status == "Filled"


async def test_waiting_order_may_be_modified_and_cancelled(start: Start) -> None:
    floor = await start(MORNING)
    first, second = await floor.place(lmtPrice=231.0), await floor.place(lmtPrice=231.0)
    sent = [trade.order for trade in floor.desk.ib.openTrades()]

    sent[0].lmtPrice = 200.0
    floor.desk.place(sent[0])
    await until(lambda: first.request.limit_price == 200, "the new limit")
    floor.desk.ib.cancelOrder(sent[1])
    await until(lambda: second.status == "Cancelled", "the cancel")
    floor.be(OPENING)

    assert (dealt(first)[0], dealt(second)[0]) == ("Submitted", "Cancelled")


async def test_modify_to_extended_hours_lets_a_waiting_order_work(start: Start) -> None:
    floor = await start(MORNING)
    order = await floor.place(lmtPrice=231.0)
    [sent] = [trade.order for trade in floor.desk.ib.openTrades()]

    sent.outsideRth = True
    floor.desk.place(sent)

    await until(lambda: order.status == "Filled", "the fill before the opening")


async def test_order_that_asks_for_now_or_never_ends_outside_the_session(start: Start) -> None:
    floor = await start(MORNING)

    order = await floor.place(lmtPrice=231.0, tif="IOC")

    assert dealt(order) == ("Cancelled", 0, "0")


async def test_currencies_are_dealt_in_the_night_and_not_on_saturday(start: Start) -> None:
    floor = await start(NIGHT)
    hours = floor.server.venue.directory.by_symbol("EUR.USD").hours

    assert hours.is_open(datetime(2026, 11, 20, 3, tzinfo=UTC), is_extended=False)
    assert not hours.is_open(NIGHT, is_extended=False)


class TestOpening:
    async def test_deals_market_and_limit_orders_at_its_price_and_ends_the_rest(self, start: Start) -> None:
        floor = await start(MORNING)
        market = await floor.place("MKT", tif="OPG", quantity=300)
        good = await floor.place(lmtPrice=240.0, tif="OPG", quantity=800)
        bad = await floor.place(lmtPrice=229.0, tif="OPG")
        floor.server.set_quote("AAPL", bid=Decimal("234.99"), ask=Decimal("235.01"), last=Decimal("235.00"))
        before = [order.status.value for order in (market, good, bad)]

        floor.be(OPENING)

        assert before == ["PreSubmitted"] * 3
        assert dealt(market) == ("Filled", 300, "235")
        # A thousand are offered at the opening: what the market order leaves of them.
        assert dealt(good) == ("Cancelled", 700, "235")
        assert (*dealt(bad), bad.completed_status) == ("Cancelled", 0, "0", "Expired")
        quote = floor.server.venue.market.quote(265598)
        assert {quote.day_open, quote.day_high, quote.day_low} == {Decimal(235)}

    async def test_an_order_that_comes_after_it_waits_for_the_next(self, start: Start) -> None:
        floor = await start(NOON)
        order = await floor.place("MKT", tif="OPG")

        floor.be(CLOSE)
        at_close = order.status.value
        floor.be(MONDAY)

        assert (at_close, order.status.value) == ("PreSubmitted", "Filled")

    @pytest.mark.parametrize("order_type", ["STP", "STP LMT", "TRAIL"])
    async def test_takes_no_orders_of_other_types(self, start: Start, order_type: str) -> None:
        floor = await start(NOON)

        names = {"orderType": order_type, "action": "BUY", "totalQuantity": 1, "auxPrice": 1.0, "lmtPrice": 231.0}
        floor.desk.place(floor.desk.library.Order(tif="OPG", **names))

        await until(lambda: floor.desk.codes() == [111], "error 111")
        assert floor.server.venue.exchange.orders == {}

    async def test_is_midnight_where_the_market_never_closes(self, start: Start) -> None:
        floor = await start(NOON, sessions=SessionMode.ALWAYS)
        order = await floor.place("MKT", tif="OPG")

        floor.be(datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC))
        before = order.status.value
        floor.be(datetime(2026, 11, 21, tzinfo=UTC))

        assert (before, order.status.value) == ("PreSubmitted", "Filled")

    async def test_that_passed_while_the_process_was_away_is_made_up_for(self, raw: RawClients, tmp_path: Path) -> None:
        clock = HandClock(MORNING)
        config = SimulatorConfig(state_path=tmp_path / "state.json", sessions=SessionMode.EXCHANGE)
        first = Simulator(config, clock)
        await first.start()
        client = await raw.start(first.port, "v157..178")
        for order_id, (order_type, time_in_force) in enumerate((("MKT", "OPG"), ("LMT", "GTC"), ("LMT", "DAY")), 1):
            limit = "" if order_type == "MKT" else "1"
            message = place_order(
                178, order_id, "BUY", "1", order_type=order_type, limit=limit, time_in_force=time_in_force
            )
            client.writer.write(message)
            await client.until("3", at1=str(order_id))
        await first.stop()
        clock.moment = CLOSE

        second = Simulator(config, clock)
        await second.start()
        states = [order.status.value for order in second.venue.exchange.orders.values()]
        await second.stop()

        assert states == ["Filled", "PreSubmitted", "Cancelled"]


async def test_contract_details_tell_the_hours_of_the_days_to_come(start: Start) -> None:
    floor = await start(NOON)

    [shares] = await floor.desk.ib.reqContractDetailsAsync(floor.desk.stock())
    [pair] = await floor.desk.ib.reqContractDetailsAsync(floor.desk.library.Forex("EURUSD"))

    assert shares.timeZoneId == US_SHARES.zone
    assert shares.liquidHours.split(";")[:4] == [
        "20261120:0930-20261120:1600",
        "20261121:CLOSED",
        "20261122:CLOSED",
        "20261123:0930-20261123:1600",
    ]
    assert shares.tradingHours.startswith("20261120:0400-20261120:2000;20261121:CLOSED;")
    assert pair.tradingHours == pair.liquidHours
    assert pair.liquidHours.startswith("20261119:1715-20261120:1700;20261121:CLOSED;20261122:CLOSED;20261122:1715-")


async def test_contract_details_of_a_market_that_never_closes_say_so(start: Start) -> None:
    floor = await start(NIGHT, sessions=SessionMode.ALWAYS)

    [details] = await floor.desk.ib.reqContractDetailsAsync(floor.desk.stock())

    assert (details.timeZoneId, details.tradingHours.split(";")[0]) == ("UTC", "20261121:0000-20261122:0000")


async def test_quote_after_the_close_finds_the_order_gone_before_any_beat(start: Start) -> None:
    floor = await start(NOON)
    order = await floor.place(lmtPrice=220.0)

    floor.clock.moment = CLOSE
    floor.server.set_quote("AAPL", bid=Decimal(218), ask=Decimal(219))

    assert (order.filled, order.status) == (Decimal(0), OrderStatus.CANCELLED)
