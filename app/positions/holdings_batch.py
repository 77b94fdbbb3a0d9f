"""Set-based SQL of what is held, with the terms of the instruments and of what they are derived from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.core.fix import InstrumentType, OptionRight
from app.core.ids import AccountId, InstrumentId, TenantId
from app.infra.db import BatchSession


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldTerms:
    """What an account holds of an instrument, and what the instrument is.

    industry is the broker's word for that of the instrument, or else of what it is on, which underlying_id names where
    the tenant has it.
    """

    account_id: AccountId
    instrument_id: InstrumentId
    symbol: str
    instrument_type: InstrumentType
    currency: str
    multiplier: Decimal
    quantity: Decimal
    industry: str | None
    strike: Decimal | None
    option_right: OptionRight | None
    expires_on: date | None
    underlying_id: InstrumentId | None


async def held_terms(
    session: BatchSession, tenant_id: TenantId, account_ids: Sequence[AccountId], limit: int
) -> list[HeldTerms]:
    """What the accounts hold, by account and instrument."""
    rows = await session.fetch(
        """
        SELECT p.account_id, p.instrument_id, p.quantity, i.symbol, i.instrument_type, i.currency, i.multiplier,
          i.strike, i.option_right, i.expires_on, u.id AS underlying_id,
          coalesce(nullif(i.contract_details ->> 'industry', ''), u.contract_details ->> 'industry') AS industry
        FROM positions AS p
        JOIN instruments AS i ON i.tenant_id = p.tenant_id AND i.id = p.instrument_id
        LEFT JOIN LATERAL (
          SELECT id, contract_details FROM instruments AS one
          WHERE one.tenant_id = $1 AND one.broker_contract_id = i.underlying_contract_id OFFSET 0
        ) AS u ON true
        WHERE p.tenant_id = $1 AND p.account_id = ANY($2::uuid[]) AND p.quantity <> 0
        ORDER BY p.account_id, p.instrument_id LIMIT $3
        """,
        tenant_id,
        list(account_ids),
        limit,
    )
    return [
        HeldTerms(
            account_id=row["account_id"],
            instrument_id=row["instrument_id"],
            symbol=row["symbol"],
            instrument_type=InstrumentType(row["instrument_type"]),
            currency=row["currency"],
            multiplier=row["multiplier"],
            quantity=row["quantity"],
            industry=row["industry"] or None,
            strike=row["strike"],
            option_right=None if row["option_right"] is None else OptionRight(row["option_right"]),
            expires_on=row["expires_on"],
            underlying_id=row["underlying_id"],
        )
        for row in rows
    ]


async def held_instruments(session: BatchSession, tenant_id: TenantId, limit: int) -> list[InstrumentId]:
    """What any account of the tenant holds, and what the options among it are on, as far as the tenant has that."""
    rows = await session.fetch(
        """
        WITH held AS MATERIALIZED (
          SELECT DISTINCT instrument_id AS id FROM positions WHERE tenant_id = $1 AND quantity <> 0
        )
        SELECT id FROM held
        UNION
        SELECT u.id FROM held
        JOIN instruments AS i ON i.tenant_id = $1 AND i.id = held.id
        JOIN instruments AS u ON u.tenant_id = $1 AND u.broker_contract_id = i.underlying_contract_id
        ORDER BY id LIMIT $2
        """,
        tenant_id,
        limit,
    )
    return [InstrumentId(row["id"]) for row in rows]
