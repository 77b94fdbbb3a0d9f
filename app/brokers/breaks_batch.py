"""Set-based SQL of the breaks that reconciliations find."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.brokers.reconciling import (
    Break,
    BreakAction,
    BreakKind,
    BreakSeverity,
    BreakState,
    Finding,
)
from app.core.ids import AccountId, BreakId, ReconciliationId, TenantId
from app.core.messages import AccountKey
from app.core.paging import Page, Window, page_of
from app.infra.db import BatchSession, Write

HELD_MAX = 10_000


def break_from_row(row: Mapping[str, Any]) -> Break:
    """The break of a row of `reconciliation_breaks`."""
    return Break(
        id=row["id"],
        account_id=row["account_id"],
        kind=BreakKind(row["kind"]),
        subject=row["subject"],
        severity=BreakSeverity(row["severity"]),
        difference=row["difference"],
        ours=row["ours"],
        broker=row["broker"],
        instrument_id=row["instrument_id"],
        order_id=row["order_id"],
        state=BreakState(row["state"]),
        is_freezing=row["is_freezing"],
        is_muted=row["is_muted"],
        looks=row["looks"],
        action=None if row["action"] is None else BreakAction(row["action"]),
        reason=row["reason"],
        resolved_by=row["resolved_by"],
        adjustment_id=row["adjustment_id"],
        found_at=row["found_at"],
        last_seen_at=row["last_seen_at"],
        snapshot_at=row["snapshot_at"],
        ended_at=row["ended_at"],
    )


async def held_breaks(session: BatchSession, key: AccountKey) -> list[Break]:
    """The breaks of the account that are open, and those that a person ignored and that still stand."""
    rows = await session.fetch(
        """
        SELECT * FROM reconciliation_breaks WHERE tenant_id = $1 AND account_id = $2 AND state = 'OPEN'
        UNION ALL
        SELECT * FROM reconciliation_breaks WHERE tenant_id = $1 AND account_id = $2 AND is_muted
        LIMIT $3
        """,
        key.tenant_id,
        key.account_id,
        HELD_MAX,
    )
    return [break_from_row(row) for row in rows]


def insert_breaks(key: AccountKey, reconciliation_id: ReconciliationId, new: Sequence[tuple[Break, Finding]]) -> Write:
    """Stores breaks that were found now."""
    return Write.of(
        """
        INSERT INTO reconciliation_breaks (tenant_id, account_id, reconciliation_id, is_muted, looks, state, id, kind,
          subject, severity, difference, ours, broker, instrument_id, order_id, is_freezing, found_at, last_seen_at,
          snapshot_at)
        SELECT $1::uuid, $2::uuid, $3::uuid, false, 1, 'OPEN', n.* FROM unnest($4::uuid[], $5::text[], $6::text[],
          $7::text[], $8::text[], $9::jsonb[], $10::jsonb[], $11::uuid[], $12::uuid[], $13::bool[], $14::timestamptz[],
          $15::timestamptz[], $16::timestamptz[]) AS n
        """,
        key.tenant_id,
        key.account_id,
        reconciliation_id,
        [one.id for one, _ in new],
        [one.kind.value for one, _ in new],
        [one.subject for one, _ in new],
        [one.severity.value for one, _ in new],
        [one.difference for one, _ in new],
        [finding.ours for _, finding in new],
        [finding.broker for _, finding in new],
        [one.instrument_id for one, _ in new],
        [one.order_id for one, _ in new],
        [one.is_freezing for one, _ in new],
        [one.found_at for one, _ in new],
        [one.last_seen_at for one, _ in new],
        [one.snapshot_at for one, _ in new],
    )


def see_again(
    tenant_id: TenantId, seen: Sequence[tuple[Break, Finding]], now: datetime, snapshot_at: datetime
) -> Write:
    """Notes that breaks were found again, with the evidence of this time."""
    return Write.of(
        """
        UPDATE reconciliation_breaks AS b SET difference = n.difference, ours = n.ours, broker = n.broker,
          looks = b.looks + 1, last_seen_at = $6::timestamptz, snapshot_at = $7::timestamptz
        FROM unnest($2::uuid[], $3::text[], $4::jsonb[], $5::jsonb[]) AS n(id, difference, ours, broker)
        WHERE b.tenant_id = $1::uuid AND b.id = n.id
        """,
        tenant_id,
        [one.id for one, _ in seen],
        [finding.difference for _, finding in seen],
        [finding.ours for _, finding in seen],
        [finding.broker for _, finding in seen],
        now,
        snapshot_at,
    )


def end_vanished(tenant_id: TenantId, gone: Sequence[Break], now: datetime) -> Write:
    """Closes breaks that are not found any more."""
    return Write.of(
        """
        UPDATE reconciliation_breaks SET state = 'VANISHED', is_freezing = false, ended_at = $3::timestamptz,
          reason = 'a later comparison did not find it any more'
        WHERE tenant_id = $1::uuid AND id = ANY($2::uuid[])
        """,
        tenant_id,
        [one.id for one in gone],
        now,
    )


def unmute(tenant_id: TenantId, gone: Sequence[Break]) -> Write:
    """Lets a difference that was ignored be told again: it is another one now, or gone."""
    return Write.of(
        "UPDATE reconciliation_breaks SET is_muted = false WHERE tenant_id = $1::uuid AND id = ANY($2::uuid[])",
        tenant_id,
        [one.id for one in gone],
    )


def resolve(tenant_id: TenantId, one: Break) -> Write:
    """Stores how a person ended a break."""
    return Write.of(
        """
        UPDATE reconciliation_breaks SET state = $3::text, is_freezing = $4::bool, is_muted = $5::bool,
          action = $6::text, reason = $7::text, resolved_by = $8::text, adjustment_id = $9::uuid,
          ended_at = $10::timestamptz
        WHERE tenant_id = $1::uuid AND id = $2::uuid
        """,
        tenant_id,
        one.id,
        one.state.value,
        one.is_freezing,
        one.is_muted,
        None if one.action is None else one.action.value,
        one.reason,
        one.resolved_by,
        one.adjustment_id,
        one.ended_at,
    )


async def break_by_id(session: BatchSession, tenant_id: TenantId, break_id: BreakId) -> Break | None:
    """The break; None if the tenant has none of the id."""
    rows = await session.fetch(
        "SELECT * FROM reconciliation_breaks WHERE tenant_id = $1 AND id = $2", tenant_id, break_id
    )
    return break_from_row(rows[0]) if rows else None


async def of_orders(
    session: BatchSession,
    tenant_id: TenantId,
    order_ids: Sequence[UUID],
    kind: BreakKind = BreakKind.ORDER_UNKNOWN_AT_BROKER,
) -> dict[UUID, Break]:
    """The open break of the kind of each order; absent where it has none."""
    rows = await session.fetch(
        """
        SELECT b.* FROM unnest($2::uuid[]) AS w(order_id) JOIN reconciliation_breaks AS b
          ON b.tenant_id = $1 AND b.order_id = w.order_id AND b.state = 'OPEN' AND b.kind = $3
        """,
        tenant_id,
        list(order_ids),
        kind.value,
    )
    return {row["order_id"]: break_from_row(row) for row in rows}


async def seen_by(
    session: BatchSession, tenant_id: TenantId, ids: Sequence[ReconciliationId], limit: int
) -> dict[ReconciliationId, list[Break]]:
    """The breaks that each comparison found, new or known, the oldest first, at most `limit` of each."""
    rows = await session.fetch(
        """
        SELECT r.id AS seen_by, b.* FROM reconciliations AS r CROSS JOIN LATERAL (
          SELECT * FROM reconciliation_breaks AS b
          WHERE b.tenant_id = $1 AND b.account_id = r.account_id AND b.found_at <= r.finished_at
            AND b.last_seen_at >= r.started_at
          ORDER BY b.id LIMIT $3) AS b
        WHERE r.tenant_id = $1 AND r.id = ANY($2::uuid[]) ORDER BY b.id
        """,
        tenant_id,
        list(ids),
        limit,
    )
    found: dict[ReconciliationId, list[Break]] = {}
    for row in rows:
        found.setdefault(row["seen_by"], []).append(break_from_row(row))
    return found


_WANTED = """
  tenant_id = $1 AND ($2::uuid IS NULL OR account_id = $2)
  AND ($3::bool IS NULL OR (state = 'OPEN') = $3) AND ($4::text[] IS NULL OR kind = ANY($4))
"""


async def page(
    session: BatchSession,
    tenant_id: TenantId,
    account_id: AccountId | None,
    is_open: bool | None,
    kinds: Sequence[BreakKind] | None,
    window: Window[UUID],
) -> Page[Break]:
    """Breaks, those found last first."""
    order = "ASC" if window.is_from_end else "DESC"
    rows = await session.fetch(
        f"""
        SELECT * FROM reconciliation_breaks WHERE {_WANTED}
          AND ($5::uuid IS NULL OR id < $5) AND ($6::uuid IS NULL OR id > $6)
        ORDER BY id {order} LIMIT $7
        """,
        tenant_id,
        account_id,
        is_open,
        None if kinds is None else [kind.value for kind in kinds],
        window.after,
        window.before,
        window.size + 1,
    )
    return page_of([break_from_row(row) for row in rows], window)


async def count(
    session: BatchSession,
    tenant_id: TenantId,
    account_id: AccountId | None,
    is_open: bool | None,
    kinds: Sequence[BreakKind] | None,
) -> int:
    """How many there are."""
    rows = await session.fetch(
        f"SELECT count(*) AS n FROM reconciliation_breaks WHERE {_WANTED}",
        tenant_id,
        account_id,
        is_open,
        None if kinds is None else [kind.value for kind in kinds],
    )
    return int(rows[0]["n"])
