"""Ranges of bars: what of one is kept already, in which pieces a broker is asked for the rest, what is whole. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from app.core.bars import Bar
from app.core.fix import BarInterval

BARS_MAX: Final = 10_000
_DAY: Final = timedelta(days=1)

# The longest that a broker tells in one answer.
# Source: https://interactivebrokers.github.io/tws-api/historical_bars.html
_PIECES: Final = {
    BarInterval.SECONDS_5: timedelta(hours=1),
    BarInterval.MINUTE_1: _DAY,
    BarInterval.MINUTES_5: timedelta(days=7),
    BarInterval.MINUTES_15: timedelta(days=7),
    BarInterval.HOUR_1: timedelta(days=30),
    BarInterval.DAY_1: timedelta(days=364),
}

SETTLED_AFTER: Final = timedelta(minutes=30)
"""How old a bar is before it is kept: delayed data comes up to twenty minutes late, and corrections come soon."""

_DAY_SETTLED_AFTER: Final = timedelta(hours=36)
"""A date begins at UTC+14 and ends at UTC-12."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRange:
    """From start up to, and without, end."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A stretch whose bars will not change any more, and its bars."""

    span: TimeRange
    bars: tuple[Bar, ...]


def length_of(interval: BarInterval) -> timedelta:
    """How long a bar lasts."""
    return timedelta(seconds=interval.seconds)


def floor(moment: datetime, interval: BarInterval) -> datetime:
    """The beginning of the bar that the instant lies in; days begin at midnight UTC."""
    midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    length = length_of(interval)
    return midnight + (moment - midnight) // length * length


def widened(asked: TimeRange, interval: BarInterval) -> TimeRange:
    """The range of whole bars that begin within the asked one."""
    length = length_of(interval)
    start, end = floor(asked.start, interval), floor(asked.end, interval)
    return TimeRange(
        start=start if start == asked.start else start + length, end=end if end == asked.end else end + length
    )


def settled_until(now: datetime, interval: BarInterval) -> datetime:
    """The end of what will not change any more."""
    if interval is BarInterval.DAY_1:
        return floor(now - _DAY_SETTLED_AFTER, interval) + _DAY
    return floor(now - SETTLED_AFTER, interval)


def settled(told: Sequence[Bar], asked: TimeRange, whole_until: datetime, interval: BarInterval) -> Settled | None:
    """What of an answer about a range will not change any more; None for nothing of it.

    whole_until is the instant up to which the answer is whole.
    """
    span = TimeRange(start=asked.start, end=min(asked.end, settled_until(whole_until, interval)))
    if span.start >= span.end:
        return None
    return Settled(span=span, bars=tuple(bar for bar in told if bar.time < span.end))


def missing(asked: TimeRange, kept: Iterable[TimeRange]) -> list[TimeRange]:
    """What of a range is not kept, in the order of time."""
    found: list[TimeRange] = []
    at = asked.start
    for one in sorted(kept, key=lambda one: one.start):
        if one.end <= at or one.start >= asked.end:
            continue
        if one.start > at:
            found.append(TimeRange(start=at, end=one.start))
        at = max(at, one.end)
    if at < asked.end:
        found.append(TimeRange(start=at, end=asked.end))
    return found


def pieces(ranges: Sequence[TimeRange], interval: BarInterval) -> Iterator[TimeRange]:
    """The ranges in pieces that a broker tells in one answer each."""
    longest = _PIECES[interval]
    for one in ranges:
        start = one.start
        while start < one.end:
            end = min(start + longest, one.end)
            yield TimeRange(start=start, end=end)
            start = end
