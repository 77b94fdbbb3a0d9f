"""Set-based SQL of exchange rates."""

from collections.abc import Sequence
from datetime import datetime

from app.core.fx import FxRate
from app.core.ids import TenantId
from app.infra.db import BatchSession


async def known_rates(session: BatchSession, tenant_id: TenantId) -> list[FxRate]:
    """The last known rates of the tenant."""
    rows = await session.fetch("SELECT * FROM fx_rates WHERE tenant_id = $1", tenant_id)
    return [
        FxRate(base=row["base_currency"], quote=row["quote_currency"], rate=row["rate"], at=row["quoted_at"])
        for row in rows
    ]


async def keep_rates(session: BatchSession, tenant_id: TenantId, rates: Sequence[FxRate], now: datetime) -> None:
    """Stores rates; one that is older than what is stored changes nothing."""
    ordered = sorted(rates, key=lambda one: (one.base, one.quote))
    await session.execute(
        """
        INSERT INTO fx_rates AS held (tenant_id, base_currency, quote_currency, rate, quoted_at, recorded_at)
        SELECT $1::uuid, n.*, $2::timestamptz
        FROM unnest($3::text[], $4::text[], $5::numeric[], $6::timestamptz[]) AS n
        ON CONFLICT (tenant_id, base_currency, quote_currency) DO UPDATE SET rate = excluded.rate,
          quoted_at = excluded.quoted_at, recorded_at = excluded.recorded_at
        WHERE held.quoted_at < excluded.quoted_at
        """,
        tenant_id,
        now,
        [one.base for one in ordered],
        [one.quote for one in ordered],
        [one.rate for one in ordered],
        [one.at for one in ordered],
    )
