"""Orders in doubt, and the events that tell why."""

from collections.abc import Sequence
from uuid import UUID

from app.core.ids import AccountId, OrderId, TenantId
from app.core.paging import Window
from app.infra.db import BatchSession
from app.orders.domain.order import LoggedEvent, Order
from app.orders.repository.rows import event_from_row, order_from_row

EVENTS_MAX = 1_000

_WANTED = """
  tenant_id = $1 AND in_doubt AND state NOT IN ('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED')
  AND ($2::uuid IS NULL OR account_id = $2)
"""


async def orders_in_doubt(
    session: BatchSession, tenant_id: TenantId, account_id: AccountId | None, window: Window[UUID]
) -> list[Order]:
    """The orders in doubt of the window and one more, the oldest first, or from the end of the list."""
    order = "DESC" if window.is_from_end else "ASC"
    rows = await session.fetch(
        f"""
        SELECT * FROM orders WHERE {_WANTED} AND ($3::uuid IS NULL OR id > $3) AND ($4::uuid IS NULL OR id < $4)
        ORDER BY id {order} LIMIT $5
        """,
        tenant_id,
        account_id,
        window.after,
        window.before,
        window.size + 1,
    )
    return [order_from_row(row) for row in rows]


async def count_in_doubt(session: BatchSession, tenant_id: TenantId, account_id: AccountId | None) -> int:
    """How many orders are in doubt."""
    rows = await session.fetch(f"SELECT count(*) AS n FROM orders WHERE {_WANTED}", tenant_id, account_id)
    return int(rows[0]["n"])


async def events_of(
    session: BatchSession, tenant_id: TenantId, order_ids: Sequence[OrderId]
) -> dict[OrderId, list[LoggedEvent]]:
    """The newest events of each order, at most EVENTS_MAX, in their sequence."""
    rows = await session.fetch(
        """
        SELECT e.* FROM unnest($2::uuid[]) AS w(id) CROSS JOIN LATERAL (
          SELECT * FROM order_events WHERE tenant_id = $1 AND order_id = w.id ORDER BY sequence DESC LIMIT $3) AS e
        ORDER BY e.sequence
        """,
        tenant_id,
        list(order_ids),
        EVENTS_MAX,
    )
    found: dict[OrderId, list[LoggedEvent]] = {}
    for row in rows:
        found.setdefault(row["order_id"], []).append(event_from_row(row))
    return found
