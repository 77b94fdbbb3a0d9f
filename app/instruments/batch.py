"""Set-based SQL of instruments for the hot paths."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.core.fix import InstrumentType
from app.core.ids import InstrumentId, TenantId
from app.core.messages import Instrument
from app.infra.db import BatchSession


def instrument_from_row(row: Mapping[str, Any]) -> Instrument:
    """The instrument of a row of `instruments`."""
    return Instrument(
        id=row["id"],
        symbol=row["symbol"],
        name=row["name"],
        exchange=row["exchange"],
        currency=row["currency"],
        instrument_type=InstrumentType(row["instrument_type"]),
        multiplier=row["multiplier"],
        tick_size=row["tick_size"],
        lot_size=row["lot_size"],
        contract_id=int(row["broker_contract_id"]) if row["broker_contract_id"] else None,
        details=row["contract_details"],
        is_active=row["is_active"],
    )


async def find(
    session: BatchSession,
    *,
    ids: Sequence[tuple[TenantId, InstrumentId]] = (),
    symbols: Sequence[tuple[TenantId, str]] = (),
    contract_ids: Sequence[tuple[TenantId, str]] = (),
) -> list[tuple[TenantId, Instrument]]:
    """The instruments that bear one of these names, each with its tenant."""
    rows = await session.fetch(
        """
        SELECT * FROM instruments WHERE (tenant_id, id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))
        UNION ALL SELECT * FROM instruments WHERE (tenant_id, symbol) IN (SELECT * FROM unnest($3::uuid[], $4::text[]))
        UNION ALL SELECT * FROM instruments
          WHERE (tenant_id, broker_contract_id) IN (SELECT * FROM unnest($5::uuid[], $6::text[]))
        """,
        [tenant_id for tenant_id, _ in ids],
        [instrument_id for _, instrument_id in ids],
        [tenant_id for tenant_id, _ in symbols],
        [symbol for _, symbol in symbols],
        [tenant_id for tenant_id, _ in contract_ids],
        [contract_id for _, contract_id in contract_ids],
    )
    return [(row["tenant_id"], instrument_from_row(row)) for row in rows]


async def currency_pairs(session: BatchSession, tenant_id: TenantId, limit: int) -> list[Instrument]:
    """The currency pairs of the tenant, by symbol: what exchange rates come from."""
    rows = await session.fetch(
        """
        SELECT * FROM instruments WHERE tenant_id = $1 AND instrument_type = 'FOREX' AND is_active
        ORDER BY symbol, id LIMIT $2
        """,
        tenant_id,
        limit,
    )
    return [instrument_from_row(row) for row in rows]


async def insert_missing(session: BatchSession, tenant_id: TenantId, new: Sequence[Instrument], now: datetime) -> None:
    """Stores the instruments that the tenant has not."""
    await session.execute(
        """
        INSERT INTO instruments (tenant_id, id, symbol, name, exchange, currency, instrument_type, multiplier,
          tick_size, lot_size, broker_contract_id, contract_details, is_active, created_at)
        SELECT $1::uuid, n.*, true, $2::timestamptz FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[],
          $7::text[], $8::text[], $9::numeric[], $10::numeric[], $11::numeric[], $12::text[], $13::jsonb[]) AS n
        ON CONFLICT (tenant_id, symbol, exchange, currency) DO NOTHING
        """,
        tenant_id,
        now,
        [instrument.id for instrument in new],
        [instrument.symbol for instrument in new],
        [instrument.name for instrument in new],
        [instrument.exchange for instrument in new],
        [instrument.currency for instrument in new],
        [instrument.instrument_type for instrument in new],
        [instrument.multiplier for instrument in new],
        [instrument.tick_size for instrument in new],
        [instrument.lot_size for instrument in new],
        [None if instrument.contract_id is None else str(instrument.contract_id) for instrument in new],
        [instrument.details for instrument in new],
    )
