"""inDoubtOrders: the orders whose fate nobody knows, each with what is known of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.brokers import breaks_batch as breaks
from app.brokers.reconciling import Break
from app.core.ids import AccountId, OrderId
from app.core.paging import Page, Window, page_of
from app.flows.desk import Desk
from app.flows.reconciliation.reconcile_now import reconcile_now
from app.identity.domain import Principal
from app.infra.uow import begin_batch
from app.orders import service as order_service
from app.orders.domain.draft import BROKER
from app.orders.domain.order import LoggedEvent, Order
from app.orders.errors import OrderUnknownError
from app.orders.events import OrderEventType
from app.orders.repository import doubts


@dataclass(frozen=True, slots=True, kw_only=True)
class InDoubtOrder:
    """An order in doubt with its evidence.

    routed_at is when it was on its way to the broker; word is the newest event that the broker caused, doubt the one
    that raised the doubt. missing is the open break where the broker was asked and does not know it.
    """

    order: Order
    routed_at: datetime | None
    word: LoggedEvent | None
    doubt: LoggedEvent | None
    missing: Break | None


async def in_doubt_orders(
    desk: Desk, principal: Principal, account_id: AccountId | None, window: Window[UUID]
) -> Page[InDoubtOrder]:
    """A page of the tenant's orders in doubt, the oldest first."""
    tenant_id = principal.tenant_id
    async with begin_batch(desk.database, tenant_id, accounts=principal.viewable) as session:
        found = await doubts.orders_in_doubt(session, tenant_id, account_id, window)
        page = page_of(found, window)
        told = await doubts.events_of(session, tenant_id, [order.id for order in page.items])
        missing = await breaks.of_orders(session, tenant_id, [order.id for order in page.items])
    items = tuple(_evidence(order, told.get(order.id, ()), missing.get(order.id)) for order in page.items)
    return Page(items=items, has_more=page.has_more)


async def count_in_doubt(desk: Desk, principal: Principal, account_id: AccountId | None) -> int:
    """How many orders are in doubt."""
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        return await doubts.count_in_doubt(session, principal.tenant_id, account_id)


async def ask_about(desk: Desk, principal: Principal, order_id: OrderId) -> Order:
    """The order after its broker was asked for everything again: nothing is sent that could place it anew.

    Raises OrderUnknownError, ReconciliationFailedError.
    """
    order = await _order(desk, principal, order_id)
    await reconcile_now(desk, principal, order.account_id, "orderId")
    return await _order(desk, principal, order_id)


async def _order(desk: Desk, principal: Principal, order_id: OrderId) -> Order:
    async with desk.acting(principal) as session:
        found = (await order_service.orders(session, principal.tenant_id, [order_id])).get(order_id)
    if found is None:
        raise OrderUnknownError("orderId")
    return found


def _evidence(order: Order, events: Sequence[LoggedEvent], missing: Break | None) -> InDoubtOrder:
    routed = (one for one in events if one.event.type in (OrderEventType.ORDER_PLACED, OrderEventType.ORDER_ROUTED))
    doubts_raised = [one for one in events if one.event.type == OrderEventType.ORDER_IN_DOUBT]
    words = [one for one in events if one.event.actor == BROKER and one not in doubts_raised]
    first = next(routed, None)
    return InDoubtOrder(
        order=order,
        routed_at=None if first is None else first.recorded_at,
        word=words[-1] if words else None,
        doubt=doubts_raised[-1] if doubts_raised else None,
        missing=missing,
    )
