"""Set-based SQL of circuit breakers and their trips."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.ids import AccountId, BreakerId, TenantId, TripId
from app.core.paging import Page, Window, page_of
from app.core.records import replace
from app.core.trading_modes import TradingMode
from app.infra.db import BatchSession, Write
from app.risk.monitoring.domain.breakers import (
    BREAKERS_MAX,
    BreakerKind,
    BreakerProposal,
    CircuitBreaker,
    Trip,
    proposal_document,
    proposal_of_document,
)

_TRIPS = """
  SELECT t.*, h.resumed_at FROM circuit_breaker_trips AS t
  JOIN trading_halts AS h ON h.tenant_id = t.tenant_id AND h.id = t.halt_id
"""


async def breakers(session: BatchSession, tenant_id: TenantId, *, only_active: bool = False) -> list[CircuitBreaker]:
    """The breakers of the tenant, the oldest first."""
    rows = await session.fetch(
        """
        SELECT * FROM circuit_breakers WHERE tenant_id = $1 AND deleted_at IS NULL AND (is_active OR NOT $2)
        ORDER BY id LIMIT $3
        """,
        tenant_id,
        only_active,
        BREAKERS_MAX,
    )
    return [_breaker(row) for row in rows]


async def put_in_line(session: BatchSession, tenant_id: TenantId) -> None:
    """Waits until no other transaction changes or trips breakers of the tenant; held to the end of this one."""
    await session.execute("SELECT pg_advisory_xact_lock(hashtextextended('breakers ' || $1::text, 0))", str(tenant_id))


async def breaker(session: BatchSession, tenant_id: TenantId, breaker_id: BreakerId) -> CircuitBreaker | None:
    """The breaker; None if the tenant has none of the id."""
    rows = await session.fetch(
        "SELECT * FROM circuit_breakers WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL", tenant_id, breaker_id
    )
    return _breaker(rows[0]) if rows else None


async def store_breaker(session: BatchSession, tenant_id: TenantId, one: CircuitBreaker) -> None:
    """Writes a breaker, new or as it is to stand. What it covers and its kind stay; a proposal is over."""
    await session.execute(
        """
        INSERT INTO circuit_breakers (tenant_id, id, kind, account_id, threshold, currency, mode, window_s, minimum,
          cooldown_s, is_active, version, updated_by, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        ON CONFLICT (tenant_id, id) DO UPDATE SET threshold = excluded.threshold, currency = excluded.currency,
          mode = excluded.mode, window_s = excluded.window_s, minimum = excluded.minimum,
          cooldown_s = excluded.cooldown_s, is_active = excluded.is_active, version = excluded.version,
          updated_by = excluded.updated_by, updated_at = excluded.updated_at, proposal = NULL
        """,
        tenant_id,
        one.id,
        one.kind.value,
        one.account_id,
        one.threshold,
        one.currency,
        one.mode.value,
        one.window_s,
        one.minimum,
        one.cooldown_s,
        one.is_active,
        one.version,
        one.updated_by,
        one.updated_at,
    )


async def store_proposal(
    session: BatchSession, tenant_id: TenantId, breaker_id: BreakerId, proposal: BreakerProposal
) -> None:
    """Keeps what is wanted of a breaker, in place of what was wanted before."""
    await session.execute(
        "UPDATE circuit_breakers SET proposal = $3 WHERE tenant_id = $1 AND id = $2",
        tenant_id,
        breaker_id,
        proposal_document(proposal),
    )


def store_sight(tenant_id: TenantId, breaker_id: BreakerId, blind: Sequence[AccountId], since: datetime) -> Write:
    """Keeps which accounts the breaker cannot see; since when stays while it is blind for any."""
    return Write.of(
        """
        UPDATE circuit_breakers SET blind_accounts = $3::uuid[],
          blind_since = CASE WHEN $3::uuid[] <> '{}' THEN coalesce(blind_since, $4::timestamptz) END
        WHERE tenant_id = $1::uuid AND id = $2::uuid
        """,
        tenant_id,
        breaker_id,
        list(blind),
        since,
    )


async def breakers_by_ids(
    session: BatchSession, tenant_id: TenantId, ids: Sequence[UUID]
) -> dict[BreakerId, CircuitBreaker]:
    """The breakers of these ids, those that were taken away too; absent if unknown."""
    rows = await session.fetch(
        "SELECT * FROM circuit_breakers WHERE tenant_id = $1 AND id = ANY($2::uuid[])", tenant_id, list(ids)
    )
    return {row["id"]: _breaker(row) for row in rows}


async def delete_breaker(session: BatchSession, tenant_id: TenantId, one: CircuitBreaker, now: datetime) -> None:
    """Takes a breaker away. The row stays, for trips name it."""
    await session.execute(
        """
        UPDATE circuit_breakers SET is_active = false, deleted_at = $3, version = version + 1, proposal = NULL
        WHERE tenant_id = $1 AND id = $2
        """,
        tenant_id,
        one.id,
        now,
    )


async def last_trips(session: BatchSession, tenant_id: TenantId, ids: Sequence[BreakerId]) -> dict[BreakerId, Trip]:
    """The last trip of each of these breakers; absent where one never tripped."""
    rows = await session.fetch(
        f"""
        SELECT DISTINCT ON (l.breaker_id) l.* FROM ({_TRIPS} WHERE t.tenant_id = $1 AND t.breaker_id = ANY($2::uuid[]))
          AS l ORDER BY l.breaker_id, l.id DESC
        """,
        tenant_id,
        list(ids),
    )
    return {row["breaker_id"]: _trip(row) for row in rows}


def insert_trip(tenant_id: TenantId, trip: Trip) -> Write:
    """Stores a new trip."""
    return Write.of(
        """
        INSERT INTO circuit_breaker_trips (tenant_id, id, breaker_id, breaker_version, kind, account_id, threshold,
          observed, reason, halt_id, tripped_at)
        VALUES ($1::uuid, $2::uuid, $3::uuid, $4::int, $5::text, $6::uuid, $7::numeric, $8::numeric, $9::text,
          $10::uuid, $11::timestamptz)
        """,
        tenant_id,
        trip.id,
        trip.breaker_id,
        trip.breaker_version,
        trip.kind.value,
        trip.account_id,
        trip.threshold,
        trip.observed,
        trip.reason,
        trip.halt_id,
        trip.tripped_at,
    )


async def trips_page(
    session: BatchSession, tenant_id: TenantId, breaker_id: BreakerId | None, window: Window[UUID], *, with_firm: bool
) -> Page[Trip]:
    """Trips, the newest first, of one breaker or of all; with_firm also those of breakers of the whole firm."""
    order = "ASC" if window.is_from_end else "DESC"
    rows = await session.fetch(
        f"""
        {_TRIPS} WHERE t.tenant_id = $1 AND ($2::uuid IS NULL OR t.breaker_id = $2)
          AND ($3::uuid IS NULL OR t.id < $3) AND ($4::uuid IS NULL OR t.id > $4)
          AND ($6::bool OR t.account_id IS NOT NULL)
        ORDER BY t.id {order} LIMIT $5
        """,
        tenant_id,
        breaker_id,
        window.after,
        window.before,
        window.size + 1,
        with_firm,
    )
    return page_of([_trip(row) for row in rows], window)


async def trips_count(
    session: BatchSession, tenant_id: TenantId, breaker_id: BreakerId | None, *, with_firm: bool
) -> int:
    """How many there are."""
    rows = await session.fetch(
        """
        SELECT count(*) AS count FROM circuit_breaker_trips
        WHERE tenant_id = $1 AND ($2::uuid IS NULL OR breaker_id = $2) AND ($3::bool OR account_id IS NOT NULL)
        """,
        tenant_id,
        breaker_id,
        with_firm,
    )
    return int(rows[0]["count"])


async def trips_by_ids(session: BatchSession, tenant_id: TenantId, ids: Sequence[UUID]) -> dict[TripId, Trip]:
    """The trips of these ids; absent if unknown."""
    rows = await session.fetch(f"{_TRIPS} WHERE t.tenant_id = $1 AND t.id = ANY($2::uuid[])", tenant_id, list(ids))
    return {row["id"]: _trip(row) for row in rows}


async def knows_account(session: BatchSession, tenant_id: TenantId, account_id: AccountId) -> bool:
    """True when the tenant has the account."""
    rows = await session.fetch("SELECT FROM broker_accounts WHERE tenant_id = $1 AND id = $2", tenant_id, account_id)
    return bool(rows)


def _breaker(row: Any) -> CircuitBreaker:
    one = CircuitBreaker(
        id=row["id"],
        kind=BreakerKind(row["kind"]),
        account_id=row["account_id"],
        threshold=row["threshold"],
        currency=row["currency"],
        mode=TradingMode(row["mode"]),
        window_s=row["window_s"],
        minimum=row["minimum"],
        cooldown_s=row["cooldown_s"],
        is_active=row["is_active"],
        version=row["version"],
        updated_by=row["updated_by"],
        updated_at=row["updated_at"],
        blind_accounts=tuple(row["blind_accounts"]),
        blind_since=row["blind_since"],
    )
    proposal = row["proposal"]
    return one if proposal is None else replace(one, proposal=proposal_of_document(proposal, one))


def _trip(row: Any) -> Trip:
    values = {name: value for name, value in dict(row).items() if name != "tenant_id"}
    return Trip(**(values | {"kind": BreakerKind(row["kind"])}))
