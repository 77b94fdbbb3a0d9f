"""acceptInvitation: the token of a mail, once, for a place in the tenant."""

from dataclasses import dataclass

from app.audit import service as audit
from app.core.ids import UserId
from app.flows.identity.door import Door
from app.flows.identity.door_guard import begin_attempt, succeed
from app.flows.identity.new_password import strong_password
from app.identity import invitations
from app.identity.domain import (
    Client,
    Principal,
    User,
    prepared_password,
    written_name,
)
from app.identity.domain.members import Invitation, parse_invitation
from app.identity.errors import (
    EmailTakenError,
    InvitationRefusedError,
    InvitedPasswordError,
    WeakPasswordError,
)
from app.infra.uow import Scope, begin, reading
from app.tenants import service as tenants
from app.tenants.domain import Tenant
from app.tenants.settings import TenantSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What somebody with a token gives: their password, or, without an account, a new one and their name."""

    token: str
    password: str
    first_name: str | None = None
    last_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The tenant and the address to log in with: a login goes its own way, with the second factor if there is one."""

    tenant: Tenant
    email: str


async def accept_invitation(door: Door, acceptance: Acceptance, client: Client) -> Accepted:
    """The place is taken, and the token worth nothing any more.

    Raises InvitationRefusedError for every token that does not hold, InvitedPasswordError and TooManyAttemptsError
    where the address has an account with another password, InputError and WeakPasswordError for what a new account
    cannot be made of.
    """
    token = parse_invitation(acceptance.token)
    if token is None:
        raise InvitationRefusedError
    tenant_id, token_hash = token
    async with reading(door.database, Scope(tenant_id=tenant_id)) as looking:
        invitation = await invitations.presented(looking, tenant_id, token_hash, now=door.clock.now())
        settings = TenantSettings.of(_open_tenant(await tenants.tenant(looking, tenant_id), invitation).settings)
    async with reading(door.database, Scope(email=invitation.email)) as looking:
        known = await door.identity.credentials(looking, invitation.email)
    if known is None:
        user, password_hash = await _new_person(door, invitation, acceptance, settings)
    else:
        user, password_hash = await _known_person(door, invitation, acceptance, client, *known), None
    async with begin(door.database, Scope(tenant_id=tenant_id, user_id=user.id)) as session:
        tenant = _open_tenant(await tenants.lock(session, tenant_id), invitation)
        now = door.clock.now()
        held = await invitations.presented(session, tenant_id, token_hash, now=now)
        if password_hash is not None:
            try:
                await door.identity.add_person(session, user, password_hash)
            except EmailTakenError as error:
                # Somebody registered with the address in between: the next try asks for that password.
                raise InvitationRefusedError from error
        membership = await invitations.accept(session, held, user.id, ids=door.ids, now=now)
        principal = Principal(
            tenant_id=tenant_id,
            user_id=user.id,
            scopes=frozenset(),
            actor=f"user:{user.id}",
            ip_address=client.ip_address,
            request_id=client.request_id,
            user_agent=client.user_agent,
        )
        await audit.record(
            session,
            principal,
            "invitation.accepted",
            "invitation",
            held.id,
            entry_id=door.ids.new(),
            now=now,
            new={**held.as_facts(), "membership": str(membership.id), "is_new_person": known is None},
        )
    return Accepted(tenant=tenant, email=invitation.email)


def _open_tenant(tenant: Tenant, invitation: Invitation) -> Tenant:
    if not tenant.is_active or not TenantSettings.of(tenant.settings).takes(invitation.email):
        raise InvitationRefusedError
    return tenant


async def _new_person(
    door: Door, invitation: Invitation, acceptance: Acceptance, settings: TenantSettings
) -> tuple[User, str]:
    first_name = written_name(acceptance.first_name or "", path=["firstName"])
    last_name = written_name(acceptance.last_name or "", path=["lastName"])
    words = [first_name, last_name]
    password = await strong_password(door, acceptance.password, email=invitation.email, words=words)
    if len(password) < settings.password_length_min:
        raise WeakPasswordError(f"A password has at least {settings.password_length_min} characters here.")
    user = User(
        id=UserId(door.ids.new()),
        email=invitation.email,
        first_name=first_name,
        last_name=last_name,
        phone_number=None,
        # Whoever has the token reads the mail of the address.
        email_verified=True,
        two_factor_enabled=False,
        preferences={},
        is_active=True,
        created_at=door.clock.now(),
    )
    return user, await door.passwords.hash(password)


async def _known_person(
    door: Door, invitation: Invitation, acceptance: Acceptance, client: Client, user: User, stored_hash: str
) -> User:
    if not user.is_active:
        raise InvitationRefusedError
    # A token that was passed on is no other way to guess at the password of whom it was meant for.
    attempt = await begin_attempt(door, invitation.email, client)
    if await door.passwords.verify(prepared_password(acceptance.password), stored_hash):
        await succeed(door, attempt)
        return user
    async with begin(door.database, Scope(tenant_id=invitation.tenant_id)) as session:
        await tenants.lock(session, invitation.tenant_id)
        now = door.clock.now()
        token = parse_invitation(acceptance.token)
        assert token is not None, "it was parsed before"
        held = await invitations.presented(session, *token, now=now)
        await invitations.note_wrong_password(session, held, now=now)
    raise InvitedPasswordError
