"""confirmTwoFactor: the first code of an authenticator, which makes it the person's second factor."""

from app.audit import service as audit
from app.flows.identity.door import Door
from app.identity.domain import Principal
from app.identity.two_factor.domain import Proof, person_of
from app.identity.two_factor.service import Refused
from app.infra.uow import Scope, begin


async def confirm_two_factor(door: Door, principal: Principal, code: str) -> list[str]:
    """The recovery codes, told this once. The session has proved its person with that, too.

    Raises NotASessionError, AlreadyEnabledError, NotBegunError, CodeRefusedError, RateLimitedError.
    """
    user_id, session_id = person_of(principal)
    async with begin(door.database, Scope(tenant_id=principal.tenant_id, user_id=user_id)) as session:
        outcome = await door.two_factor.confirm(session, user_id, code)
        if not isinstance(outcome, Refused):
            await door.two_factor.step_up(session, principal.tenant_id, session_id, Proof.TOTP)
            await audit.record(
                session,
                principal,
                "two_factor.enabled",
                "user",
                user_id,
                entry_id=door.ids.new(),
                now=door.clock.now(),
                old={"twoFactorEnabled": False},
                new={"twoFactorEnabled": True},
            )
    if isinstance(outcome, Refused):
        raise outcome.error
    door.authenticator.forget_session(session_id)
    return outcome
