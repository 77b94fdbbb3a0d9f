"""The table of audit entries; the application may insert and select, nothing else."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.infra.tables import refers, text_column, time_column, uuid_column

_NULLABLE_JSON = JSONB(none_as_null=True)


class AuditRow(SQLModel, table=True):
    """One act: who, what, on which resource, from where, with the values before and after."""

    __tablename__ = "audit_log"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        Index("ix_audit_log_resource", "tenant_id", "resource_type", "resource_id", "created_at"),
        Index("ix_audit_log_time", "tenant_id", "created_at"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
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
