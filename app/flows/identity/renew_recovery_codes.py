"""renewRecoveryCodes: ten new recovery codes in place of those before."""

from app.audit import service as audit
from app.flows.identity.door import Door
from app.identity.domain import Principal
from app.identity.two_factor.domain import person_of
from app.infra.uow import Scope, begin


async def renew_recovery_codes(door: Door, principal: Principal) -> list[str]:
    """The new codes, told this once; the old ones are void. Raises NotASessionError, NotEnabledError."""
    user_id, _ = person_of(principal)
    async with begin(door.database, Scope(tenant_id=principal.tenant_id, user_id=user_id)) as session:
        codes = await door.two_factor.new_recovery_codes(session, user_id)
        await audit.record(
            session,
            principal,
            "two_factor.recovery_codes_renewed",
            "user",
            user_id,
            entry_id=door.ids.new(),
            now=door.clock.now(),
        )
    return codes
