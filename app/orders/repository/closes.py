"""Closes of a position that wait for other orders, and the orders that make way for them."""

from collections.abc import Collection

from app.core.fix import Side
from app.core.ids import InstrumentId, OrderId, TenantId
from app.core.messages import AccountKey
from app.infra.db import BatchSession, Write
from app.orders.domain.order import Order
from app.orders.repository.rows import order_from_row


async def orders_in_the_way(
    session: BatchSession, key: AccountKey, instrument_id: InstrumentId, side: Side
) -> list[Order]:
    """The open orders of one side of a position, without their risk checks, that a close takes along.

    Not those that deal at once or close it themselves, not those that make way for a close that still waits, and not
    the exits that wait for the first fill of their entry.
    """
    rows = await session.fetch(
        """
        SELECT * FROM orders AS o WHERE tenant_id = $1 AND account_id = $2 AND instrument_id = $3 AND side = $4
          AND state NOT IN ('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED') AND NOT closes_position
          AND (close_id IS NULL OR NOT EXISTS (
            SELECT FROM orders AS c WHERE c.tenant_id = o.tenant_id AND c.id = o.close_id AND c.state = 'HELD'))
          AND (order_type <> 'MARKET' OR is_staged OR state = 'PENDING_APPROVAL')
          AND NOT (state = 'HELD' AND parent_id IS NOT NULL) ORDER BY id
        """,
        key.tenant_id,
        key.account_id,
        instrument_id,
        side,
    )
    return [order_from_row(row, with_checks=False) for row in rows]


async def closes_with_covers(
    session: BatchSession, tenant_id: TenantId, close_ids: Collection[OrderId]
) -> dict[OrderId, list[Order]]:
    """Each of these closes that still waits, with the orders that make way for it, all without their risk checks."""
    rows = await session.fetch(
        """
        SELECT o.* FROM orders AS c CROSS JOIN LATERAL (
          SELECT * FROM orders WHERE tenant_id = c.tenant_id AND close_id = c.id OFFSET 0) AS o
        WHERE c.tenant_id = $1 AND c.id = ANY($2::uuid[]) AND c.state = 'HELD' ORDER BY o.id
        """,
        tenant_id,
        list(close_ids),
    )
    found: dict[OrderId, list[Order]] = {}
    for row in rows:
        found.setdefault(row["close_id"], []).append(order_from_row(row, with_checks=False))
    return found


def make_way(tenant_id: TenantId, order_ids: Collection[OrderId], close_id: OrderId | None) -> Write:
    """Stores which close the orders make way for; None for those that stay."""
    return Write.of(
        "UPDATE orders SET close_id = $3 WHERE tenant_id = $1 AND id = ANY($2::uuid[])",
        tenant_id,
        list(order_ids),
        close_id,
    )
