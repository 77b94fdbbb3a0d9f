"""register: who wants to open a tenant leaves word of it, and a mail to the address tells how to go on."""

from dataclasses import dataclass

from app.core.ids import UserId
from app.errands.domain import ErrandKind
from app.flows.identity.door import Door
from app.flows.identity.door_guard import Mailing, bound_questions, may_mail
from app.flows.identity.new_password import strong_password
from app.identity.accounts.domain import CONFIRMATION_LIFE
from app.identity.accounts.errors import RegistrationClosedError
from app.identity.domain import (
    Client,
    Principal,
    TokenPair,
    User,
    normalized_email,
    written_name,
)
from app.infra.tokens import new_secret
from app.infra.uow import Scope, begin
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


async def register(door: Door, registration: Registration, client: Client) -> None:
    """Leaves word of the registration. Nobody looks here whether the address is known: the mail tells its owner.

    Raises InputError with the path of what is wrong, WeakPasswordError, RegistrationClosedError,
    TooManyAttemptsError.
    """
    if not door.is_registration_open:
        raise RegistrationClosedError
    typed, password = await checked_registration(door, registration)
    await bound_questions(door, client)
    password_hash = await door.passwords.hash(password)
    if not await may_mail(door, typed.email, Mailing.REGISTRATION):
        return
    async with begin(door.database, Scope(email=typed.email)) as session:
        await door.errands.leave(
            session,
            ErrandKind.REGISTRATION,
            typed.email,
            {
                "user_id": str(UserId(door.ids.new())),
                "secret": new_secret().hex(),
                "password_hash": password_hash,
                "tenant_name": typed.tenant_name,
                "first_name": typed.first_name,
                "last_name": typed.last_name,
            },
            lasts=CONFIRMATION_LIFE,
        )


async def checked_registration(door: Door, registration: Registration) -> tuple[Registration, str]:
    """The registration as it is stored, and the password to hash.

    Raises InputError with the path of what is wrong, WeakPasswordError.
    """
    tenant_name = written_name(registration.tenant_name, path=["tenantName"])
    email = normalized_email(registration.email)
    first_name = written_name(registration.first_name, path=["firstName"])
    last_name = written_name(registration.last_name, path=["lastName"])
    password = await strong_password(
        door, registration.password, email=email, words=[tenant_name, first_name, last_name]
    )
    typed = Registration(tenant_name=tenant_name, email=email, password="", first_name=first_name, last_name=last_name)
    return typed, password
