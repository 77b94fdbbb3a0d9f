"""The table of instruments."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.core.fix import InstrumentType, OptionRight
from app.infra.tables import NUMERIC, json_column, numeric_column, one_of, refers, text_column, time_column, uuid_column


class InstrumentRow(SQLModel, table=True):
    """One instrument of a tenant."""

    __tablename__ = "instruments"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        UniqueConstraint("tenant_id", "symbol", "exchange", "currency"),
        Index(
            "ix_instruments_contract",
            "tenant_id",
            "broker_contract_id",
            unique=True,
            postgresql_where=text("broker_contract_id IS NOT NULL"),
        ),
        one_of("instrument_type", InstrumentType),
        one_of("option_right", OptionRight),
        CheckConstraint("tick_size > 0 AND lot_size > 0 AND multiplier > 0", name="grid"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    symbol: str = text_column()
    name: str = text_column()
    exchange: str = text_column()
    currency: str = text_column()
    instrument_type: str = text_column()
    multiplier: Decimal = numeric_column()
    tick_size: Decimal = numeric_column()
    lot_size: Decimal = numeric_column()
    broker_contract_id: str | None = text_column(nullable=True)
    contract_details: dict[str, Any] = json_column()
    is_active: bool = True
    created_at: datetime = time_column()
    expires_on: date | None = Field(default=None, sa_type=Date)
    strike: Decimal | None = Field(default=None, sa_type=NUMERIC)
    option_right: str | None = text_column(default=None, nullable=True)
    underlying_symbol: str | None = text_column(default=None, nullable=True)
    underlying_contract_id: str | None = text_column(default=None, nullable=True)
    price_bands: dict[str, str] = json_column(default_factory=dict, sa_column_kwargs={"server_default": text("'{}'")})
    trading_hours: dict[str, Any] | None = json_column(default=None, nullable=True)
    described_at: datetime | None = time_column(default=None, nullable=True)
