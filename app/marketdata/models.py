"""The table of exchange rates: what is known when Redis is not there."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from app.infra.tables import RATE, refers, text_column, time_column, uuid_column


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
