"""What is done to invitations, within a transaction that holds the tenant's lock."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core.errors import NotFoundError
from app.core.ids import Ids, InvitationId, MembershipId, TenantId, UserId
from app.core.records import replace
from app.identity import invitations_repository as repository
from app.identity import members
from app.identity.domain import Membership, Principal, base32, digest
from app.identity.domain.members import (
    INVITATION_LIFE,
    INVITATIONS_OPEN_MAX,
    RESEND_AFTER,
    SENDS_MAX,
    WRONG_PASSWORDS_MAX,
    GivenRole,
    Grants,
    Invitation,
    check_may_give,
    checked_grants,
    invitation_text,
)
from app.identity.errors import (
    InvitationExistsError,
    InvitationLimitError,
    InvitationRefusedError,
    MemberExistsError,
)
from app.identity.repository import AnySession
from app.infra.db import WriteSession
from app.infra.tokens import new_secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An invitation with its token, which the mail tells and nobody keeps."""

    invitation: Invitation
    token: str


async def invite(
    session: WriteSession,
    principal: Principal,
    email: str,
    role: GivenRole,
    accounts: Grants | None,
    *,
    ids: Ids,
    now: datetime,
) -> Sent:
    """An invitation to the normalized address, in place of one that has run out.

    Whether the address has an account with another tenant is not looked at, so that nothing tells it. Raises
    RoleBeyondOwnError, InputError, MemberExistsError, InvitationExistsError, InvitationLimitError.
    """
    tenant_id = principal.tenant_id
    granted = check_invitable(principal, role, accounts)
    if await members.has_address(session, tenant_id, email):
        raise MemberExistsError
    known = await repository.open_to(session, tenant_id, email)
    if known is not None and known.is_open(now):
        raise InvitationExistsError
    if known is not None:
        await repository.close(session, known, revoked_at=now)
    if await repository.count_open(session, tenant_id, now=now) >= INVITATIONS_OPEN_MAX:
        raise InvitationLimitError(f"At most {INVITATIONS_OPEN_MAX} open invitations; revoke some.", "email")
    invitation = Invitation(
        tenant_id=tenant_id,
        id=InvitationId(ids.new()),
        email=email,
        role=role,
        accounts=granted,
        invited_by=principal.actor,
        times_sent=1,
        wrong_passwords=0,
        created_at=now,
        sent_at=now,
        expires_at=now + INVITATION_LIFE,
        accepted_at=None,
        revoked_at=None,
    )
    token, token_hash = _new_token(tenant_id)
    await repository.add(session, invitation, token_hash)
    return Sent(invitation=invitation, token=token)


def check_invitable(principal: Principal, role: GivenRole, accounts: Grants | None) -> Grants | None:
    """The accounts, when the principal may give the role with them. Raises RoleBeyondOwnError, InputError."""
    check_may_give(principal, role, "role")
    return checked_grants(role, accounts, "accounts")


async def resend(session: WriteSession, principal: Principal, invitation_id: UUID, *, now: datetime) -> Sent:
    """The invitation under a new token; the one in the mail before is worth nothing any more.

    Raises NotFoundError, RoleBeyondOwnError, InvitationLimitError.
    """
    known = await _open(session, principal.tenant_id, invitation_id)
    check_may_give(principal, known.role, "invitationId")
    if known.times_sent >= SENDS_MAX:
        raise InvitationLimitError(f"It was sent {SENDS_MAX} times: revoke it and invite anew.", "invitationId")
    if now - known.sent_at < RESEND_AFTER:
        raise InvitationLimitError("It was sent a moment ago: wait a minute.", "invitationId")
    again = replace(known, times_sent=known.times_sent + 1, sent_at=now, expires_at=now + INVITATION_LIFE)
    token, token_hash = _new_token(principal.tenant_id)
    await repository.send_again(session, again, token_hash)
    return Sent(invitation=again, token=token)


async def revoke(session: WriteSession, principal: Principal, invitation_id: UUID, *, now: datetime) -> Invitation:
    """The invitation, which nobody can accept any more. Raises NotFoundError."""
    known = await _open(session, principal.tenant_id, invitation_id)
    await repository.close(session, known, revoked_at=now)
    return replace(known, revoked_at=now)


async def by_id(session: AnySession, tenant_id: TenantId, invitation_id: UUID) -> Invitation | None:
    """The invitation, or None."""
    return await repository.by_id(session, tenant_id, InvitationId(invitation_id))


async def all_open(
    session: AnySession, tenant_id: TenantId, *, now: datetime, limit: int, after: UUID | None = None
) -> list[Invitation]:
    """The invitations that can be accepted, the oldest first."""
    return await repository.all_open(session, tenant_id, now=now, limit=limit, after=after)


async def presented(session: AnySession, tenant_id: TenantId, token_hash: bytes, *, now: datetime) -> Invitation:
    """The invitation of a token. Raises InvitationRefusedError for any that does not hold."""
    found = await repository.by_token(session, tenant_id, token_hash)
    if found is None or not found.is_open(now):
        raise InvitationRefusedError
    return found


async def note_wrong_password(session: WriteSession, invitation: Invitation, *, now: datetime) -> None:
    """Counts a try to be the person who was invited; after some of them the invitation is worth nothing."""
    if invitation.wrong_passwords + 1 >= WRONG_PASSWORDS_MAX:
        await repository.close(session, invitation, revoked_at=now)
    else:
        await repository.note_wrong_password(session, invitation)


async def accept(
    session: WriteSession, invitation: Invitation, user_id: UserId, *, ids: Ids, now: datetime
) -> Membership:
    """The person as a member; the invitation is used. Raises InvitationRefusedError where they are one already."""
    joined = await members.join(
        session,
        invitation.tenant_id,
        user_id,
        invitation.role,
        invitation.accounts,
        membership_id=MembershipId(ids.new()),
        now=now,
    )
    if joined is None:
        raise InvitationRefusedError
    await repository.close(session, invitation, accepted_at=now, revoked_at=None)
    return joined


async def _open(session: AnySession, tenant_id: TenantId, invitation_id: UUID) -> Invitation:
    known = await repository.by_id(session, tenant_id, InvitationId(invitation_id))
    if known is None or known.accepted_at is not None or known.revoked_at is not None:
        raise NotFoundError("There is no such open invitation.", path=["invitationId"])
    return known


def _new_token(tenant_id: TenantId) -> tuple[str, bytes]:
    secret = new_secret()
    return invitation_text(tenant_id, secret), digest(base32(secret))
