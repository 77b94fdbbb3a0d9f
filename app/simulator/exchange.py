"""The exchange: what clients, faults and time do to its orders. Its parts keep, deal, tell and book them."""

from collections.abc import Collection, Iterator
from datetime import datetime
from decimal import Decimal

from app.core.clock import Clock
from app.core.fix import TimeInForce
from app.core.matching import EndReason
from app.core.records import replace
from app.simulator.admission import Admission
from app.simulator.books import Books
from app.simulator.clearing import Clearing
from app.simulator.config import SimulatorConfig
from app.simulator.directory import Directory
from app.simulator.events import ExchangeEvents
from app.simulator.ledger import Ledger
from app.simulator.margin import OrderPreview
from app.simulator.market import Market
from app.simulator.oca import OcaGroups
from app.simulator.order_lives import OrderLives
from app.simulator.orders import TIMES_IN_FORCE, Execution, OrderRequest, OrderStatus, SimulatedOrder
from app.simulator.requests import next_day_of
from app.simulator.rules import CANCEL_NOT_FOUND, Refusal, refusal_of_cancel
from app.simulator.store import SavedState
from app.simulator.timetable import Timetable


class Exchange:
    """All orders of all clients. Nothing here knows of connections: an order lives on when its client goes."""

    def __init__(
        self,
        config: SimulatorConfig,
        clock: Clock,
        directory: Directory,
        market: Market,
        events: ExchangeEvents,
    ) -> None:
        started = clock.now()
        self._clock = clock
        self._directory = directory
        self._market = market
        self._events = events
        self._timetable = Timetable(directory, started)
        self._groups = OcaGroups()
        self.ledger = ledger = Ledger(config, market, started)
        self._clearing = Clearing(config, clock, directory, market, ledger, events)
        self._admission = Admission(config, clock, directory, ledger, self._clearing)
        self._lives = OrderLives(clock, self._timetable, self._groups, ledger, self._clearing, events)
        self._books = Books(clock, directory, market, self._timetable, self._groups, ledger, self._lives, events)
        self.accounts = ledger.accounts
        self.desk = ledger.desk
        self.orders = ledger.orders
        self.executions = ledger.executions

    def restore(self, state: SavedState) -> None:
        """Take back what an earlier process kept. What came to its time in between ends with the next pass_time."""
        self.ledger.restore(state)
        for account in state.accounts:
            for con_id in account.holdings:
                if con_id in self._directory:
                    self._directory[con_id]
        for order in state.orders:
            if order.request.con_id not in self._directory:
                continue
            self._lives.restore(order)
            if not order.status.is_terminal:
                self._books.restore(order)

    def next_order_id(self, client_id: int) -> int:
        """The lowest order id that this client never used."""
        return self.ledger.next_order_id(client_id)

    def open_orders(self, client_id: int | None = None) -> Iterator[SimulatedOrder]:
        """The working orders, oldest first, of one client or of all."""
        working = self.ledger.working.values()
        return (order for order in working if client_id is None or order.client_id == client_id)

    def completed_orders(self) -> Iterator[SimulatedOrder]:
        """The orders that are over, oldest first."""
        return self.ledger.completed_orders()

    def order_at(self, client_id: int, order_id: int) -> SimulatedOrder | None:
        """The order that this client calls by this id."""
        return self.ledger.order_at(client_id, order_id)

    @property
    def dealt(self) -> Collection[int]:
        """The contract ids that ever had a working order."""
        return self._books.con_ids

    def mark(self, con_id: int) -> Decimal:
        """What a position of this contract is valued at."""
        return self._clearing.mark(con_id)

    def preview(self, request: OrderRequest) -> OrderPreview | Refusal:
        """What the order would do to its account if all of it dealt at the market."""
        return self._admission.preview(request)

    def place(self, client_id: int, request: OrderRequest) -> None:
        """Take a new order, or new terms for one that this client has under the same id."""
        request = self._admission.with_account(request)
        # Order id 0 is that of every order made by hand, so it names none of them.
        existing = self.order_at(client_id, request.order_id) if request.order_id else None
        if existing is not None:
            self._modify(existing, request)
            return
        refusal = self._admission.refusal_of_new(request)
        if refusal is not None:
            self._lives.refuse_new(client_id, request, refusal)
            return
        self._take(client_id, request)

    def place_by_hand(self, request: OrderRequest) -> None:
        """Take an order that no API client placed: client id 0 and order id 0, known by its permanent id alone."""
        self.place(0, request)

    def cancel(self, client_id: int, order_id: int) -> None:
        """Cancel an order of this client; it may have dealt in part."""
        order = self.order_at(client_id, order_id)
        if order is None:
            message = f"OrderId {order_id} that needs to be cancelled is not found."
            self._events.order_refused(client_id, order_id, Refusal(code=CANCEL_NOT_FOUND, message=message))
            return
        refusal = refusal_of_cancel(order)
        if refusal is not None:
            self._events.order_refused(client_id, order_id, refusal)
            return
        order.status = OrderStatus.PENDING_CANCEL
        self._lives.tell(order)
        self._books.take_out(order, EndReason.CANCELED)

    def cancel_all(self) -> None:
        """Cancel every working order of every client."""
        for order in list(self.open_orders()):
            self._books.take_out(order, EndReason.CANCELED)

    def release(self, perm_id: int) -> None:
        """Let an order that was held go to its book; nothing when it is over by now."""
        order = self.ledger.waiting.get(perm_id)
        if order is not None:
            self._books.work(order)

    def reject(self, perm_id: int, message: str) -> None:
        """End a working order as refused after all; nothing when it is over by now."""
        order = self.ledger.working.get(perm_id)
        if order is not None:
            self._books.reject(order, message)

    def deal_after_end(self, perm_id: int, quantity: Decimal, price: Decimal) -> None:
        """Let an order deal that is over: the deal was made before its end reached the exchange."""
        self._lives.deal_after_end(self.orders[perm_id], quantity, price)

    def amend(self, execution: Execution, quantity: Decimal, price: Decimal) -> None:
        """Correct an execution under the next revision of its id; a quantity of zero takes it back."""
        self._clearing.amend(execution, quantity, price)

    def assign(self, account_id: str, con_id: int, quantity: Decimal, price: Decimal) -> None:
        """Change a position without an order: more of it for a positive quantity, less for a negative one."""
        self._clearing.assign(account_id, con_id, quantity, price)

    def show_market(self, con_id: int) -> None:
        """Let the instrument's orders meet its newest quote."""
        self._books.show_market(con_id)

    def begin_day(self) -> None:
        """Start every account's gains of the day from zero."""
        self._clearing.begin_day()

    def pass_time(self, now: datetime) -> None:
        """Do what has come to its time: the ends of orders, the openings with their orders, the turns of sessions."""
        if now >= self.ledger.day_ends_at:
            self.ledger.day_ends_at = next_day_of(now)
            self.begin_day()
        opening: dict[int, list[SimulatedOrder]] = {}
        for perm_id in self._timetable.take_due(now):
            order = self.orders[perm_id]
            if TIMES_IN_FORCE[order.request.time_in_force] is TimeInForce.OPG:
                opening.setdefault(order.request.con_id, []).append(order)
            else:
                self._books.take_out(order, EndReason.EXPIRED)
        turned = self._timetable.take_turned(now)
        for (con_id, is_extended), is_open in turned.items():
            if not is_extended and not is_open:
                self._market.end_day(con_id)
        for con_id in self._timetable.take_opened(now):
            self._market.begin_day(con_id)
        for con_id, orders in opening.items():
            self._books.open_with(con_id, orders)
        if turned:
            self._books.turn(turned)

    def _take(self, client_id: int, request: OrderRequest) -> None:
        is_dealt = self._books.is_dealt(request)
        is_working_at_once = is_dealt and request.order_type == "LMT"
        order = self._lives.admit(
            client_id, request, OrderStatus.SUBMITTED if is_working_at_once else OrderStatus.PRE_SUBMITTED
        )
        is_held = is_dealt and self._events.holds(order)
        self._lives.tell(order, has_new_terms=True)
        if self._groups.is_done(order):
            self._lives.end(order, EndReason.CANCELED)
            return
        if not is_dealt:
            self._books.wait(order)
            return
        if is_held:
            self._books.hold(order)
            return
        self._books.place(order)
        if order.status is OrderStatus.PRE_SUBMITTED and request.order_type == "MKT":
            order.status = OrderStatus.SUBMITTED
            self._lives.tell(order)

    def _modify(self, order: SimulatedOrder, request: OrderRequest) -> None:
        refusal = self._admission.refusal_of_change(order, request)
        if refusal is not None:
            self._events.order_refused(order.client_id, request.order_id, refusal)
            return
        # The stop stays where it trailed to, unless the client moves it or gives it another distance.
        told = request.trail_stop_price if request.trail_stop_price != order.request.trail_stop_price else None
        is_same_trail = request.aux_price == order.request.aux_price
        order.trail_stop = told or (order.trail_stop if is_same_trail else None)
        order.request = replace(request, order_ref=request.order_ref or order.request.order_ref)
        order.ends_at = self._timetable.end_of(request, self._clock.now())
        self._timetable.note(order)
        self._books.change(order)
