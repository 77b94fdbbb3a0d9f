"""Orders and executions of a span of time, for those who watch them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.core.ids import TenantId, uuid7
from app.infra.db import BatchSession


async def placed_in(
    session: BatchSession, tenant_id: TenantId, since: datetime, until: datetime, limit: int
) -> list[Mapping[str, Any]]:
    """The orders that were stored from `since` up to, and without, `until`, the oldest first, as they are now."""
    return await session.fetch(
        """
        SELECT o.id, o.account_id, o.instrument_id, o.side, o.state, o.quantity, o.filled_quantity, o.reject_code,
          o.placed_by, o.created_at, o.arrival, i.instrument_type,
          CASE WHEN o.state IN ('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED') THEN o.updated_at END AS ended_at
        FROM orders AS o
        JOIN instruments AS i ON i.tenant_id = o.tenant_id AND i.id = o.instrument_id
        WHERE o.tenant_id = $1 AND o.id >= $2 AND o.id < $3 ORDER BY o.id LIMIT $4
        """,
        tenant_id,
        uuid7(since, 0),
        uuid7(until, 0),
        limit,
    )


async def dealt_in(
    session: BatchSession, tenant_id: TenantId, since: datetime, until: datetime, limit: int
) -> list[Mapping[str, Any]]:
    """The executions that were stored in the same span and hold, with who placed their order; shares of blocks left
    out.
    """
    return await session.fetch(
        """
        SELECT e.id, e.order_id, e.account_id, e.instrument_id, e.side, e.quantity, e.price, e.executed_at,
          o.placed_by, i.trading_hours, i.instrument_type, i.currency
        FROM executions AS e
        JOIN orders AS o ON o.tenant_id = e.tenant_id AND o.id = e.order_id
        JOIN instruments AS i ON i.tenant_id = e.tenant_id AND i.id = e.instrument_id
        WHERE e.tenant_id = $1 AND e.id >= $2 AND e.id < $3 AND NOT e.is_superseded AND o.block_id IS NULL
        ORDER BY e.id LIMIT $4
        """,
        tenant_id,
        uuid7(since, 0),
        uuid7(until, 0),
        limit,
    )
