"""inviteMember, resendInvitation, revokeInvitation: a mail offers somebody a place in the tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.core.errors import InputError
from app.errands.letters import MailTemplate
from app.flows.brokers.tenant_accounts import AskedGrant, known_grants
from app.flows.identity.door import Door
from app.flows.tenants.manage_members import MEMBERS_PAGE_MAX, lock_people, record
from app.identity import invitations, members
from app.identity.domain import Principal, Role, normalized_email
from app.identity.domain.members import Invitation, check_person
from app.identity.errors import EmailDomainError
from app.identity.invitations import Sent
from app.infra.db import WriteSession
from app.infra.uow import Scope, begin, reading
from app.tenants.domain import Tenant
from app.tenants.settings import TenantSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedInvitation:
    """Who is to be invited as what; accounts None for all accounts."""

    email: str
    role: Role | None = None
    custom_role_id: UUID | None = None
    accounts: Sequence[AskedGrant] | None = None


async def invite_member(door: Door, principal: Principal, asked: AskedInvitation) -> Invitation:
    """The invitation; its mail leaves with the transaction, and the answer tells nothing about the address.

    Raises InputError, EmailDomainError, NotFoundError, AccountUnknownError, and what invitations.invite raises.
    """
    check_person(principal)
    email = normalized_email(asked.email)
    if (asked.role is None) == (asked.custom_role_id is None):
        raise InputError("Either a role or a role of your own.", path=["role"])
    tenant_id = principal.tenant_id
    async with begin(door.database, Scope(tenant_id=tenant_id)) as session:
        tenant, principal = await lock_people(session, principal)
        if not TenantSettings.of(tenant.settings).takes(email):
            raise EmailDomainError
        role = await members.given_role(session, tenant_id, asked.role, asked.custom_role_id)
        assert role is not None, "one of the two was given"
        accounts = None if asked.accounts is None else await known_grants(session, tenant_id, asked.accounts)
        sent = await invitations.invite(session, principal, email, role, accounts, ids=door.ids, now=door.clock.now())
        await send_invitation(door, session, principal, tenant, sent)
    return sent.invitation


async def resend_invitation(door: Door, principal: Principal, invitation_id: UUID) -> Invitation:
    """The invitation, sent again under a new token. Raises what invitations.resend does."""
    check_person(principal)
    async with begin(door.database, Scope(tenant_id=principal.tenant_id)) as session:
        tenant, principal = await lock_people(session, principal)
        sent = await invitations.resend(session, principal, invitation_id, now=door.clock.now())
        await send_invitation(door, session, principal, tenant, sent, action="invitation.resent")
    return sent.invitation


async def revoke_invitation(door: Door, principal: Principal, invitation_id: UUID) -> Invitation:
    """The invitation, which nobody can accept any more. Raises NotFoundError."""
    check_person(principal)
    async with begin(door.database, Scope(tenant_id=principal.tenant_id)) as session:
        _, principal = await lock_people(session, principal)
        gone = await invitations.revoke(session, principal, invitation_id, now=door.clock.now())
        await record(door, session, principal, "invitation.revoked", gone.id, old=gone.as_facts())
    return gone


async def list_invitations(door: Door, principal: Principal, *, first: int, after: UUID | None) -> list[Invitation]:
    """The open invitations, the oldest first, behind one of them."""
    if not 1 <= first <= MEMBERS_PAGE_MAX:
        raise InputError(f"A page has 1 to {MEMBERS_PAGE_MAX}.", path=["first"])
    async with reading(door.database, Scope(tenant_id=principal.tenant_id)) as session:
        return await invitations.all_open(session, principal.tenant_id, now=door.clock.now(), limit=first, after=after)


async def send_invitation(
    door: Door,
    session: WriteSession,
    principal: Principal,
    tenant: Tenant,
    sent: Sent,
    *,
    action: str = "invitation.created",
) -> None:
    """Writes the invitation down and queues its mail."""
    invitation = sent.invitation
    values = {
        "inviter": await _inviter(door, session, principal, tenant),
        "tenant_name": tenant.name,
        "role": invitation.role.name,
        "token": sent.token,
    }
    await door.errands.mail(session, invitation.email, MailTemplate.INVITATION, values)
    await record(door, session, principal, action, invitation.id, new=invitation.as_facts())


async def _inviter(door: Door, session: WriteSession, principal: Principal, tenant: Tenant) -> str:
    if principal.user_id is None:
        return tenant.name
    user = await door.identity.user(session, principal.user_id)
    return f"{user.first_name} {user.last_name}"
