"""The tables of samples of utilisation and of what was at risk at the end of each day."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from app.infra.tables import NOTIONAL, numeric_column, one_of, refers, text_column, time_column, uuid_column
from app.risk.domain import AccountMode

_ACCOUNT = ["tenant_id", "account_id"]


class RiskUtilisationSampleRow(SQLModel, table=True):
    """The fullest that an account made a limit within a minute; only where it differs from the one before."""

    __tablename__ = "risk_utilisation_samples"
    __table_args__ = (
        refers(["tenant_id", "limit_id"], "risk_limits", ["tenant_id", "id"]),
        refers(_ACCOUNT, "broker_accounts", ["tenant_id", "id"]),
        CheckConstraint("ratio >= 0", name="ratio"),
        # What is old goes by it.
        Index("ix_risk_utilisation_samples_minute", "tenant_id", "minute"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    limit_id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column(primary_key=True)
    minute: datetime = time_column(primary_key=True)
    instrument_id: UUID | None = uuid_column(nullable=True)
    ratio: Decimal = numeric_column()
    used: Decimal | None = Field(sa_type=NOTIONAL, nullable=True)
    value: Decimal = numeric_column()
    is_measured: bool


class ValueAtRiskDayRow(SQLModel, table=True):
    """What was at risk at the end of a trading day, of an account or of all of a mode and a currency."""

    __tablename__ = "value_at_risk_days"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        refers(_ACCOUNT, "broker_accounts", ["tenant_id", "id"]),
        one_of("mode", AccountMode),
        CheckConstraint("confidence > 0 AND confidence < 1", name="confidence"),
        CheckConstraint("observations >= 0 AND positions >= 0 AND unvalued >= 0 AND uncovered >= 0", name="counts"),
        Index(
            "ix_value_at_risk_days_account",
            "tenant_id",
            "account_id",
            "day",
            unique=True,
            postgresql_where=text("account_id IS NOT NULL"),
        ),
        Index(
            "ix_value_at_risk_days_whole",
            "tenant_id",
            "day",
            "mode",
            "currency",
            unique=True,
            postgresql_where=text("account_id IS NULL"),
        ),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    account_id: UUID | None = uuid_column(nullable=True)
    mode: str = text_column()
    currency: str = text_column()
    day: date
    closed_at: datetime = time_column()
    computed_at: datetime = time_column()
    confidence: Decimal = numeric_column()
    historical_var: Decimal | None = Field(sa_type=NOTIONAL, nullable=True)
    historical_shortfall: Decimal | None = Field(sa_type=NOTIONAL, nullable=True)
    historical_reason: str | None = text_column(nullable=True)
    parametric_var: Decimal | None = Field(sa_type=NOTIONAL, nullable=True)
    parametric_shortfall: Decimal | None = Field(sa_type=NOTIONAL, nullable=True)
    parametric_reason: str | None = text_column(nullable=True)
    observations: int
    long: Decimal = Field(sa_type=NOTIONAL)
    short: Decimal = Field(sa_type=NOTIONAL)
    covered_gross: Decimal = Field(sa_type=NOTIONAL)
    positions: int
    unvalued: int
    uncovered: int
    constant_currencies: list[str] = Field(sa_type=ARRAY(Text))
    oldest_price_at: datetime | None = time_column(nullable=True)
    pnl: Decimal | None = Field(sa_type=NOTIONAL, nullable=True)
    reason: str | None = text_column(nullable=True)
