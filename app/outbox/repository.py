"""The outbox in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

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


OUTBOX_LEASE: Final = "outbox"
"""The lease of who publishes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayLease:
    """The right to publish, or to do what else one process does alone: who has it, and under which generation."""

    holder: str
    generation: int


# All lease times are the database's own clock: the relays' clocks may differ. A lease that is fresh is not written
# again, so that an idle relay leaves no trail.
_TAKE_LEASE = """
WITH taken AS (
  INSERT INTO relay_leases AS held (name, holder, generation, lease_until)
  VALUES ($3, $1, 1, clock_timestamp() + make_interval(secs => $2))
  ON CONFLICT (name) DO UPDATE
     SET generation = held.generation + (held.holder <> excluded.holder)::int, holder = excluded.holder,
         lease_until = excluded.lease_until
   WHERE held.lease_until < clock_timestamp()
      OR (held.holder = excluded.holder AND held.lease_until < clock_timestamp() + make_interval(secs => $2 / 2))
  RETURNING generation)
SELECT generation FROM taken
UNION ALL
SELECT generation FROM relay_leases
 WHERE name = $3 AND holder = $1 AND lease_until >= clock_timestamp() + make_interval(secs => $2 / 2)
   AND NOT EXISTS (SELECT FROM taken)
"""


async def take_lease(
    session: BatchSession, holder: str, duration_s: float, *, name: str = OUTBOX_LEASE
) -> RelayLease | None:
    """The lease of the name, taken or kept, with at least half its duration to go; None while another has it.

    A holder asks for one name alone.
    """
    for row in await session.fetch(_TAKE_LEASE, holder, duration_s, name):
        return RelayLease(holder=holder, generation=row["generation"])
    return None


async def give_lease(session: BatchSession, lease: RelayLease) -> None:
    """Lets the lease go, so that another relay may take it at once."""
    await session.execute(
        "UPDATE relay_leases SET lease_until = '-infinity' WHERE holder = $1 AND generation = $2",
        lease.holder,
        lease.generation,
    )


async def oldest(session: BatchSession, limit: int) -> list[tuple[int, str, bytes]]:
    """The oldest messages, in order: id, channel and JSON text."""
    rows = await session.fetch("SELECT id, channel, payload FROM outbox ORDER BY id LIMIT $1", limit)
    return [(row["id"], row["channel"], row["payload"].encode()) for row in rows]


async def remove(session: BatchSession, lease: RelayLease, ids: Sequence[int]) -> bool:
    """Takes published messages away; False, and nothing is taken, when the lease has gone to another relay.

    Its commit does not wait: a removal that a crash of the server loses is a message published twice.
    """
    rows = await session.fetch(
        """
        WITH hurried AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
             held AS (SELECT FROM relay_leases, hurried WHERE holder = $2 AND generation = $3),
             gone AS (DELETE FROM outbox WHERE id = ANY($1::bigint[]) AND EXISTS (SELECT FROM held))
        SELECT count(*) AS held FROM held
        """,
        list(ids),
        lease.holder,
        lease.generation,
    )
    return bool(rows[0]["held"])
