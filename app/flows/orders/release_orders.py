"""The gate of an account opens: orders that waited for it take their place in the lane."""

from collections.abc import Sequence
from datetime import datetime

from app.brokers import batch as brokers
from app.compliance.domain.restrictions import RestrictedAct
from app.core.errors import Problem
from app.core.fix import OrderState, RejectOrigin
from app.core.ids import Ids, OrderId
from app.core.messages import AccountKey, LaneKind
from app.core.records import replace
from app.flows.compliance.restrictions import proposal_of, restricted, restrictions_on
from app.flows.orders.booking import Booking
from app.flows.orders.follow_links import Links
from app.infra.db import BatchSession
from app.instruments import batch as instruments
from app.orders.domain.order import Order, OrderEvent, reserved_quantity
from app.orders.domain.order_file import OrderFile
from app.orders.events import OrderEventType
from app.orders.repository import account_books
from app.orders.repository import batch as orders
from app.orders.repository.lanes import LaneEntry
from app.positions import batch as positions

GATE = "gate"


async def lock_account(session: BatchSession, key: AccountKey) -> None:
    """Puts this transaction in line with all writers of the account, so that none misses the gate's change."""
    await account_books.books_for_update(session, [key])


async def release_orders(session: BatchSession, key: AccountKey, *, now: datetime, ids: Ids) -> int:
    """Routes the held orders of the account, oldest first, and tells how many. The gate was opened just before.

    An order whose last instant has passed while it waited is over and does not leave; nor does one in a name that was
    restricted meanwhile.
    """
    books = await account_books.books_for_update(session, [key])
    held = await orders.held_orders(session, key)
    if held:
        held = await _free(session, key, held)
    late = [order for order in held if order.terms.expires_at is not None and order.terms.expires_at <= now]
    booking = Booking(books=books, positions={}, ids=ids, now=now)
    barred = await _barred(session, key, [order for order in held if order not in late], booking)
    if late:
        booking.positions.update(await positions.positions_of(session, {(key, order.instrument_id) for order in late}))
    links = await Links.of(
        session, key, (OrderFile(order=order) for order in held if order in late or order.id in barred)
    )
    after: dict[OrderId, OrderFile] = {}
    for order in held:
        if order in late or order.id in barred:
            over, event_type = _over(order, barred.get(order.id))
            after[order.id] = OrderFile(order=over)
            booking.count_open(key, -1)
            if not order.shares_reserve:
                booking.reserve(key, order.instrument_id, order.side, -reserved_quantity(order, None))
            _book(key, event_type, order, over, booking)
        else:
            booking.lane.append(LaneEntry(key=key, kind=LaneKind.PLACE, order_id=order.id))
            _book(key, OrderEventType.ORDER_ROUTED, order, order.routed(), booking)
    await links.settle(session, after, booking)
    await booking.write(session)
    return len(held) - len(after)


async def _free(session: BatchSession, key: AccountKey, held: list[Order]) -> list[Order]:
    # What was taken before a break froze its instrument waits for the resolution, whatever its side: which side adds
    # risk is what the two books do not agree on.
    frozen = (await brokers.account_facts(session, [key]))[key].frozen
    return [order for order in held if order.instrument_id not in frozen]


def _over(order: Order, refusal: Problem | None) -> tuple[Order, OrderEventType]:
    if refusal is None:
        return replace(order, state=OrderState.EXPIRED), OrderEventType.ORDER_EXPIRED
    rejected = replace(
        order,
        state=OrderState.REJECTED,
        reject_origin=RejectOrigin.OMS,
        reject_code=refusal.code,
        reject_reason=refusal.message,
    )
    return rejected, OrderEventType.ORDER_REJECTED


async def _barred(
    session: BatchSession, key: AccountKey, held: Sequence[Order], booking: Booking
) -> dict[OrderId, Problem]:
    if not held:
        return {}
    named = await instruments.find(session, ids=[(key.tenant_id, one) for one in {one.instrument_id for one in held}])
    known = {instrument.id: instrument for _, instrument in named}
    restrictions = await restrictions_on(session, key.tenant_id, known.values())
    if not restrictions:
        return {}
    booking.positions.update(await positions.positions_of(session, {(key, order.instrument_id) for order in held}))
    barred: dict[OrderId, Problem] = {}
    for order in held:
        proposal = proposal_of(booking, key, order, known[order.instrument_id])
        verdict = restricted(restrictions, booking, RestrictedAct.RELEASE, order, GATE, proposal)
        if verdict.refusal is not None:
            barred[order.id] = verdict.refusal
    return barred


def _book(key: AccountKey, event_type: OrderEventType, before: Order, after: Order, booking: Booking) -> None:
    details = {} if after.reject_code is None else {"rejectOrigin": RejectOrigin.OMS.value, "code": after.reject_code}
    booking.put_order(after)
    booking.log(
        key,
        [
            OrderEvent(
                type=event_type.value,
                order_id=after.id,
                account_id=after.account_id,
                from_state=before.state,
                to_state=after.state,
                actor=GATE,
                reason=after.reject_reason,
                details=details,
                occurred_at=booking.now,
            )
        ],
    )
