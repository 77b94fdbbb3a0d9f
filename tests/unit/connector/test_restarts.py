"""The windows in which a gateway restarts."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from app.connector.restarts import RestartWindows, read_times
from app.infra.settings import Settings

NIGHTLY = RestartWindows(times=(time(23, 59, 50),), zone=ZoneInfo("America/New_York"), lasts_s=60)


@pytest.mark.parametrize(
    ("now", "is_covered"),
    [
        (datetime(2026, 3, 3, 4, 59, 19, tzinfo=UTC), False),
        (datetime(2026, 3, 3, 4, 59, 20, tzinfo=UTC), True),
        (datetime(2026, 3, 3, 5, 0, 49, tzinfo=UTC), True),
        (datetime(2026, 3, 3, 5, 0, 50, tzinfo=UTC), False),
        # By the clocks of summer an hour earlier.
        (datetime(2026, 7, 3, 4, 0, 0, tzinfo=UTC), True),
        (datetime(2026, 7, 3, 5, 0, 0, tzinfo=UTC), False),
    ],
)
def test_window_reaches_from_half_a_minute_before_over_midnight(now: datetime, is_covered: bool) -> None:
    assert NIGHTLY.covers(now) is is_covered


def test_gateway_without_times_never_restarts() -> None:
    assert not RestartWindows().covers(datetime(2026, 3, 3, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "times"), [("", ()), ("23:45", (time(23, 45),)), ("23:45, 05:00", (time(23, 45), time(5)))]
)
def test_times_are_read_as_the_setting_takes_them(text: str, times: tuple[time, ...]) -> None:
    settings = Settings(environment="test", ib_restart_times=text)

    assert read_times(settings.ib_restart_times) == times


@pytest.mark.parametrize("text", ["24:00", "23:4", "23:45,", "noon", "23:45 05:00"])
def test_what_is_no_time_is_refused_by_the_setting(text: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        Settings(environment="test", ib_restart_times=text)
