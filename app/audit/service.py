"""Recording acts, in the transaction that does them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.audit import repository
from app.audit.domain import AuditEntry
from app.identity.domain import Principal
from app.infra.db import ReadSession, Write, WriteSession

ENTRIES_MAX = 500


def entry(
    principal: Principal,
    action: str,
    resource_type: str,
    resource_id: UUID | str | None,
    *,
    entry_id: UUID,
    now: datetime,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """The entry of an act of the principal. old and new are JSON documents without secrets."""
    return AuditEntry(
        tenant_id=principal.tenant_id,
        id=entry_id,
        actor=principal.actor,
        action=action,
        resource_type=resource_type,
        resource_id=None if resource_id is None else str(resource_id),
        old_values=old,
        new_values=new,
        ip_address=principal.ip_address or None,
        request_id=principal.request_id or None,
        created_at=now,
    )


async def record(
    session: WriteSession,
    principal: Principal,
    action: str,
    resource_type: str,
    resource_id: UUID | str | None,
    *,
    entry_id: UUID,
    now: datetime,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
) -> None:
    """Writes down one act of the principal in its tenant's log; it stands or falls with the transaction."""
    act = entry(principal, action, resource_type, resource_id, entry_id=entry_id, now=now, old=old, new=new)
    await repository.add(session, act)


def record_batch(entries: Sequence[AuditEntry]) -> Write:
    """What writes many acts down at once."""
    return repository.add_batch(entries)


async def history(
    session: ReadSession | WriteSession,
    principal: Principal,
    resource_type: str,
    resource_id: UUID | str,
    *,
    limit: int = 50,
) -> list[AuditEntry]:
    """What was done to the resource and waits to be sealed, newest first, at most ENTRIES_MAX."""
    return await repository.of_resource(
        session, principal.tenant_id, resource_type, str(resource_id), limit=min(limit, ENTRIES_MAX)
    )
