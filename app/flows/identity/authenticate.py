"""From a bearer credential to the principal, on each request and again on long-lived sockets."""

from dataclasses import replace
from typing import Final

from app.core.clock import Clock
from app.core.errors import UnauthenticatedError
from app.core.ids import ApiKeyId, SessionId, TenantId, UserId
from app.flows.tenants.platform_presence import PlatformPresence
from app.identity.domain import (
    Client,
    PresentedApiKey,
    Principal,
    Verdict,
    is_address_allowed,
    parse_api_key,
)
from app.identity.errors import AddressRefusedError, CredentialRefusedError
from app.identity.service import SEEN_EVERY, IdentityService
from app.identity.two_factor.errors import StepUpRequiredError
from app.identity.two_factor.service import TwoFactorService
from app.infra.db import Database
from app.infra.expiring import ExpiringCache
from app.infra.uow import Scope, begin, reading
from app.tenants import service as tenants

# A revoked key or session, a lost role, a suspended tenant lose their power within this time in every process.
# With a look each second at open sockets, a socket is closed within 5 s.
VERDICT_LIFE_S: Final = 4.0
VERDICTS_MAX: Final = 20_000
CREDENTIAL_LENGTH_MAX: Final = 2048


class Authenticator:
    """Tells whom a credential stands for; verdicts are kept for VERDICT_LIFE_S."""

    def __init__(self, database: Database, identity: IdentityService, clock: Clock) -> None:
        self._database = database
        self._identity = identity
        self._clock = clock
        self._sessions: ExpiringCache[tuple[TenantId, SessionId], Verdict | None] = ExpiringCache(
            life_s=VERDICT_LIFE_S, size_max=VERDICTS_MAX
        )
        self._keys: ExpiringCache[PresentedApiKey, Verdict | None] = ExpiringCache(
            life_s=VERDICT_LIFE_S, size_max=VERDICTS_MAX
        )
        self._platform = PlatformPresence(database, clock, life_s=VERDICT_LIFE_S)
        self._known_keys: ExpiringCache[tuple[TenantId, ApiKeyId], Verdict | None] = ExpiringCache(
            life_s=VERDICT_LIFE_S, size_max=VERDICTS_MAX
        )

    async def authenticate(self, bearer: str, client: Client) -> Principal:
        """The principal of an access token or an API key, without the word "Bearer".

        Raises CredentialRefusedError (UNAUTHENTICATED) for one that does not hold, AddressRefusedError (FORBIDDEN)
        for an API key from an address that it is not meant for.
        """
        if len(bearer) > CREDENTIAL_LENGTH_MAX:
            raise CredentialRefusedError
        presented = parse_api_key(bearer)
        if presented is not None:
            verdict = await self._keys.get(presented, lambda: self._ask_key(presented))
        elif (of_platform := self._platform.presented(bearer)) is not None:
            verdict = await self._platform.verdict(of_platform)
        else:
            verdict = await self._session_of_token(bearer)
        return self._admit(verdict, client)

    async def recheck(self, principal: Principal) -> Principal:
        """The principal as it stands now, for what outlives a request: call it before each batch that goes out.

        A session holds here until it ends or is revoked, also when the access token that opened the socket has run
        out. Raises as authenticate does.
        """
        tenant_id, session_id, api_key_id = principal.tenant_id, principal.session_id, principal.api_key_id
        verdict: Verdict | None = None
        if session_id is not None and principal.user_id is not None:
            verdict = await self._session_verdict(tenant_id, session_id, principal.user_id)
        elif api_key_id is not None:
            verdict = await self._known_keys.get(
                (tenant_id, api_key_id), lambda: self._ask_known_key(tenant_id, api_key_id)
            )
        elif (of_platform := self._platform.known(principal)) is not None:
            verdict = await self._platform.verdict(of_platform)
        client = Client(
            ip_address=principal.ip_address, request_id=principal.request_id, user_agent=principal.user_agent
        )
        return self._admit(verdict, client)

    async def require_step_up(self, principal: Principal, two_factor: TwoFactorService) -> None:
        """Passes a session that proved its person within ten minutes; asked anew each time, as it is asked seldom.

        Raises CredentialRefusedError, StepUpRequiredError: always for an API key.
        """
        tenant_id, session_id = principal.tenant_id, principal.session_id
        if session_id is None:
            raise StepUpRequiredError(None)
        async with reading(self._database, Scope(tenant_id=tenant_id)) as session:
            found = await self._identity.session_verdict(session, tenant_id, session_id)
            if found is None:
                raise CredentialRefusedError
            has_second_factor = found[0].has_second_factor
            if await two_factor.is_stepped_up(session, tenant_id, session_id, has_second_factor=has_second_factor):
                return
        raise StepUpRequiredError("CODE" if has_second_factor else "PASSWORD")

    def forget_session(self, session_id: SessionId) -> None:
        """Makes an ended session powerless in this process at once; other processes follow within VERDICT_LIFE_S."""
        self._sessions.drop(lambda verdict: verdict is not None and verdict.session_id == session_id)

    def forget_platform(self) -> None:
        """Looks at the logins of the platform anew in this process at once."""
        self._platform.forget()

    def forget_tenant(self, tenant_id: TenantId) -> None:
        """Looks at all of the tenant anew in this process at once; other processes follow within VERDICT_LIFE_S."""
        for cache in (self._sessions, self._keys, self._known_keys):
            cache.drop(lambda verdict: verdict is not None and verdict.tenant_id == tenant_id)
        self._platform.forget(tenant_id)

    def forget_person(self, user_id: UserId) -> None:
        """Asks anew for every session of the person in this process at once; others follow within VERDICT_LIFE_S."""
        self._sessions.drop(lambda verdict: verdict is not None and verdict.user_id == user_id)
        self._platform.forget()

    def forget_api_key(self, api_key_id: ApiKeyId) -> None:
        """Makes an ended key powerless in this process at once; other processes follow within VERDICT_LIFE_S."""
        self._keys.drop(lambda verdict: verdict is not None and verdict.api_key_id == api_key_id)
        self._known_keys.drop(lambda verdict: verdict is not None and verdict.api_key_id == api_key_id)

    async def _session_of_token(self, token: str) -> Verdict | None:
        try:
            claims = self._identity.tokens.read(token)
        except UnauthenticatedError as error:
            raise CredentialRefusedError from error
        return await self._session_verdict(claims.tenant_id, claims.session_id, claims.user_id)

    async def _session_verdict(self, tenant_id: TenantId, session_id: SessionId, user_id: UserId) -> Verdict | None:
        verdict = await self._sessions.get((tenant_id, session_id), lambda: self._ask_session(tenant_id, session_id))
        return verdict if verdict is not None and verdict.user_id == user_id else None

    def _admit(self, verdict: Verdict | None, client: Client) -> Principal:
        if verdict is None or (verdict.ends_at is not None and verdict.ends_at <= self._clock.now()):
            raise CredentialRefusedError
        if not is_address_allowed(client.ip_address, verdict.ip_allowlist):
            raise AddressRefusedError(verdict.principal(client))
        return verdict.principal(client)

    async def _ask_session(self, tenant_id: TenantId, session_id: SessionId) -> Verdict | None:
        async with reading(self._database, Scope(tenant_id=tenant_id)) as session:
            found = await self._identity.session_verdict(session, tenant_id, session_id)
            firm = None if found is None else await tenants.open_tenant(session, tenant_id)
        if found is None or firm is None:
            return None
        verdict, seen = found
        if firm.requires_two_factor and not verdict.has_second_factor:
            verdict = replace(verdict, must_enrol=True)
        now = self._clock.now()
        if now - seen.last_seen_at >= SEEN_EVERY:
            async with begin(self._database, Scope(tenant_id=tenant_id)) as writing:
                await self._identity.note_session(writing, seen)
        return verdict

    async def _ask_key(self, presented: PresentedApiKey) -> Verdict | None:
        tenant_id = presented.tenant_id
        async with reading(self._database, Scope(tenant_id=tenant_id)) as session:
            found = await self._identity.api_key_verdict(session, presented)
            if found is None or not await tenants.is_active(session, tenant_id):
                return None
        verdict, key = found
        if key.last_used_at is None or self._clock.now() - key.last_used_at >= SEEN_EVERY:
            async with begin(self._database, Scope(tenant_id=tenant_id)) as writing:
                await self._identity.note_api_key(writing, key)
        return verdict

    async def _ask_known_key(self, tenant_id: TenantId, api_key_id: ApiKeyId) -> Verdict | None:
        async with reading(self._database, Scope(tenant_id=tenant_id)) as session:
            found = await self._identity.api_key_verdict_by_id(session, tenant_id, api_key_id)
            if found is None or not await tenants.is_active(session, tenant_id):
                return None
        return found[0]
