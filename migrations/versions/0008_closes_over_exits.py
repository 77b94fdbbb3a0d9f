"""Closes of a position that wait until the orders that cover it have made way."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_INDEX = "ix_orders_close"
_MARKED = "close_id IS NOT NULL"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("orders", sa.Column("close_id", sa.Uuid(), nullable=True))
    op.create_index(_INDEX, "orders", ["tenant_id", "close_id"], postgresql_where=sa.text(_MARKED))


def downgrade() -> None:
    op.drop_index(_INDEX, table_name="orders", postgresql_where=sa.text(_MARKED))
    op.drop_column("orders", "close_id")
