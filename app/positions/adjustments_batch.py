"""Set-based SQL of typed adjustments."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.core.ids import AccountId, AdjustmentId, InstrumentId, TenantId
from app.core.messages import AccountKey
from app.core.paging import Page, Window, page_of
from app.infra.db import BatchSession, Write
from app.positions.domain import Adjusting, AdjustmentTerms, AdjustmentType, PositionAdjustment

PAGE: Final = 500


def insert_adjustment(tenant_id: TenantId, one: PositionAdjustment) -> Write:
    """Appends an adjustment."""
    terms = one.terms
    return Write.of(
        """
        INSERT INTO position_adjustments (tenant_id, id, account_id, instrument_id, type, quantity, price, ratio,
          effective_at, reason, idempotency_key, quantity_before, quantity_after, average_price_before,
          average_price_after, realized_pnl, base_rate, realized_pnl_base, adjusted_by, after_sequence, place,
          recorded_at)
        VALUES ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::text, $6::numeric, $7::numeric, $8::numeric,
          $9::timestamptz, $10::text, $11::text, $12::numeric, $13::numeric, $14::numeric, $15::numeric, $16::numeric,
          $17::numeric, $18::numeric, $19::text, $20::bigint, $21::int, $22::timestamptz)
        """,
        tenant_id,
        one.id,
        terms.account_id,
        terms.instrument_id,
        terms.type.value,
        terms.quantity,
        terms.price,
        terms.ratio,
        terms.effective_at,
        terms.reason,
        terms.idempotency_key,
        one.quantity_before,
        one.quantity_after,
        one.average_price_before,
        one.average_price_after,
        one.realized_pnl,
        one.base_rate,
        one.realized_pnl_base,
        one.adjusted_by,
        one.after_sequence,
        one.place,
        one.recorded_at,
    )


async def adjusted_after(
    session: BatchSession, key: AccountKey, instrument_id: InstrumentId, after: datetime | None
) -> list[Adjusting]:
    """The adjustments of a position that took effect after the instant, as moves; None: all of them."""
    rows = await session.fetch(
        """
        SELECT * FROM position_adjustments WHERE tenant_id = $1 AND account_id = $2 AND instrument_id = $3
          AND effective_at > coalesce($4::timestamptz, '-infinity')
        """,
        key.tenant_id,
        key.account_id,
        instrument_id,
        after,
    )
    return [adjustment_from_row(row).move for row in rows]


async def next_place(session: BatchSession, key: AccountKey, after_sequence: int) -> int:
    """The place of the next adjustment behind the event; for whoever holds the lock of the account's book."""
    [row] = await session.fetch(
        """
        SELECT coalesce(max(place), 0) + 1 AS place FROM position_adjustments
        WHERE tenant_id = $1 AND account_id = $2 AND after_sequence = $3
        """,
        key.tenant_id,
        key.account_id,
        after_sequence,
    )
    return int(row["place"])


async def in_order(
    session: BatchSession,
    key: AccountKey,
    *,
    until: int | None = None,
    at: datetime | None = None,
    instrument_ids: Sequence[InstrumentId] | None = None,
) -> AsyncIterator[PositionAdjustment]:
    """The account's adjustments as they were booked: those behind events up to a sequence, and booked by an instant."""
    behind, place = -1, 0
    while True:
        rows = await session.fetch(
            """
            SELECT * FROM position_adjustments
            WHERE tenant_id = $1 AND account_id = $2 AND (after_sequence, place) > ($3::bigint, $4::int)
              AND ($5::bigint IS NULL OR after_sequence <= $5) AND ($6::timestamptz IS NULL OR recorded_at <= $6)
              AND ($7::uuid[] IS NULL OR instrument_id = ANY($7))
            ORDER BY after_sequence, place LIMIT $8
            """,
            key.tenant_id,
            key.account_id,
            behind,
            place,
            until,
            at,
            None if instrument_ids is None else list(instrument_ids),
            PAGE,
        )
        for row in rows:
            yield adjustment_from_row(row)
        if len(rows) < PAGE:
            return
        behind, place = rows[-1]["after_sequence"], rows[-1]["place"]


async def by_key(session: BatchSession, key: AccountKey, idempotency_key: str) -> PositionAdjustment | None:
    """The adjustment of the account under the key."""
    rows = await session.fetch(
        "SELECT * FROM position_adjustments WHERE tenant_id = $1 AND account_id = $2 AND idempotency_key = $3",
        key.tenant_id,
        key.account_id,
        idempotency_key,
    )
    return adjustment_from_row(rows[0]) if rows else None


async def by_id(session: BatchSession, tenant_id: TenantId, adjustment_id: AdjustmentId) -> PositionAdjustment | None:
    """The adjustment by id; None if the tenant has none of the id."""
    rows = await session.fetch(
        "SELECT * FROM position_adjustments WHERE tenant_id = $1 AND id = $2", tenant_id, adjustment_id
    )
    return adjustment_from_row(rows[0]) if rows else None


_WANTED = """
  tenant_id = $1 AND ($2::uuid IS NULL OR account_id = $2) AND ($3::uuid IS NULL OR instrument_id = $3)
"""


async def page(
    session: BatchSession,
    tenant_id: TenantId,
    account_id: AccountId | None,
    instrument_id: InstrumentId | None,
    window: Window[UUID],
) -> Page[PositionAdjustment]:
    """Adjustments, those booked last first."""
    order = "ASC" if window.is_from_end else "DESC"
    rows = await session.fetch(
        f"""
        SELECT * FROM position_adjustments WHERE {_WANTED}
          AND ($4::uuid IS NULL OR id < $4) AND ($5::uuid IS NULL OR id > $5)
        ORDER BY id {order} LIMIT $6
        """,
        tenant_id,
        account_id,
        instrument_id,
        window.after,
        window.before,
        window.size + 1,
    )
    return page_of([adjustment_from_row(row) for row in rows], window)


async def count(
    session: BatchSession, tenant_id: TenantId, account_id: AccountId | None, instrument_id: InstrumentId | None
) -> int:
    """How many there are."""
    rows = await session.fetch(
        f"SELECT count(*) AS n FROM position_adjustments WHERE {_WANTED}", tenant_id, account_id, instrument_id
    )
    return int(rows[0]["n"])


def adjustment_from_row(row: Mapping[str, Any]) -> PositionAdjustment:
    """The adjustment of a row of `position_adjustments`."""
    return PositionAdjustment(
        id=row["id"],
        terms=_terms(row),
        quantity_before=row["quantity_before"],
        quantity_after=row["quantity_after"],
        average_price_before=row["average_price_before"],
        average_price_after=row["average_price_after"],
        realized_pnl=row["realized_pnl"],
        base_rate=row["base_rate"],
        realized_pnl_base=row["realized_pnl_base"],
        adjusted_by=row["adjusted_by"],
        after_sequence=row["after_sequence"],
        place=row["place"],
        recorded_at=row["recorded_at"],
    )


def _terms(row: Mapping[str, Any]) -> AdjustmentTerms:
    return AdjustmentTerms(
        account_id=row["account_id"],
        instrument_id=row["instrument_id"],
        type=AdjustmentType(row["type"]),
        quantity=row["quantity"],
        price=row["price"],
        ratio=row["ratio"],
        effective_at=row["effective_at"],
        reason=row["reason"],
        idempotency_key=row["idempotency_key"],
    )
