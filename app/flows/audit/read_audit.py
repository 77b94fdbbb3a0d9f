"""auditLog: what was done, by whom, found and shown with what is personal in it opened."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.audit import keys_batch, reading_batch
from app.audit.domain import ERASED, Link, put_back
from app.audit.reading_batch import AuditFilter
from app.core.ids import TenantId
from app.core.paging import Page, Window, page_of
from app.identity.domain import Principal, Scope
from app.infra.db import BatchSession, Database
from app.infra.uow import begin_batch
from app.infra.vault import DataKey, SecretUnreadableError, Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntryView:
    """A sealed entry as people read it. What was personal and is erased stands as [erased]."""

    id: UUID
    sequence: int
    actor: str
    action: str
    resource_type: str
    resource_id: str | None
    old_values: Any
    new_values: Any
    ip_address: str | None
    request_id: str | None
    hash: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """A page of entries. looked_to, when set, is where a search for a text stopped before the end of the log."""

    page: Page[AuditEntryView]
    looked_to: int | None


async def search_audit(
    database: Database, vault: Vault, principal: Principal, wanted: AuditFilter, window: Window[int]
) -> AuditPage:
    """The entries that fit, the newest first. Raises MissingScopeError."""
    principal.require(Scope.VIEW_AUDIT)
    async with begin_batch(database, principal.tenant_id) as session:
        found = await reading_batch.search(session, principal.tenant_id, wanted, window)
        views = await shown(session, vault, principal.tenant_id, found.links)
    page = page_of(views, window)
    return AuditPage(page=page, looked_to=None if page.has_more else found.looked_to)


async def count_audit(database: Database, principal: Principal, wanted: AuditFilter) -> int:
    """How many entries fit, counted up to reading_batch.COUNTED_MAX."""
    async with begin_batch(database, principal.tenant_id) as session:
        return await reading_batch.count(session, principal.tenant_id, wanted)


async def audit_entry(database: Database, vault: Vault, principal: Principal, entry_id: UUID) -> AuditEntryView | None:
    """The sealed entry of the id, or None."""
    async with begin_batch(database, principal.tenant_id) as session:
        found = await reading_batch.by_id(session, principal.tenant_id, entry_id)
        return None if found is None else (await shown(session, vault, principal.tenant_id, [found]))[0]


async def shown(
    session: BatchSession, vault: Vault, tenant_id: TenantId, links: Sequence[Link]
) -> list[AuditEntryView]:
    """The links as people read them."""
    wanted = {key for link in links for key in (link.entry.address_key, link.entry.values_key) if key is not None}
    stored = await keys_batch.keys_by_ids(session, tenant_id, sorted(wanted)) if wanted else {}
    keys = {key_id: vault.data_key(key.wrapped, key.purpose) for key_id, key in stored.items()}
    return [_shown(link, keys) for link in links]


def _shown(link: Link, keys: Mapping[UUID, DataKey]) -> AuditEntryView:
    entry = link.entry
    address = _opened(keys, entry.address_key, entry.sealed_address, link, "address")
    values = [_parsed(entry.old_values), _parsed(entry.new_values)]
    if entry.sealed_values is not None:
        text = _opened(keys, entry.values_key, entry.sealed_values, link, "values")
        values = put_back(values, None if text is None else json.loads(text))
    return AuditEntryView(
        id=entry.id,
        sequence=entry.sequence,
        actor=entry.actor,
        action=entry.action,
        resource_type=entry.resource_type,
        resource_id=entry.resource_id,
        old_values=values[0],
        new_values=values[1],
        ip_address=ERASED if entry.sealed_address is not None and address is None else address,
        request_id=entry.request_id,
        hash=link.hash,
        created_at=entry.created_at,
    )


def _opened(
    keys: Mapping[UUID, DataKey], key_id: UUID | None, sealed: bytes | None, link: Link, what: str
) -> str | None:
    if key_id is None or sealed is None or key_id not in keys:
        return None
    try:
        return keys[key_id].open(sealed, str(link.entry.tenant_id), str(link.entry.id), what)
    except SecretUnreadableError:
        # Somebody tampered with it: the chain tells, and the rest of the page is still to be read.
        return None


def _parsed(text: str | None) -> Any:
    return None if text is None else json.loads(text)
