"""The table of messages to be published."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index
from sqlmodel import Field, SQLModel

from app.infra.tables import refers, text_column, time_column, uuid_column


class OutboxRow(SQLModel, table=True):
    """One message: a channel of the bus and what goes out on it."""

    __tablename__ = "outbox"
    __table_args__ = (refers(["tenant_id"], "tenants", ["id"]), Index("ix_outbox_id", "id"))

    tenant_id: UUID = uuid_column(primary_key=True)
    id: int = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    channel: str = text_column()
    payload: str = text_column()
    created_at: datetime = time_column()
