"""The tables of tenants: who they are, and the keys that their secrets are sealed under."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.infra.tables import json_column, refers, text_column, time_column, uuid_column


class TenantRow(SQLModel, table=True):
    """A firm. The slug names it in a login, so it is unique among all firms."""

    __tablename__ = "tenants"
    __table_args__ = (
        UniqueConstraint("slug"),
        CheckConstraint("slug = lower(slug) AND length(slug) BETWEEN 1 AND 63", name="slug"),
    )

    id: UUID = uuid_column(primary_key=True)
    name: str = text_column()
    slug: str = text_column()
    domain: str | None = text_column(nullable=True)
    settings: dict[str, Any] = json_column()
    is_active: bool = True
    created_at: datetime = time_column()
    deactivated_at: datetime | None = time_column(nullable=True)
    deactivated_by: str | None = text_column(nullable=True)
    deactivation_reason: str | None = text_column(nullable=True)


class TenantDataKeyRow(SQLModel, table=True):
    """A key that secrets of the tenant are sealed under, itself wrapped by a version of the master key.

    The highest version seals what is new; an older one goes when nothing is sealed under it any more.
    """

    __tablename__ = "tenant_data_keys"
    __table_args__ = (refers(["tenant_id"], "tenants", ["id"]), CheckConstraint("version > 0", name="version"))

    tenant_id: UUID = uuid_column(primary_key=True)
    version: int = Field(primary_key=True)
    master_version: str = text_column()
    wrapped: bytes
    created_at: datetime = time_column()
