"""The event logs of accounts."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.core.fix import Side
from app.core.ids import InstrumentId, OrderId, TenantId
from app.core.messages import AccountKey
from app.infra.db import BatchSession, Write
from app.orders.domain.order import LoggedEvent
from app.orders.repository.rows import (
    event_from_row,
)

PAGE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class LogExtent:
    """How an account's log is filled: how many events it holds, and the sequences of the first and the last."""

    count: int
    first: int
    last: int


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
        [logged.event.order_id for _, logged in events],
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


async def extent(session: BatchSession, key: AccountKey) -> LogExtent:
    """How the log of the account is filled; zeros for an empty one."""
    [row] = await session.fetch(
        """
        SELECT count(*) AS count, coalesce(min(sequence), 0) AS first, coalesce(max(sequence), 0) AS last
        FROM order_events WHERE tenant_id = $1 AND account_id = $2
        """,
        key.tenant_id,
        key.account_id,
    )
    return LogExtent(count=row["count"], first=row["first"], last=row["last"])


async def events_of(
    session: BatchSession, tenant_id: TenantId, order_ids: Sequence[OrderId], until: int | None = None
) -> dict[OrderId, list[LoggedEvent]]:
    """The events of each of the orders in their sequence, up to a sequence of their account."""
    rows = await session.fetch(
        """
        SELECT * FROM order_events
        WHERE tenant_id = $1 AND order_id = ANY($2::uuid[]) AND ($3::bigint IS NULL OR sequence <= $3)
        ORDER BY order_id, sequence
        """,
        tenant_id,
        list(order_ids),
        until,
    )
    found: dict[OrderId, list[LoggedEvent]] = {}
    for row in rows:
        found.setdefault(row["order_id"], []).append(event_from_row(row))
    return found


async def events_of_types(
    session: BatchSession,
    key: AccountKey,
    types: Sequence[str],
    *,
    until: int | None = None,
    instrument_ids: Sequence[InstrumentId] | None = None,
) -> AsyncIterator[list[tuple[LoggedEvent, InstrumentId, Side]]]:
    """The account's events of these types up to a sequence, in pages, each with its instrument and its order's side.

    Those of blocks are left out: what they deal is dealt for other accounts.
    """
    behind = 0
    while True:
        rows = await session.fetch(
            """
            SELECT e.*, o.instrument_id, o.side
            FROM order_events AS e JOIN orders AS o ON o.tenant_id = e.tenant_id AND o.id = e.order_id
            WHERE e.tenant_id = $1 AND e.account_id = $2 AND e.sequence > $3 AND e.type = ANY($4::text[])
              AND ($5::bigint IS NULL OR e.sequence <= $5) AND o.allocation IS NULL
              AND ($6::uuid[] IS NULL OR o.instrument_id = ANY($6))
            ORDER BY e.sequence LIMIT $7
            """,
            key.tenant_id,
            key.account_id,
            behind,
            list(types),
            until,
            None if instrument_ids is None else list(instrument_ids),
            PAGE,
        )
        if rows:
            yield [(event_from_row(row), row["instrument_id"], Side(row["side"])) for row in rows]
            behind = rows[-1]["sequence"]
        if len(rows) < PAGE:
            return


async def end_at(session: BatchSession, key: AccountKey, at: datetime) -> int:
    """Where the account's log ended at an instant: the sequence of the last event of then, zero before the first.

    Found by halving, for events are recorded in the order of their sequence but for the moments that writers waited
    for one another: some twenty looks at the primary key, however long the log is.
    """
    rows = await session.fetch(
        """
        WITH RECURSIVE search AS (
          SELECT 0::bigint AS low, coalesce(max(sequence), 0) + 1 AS high
          FROM order_events WHERE tenant_id = $1 AND account_id = $2
          UNION ALL
          SELECT CASE WHEN is_then THEN middle ELSE low END, CASE WHEN is_then THEN high ELSE middle END
          FROM (
            SELECT low, high, (low + high) / 2 AS middle, (
              SELECT recorded_at <= $3 FROM order_events
              WHERE tenant_id = $1 AND account_id = $2 AND sequence = (low + high) / 2) AS is_then
            FROM search WHERE high - low > 1
          ) AS halved
        )
        SELECT low FROM search WHERE high - low = 1
        """,
        key.tenant_id,
        key.account_id,
        at,
    )
    return int(rows[0]["low"]) if rows else 0
