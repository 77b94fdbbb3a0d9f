"""The tables of halts and kill switches."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid
from sqlmodel import Field, SQLModel

from app.core.trading_modes import HaltScope, TradingMode
from app.infra.tables import json_column, one_of, refers, text_column, time_column, uuid_column
from app.risk.halts.domain import KillStep

_TARGET = (
    "(scope = 'ACCOUNT') = (account_id IS NOT NULL) AND (scope = 'STRATEGY') = (strategy_id IS NOT NULL) "
    "AND (scope = 'INSTRUMENT') = (instrument_id IS NOT NULL)"
)


class TradingHaltRow(SQLModel, table=True):
    """A halt; in force until resumed_at."""

    __tablename__ = "trading_halts"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
        refers(["tenant_id", "instrument_id"], "instruments", ["tenant_id", "id"]),
        one_of("scope", HaltScope),
        one_of("mode", TradingMode),
        CheckConstraint(_TARGET, name="target"),
        CheckConstraint("mode <> 'ACTIVE'", name="halts"),
        CheckConstraint(
            "(resumed_at IS NULL) = (resumed_by IS NULL) AND (resumed_at IS NULL) = (resume_reason IS NULL)",
            name="resumed",
        ),
        Index("ix_trading_halts_in_force", "tenant_id", postgresql_where=text("resumed_at IS NULL")),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    scope: str = text_column()
    account_id: UUID | None = uuid_column(nullable=True)
    strategy_id: UUID | None = uuid_column(nullable=True)
    instrument_id: UUID | None = uuid_column(nullable=True)
    mode: str = text_column()
    reason: str = text_column()
    is_automatic: bool = Field(sa_type=Boolean)
    is_kill_switch: bool = Field(sa_type=Boolean)
    halted_by: str = text_column()
    halted_at: datetime = time_column()
    resumed_by: str | None = text_column(nullable=True)
    resumed_at: datetime | None = time_column(nullable=True)
    resume_reason: str | None = text_column(nullable=True)


class KillSwitchRow(SQLModel, table=True):
    """An activation of the kill switch; it runs until finished_at."""

    __tablename__ = "kill_switches"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
        refers(["tenant_id", "instrument_id"], "instruments", ["tenant_id", "id"]),
        refers(["tenant_id", "halt_id"], "trading_halts", ["tenant_id", "id"]),
        one_of("scope", HaltScope),
        CheckConstraint(_TARGET, name="target"),
        CheckConstraint("is_drill = (halt_id IS NULL)", name="drill"),
        Index("ix_kill_switches_running", "tenant_id", postgresql_where=text("finished_at IS NULL")),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    halt_id: UUID | None = uuid_column(nullable=True)
    scope: str = text_column()
    account_id: UUID | None = uuid_column(nullable=True)
    strategy_id: UUID | None = uuid_column(nullable=True)
    instrument_id: UUID | None = uuid_column(nullable=True)
    reason: str = text_column()
    closes_positions: bool = Field(sa_type=Boolean)
    is_drill: bool = Field(sa_type=Boolean)
    activated_by: str = text_column()
    activated_at: datetime = time_column()
    barred_at: datetime | None = time_column(nullable=True)
    finished_at: datetime | None = time_column(nullable=True)


class KillSwitchAccountRow(SQLModel, table=True):
    """What a kill switch does in one account, and how far it has come."""

    __tablename__ = "kill_switch_accounts"
    __table_args__ = (
        refers(["tenant_id", "kill_switch_id"], "kill_switches", ["tenant_id", "id"]),
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
        one_of("step", KillStep),
        CheckConstraint("(step = 'DONE') = (finished_at IS NOT NULL)", name="finished"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    kill_switch_id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column(primary_key=True)
    step: str = text_column()
    order_ids: list[UUID] = Field(sa_type=ARRAY(Uuid))
    close_ids: list[UUID] = Field(sa_type=ARRAY(Uuid))
    positions_closing: int
    attempts: int
    errors: list[dict[str, Any]] = json_column()
    started_at: datetime | None = time_column(nullable=True)
    asked_at: datetime | None = time_column(nullable=True)
    finished_at: datetime | None = time_column(nullable=True)
