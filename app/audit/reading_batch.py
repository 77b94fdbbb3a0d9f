"""Set-based SQL that reads a tenant's chain: searches, links in order, heads, and the rule of retention."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.audit.domain import Link, Retention, SealedEntry, SignedHead
from app.audit.sealing_batch import signed_head
from app.core.ids import TenantId
from app.core.paging import Window
from app.infra.db import BatchSession

LOOKED_THROUGH_MAX: Final = 20_000
"""How many entries one search for a text looks through; a longer one goes on with the cursor that it answers."""
COUNTED_MAX: Final = 100_000
_COLUMNS: Final = (
    "tenant_id, sequence, id, actor, action, resource_type, resource_id, old_values, new_values, address_key, "
    "sealed_address, values_key, sealed_values, request_id, created_at, hash"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Conditions that all hold; None asks nothing. text is looked for in the action, the resource and the values,
    whatever its case; what is personal is not looked through.
    """

    actor: str | None = None
    action: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    request_id: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Links that fit, in the window's direction; looked_to is where a search for a text stopped looking, None at the
    end of the log.
    """

    links: list[Link]
    looked_to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainState:
    """Where a tenant's chain begins and ends; behind pruned_sequence, which has pruned_hash, up to sequence."""

    sequence: int
    hash: bytes
    pruned_sequence: int
    pruned_hash: bytes
    sealed_at: datetime


@dataclass(slots=True)
class _Conditions:
    parameters: list[Any] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)

    def add(self, part: str, *values: Any) -> None:
        places = []
        for value in values:
            self.parameters.append(value)
            places.append(f"${len(self.parameters)}")
        self.parts.append(part.format(*places))

    @property
    def where(self) -> str:
        return " AND ".join(self.parts)


async def search(session: BatchSession, tenant_id: TenantId, wanted: AuditFilter, window: Window[int]) -> Found:
    """At most one more than the window's size of the entries that fit, the newest first, or from the window's end the
    oldest first.
    """
    conditions = _conditions(tenant_id, wanted)
    if window.after is not None:
        conditions.add("sequence < {}::bigint", window.after)
    if window.before is not None:
        conditions.add("sequence > {}::bigint", window.before)
    order = "ASC" if window.is_from_end else "DESC"
    if wanted.text is None:
        sql = f"""
          SELECT {_COLUMNS} FROM audit_chain WHERE {conditions.where}
          ORDER BY sequence {order} LIMIT {window.size + 1}
        """
        return Found(links=[_link(row) for row in await session.fetch(sql, *conditions.parameters)])
    sql = f"""
      WITH looked AS MATERIALIZED (
        SELECT {_COLUMNS} FROM audit_chain WHERE {conditions.where}
        ORDER BY sequence {order} LIMIT {LOOKED_THROUGH_MAX})
      SELECT looked.*, (SELECT count(*) FROM looked) AS amount,
             (SELECT {"max" if window.is_from_end else "min"}(sequence) FROM looked) AS looked_to, fits.is_fitting
      FROM looked, LATERAL (SELECT {_fits(len(conditions.parameters) + 1)} AS is_fitting) AS fits
      WHERE fits.is_fitting OR sequence = (SELECT {"max" if window.is_from_end else "min"}(sequence) FROM looked)
      ORDER BY sequence {order} LIMIT {window.size + 2}
    """
    rows = await session.fetch(sql, *conditions.parameters, f"%{_escaped(wanted.text)}%")
    links = [_link(row) for row in rows if row["is_fitting"]][: window.size + 1]
    is_cut = bool(rows) and rows[0]["amount"] == LOOKED_THROUGH_MAX
    return Found(links=links, looked_to=rows[0]["looked_to"] if is_cut else None)


async def count(session: BatchSession, tenant_id: TenantId, wanted: AuditFilter) -> int:
    """How many entries fit; beyond COUNTED_MAX it is not counted on, and a text is counted among as many alone."""
    conditions = _conditions(tenant_id, wanted)
    where, parameters = "true", list(conditions.parameters)
    if wanted.text is not None:
        parameters.append(f"%{_escaped(wanted.text)}%")
        where = _fits(len(parameters))
    sql = f"""
      SELECT count(*) AS found FROM (
        SELECT action, resource_type, resource_id, old_values, new_values FROM audit_chain WHERE {conditions.where}
        ORDER BY sequence DESC LIMIT {COUNTED_MAX}) AS counted
      WHERE {where}
    """
    rows = await session.fetch(sql, *parameters)
    return int(rows[0]["found"])


async def by_id(session: BatchSession, tenant_id: TenantId, entry_id: UUID) -> Link | None:
    """The sealed entry of the id, or None."""
    rows = await session.fetch(
        f"SELECT {_COLUMNS} FROM audit_chain WHERE tenant_id = $1 AND id = $2", tenant_id, entry_id
    )
    return _link(rows[0]) if rows else None


async def links(session: BatchSession, tenant_id: TenantId, after: int, until: int, limit: int) -> list[Link]:
    """Links in the order of the chain, behind `after` and up to `until`."""
    rows = await session.fetch(
        f"""
        SELECT {_COLUMNS} FROM audit_chain WHERE tenant_id = $1 AND sequence > $2 AND sequence <= $3
        ORDER BY sequence LIMIT $4
        """,
        tenant_id,
        after,
        until,
        limit,
    )
    return [_link(row) for row in rows]


async def state(session: BatchSession, tenant_id: TenantId) -> ChainState | None:
    """Where the chain begins and ends; None before the first entry is sealed."""
    rows = await session.fetch(
        """
        SELECT sequence, hash, pruned_sequence, pruned_hash, sealed_at FROM audit_heads WHERE tenant_id = $1
        """,
        tenant_id,
    )
    return ChainState(**dict(rows[0])) if rows else None


async def last_sequence(session: BatchSession, tenant_id: TenantId) -> int | None:
    """The highest sequence that is stored."""
    rows = await session.fetch("SELECT max(sequence) AS last FROM audit_chain WHERE tenant_id = $1", tenant_id)
    last: int | None = rows[0]["last"]
    return last


async def hash_at(session: BatchSession, tenant_id: TenantId, sequence: int) -> bytes | None:
    """The stored hash of the entry, or None."""
    rows = await session.fetch(
        "SELECT hash FROM audit_chain WHERE tenant_id = $1 AND sequence = $2", tenant_id, sequence
    )
    return bytes(rows[0]["hash"]) if rows else None


async def signed_heads(session: BatchSession, tenant_id: TenantId, after: int, limit: int) -> list[SignedHead]:
    """The signed heads behind an entry of the chain, in its order."""
    rows = await session.fetch(
        "SELECT * FROM audit_signed_heads WHERE tenant_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
        tenant_id,
        after,
        limit,
    )
    return [signed_head(row) for row in rows]


async def retention(session: BatchSession, tenant_id: TenantId) -> Retention | None:
    """The tenant's rule; None when none was ever set."""
    rows = await session.fetch("SELECT * FROM audit_retentions WHERE tenant_id = $1", tenant_id)
    return Retention(**dict(rows[0])) if rows else None


async def set_retention(session: BatchSession, rule: Retention) -> None:
    """Stores the tenant's rule."""
    await session.execute(
        """
        INSERT INTO audit_retentions (tenant_id, keep_days, set_by, set_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (tenant_id) DO UPDATE
          SET keep_days = excluded.keep_days, set_by = excluded.set_by, set_at = excluded.set_at
        """,
        rule.tenant_id,
        rule.keep_days,
        rule.set_by,
        rule.set_at,
    )


def _conditions(tenant_id: TenantId, wanted: AuditFilter) -> _Conditions:
    conditions = _Conditions()
    conditions.add("tenant_id = {}::uuid", tenant_id)
    for name in ("actor", "action", "resource_type", "resource_id", "request_id"):
        value = getattr(wanted, name)
        if value is not None:
            conditions.add(name + " = {}::text", value)
    if wanted.created_after is not None:
        conditions.add("created_at >= {}::timestamptz", wanted.created_after)
    if wanted.created_before is not None:
        conditions.add("created_at < {}::timestamptz", wanted.created_before)
    return conditions


def _fits(place: int) -> str:
    names = ("action", "resource_type", "resource_id", "old_values", "new_values")
    return f"coalesce(concat_ws(' ', {', '.join(names)}) ILIKE ${place}::text, false)"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _link(row: Any) -> Link:
    names = SealedEntry.__dataclass_fields__
    return Link(entry=SealedEntry(**{name: row[name] for name in names}), hash=row["hash"])
