"""Limits of strategies, shadows, warnings, dates of effect, and two types more."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TIME = postgresql.TIMESTAMP(timezone=True)
_TYPES = (
    "'MAX_ORDER_QUANTITY', 'MAX_ORDER_NOTIONAL', 'MAX_POSITION_QUANTITY', 'MAX_POSITION_NOTIONAL', "
    "'MAX_OPEN_ORDERS', 'MAX_DAILY_LOSS', 'MAX_DRAWDOWN', 'MAX_LEVERAGE', 'MIN_MARGIN_EXCESS', 'SYMBOL_WHITELIST', "
    "'SYMBOL_BLACKLIST', 'TRADING_HOURS', 'MAX_ORDERS_PER_MINUTE', 'PRICE_COLLAR', 'MAX_CONCENTRATION', "
    "'DUPLICATE_ORDER', 'WASH_TRADE', 'COOLDOWN'"
)
_MORE_TYPES = "'CANCEL_RATE', 'ORDER_TO_TRADE_RATIO'"
_COLUMNS = ("strategy_id", "is_shadow", "warn_at", "effective_from", "effective_until")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("risk_limits", sa.Column("strategy_id", sa.Uuid(), nullable=True))
    op.add_column("risk_limits", sa.Column("is_shadow", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.add_column("risk_limits", sa.Column("warn_at", sa.Numeric(28, 10), nullable=True))
    op.add_column("risk_limits", sa.Column("effective_from", _TIME, nullable=True))
    op.add_column("risk_limits", sa.Column("effective_until", _TIME, nullable=True))
    op.create_check_constraint(op.f("ck_risk_limits_warn_at"), "risk_limits", "warn_at > 0 AND warn_at <= 1")
    op.create_check_constraint(op.f("ck_risk_limits_period"), "risk_limits", "effective_until > effective_from")
    _allow(f"{_TYPES}, {_MORE_TYPES}")


def downgrade() -> None:
    op.execute(f"DELETE FROM risk_limits WHERE limit_type IN ({_MORE_TYPES})")
    _allow(_TYPES)
    op.drop_constraint(op.f("ck_risk_limits_period"), "risk_limits", type_="check")
    op.drop_constraint(op.f("ck_risk_limits_warn_at"), "risk_limits", type_="check")
    for column in reversed(_COLUMNS):
        op.drop_column("risk_limits", column)


def _allow(types: str) -> None:
    op.drop_constraint(op.f("ck_risk_limits_limit_type"), "risk_limits", type_="check")
    op.create_check_constraint(op.f("ck_risk_limits_limit_type"), "risk_limits", f"limit_type IN ({types})")
