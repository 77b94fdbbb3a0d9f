"""The outbox in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.ids import TenantId
from app.infra.db import BatchSession, Write, plain_json


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMessage:
    """A message for a channel of the bus; the payload is a JSON document."""

    tenant_id: TenantId
    channel: str
    payload: Any


def append(messages: Sequence[OutboxMessage], now: datetime) -> Write:
    """Puts messages into the outbox: they leave if, and only if, the transaction commits."""
    return Write.of(
        """
        INSERT INTO outbox (tenant_id, channel, payload, created_at)
        SELECT n.tenant_id, n.channel, n.payload, $4::timestamptz
        FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n(tenant_id, channel, payload)
        """,
        [message.tenant_id for message in messages],
        [message.channel for message in messages],
        [plain_json(message.payload) for message in messages],
        now,
    )


async def take(session: BatchSession, limit: int) -> list[tuple[str, bytes]]:
    """Takes the oldest messages away, in order: channel and JSON text. They are gone when the transaction commits."""
    rows = await session.fetch(
        """
        WITH taken AS (
          DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT $1) RETURNING id, channel, payload)
        SELECT channel, payload FROM taken ORDER BY id
        """,
        limit,
    )
    return [(row["channel"], row["payload"].encode()) for row in rows]


async def is_relay(session: BatchSession) -> bool:
    """Takes the relay's lock for this transaction; False when another relay has it."""
    rows = await session.fetch("SELECT pg_try_advisory_xact_lock(7021957) AS taken")
    return bool(rows[0]["taken"])
