"""Orders that wait for resting orders to end, and those that they wait for."""

from collections.abc import Collection

from app.core.ids import OrderId, TenantId
from app.core.messages import AccountKey
from app.infra.db import BatchSession, Write
from app.orders.domain.order import Order
from app.orders.repository.rows import order_from_row


async def waiting_orders(session: BatchSession, key: AccountKey) -> list[Order]:
    """The orders of the account that wait for others to end, without their risk checks, oldest first."""
    rows = await session.fetch(
        """
        SELECT * FROM orders
        WHERE tenant_id = $1 AND account_id = $2 AND state = 'HELD' AND waits_for IS NOT NULL ORDER BY id
        """,
        key.tenant_id,
        key.account_id,
    )
    return [order_from_row(row, with_checks=False) for row in rows]


def wait_for(tenant_id: TenantId, order_id: OrderId, awaited: Collection[OrderId]) -> list[Write]:
    """Stores which orders the order waits for."""
    return [
        Write.of("UPDATE orders SET waits_for = $3 WHERE tenant_id = $1 AND id = $2", tenant_id, order_id, awaited),
        Write.of(
            "UPDATE orders SET is_awaited = true WHERE tenant_id = $1 AND id = ANY($2::uuid[])",
            tenant_id,
            list(awaited),
        ),
    ]


def wait_no_more(tenant_id: TenantId, order_ids: Collection[OrderId]) -> Write:
    """Stores that the orders wait for no other."""
    return Write.of(
        "UPDATE orders SET waits_for = NULL WHERE tenant_id = $1 AND id = ANY($2::uuid[])", tenant_id, list(order_ids)
    )
