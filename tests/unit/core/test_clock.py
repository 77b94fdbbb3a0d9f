"""Times are aware and in UTC."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import as_utc
from app.infra.system import SystemClock


def test_an_offset_is_turned_into_utc() -> None:
    new_york = datetime(2026, 3, 2, 9, 30, tzinfo=timezone(timedelta(hours=-5)))

    utc = as_utc(new_york)

    assert utc == datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
    assert utc.utcoffset() == timedelta(0)


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        as_utc(datetime(2026, 3, 2, 9, 30))  # noqa: DTZ001 - the point


@given(st.datetimes(timezones=st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))))
def test_the_instant_stays(moment: datetime) -> None:
    try:
        utc = as_utc(moment)
    except OverflowError:
        return

    assert utc == moment
    assert utc.tzinfo is UTC


def test_the_machines_clock_is_aware() -> None:
    assert SystemClock().now().tzinfo is UTC
