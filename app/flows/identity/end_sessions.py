"""revokeSession and logoutEverywhere: the end of other sessions of one's own."""

from app.audit import service as audit
from app.core.errors import NotFoundError
from app.core.ids import SessionId
from app.flows.identity.door import Door
from app.flows.identity.person_acts import client_of, end_sessions_everywhere, person_of
from app.identity import repository
from app.identity.accounts import repository as accounts
from app.identity.accounts.domain import TokenPurpose
from app.identity.domain import Principal
from app.infra.uow import Scope, begin


async def revoke_session(door: Door, principal: Principal, session_id: SessionId) -> None:
    """Ends one session of the person in the tenant, with all its tokens; to end it again is no error.

    Raises NotASessionError, NotFoundError for a session of anyone else, as for an unknown one.
    """
    user_id, now = person_of(principal), door.clock.now()
    async with begin(door.database, Scope(tenant_id=principal.tenant_id)) as session:
        found = await repository.session_for_update(session, principal.tenant_id, session_id)
        if found is None or found.user_id != user_id:
            raise NotFoundError("There is no such session.", path=["sessionId"])
        if found.revoked_at is None:
            await repository.revoke_session(
                session, principal.tenant_id, session_id, at=now, reason="revoked by the person"
            )
            await audit.record(
                session,
                principal,
                "session.revoked",
                "session",
                session_id,
                entry_id=door.ids.new(),
                now=now,
                new={"reason": "revoked by the person"},
            )
    door.authenticator.forget_session(session_id)


async def log_out_everywhere(door: Door, principal: Principal) -> int:
    """Ends all sessions of the person in all tenants, the one that asks too; how many. Raises NotASessionError.

    A link to a new address that one of them asked for is void.
    """
    user_id, now = person_of(principal), door.clock.now()
    async with begin(door.database, Scope(user_id=user_id)) as session:
        await accounts.void_tokens(session, user_id, TokenPurpose.CHANGE_EMAIL, now=now)
        memberships = await door.identity.memberships(session, user_id)
        count = await end_sessions_everywhere(
            door, session, user_id, memberships, client_of(principal), now=now, reason="logged out everywhere"
        )
    door.authenticator.forget_person(user_id)
    return count
