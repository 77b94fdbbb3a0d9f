"""The execution ledger, the commissions that came first, and the reports that fit nowhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.core.ids import ExecutionKey, InstrumentId, OrderId, TenantId
from app.core.messages import AccountKey
from app.infra.db import BatchSession, Write
from app.orders.domain.order import Execution
from app.orders.repository.rows import (
    execution_from_row,
)


async def revisions(session: BatchSession, key: AccountKey, roots: Sequence[str]) -> list[Execution]:
    """The ledger's rows of these roots."""
    rows = await session.fetch(
        """
        SELECT e.* FROM unnest($3::text[]) AS w(root) CROSS JOIN LATERAL (
          SELECT * FROM executions WHERE tenant_id = $1 AND account_id = $2 AND execution_root = w.root OFFSET 0) AS e
        """,
        key.tenant_id,
        key.account_id,
        list(set(roots)),
    )
    return [execution_from_row(row) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealt:
    """An active row of the ledger at its place: when the first revision of its root was booked, and that one's id."""

    execution: Execution
    placed_at: datetime
    place: ExecutionKey


async def dealt_after(
    session: BatchSession, key: AccountKey, instrument_id: InstrumentId, after: datetime | None
) -> list[Dealt]:
    """The active rows of an instrument that were dealt after the instant; None: all of them.

    Those of blocks are left out: they are no dealings of the account.
    """
    rows = await session.fetch(
        """
        SELECT e.*, f.id AS first_id, f.recorded_at AS first_at FROM executions AS e
        CROSS JOIN LATERAL (
          SELECT o.id, o.recorded_at FROM executions AS o
          WHERE o.tenant_id = e.tenant_id AND o.account_id = e.account_id AND o.execution_root = e.execution_root
          ORDER BY o.recorded_at, o.id LIMIT 1
        ) AS f
        WHERE e.tenant_id = $1 AND e.account_id = $2 AND e.instrument_id = $3 AND NOT e.is_superseded
          AND e.executed_at > coalesce($4::timestamptz, '-infinity')
          AND NOT EXISTS (
            SELECT FROM orders AS b WHERE b.tenant_id = e.tenant_id AND b.id = e.order_id AND b.allocation IS NOT NULL)
        """,
        key.tenant_id,
        key.account_id,
        instrument_id,
        after,
    )
    return [
        Dealt(execution=execution_from_row(row), placed_at=row["first_at"], place=ExecutionKey(row["first_id"]))
        for row in rows
    ]


def insert_executions(tenant_id: TenantId, executions: Sequence[Execution]) -> Write:
    """Appends rows to the ledger."""
    return Write.of(
        """
        INSERT INTO executions (tenant_id, id, account_id, order_id, instrument_id, execution_id, execution_root,
          revision, side, quantity, price, liquidity, is_superseded, realized_pnl, commission, commission_currency,
          executed_at, recorded_at, base_rate, realized_pnl_base, commission_base)
        SELECT $1::uuid, n.* FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[],
          $8::int[], $9::text[], $10::numeric[], $11::numeric[], $12::text[], $13::bool[], $14::numeric[],
          $15::numeric[], $16::text[], $17::timestamptz[], $18::timestamptz[], $19::numeric[], $20::numeric[],
          $21::numeric[]) AS n
        """,
        tenant_id,
        [row.id for row in executions],
        [row.account_id for row in executions],
        [row.order_id for row in executions],
        [row.instrument_id for row in executions],
        [row.execution_id for row in executions],
        [row.root for row in executions],
        [row.revision for row in executions],
        [row.side for row in executions],
        [row.quantity for row in executions],
        [row.price for row in executions],
        [row.liquidity for row in executions],
        [row.is_superseded for row in executions],
        [row.realized_pnl for row in executions],
        [row.commission for row in executions],
        [row.commission_currency for row in executions],
        [row.executed_at for row in executions],
        [row.recorded_at for row in executions],
        [row.base_rate for row in executions],
        [row.realized_pnl_base for row in executions],
        [row.commission_base for row in executions],
    )


def update_executions(tenant_id: TenantId, executions: Sequence[Execution]) -> Write:
    """Marks superseded rows and books commissions; what was dealt never changes."""
    return Write.of(
        """
        UPDATE executions AS e SET is_superseded = n.is_superseded, commission = n.commission,
          commission_currency = n.currency, realized_pnl = n.realized_pnl,
          realized_pnl_base = n.realized_pnl_base, commission_base = n.commission_base
        FROM unnest($2::uuid[], $3::bool[], $4::numeric[], $5::text[], $6::numeric[], $7::numeric[], $8::numeric[])
          AS n(id, is_superseded, commission, currency, realized_pnl, realized_pnl_base, commission_base)
        WHERE e.tenant_id = $1 AND e.id = n.id
        """,
        tenant_id,
        [row.id for row in executions],
        [row.is_superseded for row in executions],
        [row.commission for row in executions],
        [row.commission_currency for row in executions],
        [row.realized_pnl for row in executions],
        [row.realized_pnl_base for row in executions],
        [row.commission_base for row in executions],
    )


async def early_commissions(
    session: BatchSession, key: AccountKey, execution_ids: Sequence[str]
) -> dict[str, tuple[Decimal, str]]:
    """The commissions that came before these executions."""
    rows = await session.fetch(
        """
        SELECT execution_id, commission, currency FROM early_commissions
        WHERE tenant_id = $1 AND account_id = $2 AND execution_id = ANY($3::text[])
        """,
        key.tenant_id,
        key.account_id,
        list(execution_ids),
    )
    return {row["execution_id"]: (row["commission"], row["currency"]) for row in rows}


def drop_early_commissions(key: AccountKey, execution_ids: Sequence[str]) -> Write:
    """Takes the commissions away whose executions have come."""
    return Write.of(
        "DELETE FROM early_commissions WHERE tenant_id = $1 AND account_id = $2 AND execution_id = ANY($3::text[])",
        key.tenant_id,
        key.account_id,
        list(execution_ids),
    )


def keep_early_commissions(key: AccountKey, commissions: Mapping[str, tuple[Decimal, str]], now: datetime) -> Write:
    """Keeps commissions until their executions come."""
    return Write.of(
        """
        INSERT INTO early_commissions (tenant_id, account_id, execution_id, commission, currency, recorded_at)
        SELECT $1::uuid, $2::uuid, n.*, $6::timestamptz FROM unnest($3::text[], $4::numeric[], $5::text[]) AS n
        ON CONFLICT DO NOTHING
        """,
        key.tenant_id,
        key.account_id,
        list(commissions),
        [commission for commission, _ in commissions.values()],
        [currency for _, currency in commissions.values()],
        now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedReport:
    """A report that fits nowhere, whole, and why."""

    id: UUID
    order_id: OrderId | None
    reason: str
    report: dict[str, Any]


def quarantine(key: AccountKey, reports: Sequence[QuarantinedReport], now: datetime) -> Write:
    """Keeps reports that fit nowhere; one that is kept already under its id is not kept again."""
    return Write.of(
        """
        INSERT INTO quarantined_reports (tenant_id, account_id, id, order_id, reason, report, recorded_at)
        SELECT $1::uuid, $2::uuid, n.*, $7::timestamptz
        FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::jsonb[]) AS n
        ON CONFLICT DO NOTHING
        """,
        key.tenant_id,
        key.account_id,
        [one.id for one in reports],
        [one.order_id for one in reports],
        [one.reason for one in reports],
        [one.report for one in reports],
        now,
    )


async def executions_by_key(
    session: BatchSession, tenant_id: TenantId, keys: Sequence[ExecutionKey]
) -> dict[ExecutionKey, Execution]:
    """The ledger's rows of these ids."""
    rows = await session.fetch(
        "SELECT * FROM executions WHERE tenant_id = $1 AND id = ANY($2::uuid[])", tenant_id, list(keys)
    )
    return {row["id"]: execution_from_row(row) for row in rows}


async def active_of_orders(session: BatchSession, tenant_id: TenantId, order_ids: Sequence[OrderId]) -> list[Execution]:
    """The rows of the ledger that hold, of these orders."""
    rows = await session.fetch(
        "SELECT * FROM executions WHERE tenant_id = $1 AND order_id = ANY($2::uuid[]) AND NOT is_superseded",
        tenant_id,
        list(order_ids),
    )
    return [execution_from_row(row) for row in rows]
