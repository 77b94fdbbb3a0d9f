"""Set-based SQL of breaches and of how far accounts were watched."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.core.fix import RiskLimitType
from app.core.ids import AccountId, BreachId, LimitId, TenantId
from app.core.paging import Page, Window, page_of
from app.infra.db import BatchSession, Write
from app.risk.monitoring.domain.watch import BreachRecord, Level

TENANTS_MAX: Final = 10_000
OPEN_MAX: Final = 20_000
DISCONNECTS_MAX: Final = 200
"""How many losses of the broker are remembered of an account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far an account was watched: the event that was counted last, and how its connection came and went."""

    seen: int
    connected_since: datetime | None = None
    disconnects: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BreachFilter:
    """Which breaches: each condition that is given holds."""

    account_ids: Sequence[AccountId] | None = None
    limit_ids: Sequence[LimitId] | None = None
    limit_types: Sequence[RiskLimitType] | None = None
    levels: Sequence[Level] | None = None
    is_open: bool | None = None
    is_acknowledged: bool | None = None


async def watched_tenants(session: BatchSession) -> list[TenantId]:
    """The tenants that have something to watch: limits, breakers, or breaches that are open. For the role SYSTEM."""
    rows = await session.fetch(
        """
        SELECT tenant_id FROM risk_limits WHERE is_active AND NOT is_shadow
        UNION SELECT tenant_id FROM circuit_breakers WHERE is_active
        UNION SELECT tenant_id FROM risk_breaches WHERE cleared_at IS NULL
        ORDER BY tenant_id LIMIT $1
        """,
        TENANTS_MAX,
    )
    return [row["tenant_id"] for row in rows]


async def open_breaches(session: BatchSession, tenant_id: TenantId) -> list[BreachRecord]:
    """The breaches that are open, the oldest first."""
    rows = await session.fetch(
        "SELECT * FROM risk_breaches WHERE tenant_id = $1 AND cleared_at IS NULL ORDER BY id LIMIT $2",
        tenant_id,
        OPEN_MAX,
    )
    return [_breach(row) for row in rows]


def insert_breaches(tenant_id: TenantId, breaches: Sequence[BreachRecord]) -> Write:
    """Stores new breaches; where one of the limit and the account is open already nothing happens."""
    return Write.of(
        """
        INSERT INTO risk_breaches (tenant_id, id, limit_id, limit_version, limit_type, account_id, instrument_id, level,
          observed, value, ratio, peak_observed, peak_ratio, opened_at, refusals, last_refused_at)
        SELECT $1::uuid, n.* FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::text[], $6::uuid[], $7::uuid[],
          $8::text[], $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[], $13::numeric[],
          $14::timestamptz[], $15::int[], $16::timestamptz[]) AS n
        ON CONFLICT (tenant_id, limit_id, account_id) WHERE cleared_at IS NULL DO NOTHING
        """,
        tenant_id,
        [one.id for one in breaches],
        [one.limit_id for one in breaches],
        [one.limit_version for one in breaches],
        [one.limit_type.value for one in breaches],
        [one.account_id for one in breaches],
        [one.instrument_id for one in breaches],
        [one.level.value for one in breaches],
        [one.observed for one in breaches],
        [one.value for one in breaches],
        [one.ratio for one in breaches],
        [one.peak_observed for one in breaches],
        [one.peak_ratio for one in breaches],
        [one.opened_at for one in breaches],
        [one.refusals for one in breaches],
        [one.last_refused_at for one in breaches],
    )


async def clear_breaches(
    session: BatchSession, tenant_id: TenantId, ids: Sequence[BreachId], now: datetime
) -> list[BreachId]:
    """Ends those of these breaches that are open; which."""
    rows = await session.fetch(
        """
        UPDATE risk_breaches SET cleared_at = $3
        WHERE tenant_id = $1 AND id = ANY($2::uuid[]) AND cleared_at IS NULL RETURNING id
        """,
        tenant_id,
        list(ids),
        now,
    )
    return [row["id"] for row in rows]


def update_breaches(tenant_id: TenantId, breaches: Sequence[BreachRecord]) -> Write:
    """Keeps the peaks and the refusals of breaches that are open."""
    return Write.of(
        """
        UPDATE risk_breaches AS b SET peak_observed = n.peak_observed, peak_ratio = n.peak_ratio,
          refusals = n.refusals, last_refused_at = n.last_refused_at
        FROM unnest($2::uuid[], $3::numeric[], $4::numeric[], $5::int[], $6::timestamptz[])
          AS n(id, peak_observed, peak_ratio, refusals, last_refused_at)
        WHERE b.tenant_id = $1 AND b.id = n.id AND b.cleared_at IS NULL
        """,
        tenant_id,
        [one.id for one in breaches],
        [one.peak_observed for one in breaches],
        [one.peak_ratio for one in breaches],
        [one.refusals for one in breaches],
        [one.last_refused_at for one in breaches],
    )


async def breach_for_update(session: BatchSession, tenant_id: TenantId, breach_id: BreachId) -> BreachRecord | None:
    """The breach, locked; None if the tenant has none of the id."""
    rows = await session.fetch(
        "SELECT * FROM risk_breaches WHERE tenant_id = $1 AND id = $2 FOR UPDATE", tenant_id, breach_id
    )
    return _breach(rows[0]) if rows else None


async def breaches_by_ids(
    session: BatchSession, tenant_id: TenantId, ids: Iterable[UUID]
) -> dict[BreachId, BreachRecord]:
    """The breaches of these ids; absent if unknown."""
    rows = await session.fetch(
        "SELECT * FROM risk_breaches WHERE tenant_id = $1 AND id = ANY($2::uuid[])", tenant_id, list(ids)
    )
    return {row["id"]: _breach(row) for row in rows}


async def acknowledge(
    session: BatchSession, tenant_id: TenantId, breach_id: BreachId, *, by: str, note: str, now: datetime
) -> None:
    """Keeps who has seen the breach, and what they say of it."""
    await session.execute(
        """
        UPDATE risk_breaches SET acknowledged_by = $3, acknowledged_at = $4, note = $5
        WHERE tenant_id = $1 AND id = $2
        """,
        tenant_id,
        breach_id,
        by,
        now,
        note,
    )


_FILTERED = """
  tenant_id = $1 AND ($2::uuid[] IS NULL OR account_id = ANY($2)) AND ($3::uuid[] IS NULL OR limit_id = ANY($3))
  AND ($4::text[] IS NULL OR limit_type = ANY($4)) AND ($5::text[] IS NULL OR level = ANY($5))
  AND ($6::boolean IS NULL OR (cleared_at IS NULL) = $6)
  AND ($7::boolean IS NULL OR (acknowledged_at IS NOT NULL) = $7)
"""


async def breaches_page(
    session: BatchSession, tenant_id: TenantId, wanted: BreachFilter, window: Window[UUID]
) -> Page[BreachRecord]:
    """Breaches, the newest first."""
    order = "ASC" if window.is_from_end else "DESC"
    rows = await session.fetch(
        f"""
        SELECT * FROM risk_breaches WHERE {_FILTERED} AND ($8::uuid IS NULL OR id < $8)
          AND ($9::uuid IS NULL OR id > $9)
        ORDER BY id {order} LIMIT $10
        """,
        *_filter_values(tenant_id, wanted),
        window.after,
        window.before,
        window.size + 1,
    )
    return page_of([_breach(row) for row in rows], window)


async def breaches_count(session: BatchSession, tenant_id: TenantId, wanted: BreachFilter) -> int:
    """How many there are."""
    rows = await session.fetch(
        f"SELECT count(*) AS count FROM risk_breaches WHERE {_FILTERED}", *_filter_values(tenant_id, wanted)
    )
    return int(rows[0]["count"])


async def places(session: BatchSession, tenant_id: TenantId) -> dict[AccountId, Place]:
    """How far the accounts were watched; absent where one never was."""
    rows = await session.fetch("SELECT * FROM risk_watch_places WHERE tenant_id = $1", tenant_id)
    return {
        row["account_id"]: Place(
            seen=row["seen"], connected_since=row["connected_since"], disconnects=tuple(row["disconnects"])
        )
        for row in rows
    }


def keep_places(tenant_id: TenantId, kept: Mapping[AccountId, Place]) -> Write:
    """Keeps how far accounts were watched."""
    return Write.of(
        """
        INSERT INTO risk_watch_places (tenant_id, account_id, seen, connected_since, disconnects)
        SELECT $1::uuid, n.account_id, n.seen, n.since, n.disconnects::timestamptz[]
        FROM unnest($2::uuid[], $3::bigint[], $4::timestamptz[], $5::text[]) AS n(account_id, seen, since, disconnects)
        ON CONFLICT (tenant_id, account_id) DO UPDATE SET seen = excluded.seen,
          connected_since = excluded.connected_since, disconnects = excluded.disconnects
        """,
        tenant_id,
        list(kept),
        [one.seen for one in kept.values()],
        [one.connected_since for one in kept.values()],
        [f"{{{','.join(at.isoformat() for at in one.disconnects[-DISCONNECTS_MAX:])}}}" for one in kept.values()],
    )


def _filter_values(tenant_id: TenantId, wanted: BreachFilter) -> tuple[Any, ...]:
    return (
        tenant_id,
        None if wanted.account_ids is None else list(wanted.account_ids),
        None if wanted.limit_ids is None else list(wanted.limit_ids),
        None if wanted.limit_types is None else [one.value for one in wanted.limit_types],
        None if wanted.levels is None else [one.value for one in wanted.levels],
        wanted.is_open,
        wanted.is_acknowledged,
    )


def _breach(row: Any) -> BreachRecord:
    values = {name: value for name, value in dict(row).items() if name != "tenant_id"}
    return BreachRecord(**(values | {"limit_type": RiskLimitType(row["limit_type"]), "level": Level(row["level"])}))
