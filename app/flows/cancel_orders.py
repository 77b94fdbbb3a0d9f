"""cancelOrder: an unsent order ends here and now, a live one gets a cancel request on its way to the broker."""

from dataclasses import replace

from app.approvals.domain import ApprovalDecision, Decision
from app.audit import service as audit
from app.core.errors import UnavailableError
from app.core.fix import OrderState, RequestKind, RequestOutcome
from app.core.ids import OrderId, RequestId
from app.core.messages import AccountKey, LaneKind
from app.flows.booking import Booking
from app.flows.desk import Desk
from app.flows.hints import LANES, OUTBOX, hint
from app.flows.locked_order import lock_order, read_file
from app.flows.place_orders import Placement
from app.identity.domain import Principal
from app.infra.db import CONNECTION_LOST
from app.infra.uow import begin_batch
from app.orders.domain.changing import cancel_problem, is_on_its_way, is_unsent
from app.orders.domain.order import Order, OrderEvent, OrderRequest, reserved_quantity
from app.orders.domain.placing import problem
from app.orders.domain.reports import OrderFile
from app.orders.errors import OrderProblem
from app.orders.events import OrderEventType
from app.orders.repository import lanes
from app.orders.repository.lanes import LaneEntry
from app.positions import batch as positions


async def cancel_order(desk: Desk, principal: Principal, order_id: OrderId) -> Placement:
    """The order after the cancel was taken. Asking again while a cancel is open answers the order as it stands.

    Raises UnavailableError when the database does not answer.
    """
    try:
        async with begin_batch(desk.database, principal.tenant_id) as session:
            locked = await lock_order(session, principal.tenant_id, order_id)
            if locked is None:
                return Placement(order=None, problems=(problem(OrderProblem.ORDER_NOT_FOUND, "orderId"),))
            key, book, file = locked
            if is_on_its_way(file.order) and not await lanes.withdraw(session, key, [order_id]):
                # The connector took it out of the lane meanwhile: it is claimed by now.
                file = await read_file(session, principal.tenant_id, order_id)
            refused = cancel_problem(file)
            if refused is not None:
                return Placement(order=file.order, problems=(refused,))
            if file.cancel is not None:
                return Placement(order=file.order)
            place = (key, file.order.instrument_id)
            booking = Booking(
                books={key: book},
                positions=await positions.positions_of(session, [place]),
                ids=desk.ids,
                now=desk.clock.now(),
            )
            if is_unsent(file.order):
                order = _end(key, file, principal, booking)
            else:
                order = _request(key, file, principal, booking)
            booking.audit.append(
                audit.entry(
                    principal,
                    "order.cancel",
                    "Order",
                    order.id,
                    entry_id=desk.ids.new(),
                    now=booking.now,
                    old={"state": file.order.state.value},
                    new={"state": order.state.value},
                )
            )
            await booking.write(session)
    except CONNECTION_LOST as error:
        raise UnavailableError("the order store does not answer; ask again") from error
    await hint(desk.redis, LANES, OUTBOX)
    return Placement(order=order)


def _end(key: AccountKey, file: OrderFile, principal: Principal, booking: Booking) -> Order:
    order = replace(file.order, state=OrderState.CANCELED, updated_at=booking.now)
    booking.put_order(order)
    booking.count_open(key, -1)
    booking.reserve(key, order.instrument_id, order.side, -reserved_quantity(file.order, None))
    booking.new_requests.append(
        (key.tenant_id, _cancel(order, principal, booking, RequestOutcome.ACCEPTED, is_resolved=True))
    )
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
    booking.log(key, [_event(OrderEventType.ORDER_CANCELED, file.order, order, principal, booking)])
    return order


def _request(key: AccountKey, file: OrderFile, principal: Principal, booking: Booking) -> Order:
    order = replace(file.order, state=OrderState.PENDING_CANCEL, updated_at=booking.now)
    booking.put_order(order)
    request = _cancel(order, principal, booking, RequestOutcome.PENDING, is_resolved=False)
    booking.new_requests.append((key.tenant_id, request))
    booking.lane.append(LaneEntry(key=key, kind=LaneKind.CANCEL, order_id=order.id, request_id=request.id))
    booking.log(key, [_event(OrderEventType.CANCEL_REQUESTED, file.order, order, principal, booking)])
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
    event_type: OrderEventType, before: Order, after: Order, principal: Principal, booking: Booking
) -> OrderEvent:
    return OrderEvent(
        type=event_type.value,
        order_id=after.id,
        account_id=after.account_id,
        from_state=before.state,
        to_state=after.state,
        actor=principal.actor,
        occurred_at=booking.now,
    )
