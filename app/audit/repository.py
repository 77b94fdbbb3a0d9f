"""All SQL of the audit log."""

from collections.abc import Sequence

from sqlalchemy import insert, select
from sqlmodel import col

from app.audit.domain import AuditEntry
from app.audit.models import AuditRow
from app.core.ids import TenantId
from app.infra.db import ReadSession, Write, WriteSession

_ADD_BATCH = """
INSERT INTO audit_log (tenant_id, id, actor, action, resource_type, resource_id, old_values, new_values,
                       ip_address, request_id, created_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $8::jsonb[],
                     $9::text[], $10::text[], $11::timestamptz[])
"""


async def add(session: WriteSession, entry: AuditEntry) -> None:
    """Stores the entry."""
    await session.execute(
        insert(AuditRow).values(
            tenant_id=entry.tenant_id,
            id=entry.id,
            actor=entry.actor,
            action=entry.action,
            resource_type=entry.resource_type,
            resource_id=entry.resource_id,
            old_values=dict(entry.old_values) if entry.old_values is not None else None,
            new_values=dict(entry.new_values) if entry.new_values is not None else None,
            ip_address=entry.ip_address,
            request_id=entry.request_id,
            created_at=entry.created_at,
        )
    )


def add_batch(entries: Sequence[AuditEntry]) -> Write:
    """Stores the entries in one statement."""
    return Write.of(
        _ADD_BATCH,
        [entry.tenant_id for entry in entries],
        [entry.id for entry in entries],
        [entry.actor for entry in entries],
        [entry.action for entry in entries],
        [entry.resource_type for entry in entries],
        [entry.resource_id for entry in entries],
        [entry.old_values for entry in entries],
        [entry.new_values for entry in entries],
        [entry.ip_address for entry in entries],
        [entry.request_id for entry in entries],
        [entry.created_at for entry in entries],
    )


async def of_resource(
    session: ReadSession | WriteSession, tenant_id: TenantId, resource_type: str, resource_id: str, *, limit: int
) -> list[AuditEntry]:
    """The newest entries on the resource that wait to be sealed, newest first."""
    statement = (
        select(AuditRow)
        .where(
            col(AuditRow.tenant_id) == tenant_id,
            col(AuditRow.resource_type) == resource_type,
            col(AuditRow.resource_id) == resource_id,
        )
        .order_by(col(AuditRow.created_at).desc(), col(AuditRow.id).desc())
        .limit(limit)
    )
    return [_entry(row) for row in (await session.execute(statement)).scalars()]


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        tenant_id=TenantId(row.tenant_id),
        id=row.id,
        actor=row.actor,
        action=row.action,
        resource_type=row.resource_type,
        resource_id=row.resource_id,
        old_values=row.old_values,
        new_values=row.new_values,
        ip_address=row.ip_address,
        request_id=row.request_id,
        created_at=row.created_at,
    )
