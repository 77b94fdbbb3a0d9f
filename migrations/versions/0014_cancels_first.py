"""The cancels of a lane, found without reading what stands before them."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index(
        "ix_lane_commands_cancels",
        "lane_commands",
        ["tenant_id", "account_id", "id"],
        postgresql_where=sa.text("kind = 'CANCEL'"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_lane_commands_cancels", table_name="lane_commands")
