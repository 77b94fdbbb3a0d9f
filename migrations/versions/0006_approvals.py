"""Policies of approval and the requests of orders that met one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import policy

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLES = ("approval_policies", "order_approvals")


def upgrade() -> None:
    op.create_table(
        "approval_policies",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("strategy_id", sa.Uuid(), nullable=True),
        sa.Column("notional", sa.Numeric(precision=28, scale=10), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("hours", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("expiry_s", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "notional >= 0 AND notional < 'Infinity'::numeric", name=op.f("ck_approval_policies_notional")
        ),
        sa.CheckConstraint("(notional IS NULL) = (currency IS NULL)", name=op.f("ck_approval_policies_currency")),
        sa.CheckConstraint("expiry_s > 0", name=op.f("ck_approval_policies_expiry_s")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_approval_policies_tenant_id")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["broker_accounts.tenant_id", "broker_accounts.id"],
            name=op.f("fk_approval_policies_tenant_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_approval_policies")),
    )
    op.create_table(
        "order_approvals",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("requested_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decider", sa.Uuid(), nullable=True),
        sa.Column("decided_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "decision IN ('APPROVED', 'REFUSED', 'EXPIRED', 'CANCELED')", name=op.f("ck_order_approvals_decision")
        ),
        sa.CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name=op.f("ck_order_approvals_decided")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_order_approvals_tenant_id_order_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "order_id", "policy_id", name=op.f("pk_order_approvals")),
    )
    op.create_index(
        "ix_order_approvals_open",
        "order_approvals",
        ["tenant_id", "expires_at"],
        unique=False,
        postgresql_where=sa.text("decision IS NULL"),
    )
    for table in _TABLES:
        for statement in policy(table).split(";\n"):
            if statement.strip():
                op.execute(statement)


def downgrade() -> None:
    op.drop_index("ix_order_approvals_open", table_name="order_approvals", postgresql_where=sa.text("decision IS NULL"))
    op.drop_table("order_approvals")
    op.drop_table("approval_policies")
