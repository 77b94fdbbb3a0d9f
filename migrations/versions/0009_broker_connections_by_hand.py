"""Accounts that tenants connect themselves: seats at gateways, sealed credentials, the broker's figures by currency."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import policy

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_NUMERIC = sa.Numeric(precision=28, scale=10)
_TIME = postgresql.TIMESTAMP(timezone=True)
_TABLES = ("tenant_data_keys", "gateway_seats", "broker_credentials", "currency_balances")
_FIGURES = (
    "available_funds",
    "excess_liquidity",
    "cushion",
    "special_memorandum_account",
    "gross_position_value",
    "daily_pnl",
    "unrealized_pnl",
    "realized_pnl",
)

# Of accounts that share a client id the oldest keeps it; market data has an id of its own beside it. The table's owner
# sees no row under forced row-level security.
_TAKE_SEATS = """
ALTER TABLE broker_accounts NO FORCE ROW LEVEL SECURITY;
INSERT INTO gateway_seats (host, port, client_id, tenant_id, account_id)
SELECT lower(a.host), a.port, a.client_id + o.offset_, a.tenant_id, a.id
FROM broker_accounts AS a CROSS JOIN (VALUES (0), (1000)) AS o(offset_)
WHERE a.broker = 'INTERACTIVE_BROKERS' AND a.client_id <= 2147482647
ORDER BY a.created_at, a.id, o.offset_
ON CONFLICT DO NOTHING;
ALTER TABLE broker_accounts FORCE ROW LEVEL SECURITY
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("broker_accounts", sa.Column("label", sa.Text(), nullable=True))
    op.add_column(
        "broker_accounts",
        sa.Column("is_connection_wanted", sa.Boolean(), nullable=False, server_default=sa.text("true")),
    )
    for name in _FIGURES:
        op.add_column("account_balances", sa.Column(name, _NUMERIC, nullable=True))
    op.add_column("account_balances", sa.Column("pnl_at", _TIME, nullable=True))
    _create_secrets()
    _create_seats()
    _create_balances()
    _run(_TAKE_SEATS)
    for table in _TABLES:
        _run(policy(table))


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
    for name in ("pnl_at", *reversed(_FIGURES)):
        op.drop_column("account_balances", name)
    for name in ("is_connection_wanted", "label"):
        op.drop_column("broker_accounts", name)


def _run(statements: str) -> None:
    for statement in statements.split(";\n"):
        if statement.strip():
            op.execute(statement)


def _of_account(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "account_id"],
        ["broker_accounts.tenant_id", "broker_accounts.id"],
        name=op.f(f"fk_{table}_tenant_id_account_id"),
    )


def _create_secrets() -> None:
    op.create_table(
        "tenant_data_keys",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("master_version", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_tenant_data_keys_version")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_tenant_data_keys_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "version", name=op.f("pk_tenant_data_keys")),
    )
    op.create_table(
        "broker_credentials",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("set_at", _TIME, nullable=False),
        _of_account("broker_credentials"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "key_version"],
            ["tenant_data_keys.tenant_id", "tenant_data_keys.version"],
            name=op.f("fk_broker_credentials_tenant_id_key_version"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", "name", name=op.f("pk_broker_credentials")),
    )
    op.create_index("ix_broker_credentials_key", "broker_credentials", ["tenant_id", "key_version"])


def _create_seats() -> None:
    op.create_table(
        "gateway_seats",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("port", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("client_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        _of_account("gateway_seats"),
        sa.PrimaryKeyConstraint("host", "port", "client_id", name=op.f("pk_gateway_seats")),
    )


def _create_balances() -> None:
    op.create_table(
        "currency_balances",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("cash", _NUMERIC, nullable=True),
        sa.Column("stock_value", _NUMERIC, nullable=True),
        sa.Column("net_liquidation", _NUMERIC, nullable=True),
        sa.Column("realized_pnl", _NUMERIC, nullable=True),
        sa.Column("unrealized_pnl", _NUMERIC, nullable=True),
        sa.Column("exchange_rate", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("updated_at", _TIME, nullable=False),
        _of_account("currency_balances"),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", "currency", name=op.f("pk_currency_balances")),
    )
