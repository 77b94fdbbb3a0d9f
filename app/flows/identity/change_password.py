"""changePassword: another password for who knows the present one."""

from datetime import datetime

from app.errands.letters import MailTemplate
from app.flows.identity.door import Door
from app.flows.identity.door_guard import begin_attempt, succeed
from app.flows.identity.new_password import fresh_password
from app.flows.identity.person_acts import (
    UNKNOWN_PLACE,
    check_present_password,
    client_of,
    end_sessions_everywhere,
    person_of,
    record_everywhere,
    user_and_hash,
)
from app.identity.accounts import repository as accounts
from app.identity.accounts.domain import PASSWORDS_REMEMBERED, TokenPurpose
from app.identity.accounts.errors import PasswordWrongError
from app.identity.domain import Client, Principal, User, prepared_password
from app.infra.db import WriteSession
from app.infra.uow import Scope, begin


async def change_password(door: Door, principal: Principal, *, current_password: str, new_password: str) -> None:
    """Stores the new password, ends all other sessions of the person, and mails a notice.

    Raises NotASessionError, PasswordWrongError, WeakPasswordError, PasswordReusedError, TooManyAttemptsError.
    """
    user_id, client = person_of(principal), client_of(principal)
    user, present_hash = await user_and_hash(door, user_id)
    attempt = await begin_attempt(door, user.email, client)
    await check_present_password(door, present_hash, prepared_password(current_password), "currentPassword")
    await succeed(door, attempt)
    prepared = await fresh_password(door, user, new_password, present_hash=present_hash, field="newPassword")
    new_hash, now = await door.passwords.hash(prepared), door.clock.now()
    async with begin(door.database, Scope(user_id=user_id)) as session:
        if not await store_password(door, session, user, present_hash=present_hash, new_hash=new_hash, now=now):
            # Another change came first: what was typed is no longer the present password.
            raise PasswordWrongError("currentPassword")
        memberships = await door.identity.memberships(session, user_id)
        await record_everywhere(door, session, user_id, memberships, "password.changed", client, now=now)
        await end_sessions_everywhere(
            door,
            session,
            user_id,
            memberships,
            client,
            now=now,
            reason="password changed",
            except_id=principal.session_id,
        )
        await notify_of_password(door, session, user, client, now=now)
    door.authenticator.forget_person(user_id)


async def store_password(
    door: Door, session: WriteSession, user: User, *, present_hash: str, new_hash: str, now: datetime
) -> bool:
    """Stores the hash and remembers it and the one before.

    Links to reset the password and to change the address are void from now on: whoever knew the old password may have
    asked for one, and would take the account over with it.

    False, and nothing is stored, when the password was changed meanwhile. The scope is the person.
    """
    was = await accounts.password_hash(session, user.id)
    if was is None or not await accounts.set_password(
        session, user.id, old_hash=present_hash, new_hash=new_hash, now=now
    ):
        return False
    if present_hash not in await accounts.former_hashes(session, user.id, limit=PASSWORDS_REMEMBERED):
        await accounts.remember_password(
            session, user.id, door.ids.new(), present_hash, set_at=was[1], kept=PASSWORDS_REMEMBERED
        )
    await accounts.remember_password(session, user.id, door.ids.new(), new_hash, set_at=now, kept=PASSWORDS_REMEMBERED)
    await accounts.void_tokens(session, user.id, TokenPurpose.RESET_PASSWORD, TokenPurpose.CHANGE_EMAIL, now=now)
    return True


async def notify_of_password(door: Door, session: WriteSession, user: User, client: Client, *, now: datetime) -> None:
    """Mails the person that the password is another one now."""
    values = {"at": f"{now:%Y-%m-%d %H:%M} UTC", "ip_address": client.ip_address or UNKNOWN_PLACE}
    await door.errands.mail(session, user.email, MailTemplate.PASSWORD_CHANGED, values)
