"""Linked orders against a broker that deals whenever it likes, with commands and reports under way both ways."""

import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from itertools import count
from typing import Any, cast
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.fix import LinkRole, OrderState, OrderType, RequestKind, RequestOutcome, Side
from app.core.ids import AccountId, InstrumentId, OrderId, RequestId, TenantId
from app.core.messages import (
    AccountKey,
    ExecutionReport,
    FaultClass,
    FaultReport,
    LaneKind,
    NewOrder,
    OcoLeg,
    OrderAddress,
    OrderTerms,
    StatusReport,
    WorkingStatus,
)
from app.core.money import ZERO
from app.flows.orders.booking import Booking
from app.flows.orders.follow_links import Links, place_linked
from app.identity.domain.access import system_principal
from app.infra.db import BatchSession
from app.orders.domain.linking import families_of, link_first, reserved_together
from app.orders.domain.order import Execution, Order, OrderRequest, reserved_quantity
from app.orders.domain.order_file import OrderFile
from app.orders.domain.reports import apply_execution, apply_fault, apply_status
from app.orders.repository.account_books import Book
from tests.examples import examples

NOW = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
TENANT = TenantId(UUID(int=1))
KEY = AccountKey(tenant_id=TENANT, account_id=AccountId(UUID(int=2)))
INSTRUMENT = InstrumentId(UUID(int=3))
WHOLE = Decimal(20)
ROUNDS_MAX = 400
EXAMPLES = examples(50, campaign=150)

Report = StatusReport | ExecutionReport | FaultReport


class Numbers:
    """Ids that climb."""

    def __init__(self) -> None:
        self._numbers = count(10)

    def new(self) -> UUID:
        return UUID(int=next(self._numbers))


@dataclass
class Live:
    """An order at the broker."""

    terms: OrderTerms
    side: Side
    group: str | None
    filled: Decimal = ZERO
    is_live: bool = True

    @property
    def leaves(self) -> Decimal:
        return self.terms.quantity - self.filled if self.is_live else ZERO


@dataclass
class Broker:
    """Takes commands in their order, deals at any time, honours its groups, and tells what it did in order."""

    told: deque[Report] = field(default_factory=deque)
    orders: dict[OrderId, Live] = field(default_factory=dict)
    done: set[str | None] = field(default_factory=set)
    executions: Any = field(default_factory=lambda: count(1))

    def place(self, order: Order) -> None:
        live = Live(terms=order.terms, side=order.side, group=order.oca_group)
        self.orders[order.id] = live
        self._tell(order.id, WorkingStatus.WORKING)
        if live.group is not None and live.group in self.done:
            self._cancel(order.id)

    def replace(self, order_id: OrderId, terms: OrderTerms) -> None:
        live = self.orders[order_id]
        if not live.is_live or terms.quantity <= live.filled:
            self._refuse(order_id, FaultClass.REPLACE_REJECTED, 104)
            return
        live.terms = terms
        self._tell(order_id, WorkingStatus.WORKING)

    def cancel(self, order_id: OrderId) -> None:
        if self.orders[order_id].is_live:
            self._cancel(order_id)
        else:
            self._refuse(order_id, FaultClass.CANCEL_REJECTED, 161)

    def deal(self, order_id: OrderId, quantity: Decimal) -> None:
        live = self.orders[order_id]
        before = live.leaves
        live.filled += quantity
        number = next(self.executions)
        self.told.append(
            ExecutionReport(
                address=OrderAddress(order_id=order_id),
                execution_id=f"{number}.01",
                root=str(number),
                revision=1,
                contract_id=1,
                side=live.side,
                quantity=quantity,
                price=Decimal(100),
                liquidity=None,
                executed_at=NOW,
            )
        )
        left = live.leaves
        if not left:
            live.is_live = False
            self.done.add(live.group)
        if live.group is None:
            return
        for other_id, other in self.orders.items():
            if other is live or other.group != live.group or not other.is_live:
                continue
            if not left:
                self._cancel(other_id)
                continue
            kept = (other.leaves * left / before).to_integral_value(rounding=ROUND_CEILING)
            if kept != other.leaves:
                other.terms = replace(other.terms, quantity=other.filled + kept)
                self._tell(other_id, WorkingStatus.WORKING)

    def _cancel(self, order_id: OrderId) -> None:
        self._tell(order_id, WorkingStatus.CANCELED)
        self.orders[order_id].is_live = False

    def _tell(self, order_id: OrderId, status: WorkingStatus) -> None:
        live = self.orders[order_id]
        self.told.append(
            StatusReport(
                address=OrderAddress(order_id=order_id),
                status=status,
                filled=live.filled,
                terms=live.terms,
                occurred_at=NOW,
            )
        )

    def _refuse(self, order_id: OrderId, fault: FaultClass, code: int) -> None:
        address = OrderAddress(order_id=order_id)
        self.told.append(FaultReport(address=address, fault=fault, broker_code=code, message="no", occurred_at=NOW))


class Requests:
    """What the flow asks the database in the rare case: who cancelled these orders."""

    def __init__(self, house: "House") -> None:
        self._house = house

    async def fetch(self, sql: str, *parameters: Any) -> list[dict[str, OrderId]]:
        _, order_ids, house = parameters
        return [
            {"order_id": request.order_id}
            for request in self._house.cancels
            if request.order_id in order_ids and request.requested_by != house
        ]


class House:
    """The order core without a database: the flow's own decisions and bookings, kept in memory."""

    def __init__(self, new: NewOrder) -> None:
        self.broker = Broker()
        self.files: dict[OrderId, OrderFile] = {}
        self.executions: list[Execution] = []
        self.cancels: list[OrderRequest] = []
        self.lane: deque[tuple[LaneKind, OrderId, RequestId | None]] = deque()
        self.requests: dict[RequestId, OrderRequest] = {}
        self.wire: deque[Callable[[], None]] = deque()
        self.claimed = count(1)
        self.crossed: dict[OrderId, Report] = {}
        self.booking = Booking(books={KEY: Book(last_sequence=0, open_orders=0)}, positions={}, ids=Numbers(), now=NOW)
        first = link_first(self._order(new), new)
        self.booking.put_new(first)
        self.booking.count_open(KEY, 1)
        self.booking.reserve(KEY, INSTRUMENT, first.side, first.terms.quantity)
        self.lane.append((LaneKind.PLACE, first.id, None))
        place_linked(first, new, KEY, system_principal(TENANT, "test"), self.booking)
        self.take()

    def _order(self, new: NewOrder) -> Order:
        return Order(
            id=OrderId(UUID(int=5)),
            tenant_id=TENANT,
            account_id=KEY.account_id,
            instrument_id=INSTRUMENT,
            client_order_id="k",
            terms_hash=b"",
            side=new.side,
            order_type=new.order_type,
            terms=new.terms,
            placed_by="user:test",
            state=OrderState.ROUTED,
            created_at=NOW,
            updated_at=NOW,
        )

    def take(self) -> None:
        """Makes what was booked the state of the house, and checks what must hold at every moment."""
        booking = self.booking
        for order in (*booking.new_orders.values(), *booking.changed_orders.values()):
            known = self.files.get(order.id, OrderFile(order=order))
            self.files[order.id] = replace(known, order=order)
        for _, request in booking.new_requests:
            self.requests[request.id] = request
            if request.kind is RequestKind.CANCEL:
                self.cancels.append(request)
            if request.outcome is RequestOutcome.PENDING:
                assert self.files[request.order_id].with_request(request) != self.files[request.order_id]
                self.files[request.order_id] = self.files[request.order_id].with_request(request)
        for entry in booking.lane:
            self.lane.append((entry.kind, entry.order_id, entry.request_id))
        booking.new_orders.clear()
        booking.changed_orders.clear()
        booking.new_requests.clear()
        booking.lane.clear()
        self.check()

    def check(self) -> None:
        position = self.booking.position(KEY, INSTRUMENT)
        wanted = {Side.BUY: ZERO, Side.SELL: ZERO}
        for family in families_of(self.files.values()).values():
            for side, quantity in reserved_together(family).items():
                wanted[side] += quantity
            if family.entry is not None:
                wanted[family.entry.order.side] += reserved_quantity(family.entry.order, family.entry.pending_terms)
        held = {Side.BUY: position.open_buy_quantity, Side.SELL: position.open_sell_quantity}
        assert held == wanted
        is_open = [file for file in self.files.values() if not file.order.state.is_terminal]
        assert self.booking.books[KEY].open_orders == len(is_open)
        for side in Side:
            assert self.worst_at_the_broker(side) <= held[side]

    def worst_at_the_broker(self, side: Side) -> Decimal:
        """What this side may still deal beyond what the house has heard of: of each group, what one order alone may."""
        groups: dict[object, Decimal] = {}
        for order_id, live in self.broker.orders.items():
            if live.side is side and order_id not in self.crossed:
                unheard = live.filled - self.files[order_id].order.filled_quantity
                place = live.group or order_id
                groups[place] = max(groups.get(place, ZERO), live.leaves + unheard)
        return sum(groups.values(), ZERO)

    # What may happen.

    def carry(self) -> None:
        """One command is claimed and written to the socket."""
        if not self.lane:
            return
        kind, order_id, request_id = self.lane.popleft()
        file = self.files[order_id]
        if kind is LaneKind.PLACE:
            if file.order.state is OrderState.ROUTED and not file.order.was_claimed:
                claimed = replace(file.order, broker_client_id=1, broker_order_id=next(self.claimed))
                self.files[order_id] = replace(file, order=claimed)
                self.wire.append(lambda: self.broker.place(claimed))
            return
        assert request_id is not None
        request = self.requests[request_id]
        if file.order.state.is_terminal or request_id not in {
            one.id for one in (file.cancel, file.replace) if one is not None
        }:
            return
        if request.terms is None:
            self.wire.append(lambda: self.broker.cancel(order_id))
        else:
            terms = request.terms
            self.wire.append(lambda: self._replaced(order_id, terms, file.order.terms))

    def _replaced(self, order_id: OrderId, terms: OrderTerms, before: OrderTerms) -> None:
        # Asked to lower it, and the broker had lowered it further meanwhile: until its answer is heard the order is
        # larger there than the house knows. An absolute quantity cannot do better.
        live = self.broker.orders[order_id]
        is_crossing = live.is_live and live.terms.quantity < terms.quantity < before.quantity
        self.broker.replace(order_id, terms)
        if is_crossing:
            self.crossed[order_id] = self.broker.told[-1]

    def arrive(self) -> None:
        """What was written first reaches the broker."""
        if self.wire:
            self.wire.popleft()()

    def hear(self, reports: int) -> None:
        """So many reports reach the house, in one transaction."""
        batch = [self.broker.told.popleft() for _ in range(min(reports, len(self.broker.told)))]
        if not batch:
            return
        links = Links(key=KEY, before=families_of(self.files.values()))
        for report in batch:
            self._apply(report)
        self._settle(links)

    def cancel(self, order_id: OrderId) -> None:
        """The owner cancels an order."""
        file = self.files[order_id]
        order = file.order
        if order.state.is_terminal or file.cancel is not None:
            return
        links = Links(key=KEY, before=families_of(self.files.values()))
        is_unsent = not order.was_claimed
        request = OrderRequest(
            id=RequestId(self.booking.ids.new()),
            order_id=order_id,
            kind=RequestKind.CANCEL,
            outcome=RequestOutcome.ACCEPTED if is_unsent else RequestOutcome.PENDING,
            terms=None,
            reason=None,
            requested_by="user:test",
            requested_at=NOW,
        )
        after = replace(order, state=OrderState.CANCELED if is_unsent else OrderState.PENDING_CANCEL)
        self.requests[request.id] = request
        self.cancels.append(request)
        if is_unsent:
            self.files[order_id] = replace(file, order=after)
            self.booking.count_open(KEY, -1)
            if not order.shares_reserve:
                self.booking.reserve(KEY, INSTRUMENT, order.side, -reserved_quantity(order, None))
        else:
            self.files[order_id] = replace(file, order=after).with_request(request)
            self.lane.append((LaneKind.CANCEL, order_id, request.id))
        self._settle(links)

    def _apply(self, report: Report) -> None:
        assert report.address.order_id is not None
        before = self.files[report.address.order_id]
        match report:
            case StatusReport():
                decision = apply_status(before, report)
            case FaultReport():
                decision = apply_fault(before, report)
            case ExecutionReport():
                known = tuple(row for row in self.executions if row.root == report.root)
                decision = apply_execution(before, known, report, self.booking.ids.new(), NOW)
        assert decision.quarantine is None
        if self.crossed.get(before.order.id) is report:
            del self.crossed[before.order.id]
        self.executions.extend(decision.executions)
        order = decision.file.order
        self.files[order.id] = decision.file
        if not order.shares_reserve:
            change = reserved_quantity(order, decision.file.pending_terms) - reserved_quantity(
                before.order, before.pending_terms
            )
            self.booking.reserve(KEY, INSTRUMENT, order.side, change)
        if order.state.is_terminal and not before.order.state.is_terminal:
            self.booking.count_open(KEY, -1)

    def _settle(self, links: Links) -> None:
        settling = links.settle(cast(BatchSession, Requests(self)), self.files, self.booking)
        # Nothing in it waits, so that it ends at the first step; a loop of its own would unset that of other tests.
        with contextlib.suppress(StopIteration):
            settling.send(None)
            raise AssertionError("it waits")
        self.take()

    def come_to_rest(self) -> None:
        """Everything that is under way arrives."""
        for _ in range(ROUNDS_MAX):
            if not self.lane and not self.wire and not self.broker.told:
                return
            self.carry()
            self.arrive()
            self.hear(1)
        raise AssertionError("the house and the broker never come to rest")


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["carry", "carry", "arrive", "arrive", "hear", "hear", "deal", "deal", "cancel"]),
        st.integers(0, 7),
        st.integers(1, 8),
    ),
    min_size=20,
    max_size=100,
)


def run(house: House, steps: Sequence[tuple[str, int, int]], *, may_cancel: Sequence[LinkRole]) -> None:
    for step, which, size in steps:
        match step:
            case "carry":
                house.carry()
            case "arrive":
                house.arrive()
            case "hear":
                house.hear(size % 4 + 1)
            case "deal":
                live = [one for one, order in house.broker.orders.items() if order.leaves]
                if live:
                    chosen = live[which % len(live)]
                    house.broker.deal(chosen, min(Decimal(size), house.broker.orders[chosen].leaves))
            case _:
                known = [one for one, file in house.files.items() if file.order.link_role in may_cancel]
                if known:
                    house.cancel(known[which % len(known)])
    house.come_to_rest()


def bracket() -> NewOrder:
    return NewOrder(
        account_id=KEY.account_id,
        client_order_id="k",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        terms=OrderTerms(quantity=WHOLE, limit_price=Decimal(100)),
        take_profit=Decimal(110),
        stop_loss=Decimal(90),
    )


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps=STEPS)
def test_what_an_entry_opened_is_protected_whole_by_each_exit(steps: list[tuple[str, int, int]]) -> None:
    house = House(bracket())

    run(house, steps, may_cancel=[LinkRole.ENTRY])

    [family] = families_of(house.files.values()).values()
    assert family.entry is not None
    for role in (LinkRole.TAKE_PROFIT, LinkRole.STOP_LOSS):
        live = [
            house.broker.orders[file.order.id].leaves
            for file in family.members
            if file.order.link_role is role and file.order.id in house.broker.orders
        ]
        assert sum(live, ZERO) == family.quantity


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps=STEPS)
def test_nothing_leaks_when_all_has_ended(steps: list[tuple[str, int, int]]) -> None:
    house = House(bracket())
    run(house, steps, may_cancel=list(LinkRole))

    for order_id in list(house.files):
        house.cancel(order_id)
    house.come_to_rest()

    position = house.booking.position(KEY, INSTRUMENT)
    assert (position.open_buy_quantity, position.open_sell_quantity) == (ZERO, ZERO)
    assert house.booking.books[KEY].open_orders == 0
    assert not any(order.leaves for order in house.broker.orders.values())


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps=STEPS, second=st.sampled_from(Side))
def test_the_legs_of_a_pair_deal_what_was_asked_and_no_more(steps: list[tuple[str, int, int]], second: Side) -> None:
    leg = OcoLeg(side=second, order_type=OrderType.STOP, terms=OrderTerms(quantity=WHOLE, stop_price=Decimal(90)))
    new = replace(bracket(), side=Side.SELL, take_profit=None, stop_loss=None, oco=leg)
    house = House(new)

    run(house, steps, may_cancel=[])

    [family] = families_of(house.files.values()).values()
    for file in family.members:
        leaves = house.broker.orders[file.order.id].leaves if file.order.id in house.broker.orders else ZERO
        assert leaves == family.quantity
