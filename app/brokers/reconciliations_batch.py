"""Set-based SQL of reconciliations: what is compared with, and what each comparison came to."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.brokers.reconciling import Occasion, Reconciliation
from app.core.ids import AccountId, ReconciliationId, TenantId
from app.core.messages import AccountKey
from app.infra.db import BatchSession, Write


def reconciliation_from_row(row: Mapping[str, Any]) -> Reconciliation:
    """The comparison of a row of `reconciliations`."""
    return Reconciliation(
        id=row["id"],
        account_id=row["account_id"],
        occasion=Occasion(row["occasion"]),
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        orders_checked=row["orders_checked"],
        positions_checked=row["positions_checked"],
        positions_in_flight=row["positions_in_flight"],
        executions_imported=row["executions_imported"],
        breaks_open=row["breaks_open"],
        looks=row["looks"],
    )


async def newest(session: BatchSession, key: AccountKey) -> Reconciliation | None:
    """The newest comparison of the account."""
    rows = await session.fetch(
        "SELECT * FROM reconciliations WHERE tenant_id = $1 AND account_id = $2 ORDER BY id DESC LIMIT 1",
        key.tenant_id,
        key.account_id,
    )
    return reconciliation_from_row(rows[0]) if rows else None


async def had_executions(session: BatchSession, key: AccountKey, before: datetime) -> bool:
    """True when an execution of the account was booked before the instant."""
    [row] = await session.fetch(
        """
        SELECT EXISTS (SELECT FROM executions WHERE tenant_id = $1 AND account_id = $2 AND recorded_at < $3) AS had
        """,
        key.tenant_id,
        key.account_id,
        before,
    )
    return bool(row["had"])


async def count_imported(session: BatchSession, key: AccountKey, roots: Sequence[str], since: datetime) -> int:
    """How many executions of these roots were booked from the instant on."""
    [row] = await session.fetch(
        """
        SELECT count(*) AS n FROM unnest($3::text[]) AS w(root) CROSS JOIN LATERAL (
          SELECT recorded_at FROM executions
          WHERE tenant_id = $1 AND account_id = $2 AND execution_root = w.root OFFSET 0) AS e
        WHERE e.recorded_at >= $4
        """,
        key.tenant_id,
        key.account_id,
        list(roots),
        since,
    )
    return int(row["n"])


async def without_commission(session: BatchSession, key: AccountKey, roots: Sequence[str]) -> dict[str, Any]:
    """The active executions of these roots whose commission is not known, by the broker's id of each."""
    rows = await session.fetch(
        """
        SELECT e.* FROM unnest($3::text[]) AS w(root) CROSS JOIN LATERAL (
          SELECT execution_id, order_id, instrument_id, executed_at FROM executions
          WHERE tenant_id = $1 AND account_id = $2 AND execution_root = w.root AND commission IS NULL
            AND NOT is_superseded OFFSET 0) AS e
        """,
        key.tenant_id,
        key.account_id,
        list(roots),
    )
    return {row["execution_id"]: row for row in rows}


def insert(tenant_id: TenantId, one: Reconciliation) -> Write:
    """Stores a comparison."""
    return Write.of(
        """
        INSERT INTO reconciliations (tenant_id, id, account_id, occasion, started_at, finished_at, orders_checked,
          positions_checked, positions_in_flight, executions_imported, breaks_open, looks)
        VALUES ($1::uuid, $2::uuid, $3::uuid, $4::text, $5::timestamptz, $6::timestamptz, $7::int, $8::int, $9::int,
          $10::int, $11::int, $12::int)
        """,
        tenant_id,
        one.id,
        one.account_id,
        one.occasion.value,
        one.started_at,
        one.finished_at,
        one.orders_checked,
        one.positions_checked,
        one.positions_in_flight,
        one.executions_imported,
        one.breaks_open,
        one.looks,
    )


def extend(tenant_id: TenantId, one: Reconciliation) -> Write:
    """Notes another sweep that found the same."""
    return Write.of(
        """
        UPDATE reconciliations SET finished_at = $3::timestamptz, orders_checked = $4::int, positions_checked = $5::int,
          positions_in_flight = $6::int, looks = $7::int
        WHERE tenant_id = $1::uuid AND id = $2::uuid
        """,
        tenant_id,
        one.id,
        one.finished_at,
        one.orders_checked,
        one.positions_checked,
        one.positions_in_flight,
        one.looks,
    )


async def by_ids(session: BatchSession, tenant_id: TenantId, ids: Sequence[ReconciliationId]) -> list[Reconciliation]:
    """The comparisons of these ids."""
    rows = await session.fetch(
        "SELECT * FROM reconciliations WHERE tenant_id = $1 AND id = ANY($2::uuid[])", tenant_id, list(ids)
    )
    return [reconciliation_from_row(row) for row in rows]


async def last_of_accounts(
    session: BatchSession, tenant_id: TenantId, account_ids: Sequence[AccountId]
) -> dict[AccountId, Reconciliation]:
    """The newest comparison of each account; absent where none was made."""
    rows = await session.fetch(
        """
        SELECT r.* FROM unnest($2::uuid[]) AS w(account_id) CROSS JOIN LATERAL (
          SELECT * FROM reconciliations WHERE tenant_id = $1 AND account_id = w.account_id
          ORDER BY id DESC LIMIT 1) AS r
        """,
        tenant_id,
        list(account_ids),
    )
    return {row["account_id"]: reconciliation_from_row(row) for row in rows}


async def recent(
    session: BatchSession, tenant_id: TenantId, account_id: AccountId | None, limit: int
) -> list[Reconciliation]:
    """The tenant's comparisons, or the account's, the newest first."""
    rows = await session.fetch(
        """
        SELECT * FROM reconciliations WHERE tenant_id = $1 AND ($2::uuid IS NULL OR account_id = $2)
        ORDER BY id DESC LIMIT $3
        """,
        tenant_id,
        account_id,
        limit,
    )
    return [reconciliation_from_row(row) for row in rows]
