"""The first tables, the roles that processes work under, and row-level security on every table."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import policy

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


_ROLES = """
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['oms_app', 'oms_intake', 'oms_system', 'oms_login'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I NOINHERIT NOBYPASSRLS NOSUPERUSER NOCREATEDB NOCREATEROLE', name);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL;
    END;
  END LOOP;
END
$$;

ALTER ROLE oms_login LOGIN;

GRANT oms_app, oms_intake, oms_system TO oms_login;
"""

_TABLES = (
    "account_balances",
    "account_books",
    "api_keys",
    "audit_log",
    "auth_sessions",
    "broker_accounts",
    "broker_connections",
    "early_commissions",
    "executions",
    "instruments",
    "lane_commands",
    "memberships",
    "order_events",
    "order_requests",
    "orders",
    "outbox",
    "positions",
    "quarantined_reports",
    "refresh_tokens",
    "risk_limits",
    "tenants",
    "users",
)


def upgrade() -> None:
    op.create_table(
        "tenants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=True),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("slug = lower(slug) AND length(slug) BETWEEN 1 AND 63", name=op.f("ck_tenants_slug")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
        sa.UniqueConstraint("slug", name=op.f("uq_tenants_slug")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.Column("phone_number", sa.Text(), nullable=True),
        sa.Column("email_verified", sa.Boolean(), nullable=False),
        sa.Column("two_factor_enabled", sa.Boolean(), nullable=False),
        sa.Column("preferences", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("password_changed_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("email = lower(email) AND length(email) BETWEEN 3 AND 254", name=op.f("ck_users_email")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_table(
        "audit_log",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("resource_type", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=True),
        sa.Column("old_values", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("new_values", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("ip_address", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_audit_log_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_audit_log")),
    )
    op.create_index(
        "ix_audit_log_resource", "audit_log", ["tenant_id", "resource_type", "resource_id", "created_at"], unique=False
    )
    op.create_index("ix_audit_log_time", "audit_log", ["tenant_id", "created_at"], unique=False)
    op.create_table(
        "broker_accounts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("broker", sa.Text(), nullable=False),
        sa.Column("account_number", sa.Text(), nullable=False),
        sa.Column("account_type", sa.Text(), nullable=False),
        sa.Column("base_currency", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_paper", sa.Boolean(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("broker IN ('INTERACTIVE_BROKERS', 'PAPER')", name=op.f("ck_broker_accounts_broker")),
        sa.CheckConstraint(
            "port BETWEEN 1 AND 65535 AND client_id BETWEEN 0 AND 2147483647", name=op.f("ck_broker_accounts_address")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_broker_accounts_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_broker_accounts")),
        sa.UniqueConstraint(
            "tenant_id", "broker", "account_number", name=op.f("uq_broker_accounts_tenant_id_broker_account_number")
        ),
    )
    op.create_table(
        "instruments",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("instrument_type", sa.Text(), nullable=False),
        sa.Column("multiplier", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("tick_size", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("lot_size", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("broker_contract_id", sa.Text(), nullable=True),
        sa.Column("contract_details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "instrument_type IN ('STOCK', 'ETF', 'OPTION', 'FUTURE', 'FOREX', 'CRYPTO', 'BOND', 'INDEX')",
            name=op.f("ck_instruments_instrument_type"),
        ),
        sa.CheckConstraint("tick_size > 0 AND lot_size > 0 AND multiplier > 0", name=op.f("ck_instruments_grid")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_instruments_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_instruments")),
        sa.UniqueConstraint(
            "tenant_id",
            "symbol",
            "exchange",
            "currency",
            name=op.f("uq_instruments_tenant_id_symbol_exchange_currency"),
        ),
    )
    op.create_table(
        "memberships",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('ADMIN', 'MANAGER', 'TRADER', 'COMPLIANCE', 'VIEWER')", name=op.f("ck_memberships_role")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_memberships_tenant_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_memberships_user_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_memberships")),
        sa.UniqueConstraint("tenant_id", "user_id", name=op.f("uq_memberships_tenant_id_user_id")),
    )
    op.create_index("ix_memberships_user", "memberships", ["user_id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_outbox_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_outbox")),
    )
    op.create_index("ix_outbox_id", "outbox", ["id"], unique=False)
    op.create_table(
        "account_balances",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("cash", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("equity", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("buying_power", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("initial_margin", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("maintenance_margin", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["broker_accounts.tenant_id", "broker_accounts.id"],
            name=op.f("fk_account_balances_tenant_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", name=op.f("pk_account_balances")),
    )
    op.create_table(
        "account_books",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("open_orders", sa.Integer(), nullable=False),
        sa.CheckConstraint("last_sequence >= 0 AND open_orders >= 0", name=op.f("ck_account_books_counts")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["broker_accounts.tenant_id", "broker_accounts.id"],
            name=op.f("fk_account_books_tenant_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", name=op.f("pk_account_books")),
    )
    op.create_table(
        "api_keys",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("ip_allowlist", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("requests_per_minute", sa.Integer(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("last_used_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "scopes <@ ARRAY['VIEW_ORDERS', 'PLACE_ORDERS', 'MODIFY_ORDERS', 'CANCEL_ORDERS', 'APPROVE_ORDERS', 'VIEW_POSITIONS', 'VIEW_MARKET_DATA', 'MANAGE_RISK', 'MANAGE_BROKERS', 'MANAGE_STRATEGIES', 'RUN_STRATEGIES', 'MANAGE_WEBHOOKS', 'VIEW_AUDIT', 'MANAGE_MEMBERS', 'ADMIN_TENANT']::text[]",
            name=op.f("ck_api_keys_scopes"),
        ),
        sa.CheckConstraint("length(secret_hash) = 32", name=op.f("ck_api_keys_secret_hash")),
        sa.CheckConstraint("requests_per_minute > 0", name=op.f("ck_api_keys_requests_per_minute")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["memberships.tenant_id", "memberships.user_id"],
            name=op.f("fk_api_keys_tenant_id_user_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("tenant_id", "prefix", name=op.f("uq_api_keys_tenant_id_prefix")),
    )
    op.create_index("ix_api_keys_user", "api_keys", ["tenant_id", "user_id"], unique=False)
    op.create_table(
        "auth_sessions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("ip_address", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("last_seen_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["memberships.tenant_id", "memberships.user_id"],
            name=op.f("fk_auth_sessions_tenant_id_user_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_auth_sessions")),
    )
    op.create_index("ix_auth_sessions_user", "auth_sessions", ["tenant_id", "user_id", "created_at"], unique=False)
    op.create_table(
        "broker_connections",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("is_gate_open", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("leased_by", sa.Text(), nullable=True),
        sa.Column("lease_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("next_order_id", sa.BigInteger(), nullable=False),
        sa.Column("connected_since", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("last_heartbeat_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("round_trip_ms", sa.Float(), nullable=True),
        sa.Column("reconnect_attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('DISCONNECTED', 'CONNECTING', 'SYNCHRONIZING', 'CONNECTED', 'DEGRADED', 'BACKING_OFF')",
            name=op.f("ck_broker_connections_state"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["broker_accounts.tenant_id", "broker_accounts.id"],
            name=op.f("fk_broker_connections_tenant_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", name=op.f("pk_broker_connections")),
    )
    op.create_table(
        "early_commissions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("commission", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["broker_accounts.tenant_id", "broker_accounts.id"],
            name=op.f("fk_early_commissions_tenant_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", "execution_id", name=op.f("pk_early_commissions")),
    )
    op.create_table(
        "orders",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("client_order_id", sa.Text(), nullable=False),
        sa.Column("terms_hash", sa.LargeBinary(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("order_type", sa.Text(), nullable=False),
        sa.Column("time_in_force", sa.Text(), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("quantity", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("limit_price", sa.Numeric(precision=28, scale=10), nullable=True),
        sa.Column("stop_price", sa.Numeric(precision=28, scale=10), nullable=True),
        sa.Column("trailing_amount", sa.Numeric(precision=28, scale=10), nullable=True),
        sa.Column("post_only", sa.Boolean(), nullable=False),
        sa.Column("outside_regular_hours", sa.Boolean(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("order_metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("filled_quantity", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("filled_notional", sa.Numeric(precision=48, scale=20), nullable=False),
        sa.Column("average_fill_price", sa.Numeric(precision=28, scale=10), nullable=True),
        sa.Column("commission", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("overfilled_quantity", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("reject_origin", sa.Text(), nullable=True),
        sa.Column("reject_code", sa.Text(), nullable=True),
        sa.Column("reject_reason", sa.Text(), nullable=True),
        sa.Column("in_doubt", sa.Boolean(), nullable=False),
        sa.Column("risk_checks", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("broker_client_id", sa.Integer(), nullable=True),
        sa.Column("broker_order_id", sa.BigInteger(), nullable=True),
        sa.Column("permanent_id", sa.BigInteger(), nullable=True),
        sa.Column("claimed_generation", sa.BigInteger(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "order_type IN ('MARKET', 'LIMIT', 'STOP', 'STOP_LIMIT', 'TRAILING_STOP')",
            name=op.f("ck_orders_order_type"),
        ),
        sa.CheckConstraint(
            "origin IN ('API', 'UI', 'STRATEGY', 'ALGO', 'EXTERNAL', 'RECONCILIATION')", name=op.f("ck_orders_origin")
        ),
        sa.CheckConstraint("reject_origin IN ('OMS', 'BROKER')", name=op.f("ck_orders_reject_origin")),
        sa.CheckConstraint("side IN ('BUY', 'SELL')", name=op.f("ck_orders_side")),
        sa.CheckConstraint(
            "state IN ('NEW', 'PENDING_APPROVAL', 'HELD', 'ROUTED', 'ACCEPTED', 'PARTIALLY_FILLED', 'PENDING_REPLACE', 'PENDING_CANCEL', 'FILLED', 'CANCELED', 'EXPIRED', 'REJECTED')",
            name=op.f("ck_orders_state"),
        ),
        sa.CheckConstraint(
            "time_in_force IN ('DAY', 'GTC', 'IOC', 'FOK', 'GTD', 'OPG')", name=op.f("ck_orders_time_in_force")
        ),
        sa.CheckConstraint(
            "quantity > 0 AND filled_quantity >= 0 AND overfilled_quantity >= 0", name=op.f("ck_orders_quantities")
        ),
        sa.CheckConstraint("version >= 1", name=op.f("ck_orders_version")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["broker_accounts.tenant_id", "broker_accounts.id"],
            name=op.f("fk_orders_tenant_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instrument_id"],
            ["instruments.tenant_id", "instruments.id"],
            name=op.f("fk_orders_tenant_id_instrument_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_orders")),
        sa.UniqueConstraint(
            "tenant_id", "account_id", "client_order_id", name=op.f("uq_orders_tenant_id_account_id_client_order_id")
        ),
    )
    op.create_index(
        "ix_orders_broker_order",
        "orders",
        ["tenant_id", "account_id", "broker_client_id", "broker_order_id"],
        unique=True,
        postgresql_where=sa.text("broker_order_id IS NOT NULL"),
    )
    op.create_index(
        "ix_orders_open",
        "orders",
        ["tenant_id", "account_id"],
        unique=False,
        postgresql_where=sa.text("state NOT IN ('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED')"),
    )
    op.create_index(
        "ix_orders_permanent",
        "orders",
        ["tenant_id", "account_id", "permanent_id"],
        unique=False,
        postgresql_where=sa.text("permanent_id IS NOT NULL"),
    )
    op.create_table(
        "positions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("average_price", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("realized_pnl", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("commission", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("open_buy_quantity", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("open_sell_quantity", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("open_buy_quantity >= 0 AND open_sell_quantity >= 0", name=op.f("ck_positions_open")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["broker_accounts.tenant_id", "broker_accounts.id"],
            name=op.f("fk_positions_tenant_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instrument_id"],
            ["instruments.tenant_id", "instruments.id"],
            name=op.f("fk_positions_tenant_id_instrument_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_positions")),
        sa.UniqueConstraint(
            "tenant_id", "account_id", "instrument_id", name=op.f("uq_positions_tenant_id_account_id_instrument_id")
        ),
    )
    op.create_table(
        "quarantined_reports",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["broker_accounts.tenant_id", "broker_accounts.id"],
            name=op.f("fk_quarantined_reports_tenant_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_quarantined_reports")),
    )
    op.create_table(
        "risk_limits",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("limit_type", sa.Text(), nullable=False),
        sa.Column("value", sa.Numeric(precision=28, scale=10), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("conditions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("instrument_id", sa.Uuid(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "limit_type IN ('MAX_ORDER_QUANTITY', 'MAX_ORDER_NOTIONAL', 'MAX_POSITION_QUANTITY', 'MAX_POSITION_NOTIONAL', 'MAX_OPEN_ORDERS', 'MAX_DAILY_LOSS', 'MAX_DRAWDOWN', 'MAX_LEVERAGE', 'MIN_MARGIN_EXCESS', 'SYMBOL_WHITELIST', 'SYMBOL_BLACKLIST', 'TRADING_HOURS', 'MAX_ORDERS_PER_MINUTE', 'PRICE_COLLAR', 'MAX_CONCENTRATION', 'DUPLICATE_ORDER', 'WASH_TRADE', 'COOLDOWN')",
            name=op.f("ck_risk_limits_limit_type"),
        ),
        sa.CheckConstraint("value >= 0", name=op.f("ck_risk_limits_value")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["broker_accounts.tenant_id", "broker_accounts.id"],
            name=op.f("fk_risk_limits_tenant_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instrument_id"],
            ["instruments.tenant_id", "instruments.id"],
            name=op.f("fk_risk_limits_tenant_id_instrument_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_risk_limits_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_risk_limits")),
    )
    op.create_index("ix_risk_limits_tenant", "risk_limits", ["tenant_id"], unique=False)
    op.create_table(
        "executions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("execution_root", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("price", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("liquidity", sa.Text(), nullable=True),
        sa.Column("is_superseded", sa.Boolean(), nullable=False),
        sa.Column("realized_pnl", sa.Numeric(precision=28, scale=10), nullable=True),
        sa.Column("commission", sa.Numeric(precision=28, scale=10), nullable=True),
        sa.Column("commission_currency", sa.Text(), nullable=True),
        sa.Column("executed_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("side IN ('BUY', 'SELL')", name=op.f("ck_executions_side")),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_executions_quantity")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["broker_accounts.tenant_id", "broker_accounts.id"],
            name=op.f("fk_executions_tenant_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instrument_id"],
            ["instruments.tenant_id", "instruments.id"],
            name=op.f("fk_executions_tenant_id_instrument_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name=op.f("fk_executions_tenant_id_order_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_executions")),
        sa.UniqueConstraint(
            "tenant_id",
            "account_id",
            "execution_root",
            "revision",
            name=op.f("uq_executions_tenant_id_account_id_execution_root_revision"),
        ),
    )
    op.create_index("ix_executions_order", "executions", ["tenant_id", "order_id"], unique=False)
    op.create_table(
        "lane_commands",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('PLACE', 'REPLACE', 'CANCEL')", name=op.f("ck_lane_commands_kind")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_lane_commands_tenant_id_order_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", "id", name=op.f("pk_lane_commands")),
    )
    op.create_table(
        "order_events",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("sequence >= 1", name=op.f("ck_order_events_sequence")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_order_events_tenant_id_order_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", "sequence", name=op.f("pk_order_events")),
    )
    op.create_index("ix_order_events_order", "order_events", ["tenant_id", "order_id", "sequence"], unique=False)
    op.create_table(
        "order_requests",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("sent_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("resolved_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('CANCEL', 'REPLACE')", name=op.f("ck_order_requests_kind")),
        sa.CheckConstraint(
            "outcome IN ('PENDING', 'ACCEPTED', 'REJECTED', 'TOO_LATE', 'SUPERSEDED')",
            name=op.f("ck_order_requests_outcome"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_order_requests_tenant_id_order_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_order_requests")),
    )
    op.create_index(
        "ix_order_requests_open",
        "order_requests",
        ["tenant_id", "order_id", "kind"],
        unique=True,
        postgresql_where=sa.text("outcome = 'PENDING'"),
    )
    op.create_index(
        "ix_order_requests_order", "order_requests", ["tenant_id", "order_id", "requested_at"], unique=False
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("used_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("length(token_hash) = 32", name=op.f("ck_refresh_tokens_token_hash")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "session_id"],
            ["auth_sessions.tenant_id", "auth_sessions.id"],
            name=op.f("fk_refresh_tokens_tenant_id_session_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_refresh_tokens")),
        sa.UniqueConstraint("tenant_id", "token_hash", name=op.f("uq_refresh_tokens_tenant_id_token_hash")),
    )
    op.create_index("ix_refresh_tokens_session", "refresh_tokens", ["tenant_id", "session_id"], unique=False)
    for statement in _ROLES.strip().split(";\n\n"):
        op.execute(statement)
    for table in _TABLES:
        for statement in policy(table).split(";\n"):
            if statement.strip():
                op.execute(statement)


def downgrade() -> None:
    # These two look into another table, which could not be dropped before them.
    op.execute("DROP POLICY own ON tenants")
    op.execute("DROP POLICY member ON users")
    op.drop_index("ix_refresh_tokens_session", table_name="refresh_tokens")
    op.drop_table("refresh_tokens")
    op.drop_index("ix_order_requests_order", table_name="order_requests")
    op.drop_index(
        "ix_order_requests_open", table_name="order_requests", postgresql_where=sa.text("outcome = 'PENDING'")
    )
    op.drop_table("order_requests")
    op.drop_index("ix_order_events_order", table_name="order_events")
    op.drop_table("order_events")
    op.drop_table("lane_commands")
    op.drop_index("ix_executions_order", table_name="executions")
    op.drop_table("executions")
    op.drop_index("ix_risk_limits_tenant", table_name="risk_limits")
    op.drop_table("risk_limits")
    op.drop_table("quarantined_reports")
    op.drop_table("positions")
    op.drop_index("ix_orders_permanent", table_name="orders", postgresql_where=sa.text("permanent_id IS NOT NULL"))
    op.drop_index(
        "ix_orders_open",
        table_name="orders",
        postgresql_where=sa.text("state NOT IN ('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED')"),
    )
    op.drop_index(
        "ix_orders_broker_order", table_name="orders", postgresql_where=sa.text("broker_order_id IS NOT NULL")
    )
    op.drop_table("orders")
    op.drop_table("early_commissions")
    op.drop_table("broker_connections")
    op.drop_index("ix_auth_sessions_user", table_name="auth_sessions")
    op.drop_table("auth_sessions")
    op.drop_index("ix_api_keys_user", table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_table("account_books")
    op.drop_table("account_balances")
    op.drop_index("ix_outbox_id", table_name="outbox")
    op.drop_table("outbox")
    op.drop_index("ix_memberships_user", table_name="memberships")
    op.drop_table("memberships")
    op.drop_table("instruments")
    op.drop_table("broker_accounts")
    op.drop_index("ix_audit_log_time", table_name="audit_log")
    op.drop_index("ix_audit_log_resource", table_name="audit_log")
    op.drop_table("audit_log")
    op.drop_table("users")
    op.drop_table("tenants")
