"""The matching engine: one instrument's resting orders against the quote that its market shows."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from app.core.fix import OrderType, Side, TimeInForce
from app.core.money import ZERO
from app.core.records import replace

_FIRST = Decimal("-Infinity")
_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
_TRIGGERED = _STOPS | {OrderType.TRAILING_STOP}
_LIMITS = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketState:
    """What the market shows: best bid and ask with the sizes displayed there, and the last trade.

    None where that side shows nothing. Sizes are in units of the instrument.
    """

    bid: Decimal | None = None
    bid_size: Decimal = ZERO
    ask: Decimal | None = None
    ask_size: Decimal = ZERO
    last: Decimal | None = None
    last_size: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class BookOrder:
    """An order as the book takes it, of any type, with terms that are already checked.

    `filled_quantity` and `is_triggered` tell what an order that comes back from storage has behind it.
    A trailing stop's `stop_price` is where its stop stands, None before a trade was seen; `trailing_amount` is its
    distance, a price per unit.
    """

    order_key: str
    side: Side
    order_type: OrderType
    quantity: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_amount: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    filled_quantity: Decimal = ZERO
    is_triggered: bool = False

    def __post_init__(self) -> None:
        assert self.order_type in _LIMITS | _TRIGGERED | {OrderType.MARKET}
        assert ZERO <= self.filled_quantity <= self.quantity
        assert (self.limit_price is not None) == (self.order_type in _LIMITS)
        is_trailing = self.order_type is OrderType.TRAILING_STOP
        assert is_trailing or (self.stop_price is not None) == (self.order_type in _STOPS)
        assert (self.trailing_amount is not None) == is_trailing
        assert self.trailing_amount is None or self.trailing_amount > ZERO

    @property
    def leaves_quantity(self) -> Decimal:
        """LeavesQty (151): what is still to be dealt."""
        return self.quantity - self.filled_quantity

    @property
    def is_waiting(self) -> bool:
        """True for a stop that the market has not set off yet."""
        return self.order_type in _TRIGGERED and not self.is_triggered


class EndReason(StrEnum):
    """Why an order left the book unfilled."""

    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    NOT_FILLED_AT_ONCE = "NOT_FILLED_AT_ONCE"


class RefusalReason(StrEnum):
    """Why the book left an order as it was."""

    UNKNOWN_ORDER = "UNKNOWN_ORDER"
    QUANTITY_NOT_ABOVE_FILLED = "QUANTITY_NOT_ABOVE_FILLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTriggered:
    """The last trade reached the stop price: the order is live now, as market or as limit."""

    order_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTrailed:
    """The stop of a trailing order stands at a new price."""

    order_key: str
    stop_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilled:
    """A quantity was dealt at a price; `is_maker` when the order waited for the market to come to it."""

    order_key: str
    quantity: Decimal
    price: Decimal
    is_maker: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReplaced:
    """The order has new terms."""

    order_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEnded:
    """The order left the book with `leaves_quantity` never dealt."""

    order_key: str
    leaves_quantity: Decimal
    reason: EndReason


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefused:
    """The book did not do what was asked; nothing changed."""

    order_key: str
    reason: RefusalReason


BookEvent = OrderTriggered | StopTrailed | OrderFilled | OrderReplaced | OrderEnded | RequestRefused


@dataclass(slots=True)
class _Resting:
    order: BookOrder
    sequence: int
    is_maker: bool = False


_Rank = tuple[Decimal, int, str]


class OrderBook:
    """The working orders of one instrument, matched by price, then time, against the displayed market.

    Orders deal with the market, never with each other. A fill takes from the displayed size, which is full again at
    the next market state. An order that meets the market at once deals at the market's price, one that waited deals at
    its own limit. A trailing stop follows the last trade at its distance, never back. After every call, a side that
    still shows size has no order left that would take it.
    """

    def __init__(self) -> None:
        self._market = MarketState()
        self._left = {Side.BUY: ZERO, Side.SELL: ZERO}
        self._resting: dict[str, _Resting] = {}
        self._working: dict[Side, list[_Rank]] = {Side.BUY: [], Side.SELL: []}
        self._waiting: dict[Side, list[_Rank]] = {Side.BUY: [], Side.SELL: []}
        self._trailing: dict[str, _Resting] = {}
        self._sequence = 0

    def __len__(self) -> int:
        return len(self._resting)

    def order(self, order_key: str) -> BookOrder | None:
        """The order as it stands, or None when it is not in the book."""
        resting = self._resting.get(order_key)
        return resting.order if resting else None

    def place(self, order: BookOrder) -> tuple[BookEvent, ...]:
        """Take a new order in; its key is not in the book yet and something of it is left to deal."""
        assert order.order_key not in self._resting
        assert order.leaves_quantity > ZERO
        resting = _Resting(order=order, sequence=self._next_sequence())
        self._resting[order.order_key] = resting
        return tuple(self._enter(resting))

    def replace(
        self,
        order_key: str,
        *,
        quantity: Decimal,
        limit_price: Decimal | None = None,
        stop_price: Decimal | None = None,
        trailing_amount: Decimal | None = None,
        time_in_force: TimeInForce,
    ) -> tuple[BookEvent, ...]:
        """Give an order new terms. It keeps its place in time only if it asks for no more at the same price.

        A trailing stop with a new distance and no stop price starts anew from the last trade.
        """
        resting = self._resting.get(order_key)
        if resting is None:
            return (RequestRefused(order_key=order_key, reason=RefusalReason.UNKNOWN_ORDER),)
        old = resting.order
        if quantity <= old.filled_quantity:
            return (RequestRefused(order_key=order_key, reason=RefusalReason.QUANTITY_NOT_ABOVE_FILLED),)

        if stop_price is None and trailing_amount == old.trailing_amount:
            stop_price = old.stop_price if trailing_amount is not None else None
        new = replace(
            old,
            quantity=quantity,
            limit_price=limit_price,
            stop_price=stop_price,
            trailing_amount=trailing_amount,
            time_in_force=time_in_force,
        )
        is_same_price = _prices(new) == _prices(old)
        if is_same_price and new.quantity <= old.quantity and new.time_in_force is old.time_in_force:
            resting.order = new
            return (OrderReplaced(order_key=order_key),)

        self._unrank(resting)
        resting.order = new
        resting.sequence = self._next_sequence()
        return (OrderReplaced(order_key=order_key), *self._enter(resting))

    def cancel(self, order_key: str, reason: EndReason = EndReason.CANCELED) -> tuple[BookEvent, ...]:
        """Take an order out."""
        resting = self._resting.get(order_key)
        if resting is None:
            return (RequestRefused(order_key=order_key, reason=RefusalReason.UNKNOWN_ORDER),)
        self._unrank(resting)
        return (self._end(resting, reason),)

    def update(self, market: MarketState) -> tuple[BookEvent, ...]:
        """Show the book a new market state: resting orders deal first, then the stops that it sets off."""
        self._market = market
        self._left = {Side.BUY: market.ask_size, Side.SELL: market.bid_size}
        events: list[BookEvent] = []
        for side in Side:
            events.extend(self._deal_resting(side))
        for side in Side:
            events.extend(self._set_off(side))
        events.extend(self._trail())
        return tuple(events)

    def _next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence

    def _enter(self, resting: _Resting) -> Iterator[BookEvent]:
        if resting.order.is_waiting and resting.order.trailing_amount is not None:
            yield from self._follow_last(resting)
        order = resting.order
        if order.is_waiting and not self._is_reached(order):
            if order.trailing_amount is not None:
                self._trailing[order.order_key] = resting
                return
            insort(self._waiting[order.side], self._rank(resting))
            return
        if order.is_waiting:
            yield self._trigger(resting)
        yield from self._arrive(resting)

    def _arrive(self, resting: _Resting) -> Iterator[BookEvent]:
        order = resting.order
        is_marketable = self._is_marketable(order)
        resting.is_maker = order.limit_price is not None and not is_marketable
        if order.time_in_force is TimeInForce.FOK and (
            not is_marketable or self._left[order.side] < order.leaves_quantity
        ):
            yield self._end(resting, EndReason.NOT_FILLED_AT_ONCE)
            return
        if is_marketable and self._left[order.side] > ZERO:
            yield self._deal(resting)
        if not resting.order.leaves_quantity:
            return
        if order.time_in_force is TimeInForce.IOC:
            yield self._end(resting, EndReason.NOT_FILLED_AT_ONCE)
            return
        insort(self._working[order.side], self._rank(resting))

    def _deal_resting(self, side: Side) -> Iterator[BookEvent]:
        working = self._working[side]
        finished = 0
        for rank in working:
            resting = self._resting[rank[2]]
            if self._left[side] <= ZERO or not self._is_marketable(resting.order):
                break
            yield self._deal(resting)
            if resting.order.leaves_quantity:
                break
            finished += 1
        del working[:finished]

    def _set_off(self, side: Side) -> Iterator[BookEvent]:
        waiting = self._waiting[side]
        reached = 0
        for rank in waiting:
            if not self._is_reached(self._resting[rank[2]].order):
                break
            reached += 1
        keys = [rank[2] for rank in waiting[:reached]]
        del waiting[:reached]
        for key in keys:
            resting = self._resting[key]
            yield self._trigger(resting)
            yield from self._arrive(resting)

    def _trail(self) -> Iterator[BookEvent]:
        reached = []
        for resting in self._trailing.values():
            yield from self._follow_last(resting)
            if self._is_reached(resting.order):
                reached.append(resting)
        for resting in reached:
            del self._trailing[resting.order.order_key]
            yield self._trigger(resting)
            yield from self._arrive(resting)

    def _follow_last(self, resting: _Resting) -> Iterator[BookEvent]:
        order, last = resting.order, self._market.last
        assert order.trailing_amount is not None
        if last is None:
            return
        stop = last + order.side.sign * order.trailing_amount
        is_nearer = order.stop_price is None or (order.stop_price - stop) * order.side.sign > ZERO
        if is_nearer:
            resting.order = replace(order, stop_price=stop)
            yield StopTrailed(order_key=order.order_key, stop_price=stop)

    def _trigger(self, resting: _Resting) -> OrderTriggered:
        resting.order = replace(resting.order, is_triggered=True)
        resting.sequence = self._next_sequence()
        return OrderTriggered(order_key=resting.order.order_key)

    def _deal(self, resting: _Resting) -> OrderFilled:
        order = resting.order
        market_price = self._market.ask if order.side is Side.BUY else self._market.bid
        price = order.limit_price if resting.is_maker and order.limit_price is not None else market_price
        assert price is not None
        quantity = min(order.leaves_quantity, self._left[order.side])
        self._left[order.side] -= quantity
        resting.order = replace(order, filled_quantity=order.filled_quantity + quantity)
        if not resting.order.leaves_quantity:
            del self._resting[order.order_key]
        return OrderFilled(order_key=order.order_key, quantity=quantity, price=price, is_maker=resting.is_maker)

    def _end(self, resting: _Resting, reason: EndReason) -> OrderEnded:
        del self._resting[resting.order.order_key]
        return OrderEnded(
            order_key=resting.order.order_key, leaves_quantity=resting.order.leaves_quantity, reason=reason
        )

    def _unrank(self, resting: _Resting) -> None:
        if self._trailing.pop(resting.order.order_key, None) is not None:
            return
        ranks = (self._waiting if resting.order.is_waiting else self._working)[resting.order.side]
        del ranks[bisect_left(ranks, self._rank(resting))]

    def _rank(self, resting: _Resting) -> _Rank:
        order = resting.order
        sign = order.side.sign
        if order.is_waiting:
            assert order.stop_price is not None
            return (sign * order.stop_price, resting.sequence, order.order_key)
        if order.limit_price is None:
            return (_FIRST, resting.sequence, order.order_key)
        return (-sign * order.limit_price, resting.sequence, order.order_key)

    def _is_marketable(self, order: BookOrder) -> bool:
        if order.side is Side.BUY:
            ask = self._market.ask
            return ask is not None and (order.limit_price is None or order.limit_price >= ask)
        bid = self._market.bid
        return bid is not None and (order.limit_price is None or order.limit_price <= bid)

    def _is_reached(self, order: BookOrder) -> bool:
        last = self._market.last
        if last is None or order.stop_price is None:
            return False
        return last >= order.stop_price if order.side is Side.BUY else last <= order.stop_price


def _prices(order: BookOrder) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    return order.limit_price, order.stop_price, order.trailing_amount
