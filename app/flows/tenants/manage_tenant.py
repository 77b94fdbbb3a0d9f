"""updateTenant, deactivateTenant, reactivateTenant: what a tenant is, and whether anybody is let in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.core.ids import OrderId, TenantId
from app.core.paging import Window
from app.core.records import replace
from app.flows.desk import Desk
from app.flows.identity.door import Door
from app.flows.orders.cancel_orders import cancel_orders
from app.flows.tenants.manage_members import record
from app.identity import members, members_repository
from app.identity.domain import Principal, written_name
from app.identity.domain import Scope as Allowed
from app.identity.domain.members import check_person
from app.identity.domain.platform import written_reason
from app.infra.db import WriteSession
from app.infra.uow import Scope, begin, reading
from app.orders import service as orders
from app.orders.domain.listing import OrderFilter
from app.tenants import service as tenants
from app.tenants.domain import Tenant
from app.tenants.errors import ConfirmationError, TenantInactiveError
from app.tenants.settings import changed_settings, domain_name

CANCELED_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A deactivated tenant, and how many orders were still open: each of them ended, or got a cancel on its way."""

    tenant: Tenant
    orders_canceled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantChange:
    """What is to become of a tenant; None leaves it, "" takes the domain away. settings are laid over the present."""

    name: str | None = None
    domain: str | None = None
    settings: Any = None


async def update_tenant(door: Door, principal: Principal, change: TenantChange) -> Tenant:
    """The tenant as it is now. Raises InputError with the path."""
    check_person(principal)
    tenant_id = principal.tenant_id
    async with begin(door.database, Scope(tenant_id=tenant_id)) as session:
        before = await tenants.lock(session, tenant_id)
        principal = await members.as_now(session, principal, Allowed.ADMIN_TENANT)
        domain = before.domain
        if change.domain is not None:
            domain = domain_name(change.domain, "domain") if change.domain.strip() else None
        after = replace(
            before,
            name=before.name if change.name is None else written_name(change.name, path=["name"]),
            domain=domain,
            settings=before.settings if change.settings is None else changed_settings(before.settings, change.settings),
        )
        if after != before:
            await tenants.save(session, after)
            await record(
                door, session, principal, "tenant.changed", tenant_id, old=before.as_facts(), new=after.as_facts()
            )
    return after


async def deactivate_own_tenant(desk: Desk, principal: Principal, *, confirm: str, reason: str) -> Closed:
    """Closes the principal's tenant to everybody, itself too; the platform alone opens it again.

    Raises ConfirmationError unless confirm is the tenant's slug, InputError, TenantInactiveError.
    """
    check_person(principal)
    async with reading(desk.database, Scope(tenant_id=principal.tenant_id)) as session:
        tenant = await tenants.tenant(session, principal.tenant_id)
    if confirm.strip() != tenant.slug:
        raise ConfirmationError(tenant.slug)
    return await deactivate(desk, principal, reason=reason)


async def deactivate(desk: Desk, principal: Principal, *, reason: str) -> Closed:
    """Closes the tenant of the principal: sessions end, keys and open sockets lose their power within five seconds.

    From the moment that it is stored no order is accepted; then the open ones are canceled. Asked again of a closed
    tenant, it cancels what is still open, for a process may have died in between.
    """
    written = written_reason(reason)
    tenant_id, now = principal.tenant_id, desk.clock.now()
    async with begin(desk.database, Scope(tenant_id=tenant_id)) as session:
        before = await tenants.lock(session, tenant_id)
        principal = await members.as_now(session, principal, Allowed.ADMIN_TENANT)
        after = before
        if before.is_active:
            after = replace(
                before,
                is_active=False,
                deactivated_at=now,
                deactivated_by=principal.actor,
                deactivation_reason=written,
            )
            await _close(desk.door, session, principal, after, now)
    desk.door.authenticator.forget_tenant(tenant_id)
    return Closed(tenant=after, orders_canceled=await _cancel_all(desk, principal))


async def reactivate(door: Door, principal: Principal, *, reason: str) -> Tenant:
    """Opens the tenant of the principal again: keys work, people log in anew. Raises TenantInactiveError."""
    written = written_reason(reason)
    async with begin(door.database, Scope(tenant_id=principal.tenant_id)) as session:
        before = await tenants.lock(session, principal.tenant_id)
        if before.is_active:
            raise TenantInactiveError("The tenant is active.")
        after = replace(before, is_active=True, deactivated_at=None, deactivated_by=None, deactivation_reason=None)
        await tenants.save(session, after)
        await record(
            door,
            session,
            principal,
            "tenant.reactivated",
            after.id,
            old={"deactivated_by": before.deactivated_by, "reason": before.deactivation_reason},
            new={"reason": written},
        )
    door.authenticator.forget_tenant(principal.tenant_id)
    return after


async def _close(door: Door, session: WriteSession, principal: Principal, after: Tenant, now: datetime) -> None:
    await tenants.save(session, after)
    await members_repository.end_sessions(session, after.id, user_id=None, at=now, reason="tenant deactivated")
    await record(door, session, principal, "tenant.deactivated", after.id, new={"reason": after.deactivation_reason})


async def _cancel_all(desk: Desk, principal: Principal) -> int:
    found = await _open_orders(desk, principal.tenant_id)
    for place in range(0, len(found), CANCELED_AT_ONCE):
        await cancel_orders(desk, principal, found[place : place + CANCELED_AT_ONCE])
    return len(found)


async def _open_orders(desk: Desk, tenant_id: TenantId) -> list[OrderId]:
    found: list[OrderId] = []
    window: Window[UUID] = Window(size=CANCELED_AT_ONCE)
    async with reading(desk.database, Scope(tenant_id=tenant_id)) as session:
        while True:
            page = await orders.page(session, tenant_id, OrderFilter(is_open=True), window)
            found += [order.id for order in page.items]
            if not page.has_more:
                return found
            window = Window(size=CANCELED_AT_ONCE, after=page.items[-1].id)
