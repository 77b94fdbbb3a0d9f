"""Orders that belong together, and orders that wait for their release."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from app.core.fix import LinkRole
from app.core.ids import AccountId, OrderId, TenantId
from app.core.messages import AccountKey
from app.infra.db import BatchSession, Write
from app.orders.domain.order import Order
from app.orders.repository.rows import order_from_row


async def families(session: BatchSession, key: AccountKey, linked: Iterable[Order]) -> list[Order]:
    """All orders, without their risk checks, of the families that these belong to: an entry and exits, or legs."""
    entries: set[OrderId] = set()
    groups: set[str] = set()
    for order in linked:
        if order.link_role is LinkRole.OCO and order.oca_group is not None:
            groups.add(order.oca_group)
        else:
            entries.add(order.parent_id or order.id)
    rows = await session.fetch(
        """
        SELECT * FROM orders WHERE tenant_id = $1 AND id = ANY($2::uuid[])
        UNION ALL SELECT * FROM orders WHERE tenant_id = $1 AND parent_id = ANY($2::uuid[])
        UNION ALL SELECT * FROM orders WHERE tenant_id = $1 AND oca_group = ANY($3::text[])
        """,
        key.tenant_id,
        list(entries),
        list(groups),
    )
    return [order_from_row(row, with_checks=False) for row in rows]


async def withdrawn(
    session: BatchSession, tenant_id: TenantId, order_ids: Sequence[OrderId], *, by_house: str
) -> frozenset[OrderId]:
    """Those of the orders that someone other than the house asked to cancel."""
    rows = await session.fetch(
        """
        SELECT order_id FROM order_requests WHERE tenant_id = $1 AND order_id = ANY($2::uuid[]) AND kind = 'CANCEL'
          AND outcome IN ('PENDING', 'ACCEPTED') AND requested_by <> $3
        """,
        tenant_id,
        list(order_ids),
        by_house,
    )
    return frozenset(row["order_id"] for row in rows)


def unstage(tenant_id: TenantId, order_ids: Sequence[OrderId]) -> Write:
    """Stores that orders no longer wait for their release."""
    return Write.of(
        "UPDATE orders SET is_staged = false WHERE tenant_id = $1 AND id = ANY($2::uuid[])",
        tenant_id,
        list(order_ids),
    )


async def due_orders(session: BatchSession, key: AccountKey, now: datetime, limit: int) -> list[OrderId]:
    """The staged orders of the account whose time of release has come, the longest due first."""
    rows = await session.fetch(
        """
        SELECT id FROM orders WHERE tenant_id = $1 AND account_id = $2 AND is_staged AND release_at IS NOT NULL
          AND state = 'HELD' AND release_at <= $3 ORDER BY release_at, id LIMIT $4
        """,
        key.tenant_id,
        key.account_id,
        now,
        limit,
    )
    return [row["id"] for row in rows]


async def accounts_of(session: BatchSession, tenant_id: TenantId, order_ids: Sequence[OrderId]) -> set[AccountId]:
    """The accounts that the orders are in."""
    rows = await session.fetch(
        "SELECT DISTINCT account_id FROM orders WHERE tenant_id = $1 AND id = ANY($2::uuid[])",
        tenant_id,
        list(order_ids),
    )
    return {row["account_id"] for row in rows}
