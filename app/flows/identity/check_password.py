"""The password of a person who is signed in already, asked again before something that a stolen session must not do."""

from app.audit import service as audit
from app.flows.identity.door import Door
from app.identity.domain import Principal, prepared_password
from app.identity.two_factor.domain import person_of
from app.identity.two_factor.errors import PasswordRefusedError
from app.infra.uow import Scope, begin, reading


async def check_password(door: Door, principal: Principal, password: str, *, at: str) -> None:
    """Passes the person's own password; `at` is the operation that asks, for the audit log.

    The attempt is counted before the hash is computed, so that many at once are no more than one after the other;
    whoever calls forgives it once all is proved. Raises NotASessionError, PasswordRefusedError, RateLimitedError.
    """
    user_id, _ = person_of(principal)
    scope = Scope(tenant_id=principal.tenant_id, user_id=user_id)
    async with begin(door.database, scope) as session:
        refused = await door.two_factor.count_ahead(session, user_id)
    if refused is not None:
        raise refused.error
    async with reading(door.database, scope) as looking:
        stored_hash = await door.identity.password_hash(looking, user_id)
    if await door.passwords.verify(prepared_password(password), stored_hash):
        return
    async with begin(door.database, scope) as session:
        await audit.record(
            session,
            principal,
            "password.refused",
            "user",
            user_id,
            entry_id=door.ids.new(),
            now=door.clock.now(),
            new={"at": at},
        )
    raise PasswordRefusedError
