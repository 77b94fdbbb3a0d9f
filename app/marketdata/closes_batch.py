"""Set-based SQL of the daily closes that are kept, of many instruments at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from app.core.ids import InstrumentId, TenantId
from app.infra.db import BatchSession


@dataclass(frozen=True, slots=True, kw_only=True)
class LastClose:
    """The newest close that is kept; at is when its day began."""

    price: Decimal
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyCloses:
    """Closes by day, counted from 1970-01-01 and ascending. They are for statistics, and no amounts: floats."""

    days: Sequence[int]
    prices: Sequence[float]


async def daily_closes(
    session: BatchSession, tenant_id: TenantId, instrument_ids: Sequence[InstrumentId], since: date
) -> dict[InstrumentId, DailyCloses]:
    """The closes of these instruments from a day on; absent where none is kept."""
    rows = await session.fetch(
        """
        SELECT w.id, b.days, b.prices FROM unnest($2::uuid[]) AS w(id)
        CROSS JOIN LATERAL (
          SELECT array_agg(one.day) AS days, array_agg(one.price) AS prices FROM (
            SELECT floor(date_part('epoch', starts_at) / 86400)::int AS day, close_price::float8 AS price
            FROM bars WHERE tenant_id = $1 AND instrument_id = w.id AND bar_interval = 'DAY_1'
              AND starts_at >= $3::date::timestamp AT TIME ZONE 'UTC' ORDER BY starts_at
          ) AS one
        ) AS b WHERE b.days IS NOT NULL
        """,
        tenant_id,
        list(instrument_ids),
        since,
    )
    return {row["id"]: DailyCloses(days=row["days"], prices=row["prices"]) for row in rows}


async def last_closes(
    session: BatchSession, tenant_id: TenantId, instrument_ids: Sequence[InstrumentId]
) -> dict[InstrumentId, LastClose]:
    """The newest daily close of each of these instruments that has one."""
    rows = await session.fetch(
        """
        SELECT w.id, b.close_price, b.starts_at FROM unnest($2::uuid[]) AS w(id)
        CROSS JOIN LATERAL (
          SELECT close_price, starts_at FROM bars
          WHERE tenant_id = $1 AND instrument_id = w.id AND bar_interval = 'DAY_1' ORDER BY starts_at DESC LIMIT 1
        ) AS b
        """,
        tenant_id,
        list(instrument_ids),
    )
    return {row["id"]: LastClose(price=row["close_price"], at=row["starts_at"]) for row in rows}
