"""Base currency beside the instrument's, the history of positions, typed adjustments, snapshots of profit and loss."""

import sqlalchemy as sa
from alembic import op

from migrations.policies import policy

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NUMERIC = sa.Numeric(precision=28, scale=10)
_RATE = sa.Numeric(precision=38, scale=18)
_TIME = sa.TIMESTAMP(timezone=True)
_TABLES = ("fx_rates", "opening_marks", "pnl_snapshots", "position_adjustments", "position_history")

# What was booked so far has no rate of its time: it is known in base currency where that is the instrument's own, and
# otherwise counted as not converted. The tables' owner sees no row under forced row-level security.
_CARRY_OVER = """
ALTER TABLE positions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE executions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE instruments NO FORCE ROW LEVEL SECURITY;
ALTER TABLE broker_accounts NO FORCE ROW LEVEL SECURITY;
ALTER TABLE account_books NO FORCE ROW LEVEL SECURITY;
UPDATE executions AS e SET base_rate = 1, realized_pnl_base = e.realized_pnl
FROM instruments AS i, broker_accounts AS a
WHERE i.tenant_id = e.tenant_id AND i.id = e.instrument_id AND a.tenant_id = e.tenant_id AND a.id = e.account_id
  AND i.currency = a.base_currency;
UPDATE executions AS e SET commission_base = e.commission FROM broker_accounts AS a
WHERE a.tenant_id = e.tenant_id AND a.id = e.account_id AND e.commission_currency = a.base_currency;
UPDATE positions AS p SET
  realized_pnl_base = CASE WHEN i.currency = a.base_currency THEN p.realized_pnl ELSE 0 END,
  unconverted_pnl = CASE WHEN i.currency <> a.base_currency AND p.realized_pnl <> 0 THEN 1 ELSE 0 END,
  commission_base = coalesce((SELECT sum(e.commission_base) FROM executions AS e WHERE e.tenant_id = p.tenant_id
    AND e.account_id = p.account_id AND e.instrument_id = p.instrument_id), 0),
  unconverted_commissions = (SELECT count(*) FROM executions AS e WHERE e.tenant_id = p.tenant_id
    AND e.account_id = p.account_id AND e.instrument_id = p.instrument_id AND e.commission <> 0
    AND e.commission_base IS NULL),
  moved_until = (SELECT max(e.executed_at) FROM executions AS e WHERE e.tenant_id = p.tenant_id
    AND e.account_id = p.account_id AND e.instrument_id = p.instrument_id)
FROM instruments AS i, broker_accounts AS a
WHERE i.tenant_id = p.tenant_id AND i.id = p.instrument_id AND a.tenant_id = p.tenant_id AND a.id = p.account_id;
INSERT INTO position_history (tenant_id, account_id, instrument_id, sequence, place, quantity, average_price,
  realized_pnl, realized_pnl_base, unconverted_pnl, commission, commission_base, unconverted_commissions, moved_until, recorded_at)
SELECT p.tenant_id, p.account_id, p.instrument_id, b.last_sequence, 0, p.quantity, p.average_price, p.realized_pnl,
  p.realized_pnl_base, p.unconverted_pnl, p.commission, p.commission_base, p.unconverted_commissions, p.moved_until,
  p.updated_at
FROM positions AS p JOIN account_books AS b USING (tenant_id, account_id) WHERE p.moved_until IS NOT NULL;
ALTER TABLE positions FORCE ROW LEVEL SECURITY;
ALTER TABLE executions FORCE ROW LEVEL SECURITY;
ALTER TABLE instruments FORCE ROW LEVEL SECURITY;
ALTER TABLE broker_accounts FORCE ROW LEVEL SECURITY;
ALTER TABLE account_books FORCE ROW LEVEL SECURITY;
"""


def upgrade() -> None:
    op.add_column("executions", sa.Column("base_rate", _RATE, nullable=True))
    op.add_column("executions", sa.Column("realized_pnl_base", _NUMERIC, nullable=True))
    op.add_column("executions", sa.Column("commission_base", _NUMERIC, nullable=True))
    op.create_index("ix_executions_position", "executions", ["tenant_id", "account_id", "instrument_id", "executed_at"])
    for name in ("realized_pnl_base", "commission_base"):
        op.add_column("positions", sa.Column(name, _NUMERIC, nullable=False, server_default=sa.text("0")))
    for name in ("unconverted_pnl", "unconverted_commissions"):
        op.add_column("positions", sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("positions", sa.Column("moved_until", _TIME, nullable=True))
    _create_history()
    _create_adjustments()
    _create_figures()
    _run(_CARRY_OVER)
    for table in _TABLES:
        _run(policy(table))


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
    for name in (
        "moved_until",
        "unconverted_commissions",
        "unconverted_pnl",
        "commission_base",
        "realized_pnl_base",
    ):
        op.drop_column("positions", name)
    op.drop_index("ix_executions_position", table_name="executions")
    for name in ("commission_base", "realized_pnl_base", "base_rate"):
        op.drop_column("executions", name)


def _run(statements: str) -> None:
    for statement in statements.split(";\n"):
        if statement.strip():
            op.execute(statement)


def _numeric(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, _NUMERIC, nullable=nullable)


def _of_account(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "account_id"],
        ["broker_accounts.tenant_id", "broker_accounts.id"],
        name=op.f(f"fk_{table}_tenant_id_account_id"),
    )


def _of_instrument(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "instrument_id"],
        ["instruments.tenant_id", "instruments.id"],
        name=op.f(f"fk_{table}_tenant_id_instrument_id"),
    )


def _create_history() -> None:
    op.create_table(
        "position_history",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        _numeric("quantity"),
        _numeric("average_price"),
        _numeric("realized_pnl"),
        _numeric("realized_pnl_base"),
        sa.Column("unconverted_pnl", sa.Integer(), nullable=False),
        _numeric("commission"),
        _numeric("commission_base"),
        sa.Column("unconverted_commissions", sa.Integer(), nullable=False),
        sa.Column("moved_until", _TIME, nullable=True),
        sa.Column("restated_from", _TIME, nullable=True),
        sa.Column("recorded_at", _TIME, nullable=False),
        _of_account("position_history"),
        _of_instrument("position_history"),
        sa.PrimaryKeyConstraint(
            "tenant_id", "account_id", "instrument_id", "sequence", "place", name=op.f("pk_position_history")
        ),
    )
    position = ["tenant_id", "account_id", "instrument_id"]
    op.create_index("ix_position_history_time", "position_history", [*position, "recorded_at", "sequence", "place"])
    op.create_index(
        "ix_position_history_restated",
        "position_history",
        position,
        postgresql_where=sa.text("restated_from IS NOT NULL"),
    )


def _create_adjustments() -> None:
    op.create_table(
        "position_adjustments",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        _numeric("quantity", nullable=True),
        _numeric("price", nullable=True),
        _numeric("ratio", nullable=True),
        sa.Column("effective_at", _TIME, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        _numeric("quantity_before"),
        _numeric("quantity_after"),
        _numeric("average_price_before"),
        _numeric("average_price_after"),
        _numeric("realized_pnl"),
        sa.Column("base_rate", _RATE, nullable=True),
        _numeric("realized_pnl_base", nullable=True),
        sa.Column("adjusted_by", sa.Text(), nullable=False),
        sa.Column("after_sequence", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("recorded_at", _TIME, nullable=False),
        sa.CheckConstraint(
            "type IN ('ASSIGNMENT', 'EXERCISE', 'EXPIRY', 'SPLIT', 'TRANSFER', 'BALANCE')",
            name=op.f("ck_position_adjustments_type"),
        ),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_position_adjustments_reason")),
        sa.CheckConstraint("after_sequence >= 0 AND place >= 1", name=op.f("ck_position_adjustments_place")),
        _of_account("position_adjustments"),
        _of_instrument("position_adjustments"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_position_adjustments")),
        sa.UniqueConstraint(
            "tenant_id",
            "account_id",
            "idempotency_key",
            name=op.f("uq_position_adjustments_tenant_id_account_id_idempotency_key"),
        ),
        sa.UniqueConstraint(
            "tenant_id",
            "account_id",
            "after_sequence",
            "place",
            name=op.f("uq_position_adjustments_tenant_id_account_id_after_sequence_place"),
        ),
    )
    op.create_index(
        "ix_position_adjustments_position",
        "position_adjustments",
        ["tenant_id", "account_id", "instrument_id", "effective_at"],
    )


def _create_figures() -> None:
    op.create_table(
        "fx_rates",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("base_currency", sa.Text(), nullable=False),
        sa.Column("quote_currency", sa.Text(), nullable=False),
        sa.Column("rate", _RATE, nullable=False),
        sa.Column("quoted_at", _TIME, nullable=False),
        sa.Column("recorded_at", _TIME, nullable=False),
        sa.CheckConstraint("rate > 0", name=op.f("ck_fx_rates_rate")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_fx_rates_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "base_currency", "quote_currency", name=op.f("pk_fx_rates")),
    )
    op.create_table(
        "opening_marks",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        _numeric("price", nullable=True),
        sa.Column("rate", _RATE, nullable=True),
        sa.Column("taken_at", _TIME, nullable=False),
        _of_account("opening_marks"),
        _of_instrument("opening_marks"),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", "day", "instrument_id", name=op.f("pk_opening_marks")),
    )
    op.create_table(
        "pnl_snapshots",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        _numeric("realized"),
        _numeric("unrealized"),
        _numeric("commission"),
        _numeric("net"),
        _numeric("equity"),
        _numeric("peak"),
        _numeric("drawdown"),
        sa.Column("is_day_end", sa.Boolean(), nullable=False),
        sa.CheckConstraint("drawdown >= 0", name=op.f("ck_pnl_snapshots_drawdown")),
        _of_account("pnl_snapshots"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_pnl_snapshots")),
        sa.UniqueConstraint("tenant_id", "account_id", "at", name=op.f("uq_pnl_snapshots_tenant_id_account_id_at")),
    )
