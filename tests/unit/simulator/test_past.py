"""The past of an instrument: every split makes up its whole, and prices stay within it."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.core.catalogue import CATALOGUE
from app.core.sessions import CURRENCIES, US_SHARES, TradingHours
from app.simulator.past import Past, Stretch

AAPL, PAIR = CATALOGUE[0], CATALOGUE[-1]
WEEKDAYS = st.dates(date(2012, 1, 2), date(2030, 12, 31)).filter(lambda day: day.weekday() < 5)


def day_of(hours: TradingHours, past: Past, day: date) -> Stretch:
    session = hours.session_of(day, is_extended=True)
    assert session is not None
    return past.day(day, session)


def check(whole: Stretch, parts: list[Stretch]) -> None:
    assert parts[0].begins == whole.begins
    assert parts[-1].ends == whole.ends
    assert (parts[0].open, parts[-1].close) == (whole.open, whole.close)
    assert max(part.high for part in parts) == whole.high
    assert min(part.low for part in parts) == whole.low
    assert sum(part.volume for part in parts) == whole.volume
    assert sum(part.count for part in parts) == whole.count
    for part in parts:
        assert part.low <= min(part.open, part.close) <= max(part.open, part.close) <= part.high
        assert part.volume >= 0
    for before, after in pairwise(parts):
        assert (before.ends, before.close) == (after.begins, after.open)


@given(day=WEEKDAYS, seed=st.integers(0, 50), is_pair=st.booleans(), place=st.integers(0, 1_000))
def test_parts_make_up_the_whole_down_to_seconds(day: date, seed: int, is_pair: bool, place: int) -> None:
    hours = CURRENCIES if is_pair else US_SHARES
    past = Past(PAIR if is_pair else AAPL, seed, hours)

    whole = day_of(hours, past, day)
    for split in (past.blocks, past.minutes, past.slices, past.seconds):
        parts = split(whole)
        check(whole, parts)
        whole = parts[place % len(parts)]

    assert whole.seconds == 1


@given(day=WEEKDAYS, seed=st.integers(0, 50))
def test_price_stays_around_its_reference_for_ever(day: date, seed: int) -> None:
    past = Past(AAPL, seed, US_SHARES)

    whole = day_of(US_SHARES, past, day)

    assert 0.94 < whole.low / 23_000 < whole.high / 23_000 < 1.06
    assert day_of(US_SHARES, Past(AAPL, seed, US_SHARES), day) == whole


def test_day_that_is_not_over_ends_where_the_market_stands() -> None:
    past = Past(AAPL, 7, US_SHARES)
    day = date(2026, 11, 20)
    session = US_SHARES.session_of(day, is_extended=True)
    assert session is not None
    noon = int(datetime(2026, 11, 20, 17, tzinfo=UTC).timestamp())

    whole = past.day_up_to(day, session, noon, 23_111)

    assert whole is not None
    assert (whole.close, whole.ends) == (23_111, noon)
    check(whole, past.blocks(whole))
    before = int((session.opens_at - timedelta(hours=1)).timestamp())
    assert past.day_up_to(day, session, before, 23_111) is None
