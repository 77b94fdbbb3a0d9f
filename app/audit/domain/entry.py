"""What an audit entry says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.ids import TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One act. actor as in Principal; action is "<resource>.<verb in the past>", such as "api_key.created"."""

    tenant_id: TenantId
    id: UUID
    actor: str
    action: str
    resource_type: str
    resource_id: str | None
    old_values: Mapping[str, Any] | None
    new_values: Mapping[str, Any] | None
    ip_address: str | None
    request_id: str | None
    created_at: datetime
