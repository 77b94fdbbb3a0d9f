"""Orders that nobody approved in time end: a chore that any number of workers may do at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from app.approvals import batch as approvals
from app.approvals.domain import ApprovalDecision, Decision
from app.audit import service as audit
from app.core.fix import OrderState
from app.core.ids import Ids, OrderId
from app.core.messages import AccountKey
from app.core.records import replace
from app.flows.orders.booking import Booking
from app.flows.orders.follow_links import Links
from app.identity.domain import system_principal
from app.infra.db import BatchSession, Database
from app.infra.uow import begin_batch, begin_system
from app.orders.domain.order import OrderEvent, reserved_quantity
from app.orders.domain.order_file import OrderFile
from app.orders.events import OrderEventType
from app.orders.repository import account_books
from app.orders.repository import batch as orders
from app.positions import batch as positions
from app.tenants import batch as tenants

SWEEP_MAX: Final = 1_000
"""At most so many orders of a tenant end in one sweep; the next one goes on."""


async def expire_approvals(database: Database, system_database: Database, *, now: datetime, ids: Ids) -> int:
    """Ends the orders whose time to be approved is over, an account a transaction; tells how many."""
    async with begin_system(system_database) as session:
        tenant_ids = await tenants.all_ids(session)
    ended = 0
    for tenant_id in tenant_ids:
        async with begin_batch(database, tenant_id) as session:
            overdue = await approvals.overdue(session, tenant_id, now, SWEEP_MAX)
        for account_id, order_ids in overdue.items():
            key = AccountKey(tenant_id=tenant_id, account_id=account_id)
            async with begin_batch(database, tenant_id) as session:
                ended += await _expire(session, key, order_ids, now=now, ids=ids)
    return ended


async def _expire(
    session: BatchSession, key: AccountKey, order_ids: Sequence[OrderId], *, now: datetime, ids: Ids
) -> int:
    books = await account_books.books_for_update(session, [key])
    # Read behind the lock: another worker, an approver or a cancel may have come first.
    found = await orders.orders_by_id(session, key.tenant_id, order_ids)
    overdue = [order for order in found.values() if order.state is OrderState.PENDING_APPROVAL]
    links = await Links.of(session, key, (OrderFile(order=order) for order in overdue))
    waiting = [*overdue, *links.waiting_with(overdue)]
    after: dict[OrderId, OrderFile] = {}
    places = {(key, order.instrument_id) for order in waiting}
    booking = Booking(books=books, positions=await positions.positions_of(session, places), ids=ids, now=now)
    principal = system_principal(key.tenant_id, "approvals")
    reason = "nobody approved the order in time"
    for order in waiting:
        over = replace(order, state=OrderState.EXPIRED)
        after[order.id] = OrderFile(order=over)
        booking.put_order(over)
        booking.count_open(key, -1)
        if not order.shares_reserve:
            booking.reserve(key, order.instrument_id, order.side, -reserved_quantity(order, None))
        booking.decisions.append(
            Decision(
                tenant_id=key.tenant_id,
                order_id=order.id,
                decision=ApprovalDecision.EXPIRED,
                by=principal.actor,
                at=now,
                reason=reason,
            )
        )
        booking.log(
            key,
            [
                OrderEvent(
                    type=OrderEventType.ORDER_EXPIRED.value,
                    order_id=order.id,
                    account_id=order.account_id,
                    from_state=order.state,
                    to_state=OrderState.EXPIRED,
                    actor=principal.actor,
                    reason=reason,
                    occurred_at=now,
                )
            ],
        )
        booking.audit.append(
            audit.entry(
                principal,
                "order.expire",
                "Order",
                order.id,
                entry_id=ids.new(),
                now=now,
                old={"state": order.state.value},
                new={"state": OrderState.EXPIRED.value},
            )
        )
    await links.settle(session, after, booking)
    await booking.write(session)
    return len(waiting)
