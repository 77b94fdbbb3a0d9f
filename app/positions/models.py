"""Tables of positions: what is held, how it came to be, how it was adjusted, what it earned."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.infra.tables import RATE, numeric_column, one_of, refers, text_column, time_column, uuid_column
from app.positions.domain import AdjustmentType

_PLACE = ("sequence", "place")


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
    realized_pnl_base: Decimal = numeric_column(sa_column_kwargs={"server_default": text("0")})
    unconverted_pnl: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    commission: Decimal = numeric_column()
    commission_base: Decimal = numeric_column(sa_column_kwargs={"server_default": text("0")})
    unconverted_commissions: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    open_buy_quantity: Decimal = numeric_column()
    open_sell_quantity: Decimal = numeric_column()
    moved_until: datetime | None = time_column(nullable=True)
    updated_at: datetime = time_column()


class PositionHistoryRow(SQLModel, table=True):
    """What a position was after an event or an adjustment of its account: appended whenever it moved or was charged.

    sequence is the event's in the account's log; place is 0 for the event, and behind it that of an adjustment.
    restated_from is set where an earlier time was worked over: what was written before for times from there on no
    longer follows from the ledger.
    """

    __tablename__ = "position_history"
    __table_args__ = (
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
        refers(["tenant_id", "instrument_id"], "instruments", ["tenant_id", "id"]),
        Index("ix_position_history_time", "tenant_id", "account_id", "instrument_id", "recorded_at", *_PLACE),
        Index(
            "ix_position_history_restated",
            "tenant_id",
            "account_id",
            "instrument_id",
            postgresql_where=text("restated_from IS NOT NULL"),
        ),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column(primary_key=True)
    instrument_id: UUID = uuid_column(primary_key=True)
    sequence: int = Field(primary_key=True, sa_type=BigInteger)
    place: int = Field(default=0, primary_key=True)
    quantity: Decimal = numeric_column()
    average_price: Decimal = numeric_column()
    realized_pnl: Decimal = numeric_column()
    realized_pnl_base: Decimal = numeric_column()
    unconverted_pnl: int
    commission: Decimal = numeric_column()
    commission_base: Decimal = numeric_column()
    unconverted_commissions: int
    moved_until: datetime | None = time_column(nullable=True)
    restated_from: datetime | None = time_column(nullable=True)
    recorded_at: datetime = time_column()


class PositionAdjustmentRow(SQLModel, table=True):
    """A typed adjustment: append-only.

    It follows the account's event after_sequence, 0 for none, and of several that do, those of a lower place.
    """

    __tablename__ = "position_adjustments"
    __table_args__ = (
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
        refers(["tenant_id", "instrument_id"], "instruments", ["tenant_id", "id"]),
        UniqueConstraint("tenant_id", "account_id", "idempotency_key"),
        UniqueConstraint("tenant_id", "account_id", "after_sequence", "place"),
        CheckConstraint("after_sequence >= 0 AND place >= 1", name="place"),
        one_of("type", AdjustmentType),
        CheckConstraint("length(reason) > 0", name="reason"),
        Index("ix_position_adjustments_position", "tenant_id", "account_id", "instrument_id", "effective_at"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column()
    instrument_id: UUID = uuid_column()
    type: str = text_column()
    quantity: Decimal | None = numeric_column(nullable=True)
    price: Decimal | None = numeric_column(nullable=True)
    ratio: Decimal | None = numeric_column(nullable=True)
    effective_at: datetime = time_column()
    reason: str = text_column()
    idempotency_key: str = text_column()
    quantity_before: Decimal = numeric_column()
    quantity_after: Decimal = numeric_column()
    average_price_before: Decimal = numeric_column()
    average_price_after: Decimal = numeric_column()
    realized_pnl: Decimal = numeric_column()
    base_rate: Decimal | None = Field(default=None, sa_type=RATE)
    realized_pnl_base: Decimal | None = numeric_column(nullable=True)
    adjusted_by: str = text_column()
    after_sequence: int = Field(sa_type=BigInteger)
    place: int
    recorded_at: datetime = time_column()


class OpeningMarkRow(SQLModel, table=True):
    """What a held position was valued at when a trading day began; taken_at tells how late it was taken."""

    __tablename__ = "opening_marks"
    __table_args__ = (
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
        refers(["tenant_id", "instrument_id"], "instruments", ["tenant_id", "id"]),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column(primary_key=True)
    day: date = Field(primary_key=True)
    instrument_id: UUID = uuid_column(primary_key=True)
    price: Decimal | None = numeric_column(nullable=True)
    rate: Decimal | None = Field(default=None, sa_type=RATE)
    taken_at: datetime = time_column()


class PnlSnapshotRow(SQLModel, table=True):
    """An account's profit and loss as it stood at an instant, in its base currency; one for each instant."""

    __tablename__ = "pnl_snapshots"
    __table_args__ = (
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
        UniqueConstraint("tenant_id", "account_id", "at"),
        CheckConstraint("drawdown >= 0", name="drawdown"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column()
    at: datetime = time_column()
    realized: Decimal = numeric_column()
    unrealized: Decimal = numeric_column()
    commission: Decimal = numeric_column()
    net: Decimal = numeric_column()
    equity: Decimal = numeric_column()
    peak: Decimal = numeric_column()
    drawdown: Decimal = numeric_column()
    is_day_end: bool = False
