"""register: a new tenant with its first administrator, signed in."""

from dataclasses import dataclass

from app.audit import service as audit
from app.core.ids import TenantId, UserId
from app.flows.door import Door
from app.identity.domain import (
    Client,
    Principal,
    Role,
    TokenPair,
    User,
    new_password,
    normalized_email,
    written_name,
)
from app.identity.errors import EmailTakenError
from app.infra.uow import Scope, begin, reading
from app.tenants import service as tenants
from app.tenants.domain import Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Who wants to open a tenant, as typed."""

    tenant_name: str
    email: str
    password: str
    first_name: str
    last_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """The new tenant, its administrator as principal, and the first tokens."""

    tenant: Tenant
    user: User
    principal: Principal
    tokens: TokenPair


async def register(door: Door, registration: Registration, client: Client) -> Registered:
    """Opens the tenant and signs its administrator in, or stores nothing.

    Raises InputError with the path of what is wrong, WeakPasswordError, EmailTakenError.
    """
    tenant_name = written_name(registration.tenant_name, path=["tenantName"])
    email = normalized_email(registration.email)
    first_name = written_name(registration.first_name, path=["firstName"])
    last_name = written_name(registration.last_name, path=["lastName"])
    password = new_password(registration.password, email=email)
    async with reading(door.database, Scope(email=email)) as looking:
        if await door.identity.credentials(looking, email) is not None:
            raise EmailTakenError
    password_hash = await door.passwords.hash(password)
    now = door.clock.now()
    tenant_id, user_id = TenantId(door.ids.new()), UserId(door.ids.new())
    user = User(
        id=user_id,
        email=email,
        first_name=first_name,
        last_name=last_name,
        phone_number=None,
        email_verified=False,
        two_factor_enabled=False,
        preferences={},
        is_active=True,
        created_at=now,
    )
    async with begin(door.database, Scope(tenant_id=tenant_id, user_id=user_id)) as session:
        tenant = await tenants.found(session, tenant_id, tenant_name, now=now)
        membership = await door.identity.enroll(session, tenant_id, user, password_hash, Role.ADMIN)
        opened, tokens = await door.identity.open_session(session, tenant_id, user_id, client)
        principal = opened.principal(membership.scopes, client)
        await audit.record(
            session,
            principal,
            "tenant.registered",
            "tenant",
            tenant_id,
            entry_id=door.ids.new(),
            now=now,
            new={"name": tenant.name, "slug": tenant.slug, "administrator": str(user_id)},
        )
    return Registered(tenant=tenant, user=user, principal=principal, tokens=tokens)
