"""beginTwoFactor: a secret for an authenticator, which counts for nothing until its first code."""

from app.audit import service as audit
from app.flows.identity.door import Door
from app.identity.domain import Principal
from app.identity.two_factor.domain import Enrolment, person_of
from app.infra.uow import Scope, begin


async def begin_two_factor(door: Door, principal: Principal) -> Enrolment:
    """The secret, told this once; an enrolment that was begun before and not confirmed is void.

    Raises NotASessionError, AlreadyEnabledError.
    """
    user_id, _ = person_of(principal)
    async with begin(door.database, Scope(tenant_id=principal.tenant_id, user_id=user_id)) as session:
        enrolment = await door.two_factor.begin(session, await door.identity.user(session, user_id))
        await audit.record(
            session,
            principal,
            "two_factor.begun",
            "user",
            user_id,
            entry_id=door.ids.new(),
            now=door.clock.now(),
        )
    return enrolment
