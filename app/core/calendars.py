"""Days on which an exchange keeps other hours than it told or than are usual: holidays, half days, special sessions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from app.core.records import replace
from app.core.sessions import Hours, Session, ToldHours, ToldSession, TradingHours


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOverride:
    """What holds for one trading day of an exchange, which is named by the date of its close.

    Bounds are minutes from the day's midnight by the clock on the exchange's wall; below zero they lie in the day
    before. is_closed: there is no session. Else the sessions of the day lie within the bounds that are given, the
    extended ones within the extended bounds where these are given; a day without sessions has one where both bounds
    are.
    """

    day: date
    is_closed: bool = False
    opens: int | None = None
    closes: int | None = None
    extended_opens: int | None = None
    extended_closes: int | None = None


def hours_with_overrides(hours: Hours | None, overrides: Iterable[DayOverride]) -> Hours | None:
    """The hours with these days as they are overridden; each day at most once. None where no hours are known.

    Where the overridden days lie beyond what the exchange told, the usual sessions up to them are assumed; a day
    before what was told, or without usual sessions to go by, stays as it was.
    """
    listed = sorted(overrides, key=lambda one: one.day)
    if hours is None or not listed:
        return hours
    told = _told_of(hours, listed[0].day) if isinstance(hours, TradingHours) else hours
    told = _told_through(told, listed[-1].day)
    for one in listed:
        told = _overridden(told, one)
    return told


def _told_of(hours: TradingHours, first: date) -> ToldHours:
    # Known from the end of the trading day before: whatever session is on then is the usual one.
    before = first - timedelta(days=1)
    while hours.session_of(before, is_extended=True) is None:
        before -= timedelta(days=1)
    start = _end_of(hours, before)
    return ToldHours(
        zone=hours.zone, regular=(), extended=(), closed_days=(), known_from=start, known_until=start, usual=hours
    )


def _told_through(told: ToldHours, last: date) -> ToldHours:
    usual = told.usual
    if usual is None or _at(ZoneInfo(told.zone), last + timedelta(days=1), 0) <= told.known_until:
        return told
    day, known_until = usual.local_date(told.known_until) - timedelta(days=1), told.known_until
    regular, extended, assumed = list(told.regular), list(told.extended), list(told.assumed)
    while True:
        ends = _add(usual, day, told.known_until, regular, extended)
        if ends > told.known_until:
            assumed.append(day)
            known_until = max(known_until, ends)
        # Up to the end of a day that has sessions: whatever comes after it is the usual one.
        if day >= last and usual.session_of(day, is_extended=True) is not None:
            break
        day += timedelta(days=1)
    return replace(
        told, regular=tuple(regular), extended=tuple(extended), known_until=known_until, assumed=tuple(assumed)
    )


def _add(
    usual: TradingHours, day: date, after: datetime, regular: list[ToldSession], extended: list[ToldSession]
) -> datetime:
    ends = after
    for is_extended, sessions in ((False, regular), (True, extended)):
        session = usual.session_of(day, is_extended=is_extended)
        if session is not None and session.closes_at > after:
            sessions.append(ToldSession(day=day, opens_at=max(session.opens_at, after), closes_at=session.closes_at))
            ends = max(ends, session.closes_at)
    return ends


def _end_of(hours: TradingHours, day: date) -> datetime:
    ends = [hours.session_of(day, is_extended=is_extended) for is_extended in (False, True)]
    return max(session.closes_at for session in ends if session is not None)


def _overridden(told: ToldHours, one: DayOverride) -> ToldHours:
    zone = ZoneInfo(told.zone)
    midnight = _at(zone, one.day, 0)
    if not told.known_from < midnight + timedelta(days=1) or not midnight < told.known_until:
        return told
    told = replace(told, assumed=tuple(day for day in told.assumed if day != one.day))
    if one.is_closed:
        kept = [tuple(s for s in sessions if s.day != one.day) for sessions in (told.regular, told.extended)]
        closed = tuple(sorted({*told.closed_days, one.day}))
        return replace(told, regular=kept[0], extended=kept[1], closed_days=closed)
    regular = _bounded(told.regular, one.day, zone, one.opens, one.closes)
    wide = (
        one.opens if one.extended_opens is None else one.extended_opens,
        one.closes if one.extended_closes is None else one.extended_closes,
    )
    return replace(
        told,
        regular=regular,
        extended=_bounded(told.extended, one.day, zone, *wide),
        closed_days=tuple(day for day in told.closed_days if day != one.day),
    )


def _bounded(
    sessions: Sequence[ToldSession], day: date, zone: ZoneInfo, opens: int | None, closes: int | None
) -> tuple[ToldSession, ...]:
    first = None if opens is None else _at(zone, day, opens)
    last = None if closes is None else _at(zone, day, closes)
    of_day = [one for one in sessions if one.day == day]
    if first is not None and last is not None:
        # What is said of both ends is the day: a session may begin before the usual one too.
        of_day = _stretched(of_day, Session(opens_at=first, closes_at=last), day)
    cut = [
        ToldSession(
            day=day,
            opens_at=one.opens_at if first is None else max(one.opens_at, first),
            closes_at=one.closes_at if last is None else min(one.closes_at, last),
        )
        for one in of_day
    ]
    kept = [one for one in cut if one.opens_at < one.closes_at]
    others = [one for one in sessions if one.day != day]
    return tuple(sorted([*others, *kept], key=lambda one: one.opens_at))


def _stretched(of_day: list[ToldSession], whole: Session, day: date) -> list[ToldSession]:
    if not of_day:
        return [ToldSession(day=day, opens_at=whole.opens_at, closes_at=whole.closes_at)]
    first, last = of_day[0], of_day[-1]
    ends = [replace(first, opens_at=min(first.opens_at, whole.opens_at)), *of_day[1:]]
    ends[-1] = replace(ends[-1], closes_at=max(last.closes_at, whole.closes_at))
    assert all(one.closes_at <= other.opens_at for one, other in pairwise(ends)), "sessions of a day do not overlap"
    return ends


def _at(zone: ZoneInfo, day: date, minutes: int) -> datetime:
    wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
    return wall.replace(tzinfo=zone).astimezone(UTC)
