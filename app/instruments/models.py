"""The table of instruments."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import SQLModel

from app.core.fix import InstrumentType
from app.infra.tables import json_column, numeric_column, one_of, refers, text_column, time_column, uuid_column


class InstrumentRow(SQLModel, table=True):
    """One instrument of a tenant."""

    __tablename__ = "instruments"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        UniqueConstraint("tenant_id", "symbol", "exchange", "currency"),
        one_of("instrument_type", InstrumentType),
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
