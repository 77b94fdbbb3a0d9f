"""What of circuit breakers waits for a second person, and which accounts a breaker cannot see."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("circuit_breakers", sa.Column("proposal", postgresql.JSONB(), nullable=True))
    op.add_column(
        "circuit_breakers",
        sa.Column("blind_accounts", postgresql.ARRAY(sa.Uuid()), nullable=False, server_default=sa.text("'{}'")),
    )
    op.add_column("circuit_breakers", sa.Column("blind_since", postgresql.TIMESTAMP(timezone=True), nullable=True))


def downgrade() -> None:
    for column in ("blind_since", "blind_accounts", "proposal"):
        op.drop_column("circuit_breakers", column)
