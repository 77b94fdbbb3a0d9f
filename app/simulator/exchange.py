"""The exchange: takes orders, matches them against the market, keeps their records and books what they deal."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from app.core.clock import Clock
from app.core.fix import Side, TimeInForce
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
from app.core.money import ZERO
from app.core.records import replace
from app.simulator.accounts import Account, commission_of
from app.simulator.allocation import Desk, part_of
from app.simulator.config import SimulatorConfig
from app.simulator.directory import Directory
from app.simulator.margin import OrderPreview, preview_of, refusal_of_margin
from app.simulator.market import Market
from app.simulator.oca import OcaGroups, lowered_quantity
from app.simulator.openings import opening_fills, waiting_notice
from app.simulator.orders import (
    TIMES_IN_FORCE,
    Execution,
    OrderRequest,
    OrderStatus,
    SimulatedOrder,
)
from app.simulator.requests import next_day_of
from app.simulator.rules import (
    CANCEL_NOT_FOUND,
    ORDER_CANCELLED,
    ORDER_REJECTED,
    Refusal,
    refusal_of_cancel,
    refusal_of_modify,
    refusal_of_terms,
)
from app.simulator.store import SavedState
from app.simulator.timetable import SessionKind, Timetable, kind_of

OPEN_ORDERS_MAX = 100_000
COMPLETED_ORDERS_MAX = 20_000
EXECUTIONS_MAX = 50_000
"""Beyond these the oldest completed orders and executions are forgotten, and new orders refused."""

_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


class ExchangeEvents(Protocol):
    """Who is told of what happens on the exchange, at the moment it happens."""

    def order_changed(self, order: SimulatedOrder, *, has_new_terms: bool) -> None:
        """An order's status changed; `has_new_terms` when its terms are new to its client too."""

    def order_refused(self, client_id: int, order_id: int, refusal: Refusal) -> None:
        """A request about an order was not done, its end has a reason, or it waits for its session."""

    def executed(self, execution: Execution) -> None:
        """An order dealt."""

    def commissioned(self, execution: Execution) -> None:
        """What the deal cost is known."""

    def account_changed(self, account_id: str, con_id: int) -> None:
        """A position and the cash changed."""

    def holds(self, order: SimulatedOrder) -> bool:
        """True when a new order must wait for `release` before it goes to its book."""

    def cancelled(self, order: SimulatedOrder) -> None:
        """An order was cancelled, and its client was told."""


@dataclass(slots=True)
class _Unsaved:
    orders: dict[int, SimulatedOrder] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    account_ids: set[str] = field(default_factory=set)


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
        self._config = config
        self._clock = clock
        self._directory = directory
        self._market = market
        self._events = events
        self.accounts: dict[str, Account] = {
            seed.account_id: Account(
                account_id=seed.account_id, base_currency=seed.base_currency, cash={seed.base_currency: seed.cash}
            )
            for seed in config.accounts
        }
        if config.adviser_id:
            currency = config.accounts[0].base_currency
            self.accounts[config.adviser_id] = Account(
                account_id=config.adviser_id, base_currency=currency, cash={currency: ZERO}
            )
        self.desk = Desk(config.adviser_id, self.accounts, config.account_groups)
        self.executions: deque[Execution] = deque(maxlen=EXECUTIONS_MAX)
        self.orders: dict[int, SimulatedOrder] = {}
        self.next_order_ids: dict[int, int] = {}
        self._by_address: dict[tuple[int, int], SimulatedOrder] = {}
        self._open: dict[int, SimulatedOrder] = {}
        self._completed: deque[int] = deque()
        self._unsaved = _Unsaved()
        self._books: dict[int, OrderBook] = {}
        started = clock.now()
        self.day_ends_at = next_day_of(started)
        self._timetable = Timetable(directory, started)
        # Orders that no book has, for they are dealt in a session to come.
        self._waiting: dict[int, SimulatedOrder] = {}
        self._groups = OcaGroups()
        # Ids must not come again after a restart without a state file, so they start from the time.
        self._execution_epoch = int(started.timestamp())
        self.last_execution_number = started.microsecond // 1_000 * 4_000_000
        self.last_perm_id = int(started.timestamp()) % 1_000_000 * 2_000

    def restore(self, state: SavedState) -> None:
        """Take back what an earlier process kept. What came to its time in between ends with the next pass_time."""
        self.accounts.update({account.account_id: account for account in state.accounts})
        self.executions.extend(state.executions)
        self.next_order_ids.update(state.next_order_ids)
        if state.account_groups is not None:
            self.desk.groups = {group.name: group for group in state.account_groups}
        self.last_perm_id = max(self.last_perm_id, state.last_perm_id)
        self.day_ends_at = state.day_ends_at
        for account in state.accounts:
            for con_id in account.holdings:
                if con_id in self._directory:
                    self._directory[con_id]
        for order in state.orders:
            if order.request.con_id not in self._directory:
                continue
            if order.ends_at is None and not order.status.is_terminal:
                # Kept by a version that did not say so.
                order.ends_at = self._timetable.end_of(order.request, order.placed_at)
            self._record(order)
            if order.status.is_terminal:
                self._complete(order)
            elif self._is_dealt(order.request):
                self._book(order.request.con_id).place(order.for_book())
            else:
                self._waiting[order.perm_id] = order

    def whole_state(self) -> SavedState:
        """All that `restore` takes; what changed up to now counts as taken."""
        self._unsaved = _Unsaved()
        return self.snapshot()

    def snapshot(self) -> SavedState:
        """All that `restore` takes; what is still to be kept stays so."""
        return self._state(self.accounts.values(), self.orders.values(), self.executions)

    def taken_changes(self) -> SavedState:
        """What changed since changes or the whole state were last taken."""
        taken, self._unsaved = self._unsaved, _Unsaved()
        accounts = (self.accounts[account_id] for account_id in taken.account_ids)
        return self._state(accounts, taken.orders.values(), taken.executions)

    def next_order_id(self, client_id: int) -> int:
        """The lowest order id that this client never used."""
        return self.next_order_ids.get(client_id, 1)

    def open_orders(self, client_id: int | None = None) -> Iterator[SimulatedOrder]:
        """The working orders, oldest first, of one client or of all."""
        return (order for order in self._open.values() if client_id is None or order.client_id == client_id)

    def completed_orders(self) -> Iterator[SimulatedOrder]:
        """The orders that are over, oldest first."""
        return (self.orders[perm_id] for perm_id in self._completed)

    @property
    def dealt(self) -> Collection[int]:
        """The contract ids that ever had a working order."""
        return self._books.keys()

    def place(self, client_id: int, request: OrderRequest) -> None:
        """Take a new order, or new terms for one that this client has under the same id."""
        request = self._with_account(request)
        # Order id 0 is that of every order made by hand, so it names none of them.
        existing = self._by_address.get((client_id, request.order_id)) if request.order_id else None
        if existing is not None:
            self._modify(existing, request)
            return
        refusal = self._refusal_of_new(request)
        if refusal is not None:
            self._refuse_new(client_id, request, refusal)
            return
        is_dealt = self._is_dealt(request)
        is_working_at_once = is_dealt and request.order_type == "LMT"
        order = self._admit(
            client_id, request, OrderStatus.SUBMITTED if is_working_at_once else OrderStatus.PRE_SUBMITTED
        )
        is_held = is_dealt and self._events.holds(order)
        self._tell(order, has_new_terms=True)
        if self._groups.is_done(order):
            self._end(order, EndReason.CANCELED)
            return
        if not is_dealt:
            self._wait(order)
            return
        if is_held:
            self._waiting[order.perm_id] = order
            return
        self._follow(self._book(request.con_id).place(order.for_book()))
        if order.status is OrderStatus.PRE_SUBMITTED and request.order_type == "MKT":
            order.status = OrderStatus.SUBMITTED
            self._tell(order)

    def cancel(self, client_id: int, order_id: int) -> None:
        """Cancel an order of this client; it may have dealt in part."""
        order = self._by_address.get((client_id, order_id))
        if order is None:
            message = f"OrderId {order_id} that needs to be cancelled is not found."
            self._events.order_refused(client_id, order_id, Refusal(code=CANCEL_NOT_FOUND, message=message))
            return
        refusal = refusal_of_cancel(order)
        if refusal is not None:
            self._events.order_refused(client_id, order_id, refusal)
            return
        order.status = OrderStatus.PENDING_CANCEL
        self._tell(order)
        self._take_out(order, EndReason.CANCELED)

    def cancel_all(self) -> None:
        """Cancel every working order of every client."""
        for order in list(self._open.values()):
            self._take_out(order, EndReason.CANCELED)

    def order_at(self, client_id: int, order_id: int) -> SimulatedOrder | None:
        """The order that this client calls by this id."""
        return self._by_address.get((client_id, order_id))

    def release(self, perm_id: int) -> None:
        """Let an order that was held go to its book; nothing when it is over by now."""
        order = self._waiting.get(perm_id)
        if order is not None:
            self._work(order)

    def reject(self, perm_id: int, message: str) -> None:
        """End a working order as refused after all; nothing when it is over by now."""
        order = self._open.get(perm_id)
        if order is None:
            return
        if perm_id not in self._waiting:
            self._book(order.request.con_id).cancel(str(perm_id))
        order.completed_status = message
        self._finish(order, OrderStatus.INACTIVE)
        refusal = Refusal(code=ORDER_REJECTED, message=message)
        self._events.order_refused(order.client_id, order.request.order_id, refusal)
        self._tell(order, has_new_terms=True)

    def deal_after_end(self, perm_id: int, quantity: Decimal, price: Decimal) -> None:
        """Let an order deal that is over: the deal was made before its end reached the exchange."""
        order = self.orders[perm_id]
        commission = self._charge(order, quantity, price)
        execution = self._execute(order, self._next_execution_id(), quantity, price, commission, is_maker=True)
        if not order.remaining:
            order.status = OrderStatus.FILLED
            order.completed_status = f"Filled Size: {order.request.quantity}"
        self._tell(order)
        self._tell_booked(execution)

    def amend(self, execution: Execution, quantity: Decimal, price: Decimal) -> None:
        """Correct an execution under the next revision of its id; a quantity of zero takes it back."""
        order = self.orders[execution.perm_id]
        opposite = Side.SELL if execution.side is Side.BUY else Side.BUY
        if not order.request.fa_group:
            # What was booked is taken back whole, with what it cost.
            entry = self._directory[execution.con_id].entry
            account = self.accounts[execution.account]
            account.book(entry, opposite, execution.quantity, execution.price, -execution.commission)
        order.filled -= execution.quantity
        order.notional -= execution.quantity * execution.price
        order.commission -= execution.commission
        root, _, revision = execution.execution_id.rpartition(".")
        commission = execution.commission if quantity else ZERO
        order.filled += quantity
        order.notional += quantity * price
        order.commission += commission
        name = f"{root}.{int(revision) + 1:02d}"
        corrected = self._execute(order, name, quantity, price, commission, is_maker=execution.is_maker)
        self._note(order)
        self._tell_booked(corrected)

    def assign(self, account_id: str, con_id: int, quantity: Decimal, price: Decimal) -> None:
        """Change a position without an order: more of it for a positive quantity, less for a negative one."""
        side = Side.BUY if quantity > ZERO else Side.SELL
        self.accounts[account_id].book(self._directory[con_id].entry, side, abs(quantity), price, ZERO)
        if self._config.state_path:
            self._unsaved.account_ids.add(account_id)
        self._events.account_changed(account_id, con_id)

    def place_by_hand(self, request: OrderRequest) -> None:
        """Take an order that no API client placed: client id 0 and order id 0, known by its permanent id alone."""
        self.place(0, request)

    def preview(self, request: OrderRequest) -> OrderPreview | Refusal:
        """What the order would do to its account if all of it dealt at the market."""
        request = self._with_account(request)
        entries = self._directory.entries
        refusal = self.desk.refusal(request) or refusal_of_terms(
            request, self._directory[request.con_id], self.accounts, self._clock.now()
        )
        if refusal is not None:
            return refusal
        commission = self._commission(request.con_id, request.quantity, request.quantity * self.mark(request.con_id))
        return preview_of(request, self.accounts[request.account], entries, self.mark, commission)

    def show_market(self, con_id: int) -> None:
        """Let the instrument's orders meet its newest quote."""
        book = self._books.get(con_id)
        if book is not None:
            self._follow(book.update(self._market.quote(con_id).state))

    def pass_time(self, now: datetime) -> None:
        """Do what has come to its time: the ends of orders, the openings with their orders, the turns of sessions."""
        if now >= self.day_ends_at:
            self.day_ends_at = next_day_of(now)
            self.begin_day()
        opening: dict[int, list[SimulatedOrder]] = {}
        for perm_id in self._timetable.take_due(now):
            order = self.orders[perm_id]
            if TIMES_IN_FORCE[order.request.time_in_force] is TimeInForce.OPG:
                opening.setdefault(order.request.con_id, []).append(order)
            else:
                self._take_out(order, EndReason.EXPIRED)
        turned = self._timetable.take_turned(now)
        for (con_id, is_extended), is_open in turned.items():
            if not is_extended and not is_open:
                self._market.end_day(con_id)
        for con_id in self._timetable.take_opened(now):
            self._market.begin_day(con_id)
        for con_id, orders in opening.items():
            self._open_with(con_id, orders)
        if turned:
            self._turn(turned)

    def begin_day(self) -> None:
        """Start every account's gains of the day from zero."""
        for account in self.accounts.values():
            account.begin_day(self._directory.entries, self.mark)

    def mark(self, con_id: int) -> Decimal:
        """What a position of this contract is valued at."""
        return self._market.quote(con_id).mark

    def _state(
        self, accounts: Iterable[Account], orders: Iterable[SimulatedOrder], executions: Iterable[Execution]
    ) -> SavedState:
        return SavedState(
            accounts=tuple(accounts),
            orders=tuple(orders),
            executions=tuple(executions),
            next_order_ids=self.next_order_ids,
            last_perm_id=self.last_perm_id,
            day_ends_at=self.day_ends_at,
            walks=self._market.positions_of_walks(),
            account_groups=tuple(self.desk.groups.values()),
        )

    def _book(self, con_id: int) -> OrderBook:
        book = self._books.get(con_id)
        if book is None:
            book = self._books[con_id] = OrderBook()
            # Nobody waits in it yet, so that nothing comes of it.
            self._follow(book.update(self._market.quote(con_id).state))
        return book

    def _note(self, order: SimulatedOrder) -> None:
        if self._config.state_path:
            self._unsaved.orders[order.perm_id] = order

    def _tell(self, order: SimulatedOrder, *, has_new_terms: bool = False) -> None:
        self._note(order)
        self._events.order_changed(order, has_new_terms=has_new_terms)

    def _refusal_of_new(self, request: OrderRequest) -> Refusal | None:
        refusal = self.desk.refusal(request) or refusal_of_terms(
            request, self._directory[request.con_id], self.accounts, self._clock.now()
        )
        if refusal is not None:
            return refusal
        if len(self._open) >= OPEN_ORDERS_MAX:
            return Refusal(code=ORDER_REJECTED, message="Order rejected - reason:Too many open orders")
        if not self._config.is_margin_enforced:
            return None
        preview = self.preview(request)
        assert isinstance(preview, OrderPreview)
        return refusal_of_margin(preview)

    def _with_account(self, request: OrderRequest) -> OrderRequest:
        account_id = self.desk.account_of(request)
        if request.fa_group:
            lot_size = self._directory[request.con_id].entry.lot_size
            return replace(request, account=account_id, quantity=self.desk.quantity_of(request, lot_size))
        return request if request.account else replace(request, account=account_id)

    def _refuse_new(self, client_id: int, request: OrderRequest, refusal: Refusal) -> None:
        self._events.order_refused(client_id, request.order_id, refusal)
        if not refusal.is_recorded:
            return
        order = self._admit(client_id, request, OrderStatus.INACTIVE)
        order.completed_status = refusal.message
        self._finish(order, OrderStatus.INACTIVE)
        self._tell(order, has_new_terms=True)

    def _admit(self, client_id: int, request: OrderRequest, status: OrderStatus) -> SimulatedOrder:
        self.last_perm_id += 1
        order = SimulatedOrder(
            perm_id=self.last_perm_id,
            client_id=client_id,
            request=request,
            status=status,
            trail_stop=request.trail_stop_price,
            placed_at=self._clock.now(),
        )
        if not status.is_terminal:
            order.ends_at = self._timetable.end_of(request, order.placed_at)
        self._record(order)
        return order

    def _record(self, order: SimulatedOrder) -> None:
        order_id = order.request.order_id
        self.orders[order.perm_id] = order
        if order_id:
            self._by_address[order.client_id, order_id] = order
            self.next_order_ids[order.client_id] = max(self.next_order_id(order.client_id), order_id + 1)
        self._open[order.perm_id] = order
        self._groups.join(order)
        if not order.status.is_terminal:
            self._timetable.note(order)

    def _is_dealt(self, request: OrderRequest) -> bool:
        now = self._clock.now()
        return self._timetable.starts_at(request, now) <= now

    def _wait(self, order: SimulatedOrder) -> None:
        if TIMES_IN_FORCE[order.request.time_in_force] in _AT_ONCE:
            self._end(order, EndReason.NOT_FILLED_AT_ONCE)
            return
        self._waiting[order.perm_id] = order
        request = order.request
        starts_at = self._timetable.starts_at(request, self._clock.now())
        notice = waiting_notice(request, self._directory[request.con_id], starts_at)
        self._events.order_refused(order.client_id, request.order_id, notice)

    def _turn(self, turned: Mapping[SessionKind, bool]) -> None:
        for order in list(self._open.values()):
            is_dealt = turned.get(kind_of(order.request))
            if is_dealt and order.perm_id in self._waiting and self._is_dealt(order.request):
                self._work(order)
            elif is_dealt is False and self._withdraw(order):
                self._tell(order)

    def _work(self, order: SimulatedOrder) -> None:
        del self._waiting[order.perm_id]
        book_order = order.for_book()
        if not book_order.is_waiting:
            order.status = OrderStatus.SUBMITTED
        self._tell(order)
        self._follow(self._book(order.request.con_id).place(book_order))

    def _withdraw(self, order: SimulatedOrder) -> bool:
        book, key = self._book(order.request.con_id), str(order.perm_id)
        if book.order(key) is None:
            return False
        book.cancel(key)
        self._waiting[order.perm_id] = order
        order.status = OrderStatus.PRE_SUBMITTED
        return True

    def _take_out(self, order: SimulatedOrder, reason: EndReason) -> None:
        if order.perm_id in self._waiting:
            self._end(order, reason)
        else:
            self._follow(self._book(order.request.con_id).cancel(str(order.perm_id), reason))

    def _open_with(self, con_id: int, orders: list[SimulatedOrder]) -> None:
        self._follow(opening_fills(orders, self._market.quote(con_id)))
        for order in orders:
            # What is left ends with the opening.
            if not order.status.is_terminal:
                self._end(order, EndReason.EXPIRED)

    def _modify(self, order: SimulatedOrder, request: OrderRequest) -> None:
        refusal = refusal_of_modify(order, request) or refusal_of_terms(
            request, self._directory[request.con_id], self.accounts, self._clock.now()
        )
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
        if order.perm_id in self._waiting or not self._is_dealt(request):
            self._modify_waiting(order)
            return
        terms = order.for_book()
        self._follow(
            self._book(request.con_id).replace(
                terms.order_key,
                quantity=terms.quantity,
                limit_price=terms.limit_price,
                stop_price=terms.stop_price,
                trailing_amount=terms.trailing_amount,
                time_in_force=terms.time_in_force,
            )
        )

    def _modify_waiting(self, order: SimulatedOrder) -> None:
        self._withdraw(order)
        self._tell(order, has_new_terms=True)
        if self._is_dealt(order.request):
            self._work(order)

    def _follow(self, events: Iterable[BookEvent]) -> None:
        for event in events:
            order = self.orders[int(event.order_key)]
            match event:
                case OrderFilled():
                    self._deal_in_group(order, event)
                case OrderTriggered():
                    order.is_triggered = True
                    order.status = OrderStatus.SUBMITTED
                    self._tell(order)
                case StopTrailed():
                    order.trail_stop = event.stop_price
                    self._note(order)
                case OrderReplaced():
                    self._tell(order, has_new_terms=True)
                case OrderEnded():
                    self._end(order, event.reason)
                case RequestRefused():
                    raise AssertionError(f"the book does not agree about order {order.perm_id}: {event.reason}")

    def _deal_in_group(self, order: SimulatedOrder, fill: OrderFilled) -> None:
        # Two of a group may meet the market in one look of the book: what the first dealt is gone for the second.
        quantity = min(fill.quantity, order.remaining)
        if order.status.is_terminal or quantity <= 0:
            return
        self._deal(order, replace(fill, quantity=quantity))
        lot_size = self._directory[order.request.con_id].entry.lot_size
        for other in self._groups.others(order):
            self._lower(other, lowered_quantity(other, order, quantity, lot_size))

    def _lower(self, order: SimulatedOrder, quantity: Decimal) -> None:
        book, key = self._book(order.request.con_id), str(order.perm_id)
        if quantity == order.request.quantity:
            return
        held = book.order(key)
        if quantity <= order.filled:
            if held is not None:
                book.cancel(key)
            self._end(order, EndReason.CANCELED)
            return
        order.request = replace(order.request, quantity=quantity)
        if held is not None and held.filled_quantity < quantity:
            terms = order.for_book()
            book.replace(
                key,
                quantity=terms.quantity,
                limit_price=terms.limit_price,
                stop_price=terms.stop_price,
                trailing_amount=terms.trailing_amount,
                time_in_force=terms.time_in_force,
            )
        elif held is not None:
            book.cancel(key)
        self._tell(order, has_new_terms=True)

    def _deal(self, order: SimulatedOrder, fill: OrderFilled) -> None:
        request = order.request
        commission = self._charge(order, fill.quantity, fill.price)
        order.last_price = fill.price
        execution = self._execute(
            order, self._next_execution_id(), fill.quantity, fill.price, commission, is_maker=fill.is_maker
        )
        if not order.remaining:
            self._finish(order, OrderStatus.FILLED)
            order.completed_status = f"Filled Size: {request.quantity}"
        elif order.status is OrderStatus.PRE_SUBMITTED:
            order.status = OrderStatus.SUBMITTED
        self._tell(order, has_new_terms=order.status is OrderStatus.FILLED)
        self._tell_booked(execution)

    def _charge(self, order: SimulatedOrder, quantity: Decimal, price: Decimal) -> Decimal:
        order.filled += quantity
        order.notional += quantity * price
        order.execution_count += 1
        whole_commission = self._commission(order.request.con_id, order.filled, order.notional)
        commission = whole_commission - order.commission
        order.commission = whole_commission
        return commission

    def _execute(
        self,
        order: SimulatedOrder,
        execution_id: str,
        quantity: Decimal,
        price: Decimal,
        commission: Decimal,
        *,
        is_maker: bool,
    ) -> Execution:
        request = order.request
        listed = self._directory[request.con_id]
        # A block is dealt for the accounts of a group, which have their parts of it when it ends.
        realized = None
        if quantity and not request.fa_group:
            account = self.accounts[request.account]
            realized = account.book(listed.entry, request.side, quantity, price, commission)
        execution = Execution(
            execution_id=execution_id,
            perm_id=order.perm_id,
            client_id=order.client_id,
            order_id=request.order_id,
            account=request.account,
            con_id=request.con_id,
            side=request.side,
            quantity=quantity,
            price=price,
            cumulative_quantity=order.filled,
            average_price=order.average_price,
            order_ref=request.order_ref,
            model_code=request.model_code,
            is_maker=is_maker,
            commission=commission,
            commission_currency=listed.entry.currency,
            realized=realized,
            executed_at=self._clock.now(),
        )
        self._keep_execution(execution)
        self._events.executed(execution)
        return execution

    def _tell_booked(self, execution: Execution) -> None:
        self._events.commissioned(execution)
        order = self.orders[execution.perm_id]
        if not order.request.fa_group:
            self._events.account_changed(execution.account, execution.con_id)

    def _keep_execution(self, execution: Execution) -> None:
        self.executions.append(execution)
        if self._config.state_path:
            self._unsaved.executions.append(execution)
            self._unsaved.account_ids.add(execution.account)

    def _end(self, order: SimulatedOrder, reason: EndReason) -> None:
        self._finish(order, OrderStatus.CANCELLED)
        order.completed_status = "Expired" if reason is EndReason.EXPIRED else "Cancelled"
        self._tell(order)
        message = "Order Canceled - reason:" + ("Expired" if reason is EndReason.EXPIRED else "")
        self._events.order_refused(
            order.client_id, order.request.order_id, Refusal(code=ORDER_CANCELLED, message=message)
        )
        self._events.cancelled(order)

    def _finish(self, order: SimulatedOrder, status: OrderStatus) -> None:
        order.status = status
        order.completed_at = self._clock.now()
        if order.request.fa_group and order.filled:
            self._allocate(order)
        self._complete(order)

    def _allocate(self, order: SimulatedOrder) -> None:
        request = order.request
        entry = self._directory[request.con_id].entry
        left = order.commission
        shares = self.desk.shares(request, order.filled, self._directory.entries, self.mark)
        for place, (account_id, quantity) in enumerate(shares, 1):
            is_last = place == len(shares)
            commission = left if is_last else part_of(order.commission, quantity, order.filled)
            left -= commission
            price = order.average_price
            execution = Execution(
                execution_id=self._next_execution_id(),
                perm_id=order.perm_id,
                client_id=order.client_id,
                order_id=request.order_id,
                account=account_id,
                con_id=request.con_id,
                side=request.side,
                quantity=quantity,
                price=price,
                cumulative_quantity=quantity,
                average_price=price,
                order_ref=request.order_ref,
                model_code=request.model_code,
                is_maker=False,
                commission=commission,
                commission_currency=entry.currency,
                realized=self.accounts[account_id].book(entry, request.side, quantity, price, commission),
                executed_at=self._clock.now(),
            )
            self._keep_execution(execution)
            self._events.executed(execution)
            self._events.commissioned(execution)
            self._events.account_changed(account_id, request.con_id)

    def _complete(self, order: SimulatedOrder) -> None:
        self._open.pop(order.perm_id, None)
        self._groups.leave(order)
        self._waiting.pop(order.perm_id, None)
        self._timetable.forget(order.perm_id)
        self._completed.append(order.perm_id)
        while len(self._completed) > COMPLETED_ORDERS_MAX:
            forgotten = self.orders.pop(self._completed.popleft())
            self._by_address.pop((forgotten.client_id, forgotten.request.order_id), None)

    def _commission(self, con_id: int, filled: Decimal, notional: Decimal) -> Decimal:
        return commission_of(
            self._directory[con_id].entry,
            filled=filled,
            notional=notional,
            per_share=self._config.commission_per_share,
            minimum=self._config.commission_min,
        )

    def _next_execution_id(self) -> str:
        self.last_execution_number += 1
        return f"{self.last_execution_number:08x}.{self._execution_epoch:08x}.01.01"
