"""What a login may see and what it is told where it may not; bars of five seconds and ticks one by one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.simulator.config import DataRight, SimulatorConfig
from app.simulator.server import Simulator
from tests.contract.simulator.clients import LIBRARIES, Desk, load, quiet, until
from tests.contract.simulator.clocks import HandClock
from tests.contract.simulator.raw import AAPL, RawClient, RawClients

NOON = datetime(2026, 11, 20, 17, 0, 0, tzinfo=UTC)
Start = Callable[..., Awaitable[tuple[Simulator, HandClock, Desk]]]


@pytest.fixture(params=LIBRARIES)
async def start(request: pytest.FixtureRequest) -> AsyncIterator[Start]:
    opened: list[tuple[Simulator, Desk]] = []

    async def begin(**config: Any) -> tuple[Simulator, HandClock, Desk]:
        clock = HandClock(NOON)
        server = Simulator(SimulatorConfig(market_interval_ms=5, **config), clock)
        await server.start()
        quiet(server)
        desk = Desk(load(request.param), server.port)
        opened.append((server, desk))
        await desk.connect()
        return server, clock, desk

    yield begin
    for server, desk in opened:
        desk.ib.disconnect()
        await server.stop()


@pytest.mark.parametrize(
    ("right", "wanted", "codes", "data_type"),
    [
        (DataRight.FULL, 1, [], 1),
        (DataRight.FULL, 3, [], 1),
        (DataRight.DELAYED, 1, [354], None),
        (DataRight.DELAYED, 3, [10167], 3),
        (DataRight.DELAYED, 4, [10167], 3),
        (DataRight.DELAYED_FOR_API, 1, [10089], None),
        (DataRight.DELAYED_FOR_API, 3, [10167], 3),
        (DataRight.PARTIAL, 1, [10090], 1),
        (DataRight.PARTIAL_FOR_API, 1, [10091], 1),
        (DataRight.NONE, 1, [10168], None),
        (DataRight.NONE, 3, [10168], None),
        (DataRight.COMPETING, 1, [10197], None),
    ],
)
async def test_line_carries_what_the_login_may_see(
    raw: RawClients, right: DataRight, wanted: int, codes: list[int], data_type: int | None
) -> None:
    server = Simulator(SimulatorConfig(data_rights=(("AAPL", right),)))
    await server.start()
    quiet(server)
    client = await raw.start(server.port, "v157..178")

    client.send(59, 1, wanted)
    client.send(1, 11, 7, *AAPL, 0, "", 0, 0, "")
    client.send(49, 1)
    await client.until("49")

    mine = [fields for fields in client.seen if "7" in fields[1:3]]
    assert [int(fields[3]) for fields in mine if fields[0] == "4"] == codes
    assert [int(fields[3]) for fields in mine if fields[0] == "58"] == ([data_type] if data_type else [])
    ticks = {int(fields[3]) for fields in mine if fields[0] == "1"}
    partial = right in {DataRight.PARTIAL, DataRight.PARTIAL_FOR_API}
    whole = {66, 67, 68, 72, 73, 75, 76} if data_type == 3 else {1, 2, 4, 6, 7, 9, 14}
    assert ticks == (set() if data_type is None else whole - {1, 2} if partial else whole)
    await client.close()
    await server.stop()


async def test_delayed_line_shows_what_was_a_quarter_of_an_hour_ago(start: Start) -> None:
    server, clock, desk = await start(data_rights=(("*", DataRight.DELAYED),))
    desk.ib.reqMarketDataType(3)
    ticker = desk.ib.reqMktData(desk.stock())
    await until(lambda: ticker.last > 0, "the delayed quote")
    before = ticker.last

    server.set_quote("AAPL", bid=Decimal("250"), ask=Decimal("250.02"), last=Decimal("250.01"))
    await desk.ib.reqCurrentTimeAsync()
    at_once = ticker.last
    clock.moment += timedelta(minutes=15, seconds=2)
    server.set_quote("AAPL", bid=Decimal("260"), ask=Decimal("260.02"), last=Decimal("260.01"))

    await until(lambda: ticker.last == 250.01, "the quote of then")
    assert at_once == before
    assert ticker.marketDataType == 3


async def test_competing_session_silences_a_line_until_it_ends(start: Start) -> None:
    server, _, desk = await start()
    ticker = desk.ib.reqMktData(desk.stock())
    await until(lambda: ticker.ask == 230.01, "the first quote")

    server.venue.lines.set_right("*", DataRight.COMPETING)
    server.set_quote("AAPL", bid=Decimal("231"), ask=Decimal("231.02"))
    await until(lambda: desk.codes() == [10197], "error 10197")
    silent = ticker.ask
    server.venue.lines.set_right("*", DataRight.FULL)

    await until(lambda: ticker.ask == 231.02, "the quote of now")
    assert silent == 230.01


async def test_generic_ticks_are_told_or_taken_and_unknown_ones_refused(start: Start) -> None:
    _, _, desk = await start()

    ticker = desk.ib.reqMktData(desk.stock(), "100,221,233,236,375")
    await until(lambda: ticker.markPrice == 230, "the mark price")
    desk.ib.reqMktData(desk.stock("MSFT"), "99999")

    await until(lambda: desk.codes() == [321], "error 321")


async def test_bars_of_five_seconds_are_told_when_they_are_over(start: Start) -> None:
    server, clock, desk = await start()
    bars = desk.ib.reqRealTimeBars(desk.stock(), 5, "TRADES", False)
    await desk.ib.reqCurrentTimeAsync()

    for second, price in ((1, "231"), (2, "229"), (4, "230.50")):
        clock.moment = NOON + timedelta(seconds=second)
        server.set_quote("AAPL", bid=None, ask=None, last=Decimal(price), last_size=Decimal(100))
    clock.moment = NOON + timedelta(seconds=5)
    await until(lambda: len(bars) == 1, "the first bar")
    clock.moment = NOON + timedelta(seconds=10)
    await until(lambda: len(bars) == 2, "the second bar")
    desk.ib.cancelRealTimeBars(bars)
    await desk.ib.reqCurrentTimeAsync()
    clock.moment = NOON + timedelta(seconds=20)
    await desk.ib.reqCurrentTimeAsync()

    assert [(bar.time, bar.open_, bar.high, bar.low, bar.close, bar.volume) for bar in bars] == [
        (NOON, 230, 231, 229, 230.5, 300),
        (NOON + timedelta(seconds=5), 230.5, 230.5, 230.5, 230.5, 0),
    ]


async def test_real_time_bars_and_history_agree(start: Start) -> None:
    server, clock, desk = await start()
    bars = desk.ib.reqRealTimeBars(desk.stock(), 5, "TRADES", False)
    await desk.ib.reqCurrentTimeAsync()
    for second in range(1, 21):
        clock.moment = NOON + timedelta(seconds=second)
        server.step_market()
    await until(lambda: len(bars) == 4, "four bars")

    past = await desk.ib.reqHistoricalDataAsync(
        desk.stock(), clock.moment, "15 S", "5 secs", "TRADES", False, formatDate=2
    )

    told = [(bar.time, bar.open_, bar.high, bar.low, bar.close, bar.volume) for bar in bars[1:]]
    assert [(bar.date, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in past] == told


@pytest.mark.parametrize("kind", ["Last", "AllLast", "BidAsk", "MidPoint"])
async def test_ticks_come_one_by_one(start: Start, kind: str) -> None:
    server, _, desk = await start()
    ticker = desk.ib.reqTickByTickData(desk.stock(), kind, 20, False)
    seen: list[Any] = []
    ticker.updateEvent += lambda ticker: seen.extend(ticker.tickByTicks)
    await desk.ib.reqCurrentTimeAsync()

    server.set_quote("AAPL", bid=Decimal("231.00"), ask=Decimal("231.04"), last=Decimal("231.02"))
    server.set_quote("AAPL", bid=Decimal("232.00"), ask=Decimal("232.04"), last=Decimal("232.02"))

    def price(tick: Any) -> float:
        return float(getattr(tick, {"BidAsk": "bidPrice", "MidPoint": "midPoint"}.get(kind, "price")))

    wanted = [231.0, 232.0] if kind == "BidAsk" else [231.02, 232.02]
    await until(lambda: [price(tick) for tick in seen][-2:] == wanted, "both ticks")
    assert desk.codes() == []


async def test_ticks_of_an_option_and_too_many_streams_are_refused(start: Start) -> None:
    _, _, desk = await start(tick_streams_max=1)
    [details, *_] = await desk.ib.reqContractDetailsAsync(desk.library.Option("AAPL", "", 230, "C", "SMART"))

    desk.ib.reqTickByTickData(details.contract, "Last")
    await until(lambda: desk.codes() == [10189], "error 10189")
    desk.ib.reqTickByTickData(desk.stock(), "Last")
    desk.ib.reqTickByTickData(desk.stock("MSFT"), "Last")

    await until(lambda: desk.codes() == [10189, 10190], "error 10190")


async def depth_of(client: RawClient) -> list[str]:
    client.send(10, 5, 8, *AAPL, 5, 0, "")
    return await client.until("4", at2="8")


async def test_depth_is_refused_by_its_own_code(raw: RawClients, simulator: Simulator) -> None:
    client = await raw.start(simulator.port, "v157..157")

    assert (await depth_of(client))[3] == "10092"
