"""changeEmail, requestEmailVerification and verifyEmail: whose an address is, its reader proves by a link."""

from app.core.ids import TenantId
from app.errands.domain import ErrandKind
from app.errands.letters import MailTemplate
from app.flows.identity.door import Door
from app.flows.identity.door_guard import Mailing, begin_attempt, bound_questions, may_mail, succeed
from app.flows.identity.person_acts import (
    check_present_password,
    client_of,
    person_of,
    record_everywhere,
    user_and_hash,
)
from app.flows.tenants.open_tenant import store_tenant
from app.identity.accounts import repository as accounts
from app.identity.accounts.domain import (
    CONFIRMATION_LIFE,
    PendingRegistration,
    PersonToken,
    TokenPurpose,
    parse_person_token,
    person_token_text,
)
from app.identity.accounts.errors import MailTokenError, PasswordRequiredError, PasswordWrongError
from app.identity.domain import Client, Principal, TokenPair, base32, digest, normalized_email, prepared_password
from app.identity.errors import EmailTakenError
from app.infra.tokens import new_secret
from app.infra.uow import Scope, begin, reading


async def change_email(door: Door, principal: Principal, *, new_email: str, password: str) -> None:
    """Mails a link to the new address, and word of it to the old: the address changes when the link is opened.

    Raises NotASessionError, InputError, PasswordWrongError, TooManyAttemptsError.
    """
    user_id, client = person_of(principal), client_of(principal)
    address = normalized_email(new_email, path=["newEmail"])
    user, stored_hash = await user_and_hash(door, user_id)
    attempt = await begin_attempt(door, user.email, client)
    await check_present_password(door, stored_hash, prepared_password(password), "password")
    await succeed(door, attempt)
    is_mailed = await may_mail(door, address, Mailing.EMAIL_CHANGE)
    async with begin(door.database, Scope(user_id=user_id)) as session:
        memberships = await door.identity.memberships(session, user_id)
        await record_everywhere(
            door,
            session,
            user_id,
            memberships,
            "email.change_asked",
            client,
            now=door.clock.now(),
            old={"email": user.email},
            new={"email": address},
        )
        if is_mailed:
            await door.errands.leave(
                session,
                ErrandKind.EMAIL_CHANGE,
                address,
                {"user_id": str(user_id), "old_email": user.email, "secret": new_secret().hex()},
                lasts=CONFIRMATION_LIFE,
            )


async def request_email_verification(door: Door, principal: Principal) -> None:
    """Mails a link to the person's own address, unless it is verified. Raises NotASessionError."""
    user_id, now = person_of(principal), door.clock.now()
    user, _ = await user_and_hash(door, user_id)
    if user.email_verified or not await may_mail(door, user.email, Mailing.EMAIL_VERIFICATION):
        return
    secret = new_secret()
    token = PersonToken(user_id=user_id, id=door.ids.new(), purpose=TokenPurpose.CONFIRM_EMAIL, email=user.email)
    async with begin(door.database, Scope(user_id=user_id)) as session:
        await accounts.add_token(session, token, digest(base32(secret)), now=now, expires_at=now + CONFIRMATION_LIFE)
        values = {"token": person_token_text(user_id, secret)}
        await door.errands.mail(session, user.email, MailTemplate.CONFIRM_EMAIL, values, lasts=CONFIRMATION_LIFE)


async def verify_email(door: Door, *, token: str, password: str | None, client: Client) -> TokenPair | None:
    """Takes the proof that an address is read by who says so.

    A registration is finished by it, with the password that was chosen then: whoever registered a stranger's address
    has no link, and the stranger has not the password. Its answer is the first session; else the answer is None.
    Raises MailTokenError, PasswordRequiredError, PasswordWrongError, TooManyAttemptsError.
    """
    presented = parse_person_token(token)
    if presented is None:
        raise MailTokenError
    await bound_questions(door, client)
    now = door.clock.now()
    async with reading(door.database, Scope(user_id=presented.user_id)) as session:
        held = await accounts.token(session, presented.user_id, presented.token_hash, now=now)
        pending = await accounts.registration(session, presented.user_id, presented.token_hash, now=now)
    if pending is not None:
        return await _finish(door, pending, password, client)
    if held is None or held.purpose is TokenPurpose.RESET_PASSWORD:
        raise MailTokenError
    await _confirm(door, held, client)
    return None


async def _finish(door: Door, pending: PendingRegistration, password: str | None, client: Client) -> TokenPair:
    if password is None:
        raise PasswordRequiredError
    attempt = await begin_attempt(door, pending.email, client)
    if not await door.passwords.verify(prepared_password(password), pending.password_hash):
        raise PasswordWrongError("password")
    await succeed(door, attempt)
    tenant_id, now = TenantId(door.ids.new()), door.clock.now()
    try:
        async with begin(door.database, Scope(tenant_id=tenant_id, user_id=pending.id)) as session:
            if not await accounts.finish_registration(session, pending.id, now=now):
                raise MailTokenError
            registered = await store_tenant(door, session, tenant_id, pending, client)
            memberships = await door.identity.memberships(session, pending.id)
            await record_everywhere(
                door, session, pending.id, memberships, "email.verified", client, now=now, new={"email": pending.email}
            )
    except EmailTakenError as error:
        # The address has got an account since.
        raise MailTokenError from error
    return registered.tokens


async def _confirm(door: Door, held: PersonToken, client: Client) -> None:
    now = door.clock.now()
    try:
        async with begin(door.database, Scope(user_id=held.user_id)) as session:
            user = await door.identity.user(session, held.user_id)
            if not user.is_active or not await accounts.use_token(session, held, now=now):
                raise MailTokenError
            memberships = await door.identity.memberships(session, user.id)
            if held.purpose is TokenPurpose.CHANGE_EMAIL:
                await accounts.set_email(session, user.id, held.email)
                # A link to reset the password lies in the old mailbox.
                await accounts.void_tokens(session, user.id, TokenPurpose.RESET_PASSWORD, now=now)
                await door.errands.mail(session, user.email, MailTemplate.EMAIL_CHANGED, {"new_email": held.email})
                action, old = "email.changed", {"email": user.email}
            elif user.email != held.email:
                raise MailTokenError
            else:
                await accounts.set_verified(session, user.id, held.email)
                action, old = "email.verified", None
            await record_everywhere(
                door, session, user.id, memberships, action, client, now=now, old=old, new={"email": held.email}
            )
    except EmailTakenError as error:
        raise MailTokenError from error
