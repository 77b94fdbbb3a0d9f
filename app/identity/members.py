"""What is done to members and to roles of a tenant's own, within a transaction that holds the tenant's lock."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core.errors import NotFoundError
from app.core.ids import Ids, MembershipId, RoleId, TenantId, UserId
from app.core.records import replace
from app.identity import invitations_repository, members_repository, repository
from app.identity.domain import CustomRole, Membership, Principal, Role, Scope, User
from app.identity.domain.members import (
    CUSTOM_ROLES_MAX,
    GivenRole,
    Grants,
    MemberChange,
    Unrestricted,
    changed_role,
    check_administrator_stays,
    check_may_change,
    check_may_give,
    checked_grants,
    new_role,
    role_name,
    role_scopes,
)
from app.identity.errors import RoleInUseError, RoleLimitError
from app.identity.repository import AnySession
from app.infra.db import WriteSession


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberState:
    """A member with the accounts that they are restricted to; None for all."""

    membership: Membership
    accounts: Grants | None


async def member(session: AnySession, tenant_id: TenantId, membership_id: MembershipId) -> MemberState:
    """The member. Raises NotFoundError."""
    found = await members_repository.member_by_id(session, tenant_id, membership_id)
    if found is None:
        raise NotFoundError("There is no such member.", path=["memberId"])
    return (await with_accounts(session, tenant_id, [found]))[0]


async def page(
    session: AnySession, tenant_id: TenantId, *, limit: int, after: MembershipId | None
) -> list[tuple[MemberState, User]]:
    """Members with their people, the oldest first."""
    found = await repository.memberships_of_tenant(session, tenant_id, limit=limit, after=after)
    people = await repository.users_by_ids(session, [one.user_id for one in found])
    return [(state, people[state.membership.user_id]) for state in await with_accounts(session, tenant_id, found)]


async def find(session: AnySession, tenant_id: TenantId, wanted: UUID) -> MemberState | None:
    """The member of this id, or whose person has it; None where there is none."""
    found = await members_repository.member_by_id(session, tenant_id, MembershipId(wanted))
    if found is None:
        known = await members_repository.membership_of_user(session, tenant_id, UserId(wanted))
        found = None if known is None or known.removed_at is not None else known
    return None if found is None else (await with_accounts(session, tenant_id, [found]))[0]


async def has_address(session: AnySession, tenant_id: TenantId, email: str) -> bool:
    """True when a member has the normalized address."""
    return await members_repository.has_address(session, tenant_id, email)


async def with_accounts(
    session: AnySession, tenant_id: TenantId, memberships: Iterable[Membership]
) -> list[MemberState]:
    """The members with the accounts that they are restricted to."""
    listed = list(memberships)
    restricted = [one.user_id for one in listed if one.is_restricted]
    granted = await members_repository.member_accounts(session, tenant_id, restricted) if restricted else {}
    return [
        MemberState(membership=one, accounts=granted.get(one.user_id, {}) if one.is_restricted else None)
        for one in listed
    ]


async def as_now(session: AnySession, principal: Principal, scope: Scope) -> Principal:
    """The principal with the power of this moment, which the tenant's lock keeps as it is.

    Real world: two administrators demote each other at once, and each was let in before the other's act. Raises
    MissingScopeError for who has lost the scope since.
    """
    if principal.session_id is not None and principal.user_id is not None:
        standing = await repository.standing(session, principal.tenant_id, principal.user_id)
        principal = replace(principal, scopes=frozenset() if standing is None else standing.scopes)
    principal.require(scope)
    return principal


async def change(
    session: WriteSession, principal: Principal, membership_id: MembershipId, asked: MemberChange, *, now: datetime
) -> tuple[MemberState, MemberState]:
    """What the member was and has become; the caller has found that the tenant has the accounts.

    Who loses power loses the sessions and the open invitations too. Raises NotFoundError, OwnMembershipError,
    MemberBeyondOwnError, RoleBeyondOwnError, LastAdministratorError, InputError.
    """
    before = await member(session, principal.tenant_id, membership_id)
    check_may_change(principal, before.membership)
    role = asked.role or GivenRole.of(before.membership)
    if asked.role is not None:
        check_may_give(principal, asked.role, "role")
    accounts = before.accounts if asked.accounts is None else asked.accounts
    granted = None if isinstance(accounts, Unrestricted) else accounts
    granted = checked_grants(role, granted, "accounts")
    after = MemberState(
        membership=replace(
            before.membership,
            role=role.role,
            custom_role=role.custom,
            is_restricted=granted is not None,
            is_active=before.membership.is_active if asked.is_active is None else asked.is_active,
        ),
        accounts=granted,
    )
    if after == before:
        return before, after
    await _check_administrators(session, before.membership, after.membership)
    await members_repository.save_member(session, after.membership)
    if after.accounts != before.accounts:
        tenant_id, user_id = principal.tenant_id, before.membership.user_id
        await members_repository.set_member_accounts(session, tenant_id, user_id, after.accounts or {})
    if before.membership.scopes - after.membership.scopes:
        await _take_invitations(session, before.membership, now)
    if before.membership.is_active and not after.membership.is_active:
        await _end_sessions(session, before.membership, now, "member suspended")
    return before, after


async def remove(
    session: WriteSession, principal: Principal, membership_id: MembershipId, *, now: datetime
) -> MemberState:
    """Who was a member: the sessions and keys have ended, and the open invitations of the member with them.

    Raises NotFoundError, OwnMembershipError, MemberBeyondOwnError, LastAdministratorError.
    """
    before = await member(session, principal.tenant_id, membership_id)
    check_may_change(principal, before.membership)
    await _check_administrators(session, before.membership, None)
    gone = replace(
        before.membership, role=Role.VIEWER, custom_role=None, is_restricted=False, is_active=False, removed_at=now
    )
    tenant_id, user_id = gone.tenant_id, gone.user_id
    await members_repository.save_member(session, gone)
    await members_repository.set_member_accounts(session, tenant_id, user_id, {})
    await members_repository.revoke_keys_of(session, tenant_id, user_id, at=now)
    await _end_sessions(session, gone, now, "member removed")
    await _take_invitations(session, gone, now)
    return before


async def end(
    session: WriteSession, principal: Principal, user_id: UserId, *, now: datetime
) -> tuple[Membership, Membership]:
    """The membership before and after it was ended for good, and with it the person's sessions and invitations.

    Raises NotFoundError, OwnMembershipError, MemberBeyondOwnError, LastAdministratorError.
    """
    before = await members_repository.membership_of_user(session, principal.tenant_id, user_id)
    if before is None:
        raise NotFoundError("There is no such person.", path=["userId"])
    check_may_change(principal, before)
    await _check_administrators(session, before, None)
    after = replace(before, is_active=False, removed_at=before.removed_at or now)
    if before != after:
        await members_repository.save_member(session, after)
    if before.is_active:
        await _end_sessions(session, before, now, "person erased")
        await _take_invitations(session, before, now)
    return before, after


async def join(
    session: WriteSession,
    tenant_id: TenantId,
    user_id: UserId,
    role: GivenRole,
    accounts: Grants | None,
    *,
    membership_id: MembershipId,
    now: datetime,
) -> Membership | None:
    """The person as a member, anew where they were one before; None where they are one now."""
    known = await members_repository.membership_of_user(session, tenant_id, user_id)
    if known is not None and known.removed_at is None:
        return None
    joined = Membership(
        tenant_id=tenant_id,
        id=membership_id if known is None else known.id,
        user_id=user_id,
        role=role.role,
        custom_role=role.custom,
        is_restricted=accounts is not None,
        is_active=True,
        created_at=now if known is None else known.created_at,
    )
    if known is None:
        await repository.add_membership(session, joined)
    await members_repository.save_member(session, joined)
    if accounts is not None:
        await members_repository.set_member_accounts(session, tenant_id, user_id, accounts)
    return joined


async def given_role(
    session: AnySession, tenant_id: TenantId, role: Role | None, custom_role_id: UUID | None
) -> GivenRole | None:
    """The role that is asked for: one of the house's, or one of the tenant's own; None where none is asked for.

    Raises NotFoundError for a role that the tenant has not.
    """
    if custom_role_id is None:
        return None if role is None else GivenRole(role=role)
    custom = await members_repository.custom_role(session, tenant_id, custom_role_id)
    if custom is None:
        raise NotFoundError("There is no such role.", path=["customRoleId"])
    return GivenRole(role=Role.VIEWER, custom=custom)


async def create_role(
    session: WriteSession, principal: Principal, *, name: str, scopes: Iterable[Scope], ids: Ids, now: datetime
) -> CustomRole:
    """A role of the tenant's own. Raises InputError, RoleBeyondOwnError, RoleLimitError."""
    known = await members_repository.custom_roles(session, principal.tenant_id)
    if len(known) >= CUSTOM_ROLES_MAX:
        raise RoleLimitError(CUSTOM_ROLES_MAX)
    role = new_role(
        RoleId(ids.new()),
        name=role_name(name, (one.name for one in known)),
        scopes=role_scopes(principal, scopes),
        now=now,
    )
    await members_repository.add_custom_role(session, principal.tenant_id, role)
    return role


async def update_role(
    session: WriteSession,
    principal: Principal,
    role_id: UUID,
    *,
    name: str | None,
    scopes: Iterable[Scope] | None,
    now: datetime,
) -> tuple[CustomRole, CustomRole]:
    """What the role was and has become, for all who have it. Raises NotFoundError and what create_role does."""
    known = await members_repository.custom_roles(session, principal.tenant_id)
    before = _role_of(principal, known, role_id)
    after = changed_role(
        before,
        name=before.name if name is None else role_name(name, (one.name for one in known if one.id != role_id)),
        scopes=before.scopes if scopes is None else role_scopes(principal, scopes),
        now=now,
    )
    await members_repository.save_custom_role(session, principal.tenant_id, after)
    return before, after


async def delete_role(session: WriteSession, principal: Principal, role_id: UUID, *, now: datetime) -> CustomRole:
    """The role that is gone. Raises NotFoundError, RoleBeyondOwnError, RoleInUseError."""
    role = _role_of(principal, await members_repository.custom_roles(session, principal.tenant_id), role_id)
    uses = await members_repository.uses_of_role(session, principal.tenant_id, role.id, now=now)
    if any(uses):
        raise RoleInUseError(*uses)
    await members_repository.delete_custom_role(session, principal.tenant_id, role.id)
    return role


async def roles(session: AnySession, tenant_id: TenantId) -> list[CustomRole]:
    """The tenant's own roles, by name."""
    return await members_repository.custom_roles(session, tenant_id)


def _role_of(principal: Principal, known: Iterable[CustomRole], role_id: UUID) -> CustomRole:
    role = next((one for one in known if one.id == role_id), None)
    if role is None:
        raise NotFoundError("There is no such role.", path=["roleId"])
    # Who may less than the role would take from others what they themselves never had.
    check_may_give(principal, GivenRole(role=Role.VIEWER, custom=role), "roleId")
    return role


async def _check_administrators(session: AnySession, before: Membership, after: Membership | None) -> None:
    others = await members_repository.active_administrators(session, before.tenant_id)
    check_administrator_stays(before, after, others - {before.user_id})


async def _end_sessions(session: WriteSession, member: Membership, now: datetime, reason: str) -> None:
    await members_repository.end_sessions(session, member.tenant_id, user_id=member.user_id, at=now, reason=reason)


async def _take_invitations(session: WriteSession, member: Membership, now: datetime) -> None:
    await invitations_repository.revoke_those_by(session, member.tenant_id, f"user:{member.user_id}", at=now)
