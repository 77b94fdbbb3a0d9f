"""From the token of an administrator of the platform, or of an entry into a tenant, to what it stands for."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.core.clock import Clock
from app.core.ids import EntryId, TenantId, UserId
from app.identity import platform
from app.identity.domain import Principal, Verdict
from app.identity.domain.platform import NO_TENANT, PlatformEntry, PlatformSession, parse_entry, parse_session
from app.infra.db import Database
from app.infra.expiring import ExpiringCache
from app.infra.uow import Scope, reading
from app.tenants import service as tenants

PRESENCES_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """A login or an entry as it was presented, by its token or, once it was, by its id."""

    user_id: UserId | None = None
    tenant_id: TenantId | None = None
    token_hash: bytes | None = None
    known_id: UUID | None = None


class PlatformPresence:
    """Tells whom a token of the platform stands for; verdicts are kept for life_s."""

    def __init__(self, database: Database, clock: Clock, *, life_s: float) -> None:
        self._database = database
        self._clock = clock
        self._verdicts: ExpiringCache[Presented, Verdict | None] = ExpiringCache(life_s=life_s, size_max=PRESENCES_MAX)

    def presented(self, bearer: str) -> Presented | None:
        """What the token claims; None for one of another kind."""
        session = parse_session(bearer)
        if session is not None:
            return Presented(user_id=session[0], token_hash=session[1])
        entry = parse_entry(bearer)
        return None if entry is None else Presented(tenant_id=entry[0], token_hash=entry[1])

    def known(self, principal: Principal) -> Presented | None:
        """The same of a principal that was admitted before; None for one of another kind."""
        if principal.platform_session_id is not None:
            return Presented(user_id=principal.user_id, known_id=principal.platform_session_id)
        if principal.entry_id is not None:
            return Presented(tenant_id=principal.tenant_id, known_id=principal.entry_id)
        return None

    async def verdict(self, presented: Presented) -> Verdict | None:
        """What it stands for now, or None when it does not hold."""
        if presented.tenant_id is not None:
            return await self._verdicts.get(presented, lambda: self._ask_entry(presented))
        return await self._verdicts.get(presented, lambda: self._ask_session(presented))

    def forget(self, tenant_id: TenantId = NO_TENANT) -> None:
        """Looks at the entries of the tenant, or at the logins, anew."""
        self._verdicts.drop(lambda verdict: verdict is not None and verdict.tenant_id == tenant_id)

    async def _ask_session(self, presented: Presented) -> Verdict | None:
        assert presented.user_id is not None, "a login is a person's"
        found = await self._live_session(presented.user_id, presented.token_hash, presented.known_id)
        return None if found is None else found.verdict()

    async def _ask_entry(self, presented: Presented) -> Verdict | None:
        found = await self._entry(presented)
        if found is None or not found.is_live(self._clock.now()):
            return None
        # Who lost the power, or logged out, is in no tenant any more.
        if await self._live_session(found.user_id, None, found.session_id) is None:
            return None
        return found.verdict()

    async def _entry(self, presented: Presented) -> PlatformEntry | None:
        tenant_id, known_id = presented.tenant_id, presented.known_id
        assert tenant_id is not None, "an entry is into a tenant"
        async with reading(self._database, Scope(tenant_id=tenant_id)) as session:
            if not await tenants.is_active(session, tenant_id):
                return None
            entry_id = None if known_id is None else EntryId(known_id)
            return await platform.entry(session, tenant_id, token_hash=presented.token_hash, entry_id=entry_id)

    async def _live_session(
        self, user_id: UserId, token_hash: bytes | None, session_id: UUID | None
    ) -> PlatformSession | None:
        async with reading(self._database, Scope(user_id=user_id, platform_user_id=user_id)) as session:
            return await platform.live_session(
                session, user_id, token_hash=token_hash, session_id=session_id, now=self._clock.now()
            )
