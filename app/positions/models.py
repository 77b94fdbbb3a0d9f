"""The table of positions."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import SQLModel

from app.infra.tables import numeric_column, refers, time_column, uuid_column


class PositionRow(SQLModel, table=True):
    """A position: signed quantity, average price, realized profit and loss, and the quantities of open orders."""

    __tablename__ = "positions"
    __table_args__ = (
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
        refers(["tenant_id", "instrument_id"], "instruments", ["tenant_id", "id"]),
        UniqueConstraint("tenant_id", "account_id", "instrument_id"),
        CheckConstraint("open_buy_quantity >= 0 AND open_sell_quantity >= 0", name="open"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column()
    instrument_id: UUID = uuid_column()
    quantity: Decimal = numeric_column()
    average_price: Decimal = numeric_column()
    realized_pnl: Decimal = numeric_column()
    commission: Decimal = numeric_column()
    open_buy_quantity: Decimal = numeric_column()
    open_sell_quantity: Decimal = numeric_column()
    updated_at: datetime = time_column()
