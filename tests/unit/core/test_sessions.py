"""When markets are open, over weekends and changes of the clock, and when an order's day is over."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from app.core.fix import InstrumentType
from app.core.sessions import ALL_HOURS, CURRENCIES, EURO_SHARES, US_SHARES, TradingDay, TradingHours, known_hours

NEW_YORK = ZoneInfo("America/New_York")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "moment", "is_extended", "opens", "closes"),
    [
        (US_SHARES, "2026-11-20T15:00", False, "2026-11-20T14:30", "2026-11-20T21:00"),
        (US_SHARES, "2026-11-20T14:00", False, "2026-11-20T14:30", "2026-11-20T21:00"),
        (US_SHARES, "2026-11-20T14:00", True, "2026-11-20T09:00", "2026-11-21T01:00"),
        # From the close on it is the next session, and Friday's next is Monday's.
        (US_SHARES, "2026-11-20T21:00", False, "2026-11-23T14:30", "2026-11-23T21:00"),
        (US_SHARES, "2026-07-15T12:00", False, "2026-07-15T13:30", "2026-07-15T20:00"),
        # Clocks go back on the Sunday between.
        (US_SHARES, "2026-10-30T20:00", False, "2026-11-02T14:30", "2026-11-02T21:00"),
        (EURO_SHARES, "2026-11-20T12:00", False, "2026-11-20T08:00", "2026-11-20T16:30"),
        (CURRENCIES, "2026-11-21T12:00", False, "2026-11-22T22:15", "2026-11-23T22:00"),
        (CURRENCIES, "2026-11-19T23:00", False, "2026-11-19T22:15", "2026-11-20T22:00"),
        (ALL_HOURS, "2026-11-21T12:00", False, "2026-11-21T00:00", "2026-11-22T00:00"),
    ],
)
def test_session_is_the_one_that_is_on_or_the_next(
    hours: TradingHours, moment: str, is_extended: bool, opens: str, closes: str
) -> None:
    session = hours.next_session(utc(moment), is_extended=is_extended)

    assert (session.opens_at, session.closes_at) == (utc(opens), utc(closes))
    assert hours.is_open(utc(moment), is_extended=is_extended) is (opens <= moment)


@pytest.mark.parametrize(
    ("moment", "opening"),
    [
        ("2026-11-20T14:29", "2026-11-20T14:30"),
        ("2026-11-20T14:30", "2026-11-23T14:30"),
        ("2026-11-20T18:00", "2026-11-23T14:30"),
    ],
)
def test_opening_is_always_one_to_come(moment: str, opening: str) -> None:
    assert US_SHARES.next_opening(utc(moment)) == utc(opening)


@pytest.mark.parametrize(
    ("hours", "alive_at", "at", "is_extended", "is_over"),
    [
        # In mid-session, at the close, and after it.
        (US_SHARES, "2026-11-19T15:00", "2026-11-19T20:59", False, False),
        (US_SHARES, "2026-11-19T15:00", "2026-11-19T21:00", False, True),
        (US_SHARES, "2026-11-19T15:00", "2026-11-20T16:00", False, True),
        (US_SHARES, "2026-11-19T15:00", "2026-11-19T21:00", True, False),
        (US_SHARES, "2026-11-19T15:00", "2026-11-20T01:00", True, True),
        # Placed after the close it is an order of the next session.
        (US_SHARES, "2026-11-19T22:00", "2026-11-20T03:00", False, False),
        (US_SHARES, "2026-11-19T22:00", "2026-11-20T06:00", False, True),
        (US_SHARES, "2026-11-19T22:00", "2026-11-20T16:00", False, False),
        (US_SHARES, "2026-11-19T22:00", "2026-11-20T21:00", False, True),
        (CURRENCIES, "2026-11-19T15:00", "2026-11-19T21:59", False, False),
        (CURRENCIES, "2026-11-19T15:00", "2026-11-19T22:00", False, True),
        # Where no hours are known the day ends at midnight in New York.
        (None, "2026-11-19T15:00", "2026-11-20T04:59", False, False),
        (None, "2026-11-19T15:00", "2026-11-20T05:00", False, True),
    ],
)
def test_day_of_an_order_ends_with_its_session(
    hours: TradingHours | None, alive_at: str, at: str, is_extended: bool, is_over: bool
) -> None:
    day = TradingDay(hours=hours, zone=NEW_YORK)

    assert day.is_over(alive_at=utc(alive_at), at=utc(at), is_extended=is_extended) is is_over


def test_hours_are_known_by_kind_and_currency() -> None:
    assert known_hours(InstrumentType.ETF, "USD") is US_SHARES
    assert known_hours(InstrumentType.STOCK, "EUR") is EURO_SHARES
    assert known_hours(InstrumentType.STOCK, "JPY") is None
    assert known_hours(InstrumentType.FOREX, "JPY") is CURRENCIES
    assert known_hours(InstrumentType.FUTURE, "USD") is None
