"""The SQL of members, of roles of a tenant's own, and of the broker accounts that somebody is restricted to."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlmodel import col

from app.core.ids import AccountId, ApiKeyId, MembershipId, RoleId, TenantId, UserId
from app.identity.domain import CustomRole, Membership, Role, Scope
from app.identity.domain.members import Grants
from app.identity.models import (
    ApiKeyAccountRow,
    ApiKeyRow,
    AuthSessionRow,
    CustomRoleRow,
    InvitationRow,
    MemberAccountRow,
    MembershipRow,
    UserRow,
)
from app.identity.repository import HAS_ROLE, AnySession, membership_of, role_of
from app.infra.db import WriteSession


async def member_by_id(session: AnySession, tenant_id: TenantId, membership_id: MembershipId) -> Membership | None:
    """The member, or None; one that was removed is none."""
    return await _member_where(session, tenant_id, col(MembershipRow.id) == membership_id)


async def membership_of_user(session: AnySession, tenant_id: TenantId, user_id: UserId) -> Membership | None:
    """The person's membership, one that was removed too, or None."""
    return await _member_where(session, tenant_id, col(MembershipRow.user_id) == user_id, is_removed_too=True)


async def has_address(session: AnySession, tenant_id: TenantId, email: str) -> bool:
    """True when a member has the address."""
    statement = (
        select(func.count())
        .select_from(MembershipRow)
        .join(UserRow, col(UserRow.id) == col(MembershipRow.user_id))
        .where(
            col(MembershipRow.tenant_id) == tenant_id,
            col(MembershipRow.removed_at).is_(None),
            col(UserRow.email) == email,
        )
    )
    return bool((await session.execute(statement)).scalar_one())


async def active_administrators(session: AnySession, tenant_id: TenantId) -> frozenset[UserId]:
    """The people who are administrators now."""
    statement = (
        select(col(MembershipRow.user_id))
        .join(UserRow, col(UserRow.id) == col(MembershipRow.user_id))
        .where(
            col(MembershipRow.tenant_id) == tenant_id,
            col(MembershipRow.role) == Role.ADMIN.value,
            col(MembershipRow.is_active),
            col(UserRow.is_active),
        )
    )
    return frozenset(UserId(one) for one in (await session.execute(statement)).scalars())


async def people_who_may(session: AnySession, tenant_id: TenantId, scope: Scope) -> frozenset[UserId]:
    """The people who have the scope now, over all accounts of the tenant."""
    statement = (
        select(MembershipRow, CustomRoleRow)
        .select_from(MembershipRow)
        .outerjoin(CustomRoleRow, HAS_ROLE)
        .join(UserRow, col(UserRow.id) == col(MembershipRow.user_id))
        .where(
            col(MembershipRow.tenant_id) == tenant_id,
            col(MembershipRow.removed_at).is_(None),
            col(MembershipRow.is_active),
            col(MembershipRow.is_restricted).is_(False),
            col(UserRow.is_active),
        )
    )
    found = [membership_of(row, role) for row, role in await session.execute(statement)]
    return frozenset(one.user_id for one in found if scope in one.scopes)


async def save_member(session: WriteSession, member: Membership) -> None:
    """Stores what the member has become."""
    await session.execute(
        update(MembershipRow)
        .where(col(MembershipRow.tenant_id) == member.tenant_id, col(MembershipRow.id) == member.id)
        .values(
            role=member.role.value,
            custom_role_id=None if member.custom_role is None else member.custom_role.id,
            is_restricted=member.is_restricted,
            is_active=member.is_active,
            removed_at=member.removed_at,
        )
    )


async def member_accounts(
    session: AnySession, tenant_id: TenantId, user_ids: list[UserId]
) -> dict[UserId, dict[AccountId, bool]]:
    """The accounts that are granted to members, True to trade on one too."""
    statement = select(MemberAccountRow).where(
        col(MemberAccountRow.tenant_id) == tenant_id, col(MemberAccountRow.user_id).in_(user_ids)
    )
    found: dict[UserId, dict[AccountId, bool]] = {}
    for row in (await session.execute(statement)).scalars():
        found.setdefault(UserId(row.user_id), {})[AccountId(row.account_id)] = row.may_trade
    return found


async def set_member_accounts(session: WriteSession, tenant_id: TenantId, user_id: UserId, accounts: Grants) -> None:
    """Grants these accounts to the member, and no other."""
    await session.execute(
        delete(MemberAccountRow).where(
            col(MemberAccountRow.tenant_id) == tenant_id, col(MemberAccountRow.user_id) == user_id
        )
    )
    if accounts:
        rows = [
            {"tenant_id": tenant_id, "user_id": user_id, "account_id": one, "may_trade": may_trade}
            for one, may_trade in accounts.items()
        ]
        await session.execute(insert(MemberAccountRow).values(rows))


async def set_api_key_accounts(
    session: WriteSession, tenant_id: TenantId, api_key_id: ApiKeyId, accounts: Grants
) -> None:
    """Grants these accounts to the new key."""
    if accounts:
        rows = [
            {"tenant_id": tenant_id, "api_key_id": api_key_id, "account_id": one, "may_trade": may_trade}
            for one, may_trade in accounts.items()
        ]
        await session.execute(insert(ApiKeyAccountRow).values(rows))


async def api_key_accounts(
    session: AnySession, tenant_id: TenantId, api_key_ids: list[ApiKeyId]
) -> dict[ApiKeyId, dict[AccountId, bool]]:
    """The accounts that are granted to keys, True to trade on one too."""
    statement = select(ApiKeyAccountRow).where(
        col(ApiKeyAccountRow.tenant_id) == tenant_id, col(ApiKeyAccountRow.api_key_id).in_(api_key_ids)
    )
    found: dict[ApiKeyId, dict[AccountId, bool]] = {}
    for row in (await session.execute(statement)).scalars():
        found.setdefault(ApiKeyId(row.api_key_id), {})[AccountId(row.account_id)] = row.may_trade
    return found


async def end_sessions(
    session: WriteSession, tenant_id: TenantId, *, user_id: UserId | None, at: datetime, reason: str
) -> None:
    """Ends all sessions of the member, or of everybody in the tenant."""
    statement = update(AuthSessionRow).where(
        col(AuthSessionRow.tenant_id) == tenant_id, col(AuthSessionRow.revoked_at).is_(None)
    )
    if user_id is not None:
        statement = statement.where(col(AuthSessionRow.user_id) == user_id)
    await session.execute(statement.values(revoked_at=at, revoked_reason=reason))


async def revoke_keys_of(session: WriteSession, tenant_id: TenantId, user_id: UserId, *, at: datetime) -> None:
    """Revokes all keys that the member answers for."""
    await session.execute(
        update(ApiKeyRow)
        .where(
            col(ApiKeyRow.tenant_id) == tenant_id,
            col(ApiKeyRow.user_id) == user_id,
            col(ApiKeyRow.revoked_at).is_(None),
        )
        .values(revoked_at=at)
    )


async def custom_roles(session: AnySession, tenant_id: TenantId) -> list[CustomRole]:
    """The tenant's own roles, by name."""
    statement = select(CustomRoleRow).where(col(CustomRoleRow.tenant_id) == tenant_id).order_by(col(CustomRoleRow.name))
    return [role_of(row) for row in (await session.execute(statement)).scalars()]


async def custom_role(session: AnySession, tenant_id: TenantId, role_id: UUID) -> CustomRole | None:
    """The role, or None."""
    statement = select(CustomRoleRow).where(col(CustomRoleRow.tenant_id) == tenant_id, col(CustomRoleRow.id) == role_id)
    row = (await session.execute(statement)).scalar_one_or_none()
    return None if row is None else role_of(row)


async def add_custom_role(session: WriteSession, tenant_id: TenantId, role: CustomRole) -> None:
    """Stores a new role."""
    await session.execute(
        insert(CustomRoleRow).values(
            tenant_id=tenant_id,
            id=role.id,
            name=role.name,
            scopes=sorted(scope.value for scope in role.scopes),
            created_at=role.created_at,
            updated_at=role.updated_at,
        )
    )


async def save_custom_role(session: WriteSession, tenant_id: TenantId, role: CustomRole) -> None:
    """Stores what the role has become."""
    await session.execute(
        update(CustomRoleRow)
        .where(col(CustomRoleRow.tenant_id) == tenant_id, col(CustomRoleRow.id) == role.id)
        .values(
            name=role.name,
            scopes=sorted(scope.value for scope in role.scopes),
            updated_at=role.updated_at,
        )
    )


async def delete_custom_role(session: WriteSession, tenant_id: TenantId, role_id: RoleId) -> None:
    """Takes the role away, that nobody has: closed invitations let go of it."""
    await session.execute(
        update(InvitationRow)
        .where(col(InvitationRow.tenant_id) == tenant_id, col(InvitationRow.custom_role_id) == role_id)
        .values(custom_role_id=None)
    )
    await session.execute(
        delete(CustomRoleRow).where(col(CustomRoleRow.tenant_id) == tenant_id, col(CustomRoleRow.id) == role_id)
    )


async def uses_of_role(session: AnySession, tenant_id: TenantId, role_id: RoleId, *, now: datetime) -> tuple[int, int]:
    """How many members have the role, and how many open invitations give it."""
    members = select(func.count()).where(
        col(MembershipRow.tenant_id) == tenant_id, col(MembershipRow.custom_role_id) == role_id
    )
    invitations = select(func.count()).where(
        col(InvitationRow.tenant_id) == tenant_id,
        col(InvitationRow.custom_role_id) == role_id,
        col(InvitationRow.accepted_at).is_(None),
        col(InvitationRow.revoked_at).is_(None),
        col(InvitationRow.expires_at) > now,
    )
    return (await session.execute(members)).scalar_one(), (await session.execute(invitations)).scalar_one()


async def _member_where(
    session: AnySession, tenant_id: TenantId, condition: ColumnElement[bool], *, is_removed_too: bool = False
) -> Membership | None:
    statement = (
        select(MembershipRow, CustomRoleRow)
        .outerjoin(CustomRoleRow, HAS_ROLE)
        .where(col(MembershipRow.tenant_id) == tenant_id, condition)
        .execution_options(populate_existing=True)
    )
    if not is_removed_too:
        statement = statement.where(col(MembershipRow.removed_at).is_(None))
    found = (await session.execute(statement)).one_or_none()
    return None if found is None else membership_of(found[0], found[1])
