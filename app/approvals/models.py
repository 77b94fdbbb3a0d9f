"""The tables of policies and of requests for approval."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.approvals.domain import ApprovalDecision
from app.infra.tables import json_column, numeric_column, one_of, refers, text_column, time_column, uuid_column


class ApprovalPolicyRow(SQLModel, table=True):
    """A policy of a tenant, narrowed to an account or a strategy where it names one."""

    __tablename__ = "approval_policies"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
        CheckConstraint("notional >= 0 AND notional < 'Infinity'::numeric", name="notional"),
        CheckConstraint("(notional IS NULL) = (currency IS NULL)", name="currency"),
        CheckConstraint("expiry_s > 0", name="expiry_s"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    account_id: UUID | None = uuid_column(nullable=True)
    strategy_id: UUID | None = uuid_column(nullable=True)
    notional: Decimal | None = numeric_column(nullable=True)
    currency: str | None = text_column(nullable=True)
    hours: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True), nullable=True)
    expiry_s: int
    is_active: bool = True
    version: int = 1
    author: str = text_column()
    reason: str | None = text_column(nullable=True)
    created_at: datetime = time_column()
    updated_at: datetime = time_column()


class OrderApprovalRow(SQLModel, table=True):
    """A policy that an order met, and what became of the request. It outlives the policy."""

    __tablename__ = "order_approvals"
    __table_args__ = (
        refers(["tenant_id", "order_id"], "orders", ["tenant_id", "id"]),
        one_of("decision", ApprovalDecision),
        CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="decided"),
        Index("ix_order_approvals_open", "tenant_id", "expires_at", postgresql_where=text("decision IS NULL")),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    order_id: UUID = uuid_column(primary_key=True)
    policy_id: UUID = uuid_column(primary_key=True)
    policy_version: int
    reasons: list[str] = json_column()
    requested_at: datetime = time_column()
    expires_at: datetime = time_column()
    decision: str | None = text_column(nullable=True)
    decided_by: str | None = text_column(nullable=True)
    decider: UUID | None = uuid_column(nullable=True)
    decided_at: datetime | None = time_column(nullable=True)
    decision_reason: str | None = text_column(nullable=True)
