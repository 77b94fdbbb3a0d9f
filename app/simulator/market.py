"""The simulated market: a seeded walk of prices with spread and displayed sizes, or whatever it is told to show."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from random import Random
from typing import Protocol

from app.core.catalogue import CatalogueEntry
from app.core.matching import MarketState
from app.core.money import ZERO
from app.core.records import replace

_MOVES = (-2, -1, -1, 0, 0, 0, 1, 1, 2)
_SPREADS = (1, 1, 1, 2, 2, 3)
_STRAY_MAX = Decimal("0.10")
_FOREX_SIZE_FACTOR = 1_000
_TRADE_LIKELIHOOD = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """All that the market shows of an instrument: the touch, the last trade and the day's figures."""

    state: MarketState
    volume: Decimal
    day_open: Decimal
    day_high: Decimal
    day_low: Decimal
    previous_close: Decimal
    traded_at: datetime

    @property
    def mark(self) -> Decimal:
        """What a position is valued at: the last trade, or the previous close before one."""
        return self.state.last if self.state.last is not None else self.previous_close


class Derivation(Protocol):
    """How the quotes of instruments that do not walk by themselves follow from those that do."""

    def root_of(self, con_id: int) -> int:
        """The contract id that the instrument's price follows. Raises KeyError for one that follows none."""

    def quote(self, con_id: int, root: Quote, day: date) -> Quote:
        """What the instrument shows on a day while its root shows this."""


class _Walk:
    """One instrument's price path, held in whole ticks so that it is exact."""

    def __init__(self, entry: CatalogueEntry, seed: int, size_min: int, size_max: int) -> None:
        self._tick = entry.tick_size
        self._random = Random(f"{seed}:{entry.con_id}")
        self._reference = int(entry.reference_price / entry.tick_size)
        self._stray_max = int(self._reference * _STRAY_MAX)
        self._factor = _FOREX_SIZE_FACTOR if entry.instrument_type == "FOREX" else 1
        self._size_min, self._size_max = size_min, size_max
        self.middle = self._reference

    def step(self) -> MarketState:
        self.middle += self._random.choice(_MOVES)
        stray = self.middle - self._reference
        if abs(stray) > self._stray_max:
            self.middle -= 2 if stray > 0 else -2
        spread = self._random.choice(_SPREADS)
        bid = self.middle - spread // 2
        ask = bid + spread
        last = self._random.choice((bid, ask))
        return MarketState(
            bid=bid * self._tick,
            bid_size=self._size(),
            ask=ask * self._tick,
            ask_size=self._size(),
            last=last * self._tick,
            last_size=Decimal(self._random.randint(1, 5) * 100 * self._factor),
        )

    @property
    def dice(self) -> tuple[int, tuple[int, ...], float | None]:
        version, state, gauss = self._random.getstate()
        return version, state, gauss

    @dice.setter
    def dice(self, state: tuple[int, tuple[int, ...], float | None]) -> None:
        self._random.setstate(state)

    def has_trade(self) -> bool:
        return self._random.random() < _TRADE_LIKELIHOOD

    def _size(self) -> Decimal:
        return Decimal(self._random.randint(self._size_min, self._size_max) * self._factor)


class Market:
    """The quotes of every instrument, by contract id. The same seed walks the same path.

    `on_quote` is told of every new quote of what walks, with the one before it.
    """

    def __init__(
        self,
        instruments: tuple[CatalogueEntry, ...],
        *,
        seed: int,
        size_min: int,
        size_max: int,
        derivation: Derivation | None = None,
        on_quote: Callable[[int, Quote | None, Quote, datetime], None] | None = None,
    ) -> None:
        self._walks = {entry.con_id: _Walk(entry, seed, size_min, size_max) for entry in instruments}
        self._quotes: dict[int, Quote] = {}
        self._closes: dict[int, Decimal] = {}
        self._derivation = derivation
        self._on_quote = on_quote
        self._day = date.min
        # What was derived last, and from which quote on which day.
        self._derived: dict[int, tuple[Quote, date, Quote]] = {}

    @property
    def walking(self) -> Collection[int]:
        """The contract ids of what walks by itself."""
        return self._walks.keys()

    def open(self, now: datetime) -> None:
        """Show the first quotes."""
        self._day = now.date()
        for con_id, walk in self._walks.items():
            state = walk.step()
            assert state.last is not None
            first = Quote(
                state=state,
                volume=state.last_size,
                day_open=state.last,
                day_high=state.last,
                day_low=state.last,
                previous_close=state.last,
                traded_at=now,
            )
            self._put(con_id, None, first, now)

    def step(self, now: datetime) -> None:
        """Move every instrument once."""
        self._day = now.date()
        for con_id, walk in self._walks.items():
            old = self._quotes[con_id]
            new = walk.step()
            if not walk.has_trade():
                new = MarketState(
                    bid=new.bid,
                    bid_size=new.bid_size,
                    ask=new.ask,
                    ask_size=new.ask_size,
                    last=old.state.last,
                    last_size=old.state.last_size,
                )
                self._put(con_id, old, _with_touch(old, new), now)
            else:
                self._put(con_id, old, _with_trade(old, new, now), now)

    def end_day(self, con_id: int) -> None:
        """Keep what the instrument stands at as its close. What is derived has the day of its root."""
        if con_id not in self._walks:
            return
        self._closes[con_id] = self._quotes[con_id].mark

    def begin_day(self, con_id: int) -> None:
        """Open at what the instrument stands at, and count the day's figures from there."""
        if con_id not in self._walks:
            return
        old = self._quotes[con_id]
        self._quotes[con_id] = replace(
            old,
            volume=ZERO,
            day_open=old.mark,
            day_high=old.mark,
            day_low=old.mark,
            previous_close=self._closes.pop(con_id, old.mark),
        )

    def show(self, con_id: int, state: MarketState, now: datetime) -> None:
        """Show this and nothing else for the instrument until the next step."""
        old = self.quote(con_id)
        is_trade = (state.last, state.last_size) != (old.state.last, old.state.last_size)
        shown = _with_trade(old, state, now) if is_trade else _with_touch(old, state)
        if con_id in self._walks:
            self._put(con_id, old, shown, now)
        else:
            root, day, _ = self._derived[con_id]
            self._derived[con_id] = root, day, shown

    def quote(self, con_id: int) -> Quote:
        """What the market shows of the instrument now. Raises KeyError for an unknown one."""
        quote = self._quotes.get(con_id)
        return quote if quote is not None else self._quote_of_derived(con_id)

    def positions_of_walks(self) -> dict[int, int]:
        """Where each walk stands, in ticks: what brings the market back after a restart."""
        return {con_id: walk.middle for con_id, walk in self._walks.items()}

    def dice(self) -> dict[int, tuple[int, tuple[int, ...], float | None]]:
        """The state of every walk's dice."""
        return {con_id: walk.dice for con_id, walk in self._walks.items()}

    def quotes(self) -> dict[int, Quote]:
        """What every instrument shows now."""
        return dict(self._quotes)

    def restore_whole(
        self, quotes: dict[int, Quote], dice: dict[int, tuple[int, tuple[int, ...], float | None]]
    ) -> None:
        """Show what was shown, and let the walks go on with the dice that they had."""
        self._quotes.update({con_id: quote for con_id, quote in quotes.items() if con_id in self._walks})
        for con_id, state in dice.items():
            if con_id in self._walks:
                self._walks[con_id].dice = state

    def restore(self, positions: dict[int, int]) -> None:
        """Go on from where the walks stood."""
        for con_id, middle in positions.items():
            if con_id in self._walks:
                self._walks[con_id].middle = middle

    def _put(self, con_id: int, old: Quote | None, new: Quote, now: datetime) -> None:
        self._quotes[con_id] = new
        if self._on_quote is not None:
            self._on_quote(con_id, old, new, now)

    def _quote_of_derived(self, con_id: int) -> Quote:
        if self._derivation is None:
            raise KeyError(con_id)
        root = self._quotes[self._derivation.root_of(con_id)]
        known = self._derived.get(con_id)
        if known is not None and known[0] is root and known[1] == self._day:
            return known[2]
        quote = self._derivation.quote(con_id, root, self._day)
        self._derived[con_id] = root, self._day, quote
        return quote


def _with_touch(old: Quote, state: MarketState) -> Quote:
    return Quote(
        state=state,
        volume=old.volume,
        day_open=old.day_open,
        day_high=old.day_high,
        day_low=old.day_low,
        previous_close=old.previous_close,
        traded_at=old.traded_at,
    )


def _with_trade(old: Quote, state: MarketState, now: datetime) -> Quote:
    last = state.last if state.last is not None else old.mark
    return Quote(
        state=state,
        volume=old.volume + (state.last_size or ZERO),
        day_open=old.day_open,
        day_high=max(old.day_high, last),
        day_low=min(old.day_low, last),
        previous_close=old.previous_close,
        traded_at=now,
    )
