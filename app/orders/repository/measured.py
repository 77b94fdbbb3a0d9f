"""Orders with what was dealt of them, for reports over a time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.core.ids import AccountId, TenantId, uuid7
from app.infra.db import BatchSession


async def dealt_orders(
    session: BatchSession,
    tenant_id: TenantId,
    account_id: AccountId | None,
    after: datetime,
    before: datetime,
    limit: int,
) -> list[Mapping[str, Any]]:
    """Rows of orders that were taken from `after` up to, and without, `before`, the oldest first; ours alone.

    With each its instrument's symbol, currency, exchange and multiplier, and the first and the last of its executions.
    """
    # Ids sort by the time they were made: the key finds the time.
    return await session.fetch(
        """
        SELECT o.id, o.account_id, o.instrument_id, o.side, o.order_type, o.quantity, o.filled_quantity,
          o.average_fill_price, o.arrival, o.created_at, i.symbol, i.currency, i.multiplier,
          coalesce(i.contract_details ->> 'primaryExchange', i.exchange) AS exchange, e.first_at, e.last_at
        FROM orders AS o
        JOIN instruments AS i ON i.tenant_id = o.tenant_id AND i.id = o.instrument_id
        CROSS JOIN LATERAL (
          SELECT min(executed_at) AS first_at, max(executed_at) AS last_at FROM executions
          WHERE tenant_id = o.tenant_id AND order_id = o.id AND NOT is_superseded OFFSET 0) AS e
        WHERE o.tenant_id = $1 AND o.id >= $2 AND o.id < $3 AND ($4::uuid IS NULL OR o.account_id = $4)
          AND o.origin NOT IN ('EXTERNAL', 'RECONCILIATION', 'ALLOCATION')
          AND o.reject_origin IS DISTINCT FROM 'OMS'
        ORDER BY o.id LIMIT $5
        """,
        tenant_id,
        uuid7(after, 0),
        uuid7(before, 0),
        account_id,
        limit,
    )
