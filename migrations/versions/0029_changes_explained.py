"""What the limits said of the change of an order, with its request, and whose refusal it was; kept order records."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import policy

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_TIME = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "order_requests", sa.Column("is_house_refusal", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column(
        "order_requests",
        sa.Column("risk_checks", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
    )
    op.create_table(
        "order_record_exports",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("from_time", _TIME, nullable=False),
        sa.Column("to_time", _TIME, nullable=False),
        sa.Column("of_account_id", sa.Uuid(), nullable=True),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", _TIME, nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("stalled", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("behind", sa.Uuid(), nullable=True),
        sa.Column("orders_total", sa.Integer(), nullable=True),
        sa.Column("orders_written", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("pieces", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("stored_bytes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("started_at", _TIME, nullable=True),
        sa.Column("finished_at", _TIME, nullable=True),
        sa.Column("expires_at", _TIME, nullable=True),
        sa.CheckConstraint("format IN ('jsonl', 'csv')", name=op.f("ck_order_record_exports_format")),
        sa.CheckConstraint(
            "state IN ('QUEUED', 'RUNNING', 'DONE', 'FAILED')", name=op.f("ck_order_record_exports_state")
        ),
        sa.CheckConstraint(
            "failure IN ('ORDER_RECORD_EXPORT_TOO_LARGE', 'ORDER_RECORD_EXPORT_GIVEN_UP')",
            name=op.f("ck_order_record_exports_failure"),
        ),
        sa.CheckConstraint("from_time < to_time", name=op.f("ck_order_record_exports_times")),
        sa.CheckConstraint("(state = 'DONE') = (sha256 IS NOT NULL)", name=op.f("ck_order_record_exports_sum")),
        sa.CheckConstraint(
            "(state IN ('DONE', 'FAILED')) = (expires_at IS NOT NULL)", name=op.f("ck_order_record_exports_expiry")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_order_record_exports_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_order_record_exports")),
    )
    op.create_index(
        "ix_order_record_exports_due",
        "order_record_exports",
        ["due_at"],
        postgresql_where=sa.text("state IN ('QUEUED', 'RUNNING')"),
    )
    op.create_index("ix_order_record_exports_expired", "order_record_exports", ["tenant_id", "expires_at"])
    op.create_table(
        "order_record_pieces",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "export_id"],
            ["order_record_exports.tenant_id", "order_record_exports.id"],
            name=op.f("fk_order_record_pieces_tenant_id_export_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "export_id", "place", name=op.f("pk_order_record_pieces")),
    )
    # What is compressed already is not tried again.
    op.execute("ALTER TABLE order_record_pieces ALTER COLUMN content SET STORAGE EXTERNAL")
    for table in ("order_record_exports", "order_record_pieces"):
        for statement in policy(table).split(";\n"):
            if statement.strip():
                op.execute(statement)


def downgrade() -> None:
    op.drop_table("order_record_pieces")
    op.drop_table("order_record_exports")
    op.drop_column("order_requests", "risk_checks")
    op.drop_column("order_requests", "is_house_refusal")
