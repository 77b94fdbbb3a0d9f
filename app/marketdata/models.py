"""The tables of market data: exchange rates as last known, what is subscribed to, and bars of the past."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from app.core.fix import BarInterval
from app.infra.tables import RATE, numeric_column, one_of, refers, text_column, time_column, uuid_column


class FxRateRow(SQLModel, table=True):
    """The last known rate of a quoted pair: what one unit of the base currency is worth in the quote currency."""

    __tablename__ = "fx_rates"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        CheckConstraint("rate > 0", name="rate"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    base_currency: str = text_column(primary_key=True)
    quote_currency: str = text_column(primary_key=True)
    rate: Decimal = Field(sa_type=RATE)
    quoted_at: datetime = time_column()
    recorded_at: datetime = time_column()


class MarketDataSubscriptionRow(SQLModel, table=True):
    """A standing wish for an instrument's market data, with what came of it. Once ended it is never active again."""

    __tablename__ = "market_data_subscriptions"
    __table_args__ = (
        refers(["tenant_id", "instrument_id"], "instruments", ["tenant_id", "id"]),
        Index(
            "ix_market_data_subscriptions_active",
            "tenant_id",
            "instrument_id",
            unique=True,
            postgresql_where=text("is_active"),
        ),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    instrument_id: UUID = uuid_column()
    is_active: bool
    created_by: str = text_column()
    created_at: datetime = time_column()
    ended_at: datetime | None = time_column(nullable=True)
    last_tick_at: datetime | None = time_column(nullable=True)
    ticks_received: int = Field(sa_type=BigInteger)
    gaps: int


class BarRow(SQLModel, table=True):
    """A whole bar of the past, as the tenant's own broker told it: entitlements to data are the tenant's."""

    __tablename__ = "bars"
    __table_args__ = (
        refers(["tenant_id", "instrument_id"], "instruments", ["tenant_id", "id"]),
        one_of("bar_interval", BarInterval),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    instrument_id: UUID = uuid_column(primary_key=True)
    bar_interval: str = text_column(primary_key=True)
    starts_at: datetime = time_column(primary_key=True)
    open_price: Decimal = numeric_column()
    high_price: Decimal = numeric_column()
    low_price: Decimal = numeric_column()
    close_price: Decimal = numeric_column()
    volume: Decimal = numeric_column()


class BarRangeRow(SQLModel, table=True):
    """A stretch of time whose bars are all kept: where none is kept within it, there was none."""

    __tablename__ = "bar_ranges"
    __table_args__ = (
        refers(["tenant_id", "instrument_id"], "instruments", ["tenant_id", "id"]),
        one_of("bar_interval", BarInterval),
        CheckConstraint("covered_from < covered_until", name="order"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    instrument_id: UUID = uuid_column(primary_key=True)
    bar_interval: str = text_column(primary_key=True)
    covered_from: datetime = time_column(primary_key=True)
    covered_until: datetime = time_column()
