"""The tables of breaches, circuit breakers, their trips, and how far each account was watched."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from app.core.fix import RiskLimitType
from app.core.trading_modes import TradingMode
from app.infra.tables import (
    NOTIONAL,
    TIMESTAMPTZ,
    json_column,
    numeric_column,
    one_of,
    refers,
    text_column,
    time_column,
    uuid_column,
)
from app.risk.monitoring.domain.breakers import BreakerKind
from app.risk.monitoring.domain.watch import Level

_ACCOUNT = ["tenant_id", "account_id"]


class RiskBreachRow(SQLModel, table=True):
    """One time that a limit was at a level with an account; open until cleared_at."""

    __tablename__ = "risk_breaches"
    __table_args__ = (
        refers(["tenant_id", "limit_id"], "risk_limits", ["tenant_id", "id"]),
        refers(_ACCOUNT, "broker_accounts", ["tenant_id", "id"]),
        one_of("limit_type", RiskLimitType),
        one_of("level", Level),
        CheckConstraint("level <> 'CLEAR'", name="open"),
        CheckConstraint("refusals >= 0", name="refusals"),
        CheckConstraint("(acknowledged_at IS NULL) = (acknowledged_by IS NULL)", name="acknowledged"),
        Index(
            "ix_risk_breaches_open",
            "tenant_id",
            "limit_id",
            "account_id",
            unique=True,
            postgresql_where=text("cleared_at IS NULL"),
        ),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    limit_id: UUID = uuid_column()
    limit_version: int
    limit_type: str = text_column()
    account_id: UUID = uuid_column()
    instrument_id: UUID | None = uuid_column(nullable=True)
    level: str = text_column()
    observed: Decimal = Field(sa_type=NOTIONAL)
    value: Decimal = numeric_column()
    ratio: Decimal = numeric_column()
    peak_observed: Decimal = Field(sa_type=NOTIONAL)
    peak_ratio: Decimal = numeric_column()
    opened_at: datetime = time_column()
    refusals: int
    last_refused_at: datetime | None = time_column(nullable=True)
    cleared_at: datetime | None = time_column(nullable=True)
    acknowledged_by: str | None = text_column(nullable=True)
    acknowledged_at: datetime | None = time_column(nullable=True)
    note: str | None = text_column(nullable=True)


class CircuitBreakerRow(SQLModel, table=True):
    """A circuit breaker; it stays when it was deleted, for its trips name it."""

    __tablename__ = "circuit_breakers"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        refers(_ACCOUNT, "broker_accounts", ["tenant_id", "id"]),
        one_of("kind", BreakerKind),
        one_of("mode", TradingMode),
        CheckConstraint("mode <> 'ACTIVE'", name="halts"),
        CheckConstraint("threshold > 0 AND threshold < 'Infinity'::numeric", name="threshold"),
        CheckConstraint("window_s > 0 AND minimum > 0 AND cooldown_s >= 0", name="times"),
        CheckConstraint("deleted_at IS NULL OR NOT is_active", name="deleted"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    kind: str = text_column()
    account_id: UUID | None = uuid_column(nullable=True)
    threshold: Decimal = numeric_column()
    currency: str | None = text_column(nullable=True)
    mode: str = text_column()
    window_s: int
    minimum: int
    cooldown_s: int
    is_active: bool
    version: int
    updated_by: str = text_column()
    updated_at: datetime = time_column()
    deleted_at: datetime | None = time_column(nullable=True)
    proposal: dict[str, Any] | None = json_column(nullable=True)
    blind_accounts: list[UUID] = Field(sa_type=ARRAY(Uuid), sa_column_kwargs={"server_default": text("'{}'")})
    blind_since: datetime | None = time_column(nullable=True)


class CircuitBreakerTripRow(SQLModel, table=True):
    """One time that a breaker halted."""

    __tablename__ = "circuit_breaker_trips"
    __table_args__ = (
        refers(["tenant_id", "breaker_id"], "circuit_breakers", ["tenant_id", "id"]),
        refers(["tenant_id", "halt_id"], "trading_halts", ["tenant_id", "id"]),
        refers(_ACCOUNT, "broker_accounts", ["tenant_id", "id"]),
        one_of("kind", BreakerKind),
        Index("ix_circuit_breaker_trips_breaker", "tenant_id", "breaker_id", "id"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    breaker_id: UUID = uuid_column()
    breaker_version: int
    kind: str = text_column()
    account_id: UUID | None = uuid_column(nullable=True)
    threshold: Decimal = numeric_column()
    observed: Decimal = Field(sa_type=NOTIONAL)
    reason: str = text_column()
    halt_id: UUID = uuid_column()
    tripped_at: datetime = time_column()


class RiskWatchPlaceRow(SQLModel, table=True):
    """How far an account was watched: the place of its event log, and how its connection came and went."""

    __tablename__ = "risk_watch_places"
    __table_args__ = (refers(_ACCOUNT, "broker_accounts", ["tenant_id", "id"]),)

    tenant_id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column(primary_key=True)
    seen: int = Field(sa_type=BigInteger)
    connected_since: datetime | None = time_column(nullable=True)
    disconnects: list[datetime] = Field(sa_type=ARRAY(TIMESTAMPTZ))
