"""Holidays, half days and special sessions on top of the hours that an exchange told or that are usual."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from app.core.calendars import DayOverride, hours_with_overrides
from app.core.sessions import CURRENCIES, EURO_SHARES, US_SHARES, Hours, ToldHours, ToldSession, TradingHours

NEW_YORK = ZoneInfo("America/New_York")
THANKSGIVING = date(2026, 11, 26)
FRIDAY = date(2026, 11, 27)
HALF_DAY = DayOverride(day=FRIDAY, closes=13 * 60, extended_closes=17 * 60)


def at(day: date, clock: str, zone: ZoneInfo = NEW_YORK) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=zone).astimezone(UTC)


def known(hours: Hours | None) -> Hours:
    assert hours is not None
    return hours


def told(day: date) -> ToldHours:
    sessions = [
        ToldSession(day=one, opens_at=at(one, "09:30"), closes_at=at(one, "16:00"))
        for one in (day, day + timedelta(days=1))
    ]
    return ToldHours(
        zone="America/New_York",
        regular=tuple(sessions),
        extended=tuple(sessions),
        closed_days=(),
        known_from=at(day, "00:00"),
        known_until=at(day + timedelta(days=2), "00:00"),
        usual=US_SHARES,
    )


def test_a_holiday_has_no_session_and_the_day_after_is_as_usual() -> None:
    hours = known(hours_with_overrides(US_SHARES, [DayOverride(day=THANKSGIVING, is_closed=True)]))

    clocks = [at(THANKSGIVING, "10:00"), at(THANKSGIVING - timedelta(days=1), "10:00"), at(FRIDAY, "10:00")]
    assert [hours.is_open(one, is_extended=False) for one in clocks] == [False, True, True]
    assert not hours.is_open(at(THANKSGIVING, "05:00"), is_extended=True)
    assert hours.day_end(at(THANKSGIVING, "10:00"), is_extended=False) == at(FRIDAY, "16:00")


def test_a_half_day_ends_early_and_its_late_session_too() -> None:
    hours = known(hours_with_overrides(US_SHARES, [HALF_DAY]))

    assert hours.is_open(at(FRIDAY, "12:59"), is_extended=False)
    assert not hours.is_open(at(FRIDAY, "13:00"), is_extended=False)
    assert hours.is_open(at(FRIDAY, "16:59"), is_extended=True)
    assert not hours.is_open(at(FRIDAY, "17:00"), is_extended=True)
    assert hours.day_end(at(FRIDAY, "10:00"), is_extended=False) == at(FRIDAY, "13:00")


def test_what_the_exchange_told_is_overridden_and_what_it_did_not_tell_is_as_usual() -> None:
    hours = known(hours_with_overrides(told(THANKSGIVING), [DayOverride(day=THANKSGIVING, is_closed=True), HALF_DAY]))

    assert isinstance(hours, ToldHours)
    assert hours.closed_days == (THANKSGIVING,)
    assert not hours.is_open(at(THANKSGIVING, "10:00"), is_extended=False)
    assert hours.day_end(at(THANKSGIVING, "10:00"), is_extended=False) == at(FRIDAY, "13:00")
    assert hours.is_open(at(date(2026, 11, 30), "10:00"), is_extended=False)


def test_an_override_beyond_what_was_told_makes_the_usual_days_up_to_it_known() -> None:
    later = date(2026, 12, 24)
    hours = known(hours_with_overrides(told(THANKSGIVING), [DayOverride(day=later, closes=13 * 60)]))

    assert hours.is_open(at(later, "12:00"), is_extended=False)
    assert not hours.is_open(at(later, "14:00"), is_extended=False)
    assert hours.is_open(at(date(2026, 12, 10), "15:00"), is_extended=False)
    assert not hours.is_open(at(date(2026, 12, 12), "15:00"), is_extended=False)
    assert hours.is_open(at(date(2026, 12, 28), "15:00"), is_extended=False)


def test_a_special_session_opens_a_day_that_has_none() -> None:
    saturday = date(2026, 11, 28)
    hours = known(hours_with_overrides(US_SHARES, [DayOverride(day=saturday, opens=600, closes=720)]))

    clocks = ["09:59", "10:00", "11:59", "12:00"]
    assert [hours.is_open(at(saturday, one), is_extended=False) for one in clocks] == [False, True, True, False]


def test_a_bound_alone_opens_nothing() -> None:
    saturday = date(2026, 11, 28)
    hours = known(hours_with_overrides(US_SHARES, [DayOverride(day=saturday, closes=720)]))

    assert not hours.is_open(at(saturday, "10:00"), is_extended=False)


def test_a_late_opening_and_a_longer_day() -> None:
    late = known(hours_with_overrides(US_SHARES, [DayOverride(day=FRIDAY, opens=11 * 60)]))
    longer = known(hours_with_overrides(US_SHARES, [DayOverride(day=FRIDAY, opens=9 * 60, closes=17 * 60)]))

    assert [late.is_open(at(FRIDAY, one), is_extended=False) for one in ("10:59", "11:00")] == [False, True]
    assert [longer.is_open(at(FRIDAY, one), is_extended=False) for one in ("09:00", "16:59")] == [True, True]


def test_a_currency_day_begins_the_evening_before() -> None:
    christmas = date(2026, 12, 25)
    hours = known(hours_with_overrides(CURRENCIES, [DayOverride(day=christmas, is_closed=True)]))

    assert hours.is_open(at(date(2026, 12, 24), "16:00"), is_extended=False)
    assert not hours.is_open(at(date(2026, 12, 24), "18:00"), is_extended=False)
    assert hours.is_open(at(date(2026, 12, 27), "18:00"), is_extended=False)


def test_bounds_are_by_the_clock_on_the_wall_on_the_day_the_clocks_change() -> None:
    sunday = date(2026, 3, 8)
    override = DayOverride(day=sunday, opens=600, closes=720)
    hours = known(hours_with_overrides(US_SHARES, [override]))

    assert hours.is_open(datetime(2026, 3, 8, 14, 0, tzinfo=UTC), is_extended=False)
    assert not hours.is_open(datetime(2026, 3, 8, 16, 0, tzinfo=UTC), is_extended=False)


def test_nothing_known_stays_unknown_and_nothing_overridden_stays_the_same() -> None:
    assert hours_with_overrides(None, [HALF_DAY]) is None
    assert hours_with_overrides(US_SHARES, []) is US_SHARES


@given(
    hours=st.sampled_from([US_SHARES, EURO_SHARES, CURRENCIES]),
    days=st.sets(st.dates(date(2026, 3, 1), date(2026, 4, 30)), min_size=1, max_size=5),
    minute=st.integers(0, 90 * 24 * 60),
    is_extended=st.booleans(),
)
def test_closing_days_changes_nothing_on_other_days(
    hours: TradingHours, days: set[date], minute: int, is_extended: bool
) -> None:
    moment = datetime(2026, 2, 15, tzinfo=UTC) + timedelta(minutes=minute)
    found = known(hours_with_overrides(hours, [DayOverride(day=one, is_closed=True) for one in days]))
    session = hours.next_session(moment, is_extended=is_extended)
    is_on = session.opens_at <= moment
    day = hours.local_date(session.closes_at - timedelta(microseconds=1))

    assert found.is_open(moment, is_extended=is_extended) is (is_on and day not in days)


def test_usual_sessions_between_overridden_days_are_assumed_and_no_more() -> None:
    days = [DayOverride(day=FRIDAY - timedelta(days=3), closes=900), HALF_DAY]

    usual = known(hours_with_overrides(US_SHARES, days))
    both = known(hours_with_overrides(US_SHARES, [*days, DayOverride(day=FRIDAY - timedelta(days=2), closes=900)]))
    behind = known(hours_with_overrides(told(FRIDAY - timedelta(days=4)), [HALF_DAY]))

    assert isinstance(usual, ToldHours)
    assert isinstance(both, ToldHours)
    assert isinstance(behind, ToldHours)
    assert usual.assumed == (FRIDAY - timedelta(days=2), THANKSGIVING)
    assert both.assumed == (THANKSGIVING,)
    assert behind.assumed == (FRIDAY - timedelta(days=2), THANKSGIVING)
    assert usual.is_open(at(THANKSGIVING, "10:00"), is_extended=False)
