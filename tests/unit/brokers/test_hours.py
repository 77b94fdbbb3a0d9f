"""IB's texts of trading hours: what is told, in which zone, and what is no such text."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.brokers.ib.hours import parse_hours, zone_of

NEW_YORK = ZoneInfo("America/New_York")
# Thanksgiving of 2026 and the short day after it.
LIQUID = (
    "20261125:0930-20261125:1600;20261126:CLOSED;20261127:0930-20261127:1300;20261128:CLOSED;20261129:CLOSED;"
    "20261130:0930-20261130:1600"
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_holiday_is_closed_and_the_day_after_it_ends_early() -> None:
    told = parse_hours(LIQUID, NEW_YORK)

    assert told is not None
    assert told.closed_days == (date(2026, 11, 26), date(2026, 11, 28), date(2026, 11, 29))
    assert [(one.day.day, one.closes_at) for one in told.sessions] == [
        (25, at("2026-11-25T21:00")),
        (27, at("2026-11-27T18:00")),
        (30, at("2026-11-30T21:00")),
    ]
    assert (told.known_from, told.known_until) == (at("2026-11-25T05:00"), at("2026-12-01T05:00"))


def test_a_session_over_midnight_belongs_to_the_date_of_its_close() -> None:
    told = parse_hours("20261122:1715-20261123:1700;20261123:1715-20261124:1700", NEW_YORK)

    assert told is not None
    assert [(one.day, one.opens_at, one.closes_at) for one in told.sessions] == [
        (date(2026, 11, 23), at("2026-11-22T22:15"), at("2026-11-23T22:00")),
        (date(2026, 11, 24), at("2026-11-23T22:15"), at("2026-11-24T22:00")),
    ]
    assert told.closed_days == ()


def test_two_sessions_of_a_day_are_told_apart_by_either_way_of_writing() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")

    now = parse_hours("20261120:0900-20261120:1130;20261120:1230-20261120:1530", tokyo)
    before = parse_hours("20261120:0900-1130,1230-1530", tokyo)

    assert now == before
    assert now is not None
    assert [one.day for one in now.sessions] == [date(2026, 11, 20)] * 2


def test_a_day_written_as_before_that_ends_before_it_begins_began_the_evening_before() -> None:
    told = parse_hours("20261123:1800-1700", NEW_YORK)

    assert told is not None
    [one] = told.sessions
    assert (one.day, one.opens_at, one.closes_at) == (
        date(2026, 11, 23),
        at("2026-11-22T23:00"),
        at("2026-11-23T22:00"),
    )


def test_a_day_of_twenty_four_hours_ends_at_midnight_and_is_that_day() -> None:
    told = parse_hours("20261123:0000-20261124:0000;20261124:0000-2400", ZoneInfo("UTC"))

    assert told is not None
    assert [one.day.day for one in told.sessions] == [23, 24]


def test_the_hours_of_a_day_that_the_clock_changes_are_by_the_clock_on_the_wall() -> None:
    told = parse_hours("20261030:0930-20261030:1600;20261102:0930-20261102:1600", NEW_YORK)

    assert told is not None
    assert [one.opens_at.hour for one in told.sessions] == [13, 14]


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "20261123",
        "20261123:",
        "20261123:09301600",
        "20261123:0930-1660",
        "20261323:0930-1600",
        "20261123:0930-20261123:0900",
        "20261123:2500-20261124:0100",
        ";".join(["20261123:CLOSED"] * 401),
    ],
)
def test_what_is_no_text_of_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_hours(text, NEW_YORK)


def test_an_empty_text_tells_nothing() -> None:
    assert parse_hours("", NEW_YORK) is None


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("US/Eastern", "US/Eastern"),
        ("EST (Eastern Standard Time)", "America/New_York"),
        ("EST5EDT", "EST5EDT"),
        ("MET", "MET"),
        ("MET (Middle Europe Time)", "MET"),
        ("JST (Japan Standard Time)", "Asia/Tokyo"),
        ("Japan", "Japan"),
        ("GB-Eire", "Europe/London"),
        ("Hongkong", "Hongkong"),
        ("CST (Central Standard Time)", "America/Chicago"),
        ("Asia/Calcutta", "Asia/Calcutta"),
    ],
)
def test_zones_go_by_the_names_that_ib_gives_them(name: str, key: str) -> None:
    zone = zone_of(name)

    assert zone is not None
    assert zone.key == key


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "(nothing)"])
def test_a_zone_that_nobody_knows_is_none(name: str) -> None:
    assert zone_of(name) is None


DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))
MINUTES = st.integers(0, 1_439)


@given(
    first=DAYS,
    days=st.lists(st.none() | st.tuples(MINUTES, MINUTES).filter(lambda two: two[0] < two[1]), min_size=1, max_size=8),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Tokyo", "Europe/Berlin"]),
)
def test_every_session_written_is_told_and_every_day_is_open_or_closed(
    first: date, days: list[tuple[int, int] | None], zone: str
) -> None:
    written = []
    for ahead, hours in enumerate(days):
        day = f"{first + timedelta(days=ahead):%Y%m%d}"
        clock = ["" if hours is None else f"{minute // 60:02}{minute % 60:02}" for minute in hours or (0, 0)]
        written.append(f"{day}:CLOSED" if hours is None else f"{day}:{clock[0]}-{day}:{clock[1]}")

    try:
        told = parse_hours(";".join(written), ZoneInfo(zone))
    except ValueError:
        # In the hour that the clock leaves out a session may have no length.
        assert zone in {"America/New_York", "Europe/Berlin"}
        return

    assert told is not None
    assert len(told.closed_days) == days.count(None)
    assert len(told.sessions) + len(told.closed_days) == len(days)
    assert {one.day for one in told.sessions}.isdisjoint(told.closed_days)
    for one in told.sessions:
        assert told.known_from <= one.opens_at < one.closes_at <= told.known_until


@given(st.text(alphabet="0123456789:;,-CLOSED ", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        told = parse_hours(text, NEW_YORK)
    except (ValueError, OverflowError):
        return
    assert told is None or told.known_from <= told.known_until
