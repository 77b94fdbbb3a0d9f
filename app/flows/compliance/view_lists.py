"""restrictedLists and restrictionAlerts: what compliance keeps out, and what touched it."""

from uuid import UUID

from app.compliance import lists_batch, restrictions_batch
from app.compliance.domain.lists import ListEntry, ListVersion, RestrictedList
from app.compliance.domain.restrictions import RestrictionAlert
from app.compliance.errors import RestrictedListUnknownError
from app.core.ids import RestrictedListId
from app.core.paging import Page, Window
from app.flows.desk import Desk
from app.identity.domain import Principal
from app.infra.uow import begin_batch


async def list_lists(desk: Desk, principal: Principal, window: Window[UUID]) -> Page[RestrictedList]:
    """A page of the tenant's lists. Raises WholeTenantError, as all here do."""
    principal.require_whole_tenant()
    async with begin_batch(desk.database, principal.tenant_id) as session:
        return await lists_batch.lists_page(session, principal.tenant_id, window)


async def count_lists(desk: Desk, principal: Principal) -> int:
    """How many lists the tenant has."""
    principal.require_whole_tenant()
    async with begin_batch(desk.database, principal.tenant_id) as session:
        return await lists_batch.count_lists(session, principal.tenant_id)


async def list_entries(
    desk: Desk, principal: Principal, list_id: RestrictedListId, version: int | None, window: Window[UUID]
) -> Page[ListEntry]:
    """A page of the entries of a list, as it stands or as it was. Raises RestrictedListUnknownError."""
    principal.require_whole_tenant()
    async with begin_batch(desk.database, principal.tenant_id) as session:
        if await lists_batch.find_list(session, principal.tenant_id, list_id) is None:
            raise RestrictedListUnknownError("listId")
        return await lists_batch.entries_page(session, principal.tenant_id, list_id, version, window)


async def count_entries(desk: Desk, principal: Principal, list_id: RestrictedListId, version: int | None) -> int:
    """How many entries the list has or had."""
    principal.require_whole_tenant()
    async with begin_batch(desk.database, principal.tenant_id) as session:
        return await lists_batch.count_entries(session, principal.tenant_id, list_id, version)


async def list_versions(
    desk: Desk, principal: Principal, list_id: RestrictedListId, window: Window[int]
) -> Page[ListVersion]:
    """A page of the versions of a list. Raises RestrictedListUnknownError."""
    principal.require_whole_tenant()
    async with begin_batch(desk.database, principal.tenant_id) as session:
        if await lists_batch.find_list(session, principal.tenant_id, list_id) is None:
            raise RestrictedListUnknownError("listId")
        return await lists_batch.versions_page(session, principal.tenant_id, list_id, window)


async def count_versions(desk: Desk, principal: Principal, list_id: RestrictedListId) -> int:
    """How many versions the list has had."""
    principal.require_whole_tenant()
    async with begin_batch(desk.database, principal.tenant_id) as session:
        known = await lists_batch.find_list(session, principal.tenant_id, list_id)
    return 0 if known is None else known.version


async def list_alerts(desk: Desk, principal: Principal, window: Window[UUID]) -> Page[RestrictionAlert]:
    """A page of what touched restricted names."""
    principal.require_whole_tenant()
    async with begin_batch(desk.database, principal.tenant_id) as session:
        return await restrictions_batch.alerts_page(session, principal.tenant_id, window)


async def count_alerts(desk: Desk, principal: Principal) -> int:
    """How many touches there were."""
    principal.require_whole_tenant()
    async with begin_batch(desk.database, principal.tenant_id) as session:
        return await restrictions_batch.count_alerts(session, principal.tenant_id)
