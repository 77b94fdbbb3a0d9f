"""The tables of versions of limits, of changes that wait for a second person, and of drills."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.infra.tables import json_column, one_of, refers, text_column, time_column, uuid_column
from app.risk.keeping.domain.changes import DrillOutcome, LimitAction, ProposalState


class RiskLimitVersionRow(SQLModel, table=True):
    """A version of a limit, never changed. account_id is that of the limit after, or before where it was deleted."""

    __tablename__ = "risk_limit_versions"
    __table_args__ = (
        refers(["tenant_id", "limit_id"], "risk_limits", ["tenant_id", "id"]),
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
        one_of("action", LimitAction),
        CheckConstraint("(action = 'DELETED') = (after IS NULL)", name="after"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    limit_id: UUID = uuid_column(primary_key=True)
    version: int = Field(primary_key=True)
    account_id: UUID | None = uuid_column(nullable=True)
    action: str = text_column()
    before: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True), nullable=True)
    after: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True), nullable=True)
    changed_by: str = text_column()
    approved_by: str | None = text_column(nullable=True)
    proposal_id: UUID | None = uuid_column(nullable=True)
    reason: str | None = text_column(nullable=True)
    recorded_at: datetime = time_column()


class RiskLimitProposalRow(SQLModel, table=True):
    """A change of a limit that counts when a second person approves it."""

    __tablename__ = "risk_limit_proposals"
    __table_args__ = (
        refers(["tenant_id", "limit_id"], "risk_limits", ["tenant_id", "id"]),
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
        one_of("state", ProposalState),
        CheckConstraint("(state = 'PENDING') = (decided_at IS NULL)", name="decided"),
        Index("ix_risk_limit_proposals_open", "tenant_id", "limit_id", postgresql_where=text("state = 'PENDING'")),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    limit_id: UUID = uuid_column()
    account_id: UUID | None = uuid_column(nullable=True)
    base_version: int
    before: dict[str, Any] = json_column()
    wanted: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True), nullable=True)
    why: list[str] = json_column()
    reason: str | None = text_column(nullable=True)
    proposed_by: str = text_column()
    created_at: datetime = time_column()
    expires_at: datetime = time_column()
    state: str = text_column()
    decided_by: str | None = text_column(nullable=True)
    decided_at: datetime | None = time_column(nullable=True)
    decision_reason: str | None = text_column(nullable=True)


class RiskLimitDrillRow(SQLModel, table=True):
    """The last drill of a limit. account_id is the account that it was held against, None where there was none."""

    __tablename__ = "risk_limit_drills"
    __table_args__ = (
        refers(["tenant_id", "limit_id"], "risk_limits", ["tenant_id", "id"]),
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
        one_of("outcome", DrillOutcome),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    limit_id: UUID = uuid_column(primary_key=True)
    account_id: UUID | None = uuid_column(nullable=True)
    limit_version: int
    outcome: str = text_column()
    message: str = text_column()
    drilled_by: str = text_column()
    drilled_at: datetime = time_column()
