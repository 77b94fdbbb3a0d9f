"""The tables of the audit log: what waits to be sealed, the chain, its heads, and the keys of persons."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.infra.tables import refers, text_column, time_column, uuid_column

_NULLABLE_JSON = JSONB(none_as_null=True)
_WRITTEN_IN = text("(pg_current_xact_id()::text)::bigint")


class AuditRow(SQLModel, table=True):
    """One act, as its transaction wrote it down: it waits here for the sealer, which moves it into the chain."""

    __tablename__ = "audit_log"
    __table_args__ = (refers(["tenant_id"], "tenants", ["id"]),)

    tenant_id: UUID = uuid_column(primary_key=True)
    written_in: int | None = Field(
        default=None,
        primary_key=True,
        sa_type=BigInteger,
        sa_column_kwargs={"server_default": _WRITTEN_IN, "autoincrement": False},
    )
    id: UUID = uuid_column(primary_key=True)
    actor: str = text_column()
    action: str = text_column()
    resource_type: str = text_column()
    resource_id: str | None = text_column(nullable=True)
    old_values: dict[str, Any] | None = Field(default=None, sa_type=_NULLABLE_JSON)
    new_values: dict[str, Any] | None = Field(default=None, sa_type=_NULLABLE_JSON)
    ip_address: str | None = text_column(nullable=True)
    request_id: str | None = text_column(nullable=True)
    created_at: datetime = time_column()


class AuditLinkRow(SQLModel, table=True):
    """One act at its place in the chain of its tenant. Values are canonical JSON; what is personal is sealed apart."""

    __tablename__ = "audit_chain"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        UniqueConstraint("tenant_id", "id"),
        CheckConstraint("sequence > 0", name="sequence"),
        CheckConstraint("length(hash) = 32", name="hash"),
        Index("ix_audit_chain_actor", "tenant_id", "actor", "sequence"),
        Index("ix_audit_chain_action", "tenant_id", "action", "sequence"),
        Index("ix_audit_chain_resource", "tenant_id", "resource_type", "resource_id", "sequence"),
        Index("ix_audit_chain_request", "tenant_id", "request_id", "sequence"),
        Index("ix_audit_chain_time", "tenant_id", "created_at"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    sequence: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    id: UUID = uuid_column()
    actor: str = text_column()
    action: str = text_column()
    resource_type: str = text_column()
    resource_id: str | None = text_column(nullable=True)
    old_values: str | None = text_column(nullable=True)
    new_values: str | None = text_column(nullable=True)
    address_key: UUID | None = uuid_column(nullable=True)
    sealed_address: bytes | None = Field(default=None, sa_type=LargeBinary, nullable=True)
    values_key: UUID | None = uuid_column(nullable=True)
    sealed_values: bytes | None = Field(default=None, sa_type=LargeBinary, nullable=True)
    request_id: str | None = text_column(nullable=True)
    created_at: datetime = time_column()
    hash: bytes = Field(sa_type=LargeBinary)


class AuditHeadRow(SQLModel, table=True):
    """Where a tenant's chain ends and, once a prefix was pruned, where it begins. Its lock puts sealers in line."""

    __tablename__ = "audit_heads"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        CheckConstraint("sequence >= pruned_sequence AND pruned_sequence >= 0", name="sequence"),
        CheckConstraint("length(hash) = 32 AND length(pruned_hash) = 32", name="hash"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    sequence: int = Field(sa_type=BigInteger)
    hash: bytes = Field(sa_type=LargeBinary)
    pruned_sequence: int = Field(sa_type=BigInteger)
    pruned_hash: bytes = Field(sa_type=LargeBinary)
    sealed_at: datetime = time_column()


class AuditSignedHeadRow(SQLModel, table=True):
    """A head that was signed; delivered_at is set once the sink has it."""

    __tablename__ = "audit_signed_heads"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        CheckConstraint("length(hash) = 32", name="hash"),
        CheckConstraint("length(signature) = 64", name="signature"),
        Index(
            "ix_audit_signed_heads_waiting",
            "tenant_id",
            "sequence",
            postgresql_where=text("delivered_at IS NULL"),
        ),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    sequence: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    key_id: str = text_column(primary_key=True)
    pruned_sequence: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    hash: bytes = Field(sa_type=LargeBinary)
    signed_at: datetime = time_column()
    signature: bytes = Field(sa_type=LargeBinary)
    delivered_at: datetime | None = time_column(nullable=True)


class AuditPersonKeyRow(SQLModel, table=True):
    """What a person's values in the chain are sealed under, wrapped by the master key. Without it they are gone."""

    __tablename__ = "audit_person_keys"
    __table_args__ = (refers(["tenant_id"], "tenants", ["id"]), UniqueConstraint("tenant_id", "subject"))

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    subject: str = text_column()
    master_version: str = text_column()
    wrapped: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = time_column()


class AuditRetentionRow(SQLModel, table=True):
    """How long the tenant keeps its log; without a row, or without days, for ever."""

    __tablename__ = "audit_retentions"
    __table_args__ = (refers(["tenant_id"], "tenants", ["id"]), CheckConstraint("keep_days >= 1827", name="keep_days"))

    tenant_id: UUID = uuid_column(primary_key=True)
    keep_days: int | None = Field(default=None, nullable=True)
    set_by: str = text_column()
    set_at: datetime = time_column()


class AuditLeaseRow(SQLModel, table=True):
    """Who seals: one process at a time, until lease_until by the database's clock."""

    __tablename__ = "audit_leases"
    __table_args__ = (CheckConstraint("name = 'sealer'", name="name"),)

    name: str = text_column(primary_key=True)
    holder: str = text_column()
    generation: int = Field(sa_type=BigInteger)
    lease_until: datetime = time_column()
