"""requestPasswordReset and resetPassword: another password for who reads the person's mail."""

from app.errands.domain import ErrandKind
from app.flows.identity.change_password import notify_of_password, store_password
from app.flows.identity.door import Door
from app.flows.identity.door_guard import Mailing, bound_questions, lift, may_mail
from app.flows.identity.new_password import fresh_password
from app.flows.identity.person_acts import end_sessions_everywhere, record_everywhere
from app.identity.accounts import repository as accounts
from app.identity.accounts.domain import RESET_LIFE, PersonToken, TokenPurpose, parse_person_token
from app.identity.accounts.errors import MailTokenError
from app.identity.domain import Client, User, normalized_email
from app.infra.tokens import new_secret
from app.infra.uow import Scope, begin, reading


async def request_password_reset(door: Door, email: str, client: Client) -> None:
    """Leaves word that the address asks for a link. Nobody looks here whether it is known.

    Raises InputError for what is no address, TooManyAttemptsError.
    """
    address = normalized_email(email)
    await bound_questions(door, client)
    if not await may_mail(door, address, Mailing.PASSWORD_RESET):
        return
    async with begin(door.database, Scope(email=address)) as session:
        await door.errands.leave(
            session, ErrandKind.PASSWORD_RESET, address, {"secret": new_secret().hex()}, lasts=RESET_LIFE
        )


async def reset_password(door: Door, *, token: str, new_password: str, client: Client) -> None:
    """Stores the new password, ends all sessions of the person, mails a notice, and lifts what delayed them.

    Nobody is signed in by it: a second factor is still asked for. A password that is refused leaves the link as it is.
    Raises MailTokenError, WeakPasswordError, PasswordReusedError, TooManyAttemptsError.
    """
    held, user, present_hash = await _held(door, token, client)
    prepared = await fresh_password(door, user, new_password, present_hash=present_hash, field="newPassword")
    new_hash, now = await door.passwords.hash(prepared), door.clock.now()
    async with begin(door.database, Scope(user_id=user.id)) as session:
        # Of many who come with the link at once, the first takes it; the others wait for its row, and find it used.
        if not await accounts.use_token(session, held, now=now):
            raise MailTokenError
        if not await store_password(door, session, user, present_hash=present_hash, new_hash=new_hash, now=now):
            raise MailTokenError
        is_first_proof = await accounts.set_verified(session, user.id, held.email)
        memberships = await door.identity.memberships(session, user.id)
        await record_everywhere(door, session, user.id, memberships, "password.reset", client, now=now)
        if is_first_proof:
            await record_everywhere(
                door, session, user.id, memberships, "email.verified", client, now=now, new={"email": held.email}
            )
        await end_sessions_everywhere(door, session, user.id, memberships, client, now=now, reason="password reset")
        await notify_of_password(door, session, user, client, now=now)
    door.authenticator.forget_person(user.id)
    await lift(door, user.email, client)


async def _held(door: Door, token: str, client: Client) -> tuple[PersonToken, User, str]:
    presented = parse_person_token(token)
    if presented is None:
        raise MailTokenError
    await bound_questions(door, client)
    async with reading(door.database, Scope(user_id=presented.user_id)) as session:
        held = await accounts.token(session, presented.user_id, presented.token_hash, now=door.clock.now())
        if held is None or held.purpose is not TokenPurpose.RESET_PASSWORD:
            raise MailTokenError
        user = await door.identity.user(session, held.user_id)
        found = await accounts.password_hash(session, held.user_id)
    # A link that went to an address which is no longer the person's opens nothing.
    if found is None or not user.is_active or user.email != held.email:
        raise MailTokenError
    return held, user, found[0]
