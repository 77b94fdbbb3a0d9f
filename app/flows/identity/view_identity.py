"""viewer, sessions, apiKeys, and people by id: what the door shows of identity."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from app.core.ids import AccountId
from app.flows.identity.door import Door
from app.identity import invitations, members
from app.identity.domain import ApiKey, CustomRole, Membership, Principal, Scope, Session, User
from app.identity.domain.members import Invitation
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
        here = [one for one in memberships if one.tenant_id == tenant_id]
        standings = {one.membership.id: one for one in await members.with_accounts(session, tenant_id, here)}
        firms = {firm.id: firm for firm in await tenants.tenants(session, [one.tenant_id for one in memberships])}
    everywhere = tuple(
        Member(
            membership=one,
            user=user,
            tenant=firms[one.tenant_id],
            accounts=standings[one.id].accounts if one.id in standings else None,
        )
        for one in memberships
    )
    own = next((one for one in everywhere if one.membership.tenant_id == tenant_id), None)
    return Viewer(
        tenant=tenant, scopes=principal.scopes, user=user, membership=own, api_key=api_key, memberships=everywhere
    )


async def find_member(door: Door, principal: Principal, wanted: UUID) -> Member | None:
    """The member of the tenant of this id, or whose person has it; None where there is none."""
    tenant_id = principal.tenant_id
    async with uow.reading(door.database, uow.Scope(tenant_id=tenant_id)) as session:
        found = await members.find(session, tenant_id, wanted)
        if found is None:
            return None
        user = await door.identity.user(session, found.membership.user_id)
        tenant = await tenants.tenant(session, tenant_id)
    return Member(membership=found.membership, user=user, tenant=tenant, accounts=found.accounts)


async def find_role_or_invitation(door: Door, principal: Principal, wanted: UUID) -> CustomRole | Invitation | None:
    """The role of the tenant's own, or the invitation, of this id; None where there is none."""
    tenant_id = principal.tenant_id
    async with uow.reading(door.database, uow.Scope(tenant_id=tenant_id)) as session:
        role = next((one for one in await members.roles(session, tenant_id) if one.id == wanted), None)
        return role or await invitations.by_id(session, tenant_id, wanted)


async def view_sessions(door: Door, principal: Principal) -> list[Session]:
    """The person's own live sessions in the tenant, newest first; none for an API key."""
    async with uow.reading(door.database, uow.Scope(tenant_id=principal.tenant_id)) as session:
        return await door.identity.sessions(session, principal)


async def view_api_keys(door: Door, principal: Principal) -> list[ApiKey]:
    """The keys that the principal may see, newest first: all with ADMIN_TENANT, else those it answers for."""
    async with uow.reading(door.database, uow.Scope(tenant_id=principal.tenant_id)) as session:
        return await door.identity.api_keys(session, principal)
