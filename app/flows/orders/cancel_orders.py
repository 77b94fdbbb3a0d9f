"""cancelOrder, cancelOrders: a transaction of its own around the cancels that clients ask for."""

from collections.abc import Sequence

from app.core.errors import UnavailableError
from app.core.ids import OrderId
from app.flows.desk import Desk
from app.flows.hints import LANES, OUTBOX, hint
from app.flows.orders.cancel_within import cancel_in
from app.flows.orders.placement import Placement
from app.identity.domain import Principal
from app.infra.db import CONNECTION_LOST
from app.infra.uow import begin_batch


async def cancel_order(desk: Desk, principal: Principal, order_id: OrderId) -> Placement:
    """The order after the cancel was taken. Asking again while a cancel is open answers the order as it stands.

    Raises UnavailableError when the database does not answer.
    """
    return (await cancel_orders(desk, principal, [order_id]))[order_id]


async def cancel_orders(desk: Desk, principal: Principal, order_ids: Sequence[OrderId]) -> dict[OrderId, Placement]:
    """What became of each of the orders, each on its own merits, all in one transaction.

    Raises UnavailableError when the database does not answer; then none was canceled, or all were.
    """
    try:
        async with begin_batch(desk.database, principal.tenant_id, accounts=principal.tradable) as session:
            placements = await cancel_in(session, principal, order_ids, now=desk.clock.now(), ids=desk.ids)
    except CONNECTION_LOST as error:
        raise UnavailableError("the order store does not answer; ask again") from error
    if any(placement.order is not None and not placement.problems for placement in placements.values()):
        await hint(desk.redis, LANES, OUTBOX)
    return placements
