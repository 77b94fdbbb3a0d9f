"""updateMember and removeMember, and the roles of a tenant's own: one change of a tenant's people at a time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.audit import service as audit
from app.core.errors import InputError
from app.core.ids import MembershipId
from app.flows.brokers.tenant_accounts import AskedGrant, known_grants
from app.flows.identity.door import Door
from app.flows.identity.view_identity import Member
from app.identity import members
from app.identity.domain import CustomRole, Principal, Role
from app.identity.domain import Scope as Allowed
from app.identity.domain.members import UNRESTRICTED, MemberChange, check_person, member_facts
from app.infra.db import WriteSession
from app.infra.uow import Scope, begin, reading
from app.tenants import service as tenants
from app.tenants.domain import Tenant

MEMBERS_PAGE_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedChange:
    """What is to become of a member; None leaves it. is_restricted False lifts the restriction to accounts."""

    member_id: UUID
    role: Role | None = None
    custom_role_id: UUID | None = None
    is_active: bool | None = None
    accounts: Sequence[AskedGrant] | None = None
    is_unrestricted: bool = False


async def list_members(door: Door, principal: Principal, *, first: int, after: UUID | None) -> list[Member]:
    """The members of the tenant, the oldest first, behind one of them."""
    if not 1 <= first <= MEMBERS_PAGE_MAX:
        raise InputError(f"A page has 1 to {MEMBERS_PAGE_MAX}.", path=["first"])
    async with reading(door.database, Scope(tenant_id=principal.tenant_id)) as session:
        tenant = await tenants.tenant(session, principal.tenant_id)
        behind = None if after is None else MembershipId(after)
        found = await members.page(session, principal.tenant_id, limit=first, after=behind)
    return [
        Member(membership=state.membership, user=user, tenant=tenant, accounts=state.accounts) for state, user in found
    ]


async def change_member(door: Door, principal: Principal, asked: AskedChange) -> Member:
    """The member as it is now; whoever lost power loses it within five seconds, everywhere.

    Raises NotFoundError, AccountUnknownError, and what members.change raises.
    """
    check_person(principal)
    if asked.role is not None and asked.custom_role_id is not None:
        raise InputError("Either a role or a role of your own.", path=["customRoleId"])
    if asked.accounts is not None and asked.is_unrestricted:
        raise InputError("Either accounts or all of them.", path=["accounts"])
    tenant_id, now = principal.tenant_id, door.clock.now()
    async with begin(door.database, Scope(tenant_id=tenant_id)) as session:
        tenant, principal = await lock_people(session, principal)
        change = MemberChange(
            role=await members.given_role(session, tenant_id, asked.role, asked.custom_role_id),
            is_active=asked.is_active,
            accounts=UNRESTRICTED if asked.is_unrestricted else await _grants(session, principal, asked.accounts),
        )
        member_id = MembershipId(asked.member_id)
        before, after = await members.change(session, principal, member_id, change, now=now)
        if before != after:
            await record(
                door, session, principal, "member.changed", member_id,
                old=member_facts(before.membership, before.accounts),
                new=member_facts(after.membership, after.accounts),
            )  # fmt: skip
        user = await door.identity.user(session, after.membership.user_id)
    door.authenticator.forget_tenant(tenant_id)
    return Member(membership=after.membership, user=user, tenant=tenant, accounts=after.accounts)


async def remove_member(door: Door, principal: Principal, member_id: UUID) -> Member:
    """Who was a member until now: sessions and keys have ended. Raises what members.remove does."""
    check_person(principal)
    tenant_id = principal.tenant_id
    async with begin(door.database, Scope(tenant_id=tenant_id)) as session:
        tenant, principal = await lock_people(session, principal)
        gone = await members.remove(session, principal, MembershipId(member_id), now=door.clock.now())
        user = await door.identity.user(session, gone.membership.user_id)
        facts = {**member_facts(gone.membership, gone.accounts), "email": user.email}
        await record(door, session, principal, "member.removed", member_id, old=facts)
    door.authenticator.forget_tenant(tenant_id)
    return Member(membership=gone.membership, user=user, tenant=tenant, accounts=gone.accounts)


async def list_roles(door: Door, principal: Principal) -> list[CustomRole]:
    """The tenant's own roles, by name."""
    async with reading(door.database, Scope(tenant_id=principal.tenant_id)) as session:
        return await members.roles(session, principal.tenant_id)


async def create_role(door: Door, principal: Principal, *, name: str, scopes: Iterable[Allowed]) -> CustomRole:
    """A role of the tenant's own. Raises what members.create_role does."""
    check_person(principal)
    async with begin(door.database, Scope(tenant_id=principal.tenant_id)) as session:
        _, principal = await lock_people(session, principal)
        role = await members.create_role(
            session, principal, name=name, scopes=scopes, ids=door.ids, now=door.clock.now()
        )
        await record(door, session, principal, "role.created", role.id, new=role.as_facts())
    return role


async def update_role(
    door: Door, principal: Principal, role_id: UUID, *, name: str | None, scopes: Iterable[Allowed] | None
) -> CustomRole:
    """The role as it is now, for all who have it. Raises what members.update_role does."""
    check_person(principal)
    async with begin(door.database, Scope(tenant_id=principal.tenant_id)) as session:
        _, principal = await lock_people(session, principal)
        before, after = await members.update_role(
            session, principal, role_id, name=name, scopes=scopes, now=door.clock.now()
        )
        await record(door, session, principal, "role.changed", role_id, old=before.as_facts(), new=after.as_facts())
    door.authenticator.forget_tenant(principal.tenant_id)
    return after


async def delete_role(door: Door, principal: Principal, role_id: UUID) -> CustomRole:
    """The role that is gone. Raises what members.delete_role does."""
    check_person(principal)
    async with begin(door.database, Scope(tenant_id=principal.tenant_id)) as session:
        _, principal = await lock_people(session, principal)
        role = await members.delete_role(session, principal, role_id, now=door.clock.now())
        await record(door, session, principal, "role.deleted", role_id, old=role.as_facts())
    return role


async def lock_people(session: WriteSession, principal: Principal) -> tuple[Tenant, Principal]:
    """The tenant, for one change of its people at a time, and the principal as it stands behind that lock.

    Raises MissingScopeError.
    """
    tenant = await tenants.lock(session, principal.tenant_id)
    return tenant, await members.as_now(session, principal, Allowed.MANAGE_MEMBERS)


async def record(
    door: Door,
    session: WriteSession,
    principal: Principal,
    action: str,
    resource_id: UUID,
    *,
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
) -> None:
    """Writes an act on members, roles, invitations or the tenant down; the first part of the action is its kind."""
    await audit.record(
        session,
        principal,
        action,
        action.partition(".")[0],
        resource_id,
        entry_id=door.ids.new(),
        now=door.clock.now(),
        old=old,
        new=new,
    )


async def _grants(
    session: WriteSession, principal: Principal, asked: Sequence[AskedGrant] | None
) -> dict[Any, bool] | None:
    return None if asked is None else dict(await known_grants(session, principal.tenant_id, asked))
