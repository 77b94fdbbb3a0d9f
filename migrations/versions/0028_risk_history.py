"""Samples of how full limits are, and what was at risk at the end of each day."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import policy
from migrations.policies.accounts import wall

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_TIME = postgresql.TIMESTAMP(timezone=True)
_NOTIONAL = sa.Numeric(48, 20)
_NUMERIC = sa.Numeric(28, 10)
_TABLES = ("risk_utilisation_samples", "value_at_risk_days")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _create_samples()
    _create_days()
    for table in _TABLES:
        for statement in policy(table).split(";\n"):
            if statement.strip():
                op.execute(statement)
        # A day of all accounts together tells what those came to that one may not see: it stays behind the wall.
        op.execute(wall(table))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in reversed(_TABLES):
        op.drop_table(table)


def _create_samples() -> None:
    op.create_table(
        "risk_utilisation_samples",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("limit_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("minute", _TIME, nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=True),
        sa.Column("ratio", _NUMERIC, nullable=False),
        sa.Column("used", _NOTIONAL, nullable=True),
        sa.Column("value", _NUMERIC, nullable=False),
        sa.Column("is_measured", sa.Boolean(), nullable=False),
        sa.CheckConstraint("ratio >= 0", name=op.f("ck_risk_utilisation_samples_ratio")),
        _refers("risk_utilisation_samples", "limit_id", "risk_limits"),
        _refers("risk_utilisation_samples", "account_id", "broker_accounts"),
        sa.PrimaryKeyConstraint(
            "tenant_id", "limit_id", "account_id", "minute", name=op.f("pk_risk_utilisation_samples")
        ),
    )
    op.create_index("ix_risk_utilisation_samples_minute", "risk_utilisation_samples", ["tenant_id", "minute"])


def _create_days() -> None:
    op.create_table(
        "value_at_risk_days",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("closed_at", _TIME, nullable=False),
        sa.Column("computed_at", _TIME, nullable=False),
        sa.Column("confidence", _NUMERIC, nullable=False),
        sa.Column("historical_var", _NOTIONAL, nullable=True),
        sa.Column("historical_shortfall", _NOTIONAL, nullable=True),
        sa.Column("historical_reason", sa.Text(), nullable=True),
        sa.Column("parametric_var", _NOTIONAL, nullable=True),
        sa.Column("parametric_shortfall", _NOTIONAL, nullable=True),
        sa.Column("parametric_reason", sa.Text(), nullable=True),
        sa.Column("observations", sa.Integer(), nullable=False),
        sa.Column("long", _NOTIONAL, nullable=False),
        sa.Column("short", _NOTIONAL, nullable=False),
        sa.Column("covered_gross", _NOTIONAL, nullable=False),
        sa.Column("positions", sa.Integer(), nullable=False),
        sa.Column("unvalued", sa.Integer(), nullable=False),
        sa.Column("uncovered", sa.Integer(), nullable=False),
        sa.Column("constant_currencies", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("oldest_price_at", _TIME, nullable=True),
        sa.Column("pnl", _NOTIONAL, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("mode IN ('LIVE', 'PAPER', 'SIM')", name=op.f("ck_value_at_risk_days_mode")),
        sa.CheckConstraint("confidence > 0 AND confidence < 1", name=op.f("ck_value_at_risk_days_confidence")),
        sa.CheckConstraint(
            "observations >= 0 AND positions >= 0 AND unvalued >= 0 AND uncovered >= 0",
            name=op.f("ck_value_at_risk_days_counts"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_value_at_risk_days_tenant_id")),
        _refers("value_at_risk_days", "account_id", "broker_accounts"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_value_at_risk_days")),
    )
    op.create_index(
        "ix_value_at_risk_days_account",
        "value_at_risk_days",
        ["tenant_id", "account_id", "day"],
        unique=True,
        postgresql_where=sa.text("account_id IS NOT NULL"),
    )
    op.create_index(
        "ix_value_at_risk_days_whole",
        "value_at_risk_days",
        ["tenant_id", "day", "mode", "currency"],
        unique=True,
        postgresql_where=sa.text("account_id IS NULL"),
    )


def _refers(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column], [f"{other}.tenant_id", f"{other}.id"], name=op.f(f"fk_{table}_tenant_id_{column}")
    )
