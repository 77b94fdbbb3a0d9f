"""Comparisons of our books with the brokers', and the breaks that they found."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import policy

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TIME = postgresql.TIMESTAMP(timezone=True)
_TABLES = ("reconciliations", "reconciliation_breaks")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "reconciliations",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("occasion", sa.Text(), nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("finished_at", _TIME, nullable=False),
        sa.Column("orders_checked", sa.Integer(), nullable=False),
        sa.Column("positions_checked", sa.Integer(), nullable=False),
        sa.Column("positions_in_flight", sa.Integer(), nullable=False),
        sa.Column("executions_imported", sa.Integer(), nullable=False),
        sa.Column("breaks_open", sa.Integer(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "occasion IN ('CONNECT', 'RECONNECT', 'DEMAND', 'SWEEP')", name=op.f("ck_reconciliations_occasion")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["broker_accounts.tenant_id", "broker_accounts.id"],
            name=op.f("fk_reconciliations_tenant_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_reconciliations")),
    )
    op.create_index("ix_reconciliations_account", "reconciliations", ["tenant_id", "account_id", "id"])
    _create_breaks()
    for table in _TABLES:
        for statement in policy(table).split(";\n"):
            if statement.strip():
                op.execute(statement)


def _create_breaks() -> None:
    op.create_table(
        "reconciliation_breaks",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("reconciliation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("difference", sa.Text(), nullable=False),
        sa.Column("ours", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("broker", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("instrument_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("is_freezing", sa.Boolean(), nullable=False),
        sa.Column("is_muted", sa.Boolean(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("adjustment_id", sa.Uuid(), nullable=True),
        sa.Column("found_at", _TIME, nullable=False),
        sa.Column("last_seen_at", _TIME, nullable=False),
        sa.Column("snapshot_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.CheckConstraint(
            "kind IN ('POSITION_QUANTITY', 'UNKNOWN_INSTRUMENT', 'AVERAGE_COST', 'ORDER_UNKNOWN_AT_BROKER', "
            "'ORDER_UNKNOWN_TO_US', 'EXTERNAL_ORDER', 'COMMISSION_MISSING')",
            name=op.f("ck_reconciliation_breaks_kind"),
        ),
        sa.CheckConstraint(
            "severity IN ('NOTICE', 'WARNING', 'CRITICAL')", name=op.f("ck_reconciliation_breaks_severity")
        ),
        sa.CheckConstraint("state IN ('OPEN', 'RESOLVED', 'VANISHED')", name=op.f("ck_reconciliation_breaks_state")),
        sa.CheckConstraint(
            "action IN ('ADJUST', 'ACCEPT_BROKER', 'IGNORE')", name=op.f("ck_reconciliation_breaks_action")
        ),
        sa.CheckConstraint("(state = 'OPEN') = (ended_at IS NULL)", name=op.f("ck_reconciliation_breaks_ended")),
        sa.CheckConstraint(
            "NOT is_freezing OR (state = 'OPEN' AND instrument_id IS NOT NULL)",
            name=op.f("ck_reconciliation_breaks_freezing"),
        ),
        sa.CheckConstraint(
            "(state = 'RESOLVED') = (action IS NOT NULL AND reason IS NOT NULL)",
            name=op.f("ck_reconciliation_breaks_resolved"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["broker_accounts.tenant_id", "broker_accounts.id"],
            name=op.f("fk_reconciliation_breaks_tenant_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "reconciliation_id"],
            ["reconciliations.tenant_id", "reconciliations.id"],
            name=op.f("fk_reconciliation_breaks_tenant_id_reconciliation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instrument_id"],
            ["instruments.tenant_id", "instruments.id"],
            name=op.f("fk_reconciliation_breaks_tenant_id_instrument_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_reconciliation_breaks_tenant_id_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "adjustment_id"],
            ["position_adjustments.tenant_id", "position_adjustments.id"],
            name=op.f("fk_reconciliation_breaks_tenant_id_adjustment_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_reconciliation_breaks")),
    )
    op.create_index(
        "ix_reconciliation_breaks_open",
        "reconciliation_breaks",
        ["tenant_id", "account_id", "kind", "subject"],
        unique=True,
        postgresql_where=sa.text("state = 'OPEN'"),
    )
    for name, condition in (("muted", "is_muted"), ("freezing", "is_freezing")):
        op.create_index(
            f"ix_reconciliation_breaks_{name}",
            "reconciliation_breaks",
            ["tenant_id", "account_id"],
            postgresql_where=sa.text(condition),
        )
    op.create_index("ix_reconciliation_breaks_account", "reconciliation_breaks", ["tenant_id", "account_id", "id"])


def downgrade() -> None:
    op.drop_table("reconciliation_breaks")
    op.drop_table("reconciliations")
