"""Linked orders follow each other's fills and ends, in the transaction that stores what happened."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.approvals.domain import ApprovalDecision, Decision, OrderApproval, approvals_document
from app.audit import service as audit
from app.core.fix import OrderState, RequestKind, RequestOutcome, Side
from app.core.ids import OrderId, RequestId
from app.core.messages import AccountKey, LaneKind, NewOrder, OrderTerms
from app.core.money import ZERO, plain
from app.core.records import replace
from app.flows.orders.booking import Booking
from app.identity.domain import Principal
from app.infra.db import BatchSession
from app.orders.domain.journal import placement_details, request_details
from app.orders.domain.linking import (
    LINKS,
    Adjustment,
    AdjustmentKind,
    Family,
    adjustments,
    families_of,
    linked_orders,
    reserved_together,
    successor,
)
from app.orders.domain.order import Order, OrderRequest
from app.orders.domain.order_file import OrderFile
from app.orders.events import OrderEventType
from app.orders.repository import linked_orders as stored_links
from app.orders.repository import order_requests
from app.orders.repository.lanes import LaneEntry


async def family_files(session: BatchSession, key: AccountKey, linked: Iterable[Order]) -> list[OrderFile]:
    """All orders of the families that these orders belong to, without their open requests. The book is locked."""
    return [OrderFile(order=order) for order in await stored_links.families(session, key, linked)]


@dataclass(slots=True, kw_only=True)
class Links:
    """The families of one account as they were before a transaction changed any of their orders."""

    key: AccountKey
    before: dict[str, Family] = field(default_factory=dict)

    @classmethod
    async def of(cls, session: BatchSession, key: AccountKey, files_of: Iterable[OrderFile]) -> "Links":
        """The families of orders whose account's book is locked; none for those that stand alone."""
        linked = [file.order for file in files_of if file.order.link_role is not None]
        if not linked:
            return cls(key=key)
        files = {one.order.id: one for one in await family_files(session, key, linked)}
        for request in await order_requests.open_requests(session, key.tenant_id, files):
            files[request.order_id] = files[request.order_id].with_request(request)
        return cls(key=key, before=families_of(files.values()))

    def waiting_with(self, orders: Iterable[Order]) -> list[Order]:
        """The other legs of the pairs among these orders, where they wait for approval as well."""
        known = {order.id for order in orders}
        members = (file.order for family in self.before.values() if family.entry is None for file in family.members)
        return [one for one in members if one.id not in known and one.state is OrderState.PENDING_APPROVAL]

    async def settle(self, session: BatchSession, changed: Mapping[OrderId, OrderFile], booking: Booking) -> None:
        """Books what follows for every order of the families from what became of those that changed."""
        for name, before in self.before.items():
            files = {file.order.id: changed.get(file.order.id, file) for file in _files(before)}
            family = families_of(files.values())[name]
            withdrawn: frozenset[OrderId] = frozenset()
            steps = adjustments(before, family, withdrawn)
            if any(step.kind is AdjustmentKind.RENEW for step in steps):
                members = [member.order.id for member in family.members]
                withdrawn = await stored_links.withdrawn(session, self.key.tenant_id, members, by_house=LINKS)
                steps = adjustments(before, family, withdrawn)
            # A successor joins what is open once the others are dealt with.
            for step in steps:
                file = self._take(step, families_of(files.values())[name], booking)
                files[file.order.id] = file
            self._reserve(before, families_of(files.values())[name], booking)

    def _reserve(self, before: Family, after: Family, booking: Booking) -> None:
        held, wanted = reserved_together(before), reserved_together(after)
        instrument_id = before.members[0].order.instrument_id
        for side in Side:
            booking.reserve(self.key, instrument_id, side, wanted.get(side, ZERO) - held.get(side, ZERO))

    def _take(self, step: Adjustment, family: Family, booking: Booking) -> OrderFile:
        order = step.file.order
        match step.kind:
            case AdjustmentKind.RELEASE:
                released = replace(_sized(order, step), state=OrderState.ROUTED)
                return self._book(OrderEventType.ORDER_ROUTED, step.file, released, booking, is_placed=True)
            case AdjustmentKind.RESIZE:
                return self._book(OrderEventType.ORDER_RESIZED, step.file, _sized(order, step), booking)
            case AdjustmentKind.END:
                booking.count_open(self.key, -1)
                if order.state is OrderState.PENDING_APPROVAL:
                    booking.decisions.append(_withdrawn(order, booking))
                over = replace(order, state=OrderState.CANCELED)
                return self._book(OrderEventType.ORDER_CANCELED, step.file, over, booking)
            case AdjustmentKind.REPLACE:
                return self._ask(step.file, replace(order.terms, quantity=step.quantity), booking)
            case AdjustmentKind.CANCEL:
                return self._ask(step.file, None, booking)
            case AdjustmentKind.RENEW:
                made = replace(
                    successor(order, family, step.quantity, booking.ids), created_at=booking.now, updated_at=booking.now
                )
                booking.put_new(made)
                booking.count_open(self.key, 1)
                return self._book(OrderEventType.ORDER_PLACED, None, made, booking, is_placed=True)

    def _book(
        self,
        event_type: OrderEventType,
        before: OrderFile | None,
        order: Order,
        booking: Booking,
        *,
        is_placed: bool = False,
    ) -> OrderFile:
        if before is not None:
            booking.put_order(order)
        if is_placed:
            booking.lane.append(LaneEntry(key=self.key, kind=LaneKind.PLACE, order_id=order.id))
        details: dict[str, Any] = {}
        if before is None:
            details = placement_details(order)
        elif before.order.terms.quantity != order.terms.quantity:
            details["orderQuantity"] = plain(order.terms.quantity)
        from_state = OrderState.NEW if before is None else before.order.state
        booking.log(self.key, [booking.followed(event_type, order, from_state, by=LINKS, details=details)])
        return replace(before, order=order) if before is not None else OrderFile(order=order)

    def _ask(self, file: OrderFile, terms: OrderTerms | None, booking: Booking) -> OrderFile:
        is_cancel = terms is None
        request = OrderRequest(
            id=RequestId(booking.ids.new()),
            order_id=file.order.id,
            kind=RequestKind.CANCEL if is_cancel else RequestKind.REPLACE,
            outcome=RequestOutcome.PENDING,
            terms=terms,
            reason=None,
            requested_by=LINKS,
            requested_at=booking.now,
        )
        order = replace(file.order, state=OrderState.PENDING_CANCEL if is_cancel else OrderState.PENDING_REPLACE)
        booking.put_order(order)
        booking.new_requests.append((self.key.tenant_id, request))
        kind = LaneKind.CANCEL if is_cancel else LaneKind.REPLACE
        booking.lane.append(LaneEntry(key=self.key, kind=kind, order_id=order.id, request_id=request.id))
        event_type = OrderEventType.CANCEL_REQUESTED if is_cancel else OrderEventType.REPLACE_REQUESTED
        details = request_details(request, file.order)
        booking.log(self.key, [booking.followed(event_type, order, file.order.state, by=LINKS, details=details)])
        return replace(file, order=order).with_request(request)


def place_linked(
    first: Order,
    new: NewOrder,
    key: AccountKey,
    principal: Principal,
    booking: Booking,
    approvals: Sequence[OrderApproval] = (),
) -> tuple[Order, ...]:
    """Books the orders that come with one that was just taken: its exits, or the second leg of its pair.

    approvals are those that the first waits for; a second leg waits for the same.
    """
    made = linked_orders(first, new, booking.ids)
    for order in made:
        booking.put_new(order)
        booking.count_open(key, 1)
        if order.state is OrderState.ROUTED:
            booking.lane.append(LaneEntry(key=key, kind=LaneKind.PLACE, order_id=order.id))
        details = placement_details(order)
        if order.state is OrderState.PENDING_APPROVAL:
            mine = [replace(one, order_id=order.id) for one in approvals]
            booking.new_approvals.extend(mine)
            details["approval"] = approvals_document(mine)
        event_type = _FIRST_EVENTS.get(order.state, OrderEventType.ORDER_HELD)
        event = booking.followed(event_type, order, OrderState.NEW, by=LINKS, details=details)
        booking.log(key, [replace(event, actor=order.placed_by)])
        booking.audit.append(
            audit.entry(
                principal,
                "order.place",
                "Order",
                order.id,
                entry_id=booking.ids.new(),
                now=booking.now,
                new={**details, "state": order.state.value},
            )
        )
        # Legs on one side cannot both deal in full: the first has reserved for both.
        if new.oco is not None and order.side is not first.side:
            booking.reserve(key, order.instrument_id, order.side, order.terms.quantity)
    return made


_FIRST_EVENTS = {
    OrderState.ROUTED: OrderEventType.ORDER_PLACED,
    OrderState.PENDING_APPROVAL: OrderEventType.ORDER_APPROVAL_REQUESTED,
}


def _withdrawn(order: Order, booking: Booking) -> Decision:
    return Decision(
        tenant_id=order.tenant_id,
        order_id=order.id,
        decision=ApprovalDecision.CANCELED,
        by=LINKS,
        at=booking.now,
    )


def _files(family: Family) -> list[OrderFile]:
    return [*([family.entry] if family.entry else []), *family.members]


def _sized(order: Order, step: Adjustment) -> Order:
    return replace(order, terms=replace(order.terms, quantity=step.quantity))
