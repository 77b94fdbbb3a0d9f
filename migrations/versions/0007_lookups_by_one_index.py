"""The ledger's index for positions, in an order that the planner does not take for the lookup of an execution."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NAME = "ix_executions_position"


def upgrade() -> None:
    op.drop_index(_NAME, table_name="executions")
    op.create_index(_NAME, "executions", ["tenant_id", "instrument_id", "account_id", "executed_at"])


def downgrade() -> None:
    op.drop_index(_NAME, table_name="executions")
    op.create_index(_NAME, "executions", ["tenant_id", "account_id", "instrument_id", "executed_at"])
