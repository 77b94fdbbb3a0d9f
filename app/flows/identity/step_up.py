"""stepUp: a session proves its person again, for what a stolen session must not do."""

from datetime import datetime

from app.audit import service as audit
from app.flows.identity.check_password import check_password
from app.flows.identity.door import Door
from app.identity.domain import Principal
from app.identity.two_factor.domain import Proof, person_of
from app.identity.two_factor.errors import ProofMissingError
from app.identity.two_factor.service import Proven, Refused
from app.infra.uow import Scope, begin, reading


async def step_up(door: Door, principal: Principal, *, code: str | None, password: str | None) -> datetime:
    """Until when the session has stepped up: by a code where the person has a second factor, else by the password.

    Raises NotASessionError, ProofMissingError, CodeRefusedError, PasswordRefusedError, RateLimitedError.
    """
    user_id, session_id = person_of(principal)
    scope = Scope(tenant_id=principal.tenant_id, user_id=user_id)
    async with reading(door.database, scope) as looking:
        has_second_factor = (await door.identity.user(looking, user_id)).two_factor_enabled
    if has_second_factor and code is None:
        raise ProofMissingError(has_second_factor=True)
    if not has_second_factor:
        if password is None:
            raise ProofMissingError(has_second_factor=False)
        await check_password(door, principal, password, at="stepUp")
    async with begin(door.database, scope) as session:
        outcome: Proven | Refused
        if has_second_factor:
            outcome = await door.two_factor.prove(session, user_id, code or "")
        else:
            await door.two_factor.forgive(session, user_id)
            outcome = Proven(user_id=user_id, proof=Proof.PASSWORD)
        until = door.clock.now()
        if isinstance(outcome, Proven):
            until = await door.two_factor.step_up(session, principal.tenant_id, session_id, outcome.proof)
        if isinstance(outcome, Proven) or outcome.was_looked_at:
            await audit.record(
                session,
                principal,
                "session.stepped_up" if isinstance(outcome, Proven) else "two_factor.refused",
                "session",
                session_id,
                entry_id=door.ids.new(),
                now=door.clock.now(),
                new={"proof": outcome.proof.value} if isinstance(outcome, Proven) else {"at": "stepUp"},
            )
    if isinstance(outcome, Refused):
        raise outcome.error
    return until
