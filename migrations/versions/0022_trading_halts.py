"""Halts of trading, kill switches and what they did in each account."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import policy
from migrations.policies.accounts import wall

revision = "0022"
down_revision = "0020"
branch_labels = None
depends_on = None

_TIME = postgresql.TIMESTAMP(timezone=True)
_JSON = postgresql.JSONB(astext_type=sa.Text())
_IDS = postgresql.ARRAY(sa.Uuid())
_TABLES = {"trading_halts": True, "kill_switches": True, "kill_switch_accounts": False}
_SCOPES = "scope IN ('TENANT', 'ACCOUNT', 'STRATEGY', 'INSTRUMENT')"
_TARGET = (
    "(scope = 'ACCOUNT') = (account_id IS NOT NULL) AND (scope = 'STRATEGY') = (strategy_id IS NOT NULL) "
    "AND (scope = 'INSTRUMENT') = (instrument_id IS NOT NULL)"
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "trading_halts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *_target_columns(),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("is_automatic", sa.Boolean(), nullable=False),
        sa.Column("is_kill_switch", sa.Boolean(), nullable=False),
        sa.Column("halted_by", sa.Text(), nullable=False),
        sa.Column("halted_at", _TIME, nullable=False),
        sa.Column("resumed_by", sa.Text(), nullable=True),
        sa.Column("resumed_at", _TIME, nullable=True),
        sa.Column("resume_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("mode IN ('ACTIVE', 'REDUCE_ONLY', 'HALTED')", name=op.f("ck_trading_halts_mode")),
        sa.CheckConstraint("mode <> 'ACTIVE'", name=op.f("ck_trading_halts_halts")),
        sa.CheckConstraint(
            "(resumed_at IS NULL) = (resumed_by IS NULL) AND (resumed_at IS NULL) = (resume_reason IS NULL)",
            name=op.f("ck_trading_halts_resumed"),
        ),
        *_target_rules("trading_halts"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_trading_halts")),
    )
    op.create_index(
        "ix_trading_halts_in_force", "trading_halts", ["tenant_id"], postgresql_where=sa.text("resumed_at IS NULL")
    )
    op.create_table(
        "kill_switches",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("halt_id", sa.Uuid(), nullable=True),
        *_target_columns(),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("closes_positions", sa.Boolean(), nullable=False),
        sa.Column("is_drill", sa.Boolean(), nullable=False),
        sa.Column("activated_by", sa.Text(), nullable=False),
        sa.Column("activated_at", _TIME, nullable=False),
        sa.Column("barred_at", _TIME, nullable=True),
        sa.Column("finished_at", _TIME, nullable=True),
        sa.CheckConstraint("is_drill = (halt_id IS NULL)", name=op.f("ck_kill_switches_drill")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "halt_id"],
            ["trading_halts.tenant_id", "trading_halts.id"],
            name=op.f("fk_kill_switches_tenant_id_halt_id"),
        ),
        *_target_rules("kill_switches"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_kill_switches")),
    )
    op.create_index(
        "ix_kill_switches_running", "kill_switches", ["tenant_id"], postgresql_where=sa.text("finished_at IS NULL")
    )
    _create_accounts()
    for table, is_nullable in _TABLES.items():
        for statement in policy(table).split(";\n"):
            if statement.strip():
                op.execute(statement)
        op.execute(wall(table, is_nullable=is_nullable))


def _create_accounts() -> None:
    op.create_table(
        "kill_switch_accounts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("kill_switch_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("order_ids", _IDS, nullable=False),
        sa.Column("close_ids", _IDS, nullable=False),
        sa.Column("positions_closing", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("errors", _JSON, nullable=False),
        sa.Column("started_at", _TIME, nullable=True),
        sa.Column("asked_at", _TIME, nullable=True),
        sa.Column("finished_at", _TIME, nullable=True),
        sa.CheckConstraint("step IN ('WAITING', 'CANCELING', 'DONE')", name=op.f("ck_kill_switch_accounts_step")),
        sa.CheckConstraint(
            "(step = 'DONE') = (finished_at IS NOT NULL)", name=op.f("ck_kill_switch_accounts_finished")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "kill_switch_id"],
            ["kill_switches.tenant_id", "kill_switches.id"],
            name=op.f("fk_kill_switch_accounts_tenant_id_kill_switch_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["broker_accounts.tenant_id", "broker_accounts.id"],
            name=op.f("fk_kill_switch_accounts_tenant_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "kill_switch_id", "account_id", name=op.f("pk_kill_switch_accounts")),
    )


def _target_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("strategy_id", sa.Uuid(), nullable=True),
        sa.Column("instrument_id", sa.Uuid(), nullable=True),
    ]


def _target_rules(table: str) -> list[sa.Constraint]:
    return [
        sa.CheckConstraint(_SCOPES, name=op.f(f"ck_{table}_scope")),
        sa.CheckConstraint(_TARGET, name=op.f(f"ck_{table}_target")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f(f"fk_{table}_tenant_id")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["broker_accounts.tenant_id", "broker_accounts.id"],
            name=op.f(f"fk_{table}_tenant_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instrument_id"],
            ["instruments.tenant_id", "instruments.id"],
            name=op.f(f"fk_{table}_tenant_id_instrument_id"),
        ),
    ]


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in reversed(_TABLES):
        op.drop_table(table)
