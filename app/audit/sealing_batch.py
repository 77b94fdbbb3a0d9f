"""Set-based SQL of the sealer, over all tenants; its role alone may do this."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.audit.domain import GENESIS, Head, Link, SignedHead
from app.audit.keys_batch import PersonKey, person_key
from app.core.ids import TenantId
from app.infra.db import BatchSession


@dataclass(frozen=True, slots=True, kw_only=True)
class SealerLease:
    """The right to seal: who has it, and under which generation."""

    holder: str
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An entry that is not sealed yet; values are JSON text."""

    tenant_id: TenantId
    written_in: int
    id: UUID
    actor: str
    action: str
    resource_type: str
    resource_id: str | None
    old_values: str | None
    new_values: str | None
    ip_address: str | None
    request_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainEnd:
    """Where a tenant's chain ends."""

    tenant_id: TenantId
    sequence: int
    hash: bytes


# The lease's times are the database's own clock: the sealers' clocks may differ.
_TAKE_LEASE = """
INSERT INTO audit_leases AS held (name, holder, generation, lease_until)
VALUES ('sealer', $1, 1, clock_timestamp() + make_interval(secs => $2))
ON CONFLICT (name) DO UPDATE
   SET generation = held.generation + (held.holder <> excluded.holder)::int, holder = excluded.holder,
       lease_until = excluded.lease_until
 WHERE held.lease_until < clock_timestamp() OR held.holder = excluded.holder
RETURNING generation
"""
_WAITING = """
SELECT tenant_id, written_in, id, actor, action, resource_type, resource_id, old_values::text AS old_values,
       new_values::text AS new_values, ip_address, request_id, created_at
FROM audit_log WHERE tenant_id > $1 ORDER BY tenant_id, written_in, id LIMIT $2
"""
_SEAL = """
WITH moved AS (
  DELETE FROM audit_log AS l USING unnest($1::uuid[], $2::bigint[], $3::uuid[]) AS k (tenant_id, written_in, id)
  WHERE l.tenant_id = k.tenant_id AND l.written_in = k.written_in AND l.id = k.id
  RETURNING l.id),
sealed AS (
  INSERT INTO audit_chain (tenant_id, id, sequence, actor, action, resource_type, resource_id, old_values, new_values,
                           address_key, sealed_address, values_key, sealed_values, request_id, created_at, hash)
  SELECT * FROM unnest($1::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                       $10::text[], $11::uuid[], $12::bytea[], $13::uuid[], $14::bytea[], $15::text[],
                       $16::timestamptz[], $17::bytea[])
  RETURNING id)
SELECT (SELECT count(*) FROM moved) AS moved, (SELECT count(*) FROM sealed) AS sealed
"""


async def take_lease(session: BatchSession, holder: str, duration_s: float) -> SealerLease | None:
    """The lease, taken or renewed; None while another sealer has it."""
    for row in await session.fetch(_TAKE_LEASE, holder, duration_s):
        return SealerLease(holder=holder, generation=row["generation"])
    return None


async def holds_lease(session: BatchSession, lease: SealerLease) -> bool:
    """True when the lease is still held; nobody takes it until the transaction ends."""
    rows = await session.fetch(
        """
        SELECT 1 FROM audit_leases
        WHERE name = 'sealer' AND holder = $1 AND generation = $2 AND lease_until > clock_timestamp() FOR UPDATE
        """,
        lease.holder,
        lease.generation,
    )
    return bool(rows)


async def give_lease(session: BatchSession, lease: SealerLease) -> None:
    """Lets the lease go, so that another sealer may take it at once."""
    await session.execute(
        "UPDATE audit_leases SET lease_until = '-infinity' WHERE name = 'sealer' AND holder = $1 AND generation = $2",
        lease.holder,
        lease.generation,
    )


async def waiting(session: BatchSession, after: UUID, limit: int) -> list[Waiting]:
    """Committed entries of the tenants behind the given one: by tenant, then in the order in which their transactions
    began to write, then by id.
    """
    return [Waiting(**dict(row)) for row in await session.fetch(_WAITING, after, limit)]


async def lock_ends(session: BatchSession, tenant_ids: Sequence[TenantId], now: datetime) -> dict[TenantId, ChainEnd]:
    """The ends of the tenants' chains, locked until the transaction ends; a chain that is new begins."""
    await session.execute(
        """
        INSERT INTO audit_heads (tenant_id, sequence, hash, pruned_sequence, pruned_hash, sealed_at)
        SELECT t.id, 0, $2::bytea, 0, $2::bytea, $3::timestamptz
        FROM unnest($1::uuid[]) AS t (id) ORDER BY t.id ON CONFLICT DO NOTHING
        """,
        list(tenant_ids),
        GENESIS,
        now,
    )
    rows = await session.fetch(
        """
        SELECT tenant_id, sequence, hash FROM audit_heads
        WHERE tenant_id = ANY($1::uuid[]) ORDER BY tenant_id FOR UPDATE
        """,
        list(tenant_ids),
    )
    return {row["tenant_id"]: ChainEnd(**dict(row)) for row in rows}


async def seal(session: BatchSession, entries: Sequence[Waiting], links: Sequence[Link]) -> bool:
    """Moves the entries into their chains; False when one of them was not waiting any more: then roll back."""
    sealed = [link.entry for link in links]
    rows = await session.fetch(
        _SEAL,
        [one.tenant_id for one in entries],
        [one.written_in for one in entries],
        [one.id for one in entries],
        [one.sequence for one in sealed],
        [one.actor for one in sealed],
        [one.action for one in sealed],
        [one.resource_type for one in sealed],
        [one.resource_id for one in sealed],
        [one.old_values for one in sealed],
        [one.new_values for one in sealed],
        [one.address_key for one in sealed],
        [one.sealed_address for one in sealed],
        [one.values_key for one in sealed],
        [one.sealed_values for one in sealed],
        [one.request_id for one in sealed],
        [one.created_at for one in sealed],
        [link.hash for link in links],
    )
    return bool(rows[0]["moved"] == len(entries) == rows[0]["sealed"])


async def append(session: BatchSession, link: Link) -> None:
    """Puts an entry of the house itself at the end of a chain that this transaction has locked."""
    entry = link.entry
    await session.execute(
        """
        INSERT INTO audit_chain (tenant_id, id, sequence, actor, action, resource_type, new_values, created_at, hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        entry.tenant_id,
        entry.id,
        entry.sequence,
        entry.actor,
        entry.action,
        entry.resource_type,
        entry.new_values,
        entry.created_at,
        link.hash,
    )


async def move_ends(session: BatchSession, ends: Sequence[ChainEnd], now: datetime) -> None:
    """Stores where the chains end now."""
    await session.execute(
        """
        UPDATE audit_heads AS h SET sequence = e.sequence, hash = e.hash, sealed_at = $4
        FROM unnest($1::uuid[], $2::bigint[], $3::bytea[]) AS e (tenant_id, sequence, hash)
        WHERE h.tenant_id = e.tenant_id
        """,
        [one.tenant_id for one in ends],
        [one.sequence for one in ends],
        [one.hash for one in ends],
        now,
    )


async def person_keys(
    session: BatchSession, wanted: Sequence[tuple[TenantId, str]]
) -> dict[tuple[TenantId, str], PersonKey]:
    """Those of the subjects' keys that there are."""
    rows = await session.fetch(
        """
        SELECT k.* FROM unnest($1::uuid[], $2::text[]) AS w (tenant_id, subject)
        JOIN audit_person_keys AS k ON k.tenant_id = w.tenant_id AND k.subject = w.subject
        """,
        [tenant_id for tenant_id, _ in wanted],
        [subject for _, subject in wanted],
    )
    return {(row["tenant_id"], row["subject"]): person_key(row) for row in rows}


async def add_person_keys(session: BatchSession, keys: Sequence[PersonKey], now: datetime) -> None:
    """Stores new keys."""
    await session.execute(
        """
        INSERT INTO audit_person_keys (tenant_id, id, subject, master_version, wrapped, created_at)
        SELECT k.*, $6::timestamptz FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[]) AS k
        """,
        [key.tenant_id for key in keys],
        [key.id for key in keys],
        [key.subject for key in keys],
        [key.wrapped.master_version for key in keys],
        [key.wrapped.wrapped for key in keys],
        now,
    )


async def unsigned_heads(session: BatchSession, key_id: str, now: datetime, limit: int) -> list[Head]:
    """Ends of chains that have not been signed, as heads to be signed by the key."""
    rows = await session.fetch(
        """
        SELECT tenant_id, sequence, hash, pruned_sequence FROM audit_heads AS h
        WHERE sequence > 0 AND NOT EXISTS (
          SELECT FROM audit_signed_heads AS s WHERE s.tenant_id = h.tenant_id AND s.sequence >= h.sequence)
        ORDER BY tenant_id LIMIT $1
        """,
        limit,
    )
    return [Head(**dict(row), signed_at=now, key_id=key_id) for row in rows]


async def add_signed_heads(session: BatchSession, heads: Sequence[SignedHead]) -> None:
    """Stores signed heads; the sink gets them from here."""
    await session.execute(
        """
        INSERT INTO audit_signed_heads (tenant_id, sequence, key_id, hash, pruned_sequence, signed_at, signature)
        SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bytea[], $5::bigint[], $6::timestamptz[],
                             $7::bytea[])
        ON CONFLICT DO NOTHING
        """,
        [one.head.tenant_id for one in heads],
        [one.head.sequence for one in heads],
        [one.head.key_id for one in heads],
        [one.head.hash for one in heads],
        [one.head.pruned_sequence for one in heads],
        [one.head.signed_at for one in heads],
        [one.signature for one in heads],
    )


async def undelivered_heads(session: BatchSession, limit: int) -> list[SignedHead]:
    """Signed heads that the sink has not confirmed, by tenant and sequence."""
    rows = await session.fetch(
        "SELECT * FROM audit_signed_heads WHERE delivered_at IS NULL ORDER BY tenant_id, sequence LIMIT $1", limit
    )
    return [signed_head(row) for row in rows]


async def note_delivered(session: BatchSession, heads: Sequence[SignedHead], now: datetime) -> None:
    """Notes that the sink has the heads."""
    await session.execute(
        """
        UPDATE audit_signed_heads AS s SET delivered_at = $4
        FROM unnest($1::uuid[], $2::bigint[], $3::text[], $5::bigint[]) AS d (tenant_id, sequence, key_id, pruned)
        WHERE s.tenant_id = d.tenant_id AND s.sequence = d.sequence AND s.key_id = d.key_id
          AND s.pruned_sequence = d.pruned
        """,
        [one.head.tenant_id for one in heads],
        [one.head.sequence for one in heads],
        [one.head.key_id for one in heads],
        now,
        [one.head.pruned_sequence for one in heads],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """A prefix that retention took away, and where the chain ends."""

    since: int
    through: int
    hash: bytes
    end: ChainEnd


async def retentions(session: BatchSession, after: UUID, limit: int) -> list[tuple[TenantId, int]]:
    """Tenants behind the given one whose entries may go after so many days."""
    rows = await session.fetch(
        """
        SELECT tenant_id, keep_days FROM audit_retentions
        WHERE keep_days IS NOT NULL AND tenant_id > $1 ORDER BY tenant_id LIMIT $2
        """,
        after,
        limit,
    )
    return [(row["tenant_id"], row["keep_days"]) for row in rows]


async def prune(session: BatchSession, tenant_id: TenantId, cutoff: datetime, limit: int) -> Pruned | None:
    """Deletes the oldest entries as long as they are from before the cutoff, at most `limit`; None when none is.

    The chain begins behind them then. The end of the chain stays locked until the transaction ends.
    """
    heads = await session.fetch(
        "SELECT tenant_id, sequence, hash, pruned_sequence FROM audit_heads WHERE tenant_id = $1 FOR UPDATE", tenant_id
    )
    if not heads:
        return None
    start: int = heads[0]["pruned_sequence"]
    last: Any = None
    for row in await session.fetch(
        """
        SELECT sequence, hash, created_at FROM audit_chain
        WHERE tenant_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3
        """,
        tenant_id,
        start,
        limit,
    ):
        if row["created_at"] >= cutoff:
            break
        last = row
    if last is None:
        return None
    await session.execute(
        "DELETE FROM audit_chain WHERE tenant_id = $1 AND sequence > $2 AND sequence <= $3",
        tenant_id,
        start,
        last["sequence"],
    )
    await session.execute(
        "UPDATE audit_heads SET pruned_sequence = $2, pruned_hash = $3 WHERE tenant_id = $1",
        tenant_id,
        last["sequence"],
        last["hash"],
    )
    end = ChainEnd(tenant_id=tenant_id, sequence=heads[0]["sequence"], hash=heads[0]["hash"])
    return Pruned(since=start + 1, through=last["sequence"], hash=last["hash"], end=end)


def signed_head(row: Any) -> SignedHead:
    """The signed head of a row."""
    return SignedHead(
        head=Head(
            tenant_id=row["tenant_id"],
            sequence=row["sequence"],
            hash=row["hash"],
            pruned_sequence=row["pruned_sequence"],
            signed_at=row["signed_at"],
            key_id=row["key_id"],
        ),
        signature=row["signature"],
    )
