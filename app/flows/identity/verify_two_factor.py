"""verifyTwoFactor: the second half of a login, by a one-time code or a recovery code."""

from app.audit import service as audit
from app.core.ids import TenantId, UserId
from app.flows.identity.door import Door
from app.identity.domain import Client, Principal, TokenPair
from app.identity.two_factor.domain import parse_challenge
from app.identity.two_factor.errors import ChallengeRefusedError
from app.identity.two_factor.service import Proven
from app.infra.db import WriteSession
from app.infra.uow import Scope, begin, reading
from app.tenants import service as tenants


async def verify_two_factor(door: Door, *, challenge: str, code: str, client: Client) -> TokenPair:
    """The tokens of a new session.

    Raises ChallengeRefusedError for a challenge that does not hold, or whose person may not enter any more;
    CodeRefusedError for a code that is wrong or used, RateLimitedError after too many of them: these are counted
    first.
    """
    presented = parse_challenge(challenge.strip())
    if presented is None:
        raise ChallengeRefusedError
    tenant_id = presented.tenant_id
    async with reading(door.database, Scope(tenant_id=tenant_id)) as looking:
        user_id = await door.two_factor.challenged(looking, presented)
    if user_id is None:
        raise ChallengeRefusedError
    async with begin(door.database, Scope(tenant_id=tenant_id, user_id=user_id)) as session:
        outcome = await door.two_factor.answer(session, presented, code)
        if isinstance(outcome, Proven):
            return await _enter(door, session, tenant_id, outcome, client)
        if outcome.was_looked_at:
            await audit.record(
                session,
                _knocking(tenant_id, user_id, client),
                "two_factor.refused",
                "user",
                user_id,
                entry_id=door.ids.new(),
                now=door.clock.now(),
                new={"at": "login"},
            )
    raise outcome.error


async def _enter(door: Door, session: WriteSession, tenant_id: TenantId, proven: Proven, client: Client) -> TokenPair:
    scopes = await door.identity.membership_scopes(session, tenant_id, proven.user_id)
    if not scopes or await tenants.open_tenant(session, tenant_id) is None:
        # Suspended since the password was right: told as a challenge that ran out, and nothing is kept.
        raise ChallengeRefusedError
    opened, tokens = await door.identity.open_session(session, tenant_id, proven.user_id, client, proven.proof.value)
    await audit.record(
        session,
        opened.principal(scopes, client),
        "session.opened",
        "session",
        opened.id,
        entry_id=door.ids.new(),
        now=opened.created_at,
        new={"secondFactor": proven.proof.value},
    )
    return tokens


def _knocking(tenant_id: TenantId, user_id: UserId, client: Client) -> Principal:
    return Principal(
        tenant_id=tenant_id,
        user_id=user_id,
        scopes=frozenset(),
        actor=f"user:{user_id}",
        ip_address=client.ip_address,
        request_id=client.request_id,
        user_agent=client.user_agent,
    )
