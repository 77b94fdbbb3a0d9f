"""Compliance: restricted lists and what touched them, calendars, and the market at the arrival of orders."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import policy
from migrations.policies.accounts import wall

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_TIME = postgresql.TIMESTAMP(timezone=True)
_TABLES = (
    "restricted_lists",
    "restricted_list_versions",
    "restricted_entries",
    "restriction_alerts",
    "calendar_days",
    "surveillance_cases",
    "surveillance_notes",
    "surveillance_cursors",
)
_OF_ACCOUNTS = ("restriction_alerts", "surveillance_cases", "surveillance_notes")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "orders", sa.Column("arrival", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    _create_lists()
    _create_entries()
    _create_alerts()
    _create_calendar()
    _create_cases()
    for table in _TABLES:
        for statement in policy(table).split(";\n"):
            if statement.strip():
                op.execute(statement)
    for table in _OF_ACCOUNTS:
        op.execute(wall(table))


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
    op.drop_column("orders", "arrival")


def _create_lists() -> None:
    op.create_table(
        "restricted_lists",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_reason_visible", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_restricted_lists_version")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_restricted_lists_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_restricted_lists")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_restricted_lists_tenant_id_name")),
    )
    op.create_table(
        "restricted_list_versions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_reason_visible", sa.Boolean(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "list_id"],
            ["restricted_lists.tenant_id", "restricted_lists.id"],
            name=op.f("fk_restricted_list_versions_tenant_id_list_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "list_id", "version", name=op.f("pk_restricted_list_versions")),
    )


def _create_entries() -> None:
    op.create_table(
        "restricted_entries",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=True),
        sa.Column("symbol", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("valid_from", _TIME, nullable=True),
        sa.Column("valid_until", _TIME, nullable=True),
        sa.Column("added_in", sa.Integer(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", _TIME, nullable=False),
        sa.Column("removed_in", sa.Integer(), nullable=True),
        sa.CheckConstraint("kind IN ('NO_TRADE', 'NO_BUY', 'NOTIFY')", name=op.f("ck_restricted_entries_kind")),
        sa.CheckConstraint("(instrument_id IS NULL) <> (symbol IS NULL)", name=op.f("ck_restricted_entries_target")),
        sa.CheckConstraint("symbol = upper(symbol)", name=op.f("ck_restricted_entries_symbol")),
        sa.CheckConstraint("removed_in > added_in", name=op.f("ck_restricted_entries_versions")),
        sa.CheckConstraint("valid_until > valid_from", name=op.f("ck_restricted_entries_times")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "list_id"],
            ["restricted_lists.tenant_id", "restricted_lists.id"],
            name=op.f("fk_restricted_entries_tenant_id_list_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instrument_id"],
            ["instruments.tenant_id", "instruments.id"],
            name=op.f("fk_restricted_entries_tenant_id_instrument_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_restricted_entries")),
    )
    op.create_index("ix_restricted_entries_list", "restricted_entries", ["tenant_id", "list_id", "id"])
    for column in ("instrument_id", "symbol"):
        op.create_index(
            f"ix_restricted_entries_{column.removesuffix('_id')}",
            "restricted_entries",
            ["tenant_id", column],
            postgresql_where=sa.text(f"removed_in IS NULL AND {column} IS NOT NULL"),
        )


def _create_alerts() -> None:
    op.create_table(
        "restriction_alerts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("acted_by", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.CheckConstraint("act IN ('PLACE', 'MODIFY', 'RELEASE', 'APPROVE')", name=op.f("ck_restriction_alerts_act")),
        sa.CheckConstraint("outcome IN ('BLOCKED', 'NOTIFIED')", name=op.f("ck_restriction_alerts_outcome")),
        sa.CheckConstraint("kind IN ('NO_TRADE', 'NO_BUY', 'NOTIFY')", name=op.f("ck_restriction_alerts_kind")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_restriction_alerts_tenant_id_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "entry_id"],
            ["restricted_entries.tenant_id", "restricted_entries.id"],
            name=op.f("fk_restriction_alerts_tenant_id_entry_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_restriction_alerts")),
    )
    op.create_index("ix_restriction_alerts_order", "restriction_alerts", ["tenant_id", "order_id"])


def _create_calendar() -> None:
    op.create_table(
        "calendar_days",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_closed", sa.Boolean(), nullable=False),
        sa.Column("opens", sa.Integer(), nullable=True),
        sa.Column("closes", sa.Integer(), nullable=True),
        sa.Column("extended_opens", sa.Integer(), nullable=True),
        sa.Column("extended_closes", sa.Integer(), nullable=True),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_at", _TIME, nullable=False),
        sa.CheckConstraint(
            "is_closed = (coalesce(opens, closes, extended_opens, extended_closes) IS NULL)",
            name=op.f("ck_calendar_days_hours"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_calendar_days_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "exchange", "day", name=op.f("pk_calendar_days")),
    )


def _create_cases() -> None:
    kinds = "'WASH_TRADE', 'SELF_CROSS', 'LAYERING', 'MARKING_THE_CLOSE', 'RESTRICTED_TOUCH', 'LIMIT_BREACHES'"
    op.create_table(
        "surveillance_cases",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=True),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("assignee", sa.Text(), nullable=True),
        sa.Column("disposition", sa.Text(), nullable=True),
        sa.Column("disposition_reason", sa.Text(), nullable=True),
        sa.Column("proposed_by", sa.Text(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("occurred_at", _TIME, nullable=False),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.CheckConstraint(f"kind IN ({kinds})", name=op.f("ck_surveillance_cases_kind")),
        sa.CheckConstraint("state IN ('OPEN', 'UNDER_REVIEW', 'CLOSED')", name=op.f("ck_surveillance_cases_state")),
        sa.CheckConstraint(
            "disposition IN ('NO_VIOLATION', 'VIOLATION')", name=op.f("ck_surveillance_cases_disposition")
        ),
        sa.CheckConstraint("(state = 'CLOSED') = (closed_by IS NOT NULL)", name=op.f("ck_surveillance_cases_closed")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_surveillance_cases_version")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["broker_accounts.tenant_id", "broker_accounts.id"],
            name=op.f("fk_surveillance_cases_tenant_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_surveillance_cases")),
        sa.UniqueConstraint(
            "tenant_id", "kind", "case_key", name=op.f("uq_surveillance_cases_tenant_id_kind_case_key")
        ),
    )
    op.create_table(
        "surveillance_notes",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("written_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "case_id"],
            ["surveillance_cases.tenant_id", "surveillance_cases.id"],
            name=op.f("fk_surveillance_notes_tenant_id_case_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["broker_accounts.tenant_id", "broker_accounts.id"],
            name=op.f("fk_surveillance_notes_tenant_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_surveillance_notes")),
    )
    op.create_index("ix_surveillance_notes_case", "surveillance_notes", ["tenant_id", "case_id", "id"])
    op.create_table(
        "surveillance_cursors",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("looked_to", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_surveillance_cursors_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_surveillance_cursors")),
    )
