"""The table of limits."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from app.core.fix import RiskLimitType
from app.infra.tables import json_column, numeric_column, one_of, refers, text_column, time_column, uuid_column


class RiskLimitRow(SQLModel, table=True):
    """A limit of a tenant, narrowed to an account, a strategy or an instrument where it names one."""

    __tablename__ = "risk_limits"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
        refers(["tenant_id", "instrument_id"], "instruments", ["tenant_id", "id"]),
        one_of("limit_type", RiskLimitType),
        CheckConstraint("value >= 0", name="value"),
        CheckConstraint("warn_at > 0 AND warn_at <= 1", name="warn_at"),
        CheckConstraint("effective_until > effective_from", name="period"),
        Index("ix_risk_limits_tenant", "tenant_id"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    limit_type: str = text_column()
    value: Decimal | None = numeric_column(nullable=True)
    currency: str | None = text_column(nullable=True)
    conditions: dict[str, Any] = json_column()
    account_id: UUID | None = uuid_column(nullable=True)
    instrument_id: UUID | None = uuid_column(nullable=True)
    is_active: bool = True
    version: int = 1
    created_by: str = text_column()
    created_at: datetime = time_column()
    updated_at: datetime = time_column()
    strategy_id: UUID | None = uuid_column(nullable=True)
    is_shadow: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    warn_at: Decimal | None = numeric_column(nullable=True)
    effective_from: datetime | None = time_column(nullable=True)
    effective_until: datetime | None = time_column(nullable=True)
