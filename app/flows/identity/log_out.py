"""logout: the end of one's own session."""

from app.audit import service as audit
from app.flows.identity.door import Door
from app.identity.domain import Principal
from app.infra.uow import Scope, begin


async def log_out(door: Door, principal: Principal) -> None:
    """Revokes the session of the principal with all its tokens.

    Raises NotASessionError for an API key.
    """
    async with begin(door.database, Scope(tenant_id=principal.tenant_id)) as session:
        session_id = await door.identity.close_session(session, principal)
        await audit.record(
            session,
            principal,
            "session.closed",
            "session",
            session_id,
            entry_id=door.ids.new(),
            now=door.clock.now(),
        )
    door.authenticator.forget_session(session_id)
