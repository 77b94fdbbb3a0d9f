"""disableTwoFactor: the end of a second factor, for who has the password and a code."""

from app.audit import service as audit
from app.flows.identity.check_password import check_password
from app.flows.identity.door import Door
from app.identity.domain import Principal
from app.identity.two_factor.domain import person_of
from app.identity.two_factor.errors import NotEnabledError
from app.identity.two_factor.service import Refused
from app.infra.uow import Scope, begin, reading


async def disable_two_factor(door: Door, principal: Principal, *, password: str, code: str) -> None:
    """Takes the second factor away with its recovery codes.

    Raises NotASessionError, NotEnabledError, PasswordRefusedError, CodeRefusedError, RateLimitedError.
    """
    user_id, session_id = person_of(principal)
    async with reading(door.database, Scope(tenant_id=principal.tenant_id, user_id=user_id)) as looking:
        if not (await door.identity.user(looking, user_id)).two_factor_enabled:
            raise NotEnabledError
    await check_password(door, principal, password, at="disableTwoFactor")
    async with begin(door.database, Scope(tenant_id=principal.tenant_id, user_id=user_id)) as session:
        outcome = await door.two_factor.prove(session, user_id, code, is_counted=True)
        is_refused = isinstance(outcome, Refused)
        if not is_refused:
            await door.two_factor.disable(session, user_id)
        if not isinstance(outcome, Refused) or outcome.was_looked_at:
            await audit.record(
                session,
                principal,
                "two_factor.refused" if is_refused else "two_factor.disabled",
                "user",
                user_id,
                entry_id=door.ids.new(),
                now=door.clock.now(),
                old={"twoFactorEnabled": True},
                new={"at": "disableTwoFactor"} if is_refused else {"twoFactorEnabled": False},
            )
    if isinstance(outcome, Refused):
        raise outcome.error
    door.authenticator.forget_session(session_id)
