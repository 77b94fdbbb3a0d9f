"""Who publishes the outbox: a lease, so that one relay is active and another takes over from a frozen one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import policy

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "relay_leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("name = 'outbox'", name=op.f("ck_relay_leases_name")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_relay_leases")),
    )
    for statement in policy("relay_leases").split(";\n"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    op.drop_table("relay_leases")
