"""Set-based SQL of bars of the past, and of the stretches of time whose bars are all kept."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from app.core.bars import Bar
from app.core.fix import BarInterval
from app.core.ids import InstrumentId, TenantId
from app.infra.db import BatchSession
from app.marketdata.bars import TimeRange


async def kept_ranges(
    session: BatchSession, tenant_id: TenantId, instrument_id: InstrumentId, interval: BarInterval, asked: TimeRange
) -> list[TimeRange]:
    """The stretches that are wholly kept and touch the range."""
    rows = await session.fetch(
        """
        SELECT covered_from, covered_until FROM bar_ranges
        WHERE tenant_id = $1 AND instrument_id = $2 AND bar_interval = $3 AND covered_from < $5 AND covered_until > $4
        """,
        tenant_id,
        instrument_id,
        interval,
        asked.start,
        asked.end,
    )
    return [TimeRange(start=row["covered_from"], end=row["covered_until"]) for row in rows]


async def not_kept(
    session: BatchSession,
    tenant_id: TenantId,
    interval: BarInterval,
    instrument_ids: Sequence[InstrumentId],
    wanted: TimeRange,
    limit: int,
) -> list[InstrumentId]:
    """The first of these instruments of which the range is not wholly kept, in their order, each once."""
    rows = await session.fetch(
        """
        SELECT w.id, min(w.place) AS place FROM unnest($3::uuid[]) WITH ORDINALITY AS w(id, place)
        WHERE NOT EXISTS (
          SELECT FROM bar_ranges AS r WHERE r.tenant_id = $1 AND r.instrument_id = w.id AND r.bar_interval = $2
            AND r.covered_from <= $4 AND r.covered_until >= $5)
        GROUP BY w.id ORDER BY place LIMIT $6
        """,
        tenant_id,
        interval,
        list(instrument_ids),
        wanted.start,
        wanted.end,
        limit,
    )
    return [row["id"] for row in rows]


async def kept_bars(
    session: BatchSession, tenant_id: TenantId, instrument_id: InstrumentId, interval: BarInterval, asked: TimeRange
) -> list[Bar]:
    """The bars that begin within the range, in the order of time."""
    rows = await session.fetch(
        """
        SELECT * FROM bars WHERE tenant_id = $1 AND instrument_id = $2 AND bar_interval = $3
          AND starts_at >= $4 AND starts_at < $5 ORDER BY starts_at
        """,
        tenant_id,
        instrument_id,
        interval,
        asked.start,
        asked.end,
    )
    return [
        Bar(
            time=row["starts_at"],
            open=row["open_price"],
            high=row["high_price"],
            low=row["low_price"],
            close=row["close_price"],
            volume=row["volume"],
        )
        for row in rows
    ]


async def day_volumes(
    session: BatchSession, tenant_id: TenantId, instrument_ids: Iterable[InstrumentId], before: datetime, days: int
) -> dict[InstrumentId, Decimal]:
    """What a day deals of each instrument, in units: the mean of the last `days` kept days before the instant.

    Without the instruments of which no day with a volume is kept. Days further back than twice as many are too old.
    """
    rows = await session.fetch(
        """
        SELECT w.instrument_id, avg(b.volume) AS volume FROM unnest($2::uuid[]) AS w(instrument_id)
        CROSS JOIN LATERAL (
          SELECT one.volume FROM bars AS one WHERE one.tenant_id = $1 AND one.instrument_id = w.instrument_id
            AND one.bar_interval = $3 AND one.starts_at < $4 AND one.starts_at >= $5 AND one.volume > 0
          ORDER BY one.starts_at DESC LIMIT $6 OFFSET 0) AS b
        GROUP BY w.instrument_id
        """,
        tenant_id,
        sorted(set(instrument_ids)),
        BarInterval.DAY_1,
        before,
        before - timedelta(days=2 * days),
        days,
    )
    return {row["instrument_id"]: row["volume"] for row in rows}


async def keep(
    session: BatchSession,
    tenant_id: TenantId,
    instrument_id: InstrumentId,
    interval: BarInterval,
    told: TimeRange,
    bars: Sequence[Bar],
) -> None:
    """Keeps the bars of a stretch that was told wholly; what was kept of it before is replaced.

    Stretches that meet become one.
    """
    key = (tenant_id, instrument_id, interval)
    await session.execute(
        """
        INSERT INTO bars (tenant_id, instrument_id, bar_interval, starts_at, open_price, high_price, low_price,
          close_price, volume)
        SELECT $1::uuid, $2::uuid, $3::text, n.* FROM unnest($4::timestamptz[], $5::numeric[], $6::numeric[],
          $7::numeric[], $8::numeric[], $9::numeric[]) AS n
        ON CONFLICT (tenant_id, instrument_id, bar_interval, starts_at) DO UPDATE SET open_price = excluded.open_price,
          high_price = excluded.high_price, low_price = excluded.low_price, close_price = excluded.close_price,
          volume = excluded.volume
        """,
        *key,
        [bar.time for bar in bars],
        [bar.open for bar in bars],
        [bar.high for bar in bars],
        [bar.low for bar in bars],
        [bar.close for bar in bars],
        [bar.volume for bar in bars],
    )
    rows = await session.fetch(
        """
        DELETE FROM bar_ranges WHERE tenant_id = $1 AND instrument_id = $2 AND bar_interval = $3
          AND covered_from <= $5 AND covered_until >= $4 RETURNING covered_from, covered_until
        """,
        *key,
        told.start,
        told.end,
    )
    await session.execute(
        """
        INSERT INTO bar_ranges (tenant_id, instrument_id, bar_interval, covered_from, covered_until)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (tenant_id, instrument_id, bar_interval, covered_from)
          DO UPDATE SET covered_until = greatest(bar_ranges.covered_until, excluded.covered_until)
        """,
        *key,
        min([told.start, *(row["covered_from"] for row in rows)]),
        max([told.end, *(row["covered_until"] for row in rows)]),
    )
