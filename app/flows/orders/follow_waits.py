"""Orders that wait for resting ones go as these end, in the transaction that stores their end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from app.brokers import batch as brokers
from app.core.fix import OrderState, RejectOrigin, RiskLimitType
from app.core.ids import Ids, OrderId
from app.core.messages import AccountKey
from app.core.records import replace
from app.flows.orders.booking import Booking
from app.flows.orders.follow_links import Links
from app.flows.orders.locked_order import read_files
from app.flows.orders.placement import refusal_code
from app.flows.orders.release_orders import release_orders
from app.infra.db import BatchSession
from app.orders.domain.order import Order, reserved_quantity
from app.orders.domain.order_file import OrderFile
from app.orders.domain.waiting import Way, way_past
from app.orders.events import OrderEventType
from app.orders.repository import account_books
from app.orders.repository import waiting as stored
from app.positions import batch as positions

WAITS: Final = "waits"
"""The actor of what the house itself does to an order that waits."""

_STAYED: Final = "a resting order that it could deal with was not canceled: the broker refused, and it works on"


async def settle_waits(session: BatchSession, key: AccountKey, *, now: datetime, ids: Ids) -> None:
    """Lets the orders of the account go whose way is free, and refuses those whose way is barred.

    The account's book is locked, and all that this transaction made of its orders is written. What is free goes by the
    same door as what waited for the connection.
    """
    waiting = await stored.waiting_orders(session, key)
    if not waiting:
        return
    awaited = await read_files(session, key.tenant_id, {one for order in waiting for one in order.waits_for})
    ways = {order.id: way_past(awaited[one] for one in order.waits_for) for order in waiting}
    barred = [order for order in waiting if ways[order.id] is Way.BARRED]
    if barred:
        await _refuse(session, key, barred, now=now, ids=ids)
    free = [order.id for order in waiting if ways[order.id] is Way.FREE]
    if not free:
        return
    await session.write([stored.wait_no_more(key.tenant_id, free)])
    (is_open,) = await session.read(brokers.has_open_gate(key))
    if is_open:
        await release_orders(session, key, now=now, ids=ids)


async def _refuse(session: BatchSession, key: AccountKey, barred: Sequence[Order], *, now: datetime, ids: Ids) -> None:
    booking = Booking(
        books=await account_books.books_for_update(session, [key]),
        positions=await positions.positions_of(session, {(key, order.instrument_id) for order in barred}),
        ids=ids,
        now=now,
    )
    links = await Links.of(session, key, (OrderFile(order=order) for order in barred))
    code = refusal_code(RiskLimitType.WASH_TRADE)
    after: dict[OrderId, OrderFile] = {}
    for order in barred:
        over = replace(
            order,
            state=OrderState.REJECTED,
            reject_origin=RejectOrigin.OMS,
            reject_code=code,
            reject_reason=_STAYED,
        )
        after[order.id] = OrderFile(order=over)
        booking.put_order(over)
        booking.count_open(key, -1)
        booking.reserve(key, order.instrument_id, order.side, -reserved_quantity(order, None))
        details = {"rejectOrigin": RejectOrigin.OMS.value, "code": code}
        event = booking.followed(
            OrderEventType.ORDER_REJECTED, over, order.state, by=WAITS, details=details, reason=_STAYED
        )
        booking.log(key, [event])
    await links.settle(session, after, booking)
    await booking.write(session)
