"""The SQL of invitations."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, insert, select, update
from sqlmodel import col

from app.core.ids import AccountId, InvitationId, TenantId
from app.identity.domain import Role
from app.identity.domain.members import GivenRole, Invitation
from app.identity.models import CustomRoleRow, InvitationRow
from app.identity.repository import AnySession, role_of
from app.infra.db import WriteSession

_OPEN = (col(InvitationRow.accepted_at).is_(None), col(InvitationRow.revoked_at).is_(None))


async def add(session: WriteSession, invitation: Invitation, token_hash: bytes) -> None:
    """Stores a new invitation by the hash of its token."""
    role = invitation.role
    await session.execute(
        insert(InvitationRow).values(
            tenant_id=invitation.tenant_id,
            id=invitation.id,
            email=invitation.email,
            role=role.role.value,
            custom_role_id=None if role.custom is None else role.custom.id,
            accounts=None
            if invitation.accounts is None
            else {str(one): may_trade for one, may_trade in invitation.accounts.items()},
            token_hash=token_hash,
            invited_by=invitation.invited_by,
            times_sent=invitation.times_sent,
            wrong_passwords=invitation.wrong_passwords,
            created_at=invitation.created_at,
            sent_at=invitation.sent_at,
            expires_at=invitation.expires_at,
        )
    )


async def by_id(session: AnySession, tenant_id: TenantId, invitation_id: InvitationId) -> Invitation | None:
    """The invitation, or None."""
    return await _one(session, _all(tenant_id).where(col(InvitationRow.id) == invitation_id))


async def by_token(session: AnySession, tenant_id: TenantId, token_hash: bytes) -> Invitation | None:
    """The invitation of a token's hash, or None."""
    return await _one(session, _all(tenant_id).where(col(InvitationRow.token_hash) == token_hash))


async def open_to(session: AnySession, tenant_id: TenantId, email: str) -> Invitation | None:
    """The invitation to the address that was neither accepted nor revoked, one that has run out too."""
    return await _one(session, _all(tenant_id).where(col(InvitationRow.email) == email, *_OPEN))


async def all_open(
    session: AnySession, tenant_id: TenantId, *, now: datetime, limit: int, after: UUID | None = None
) -> list[Invitation]:
    """The invitations that can be accepted, the oldest first, behind one of them."""
    statement = _all(tenant_id).where(*_OPEN, col(InvitationRow.expires_at) > now)
    if after is not None:
        statement = statement.where(col(InvitationRow.id) > after)
    statement = statement.order_by(col(InvitationRow.id)).limit(limit)
    return [_invitation(row, role) for row, role in await session.execute(statement)]


async def count_open(session: AnySession, tenant_id: TenantId, *, now: datetime) -> int:
    """How many invitations can be accepted."""
    statement = select(func.count()).where(
        col(InvitationRow.tenant_id) == tenant_id, *_OPEN, col(InvitationRow.expires_at) > now
    )
    return (await session.execute(statement)).scalar_one()


async def send_again(session: WriteSession, invitation: Invitation, token_hash: bytes) -> None:
    """Stores another token, and how often and when the invitation was sent; the token before is worth nothing."""
    await _set(
        session,
        invitation,
        token_hash=token_hash,
        times_sent=invitation.times_sent,
        sent_at=invitation.sent_at,
        expires_at=invitation.expires_at,
        wrong_passwords=0,
    )


async def close(
    session: WriteSession, invitation: Invitation, *, accepted_at: datetime | None = None, revoked_at: datetime | None
) -> None:
    """Ends the invitation: it was accepted or revoked."""
    await _set(session, invitation, accepted_at=accepted_at, revoked_at=revoked_at)


async def note_wrong_password(session: WriteSession, invitation: Invitation) -> None:
    """Counts a wrong password of the person who was invited."""
    await _set(session, invitation, wrong_passwords=col(InvitationRow.wrong_passwords) + 1)


async def revoke_those_by(session: WriteSession, tenant_id: TenantId, invited_by: str, *, at: datetime) -> None:
    """Revokes the open invitations of an actor."""
    await session.execute(
        update(InvitationRow)
        .where(col(InvitationRow.tenant_id) == tenant_id, col(InvitationRow.invited_by) == invited_by, *_OPEN)
        .values(revoked_at=at)
    )


async def _set(session: WriteSession, invitation: Invitation, **values: object) -> None:
    await session.execute(
        update(InvitationRow)
        .where(col(InvitationRow.tenant_id) == invitation.tenant_id, col(InvitationRow.id) == invitation.id)
        .values(**values)
    )


def _all(tenant_id: TenantId) -> Select[InvitationRow, CustomRoleRow]:
    return (
        select(InvitationRow, CustomRoleRow)
        .outerjoin(
            CustomRoleRow,
            (col(CustomRoleRow.tenant_id) == col(InvitationRow.tenant_id))
            & (col(CustomRoleRow.id) == col(InvitationRow.custom_role_id)),
        )
        .where(col(InvitationRow.tenant_id) == tenant_id)
        .execution_options(populate_existing=True)
    )


async def _one(session: AnySession, statement: Select[InvitationRow, CustomRoleRow]) -> Invitation | None:
    found = (await session.execute(statement)).one_or_none()
    return None if found is None else _invitation(found[0], found[1])


def _invitation(row: InvitationRow, role: CustomRoleRow | None) -> Invitation:
    return Invitation(
        tenant_id=TenantId(row.tenant_id),
        id=InvitationId(row.id),
        email=row.email,
        role=GivenRole(role=Role(row.role), custom=None if role is None else role_of(role)),
        accounts=None
        if row.accounts is None
        else {AccountId(UUID(one)): may_trade for one, may_trade in row.accounts.items()},
        invited_by=row.invited_by,
        times_sent=row.times_sent,
        wrong_passwords=row.wrong_passwords,
        created_at=row.created_at,
        sent_at=row.sent_at,
        expires_at=row.expires_at,
        accepted_at=row.accepted_at,
        revoked_at=row.revoked_at,
    )
