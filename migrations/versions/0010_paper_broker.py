"""The paper broker's books: accounts, cash, positions, orders and executions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import policy

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TABLES = ("paper_accounts", "paper_cash", "paper_positions", "paper_orders", "paper_executions")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "paper_accounts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("base_currency", sa.Text(), nullable=False),
        sa.Column("starting_cash", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("session", sa.BigInteger(), nullable=False),
        sa.Column("last_permanent_id", sa.BigInteger(), nullable=False),
        sa.Column("last_execution_number", sa.BigInteger(), nullable=False),
        sa.Column("next_order_id", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("starting_cash >= 0", name=op.f("ck_paper_accounts_starting_cash")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["broker_accounts.tenant_id", "broker_accounts.id"],
            name=op.f("fk_paper_accounts_tenant_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", name=op.f("pk_paper_accounts")),
    )
    op.create_table(
        "paper_cash",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["paper_accounts.tenant_id", "paper_accounts.account_id"],
            name=op.f("fk_paper_cash_tenant_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", "currency", name=op.f("pk_paper_cash")),
    )
    op.create_table(
        "paper_positions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("average_cost", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("realized", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["paper_accounts.tenant_id", "paper_accounts.account_id"],
            name=op.f("fk_paper_positions_tenant_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instrument_id"],
            ["instruments.tenant_id", "instruments.id"],
            name=op.f("fk_paper_positions_tenant_id_instrument_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", "instrument_id", name=op.f("pk_paper_positions")),
    )
    op.create_table(
        "paper_orders",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("permanent_id", sa.BigInteger(), nullable=False),
        sa.Column("broker_order_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("instrument_type", sa.Text(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("order_type", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("limit_price", sa.Numeric(precision=28, scale=10), nullable=True),
        sa.Column("stop_price", sa.Numeric(precision=28, scale=10), nullable=True),
        sa.Column("trailing_amount", sa.Numeric(precision=28, scale=10), nullable=True),
        sa.Column("time_in_force", sa.Text(), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("outside_regular_hours", sa.Boolean(), nullable=False),
        sa.Column("oca_group", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("placed_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("filled", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("notional", sa.Numeric(precision=48, scale=20), nullable=False),
        sa.Column("commission", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("is_triggered", sa.Boolean(), nullable=False),
        sa.Column("trail_stop", sa.Numeric(precision=28, scale=10), nullable=True),
        sa.Column("ends_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ended_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("refusal_code", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "instrument_type IN ('STOCK', 'ETF', 'OPTION', 'FUTURE', 'FOREX', 'CRYPTO', 'BOND', 'INDEX')",
            name=op.f("ck_paper_orders_instrument_type"),
        ),
        sa.CheckConstraint(
            "order_type IN ('MARKET', 'LIMIT', 'STOP', 'STOP_LIMIT', 'TRAILING_STOP')",
            name=op.f("ck_paper_orders_order_type"),
        ),
        sa.CheckConstraint("side IN ('BUY', 'SELL')", name=op.f("ck_paper_orders_side")),
        sa.CheckConstraint("status IN ('OPEN', 'FILLED', 'CANCELED', 'REJECTED')", name=op.f("ck_paper_orders_status")),
        sa.CheckConstraint(
            "time_in_force IN ('DAY', 'GTC', 'IOC', 'FOK', 'GTD', 'OPG')", name=op.f("ck_paper_orders_time_in_force")
        ),
        sa.CheckConstraint("filled >= 0 AND filled <= quantity", name=op.f("ck_paper_orders_filled")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["paper_accounts.tenant_id", "paper_accounts.account_id"],
            name=op.f("fk_paper_orders_tenant_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", "permanent_id", name=op.f("pk_paper_orders")),
        sa.UniqueConstraint(
            "tenant_id",
            "account_id",
            "broker_order_id",
            name=op.f("uq_paper_orders_tenant_id_account_id_broker_order_id"),
        ),
    )
    op.create_index("ix_paper_orders_ended", "paper_orders", ["tenant_id", "account_id", "ended_at"], unique=False)
    op.create_index(
        "ix_paper_orders_open",
        "paper_orders",
        ["tenant_id", "account_id"],
        unique=False,
        postgresql_where=sa.text("status = 'OPEN'"),
    )
    op.create_table(
        "paper_executions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("permanent_id", sa.BigInteger(), nullable=False),
        sa.Column("broker_order_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("price", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("commission", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("realized_pnl", sa.Numeric(precision=28, scale=10), nullable=True),
        sa.Column("is_maker", sa.Boolean(), nullable=False),
        sa.Column("quoted_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("executed_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("side IN ('BUY', 'SELL')", name=op.f("ck_paper_executions_side")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_paper_executions_quantity")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id", "permanent_id"],
            ["paper_orders.tenant_id", "paper_orders.account_id", "paper_orders.permanent_id"],
            name=op.f("fk_paper_executions_tenant_id_account_id_permanent_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", "number", name=op.f("pk_paper_executions")),
    )
    op.create_index(
        "ix_paper_executions_quoted",
        "paper_executions",
        ["tenant_id", "account_id", "instrument_id", "quoted_at"],
        unique=False,
    )
    op.create_index(
        "ix_paper_executions_executed", "paper_executions", ["tenant_id", "account_id", "executed_at"], unique=False
    )
    for table in _TABLES:
        for statement in policy(table).split(";\n"):
            if statement.strip():
                op.execute(statement)


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
