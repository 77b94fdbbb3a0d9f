"""Advisers: accounts over accounts, the broker's groups of them, blocks and the shares that accounts have of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_JSON = postgresql.JSONB(astext_type=sa.Text())
_ORIGINS = "'API', 'UI', 'STRATEGY', 'ALGO', 'EXTERNAL', 'RECONCILIATION'"
_ADVISER = "NOT is_adviser OR (adviser_id IS NULL AND broker = 'INTERACTIVE_BROKERS')"
_OF_ADVISER = "adviser_id IS NOT NULL"
# Blocks are divided by what accounts are worth, and the limits of those are held against it at the intake.
_READ_BALANCES = """
CREATE POLICY batch ON account_balances FOR SELECT TO oms_intake
  USING ((SELECT nullif(current_setting('app.tenant_ids', true), '')::uuid[]) @> ARRAY[tenant_id])
"""
_BLOCKS, _SHARES = "allocation IS NOT NULL", "block_id IS NOT NULL"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "broker_accounts", sa.Column("is_adviser", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    op.add_column("broker_accounts", sa.Column("adviser_id", sa.Uuid(), nullable=True))
    op.add_column("broker_accounts", sa.Column("allocation_groups", _JSON, nullable=True))
    op.add_column("broker_accounts", sa.Column("groups_told_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.create_foreign_key(
        op.f("fk_broker_accounts_tenant_id_adviser_id"),
        "broker_accounts",
        "broker_accounts",
        ["tenant_id", "adviser_id"],
        ["tenant_id", "id"],
    )
    op.create_check_constraint(op.f("ck_broker_accounts_adviser"), "broker_accounts", _ADVISER)
    op.create_index(
        "ix_broker_accounts_adviser",
        "broker_accounts",
        ["tenant_id", "adviser_id"],
        postgresql_where=sa.text(_OF_ADVISER),
    )
    op.add_column("orders", sa.Column("allocation", _JSON, nullable=True))
    op.add_column("orders", sa.Column("block_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_orders_blocks",
        "orders",
        ["tenant_id", "account_id", "instrument_id"],
        postgresql_where=sa.text(_BLOCKS),
    )
    op.create_index("ix_orders_shares", "orders", ["tenant_id", "block_id"], postgresql_where=sa.text(_SHARES))
    _change_origins(f"{_ORIGINS}, 'ALLOCATION'")
    # A database that is new has it from the table's own file.
    op.execute("DROP POLICY IF EXISTS batch ON account_balances")
    op.execute(_READ_BALANCES)
    op.execute("GRANT SELECT ON account_balances TO oms_intake")


def downgrade() -> None:
    op.execute("REVOKE SELECT ON account_balances FROM oms_intake")
    op.execute("DROP POLICY batch ON account_balances")
    op.execute("UPDATE orders SET origin = 'EXTERNAL' WHERE origin = 'ALLOCATION'")
    _change_origins(_ORIGINS)
    op.drop_index("ix_orders_shares", table_name="orders", postgresql_where=sa.text(_SHARES))
    op.drop_index("ix_orders_blocks", table_name="orders", postgresql_where=sa.text(_BLOCKS))
    op.drop_column("orders", "block_id")
    op.drop_column("orders", "allocation")
    op.drop_index("ix_broker_accounts_adviser", table_name="broker_accounts", postgresql_where=sa.text(_OF_ADVISER))
    op.drop_constraint(op.f("ck_broker_accounts_adviser"), "broker_accounts", type_="check")
    op.drop_constraint(op.f("fk_broker_accounts_tenant_id_adviser_id"), "broker_accounts", type_="foreignkey")
    for column in ("groups_told_at", "allocation_groups", "adviser_id", "is_adviser"):
        op.drop_column("broker_accounts", column)


def _change_origins(words: str) -> None:
    name = op.f("ck_orders_origin")
    op.drop_constraint(name, "orders", type_="check")
    # Rows that are there are read under a lock that lets writers through.
    op.execute(f"ALTER TABLE orders ADD CONSTRAINT {name} CHECK (origin IN ({words})) NOT VALID")
    op.execute(f"ALTER TABLE orders VALIDATE CONSTRAINT {name}")
