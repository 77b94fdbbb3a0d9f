"""Founding tenants and finding them."""

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from app.core.errors import NotFoundError
from app.core.ids import TenantId
from app.core.records import replace
from app.infra.db import ReadSession, WriteSession
from app.tenants import repository
from app.tenants.domain import REQUIRE_TWO_FACTOR, Tenant, slug_of
from app.tenants.errors import SlugExhaustedError

SLUG_TRIES_MAX: Final = 5


async def found(session: WriteSession, tenant_id: TenantId, name: str, *, now: datetime) -> Tenant:
    """A new tenant with a slug from its name; where that is taken, with a few random digits behind it.

    The transaction's scope is the new tenant. Raises SlugExhaustedError.
    """
    tenant = Tenant(
        id=tenant_id, name=name, slug=slug_of(name), domain=None, settings={}, is_active=True, created_at=now
    )
    slug = tenant.slug
    for _ in range(SLUG_TRIES_MAX):
        if await repository.add(session, tenant):
            return tenant
        tenant = replace(tenant, slug=f"{slug}-{secrets.token_hex(3)}")
    raise SlugExhaustedError(slug)


async def tenant(session: ReadSession | WriteSession, tenant_id: TenantId) -> Tenant:
    """The tenant. Raises NotFoundError."""
    found_tenants = await repository.by_ids(session, [tenant_id])
    if not found_tenants:
        raise NotFoundError("There is no such tenant.")
    return found_tenants[0]


async def tenants(session: ReadSession | WriteSession, tenant_ids: Iterable[TenantId]) -> list[Tenant]:
    """Those of the tenants that the transaction sees, by slug."""
    return await repository.by_ids(session, tenant_ids)


async def open_tenant(session: ReadSession | WriteSession, tenant_id: TenantId) -> Tenant | None:
    """The tenant, None when it is unknown or suspended."""
    return next((one for one in await repository.by_ids(session, [tenant_id]) if one.is_active), None)


async def demand_second_factor(session: WriteSession, tenant_id: TenantId, *, is_demanded: bool) -> tuple[bool, Tenant]:
    """Whether the demand stood before, and the tenant as it is now."""
    before = await tenant(session, tenant_id)
    await repository.merge_setting(session, tenant_id, REQUIRE_TWO_FACTOR, is_demanded)
    return before.requires_two_factor, replace(before, settings={**before.settings, REQUIRE_TWO_FACTOR: is_demanded})


async def lock(session: WriteSession, tenant_id: TenantId) -> Tenant:
    """The tenant, for one change of its members, roles or settings at a time. Raises NotFoundError."""
    locked = await repository.lock(session, tenant_id)
    if locked is None:
        raise NotFoundError("There is no such tenant.")
    return locked


async def save(session: WriteSession, changed: Tenant) -> None:
    """Stores what the locked tenant has become."""
    await repository.save(session, changed)


async def page(
    session: ReadSession | WriteSession, *, search: str | None, after: TenantId | None, limit: int
) -> list[Tenant]:
    """Those of the tenants that the transaction sees, the oldest first; search is a part of name or slug."""
    return await repository.page(session, search=search, after=after, limit=limit)


async def is_active(session: ReadSession | WriteSession, tenant_id: TenantId) -> bool:
    """True when the tenant exists and is not suspended."""
    return any(one.is_active for one in await repository.by_ids(session, [tenant_id]))
