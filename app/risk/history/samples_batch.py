"""Set-based SQL of samples of utilisation."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from app.core.ids import AccountId, InstrumentId, LimitId, TenantId
from app.infra.db import BatchSession, Write
from app.risk.history.domain.curve import CurvePoint, Span
from app.risk.history.domain.sampling import Sample, hour_of


def store(tenant_id: TenantId, samples: Sequence[Sample]) -> Write:
    """Stores samples; of two of the same limit, account and minute the fuller one stays."""
    return Write.of(
        """
        INSERT INTO risk_utilisation_samples AS s (tenant_id, limit_id, account_id, minute, instrument_id, ratio, used,
          value, is_measured)
        SELECT $1::uuid, n.* FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::uuid[], $6::numeric[],
          $7::numeric[], $8::numeric[], $9::boolean[]) AS n
        ON CONFLICT (tenant_id, limit_id, account_id, minute) DO UPDATE SET instrument_id = excluded.instrument_id,
          ratio = excluded.ratio, used = excluded.used, value = excluded.value, is_measured = excluded.is_measured
        WHERE (excluded.used IS NOT NULL, excluded.ratio) > (s.used IS NOT NULL, s.ratio)
        """,
        tenant_id,
        [one.limit_id for one in samples],
        [one.account_id for one in samples],
        [one.minute for one in samples],
        [one.instrument_id for one in samples],
        [one.ratio for one in samples],
        [one.used for one in samples],
        [one.value for one in samples],
        [one.is_measured for one in samples],
    )


async def has_limit(session: BatchSession, tenant_id: TenantId, limit_id: LimitId) -> bool:
    """True when the tenant has the limit, or had it: what it came to stays after it was deleted."""
    rows = await session.fetch("SELECT FROM risk_limits WHERE tenant_id = $1 AND id = $2", tenant_id, limit_id)
    return bool(rows)


async def curve(
    session: BatchSession,
    tenant_id: TenantId,
    limit_id: LimitId,
    account_ids: Collection[AccountId],
    instrument_id: InstrumentId | None,
    span: Span,
) -> list[CurvePoint]:
    """The fullest of each slice, over the accounts; a slice without any sample is not there.

    A sample holds until the next one of its account, at most to the end of its hour. With an instrument those count
    in which it was the fullest.
    """
    rows = await session.fetch(
        """
        SELECT DISTINCT ON (slice) slice, account_id, instrument_id, CASE WHEN used IS NOT NULL THEN ratio END AS ratio,
          used, value, is_measured
        FROM unnest($3::uuid[]) AS a(id) CROSS JOIN LATERAL (
          SELECT s.*, least(
            lead(s.minute) OVER (ORDER BY s.minute), date_trunc('hour', s.minute) + interval '1 hour'
          ) - interval '1 minute' AS last_minute
          FROM risk_utilisation_samples AS s
          WHERE s.tenant_id = $1 AND s.limit_id = $2 AND s.account_id = a.id
            AND s.minute >= $5::timestamptz AND s.minute < $7::timestamptz
          OFFSET 0
        ) AS held CROSS JOIN LATERAL generate_series(
          greatest(0, floor(extract(epoch FROM held.minute - $6::timestamptz) / $8::int)::int),
          least($9::int - 1, floor(extract(epoch FROM held.last_minute - $6::timestamptz) / $8::int)::int)
        ) AS slice
        WHERE $4::uuid IS NULL OR held.instrument_id = $4
        ORDER BY slice, (used IS NOT NULL) DESC, held.ratio DESC, account_id
        """,
        tenant_id,
        limit_id,
        list(account_ids),
        instrument_id,
        hour_of(span.start),
        span.start,
        span.end,
        span.step // timedelta(seconds=1),
        span.points,
    )
    return [
        CurvePoint(
            at=span.start + span.step * row["slice"],
            account_id=row["account_id"],
            instrument_id=row["instrument_id"],
            ratio=row["ratio"],
            used=row["used"],
            value=row["value"],
            is_measured=row["is_measured"],
        )
        for row in rows
    ]


async def prune(session: BatchSession, tenant_id: TenantId, before: datetime, limit: int) -> int:
    """Deletes samples from before, at most `limit` of them, the oldest first; how many."""
    rows = await session.fetch(
        """
        DELETE FROM risk_utilisation_samples WHERE tenant_id = $1 AND (limit_id, account_id, minute) IN (
          SELECT limit_id, account_id, minute FROM risk_utilisation_samples
          WHERE tenant_id = $1 AND minute < $2 ORDER BY minute LIMIT $3)
        RETURNING 1
        """,
        tenant_id,
        before,
        limit,
    )
    return len(rows)
