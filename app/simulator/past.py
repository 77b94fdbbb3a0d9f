"""The prices that an instrument had before its market was opened: one answer for ever, from a seed and the calendar."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from random import Random

from app.core.catalogue import CatalogueEntry
from app.core.sessions import Session, TradingHours

BLOCK_S = 1_800
MINUTE_S = 60
SLICE_S = 5
SHARES_A_SECOND = 1_800
SHARES_A_TRADE = 300
"""What the walk of the market deals, about; currency pairs a thousand times as much."""

_FOREX_FACTOR = 1_000
_SWINGS = ((91, 0.020), (21, 0.012), (5, 0.007), (1, 0.004))
"""Days and the fraction of the price: slow swings with quicker ones on top."""

_GAP, _REACH = 0.001, 0.006
_VOLUME_SPREAD = 0.3
_WEIGHT_MIN = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What was dealt in a stretch of time: its begin as seconds since 1970, its length, and prices in ticks."""

    begins: int
    seconds: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    count: int

    @property
    def ends(self) -> int:
        """The second after it."""
        return self.begins + self.seconds


class Past:
    """One instrument's past, from days down to seconds. Finer stretches always make up the coarser ones exactly."""

    def __init__(self, entry: CatalogueEntry, seed: int, hours: TradingHours) -> None:
        self._name = f"{seed}:{entry.con_id}"
        self._reference = float(entry.reference_price / entry.tick_size)
        self._hours = hours
        self._factor = _FOREX_FACTOR if entry.instrument_type == "FOREX" else 1

    def day(self, day: date, session: Session) -> Stretch:
        """All of a day that has this session."""
        begins, ends = int(session.opens_at.timestamp()), int(session.closes_at.timestamp())
        return self._whole(day, begins, ends - begins, self._close_of(day))

    def day_up_to(self, day: date, session: Session, ends: int, close: int) -> Stretch | None:
        """The day's part up to an instant, at which the price stands at `close`; None when it had not begun."""
        begins = int(session.opens_at.timestamp())
        return self._whole(day, begins, ends - begins, close) if ends > begins else None

    def of_blocks(self, day: Stretch, begins: int, ends: int) -> Stretch | None:
        """The half hours of a day that reach into a span, as one; None when none does."""
        return _of_blocks(self._name, day, begins, ends)

    def blocks(self, day: Stretch) -> list[Stretch]:
        """The half hours of a day, by the clock; the first and the last may be shorter."""
        return _parts(self._name, day, BLOCK_S)

    def minutes(self, block: Stretch) -> list[Stretch]:
        """The minutes of a half hour."""
        return _parts(self._name, block, MINUTE_S)

    def slices(self, minute: Stretch) -> list[Stretch]:
        """The five seconds of a minute."""
        return _parts(self._name, minute, SLICE_S)

    def seconds(self, piece: Stretch) -> list[Stretch]:
        """The seconds of five."""
        return _parts(self._name, piece, 1)

    def _whole(self, day: date, begins: int, seconds: int, close: int) -> Stretch:
        random = Random(f"{self._name}:{day}")
        before = day - timedelta(days=1)
        while self._hours.session_of(before, is_extended=True) is None:
            before -= timedelta(days=1)
        opened = round(self._close_of(before) * (1 + _GAP * random.uniform(-1, 1)))
        high = round(max(opened, close) * (1 + _REACH * random.random()))
        low = round(min(opened, close) * (1 - _REACH * random.random()))
        busy = random.uniform(1 - _VOLUME_SPREAD, 1 + _VOLUME_SPREAD)
        volume = int(seconds * SHARES_A_SECOND * busy) * self._factor
        return Stretch(
            begins=begins,
            seconds=seconds,
            open=opened,
            high=high,
            low=low,
            close=close,
            volume=volume,
            count=volume // (SHARES_A_TRADE * self._factor),
        )

    def _close_of(self, day: date) -> int:
        ordinal = day.toordinal()
        swing = sum(size * _smooth(self._name, days, ordinal / days) for days, size in _SWINGS)
        return max(1, round(self._reference * (1 + swing)))


# A year of days is asked for again by whoever connects, and is the same for ever.
@lru_cache(maxsize=16_384)
def _of_blocks(name: str, day: Stretch, begins: int, ends: int) -> Stretch | None:
    blocks = [one for one in _parts(name, day, BLOCK_S) if one.ends > begins and one.begins < ends]
    if not blocks:
        return None
    return Stretch(
        begins=blocks[0].begins,
        seconds=blocks[-1].ends - blocks[0].begins,
        open=blocks[0].open,
        high=max(one.high for one in blocks),
        low=min(one.low for one in blocks),
        close=blocks[-1].close,
        volume=sum(one.volume for one in blocks),
        count=sum(one.count for one in blocks),
    )


def _parts(name: str, whole: Stretch, seconds: int) -> list[Stretch]:
    bounds = list(_bounds(whole, seconds))
    if len(bounds) == 2:
        return [whole]
    return _split(whole, bounds, Random(f"{name}:{whole.begins}:{seconds}"))


def _bounds(whole: Stretch, seconds: int) -> Iterator[int]:
    yield whole.begins
    yield from range(whole.begins - whole.begins % seconds + seconds, whole.ends, seconds)
    yield whole.ends


def _split(whole: Stretch, bounds: list[int], random: Random) -> list[Stretch]:
    count = len(bounds) - 1
    reach = whole.high - whole.low
    prices = [whole.open]
    for place in range(1, count):
        middle = whole.open + (whole.close - whole.open) * place / count
        prices.append(min(whole.high, max(whole.low, round(middle + reach * random.uniform(-0.3, 0.3)))))
    prices.append(whole.close)
    top, bottom = random.randrange(count), random.randrange(count)
    stray = reach // (2 * count)
    shares = _shares([_WEIGHT_MIN + random.random() for _ in range(count)])
    parts = []
    for place in range(count):
        opened, closed = prices[place], prices[place + 1]
        high = min(whole.high, max(opened, closed) + random.randint(0, stray))
        low = max(whole.low, min(opened, closed) - random.randint(0, stray))
        parts.append(
            Stretch(
                begins=bounds[place],
                seconds=bounds[place + 1] - bounds[place],
                open=opened,
                high=whole.high if place == top else high,
                low=whole.low if place == bottom else low,
                close=closed,
                volume=int(whole.volume * shares[place + 1]) - int(whole.volume * shares[place]),
                count=int(whole.count * shares[place + 1]) - int(whole.count * shares[place]),
            )
        )
    return parts


def _shares(weights: list[float]) -> list[float]:
    total = sum(weights)
    shares, reached = [0.0], 0.0
    for weight in weights[:-1]:
        reached += weight
        shares.append(reached / total)
    return [*shares, 1.0]


def _smooth(name: str, days: int, place: float) -> float:
    whole = math.floor(place)
    before, after = _level(name, days, whole), _level(name, days, whole + 1)
    turn = (1 - math.cos(math.pi * (place - whole))) / 2
    return before + (after - before) * turn


@lru_cache(maxsize=65_536)
def _level(name: str, days: int, number: int) -> float:
    return Random(f"{name}:{days}:{number}").uniform(-1, 1)
