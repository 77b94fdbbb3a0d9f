"""Orders that belong together, orders that close a position, and orders that wait for their release."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_PARENT = "(parent_id IS NOT NULL) = coalesce(link_role IN ('TAKE_PROFIT', 'STOP_LOSS'), false)"
_RELEASE = "is_staged AND release_at IS NOT NULL AND state = 'HELD'"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("orders", sa.Column("parent_id", sa.Uuid(), nullable=True))
    op.add_column("orders", sa.Column("link_role", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("oca_group", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("group_quantity", sa.Numeric(precision=28, scale=10), nullable=True))
    op.add_column("orders", sa.Column("closes_position", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.add_column("orders", sa.Column("is_staged", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.add_column("orders", sa.Column("release_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.create_foreign_key(
        op.f("fk_orders_tenant_id_parent_id"), "orders", "orders", ["tenant_id", "parent_id"], ["tenant_id", "id"]
    )
    op.create_check_constraint(
        op.f("ck_orders_link_role"), "orders", "link_role IN ('ENTRY', 'TAKE_PROFIT', 'STOP_LOSS', 'OCO')"
    )
    op.create_check_constraint(op.f("ck_orders_parent"), "orders", _PARENT)
    op.create_index(
        "ix_orders_parent", "orders", ["tenant_id", "parent_id"], postgresql_where=sa.text("parent_id IS NOT NULL")
    )
    op.create_index(
        "ix_orders_oca_group", "orders", ["tenant_id", "oca_group"], postgresql_where=sa.text("oca_group IS NOT NULL")
    )
    op.create_index(
        "ix_orders_release",
        "orders",
        ["tenant_id", "account_id", "release_at"],
        postgresql_where=sa.text(_RELEASE),
    )


def downgrade() -> None:
    op.drop_index("ix_orders_release", table_name="orders", postgresql_where=sa.text(_RELEASE))
    op.drop_index("ix_orders_oca_group", table_name="orders", postgresql_where=sa.text("oca_group IS NOT NULL"))
    op.drop_index("ix_orders_parent", table_name="orders", postgresql_where=sa.text("parent_id IS NOT NULL"))
    op.drop_constraint(op.f("ck_orders_parent"), "orders", type_="check")
    op.drop_constraint(op.f("ck_orders_link_role"), "orders", type_="check")
    op.drop_constraint(op.f("fk_orders_tenant_id_parent_id"), "orders", type_="foreignkey")
    for column in (
        "release_at",
        "is_staged",
        "closes_position",
        "group_quantity",
        "oca_group",
        "link_role",
        "parent_id",
    ):
        op.drop_column("orders", column)
