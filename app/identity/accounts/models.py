"""Tables of what changes a person's account: registrations, single-use tokens, and the passwords of before."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary
from sqlmodel import Field, SQLModel

from app.identity.accounts.domain import TokenPurpose
from app.infra.tables import one_of, refers, text_column, time_column, uuid_column


class RegistrationRow(SQLModel, table=True):
    """Who wants to open a tenant and has not confirmed the address yet. The id becomes the person's."""

    __tablename__ = "registrations"
    __table_args__ = (
        CheckConstraint("length(token_hash) = 32", name="token_hash"),
        Index("ix_registrations_expires", "expires_at"),
    )

    id: UUID = uuid_column(primary_key=True)
    email: str = text_column()
    password_hash: str = text_column()
    tenant_name: str = text_column()
    first_name: str = text_column()
    last_name: str = text_column()
    token_hash: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = time_column()
    expires_at: datetime = time_column()
    finished_at: datetime | None = time_column(nullable=True)


class PersonTokenRow(SQLModel, table=True):
    """A token that went to a person by mail, known by its SHA-256 alone. used_at is set once."""

    __tablename__ = "person_tokens"
    __table_args__ = (
        refers(["user_id"], "users", ["id"]),
        one_of("purpose", TokenPurpose),
        CheckConstraint("length(token_hash) = 32", name="token_hash"),
    )

    user_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    purpose: str = text_column()
    email: str = text_column()
    token_hash: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = time_column()
    expires_at: datetime = time_column()
    used_at: datetime | None = time_column(nullable=True)


class PasswordHistoryRow(SQLModel, table=True):
    """A password that the person has had, the present one included, as it was hashed."""

    __tablename__ = "password_history"
    __table_args__ = (refers(["user_id"], "users", ["id"]),)

    user_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    password_hash: str = text_column()
    set_at: datetime = time_column()
