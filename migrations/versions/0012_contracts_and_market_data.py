"""What brokers tell of contracts, standing wishes for market data, and bars of the past."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import policy

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TABLES = ("market_data_subscriptions", "bars", "bar_ranges")
_TIME = postgresql.TIMESTAMP(timezone=True)
_NUMERIC = sa.Numeric(precision=28, scale=10)
_JSON = postgresql.JSONB(astext_type=sa.Text())
_INTERVALS = "'SECONDS_5', 'MINUTE_1', 'MINUTES_5', 'MINUTES_15', 'HOUR_1', 'DAY_1'"
_INSTRUMENT_COLUMNS = (
    "expires_on",
    "strike",
    "option_right",
    "underlying_symbol",
    "underlying_contract_id",
    "price_bands",
    "trading_hours",
    "described_at",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("instruments", sa.Column("expires_on", sa.Date(), nullable=True))
    op.add_column("instruments", sa.Column("strike", _NUMERIC, nullable=True))
    op.add_column("instruments", sa.Column("option_right", sa.Text(), nullable=True))
    op.add_column("instruments", sa.Column("underlying_symbol", sa.Text(), nullable=True))
    op.add_column("instruments", sa.Column("underlying_contract_id", sa.Text(), nullable=True))
    op.add_column("instruments", sa.Column("price_bands", _JSON, nullable=False, server_default=sa.text("'{}'")))
    op.add_column("instruments", sa.Column("trading_hours", _JSON, nullable=True))
    op.add_column("instruments", sa.Column("described_at", _TIME, nullable=True))
    op.create_check_constraint(op.f("ck_instruments_option_right"), "instruments", "option_right IN ('CALL', 'PUT')")
    op.create_index(
        "ix_instruments_contract",
        "instruments",
        ["tenant_id", "broker_contract_id"],
        unique=True,
        postgresql_where=sa.text("broker_contract_id IS NOT NULL"),
    )
    _create_subscriptions()
    _create_bars()
    for table in _TABLES:
        for statement in policy(table).split(";\n"):
            if statement.strip():
                op.execute(statement)


def downgrade() -> None:
    op.drop_table("bar_ranges")
    op.drop_table("bars")
    op.drop_index(
        "ix_market_data_subscriptions_active",
        table_name="market_data_subscriptions",
        postgresql_where=sa.text("is_active"),
    )
    op.drop_table("market_data_subscriptions")
    op.drop_index(
        "ix_instruments_contract",
        table_name="instruments",
        postgresql_where=sa.text("broker_contract_id IS NOT NULL"),
    )
    op.drop_constraint(op.f("ck_instruments_option_right"), "instruments", type_="check")
    for name in reversed(_INSTRUMENT_COLUMNS):
        op.drop_column("instruments", name)


def _create_subscriptions() -> None:
    op.create_table(
        "market_data_subscriptions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.Column("last_tick_at", _TIME, nullable=True),
        sa.Column("ticks_received", sa.BigInteger(), nullable=False),
        sa.Column("gaps", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instrument_id"],
            ["instruments.tenant_id", "instruments.id"],
            name=op.f("fk_market_data_subscriptions_tenant_id_instrument_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_market_data_subscriptions")),
    )
    op.create_index(
        "ix_market_data_subscriptions_active",
        "market_data_subscriptions",
        ["tenant_id", "instrument_id"],
        unique=True,
        postgresql_where=sa.text("is_active"),
    )


def _create_bars() -> None:
    op.create_table(
        "bars",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("bar_interval", sa.Text(), nullable=False),
        sa.Column("starts_at", _TIME, nullable=False),
        *(sa.Column(f"{name}_price", _NUMERIC, nullable=False) for name in ("open", "high", "low", "close")),
        sa.Column("volume", _NUMERIC, nullable=False),
        sa.CheckConstraint(f"bar_interval IN ({_INTERVALS})", name=op.f("ck_bars_bar_interval")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instrument_id"],
            ["instruments.tenant_id", "instruments.id"],
            name=op.f("fk_bars_tenant_id_instrument_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "instrument_id", "bar_interval", "starts_at", name=op.f("pk_bars")),
    )
    op.create_table(
        "bar_ranges",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("bar_interval", sa.Text(), nullable=False),
        sa.Column("covered_from", _TIME, nullable=False),
        sa.Column("covered_until", _TIME, nullable=False),
        sa.CheckConstraint(f"bar_interval IN ({_INTERVALS})", name=op.f("ck_bar_ranges_bar_interval")),
        sa.CheckConstraint("covered_from < covered_until", name=op.f("ck_bar_ranges_order")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instrument_id"],
            ["instruments.tenant_id", "instruments.id"],
            name=op.f("fk_bar_ranges_tenant_id_instrument_id"),
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "instrument_id", "bar_interval", "covered_from", name=op.f("pk_bar_ranges")
        ),
    )
