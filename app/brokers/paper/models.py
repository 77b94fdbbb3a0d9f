"""Tables of the paper broker's books."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.brokers.paper.orders import PaperStatus
from app.core.fix import InstrumentType, OrderType, Side, TimeInForce
from app.infra.tables import NOTIONAL, numeric_column, one_of, refers, text_column, time_column, uuid_column


class PaperAccountRow(SQLModel, table=True):
    """An account at the paper broker. session counts who opened its books: only the latest may write."""

    __tablename__ = "paper_accounts"
    __table_args__ = (
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
        CheckConstraint("starting_cash >= 0", name="starting_cash"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column(primary_key=True)
    base_currency: str = text_column()
    starting_cash: Decimal = numeric_column()
    session: int = Field(default=0, sa_type=BigInteger)
    last_permanent_id: int = Field(default=0, sa_type=BigInteger)
    last_execution_number: int = Field(default=0, sa_type=BigInteger)
    next_order_id: int = Field(default=1, sa_type=BigInteger)
    opened_at: datetime = time_column()


class PaperCashRow(SQLModel, table=True):
    """What a paper account has of a currency; below zero what it owes."""

    __tablename__ = "paper_cash"
    __table_args__ = (refers(["tenant_id", "account_id"], "paper_accounts", ["tenant_id", "account_id"]),)

    tenant_id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column(primary_key=True)
    currency: str = text_column(primary_key=True)
    amount: Decimal = numeric_column()


class PaperPositionRow(SQLModel, table=True):
    """What a paper account holds of an instrument. average_cost includes commission."""

    __tablename__ = "paper_positions"
    __table_args__ = (
        refers(["tenant_id", "account_id"], "paper_accounts", ["tenant_id", "account_id"]),
        refers(["tenant_id", "instrument_id"], "instruments", ["tenant_id", "id"]),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column(primary_key=True)
    instrument_id: UUID = uuid_column(primary_key=True)
    contract_id: int = Field(sa_type=BigInteger)
    symbol: str = text_column()
    quantity: Decimal = numeric_column()
    average_cost: Decimal = numeric_column()
    realized: Decimal = numeric_column()


class PaperOrderRow(SQLModel, table=True):
    """An order in the paper broker's books. order_id is the client's reference, as orderRef is at a real broker."""

    __tablename__ = "paper_orders"
    __table_args__ = (
        refers(["tenant_id", "account_id"], "paper_accounts", ["tenant_id", "account_id"]),
        UniqueConstraint("tenant_id", "account_id", "broker_order_id"),
        one_of("status", PaperStatus),
        one_of("side", Side),
        one_of("order_type", OrderType),
        one_of("time_in_force", TimeInForce),
        one_of("instrument_type", InstrumentType),
        CheckConstraint("filled >= 0 AND filled <= quantity", name="filled"),
        Index("ix_paper_orders_open", "tenant_id", "account_id", postgresql_where=text("status = 'OPEN'")),
        Index("ix_paper_orders_ended", "tenant_id", "account_id", "ended_at"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column(primary_key=True)
    permanent_id: int = Field(primary_key=True, sa_type=BigInteger)
    broker_order_id: int = Field(sa_type=BigInteger)
    order_id: UUID = uuid_column()
    instrument_id: UUID = uuid_column()
    contract_id: int = Field(sa_type=BigInteger)
    symbol: str = text_column()
    instrument_type: str = text_column()
    exchange: str = text_column()
    currency: str = text_column()
    side: str = text_column()
    order_type: str = text_column()
    quantity: Decimal = numeric_column()
    limit_price: Decimal | None = numeric_column(nullable=True)
    stop_price: Decimal | None = numeric_column(nullable=True)
    trailing_amount: Decimal | None = numeric_column(nullable=True)
    time_in_force: str = text_column()
    expires_at: datetime | None = time_column(nullable=True)
    outside_regular_hours: bool
    oca_group: str | None = text_column(nullable=True)
    status: str = text_column()
    placed_at: datetime = time_column()
    filled: Decimal = numeric_column()
    notional: Decimal = Field(sa_type=NOTIONAL)
    commission: Decimal = numeric_column()
    is_triggered: bool
    trail_stop: Decimal | None = numeric_column(nullable=True)
    ends_at: datetime | None = time_column(nullable=True)
    ended_at: datetime | None = time_column(nullable=True)
    refusal_code: int | None = None
    reason: str | None = text_column(nullable=True)


class PaperExecutionRow(SQLModel, table=True):
    """A deal of the paper broker: written once, never changed. quoted_at is the time of the quote it took from."""

    __tablename__ = "paper_executions"
    __table_args__ = (
        refers(
            ["tenant_id", "account_id", "permanent_id"], "paper_orders", ["tenant_id", "account_id", "permanent_id"]
        ),
        one_of("side", Side),
        CheckConstraint("quantity > 0", name="quantity"),
        Index("ix_paper_executions_executed", "tenant_id", "account_id", "executed_at"),
        Index("ix_paper_executions_quoted", "tenant_id", "account_id", "instrument_id", "quoted_at"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column(primary_key=True)
    number: int = Field(primary_key=True, sa_type=BigInteger)
    permanent_id: int = Field(sa_type=BigInteger)
    broker_order_id: int = Field(sa_type=BigInteger)
    order_id: UUID = uuid_column()
    instrument_id: UUID = uuid_column()
    contract_id: int = Field(sa_type=BigInteger)
    side: str = text_column()
    quantity: Decimal = numeric_column()
    price: Decimal = numeric_column()
    commission: Decimal = numeric_column()
    currency: str = text_column()
    realized_pnl: Decimal | None = numeric_column(nullable=True)
    is_maker: bool
    quoted_at: datetime = time_column()
    executed_at: datetime = time_column()
