"""What administrators of the platform do: log in, look over the tenants, open and close them, enter one for a while.

Each act on a tenant is written into that tenant's log, under the actor "platform:<person>".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.audit import service as audit
from app.core.errors import InputError, NotFoundError
from app.core.ids import EntryId, TenantId
from app.core.records import replace
from app.flows.desk import Desk
from app.flows.identity.door import Door
from app.flows.identity.door_guard import begin_attempt, succeed
from app.flows.tenants.invite import send_invitation
from app.flows.tenants.manage_members import record
from app.flows.tenants.manage_tenant import Closed, deactivate, reactivate
from app.identity import invitations, platform
from app.identity.domain import Client, Principal, Role, User, normalized_email, prepared_password, written_name
from app.identity.domain import Scope as Allowed
from app.identity.domain.members import GivenRole, Invitation
from app.identity.domain.platform import PlatformAdministrator, PlatformEntry, written_reason
from app.identity.errors import LoginRefusedError, NotPlatformError
from app.identity.platform import OpenedEntry, OpenedSession
from app.identity.two_factor.errors import ProofMissingError
from app.identity.two_factor.service import Refused
from app.infra.db import WriteSession
from app.infra.uow import Scope, begin, reading
from app.tenants import service as tenants
from app.tenants.domain import Tenant

TENANTS_PAGE_MAX: Final = 200
ENTRIES_PAGE_MAX: Final = 200
SEARCH_LENGTH_MAX: Final = 100
FIELDS_TOLD_MAX: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedTenant:
    """A new tenant, and the invitation of its first administrator."""

    tenant: Tenant
    invitation: Invitation


async def log_in_to_platform(
    door: Door, *, email: str, password: str, code: str | None, client: Client
) -> OpenedSession:
    """A login of an administrator of the platform; the code is asked for where the person has a second factor.

    Raises LoginRefusedError for a wrong address, a wrong password, and for who is none: all alike;
    TooManyAttemptsError to all alike, before anything is looked at. To whose password is right alone:
    ProofMissingError, CodeRefusedError, RateLimitedError.
    """
    attempt = await begin_attempt(door, email, client)
    prepared = prepared_password(password)
    try:
        address = normalized_email(email)
    except InputError:
        address = ""
    found = None
    if address:
        async with reading(door.database, Scope(email=address)) as session:
            found = await door.identity.credentials(session, address)
    is_right = await door.passwords.verify(prepared, None if found is None else found[1])
    if found is None or not is_right:
        raise LoginRefusedError
    user_id = found[0].id
    async with begin(door.database, Scope(user_id=user_id, platform_user_id=user_id)) as writing:
        if await platform.administrator(writing, user_id) is None:
            raise LoginRefusedError
        refused = await _second_factor(door, writing, found[0], code)
        if refused is None:
            opened = await platform.open_session(writing, user_id, client, ids=door.ids, now=door.clock.now())
    if refused is not None:
        # Raised behind the transaction, so that a wrong code stays counted.
        raise refused.error
    await succeed(door, attempt)
    return opened


async def log_out_of_platform(door: Door, principal: Principal) -> None:
    """Ends the login, and the entries that were made by it."""
    async with begin(door.database, _of_platform(principal)) as session:
        await platform.close_session(session, principal, now=door.clock.now())
    door.authenticator.forget_platform()


async def list_tenants(
    door: Door, principal: Principal, *, search: str | None, first: int, after: UUID | None
) -> list[Tenant]:
    """The tenants of the installation, the oldest first; search is a part of the name or the slug."""
    if not 1 <= first <= TENANTS_PAGE_MAX:
        raise InputError(f"A page has 1 to {TENANTS_PAGE_MAX}.", path=["first"])
    if search is not None and (len(search) > SEARCH_LENGTH_MAX or "\x00" in search):
        raise InputError("This cannot be searched for.", path=["search"])
    async with reading(door.database, _of_platform(principal)) as session:
        behind = None if after is None else TenantId(after)
        return await tenants.page(session, search=search or None, after=behind, limit=first)


async def create_tenant(door: Door, principal: Principal, *, name: str, administrator_email: str) -> CreatedTenant:
    """A tenant without members, and the mail that offers its first administrator the place."""
    written, email = written_name(name, path=["name"]), normalized_email(administrator_email)
    await _administrator(door, principal)
    tenant_id, now = TenantId(door.ids.new()), door.clock.now()
    acting = _within(principal, tenant_id)
    async with begin(door.database, Scope(tenant_id=tenant_id)) as session:
        tenant = await tenants.found(session, tenant_id, written, now=now)
        await record(door, session, acting, "tenant.created", tenant_id, new=tenant.as_facts())
        sent = await invitations.invite(session, acting, email, GivenRole(role=Role.ADMIN), None, ids=door.ids, now=now)
        await send_invitation(door, session, acting, tenant, sent)
    return CreatedTenant(tenant=tenant, invitation=sent.invitation)


async def invite_administrator(
    door: Door, principal: Principal, tenant_id: UUID, *, email: str, reason: str
) -> Invitation:
    """A mail that offers somebody the place of an administrator, where a tenant has lost its own."""
    address, written = normalized_email(email), written_reason(reason)
    acting = await _on_tenant(door, principal, tenant_id)
    async with begin(door.database, Scope(tenant_id=acting.tenant_id)) as session:
        tenant = await tenants.lock(session, acting.tenant_id)
        sent = await invitations.invite(
            session, acting, address, GivenRole(role=Role.ADMIN), None, ids=door.ids, now=door.clock.now()
        )
        await record(door, session, acting, "platform.invited", sent.invitation.id, new={"reason": written})
        await send_invitation(door, session, acting, tenant, sent)
    return sent.invitation


async def close_tenant(desk: Desk, principal: Principal, tenant_id: UUID, *, reason: str) -> Closed:
    """Closes a tenant, as its own administrator may. Raises NotFoundError, InputError."""
    return await deactivate(desk, await _on_tenant(desk.door, principal, tenant_id), reason=reason)


async def reopen_tenant(door: Door, principal: Principal, tenant_id: UUID, *, reason: str) -> Tenant:
    """Opens a closed tenant again. Raises NotFoundError, InputError, TenantInactiveError."""
    return await reactivate(door, await _on_tenant(door, principal, tenant_id), reason=reason)


async def enter_tenant(
    door: Door, principal: Principal, tenant_id: UUID, *, reason: str, scopes: Iterable[Allowed], minutes: int
) -> OpenedEntry:
    """A credential for the tenant, for a while and with these scopes alone. Raises NotFoundError, InputError."""
    who = await _administrator(door, principal)
    acting = await _on_tenant(door, principal, tenant_id)
    async with begin(door.database, Scope(tenant_id=acting.tenant_id)) as session:
        opened = await platform.enter(
            session,
            principal,
            who,
            acting.tenant_id,
            reason=reason,
            scopes=scopes,
            minutes=minutes,
            ids=door.ids,
            now=door.clock.now(),
        )
        await record(door, session, acting, "platform_entry.opened", opened.entry.id, new=opened.entry.as_facts())
    return opened


async def leave_tenant(door: Door, principal: Principal, tenant_id: UUID, entry_id: UUID) -> PlatformEntry:
    """The entry, which has ended; the tenant's administrators may end one too. Raises NotFoundError."""
    acting = principal
    if principal.platform_session_id is not None:
        acting = await _on_tenant(door, principal, tenant_id)
    async with begin(door.database, Scope(tenant_id=acting.tenant_id)) as session:
        left = await platform.leave(session, acting.tenant_id, EntryId(entry_id), now=door.clock.now())
        await record(door, session, acting, "platform_entry.ended", left.id)
    door.authenticator.forget_tenant(acting.tenant_id)
    return left


async def list_entries(door: Door, principal: Principal, *, first: int, before: UUID | None) -> list[PlatformEntry]:
    """Who of the platform was in the principal's tenant, the newest first."""
    if not 1 <= first <= ENTRIES_PAGE_MAX:
        raise InputError(f"A page has 1 to {ENTRIES_PAGE_MAX}.", path=["first"])
    async with reading(door.database, Scope(tenant_id=principal.tenant_id)) as session:
        return await platform.entries(session, principal.tenant_id, limit=first, before=before)


async def note_act(door: Door, principal: Principal, kind: str, name: str | None, fields: Iterable[str]) -> None:
    """Writes down what an entry asks, before it is answered: looking is an act too."""
    assert principal.entry_id is not None, "an entry of the platform"
    told = sorted(set(fields))[:FIELDS_TOLD_MAX]
    async with begin(door.database, Scope(tenant_id=principal.tenant_id)) as session:
        await audit.record(
            session,
            principal,
            f"platform_entry.{kind}",
            "platform_entry",
            principal.entry_id,
            entry_id=door.ids.new(),
            now=door.clock.now(),
            new={"operation": name, "fields": told},
        )


async def _second_factor(door: Door, session: WriteSession, user: User, code: str | None) -> Refused | None:
    if not user.two_factor_enabled:
        return None
    if code is None:
        raise ProofMissingError(has_second_factor=True)
    outcome = await door.two_factor.prove(session, user.id, code)
    return outcome if isinstance(outcome, Refused) else None


async def _administrator(door: Door, principal: Principal) -> PlatformAdministrator:
    principal.require_platform()
    assert principal.user_id is not None, "a login is a person's"
    async with reading(door.database, _of_platform(principal)) as session:
        who = await platform.administrator(session, principal.user_id)
    if who is None:
        raise NotPlatformError
    return who


async def _on_tenant(door: Door, principal: Principal, tenant_id: UUID) -> Principal:
    await _administrator(door, principal)
    async with reading(door.database, Scope(tenant_id=TenantId(tenant_id))) as session:
        found = await tenants.tenants(session, [TenantId(tenant_id)])
    if not found:
        raise NotFoundError("There is no such tenant.", path=["tenantId"])
    return _within(principal, TenantId(tenant_id))


def _within(principal: Principal, tenant_id: TenantId) -> Principal:
    # For one act of the platform on the tenant: the scopes are those of the act, which the schema has asked for.
    return replace(principal, tenant_id=tenant_id, user_id=None, platform_session_id=None, scopes=frozenset(Allowed))


def _of_platform(principal: Principal) -> Scope:
    principal.require_platform()
    return Scope(user_id=principal.user_id, platform_user_id=principal.user_id)
