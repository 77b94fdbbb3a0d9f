"""Markets as the paper broker sees them: the newest quote of each, what is left of its sizes, and the book."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from app.core.fix import Side
from app.core.ids import InstrumentId
from app.core.matching import BookEvent, MarketState, OrderBook
from app.core.messages import Tick
from app.core.money import ZERO

_NOTHING = MarketState()


@dataclass(slots=True, kw_only=True)
class PaperMarket:
    """Deals from each displayed size once: a side is full again only when its price or size changes.

    dealt_until is the time of the newest quote of earlier sessions that was dealt from; what it shows is taken.
    """

    age_max: timedelta
    dealt_until: datetime | None = None
    book: OrderBook = field(default_factory=OrderBook)
    tick: Tick | None = None
    _left: dict[Side, Decimal] = field(default_factory=lambda: {Side.BUY: ZERO, Side.SELL: ZERO})
    _is_shown: bool = False

    def is_fresh(self, now: datetime) -> bool:
        """True while the newest quote may be dealt on."""
        return self.tick is not None and now - self.tick.time <= self.age_max

    def see(self, tick: Tick, now: datetime) -> Iterable[BookEvent]:
        """Take a newer quote. An older one than the newest changes nothing."""
        old = self.tick
        if old is not None and tick.time < old.time:
            return ()
        is_taken = self.dealt_until is not None and tick.time <= self.dealt_until
        for side in Side:
            if is_taken:
                self._left[side] = ZERO
            elif old is None or _touch(tick, side) != _touch(old, side):
                self._left[side] = _touch(tick, side)[1] or ZERO
        self.tick = tick
        return self._show(now)

    def refresh(self, now: datetime) -> Iterable[BookEvent]:
        """Take the quote away from the book when it has become too old: until a newer one comes nothing deals."""
        if self._is_shown and not self.is_fresh(now):
            return self._show(now)
        return ()

    def dealt(self, side: Side, quantity: Decimal) -> None:
        """So much was taken from the size that an order of this side deals with."""
        self._left[side] -= quantity

    @property
    def mark(self) -> Decimal | None:
        """What a position is valued at: the last trade, else the middle of the quote."""
        tick = self.tick
        if tick is None:
            return None
        if tick.last is not None:
            return tick.last
        return None if tick.bid is None or tick.ask is None else (tick.bid + tick.ask) / 2

    def _show(self, now: datetime) -> Iterable[BookEvent]:
        tick = self.tick
        self._is_shown = self.is_fresh(now)
        if tick is None or not self._is_shown:
            return self.book.update(_NOTHING)
        return self.book.update(
            MarketState(
                bid=tick.bid,
                bid_size=self._left[Side.SELL],
                ask=tick.ask,
                ask_size=self._left[Side.BUY],
                last=tick.last,
                last_size=tick.last_size or ZERO,
            )
        )


class PaperMarkets(dict[InstrumentId, PaperMarket]):
    """The market of every instrument that was asked for, made when it is first asked for.

    dealt_until is by instrument what it is of a market.
    """

    def __init__(self, age_max: timedelta, dealt_until: Mapping[InstrumentId, datetime]) -> None:
        super().__init__()
        self._age_max = age_max
        self._dealt_until = dict(dealt_until)

    def __missing__(self, instrument_id: InstrumentId) -> PaperMarket:
        dealt_until = self._dealt_until.get(instrument_id)
        market = self[instrument_id] = PaperMarket(age_max=self._age_max, dealt_until=dealt_until)
        return market

    def mark(self, instrument_id: InstrumentId) -> Decimal | None:
        """What a position in the instrument is valued at; None while no quote was seen."""
        market = self.get(instrument_id)
        return None if market is None else market.mark


def _touch(tick: Tick, side: Side) -> tuple[Decimal | None, Decimal | None]:
    # What an order of this side deals with is the other side of the quote.
    return (tick.ask, tick.ask_size) if side is Side.BUY else (tick.bid, tick.bid_size)
