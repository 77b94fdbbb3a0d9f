"""Breaches of limits, circuit breakers and their trips, and how far each account was watched."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import policy
from migrations.policies.accounts import wall

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_TIME = postgresql.TIMESTAMP(timezone=True)
_NOTIONAL = sa.Numeric(48, 20)
_NUMERIC = sa.Numeric(28, 10)
# Which are of an account, and which may be of the whole tenant.
_TABLES = {
    "risk_breaches": False,
    "circuit_breakers": True,
    "circuit_breaker_trips": True,
    "risk_watch_places": False,
}
_KINDS = "kind IN ('LOSS', 'DRAWDOWN', 'REJECT_RATE', 'DISCONNECTS', 'MESSAGE_RATE')"
_TYPES = (
    "limit_type IN ('MAX_ORDER_QUANTITY', 'MAX_ORDER_NOTIONAL', 'MAX_POSITION_QUANTITY', 'MAX_POSITION_NOTIONAL', "
    "'MAX_OPEN_ORDERS', 'MAX_DAILY_LOSS', 'MAX_DRAWDOWN', 'MAX_LEVERAGE', 'MIN_MARGIN_EXCESS', 'SYMBOL_WHITELIST', "
    "'SYMBOL_BLACKLIST', 'TRADING_HOURS', 'MAX_ORDERS_PER_MINUTE', 'PRICE_COLLAR', 'MAX_CONCENTRATION', "
    "'DUPLICATE_ORDER', 'WASH_TRADE', 'COOLDOWN', 'CANCEL_RATE', 'ORDER_TO_TRADE_RATIO')"
)
# The monitor looks for the tenants that have something to watch, and sees nothing else of them.
_WATCHED = (
    "CREATE POLICY system ON risk_limits FOR SELECT TO oms_system USING (is_active AND NOT is_shadow)",
    "GRANT SELECT (tenant_id, is_active, is_shadow) ON risk_limits TO oms_system",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _create_breaches()
    _create_breakers()
    _create_trips()
    _create_places()
    for table, is_nullable in _TABLES.items():
        for statement in policy(table).split(";\n"):
            if statement.strip():
                op.execute(statement)
        op.execute(wall(table, is_nullable=is_nullable))
    for statement in _WATCHED:
        op.execute(statement)
    _lease_names("name IN ('outbox', 'risk_monitor')")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DELETE FROM relay_leases WHERE name = 'risk_monitor'")
    _lease_names("name = 'outbox'")
    op.execute("REVOKE SELECT (tenant_id, is_active, is_shadow) ON risk_limits FROM oms_system")
    op.execute("DROP POLICY system ON risk_limits")
    for table in ("risk_watch_places", "circuit_breaker_trips", "circuit_breakers", "risk_breaches"):
        op.drop_table(table)


def _lease_names(condition: str) -> None:
    op.drop_constraint(op.f("ck_relay_leases_name"), "relay_leases", type_="check")
    op.create_check_constraint(op.f("ck_relay_leases_name"), "relay_leases", condition)


def _create_breaches() -> None:
    op.create_table(
        "risk_breaches",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("limit_id", sa.Uuid(), nullable=False),
        sa.Column("limit_version", sa.Integer(), nullable=False),
        sa.Column("limit_type", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=True),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("observed", _NOTIONAL, nullable=False),
        sa.Column("value", _NUMERIC, nullable=False),
        sa.Column("ratio", _NUMERIC, nullable=False),
        sa.Column("peak_observed", _NOTIONAL, nullable=False),
        sa.Column("peak_ratio", _NUMERIC, nullable=False),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("last_refused_at", _TIME, nullable=True),
        sa.Column("cleared_at", _TIME, nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("acknowledged_at", _TIME, nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(_TYPES, name=op.f("ck_risk_breaches_limit_type")),
        sa.CheckConstraint("level IN ('CLEAR', 'REFUSALS', 'WARNING', 'BREACH')", name=op.f("ck_risk_breaches_level")),
        sa.CheckConstraint("level <> 'CLEAR'", name=op.f("ck_risk_breaches_open")),
        sa.CheckConstraint("refusals >= 0", name=op.f("ck_risk_breaches_refusals")),
        sa.CheckConstraint(
            "(acknowledged_at IS NULL) = (acknowledged_by IS NULL)", name=op.f("ck_risk_breaches_acknowledged")
        ),
        _refers("risk_breaches", "limit_id", "risk_limits"),
        _refers("risk_breaches", "account_id", "broker_accounts"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_risk_breaches")),
    )
    op.create_index(
        "ix_risk_breaches_open",
        "risk_breaches",
        ["tenant_id", "limit_id", "account_id"],
        unique=True,
        postgresql_where=sa.text("cleared_at IS NULL"),
    )


def _create_breakers() -> None:
    op.create_table(
        "circuit_breakers",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("threshold", _NUMERIC, nullable=False),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("window_s", sa.Integer(), nullable=False),
        sa.Column("minimum", sa.Integer(), nullable=False),
        sa.Column("cooldown_s", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("deleted_at", _TIME, nullable=True),
        sa.CheckConstraint(_KINDS, name=op.f("ck_circuit_breakers_kind")),
        sa.CheckConstraint("mode IN ('ACTIVE', 'REDUCE_ONLY', 'HALTED')", name=op.f("ck_circuit_breakers_mode")),
        sa.CheckConstraint("mode <> 'ACTIVE'", name=op.f("ck_circuit_breakers_halts")),
        sa.CheckConstraint(
            "threshold > 0 AND threshold < 'Infinity'::numeric", name=op.f("ck_circuit_breakers_threshold")
        ),
        sa.CheckConstraint("window_s > 0 AND minimum > 0 AND cooldown_s >= 0", name=op.f("ck_circuit_breakers_times")),
        sa.CheckConstraint("deleted_at IS NULL OR NOT is_active", name=op.f("ck_circuit_breakers_deleted")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_circuit_breakers_tenant_id")),
        _refers("circuit_breakers", "account_id", "broker_accounts"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_circuit_breakers")),
    )


def _create_trips() -> None:
    op.create_table(
        "circuit_breaker_trips",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("breaker_id", sa.Uuid(), nullable=False),
        sa.Column("breaker_version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("threshold", _NUMERIC, nullable=False),
        sa.Column("observed", _NOTIONAL, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("halt_id", sa.Uuid(), nullable=False),
        sa.Column("tripped_at", _TIME, nullable=False),
        sa.CheckConstraint(_KINDS, name=op.f("ck_circuit_breaker_trips_kind")),
        _refers("circuit_breaker_trips", "breaker_id", "circuit_breakers"),
        _refers("circuit_breaker_trips", "halt_id", "trading_halts"),
        _refers("circuit_breaker_trips", "account_id", "broker_accounts"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_circuit_breaker_trips")),
    )
    op.create_index("ix_circuit_breaker_trips_breaker", "circuit_breaker_trips", ["tenant_id", "breaker_id", "id"])


def _create_places() -> None:
    op.create_table(
        "risk_watch_places",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("connected_since", _TIME, nullable=True),
        sa.Column("disconnects", postgresql.ARRAY(_TIME), nullable=False),
        _refers("risk_watch_places", "account_id", "broker_accounts"),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", name=op.f("pk_risk_watch_places")),
    )


def _refers(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column], [f"{other}.tenant_id", f"{other}.id"], name=op.f(f"fk_{table}_tenant_id_{column}")
    )
