"""The tables of the outbox: the messages to be published, and who publishes them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index
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


class RelayLeaseRow(SQLModel, table=True):
    """Which process may publish or monitor, and until when. The generation grows with each new holder."""

    __tablename__ = "relay_leases"
    __table_args__ = (CheckConstraint("name IN ('outbox', 'risk_monitor')", name="name"),)

    name: str = text_column(primary_key=True)
    holder: str = text_column()
    generation: int = Field(sa_type=BigInteger)
    lease_until: datetime = time_column()
