"""The event logs of accounts."""

from collections.abc import Sequence

from app.core.ids import TenantId
from app.core.messages import AccountKey
from app.infra.db import BatchSession, Write
from app.orders.domain.order import LoggedEvent
from app.orders.repository.rows import (
    event_from_row,
)


def append_events(events: Sequence[tuple[TenantId, LoggedEvent]]) -> Write:
    """Appends to the event logs; the sequences were taken under the lock of the book."""
    return Write.of(
        """
        INSERT INTO order_events (tenant_id, account_id, sequence, order_id, type, from_state, to_state, actor, reason,
          details, occurred_at, recorded_at)
        SELECT n.* FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[],
          $8::text[], $9::text[], $10::jsonb[], $11::timestamptz[], $12::timestamptz[]) AS n
        """,
        [tenant_id for tenant_id, _ in events],
        [logged.event.account_id for _, logged in events],
        [logged.sequence for _, logged in events],
        [logged.event.order_id if logged.event.is_of_order else None for _, logged in events],
        [logged.event.type for _, logged in events],
        [logged.event.from_state for _, logged in events],
        [logged.event.to_state for _, logged in events],
        [logged.event.actor for _, logged in events],
        [logged.event.reason for _, logged in events],
        [logged.event.details for _, logged in events],
        [logged.event.occurred_at for _, logged in events],
        [logged.recorded_at for _, logged in events],
    )


async def events_after(session: BatchSession, key: AccountKey, sequence: int, limit: int) -> list[LoggedEvent]:
    """The next events of an account's log behind a sequence, in order."""
    rows = await session.fetch(
        """
        SELECT * FROM order_events WHERE tenant_id = $1 AND account_id = $2 AND sequence > $3
        ORDER BY sequence LIMIT $4
        """,
        key.tenant_id,
        key.account_id,
        sequence,
        limit,
    )
    return [event_from_row(row) for row in rows]
