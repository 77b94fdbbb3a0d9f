"""The table of errands."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from app.errands.domain import ErrandKind, ErrandState
from app.infra.tables import one_of, text_column, time_column, uuid_column


class ErrandRow(SQLModel, table=True):
    """One errand. It belongs to no tenant, for a person may have none yet: the application adds, the worker does.

    What it is about is sealed under a key of its own, and gone when it has ended.
    """

    __tablename__ = "errands"
    __table_args__ = (
        one_of("kind", ErrandKind),
        one_of("state", ErrandState),
        Index("ix_errands_due", "due_at", postgresql_where=text("state = 'WAITING'")),
        Index("ix_errands_ended", "ended_at", postgresql_where=text("state <> 'WAITING'")),
    )

    id: UUID = uuid_column(primary_key=True)
    kind: str = text_column()
    recipient: str = text_column()
    state: str = text_column()
    sealed: bytes | None = Field(default=None, sa_type=LargeBinary, nullable=True)
    wrapped_key: bytes | None = Field(default=None, sa_type=LargeBinary, nullable=True)
    master_version: str = text_column()
    attempts: int = 0
    last_error: str | None = text_column(nullable=True)
    created_at: datetime = time_column()
    due_at: datetime = time_column()
    expires_at: datetime = time_column()
    ended_at: datetime | None = time_column(nullable=True)
