"""viewer, sessions, apiKeys, members: what the door shows of identity."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.ids import AccountId
from app.flows.door import Door
from app.identity.domain import ApiKey, Membership, Principal, Scope, Session, User
from app.infra import uow
from app.tenants import service as tenants
from app.tenants.domain import Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A membership with its two ends. accounts are those that the member is restricted to; None for all."""

    membership: Membership
    user: User
    tenant: Tenant
    accounts: Mapping[AccountId, bool] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who asks: a member of the tenant, or an API key of it. memberships are those of the person in all tenants."""

    tenant: Tenant
    scopes: frozenset[Scope]
    user: User | None
    membership: Member | None
    api_key: ApiKey | None
    memberships: tuple[Member, ...]


async def view_self(door: Door, principal: Principal) -> Viewer:
    """The principal as it sees itself."""
    tenant_id, user_id, api_key_id = principal.tenant_id, principal.user_id, principal.api_key_id
    async with uow.reading(door.database, uow.Scope(tenant_id=tenant_id, user_id=user_id)) as session:
        tenant = await tenants.tenant(session, tenant_id)
        api_key = None if api_key_id is None else await door.identity.api_key(session, tenant_id, api_key_id)
        if user_id is None:
            return Viewer(
                tenant=tenant, scopes=principal.scopes, user=None, membership=None, api_key=api_key, memberships=()
            )
        user = await door.identity.user(session, user_id)
        memberships = await door.identity.memberships(session, user_id)
        firms = {firm.id: firm for firm in await tenants.tenants(session, [one.tenant_id for one in memberships])}
    members = tuple(Member(membership=one, user=user, tenant=firms[one.tenant_id]) for one in memberships)
    own = next((one for one in members if one.membership.tenant_id == tenant_id), None)
    return Viewer(
        tenant=tenant, scopes=principal.scopes, user=user, membership=own, api_key=api_key, memberships=members
    )


async def view_members(door: Door, principal: Principal) -> list[Member]:
    """The members of the principal's tenant, oldest first."""
    async with uow.reading(door.database, uow.Scope(tenant_id=principal.tenant_id)) as session:
        tenant = await tenants.tenant(session, principal.tenant_id)
        found = await door.identity.members(session, principal.tenant_id)
    return [Member(membership=membership, user=user, tenant=tenant) for membership, user in found]


async def view_sessions(door: Door, principal: Principal) -> list[Session]:
    """The person's own live sessions in the tenant, newest first; none for an API key."""
    async with uow.reading(door.database, uow.Scope(tenant_id=principal.tenant_id)) as session:
        return await door.identity.sessions(session, principal)


async def view_api_keys(door: Door, principal: Principal) -> list[ApiKey]:
    """The keys that the principal may see, newest first: all with ADMIN_TENANT, else those it answers for."""
    async with uow.reading(door.database, uow.Scope(tenant_id=principal.tenant_id)) as session:
        return await door.identity.api_keys(session, principal)
