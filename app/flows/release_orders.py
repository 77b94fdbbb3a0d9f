"""The gate of an account opens: orders that waited for it take their place in the lane."""

from datetime import datetime

from app.core.fix import OrderState
from app.core.ids import Ids, OrderId
from app.core.messages import AccountKey, LaneKind
from app.core.records import replace
from app.flows.booking import Booking
from app.flows.follow_links import Links
from app.infra.db import BatchSession
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

    An order whose last instant has passed while it waited is over and does not leave.
    """
    books = await account_books.books_for_update(session, [key])
    held = await orders.held_orders(session, key)
    late = [order for order in held if order.terms.expires_at is not None and order.terms.expires_at <= now]
    booking = Booking(books=books, positions={}, ids=ids, now=now)
    if late:
        booking.positions.update(await positions.positions_of(session, {(key, order.instrument_id) for order in late}))
    links = await Links.of(session, key, (OrderFile(order=order) for order in late))
    after: dict[OrderId, OrderFile] = {}
    for order in held:
        if order in late:
            over = replace(order, state=OrderState.EXPIRED)
            after[order.id] = OrderFile(order=over)
            booking.count_open(key, -1)
            if not order.shares_reserve:
                booking.reserve(key, order.instrument_id, order.side, -reserved_quantity(order, None))
            _book(key, OrderEventType.ORDER_EXPIRED, order, over, booking)
        else:
            booking.lane.append(LaneEntry(key=key, kind=LaneKind.PLACE, order_id=order.id))
            _book(key, OrderEventType.ORDER_ROUTED, order, order.routed(), booking)
    await links.settle(session, after, booking)
    await booking.write(session)
    return len(held) - len(late)


def _book(key: AccountKey, event_type: OrderEventType, before: Order, after: Order, booking: Booking) -> None:
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
                occurred_at=booking.now,
            )
        ],
    )
