"""What the planner is told of the columns that rows are looked up by: their values differ.

Statistics of a table with a row or two say that every row has the same key. Until the next ANALYZE, lookups in the
table that has grown since would read an account's orders or executions one and all.
"""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_DISTINCT: dict[str, dict[str, float]] = {
    "orders": {"id": -1, "client_order_id": -1, "permanent_id": -1, "broker_order_id": -1},
    "executions": {"id": -1, "execution_id": -1, "execution_root": -1, "order_id": -0.5},
    "order_requests": {"id": -1, "order_id": -0.5},
    "order_events": {"sequence": -1, "order_id": -0.2},
    "lane_commands": {"id": -1, "order_id": -1},
    "outbox": {"id": -1},
    "audit_log": {"id": -1},
}
"""Distinct values per row of the table, negative as the planner wants them."""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, columns in _DISTINCT.items():
        changes = ", ".join(f"ALTER COLUMN {column} SET (n_distinct = {share})" for column, share in columns.items())
        op.execute(f"ALTER TABLE {table} {changes}")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, columns in _DISTINCT.items():
        op.execute(
            f"ALTER TABLE {table} " + ", ".join(f"ALTER COLUMN {column} RESET (n_distinct)" for column in columns)
        )
