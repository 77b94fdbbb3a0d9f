"""What one walk of the market showed since it was opened, so that bars can be made of it."""

from collections import deque
from collections.abc import Iterator
from decimal import Decimal

from app.core.records import replace
from app.simulator.past import BLOCK_S, MINUTE_S, SLICE_S, Stretch

BLOCKS_KEPT = 17_520
MINUTES_KEPT = 2_880
SLICES_KEPT = 720
"""A year of half hours, two days of minutes and an hour of five seconds."""


class Record:
    """The stretches of one walk: in half hours, of late in minutes and in five seconds too."""

    def __init__(self, tick: Decimal, now: int, price: Decimal) -> None:
        self._tick = tick
        self.begins = now - now % MINUTE_S
        self.opened = self._ticks(price)
        self._kept: dict[int, deque[Stretch]] = {
            BLOCK_S: deque(maxlen=BLOCKS_KEPT),
            MINUTE_S: deque(maxlen=MINUTES_KEPT),
            SLICE_S: deque(maxlen=SLICES_KEPT),
        }

    def note(self, now: int, price: Decimal, volume: int) -> None:
        """The price stood there, after so much was dealt."""
        ticks = self._ticks(price)
        for seconds, kept in self._kept.items():
            if not kept or kept[-1].ends <= now:
                kept.append(self._flat(now, seconds, kept[-1].close if kept else self.opened))
            last = kept[-1]
            kept[-1] = replace(
                last,
                high=max(last.high, ticks),
                low=min(last.low, ticks),
                close=ticks,
                volume=last.volume + volume,
                count=last.count + (volume > 0),
            )

    def stretches(self, begins: int, ends: int, unit: int) -> Iterator[tuple[int, Stretch]]:
        """What was kept from one instant to another, each with the size of its kind, as fine as the unit needs.

        What is long ago comes in the sizes that are still kept; where nothing changed it is flat.
        """
        at = max(begins, self.begins)
        for seconds, finer in ((BLOCK_S, MINUTE_S), (MINUTE_S, SLICE_S), (SLICE_S, 0)):
            is_finest = unit >= seconds or not finer
            until = ends if is_finest else min(ends, self._from(finer, seconds))
            if at < until:
                yield from ((seconds, stretch) for stretch in self._run(seconds, at, until))
                at = until
            if is_finest:
                return

    def _from(self, seconds: int, aligned_to: int) -> int:
        kept = self._kept[seconds]
        if len(kept) < SLICES_KEPT:
            return self.begins
        return -(-kept[0].begins // aligned_to) * aligned_to

    def _run(self, seconds: int, begins: int, ends: int) -> Iterator[Stretch]:
        kept = self._kept[seconds]
        known = {stretch.begins: stretch for stretch in kept if begins - seconds < stretch.begins < ends}
        price = next((stretch.close for stretch in reversed(kept) if stretch.begins <= begins - seconds), self.opened)
        place = max(begins - begins % seconds, self.begins)
        while place < ends:
            stretch = known.get(place) or self._flat(place, seconds, price)
            price, place = stretch.close, stretch.ends
            yield stretch

    def _flat(self, now: int, seconds: int, price: int) -> Stretch:
        whole = now - now % seconds
        begins = max(whole, self.begins)
        return Stretch(
            begins=begins,
            seconds=whole + seconds - begins,
            open=price,
            high=price,
            low=price,
            close=price,
            volume=0,
            count=0,
        )

    def _ticks(self, price: Decimal) -> int:
        return int(price / self._tick)
