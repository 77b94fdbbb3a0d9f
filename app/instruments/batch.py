"""Set-based SQL of instruments for the hot paths."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.core.fix import InstrumentType, OptionRight
from app.core.ids import InstrumentId, TenantId
from app.core.messages import Instrument
from app.infra.db import BatchSession
from app.instruments.domain import bands_document, bands_of, hours_document, hours_of


def instrument_from_row(row: Mapping[str, Any]) -> Instrument:
    """The instrument of a row of `instruments`."""
    kind, currency, right = InstrumentType(row["instrument_type"]), row["currency"], row["option_right"]
    underlying = row["underlying_contract_id"]
    return Instrument(
        id=row["id"],
        symbol=row["symbol"],
        name=row["name"],
        exchange=row["exchange"],
        currency=currency,
        instrument_type=kind,
        multiplier=row["multiplier"],
        tick_size=row["tick_size"],
        lot_size=row["lot_size"],
        contract_id=int(row["broker_contract_id"]) if row["broker_contract_id"] else None,
        details=row["contract_details"],
        is_active=row["is_active"],
        price_bands=bands_of(row["price_bands"]),
        hours=hours_of(row["trading_hours"], kind, currency),
        expires_on=row["expires_on"],
        strike=row["strike"],
        option_right=None if right is None else OptionRight(right),
        underlying_symbol=row["underlying_symbol"],
        underlying_contract_id=None if underlying is None else int(underlying),
        described_at=row["described_at"],
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


async def known_to_brokers(session: BatchSession, tenant_id: TenantId, limit: int) -> list[Instrument]:
    """The active instruments with a contract, those first that the broker was not asked about for the longest."""
    rows = await session.fetch(
        """
        SELECT * FROM instruments
        WHERE tenant_id = $1 AND is_active AND broker_contract_id ~ '^[0-9]{1,10}$'
        ORDER BY described_at NULLS FIRST, created_at, id LIMIT $2
        """,
        tenant_id,
        limit,
    )
    return [instrument_from_row(row) for row in rows]


async def of_name(
    session: BatchSession, tenant_id: TenantId, symbol: str, exchange: str, currency: str
) -> Instrument | None:
    """The instrument of exactly this name, whatever its contract."""
    rows = await session.fetch(
        "SELECT * FROM instruments WHERE tenant_id = $1 AND symbol = $2 AND exchange = $3 AND currency = $4",
        tenant_id,
        symbol,
        exchange,
        currency,
    )
    return instrument_from_row(rows[0]) if rows else None


_COLUMNS = """symbol, name, exchange, currency, instrument_type, multiplier, tick_size, lot_size, broker_contract_id,
  contract_details, is_active, price_bands, trading_hours, expires_on, strike, option_right, underlying_symbol,
  underlying_contract_id, described_at"""

_GIVEN = """unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::numeric[],
  $10::numeric[], $11::numeric[], $12::text[], $13::jsonb[], $14::boolean[], $15::jsonb[], $16::jsonb[],
  $17::date[], $18::numeric[], $19::text[], $20::text[], $21::text[], $22::timestamptz[])"""


async def insert_missing(session: BatchSession, tenant_id: TenantId, new: Sequence[Instrument], now: datetime) -> None:
    """Stores the instruments that the tenant has not: none of the same name, and none of the same contract."""
    await session.execute(
        f"""
        INSERT INTO instruments (tenant_id, created_at, id, {_COLUMNS})
        SELECT $1::uuid, $2::timestamptz, n.* FROM {_GIVEN} AS n
        ON CONFLICT DO NOTHING
        """,
        tenant_id,
        now,
        *_columns(new),
    )


async def restate(session: BatchSession, tenant_id: TenantId, changed: Sequence[Instrument], now: datetime) -> None:
    """Stores instruments anew that the tenant has. One that another switched off meanwhile stays so."""
    await session.execute(
        f"""
        UPDATE instruments AS held SET (name, currency, instrument_type, multiplier, tick_size, lot_size,
          broker_contract_id, contract_details, is_active, price_bands, trading_hours, expires_on, strike,
          option_right, underlying_symbol, underlying_contract_id, described_at)
          = (n.name, n.currency, n.instrument_type, n.multiplier, n.tick_size, n.lot_size, n.broker_contract_id,
          n.contract_details, held.is_active AND n.is_active, n.price_bands, n.trading_hours, n.expires_on, n.strike,
          n.option_right, n.underlying_symbol, n.underlying_contract_id, coalesce(n.described_at, $2::timestamptz))
        FROM {_GIVEN} AS n (id, {_COLUMNS})
        WHERE held.tenant_id = $1::uuid AND held.id = n.id
        """,
        tenant_id,
        now,
        *_columns(changed),
    )


def _columns(instruments: Sequence[Instrument]) -> list[list[Any]]:
    return [
        [one.id for one in instruments],
        [one.symbol for one in instruments],
        [one.name for one in instruments],
        [one.exchange for one in instruments],
        [one.currency for one in instruments],
        [one.instrument_type for one in instruments],
        [one.multiplier for one in instruments],
        [one.tick_size for one in instruments],
        [one.lot_size for one in instruments],
        [_text(one.contract_id) for one in instruments],
        [one.details for one in instruments],
        [one.is_active for one in instruments],
        [bands_document(one.price_bands) for one in instruments],
        [hours_document(one.hours) for one in instruments],
        [one.expires_on for one in instruments],
        [one.strike for one in instruments],
        [one.option_right for one in instruments],
        [one.underlying_symbol for one in instruments],
        [_text(one.underlying_contract_id) for one in instruments],
        [one.described_at for one in instruments],
    ]


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
