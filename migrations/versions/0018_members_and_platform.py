"""Custom roles, grants of accounts, invitations, administrators of the platform and their entries into tenants."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import policy
from migrations.policies.accounts import WALLS, wall

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TIME = postgresql.TIMESTAMP(timezone=True)
_JSON = postgresql.JSONB(astext_type=sa.Text())
_SCOPES = (
    "'VIEW_ORDERS', 'PLACE_ORDERS', 'MODIFY_ORDERS', 'CANCEL_ORDERS', 'APPROVE_ORDERS', 'VIEW_POSITIONS', "
    "'VIEW_MARKET_DATA', 'MANAGE_RISK', 'MANAGE_BROKERS', 'MANAGE_STRATEGIES', 'RUN_STRATEGIES', 'MANAGE_WEBHOOKS', "
    "'VIEW_AUDIT', 'MANAGE_MEMBERS', 'ADMIN_TENANT'"
)
_TABLES = (
    "custom_roles",
    "member_accounts",
    "api_key_accounts",
    "invitations",
    "platform_administrators",
    "platform_sessions",
    "platform_entries",
)
_ROLE = """
DO $$
BEGIN
  CREATE ROLE oms_granted INHERIT NOBYPASSRLS NOSUPERUSER NOCREATEDB NOCREATEROLE;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
  NULL;
END;
$$
"""
_ACCOUNT_TABLES = """
SELECT k.table_name::text, k.is_nullable = 'YES' FROM information_schema.columns AS k
WHERE k.table_schema = 'public' AND k.column_name = 'account_id'
  AND NOT EXISTS (SELECT FROM pg_policies AS p WHERE p.tablename = k.table_name AND p.policyname = 'granted')
ORDER BY 1
"""
_LIVE_SYSTEM_POLICIES = """
CREATE POLICY system ON users FOR SELECT TO oms_system USING (true);
GRANT SELECT (id, email, is_active) ON users TO oms_system;
CREATE POLICY batch ON tenants FOR SELECT TO oms_intake
  USING ((SELECT nullif(current_setting('app.tenant_ids', true), '')::uuid[]) @> ARRAY[id]);
GRANT SELECT ON tenants TO oms_intake;
CREATE POLICY platform ON tenants FOR SELECT TO oms_app
  USING (EXISTS (SELECT FROM platform_administrators AS p WHERE p.user_id =
    (SELECT nullif(current_setting('app.platform_user_id', true), '')::uuid)))
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(_ROLE)
    op.execute("GRANT oms_app TO oms_granted")
    op.execute("GRANT oms_granted TO oms_login")
    _create_roles()
    _create_grants()
    _create_invitations()
    _create_platform()
    op.add_column("tenants", sa.Column("deactivated_at", _TIME, nullable=True))
    op.add_column("tenants", sa.Column("deactivated_by", sa.Text(), nullable=True))
    op.add_column("tenants", sa.Column("deactivation_reason", sa.Text(), nullable=True))
    for table in _TABLES:
        _run(policy(table))
    _run(_LIVE_SYSTEM_POLICIES)
    tables = {name: bool(is_nullable) for name, is_nullable in op.get_bind().execute(sa.text(_ACCOUNT_TABLES))}
    for table in sorted({*tables, *WALLS}):
        op.execute(wall(table, is_nullable=tables.get(table, False)))


def downgrade() -> None:
    for (table,) in op.get_bind().execute(
        sa.text("SELECT tablename::text FROM pg_policies WHERE policyname = 'granted' AND schemaname = 'public'")
    ):
        op.execute(f"DROP POLICY granted ON {table}")
    op.execute("DROP POLICY own ON custom_roles")
    op.execute("DROP POLICY platform ON tenants")
    op.execute("REVOKE SELECT ON tenants FROM oms_intake")
    op.execute("DROP POLICY batch ON tenants")
    op.execute("REVOKE SELECT (id, email, is_active) ON users FROM oms_system")
    op.execute("DROP POLICY system ON users")
    for name in ("deactivation_reason", "deactivated_by", "deactivated_at"):
        op.drop_column("tenants", name)
    for table in ("platform_entries", "platform_sessions", "platform_administrators"):
        op.drop_table(table)
    op.drop_index(
        "ix_invitations_open",
        table_name="invitations",
        postgresql_where=sa.text("accepted_at IS NULL AND revoked_at IS NULL"),
    )
    op.drop_table("invitations")
    op.drop_table("api_key_accounts")
    op.drop_table("member_accounts")
    op.drop_column("api_keys", "is_restricted")
    op.drop_constraint(op.f("ck_memberships_custom_role"), "memberships", type_="check")
    op.drop_constraint(op.f("fk_memberships_tenant_id_custom_role_id"), "memberships", type_="foreignkey")
    for name in ("removed_at", "is_restricted", "custom_role_id"):
        op.drop_column("memberships", name)
    op.drop_table("custom_roles")


def _run(statements: str) -> None:
    for statement in statements.split(";\n"):
        if statement.strip():
            op.execute(statement)


def _create_roles() -> None:
    op.create_table(
        "custom_roles",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.CheckConstraint(f"scopes <@ ARRAY[{_SCOPES}]::text[]", name=op.f("ck_custom_roles_scopes")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_custom_roles_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_custom_roles")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_custom_roles_tenant_id_name")),
    )
    op.add_column("memberships", sa.Column("custom_role_id", sa.Uuid(), nullable=True))
    op.add_column("memberships", sa.Column("is_restricted", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("memberships", sa.Column("removed_at", _TIME, nullable=True))
    op.create_foreign_key(
        op.f("fk_memberships_tenant_id_custom_role_id"),
        "memberships",
        "custom_roles",
        ["tenant_id", "custom_role_id"],
        ["tenant_id", "id"],
    )
    op.create_check_constraint(
        op.f("ck_memberships_custom_role"), "memberships", "custom_role_id IS NULL OR role = 'VIEWER'"
    )


def _create_grants() -> None:
    op.add_column("api_keys", sa.Column("is_restricted", sa.Boolean(), nullable=False, server_default=sa.false()))
    for table, holder, target in (
        ("member_accounts", "user_id", "memberships"),
        ("api_key_accounts", "api_key_id", "api_keys"),
    ):
        op.create_table(
            table,
            sa.Column("tenant_id", sa.Uuid(), nullable=False),
            sa.Column(holder, sa.Uuid(), nullable=False),
            sa.Column("account_id", sa.Uuid(), nullable=False),
            sa.Column("may_trade", sa.Boolean(), nullable=False),
            sa.ForeignKeyConstraint(
                ["tenant_id", holder],
                [f"{target}.tenant_id", f"{target}.{'user_id' if holder == 'user_id' else 'id'}"],
                name=op.f(f"fk_{table}_tenant_id_{holder}"),
            ),
            sa.ForeignKeyConstraint(
                ["tenant_id", "account_id"],
                ["broker_accounts.tenant_id", "broker_accounts.id"],
                name=op.f(f"fk_{table}_tenant_id_account_id"),
            ),
            sa.PrimaryKeyConstraint("tenant_id", holder, "account_id", name=op.f(f"pk_{table}")),
        )


def _create_invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("custom_role_id", sa.Uuid(), nullable=True),
        sa.Column("accounts", _JSON, nullable=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("invited_by", sa.Text(), nullable=False),
        sa.Column("times_sent", sa.Integer(), nullable=False),
        sa.Column("wrong_passwords", sa.Integer(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("sent_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("accepted_at", _TIME, nullable=True),
        sa.Column("revoked_at", _TIME, nullable=True),
        sa.CheckConstraint(
            "role IN ('ADMIN', 'MANAGER', 'TRADER', 'COMPLIANCE', 'VIEWER')", name=op.f("ck_invitations_role")
        ),
        sa.CheckConstraint("custom_role_id IS NULL OR role = 'VIEWER'", name=op.f("ck_invitations_custom_role")),
        sa.CheckConstraint("length(token_hash) = 32", name=op.f("ck_invitations_token_hash")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_invitations_email")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_invitations_tenant_id")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "custom_role_id"],
            ["custom_roles.tenant_id", "custom_roles.id"],
            name=op.f("fk_invitations_tenant_id_custom_role_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("tenant_id", "token_hash", name=op.f("uq_invitations_tenant_id_token_hash")),
    )
    op.create_index(
        "ix_invitations_open",
        "invitations",
        ["tenant_id", "email"],
        unique=True,
        postgresql_where=sa.text("accepted_at IS NULL AND revoked_at IS NULL"),
    )


def _create_platform() -> None:
    op.create_table(
        "platform_administrators",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("granted_at", _TIME, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_platform_administrators_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_platform_administrators")),
    )
    op.create_table(
        "platform_sessions",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("ip_address", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("revoked_at", _TIME, nullable=True),
        sa.CheckConstraint("length(token_hash) = 32", name=op.f("ck_platform_sessions_token_hash")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_platform_sessions_user_id")),
        sa.PrimaryKeyConstraint("user_id", "id", name=op.f("pk_platform_sessions")),
        sa.UniqueConstraint("user_id", "token_hash", name=op.f("uq_platform_sessions_user_id_token_hash")),
    )
    op.create_table(
        "platform_entries",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("administrator", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.CheckConstraint(f"scopes <@ ARRAY[{_SCOPES}]::text[]", name=op.f("ck_platform_entries_scopes")),
        sa.CheckConstraint("length(token_hash) = 32", name=op.f("ck_platform_entries_token_hash")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_platform_entries_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_platform_entries")),
        sa.UniqueConstraint("tenant_id", "token_hash", name=op.f("uq_platform_entries_tenant_id_token_hash")),
    )
