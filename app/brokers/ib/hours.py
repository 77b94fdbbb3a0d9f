"""IB's texts of trading hours: sessions and closed days of the days ahead, in a time zone by one of its names. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from app.core.sessions import ToldSession

DAYS_MAX = 400
_CLOSED = "CLOSED"
_DAY = timedelta(days=1)
_ENTRY = re.compile(r"(\d{8}):(CLOSED|[\d:,-]+)", re.ASCII)

# Names that a Java program writes and the zone database has not, or has without summer time.
# Source: java.time.ZoneId.SHORT_IDS; contract details as users of the API show them name zones so.
_ZONES = {
    "ACT": "Australia/Darwin",
    "AET": "Australia/Sydney",
    "AGT": "America/Argentina/Buenos_Aires",
    "ART": "Africa/Cairo",
    "AST": "America/Anchorage",
    "BET": "America/Sao_Paulo",
    "BST": "Europe/London",
    "CNT": "America/St_Johns",
    "CST": "America/Chicago",
    "CTT": "Asia/Shanghai",
    "ECT": "Europe/Paris",
    "EST": "America/New_York",
    "HKT": "Asia/Hong_Kong",
    "IST": "Asia/Kolkata",
    "JST": "Asia/Tokyo",
    "KST": "Asia/Seoul",
    "MST": "America/Denver",
    "NST": "Pacific/Auckland",
    "PRT": "America/Puerto_Rico",
    "PST": "America/Los_Angeles",
    "SGT": "Asia/Singapore",
    "Australia/NSW": "Australia/Sydney",
    "GB-Eire": "Europe/London",
    "India Standard Time": "Asia/Kolkata",
    "Israel Standard Time": "Asia/Jerusalem",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedHours:
    """The sessions of a text, the dates without any, and from when until when it tells of all there is."""

    sessions: tuple[ToldSession, ...]
    closed_days: tuple[date, ...]
    known_from: datetime
    known_until: datetime


@lru_cache(64)
def zone_of(name: str) -> ZoneInfo | None:
    """The zone of a timeZoneId such as "US/Eastern", "EST (Eastern Standard Time)" or "JST"; None for another."""
    short = name.partition("(")[0].strip()
    try:
        return ZoneInfo(_ZONES.get(short, short))
    except (ValueError, OSError, KeyError):
        return None


def parse_hours(text: str, zone: ZoneInfo) -> ParsedHours | None:
    """The hours of tradingHours or liquidHours; None for an empty text.

    "20180323:0400-20180323:2000;20180326:CLOSED" is how they are written, and "20090507:0700-1830,1830-2330" how they
    were before: there a session that ends before it begins began on the day before. Sessions that meet are one.
    Raises ValueError for any other text.

    Source: https://interactivebrokers.github.io/tws-api/contract_details.html
    """
    entries = [entry for entry in text.strip().split(";") if entry]
    if not entries:
        return None
    if len(entries) > DAYS_MAX:
        raise ValueError(f"hours of more than {DAYS_MAX} days")
    sessions: list[ToldSession] = []
    days: list[date] = []
    open_days: set[date] = set()
    for entry in entries:
        parts = _ENTRY.fullmatch(entry)
        if parts is None:
            raise ValueError(f"not the hours of a day: {entry!r}")
        day = _date(parts[1])
        days.append(day)
        if parts[2] == _CLOSED:
            continue
        told = (
            [_session(day, segment, zone) for segment in parts[2].split(",") if segment]
            if "," in parts[2]
            else [_session(day, parts[2], zone)]
        )
        sessions += told
        open_days |= {day, *(one.day for one in told)}
    ordered = _joined(sorted(sessions, key=lambda one: (one.opens_at, one.closes_at)))
    midnights = [_midnight(min(days), zone), _midnight(max(days) + _DAY, zone)]
    return ParsedHours(
        sessions=ordered,
        closed_days=tuple(sorted(set(days) - open_days)),
        known_from=min([midnights[0], *(one.opens_at for one in ordered)]),
        known_until=max([midnights[1], *(one.closes_at for one in ordered)]),
    )


def _session(day: date, segment: str, zone: ZoneInfo) -> ToldSession:
    opens, dash, closes = segment.partition("-")
    if not dash:
        raise ValueError(f"not a session: {segment!r}")
    opening = _wall(day, opens)
    closing = _wall(day, closes)
    if ":" not in closes and closing <= opening:
        opening -= _DAY
    opens_at, closes_at = (wall.replace(tzinfo=zone).astimezone(UTC) for wall in (opening, closing))
    if closes_at <= opens_at:
        raise ValueError(f"a session that ends before it begins: {segment!r}")
    # A close at midnight belongs to the day that it ends.
    return ToldSession(day=(closing - timedelta(microseconds=1)).date(), opens_at=opens_at, closes_at=closes_at)


def _joined(sessions: list[ToldSession]) -> tuple[ToldSession, ...]:
    found: list[ToldSession] = []
    for one in sessions:
        if found and one.day == found[-1].day and one.opens_at <= found[-1].closes_at:
            last = found.pop()
            one = ToldSession(day=one.day, opens_at=last.opens_at, closes_at=max(last.closes_at, one.closes_at))
        found.append(one)
    return tuple(found)


def _wall(day: date, text: str) -> datetime:
    named, colon, clock = text.rpartition(":")
    if not re.fullmatch(r"\d{4}", clock, re.ASCII):
        raise ValueError(f"not a time of day: {text!r}")
    hours, minutes = int(clock[:2]), int(clock[2:])
    if hours > 24 or minutes > 59 or (hours == 24 and minutes):
        raise ValueError(f"not a time of day: {text!r}")
    return datetime.combine(_date(named) if colon else day, time()) + timedelta(hours=hours, minutes=minutes)


def _date(text: str) -> date:
    if not re.fullmatch(r"\d{8}", text, re.ASCII):
        raise ValueError(f"not a date: {text!r}")
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
