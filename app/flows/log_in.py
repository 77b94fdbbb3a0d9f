"""login: an e-mail address and a password for a session in one tenant."""

from app.audit import service as audit
from app.core.errors import InputError
from app.flows.door import Door
from app.identity.domain import Client, Membership, TokenPair, User, normalized_email, prepared_password
from app.identity.errors import LoginRefusedError, TenantChoiceError
from app.infra.uow import Scope, begin, reading
from app.tenants import service as tenants


async def log_in(door: Door, *, email: str, password: str, tenant_slug: str | None, client: Client) -> TokenPair:
    """The tokens of a new session. The slug is needed by those who belong to several tenants.

    Raises LoginRefusedError for a wrong address, a wrong password, a suspended person and a tenant that is not
    theirs, all alike and after the same work; TenantChoiceError, to those whose password is right.
    """
    prepared = prepared_password(password)
    found = await _find(door, email)
    # The hash of nobody takes as long as a real one, so that time does not tell whether the address is known.
    is_right = await door.passwords.verify(prepared, None if found is None else found[1])
    if not is_right or found is None or prepared is None or not found[0].is_active:
        if found is not None:
            door.refusals.note_login(found[0].id, client, LoginRefusedError.code)
        raise LoginRefusedError
    user, stored_hash = found
    membership = await _choose(door, user, tenant_slug)
    new_hash = await door.passwords.hash(prepared) if door.passwords.is_outdated(stored_hash) else None
    async with begin(door.database, Scope(tenant_id=membership.tenant_id, user_id=user.id)) as session:
        if new_hash is not None:
            await door.identity.rehash(session, user.id, stored_hash, new_hash)
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


async def _find(door: Door, email: str) -> tuple[User, str] | None:
    try:
        address = normalized_email(email)
    except InputError:
        return None
    async with reading(door.database, Scope(email=address)) as session:
        return await door.identity.credentials(session, address)


async def _choose(door: Door, user: User, tenant_slug: str | None) -> Membership:
    async with reading(door.database, Scope(user_id=user.id)) as session:
        memberships = {one.tenant_id: one for one in await door.identity.memberships(session, user.id) if one.is_active}
        open_tenants = [one for one in await tenants.tenants(session, memberships) if one.is_active]
    if tenant_slug is not None:
        open_tenants = [one for one in open_tenants if one.slug == tenant_slug.strip().lower()]
    if not open_tenants:
        raise LoginRefusedError
    if len(open_tenants) > 1:
        raise TenantChoiceError([one.slug for one in open_tenants])
    return memberships[open_tenants[0].id]
