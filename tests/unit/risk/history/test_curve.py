"""Into which slices a range is cut, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest

from app.risk.history.domain.curve import POINTS_MAX, POINTS_WANTED, RESOLUTIONS, span_of
from app.risk.history.errors import RiskHistoryRangeError

NOW = datetime(2026, 3, 2, 9, 31, 20, tzinfo=UTC)


@pytest.mark.parametrize(("days", "minutes"), [(0.01, 1), (1, 5), (7, 30), (30, 120), (92, 720), (366, 1_440)])
def test_without_a_resolution_it_is_the_finest_that_makes_a_chart(days: float, minutes: int) -> None:
    span = span_of(NOW - timedelta(days=days), NOW, None, NOW, is_of_one=True)

    assert span.minutes == minutes
    assert 0 < span.points <= POINTS_WANTED
    assert span.start <= NOW - timedelta(days=days)
    assert span.end >= NOW


@pytest.mark.parametrize("minutes", RESOLUTIONS)
def test_slices_begin_at_whole_multiples(minutes: int) -> None:
    span = span_of(NOW - timedelta(hours=2), NOW, minutes, NOW, is_of_one=False)

    assert (span.start - datetime(1970, 1, 1, tzinfo=UTC)) % timedelta(minutes=minutes) == timedelta(0)


def test_what_is_to_come_has_no_points() -> None:
    ahead = datetime.max.replace(tzinfo=UTC)
    some = span_of(NOW - timedelta(minutes=10), NOW + timedelta(days=1), 1, NOW, is_of_one=True)
    none = span_of(ahead - timedelta(days=1), ahead, None, NOW, is_of_one=True)

    assert some.points == 11
    assert none.points in (0, 1)
    assert (
        span_of(datetime.min.replace(tzinfo=UTC), datetime(1, 1, 2, tzinfo=UTC), 60, NOW, is_of_one=True).points == 24
    )


@pytest.mark.parametrize(
    ("length", "resolution", "is_of_one", "path"),
    [
        (timedelta(0), None, True, ["end"]),
        (timedelta(days=-1), None, True, ["end"]),
        (timedelta(days=367), None, True, ["end"]),
        (timedelta(days=32), 1_440, False, ["end"]),
        (timedelta(days=1), 0, True, ["resolutionMinutes"]),
        (timedelta(days=1), -5, True, ["resolutionMinutes"]),
        (timedelta(days=1), 7, True, ["resolutionMinutes"]),
        (timedelta(minutes=POINTS_MAX + 1), 1, True, ["resolutionMinutes"]),
    ],
    ids=["empty", "backwards", "long", "long of all", "zero", "negative", "odd", "too many"],
)
def test_what_is_no_range_is_refused(
    length: timedelta, resolution: int | None, is_of_one: bool, path: list[str]
) -> None:
    end = NOW.replace(second=0)

    with pytest.raises(RiskHistoryRangeError) as refusal:
        span_of(end - length, end, resolution, NOW, is_of_one=is_of_one)

    assert list(refusal.value.path) == path


def test_as_many_points_as_may_be_are_not_too_many() -> None:
    end = NOW.replace(second=0)

    assert span_of(end - timedelta(minutes=POINTS_MAX), end, 1, NOW, is_of_one=True).points == POINTS_MAX
