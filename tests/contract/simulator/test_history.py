"""Bars and ticks of the past: the same answer each time, sizes that add up, and an end that joins the live price."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.simulator.config import SessionMode, SimulatorConfig
from app.simulator.history_pacing import HistoryPacing
from app.simulator.server import Simulator
from tests.contract.simulator.clients import LIBRARIES, Desk, load, quiet, until
from tests.contract.simulator.clocks import HandClock
from tests.contract.simulator.raw import AAPL, RawClients

NOON = datetime(2026, 11, 20, 17, 0, 0, tzinfo=UTC)
"""A Friday, 12:00 in New York."""


class Floor:
    """A simulator in the exchange's hours on a clock that stands at noon, and a client of it."""

    def __init__(self, server: Simulator, clock: HandClock, desk: Desk) -> None:
        self.server = server
        self.clock = clock
        self.desk = desk

    async def bars(self, size: str, duration: str, ends: Any = "", **more: Any) -> list[Any]:
        """The bars of AAPL's trades in regular hours, or of what is said otherwise."""
        terms = {"contract": self.desk.stock(), "whatToShow": "TRADES", "useRTH": True, "formatDate": 2, **more}
        bars: list[Any] = await self.desk.ib.reqHistoricalDataAsync(
            endDateTime=ends, durationStr=duration, barSizeSetting=size, **terms
        )
        return bars


@pytest.fixture(params=LIBRARIES)
async def floor(request: pytest.FixtureRequest) -> AsyncIterator[Floor]:
    clock = HandClock(NOON)
    server = Simulator(SimulatorConfig(sessions=SessionMode.EXCHANGE, market_interval_ms=5), clock)
    await server.start()
    quiet(server)
    desk = Desk(load(request.param), server.port)
    await desk.connect()
    yield Floor(server, clock, desk)
    desk.ib.disconnect()
    await until(lambda: not server.venue.has_clients, "the client to be gone")
    await server.stop()


def figures(bars: list[Any]) -> list[tuple[Any, ...]]:
    return [(bar.date, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars]


async def test_same_question_has_the_same_answer_in_another_process_too(floor: Floor) -> None:
    ends = datetime(2026, 11, 18, 20, tzinfo=UTC)
    first = await floor.bars("5 mins", "2 D", ends)
    second = await floor.bars("5 mins", "2 D", ends)
    other = Simulator(SimulatorConfig(sessions=SessionMode.EXCHANGE), HandClock(NOON + timedelta(hours=2)))
    await other.start()
    client = Desk(floor.desk.library, other.port)
    await client.connect()

    elsewhere = await Floor(other, floor.clock, client).bars("5 mins", "2 D", ends)

    assert figures(first) == figures(second) == figures(elsewhere)
    assert len(first) == 78 + 66
    client.ib.disconnect()
    await other.stop()


@pytest.mark.parametrize(
    ("fine", "coarse"),
    [("1 secs", "5 secs"), ("5 secs", "1 min"), ("1 min", "5 mins"), ("5 mins", "30 mins"), ("30 mins", "1 hour")],
)
async def test_fine_bars_add_up_to_coarse_ones(floor: Floor, fine: str, coarse: str) -> None:
    ends = datetime(2026, 11, 19, 16, tzinfo=UTC)
    duration = "1800 S" if "secs" in fine else "3600 S"

    parts, wholes = await floor.bars(fine, duration, ends), await floor.bars(coarse, duration, ends)

    assert parts[0].open == wholes[0].open
    assert parts[-1].close == wholes[-1].close
    assert max(bar.high for bar in parts) == max(bar.high for bar in wholes)
    assert min(bar.low for bar in parts) == min(bar.low for bar in wholes)
    assert sum(bar.volume for bar in parts) == sum(bar.volume for bar in wholes)
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in parts)


async def test_days_are_those_of_the_exchange(floor: Floor) -> None:
    days = await floor.bars("1 day", "1 W")
    week = await floor.bars("1 week", "1 M")

    assert [bar.date for bar in days] == [date(2026, 11, day) for day in (13, 16, 17, 18, 19, 20)]
    assert [bar.date for bar in week][-2:] == [date(2026, 11, 13), date(2026, 11, 20)]
    assert all(0.9 < bar.close / 230 < 1.1 for bar in days)


async def test_last_bar_ends_at_the_live_price(floor: Floor) -> None:
    floor.server.set_quote("AAPL", bid=Decimal("231.10"), ask=Decimal("231.14"), last=Decimal("231.11"))

    closes = {
        (size, kind): (await floor.bars(size, "1 D", whatToShow=kind))[-1].close
        for size in ("1 secs", "1 min", "1 hour", "1 day")
        for kind in ("TRADES", "BID", "ASK", "MIDPOINT")
        if (size, kind) != ("1 secs", "TRADES")
    }

    expected = {"TRADES": 231.11, "BID": 231.10, "ASK": 231.14, "MIDPOINT": 231.12}
    assert closes == {(size, kind): expected[kind] for size, kind in closes}
    bars = await floor.bars("1 min", "1 D")
    assert bars[-1].date == NOON
    assert len(bars) == 151
    assert bars[-1].high == 231.11


async def test_what_was_dealt_since_the_start_is_in_the_bars(floor: Floor) -> None:
    for minute, price in enumerate(("231", "233", "232"), 1):
        floor.clock.moment = NOON + timedelta(minutes=minute)
        floor.server.set_quote("AAPL", bid=None, ask=None, last=Decimal(price), last_size=Decimal(500))
    floor.clock.moment += timedelta(minutes=2)

    bars = await floor.bars("1 min", "1 D")
    ended = await floor.bars("1 min", "120 S", NOON + timedelta(minutes=3))

    assert [(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars[-5:]] == [
        (230, 231, 230, 231, 500),
        (231, 233, 231, 233, 500),
        (233, 233, 232, 232, 500),
        (232, 232, 232, 232, 0),
        (232, 232, 232, 232, 0),
    ]
    assert figures(ended) == figures(bars[-5:-3])


@pytest.mark.parametrize(
    ("size", "duration", "count"),
    [
        ("1 secs", "60 S", 60),
        ("30 secs", "600 S", 20),
        ("2 mins", "1 D", 75),
        ("15 mins", "1 W", 10 + 4 * 26 + 16),
        ("1 hour", "1 D", 3),
        ("4 hours", "2 D", 3),
        ("1 day", "1 Y", 262),
        ("1 month", "1 Y", 13),
        ("1 day", "3 Y", 784),
    ],
)
async def test_sizes_and_durations(floor: Floor, size: str, duration: str, count: int) -> None:
    bars = await floor.bars(size, duration)

    assert abs(len(bars) - count) <= 1
    dates = [bar.date for bar in bars]
    assert dates == sorted(set(dates))


async def test_extended_hours_are_in_it_where_they_are_asked_for(floor: Floor) -> None:
    regular = await floor.bars("30 mins", "1 D", datetime(2026, 11, 19, 23, 59, tzinfo=UTC))
    extended = await floor.bars("30 mins", "1 D", datetime(2026, 11, 20, 1, 0, tzinfo=UTC), useRTH=False)

    assert (len(regular), len(extended)) == (13, 32)
    assert {bar.date: bar.close for bar in extended}.items() >= {bar.date: bar.close for bar in regular}.items()


async def test_dates_are_told_by_the_clock_of_the_exchange_or_as_seconds(floor: Floor, raw: RawClients) -> None:
    client = await raw.start(floor.server.port, "v157..157", client_id=7)

    told = []
    for form in (1, 2):
        client.send(20, 50 + form, *AAPL, 0, "20261119 15:00:00 UTC", "1 hour", "1800 S", 1, "TRADES", form, 0, "")
        told.append(await client.until("17"))

    assert told[0][2:5] == ["20261119 09:30:00 America/New_York", "20261119 10:00:00 America/New_York", "1"]
    assert [fields[5] for fields in told] == ["20261119 09:30:00 America/New_York", "1795098600"]
    assert len(told[0]) == 5 + 8


async def test_kept_bars_grow_with_the_market_and_end_when_they_are_cancelled(floor: Floor) -> None:
    bars = await floor.bars("1 min", "1 D", keepUpToDate=True)
    count = len(bars)

    floor.server.set_quote("AAPL", bid=Decimal("233.99"), ask=Decimal("234.01"), last=Decimal("234.00"))
    await until(lambda: bars[-1].close == 234, "the bar to grow")
    floor.clock.moment += timedelta(minutes=1)
    floor.server.set_quote("AAPL", bid=Decimal("234.99"), ask=Decimal("235.01"), last=Decimal("235.00"))
    await until(lambda: len(bars) == count + 1 and bars[-1].close == 235, "the next bar")
    floor.desk.ib.cancelHistoricalData(bars)
    await until(lambda: floor.desk.codes() == [162], "the end")

    assert (bars[-2].high, bars[-2].close, bars[-1].open) == (234, 234, 234)
    assert "query cancelled" in floor.desk.errors[-1][2]


async def test_currencies_have_no_trades_and_an_index_nothing_else(floor: Floor) -> None:
    pair, index = floor.desk.library.Forex("EURUSD"), floor.desk.library.Index("SPX", "CBOE", "USD")

    found = {
        (contract.symbol, kind): len(await floor.bars("1 hour", "1 D", contract=contract, whatToShow=kind))
        for contract in (pair, index)
        for kind in ("TRADES", "MIDPOINT")
    }

    assert found == {("EUR", "TRADES"): 0, ("EUR", "MIDPOINT"): 20, ("SPX", "TRADES"): 4, ("SPX", "MIDPOINT"): 0}
    assert floor.desk.codes() == [162, 162]
    assert "HMDS query returned no data: EUR@IDEALPRO Trades" in floor.desk.errors[-2][2]


async def test_options_and_futures_follow_their_roots_in_their_own_hours(floor: Floor) -> None:
    library = floor.desk.library
    [future, *_] = await floor.desk.ib.reqContractDetailsAsync(library.Future("ES", "", "CME"))
    [call] = await floor.desk.ib.reqContractDetailsAsync(library.Option("AAPL", "20261218", 230, "C", "SMART"))
    shares = await floor.bars("1 hour", "1 D")

    calls = await floor.bars("1 hour", "1 D", contract=call.contract)
    nights = await floor.bars("1 hour", "1 D", contract=future.contract, useRTH=False)

    assert [bar.date for bar in calls] == [bar.date for bar in shares]
    assert [bar.close > calls[0].open for bar in calls] == [bar.close > shares[0].open for bar in shares]
    assert nights[0].date == datetime(2026, 11, 19, 23, tzinfo=UTC)
    assert all(bar.close % 0.25 == 0 for bar in nights)


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"size": "7 mins"}, "321"),
        ({"duration": "1 X"}, "321"),
        ({"kind": "GUESSES"}, "321"),
        ({"size": "1 secs", "duration": "1 Y"}, "162"),
        ({"size": "1 secs", "is_kept": 1}, "321"),
        ({"ends": "20261120 12:00:00 UTC", "is_kept": 1}, "321"),
        ({"ends": "20050101 12:00:00 UTC"}, "162"),
    ],
)
async def test_what_cannot_be_answered_is_refused(
    simulator: Simulator, raw: RawClients, terms: dict[str, Any], code: str
) -> None:
    client = await raw.start(simulator.port, "v157..178")

    asked = {"ends": "", "size": "1 min", "duration": "1 D", "kind": "TRADES", "is_kept": 0, **terms}
    client.send(
        *(20, 7, *AAPL, 0, asked["ends"], asked["size"], asked["duration"], 1, asked["kind"], 1, asked["is_kept"], "")
    )

    assert (await client.until("4", at2="7"))[3] == code


async def test_cancel_of_an_unknown_query_is_error_366(floor: Floor, raw: RawClients) -> None:
    client = await raw.start(floor.server.port, "v157..178", client_id=7)

    client.send(25, 1, 99)

    assert (await client.until("4", at2="99"))[3] == "366"


async def test_beginning_of_history_is_told(floor: Floor) -> None:
    head = await floor.desk.ib.reqHeadTimeStampAsync(floor.desk.stock(), "TRADES", True, 2)

    assert head == datetime(2010, 1, 4, 14, 30, tzinfo=UTC)


async def test_schedule_tells_the_sessions(floor: Floor) -> None:
    schedule = await floor.desk.ib.reqHistoricalScheduleAsync(floor.desk.stock(), 3)

    assert schedule.timeZone == "America/New_York"
    assert [session.refDate for session in schedule.sessions] == ["20261118", "20261119", "20261120"]
    assert schedule.sessions[0].startDateTime == "20261118-09:30:00"


@pytest.mark.parametrize("kind", ["TRADES", "BID_ASK", "MIDPOINT"])
async def test_ticks_of_the_past_come_from_a_moment_on_or_up_to_one(floor: Floor, kind: str) -> None:
    moment = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
    ask = floor.desk.ib.reqHistoricalTicksAsync

    after = await ask(floor.desk.stock(), moment, "", 100, kind, True)
    before = await ask(floor.desk.stock(), "", moment, 100, kind, True)

    assert after[0].time == moment
    assert before[-1].time == moment - timedelta(seconds=1)
    assert len(before) > 90
    if kind == "BID_ASK":
        assert all(tick.priceBid < tick.priceAsk for tick in after)
    [bar] = await floor.bars("1 min", "60 S", moment + timedelta(minutes=1))
    if kind == "TRADES":
        assert sum(tick.size for tick in after if tick.time < moment + timedelta(minutes=1)) == bar.volume


async def test_requests_that_come_too_often_are_refused_where_the_simulator_says_so(floor: Floor) -> None:
    server = Simulator(SimulatorConfig(is_history_paced=True))
    await server.start()
    desk = Desk(floor.desk.library, server.port)
    await desk.connect()

    first, second = [await Floor(server, floor.clock, desk).bars("1 min", "60 S") for _ in range(2)]

    assert (len(first) > 0, len(second)) == (True, 0)
    assert desk.codes() == [162]
    assert "pacing violation" in desk.errors[-1][2]
    desk.ib.disconnect()
    await server.stop()


def test_pacing_counts_all_of_ten_minutes_one_contract_in_two_seconds_and_twins() -> None:
    pacing = HistoryPacing()

    twins = [pacing.allows(NOON + timedelta(seconds=at), "AAPL", "same") for at in (0, 14, 15)]
    burst = [pacing.allows(NOON + timedelta(seconds=60), "MSFT", number) for number in range(6)]
    later = [pacing.allows(NOON + timedelta(seconds=70 + number), number, number, weight=2) for number in range(30)]

    assert twins == [True, False, True]
    assert burst == [True] * 5 + [False]
    assert later.count(True) == 25
    assert pacing.allows(NOON + timedelta(minutes=10), "AAPL", "again")
