"""Tables of identity: people are global, what they may do belongs to a tenant, and so do sessions, tokens and keys."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
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
        refers(["tenant_id", "custom_role_id"], "custom_roles", ["tenant_id", "id"]),
        one_of("role", Role),
        # Whoever reads the role alone takes a member with a role of the tenant's own for the least.
        CheckConstraint("custom_role_id IS NULL OR role = 'VIEWER'", name="custom_role"),
        Index("ix_memberships_user", "user_id"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    user_id: UUID = uuid_column()
    role: str = text_column()
    custom_role_id: UUID | None = uuid_column(nullable=True)
    is_restricted: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    is_active: bool = True
    created_at: datetime = time_column()
    removed_at: datetime | None = time_column(nullable=True)


class CustomRoleRow(SQLModel, table=True):
    """A named set of scopes of a tenant's own."""

    __tablename__ = "custom_roles"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        UniqueConstraint("tenant_id", "name"),
        CheckConstraint(f"scopes <@ ARRAY[{_SCOPES}]::text[]", name="scopes"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    name: str = text_column()
    scopes: list[str] = Field(sa_type=ARRAY(Text))
    created_at: datetime = time_column()
    updated_at: datetime = time_column()


class MemberAccountRow(SQLModel, table=True):
    """A broker account that a restricted member may see, and perhaps trade on."""

    __tablename__ = "member_accounts"
    __table_args__ = (
        refers(_MEMBER, "memberships", _MEMBER),
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    user_id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column(primary_key=True)
    may_trade: bool


class ApiKeyAccountRow(SQLModel, table=True):
    """A broker account that a restricted key may see, and perhaps trade on, as far as its owner may."""

    __tablename__ = "api_key_accounts"
    __table_args__ = (
        refers(["tenant_id", "api_key_id"], "api_keys", ["tenant_id", "id"]),
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    api_key_id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column(primary_key=True)
    may_trade: bool


class InvitationRow(SQLModel, table=True):
    """A place in the tenant for whoever reads the mail: its token is known by its SHA-256 alone and works once."""

    __tablename__ = "invitations"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        refers(["tenant_id", "custom_role_id"], "custom_roles", ["tenant_id", "id"]),
        UniqueConstraint("tenant_id", "token_hash"),
        one_of("role", Role),
        CheckConstraint("custom_role_id IS NULL OR role = 'VIEWER'", name="custom_role"),
        CheckConstraint("length(token_hash) = 32", name="token_hash"),
        CheckConstraint("email = lower(email)", name="email"),
        Index(
            "ix_invitations_open",
            "tenant_id",
            "email",
            unique=True,
            postgresql_where=text("accepted_at IS NULL AND revoked_at IS NULL"),
        ),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    email: str = text_column()
    role: str = text_column()
    custom_role_id: UUID | None = uuid_column(nullable=True)
    accounts: dict[str, bool] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    token_hash: bytes = Field(sa_type=LargeBinary)
    invited_by: str = text_column()
    times_sent: int
    wrong_passwords: int = 0
    created_at: datetime = time_column()
    sent_at: datetime = time_column()
    expires_at: datetime = time_column()
    accepted_at: datetime | None = time_column(nullable=True)
    revoked_at: datetime | None = time_column(nullable=True)


class PlatformAdministratorRow(SQLModel, table=True):
    """A person who runs the platform; a member of no tenant by that."""

    __tablename__ = "platform_administrators"
    __table_args__ = (refers(["user_id"], "users", ["id"]),)

    user_id: UUID = uuid_column(primary_key=True)
    granted_at: datetime = time_column()
    note: str = text_column()


class PlatformSessionRow(SQLModel, table=True):
    """A login of an administrator of the platform, known by the SHA-256 of its token alone."""

    __tablename__ = "platform_sessions"
    __table_args__ = (
        refers(["user_id"], "users", ["id"]),
        UniqueConstraint("user_id", "token_hash"),
        CheckConstraint("length(token_hash) = 32", name="token_hash"),
    )

    user_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    token_hash: bytes = Field(sa_type=LargeBinary)
    ip_address: str = text_column()
    user_agent: str = text_column()
    created_at: datetime = time_column()
    expires_at: datetime = time_column()
    revoked_at: datetime | None = time_column(nullable=True)


class PlatformEntryRow(SQLModel, table=True):
    """A time-limited presence of an administrator of the platform in a tenant, for a reason that the tenant reads."""

    __tablename__ = "platform_entries"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        UniqueConstraint("tenant_id", "token_hash"),
        CheckConstraint("length(token_hash) = 32", name="token_hash"),
        CheckConstraint(f"scopes <@ ARRAY[{_SCOPES}]::text[]", name="scopes"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    user_id: UUID = uuid_column()
    session_id: UUID = uuid_column()
    administrator: str = text_column()
    reason: str = text_column()
    scopes: list[str] = Field(sa_type=ARRAY(Text))
    token_hash: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = time_column()
    expires_at: datetime = time_column()
    ended_at: datetime | None = time_column(nullable=True)


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
    is_restricted: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    ip_allowlist: list[str] = Field(sa_type=ARRAY(Text))
    requests_per_minute: int | None = None
    created_at: datetime = time_column()
    expires_at: datetime | None = time_column(nullable=True)
    last_used_at: datetime | None = time_column(nullable=True)
    revoked_at: datetime | None = time_column(nullable=True)
