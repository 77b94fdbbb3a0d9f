"""Set-based SQL of market data: exchange rates, and which markets are wanted."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.core.fix import InstrumentType
from app.core.fx import FxRate
from app.core.ids import InstrumentId, TenantId
from app.core.messages import Contract
from app.infra.db import BatchSession, Read
from app.marketdata.lines import LineCounts, Watchable


async def known_rates(session: BatchSession, tenant_id: TenantId) -> list[FxRate]:
    """The last known rates of the tenant."""
    rows = await session.fetch("SELECT * FROM fx_rates WHERE tenant_id = $1", tenant_id)
    return [
        FxRate(base=row["base_currency"], quote=row["quote_currency"], rate=row["rate"], at=row["quoted_at"])
        for row in rows
    ]


def rates_of(tenant_ids: Iterable[TenantId]) -> Read[dict[TenantId, list[FxRate]]]:
    """The last known rates of each of these tenants."""
    wanted = list(tenant_ids)

    def decoded(rows: Sequence[Mapping[Any, Any]]) -> dict[TenantId, list[FxRate]]:
        found: dict[TenantId, list[FxRate]] = {one: [] for one in wanted}
        for row in rows:
            rate = FxRate(base=row["base_currency"], quote=row["quote_currency"], rate=row["rate"], at=row["quoted_at"])
            found[row["tenant_id"]].append(rate)
        return found

    return Read(
        sql="ARRAY (SELECT r FROM fx_rates AS r WHERE r.tenant_id = ANY($1::uuid[]))",
        parameters=(wanted,),
        decode=decoded,
    )


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


async def watchable(session: BatchSession, tenant_id: TenantId, limit: int) -> list[Watchable]:
    """The instruments that a broker knows, the oldest first, with the demand for their market that is stored.

    A pair converts when the tenant has an account and an instrument of its two currencies.
    """
    rows = await session.fetch(
        """
        SELECT i.id, i.symbol, i.instrument_type, i.exchange, i.currency, i.broker_contract_id, i.underlying_symbol,
          EXISTS (SELECT FROM positions AS p WHERE p.tenant_id = $1 AND p.instrument_id = i.id
            AND (p.quantity <> 0 OR p.open_buy_quantity <> 0 OR p.open_sell_quantity <> 0)) AS is_traded,
          i.instrument_type = 'FOREX' AND EXISTS (SELECT FROM broker_accounts AS a WHERE a.tenant_id = $1
            AND a.is_active AND a.base_currency IN (i.currency, split_part(i.symbol, '.', 1))) AS converts,
          EXISTS (SELECT FROM market_data_subscriptions AS s WHERE s.tenant_id = $1 AND s.instrument_id = i.id
            AND s.is_active) AS is_subscribed
        FROM instruments AS i
        WHERE i.tenant_id = $1 AND i.is_active AND i.broker_contract_id ~ '^[0-9]{1,10}$'
        ORDER BY i.created_at, i.id LIMIT $2
        """,
        tenant_id,
        limit,
    )
    return [
        Watchable(
            contract=Contract(
                instrument_id=InstrumentId(row["id"]),
                contract_id=int(row["broker_contract_id"]),
                symbol=row["symbol"],
                instrument_type=InstrumentType(row["instrument_type"]),
                exchange=row["exchange"],
                currency=row["currency"],
                underlying_symbol=row["underlying_symbol"],
            ),
            is_traded=row["is_traded"],
            converts=row["converts"],
            is_subscribed=row["is_subscribed"],
        )
        for row in rows
    ]


async def count_ticks(session: BatchSession, tenant_id: TenantId, counts: Mapping[InstrumentId, LineCounts]) -> None:
    """Adds what came over lines to the subscriptions of their instruments."""
    ordered = sorted(counts.items())
    await session.execute(
        """
        UPDATE market_data_subscriptions AS s SET ticks_received = s.ticks_received + n.ticks, gaps = s.gaps + n.gaps,
          last_tick_at = greatest(s.last_tick_at, n.last_tick_at)
        FROM unnest($2::uuid[], $3::bigint[], $4::int[], $5::timestamptz[])
          AS n (instrument_id, ticks, gaps, last_tick_at)
        WHERE s.tenant_id = $1 AND s.instrument_id = n.instrument_id AND s.is_active
        """,
        tenant_id,
        [one for one, _ in ordered],
        [one.ticks for _, one in ordered],
        [one.gaps for _, one in ordered],
        [one.last_tick_at for _, one in ordered],
    )
