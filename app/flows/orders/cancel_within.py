"""Cancels within a transaction: an unsent order ends at once, a live one gets a request on its way to the broker."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.approvals.domain import ApprovalDecision, Decision
from app.audit import service as audit
from app.core.fix import OrderState, RequestKind, RequestOutcome
from app.core.ids import Ids, OrderId, RequestId, TenantId
from app.core.messages import AccountKey, LaneKind
from app.core.records import replace
from app.flows.orders.booking import Booking
from app.flows.orders.follow_links import Links
from app.flows.orders.locked_order import lock_orders, read_files
from app.flows.orders.placement import Placement
from app.identity.domain import Principal
from app.infra.db import BatchSession
from app.orders.domain.changing import (
    cancel_asked,
    cancel_problem,
    ended_unsent,
    is_on_its_way,
    is_unsent,
    superseded,
)
from app.orders.domain.journal import request_details, resolution
from app.orders.domain.order import Order, OrderEvent, OrderRequest, reserved_quantity
from app.orders.domain.order_file import OrderFile
from app.orders.domain.placing import problem
from app.orders.errors import OrderProblem
from app.orders.events import OrderEventType
from app.orders.repository import lanes
from app.orders.repository.account_books import Book
from app.orders.repository.lanes import LaneEntry
from app.positions import batch as positions
from app.positions.batch import PositionKey
from app.positions.domain import Position


async def cancel_in(
    session: BatchSession, principal: Principal, order_ids: Sequence[OrderId], *, now: datetime, ids: Ids
) -> dict[OrderId, Placement]:
    """What became of each of the orders, each on its own merits; the caller hints at the lanes."""
    tenant_id = principal.tenant_id
    books, files = await lock_orders(session, tenant_id, order_ids)
    files = await _withdrawn(session, tenant_id, books, files)
    wanted = {
        order_id: file for order_id, file in files.items() if cancel_problem(file) is None and file.cancel is None
    }
    keys = {order_id: _key_of(file) for order_id, file in wanted.items()}
    booking = Booking(
        books=books,
        positions=await _positions(session, keys, wanted),
        ids=ids,
        now=now,
    )
    overtaken = await _overtaken(session, books, wanted)
    links = [await Links.of(session, key, _of_account(key, wanted)) for key in _in_order(books)]
    placements: dict[OrderId, Placement] = {}
    after: dict[OrderId, OrderFile] = {}
    for order_id in dict.fromkeys(order_ids):
        file = files.get(order_id)
        if file is None:
            placements[order_id] = Placement(order=None, problems=(problem(OrderProblem.ORDER_NOT_FOUND, "orderId"),))
        elif order_id in wanted:
            after[order_id] = _cancel_one(keys[order_id], file, principal, booking, overtaken)
            placements[order_id] = Placement(order=after[order_id].order)
        else:
            refused = cancel_problem(file)
            placements[order_id] = Placement(order=file.order, problems=() if refused is None else (refused,))
    for families in links:
        await families.settle(session, after, booking)
    if wanted:
        await booking.write(session)
    return placements


async def _withdrawn(
    session: BatchSession, tenant_id: TenantId, books: Mapping[AccountKey, Book], files: dict[OrderId, OrderFile]
) -> dict[OrderId, OrderFile]:
    claimed: set[OrderId] = set()
    for key in _in_order(books):
        leaving = [file.order.id for file in _of_account(key, files) if is_on_its_way(file.order)]
        if leaving:
            claimed |= set(leaving) - await lanes.withdraw(session, key, leaving)
    if not claimed:
        return files
    # The connector took them out of the lane meanwhile: they are claimed by now.
    return files | await read_files(session, tenant_id, claimed)


async def _overtaken(
    session: BatchSession, books: Mapping[AccountKey, Book], files: Mapping[OrderId, OrderFile]
) -> set[RequestId]:
    # Modifies that still wait in the lane: the cancel goes before them, and they never leave.
    withdrawn: set[RequestId] = set()
    for key in _in_order(books):
        waiting = [file.replace.id for file in _of_account(key, files) if file.replace is not None]
        if waiting:
            withdrawn |= await lanes.withdraw_requests(session, key, waiting)
    return withdrawn


async def _positions(
    session: BatchSession, keys: Mapping[OrderId, AccountKey], files: Mapping[OrderId, OrderFile]
) -> dict[PositionKey, Position]:
    places = {
        (keys[one], file.order.instrument_id)
        for one, file in files.items()
        if is_unsent(file.order) or file.replace is not None or file.order.link_role is not None
    }
    return dict(await positions.positions_of(session, places)) if places else {}


def _cancel_one(
    key: AccountKey, file: OrderFile, principal: Principal, booking: Booking, overtaken: set[RequestId]
) -> OrderFile:
    waiting = file.replace if file.replace is not None and file.replace.id in overtaken else None
    if is_unsent(file.order):
        order = _end(key, file, principal, booking)
    else:
        order = _request(key, file, principal, booking, withdrawn=waiting)
    booking.audit.append(
        audit.entry(
            principal,
            "order.cancel",
            "Order",
            order.id,
            entry_id=booking.ids.new(),
            now=booking.now,
            old={"state": file.order.state.value},
            new={"state": order.state.value},
        )
    )
    after = replace(file, order=order, replace=None if waiting is not None else file.replace)
    return after if order.state.is_terminal else after.with_request(booking.new_requests[-1][1])


def _in_order(books: Mapping[AccountKey, Book]) -> list[AccountKey]:
    return sorted(books, key=lambda key: key.account_id)


def _of_account(key: AccountKey, files: Mapping[OrderId, OrderFile]) -> Iterator[OrderFile]:
    return (file for file in files.values() if _key_of(file) == key)


def _key_of(file: OrderFile) -> AccountKey:
    return AccountKey(tenant_id=file.order.tenant_id, account_id=file.order.account_id)


def _end(key: AccountKey, file: OrderFile, principal: Principal, booking: Booking) -> Order:
    order = ended_unsent(file.order, booking.now)
    booking.put_order(order)
    booking.count_open(key, -1)
    if not file.order.shares_reserve:
        booking.reserve(key, order.instrument_id, order.side, -reserved_quantity(file.order, None))
    request = _cancel(order, principal, booking, RequestOutcome.ACCEPTED, is_resolved=True)
    booking.new_requests.append((key.tenant_id, request))
    if file.order.state is OrderState.PENDING_APPROVAL:
        booking.decisions.append(
            Decision(
                tenant_id=key.tenant_id,
                order_id=order.id,
                decision=ApprovalDecision.CANCELED,
                by=principal.actor,
                at=booking.now,
            )
        )
    booking.log(key, [_event(OrderEventType.ORDER_CANCELED, file.order, order, request, booking)])
    return order


def _supersede(key: AccountKey, file: OrderFile, waiting: OrderRequest, booking: Booking) -> dict[str, Any]:
    order, done = file.order, superseded(waiting, booking.now)
    booking.resolved_requests.append((key.tenant_id, done))
    if not order.shares_reserve:
        change = reserved_quantity(order, None) - reserved_quantity(order, waiting.terms)
        booking.reserve(key, order.instrument_id, order.side, change)
    return {"resolved": [resolution(done)]}


def _request(
    key: AccountKey, file: OrderFile, principal: Principal, booking: Booking, *, withdrawn: OrderRequest | None
) -> Order:
    order = cancel_asked(file.order, booking.now)
    booking.put_order(order)
    request = _cancel(order, principal, booking, RequestOutcome.PENDING, is_resolved=False)
    booking.new_requests.append((key.tenant_id, request))
    booking.lane.append(LaneEntry(key=key, kind=LaneKind.CANCEL, order_id=order.id, request_id=request.id))
    event = _event(OrderEventType.CANCEL_REQUESTED, file.order, order, request, booking)
    if withdrawn is not None:
        event = replace(event, details={**event.details, **_supersede(key, file, withdrawn, booking)})
    booking.log(key, [event])
    return order


def _cancel(
    order: Order, principal: Principal, booking: Booking, outcome: RequestOutcome, *, is_resolved: bool
) -> OrderRequest:
    return OrderRequest(
        id=RequestId(booking.ids.new()),
        order_id=order.id,
        kind=RequestKind.CANCEL,
        outcome=outcome,
        terms=None,
        reason=None,
        requested_by=principal.actor,
        requested_at=booking.now,
        resolved_at=booking.now if is_resolved else None,
    )


def _event(
    event_type: OrderEventType, before: Order, after: Order, request: OrderRequest, booking: Booking
) -> OrderEvent:
    return OrderEvent(
        type=event_type.value,
        order_id=after.id,
        account_id=after.account_id,
        from_state=before.state,
        to_state=after.state,
        actor=request.requested_by,
        details=request_details(request, before),
        occurred_at=booking.now,
    )
