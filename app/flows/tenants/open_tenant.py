"""A new tenant with its first administrator, signed in: where an address was confirmed, or needs not be."""

from app.audit import service as audit
from app.core.ids import TenantId, UserId
from app.flows.identity.door import Door
from app.flows.identity.register import Registered, Registration, checked_registration
from app.identity.accounts.domain import PendingRegistration
from app.identity.domain import Client, Role, User
from app.identity.errors import EmailTakenError
from app.infra.db import WriteSession
from app.infra.uow import Scope, begin, reading
from app.tenants import service as tenants


async def open_tenant(door: Door, registration: Registration, client: Client) -> Registered:
    """Opens the tenant and signs its administrator in, or stores nothing: for operators, who vouch for the address.

    Raises InputError with the path of what is wrong, WeakPasswordError, EmailTakenError.
    """
    typed, password = await checked_registration(door, registration)
    async with reading(door.database, Scope(email=typed.email)) as looking:
        if await door.identity.credentials(looking, typed.email) is not None:
            raise EmailTakenError
    now = door.clock.now()
    pending = PendingRegistration(
        id=UserId(door.ids.new()),
        email=typed.email,
        password_hash=await door.passwords.hash(password),
        tenant_name=typed.tenant_name,
        first_name=typed.first_name,
        last_name=typed.last_name,
        created_at=now,
        expires_at=now,
    )
    tenant_id = TenantId(door.ids.new())
    async with begin(door.database, Scope(tenant_id=tenant_id, user_id=pending.id)) as session:
        return await store_tenant(door, session, tenant_id, pending, client)


async def store_tenant(
    door: Door, session: WriteSession, tenant_id: TenantId, pending: PendingRegistration, client: Client
) -> Registered:
    """Stores the tenant and its administrator, whose address is confirmed; the scope is both.

    Raises EmailTakenError; the transaction cannot go on then.
    """
    now = door.clock.now()
    user = User(
        id=pending.id,
        email=pending.email,
        first_name=pending.first_name,
        last_name=pending.last_name,
        phone_number=None,
        email_verified=True,
        two_factor_enabled=False,
        preferences={},
        is_active=True,
        created_at=now,
    )
    tenant = await tenants.found(session, tenant_id, pending.tenant_name, now=now)
    membership = await door.identity.enroll(session, tenant_id, user, pending.password_hash, Role.ADMIN)
    opened, tokens = await door.identity.open_session(session, tenant_id, user.id, client)
    principal = opened.principal(membership.scopes, client)
    await audit.record(
        session,
        principal,
        "tenant.registered",
        "tenant",
        tenant_id,
        entry_id=door.ids.new(),
        now=now,
        new={"name": tenant.name, "slug": tenant.slug, "administrator": str(user.id)},
    )
    return Registered(tenant=tenant, user=user, principal=principal, tokens=tokens)
