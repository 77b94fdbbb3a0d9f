"""Orders that wait until the resting orders that they would have met have ended."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_INDEX = "ix_orders_waiting"
_WAITING = "waits_for IS NOT NULL AND state = 'HELD'"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("orders", sa.Column("waits_for", postgresql.ARRAY(sa.Uuid()), nullable=True))
    op.add_column("orders", sa.Column("is_awaited", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.create_index(_INDEX, "orders", ["tenant_id", "account_id"], postgresql_where=sa.text(_WAITING))


def downgrade() -> None:
    op.drop_index(_INDEX, table_name="orders", postgresql_where=sa.text(_WAITING))
    op.drop_column("orders", "is_awaited")
    op.drop_column("orders", "waits_for")
