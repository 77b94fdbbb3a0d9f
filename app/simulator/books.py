"""The books: where working orders meet the market of their contract, and where others wait for their session."""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

from app.core.clock import Clock
from app.core.fix import TimeInForce
from app.core.matching import (
    BookEvent,
    EndReason,
    OrderBook,
    OrderEnded,
    OrderFilled,
    OrderReplaced,
    OrderTriggered,
    RequestRefused,
    StopTrailed,
)
from app.core.records import replace
from app.simulator.directory import Directory
from app.simulator.events import ExchangeEvents
from app.simulator.ledger import Ledger
from app.simulator.market import Market
from app.simulator.oca import OcaGroups, lowered_quantity
from app.simulator.openings import opening_fills, waiting_notice
from app.simulator.order_lives import OrderLives
from app.simulator.orders import TIMES_IN_FORCE, OrderRequest, OrderStatus, SimulatedOrder
from app.simulator.timetable import SessionKind, Timetable, kind_of

_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


class _ByContract(dict[int, OrderBook]):
    """A book for each contract that ever had a working order, which knows the market from its beginning."""

    def __init__(self, market: Market) -> None:
        super().__init__()
        self._market = market

    def __missing__(self, con_id: int) -> OrderBook:
        book = self[con_id] = OrderBook()
        # Nobody waits in it yet, so that nothing comes of it.
        book.update(self._market.quote(con_id).state)
        return book


class Books:
    """All working orders: each stands in the book of its contract or waits outside of it."""

    def __init__(
        self,
        clock: Clock,
        directory: Directory,
        market: Market,
        timetable: Timetable,
        groups: OcaGroups,
        ledger: Ledger,
        lives: OrderLives,
        events: ExchangeEvents,
    ) -> None:
        self._clock = clock
        self._directory = directory
        self._market = market
        self._timetable = timetable
        self._groups = groups
        self._ledger = ledger
        self._lives = lives
        self._events = events
        self._books = _ByContract(market)

    @property
    def con_ids(self) -> Collection[int]:
        """The contract ids that ever had a working order."""
        return self._books.keys()

    def is_dealt(self, request: OrderRequest) -> bool:
        """True while the session is on that the order deals in."""
        now = self._clock.now()
        return self._timetable.starts_at(request, now) <= now

    def restore(self, order: SimulatedOrder) -> None:
        """Let an order that an earlier process kept stand where it stood."""
        if self.is_dealt(order.request):
            self._books[order.request.con_id].place(order.for_book())
        else:
            self._ledger.waiting[order.perm_id] = order

    def place(self, order: SimulatedOrder) -> None:
        """Let a new order meet the market."""
        self._follow(self._books[order.request.con_id].place(order.for_book()))

    def hold(self, order: SimulatedOrder) -> None:
        """Keep an order out of its book until it is let in by `work`."""
        self._ledger.waiting[order.perm_id] = order

    def wait(self, order: SimulatedOrder) -> None:
        """Keep a new order for its session, and tell so; one that deals at once or never ends."""
        if TIMES_IN_FORCE[order.request.time_in_force] in _AT_ONCE:
            self._lives.end(order, EndReason.NOT_FILLED_AT_ONCE)
            return
        self.hold(order)
        request = order.request
        starts_at = self._timetable.starts_at(request, self._clock.now())
        notice = waiting_notice(request, self._directory[request.con_id], starts_at)
        self._events.order_refused(order.client_id, request.order_id, notice)

    def work(self, order: SimulatedOrder) -> None:
        """Let an order that waited into its book."""
        del self._ledger.waiting[order.perm_id]
        book_order = order.for_book()
        if not book_order.is_waiting:
            order.status = OrderStatus.SUBMITTED
        self._lives.tell(order)
        self._follow(self._books[order.request.con_id].place(book_order))

    def change(self, order: SimulatedOrder) -> None:
        """Let the order's new terms hold where it stands."""
        if order.perm_id not in self._ledger.waiting and self.is_dealt(order.request):
            self._follow(self._replace(order))
            return
        self._withdraw(order)
        self._lives.tell(order, has_new_terms=True)
        if self.is_dealt(order.request):
            self.work(order)

    def take_out(self, order: SimulatedOrder, reason: EndReason) -> None:
        """End a working order, wherever it stands."""
        if order.perm_id in self._ledger.waiting:
            self._lives.end(order, reason)
        else:
            self._follow(self._books[order.request.con_id].cancel(str(order.perm_id), reason))

    def reject(self, order: SimulatedOrder, message: str) -> None:
        """End a working order as refused after all."""
        if order.perm_id not in self._ledger.waiting:
            self._books[order.request.con_id].cancel(str(order.perm_id))
        self._lives.reject(order, message)

    def show_market(self, con_id: int) -> None:
        """Let the instrument's orders meet its newest quote."""
        book = self._books.get(con_id)
        if book is not None:
            self._follow(book.update(self._market.quote(con_id).state))

    def open_with(self, con_id: int, orders: list[SimulatedOrder]) -> None:
        """Deal the orders for an opening at its price; what is left of them ends with it."""
        self._follow(opening_fills(orders, self._market.quote(con_id)))
        for order in orders:
            if not order.status.is_terminal:
                self._lives.end(order, EndReason.EXPIRED)

    def turn(self, turned: Mapping[SessionKind, bool]) -> None:
        """Let orders in whose session began, and out whose session ended."""
        for order in list(self._ledger.working.values()):
            is_on = turned.get(kind_of(order.request))
            if is_on and order.perm_id in self._ledger.waiting and self.is_dealt(order.request):
                self.work(order)
            elif is_on is False and self._withdraw(order):
                self._lives.tell(order)

    def _withdraw(self, order: SimulatedOrder) -> bool:
        book, key = self._books[order.request.con_id], str(order.perm_id)
        if book.order(key) is None:
            return False
        book.cancel(key)
        self.hold(order)
        order.status = OrderStatus.PRE_SUBMITTED
        return True

    def _replace(self, order: SimulatedOrder) -> Iterable[BookEvent]:
        terms = order.for_book()
        return self._books[order.request.con_id].replace(
            terms.order_key,
            quantity=terms.quantity,
            limit_price=terms.limit_price,
            stop_price=terms.stop_price,
            trailing_amount=terms.trailing_amount,
            time_in_force=terms.time_in_force,
        )

    def _follow(self, events: Iterable[BookEvent]) -> None:
        for event in events:
            order = self._ledger.orders[int(event.order_key)]
            match event:
                case OrderFilled():
                    self._deal_in_group(order, event)
                case OrderTriggered():
                    order.is_triggered = True
                    order.status = OrderStatus.SUBMITTED
                    self._lives.tell(order)
                case StopTrailed():
                    order.trail_stop = event.stop_price
                    self._ledger.note_order(order)
                case OrderReplaced():
                    self._lives.tell(order, has_new_terms=True)
                case OrderEnded():
                    self._lives.end(order, event.reason)
                case RequestRefused():
                    raise AssertionError(f"the book does not agree about order {order.perm_id}: {event.reason}")

    def _deal_in_group(self, order: SimulatedOrder, fill: OrderFilled) -> None:
        # Two of a group may meet the market in one look of the book: what the first dealt is gone for the second.
        quantity = min(fill.quantity, order.remaining)
        if order.status.is_terminal or quantity <= 0:
            return
        self._lives.deal(order, replace(fill, quantity=quantity))
        lot_size = self._directory[order.request.con_id].entry.lot_size
        for other in self._groups.others(order):
            self._lower(other, lowered_quantity(other, order, quantity, lot_size))

    def _lower(self, order: SimulatedOrder, quantity: Decimal) -> None:
        book, key = self._books[order.request.con_id], str(order.perm_id)
        if quantity == order.request.quantity:
            return
        held = book.order(key)
        if quantity <= order.filled:
            if held is not None:
                book.cancel(key)
            self._lives.end(order, EndReason.CANCELED)
            return
        order.request = replace(order.request, quantity=quantity)
        if held is not None and held.filled_quantity < quantity:
            self._replace(order)
        elif held is not None:
            book.cancel(key)
        self._lives.tell(order, has_new_terms=True)
