"""What the limits said of the change of an order, with its request, and whose refusal it was; kept order records."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0029"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "order_requests", sa.Column("is_house_refusal", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column(
        "order_requests",
        sa.Column("risk_checks", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("order_requests", "risk_checks")
    op.drop_column("order_requests", "is_house_refusal")
