"""login: an e-mail address and a password for a session in one tenant."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, NoReturn

from app.audit import service as audit
from app.core.errors import InputError
from app.errands.domain import ErrandKind
from app.flows.identity.door import Door
from app.flows.identity.door_guard import begin_attempt, succeed
from app.identity.accounts import repository as accounts
from app.identity.domain import Client, Membership, TokenPair, User, normalized_email, prepared_password
from app.identity.errors import LoginRefusedError, TenantChoiceError
from app.identity.two_factor.domain import Challenge
from app.infra.db import WriteSession
from app.infra.uow import Scope, begin, reading
from app.tenants import service as tenants

REFUSAL_LASTS: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A person whose password was right, and the tenant that they enter. new_hash is set where costs have changed."""

    user: User
    membership: Membership
    prepared: str = field(repr=False)
    stored_hash: str
    new_hash: str | None


async def log_in(
    door: Door, *, email: str, password: str, tenant_slug: str | None, client: Client
) -> TokenPair | Challenge:
    """The tokens of a new session, or, for who has a second factor, a challenge that verifyTwoFactor takes.

    The slug is needed by those who belong to several tenants.

    Raises LoginRefusedError for a wrong address, a wrong password, a suspended person and a tenant that is not
    theirs, all alike and after the same work; TenantChoiceError, to those whose password is right;
    TooManyAttemptsError to all alike, before anything is looked at.
    """
    proven = await prove_password(door, email=email, password=password, tenant_slug=tenant_slug, client=client)
    return await open_session(door, proven, client)


async def prove_password(door: Door, *, email: str, password: str, tenant_slug: str | None, client: Client) -> Proven:
    """The person, when the password is theirs and they may enter the tenant. Raises as log_in does."""
    attempt = await begin_attempt(door, email, client)
    prepared = prepared_password(password)
    found = await _find(door, email)
    # The hash of nobody takes as long as a real one, so that time does not tell whether the address is known.
    is_right = await door.passwords.verify(prepared, None if found is None else found[1])
    if not is_right or found is None or prepared is None:
        await _refuse(door, email, "password", client)
    user, stored_hash = found
    if not user.is_active:
        await _refuse(door, email, "suspended", client)
    await succeed(door, attempt)
    membership = await _choose(door, user, tenant_slug)
    if membership is None:
        await _refuse(door, email, "tenant", client)
    return Proven(
        user=user,
        membership=membership,
        prepared=prepared,
        stored_hash=stored_hash,
        new_hash=await door.passwords.hash(prepared) if door.passwords.is_outdated(stored_hash) else None,
    )


async def open_session(door: Door, proven: Proven, client: Client) -> TokenPair | Challenge:
    """The tokens of a new session of who was proven to be the person; a challenge where there is a second factor.

    Raises LoginRefusedError where the password was changed since it was proven: what ended all sessions then must not
    miss the one that was on its way.
    """
    membership = proven.membership
    async with begin(door.database, Scope(tenant_id=membership.tenant_id, user_id=proven.user.id)) as session:
        user = await _still(door, session, proven)
        if proven.new_hash is not None:
            await door.identity.rehash(session, user.id, proven.stored_hash, proven.new_hash)
        if user.two_factor_enabled:
            return await door.two_factor.challenge(session, membership.tenant_id, user.id)
        opened, tokens = await door.identity.open_session(session, membership.tenant_id, user.id, client)
        await audit.record(
            session,
            opened.principal(membership.scopes, client),
            "session.opened",
            "session",
            opened.id,
            entry_id=door.ids.new(),
            now=opened.created_at,
        )
    return tokens


async def _still(door: Door, session: WriteSession, proven: Proven) -> User:
    held = await accounts.password_hash(session, proven.user.id, is_held=True)
    # Another hash may be one of the same password, under today's costs.
    if held is None or not (held[0] == proven.stored_hash or await door.passwords.verify(proven.prepared, held[0])):
        raise LoginRefusedError
    user = await door.identity.user(session, proven.user.id)
    if not user.is_active:
        raise LoginRefusedError
    return user


async def _find(door: Door, email: str) -> tuple[User, str] | None:
    try:
        address = normalized_email(email)
    except InputError:
        return None
    async with reading(door.database, Scope(email=address)) as session:
        return await door.identity.credentials(session, address)


async def _choose(door: Door, user: User, tenant_slug: str | None) -> Membership | None:
    async with reading(door.database, Scope(user_id=user.id)) as session:
        memberships = {one.tenant_id: one for one in await door.identity.memberships(session, user.id) if one.is_active}
        open_tenants = [one for one in await tenants.tenants(session, memberships) if one.is_active]
    if tenant_slug is not None:
        open_tenants = [one for one in open_tenants if one.slug == tenant_slug.strip().lower()]
    if len(open_tenants) > 1:
        raise TenantChoiceError([one.slug for one in open_tenants])
    return memberships[open_tenants[0].id] if open_tenants else None


async def _refuse(door: Door, email: str, reason: str, client: Client) -> NoReturn:
    # Word of it is left whether the address is known or not: the worker finds out, and writes it into the audit log
    # of the person's tenants. To write it here would take longer for an address that is known.
    try:
        address = normalized_email(email)
    except InputError:
        raise LoginRefusedError from None
    async with begin(door.database, Scope(email=address)) as session:
        await door.errands.leave(
            session,
            ErrandKind.SIGN_IN_REFUSED,
            address,
            {"reason": reason, "ip_address": client.ip_address, "request_id": client.request_id},
            lasts=REFUSAL_LASTS,
        )
    raise LoginRefusedError
