"""Tables of identity: people are global, what they may do belongs to a tenant, and so do sessions, tokens and keys."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from app.identity.domain import Role, Scope
from app.infra.tables import json_column, one_of, refers, text_column, time_column, uuid_column

_MEMBER = ["tenant_id", "user_id"]
_SCOPES = ", ".join(f"'{scope.value}'" for scope in Scope)


class UserRow(SQLModel, table=True):
    """A person, who may belong to several tenants. The e-mail address is stored normalised."""

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("email"),
        CheckConstraint("email = lower(email) AND length(email) BETWEEN 3 AND 254", name="email"),
    )

    id: UUID = uuid_column(primary_key=True)
    email: str = text_column()
    password_hash: str = text_column()
    first_name: str = text_column()
    last_name: str = text_column()
    phone_number: str | None = text_column(nullable=True)
    email_verified: bool = False
    two_factor_enabled: bool = False
    preferences: dict[str, Any] = json_column()
    is_active: bool = True
    created_at: datetime = time_column()
    password_changed_at: datetime = time_column()


class MembershipRow(SQLModel, table=True):
    """What a person is in a tenant."""

    __tablename__ = "memberships"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        refers(["user_id"], "users", ["id"]),
        UniqueConstraint("tenant_id", "user_id"),
        one_of("role", Role),
        Index("ix_memberships_user", "user_id"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    user_id: UUID = uuid_column()
    role: str = text_column()
    is_active: bool = True
    created_at: datetime = time_column()


class AuthSessionRow(SQLModel, table=True):
    """A login of a member: the family of its refresh tokens, and the row whose lock puts their rotations in line."""

    __tablename__ = "auth_sessions"
    __table_args__ = (
        refers(_MEMBER, "memberships", ["tenant_id", "user_id"]),
        CheckConstraint("stepped_up_with IN ('PASSWORD', 'TOTP', 'RECOVERY_CODE')", name="stepped_up_with"),
        Index("ix_auth_sessions_user", "tenant_id", "user_id", "created_at"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    user_id: UUID = uuid_column()
    ip_address: str = text_column()
    user_agent: str = text_column()
    created_at: datetime = time_column()
    last_seen_at: datetime = time_column()
    expires_at: datetime = time_column()
    revoked_at: datetime | None = time_column(nullable=True)
    revoked_reason: str | None = text_column(nullable=True)
    stepped_up_at: datetime | None = time_column(nullable=True)
    stepped_up_with: str | None = text_column(nullable=True)


class RefreshTokenRow(SQLModel, table=True):
    """One refresh token of a session, known by its SHA-256 alone. used_at is set once, by its rotation."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (
        refers(["tenant_id", "session_id"], "auth_sessions", ["tenant_id", "id"]),
        UniqueConstraint("tenant_id", "token_hash"),
        CheckConstraint("length(token_hash) = 32", name="token_hash"),
        Index("ix_refresh_tokens_session", "tenant_id", "session_id"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    session_id: UUID = uuid_column()
    token_hash: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = time_column()
    expires_at: datetime = time_column()
    used_at: datetime | None = time_column(nullable=True)


class ApiKeyRow(SQLModel, table=True):
    """A key for programs, known by its public prefix and the SHA-256 of its secret.

    user_id is the member who answers for it: the key never may more than that member still may.
    """

    __tablename__ = "api_keys"
    __table_args__ = (
        refers(_MEMBER, "memberships", ["tenant_id", "user_id"]),
        UniqueConstraint("tenant_id", "prefix"),
        CheckConstraint("length(secret_hash) = 32", name="secret_hash"),
        CheckConstraint(f"scopes <@ ARRAY[{_SCOPES}]::text[]", name="scopes"),
        CheckConstraint("requests_per_minute > 0", name="requests_per_minute"),
        Index("ix_api_keys_user", "tenant_id", "user_id"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    user_id: UUID = uuid_column()
    name: str = text_column()
    prefix: str = text_column()
    secret_hash: bytes = Field(sa_type=LargeBinary)
    scopes: list[str] = Field(sa_type=ARRAY(Text))
    ip_allowlist: list[str] = Field(sa_type=ARRAY(Text))
    requests_per_minute: int | None = None
    created_at: datetime = time_column()
    expires_at: datetime | None = time_column(nullable=True)
    last_used_at: datetime | None = time_column(nullable=True)
    revoked_at: datetime | None = time_column(nullable=True)
