"""The table of tenants."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import SQLModel

from app.infra.tables import json_column, text_column, time_column, uuid_column


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
