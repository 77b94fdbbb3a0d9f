"""Ranges of bars: what is missing, in which pieces it is asked for, and what will not change any more."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.fix import BarInterval
from app.marketdata.bars import TimeRange, floor, length_of, missing, pieces, settled_until, widened

START = datetime(2026, 1, 5, tzinfo=UTC)


def span(start: int, end: int) -> TimeRange:
    """Minutes from the start of the day."""
    return TimeRange(start=START + timedelta(minutes=start), end=START + timedelta(minutes=end))


SPANS = st.tuples(st.integers(0, 300), st.integers(1, 60)).map(lambda two: span(two[0], two[0] + two[1]))


def minutes(ranges: list[TimeRange]) -> list[int]:
    """Every minute of the ranges."""
    return [
        (one.start - START) // timedelta(minutes=1) + ahead
        for one in ranges
        for ahead in range((one.end - one.start) // timedelta(minutes=1))
    ]


@given(SPANS, st.lists(SPANS, max_size=8))
def test_what_is_missing_is_each_minute_that_is_not_kept(asked: TimeRange, kept: list[TimeRange]) -> None:
    assert minutes(missing(asked, kept)) == [one for one in minutes([asked]) if one not in minutes(kept)]


@given(st.lists(SPANS, max_size=4), st.sampled_from(BarInterval))
def test_pieces_are_the_ranges_and_none_is_longer_than_a_broker_tells(
    ranges: list[TimeRange], interval: BarInterval
) -> None:
    found = list(pieces(ranges, interval))

    assert minutes(found) == minutes(ranges)
    if interval is BarInterval.SECONDS_5:
        assert all(one.end - one.start <= timedelta(hours=1) for one in found)


@given(st.integers(0, 10**9).map(lambda seconds: START + timedelta(seconds=seconds)), st.sampled_from(BarInterval))
def test_an_instant_lies_in_the_bar_that_begins_at_or_before_it(moment: datetime, interval: BarInterval) -> None:
    begins = floor(moment, interval)

    assert begins <= moment < begins + length_of(interval)
    assert floor(begins, interval) == begins
    assert settled_until(moment, interval) < moment


@pytest.mark.parametrize(
    ("now", "interval", "settled"),
    [
        ("2026-01-05T15:00:10", BarInterval.MINUTE_1, "2026-01-05T14:30:00"),
        ("2026-01-05T11:59:00", BarInterval.DAY_1, "2026-01-04T00:00:00"),
        ("2026-01-05T12:00:00", BarInterval.DAY_1, "2026-01-05T00:00:00"),
    ],
)
def test_what_will_not_change_ends_well_before_now(now: str, interval: BarInterval, settled: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)

    assert settled_until(at, interval) == datetime.fromisoformat(settled).replace(tzinfo=UTC)


def test_a_range_begins_and_ends_at_beginnings_of_bars() -> None:
    asked = TimeRange(start=START + timedelta(seconds=1), end=START + timedelta(minutes=9, seconds=1))

    assert widened(asked, BarInterval.MINUTES_5) == span(5, 10)
