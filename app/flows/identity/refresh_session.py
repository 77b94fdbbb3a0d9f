"""refreshToken: a refresh token for the next pair, once."""

from app.audit import service as audit
from app.flows.identity.door import Door
from app.identity.domain import Client, TokenPair, parse_refresh_token
from app.identity.errors import RefreshRefusedError
from app.identity.service import Reused, Rotated
from app.infra.uow import Scope, begin
from app.tenants import service as tenants


async def refresh_session(door: Door, refresh_token: str, client: Client, *, is_page: bool = False) -> TokenPair:
    """The next pair of tokens of the session; is_page where the token came in a cookie.

    Raises RefreshRefusedError for a token that does not hold. One that was used before has its session revoked:
    that is committed first.
    """
    presented = parse_refresh_token(refresh_token.strip())
    if presented is None:
        raise RefreshRefusedError
    async with begin(door.database, Scope(tenant_id=presented.tenant_id)) as session:
        if not await tenants.is_active(session, presented.tenant_id):
            raise RefreshRefusedError
        outcome = await door.identity.rotate_refresh_token(session, presented, is_page=is_page)
        if isinstance(outcome, Reused):
            await audit.record(
                session,
                outcome.session.principal(frozenset(), client),
                "session.revoked",
                "session",
                outcome.session.id,
                entry_id=door.ids.new(),
                now=door.clock.now(),
                new={"reason": "refresh token reused"},
            )
    match outcome:
        case Rotated(tokens=tokens):
            return tokens
        case Reused(session=family):
            door.authenticator.forget_session(family.id)
            raise RefreshRefusedError
        case None:
            raise RefreshRefusedError
