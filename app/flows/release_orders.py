"""The gate of an account opens: orders that waited for it take their place in the lane."""

from datetime import datetime

from app.core.fix import OrderState
from app.core.ids import Ids
from app.core.messages import AccountKey, LaneKind
from app.flows.booking import Booking
from app.infra.db import BatchSession
from app.orders.domain.order import OrderEvent
from app.orders.events import OrderEventType
from app.orders.repository import account_books
from app.orders.repository import batch as orders
from app.orders.repository.lanes import LaneEntry

GATE = "gate"


async def lock_account(session: BatchSession, key: AccountKey) -> None:
    """Puts this transaction in line with all writers of the account, so that none misses the gate's change."""
    await account_books.books_for_update(session, [key])


async def release_orders(session: BatchSession, key: AccountKey, *, now: datetime, ids: Ids) -> int:
    """Routes the held orders of the account, oldest first, and tells how many. The gate was opened just before."""
    books = await account_books.books_for_update(session, [key])
    held = await orders.held_orders(session, key)
    booking = Booking(books=books, positions={}, ids=ids, now=now)
    for order in held:
        booking.put_order(order.routed())
        booking.lane.append(LaneEntry(key=key, kind=LaneKind.PLACE, order_id=order.id))
        booking.log(
            key,
            [
                OrderEvent(
                    type=OrderEventType.ORDER_ROUTED.value,
                    order_id=order.id,
                    account_id=order.account_id,
                    from_state=OrderState.HELD,
                    to_state=OrderState.ROUTED,
                    actor=GATE,
                    occurred_at=now,
                )
            ],
        )
    await booking.write(session)
    return len(held)
