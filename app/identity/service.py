"""Identity's acts within a transaction: enrolling people, opening and rotating sessions, making and ending keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Final

from app.core.clock import Clock
from app.core.errors import InputError, NotFoundError
from app.core.ids import AccountId, ApiKeyId, Ids, MembershipId, SessionId, TenantId, UserId
from app.identity import members_repository, repository
from app.identity.domain import (
    ACCESS_TOKEN_LIFE,
    API_KEYS_MAX,
    OVERLAP_MAX,
    REFRESH_TOKEN_LIFE,
    SESSION_LIFE,
    TENANT_WIDE_SCOPES,
    ApiKey,
    Client,
    IssuedApiKey,
    Membership,
    NewApiKey,
    PresentedApiKey,
    PresentedRefreshToken,
    Principal,
    Role,
    Scope,
    Session,
    TokenPair,
    User,
    Verdict,
    api_key_text,
    base32,
    digest,
    granted_key,
    refresh_token_text,
    visible_text,
)
from app.identity.errors import ApiKeyInactiveError, ApiKeyLimitError, NotASessionError, ScopeBeyondOwnError
from app.identity.repository import AnySession
from app.infra.db import WriteSession
from app.infra.tokens import AccessClaims, AccessTokens, new_secret
from app.tenants import service as tenants
from app.tenants.settings import TenantSettings

PREFIX_LENGTH: Final = 10
# Longer than a reload takes, and too short to find and try a stolen cookie in.
LOST_ANSWER: Final = timedelta(seconds=10)
LISTED_MAX: Final = 500
SEEN_EVERY: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """A refresh token was exchanged for a new pair."""

    session: Session
    tokens: TokenPair


@dataclass(frozen=True, slots=True, kw_only=True)
class Reused:
    """A refresh token came a second time: its session is revoked."""

    session: Session


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityService:
    """Identity's acts. Each takes a session whose scope is the tenant's; none commits."""

    tokens: AccessTokens
    clock: Clock
    ids: Ids

    async def enroll(
        self, session: WriteSession, tenant_id: TenantId, user: User, password_hash: str, role: Role
    ) -> Membership:
        """A new person as a member of the tenant. Raises EmailTakenError."""
        await repository.add_user(session, user, password_hash)
        membership = Membership(
            tenant_id=tenant_id,
            id=MembershipId(self.ids.new()),
            user_id=user.id,
            role=role,
            is_active=True,
            created_at=user.created_at,
        )
        await repository.add_membership(session, membership)
        return membership

    async def add_person(self, session: WriteSession, user: User, password_hash: str) -> None:
        """A new person, of no tenant yet; the scope is the person. Raises EmailTakenError."""
        await repository.add_user(session, user, password_hash)

    async def open_session(
        self, session: WriteSession, tenant_id: TenantId, user_id: UserId, client: Client, proof: str = "PASSWORD"
    ) -> tuple[Session, TokenPair]:
        """A new session of the member with its first pair of tokens; proof is what the person proved last."""
        now = self.clock.now()
        settings = TenantSettings.of((await tenants.tenant(session, tenant_id)).settings)
        opened = Session(
            tenant_id=tenant_id,
            id=SessionId(self.ids.new()),
            user_id=user_id,
            ip_address=client.ip_address,
            user_agent=visible_text(client.user_agent),
            created_at=now,
            last_seen_at=now,
            expires_at=now + min(SESSION_LIFE, settings.session_life),
            revoked_at=None,
        )
        await repository.add_session(session, opened, proof)
        return opened, await self._issue(session, opened, now)

    async def rotate_refresh_token(
        self, session: WriteSession, presented: PresentedRefreshToken, *, is_page: bool
    ) -> Rotated | Reused | None:
        """The next pair for a refresh token that holds; None for one that does not.

        A token that was used before revokes its session, and with it every token of the family: the caller commits
        that before it refuses. Real world: a stolen token is used by the thief and by its owner, in either order.

        A page whose reload cut the answer off has the spent token in its cookie still: for LOST_ANSWER it gets another
        pair, unless the one that was sent has been used. That one is spent then, so that the family stays one chain.
        """
        now = self.clock.now()
        tenant_id, token_hash = presented.tenant_id, presented.token_hash
        known = await repository.refresh_token_by_hash(session, tenant_id, token_hash)
        if known is None:
            return None
        family = await repository.session_for_update(session, tenant_id, known.session_id)
        token = await repository.refresh_token_by_hash(session, tenant_id, token_hash)
        if family is None or token is None or not family.is_live(now):
            return None
        if token.used_at is not None and not (
            is_page
            and now < token.used_at + LOST_ANSWER
            and not await repository.is_successor_used(session, tenant_id, token, token_hash)
        ):
            await repository.revoke_session(session, tenant_id, family.id, at=now, reason="refresh token reused")
            return Reused(session=family)
        if token.expires_at <= now or not await self._scopes(session, tenant_id, family.user_id):
            return None
        if token.used_at is None:
            await repository.use_refresh_token(session, tenant_id, token_hash, at=now)
        else:
            await repository.supersede_refresh_tokens(session, tenant_id, family.id, at=now)
        await repository.touch_session(session, tenant_id, family.id, now)
        return Rotated(session=family, tokens=await self._issue(session, family, now))

    async def close_session(self, session: WriteSession, principal: Principal) -> SessionId:
        """Ends the principal's own session. Raises NotASessionError for an API key."""
        if principal.session_id is None:
            raise NotASessionError("An API key has no session to end; revoke the key instead.")
        await repository.revoke_session(
            session, principal.tenant_id, principal.session_id, at=self.clock.now(), reason="logged out"
        )
        return principal.session_id

    async def create_api_key(self, session: WriteSession, principal: Principal, asked: NewApiKey) -> IssuedApiKey:
        """A new key that the principal answers for.

        Raises NotASessionError (an API key makes no keys), ScopeBeyondOwnError, ApiKeyLimitError.
        """
        if principal.user_id is None:
            raise NotASessionError("An API key does not make keys; sign in for that.")
        _check_within(asked.scopes, principal)
        now = self.clock.now()
        live = await repository.count_live_api_keys(session, principal.tenant_id, principal.user_id, now=now)
        if live >= API_KEYS_MAX:
            raise ApiKeyLimitError(API_KEYS_MAX)
        return await self._make_key(session, principal.tenant_id, principal.user_id, asked, now)

    async def rotate_api_key(
        self, session: WriteSession, principal: Principal, api_key_id: ApiKeyId, overlap: timedelta
    ) -> tuple[ApiKey, IssuedApiKey]:
        """The old key, which ends after the overlap, and a new one like it. An API key may rotate itself alone.

        Raises NotFoundError, InputError, ApiKeyInactiveError, ScopeBeyondOwnError.
        """
        if not timedelta(0) <= overlap <= OVERLAP_MAX:
            raise InputError(f"This lies between 0 and {int(OVERLAP_MAX.total_seconds())}.", path=["overlapSeconds"])
        old = await repository.api_key_for_update(session, principal.tenant_id, api_key_id)
        if old is None or not _may_rotate(principal, old):
            raise NotFoundError("There is no such API key.", path=["apiKeyId"])
        now = self.clock.now()
        if not old.is_live(now):
            raise ApiKeyInactiveError
        _check_within(old.scopes, principal)
        live = await repository.count_live_api_keys(session, old.tenant_id, old.user_id, now=now)
        # The one that is rotated makes room; a key that is rotated again and again during its overlap does not.
        if live > API_KEYS_MAX:
            raise ApiKeyLimitError(API_KEYS_MAX)
        ends_at = now + overlap if old.expires_at is None else min(now + overlap, old.expires_at)
        await repository.set_api_key_end(
            session,
            principal.tenant_id,
            old.id,
            expires_at=ends_at,
            revoked_at=None if overlap else now,
        )
        asked = NewApiKey(
            name=old.name,
            scopes=old.scopes,
            ip_allowlist=old.ip_allowlist,
            requests_per_minute=old.requests_per_minute,
            # The successor lives as long as its predecessor was meant to.
            expires_at=None if old.expires_at is None else now + (old.expires_at - old.created_at),
            accounts=await self._accounts_of_key(session, old),
        )
        return old, await self._make_key(session, principal.tenant_id, old.user_id, asked, now)

    async def revoke_api_key(
        self, session: WriteSession, principal: Principal, api_key_id: ApiKeyId
    ) -> tuple[ApiKey, bool]:
        """The key, revoked, and whether this call did it: to revoke twice is no error.

        Raises NotFoundError for a key that the principal may not manage, as for an unknown one.
        """
        key = await repository.api_key_for_update(session, principal.tenant_id, api_key_id)
        if key is None or not _may_revoke(principal, key):
            raise NotFoundError("There is no such API key.", path=["apiKeyId"])
        if key.revoked_at is not None:
            return key, False
        await repository.set_api_key_end(
            session, principal.tenant_id, key.id, expires_at=key.expires_at, revoked_at=self.clock.now()
        )
        revoked = await repository.api_key_for_update(session, principal.tenant_id, api_key_id)
        assert revoked is not None, "the row is locked by this transaction"
        return revoked, True

    async def api_keys(self, session: AnySession, principal: Principal) -> list[ApiKey]:
        """The keys that the principal may see, newest first: all with ADMIN_TENANT, else those it answers for."""
        if principal.has(Scope.ADMIN_TENANT):
            return await repository.api_keys(session, principal.tenant_id, of_user=None, limit=LISTED_MAX)
        if principal.user_id is not None:
            return await repository.api_keys(session, principal.tenant_id, of_user=principal.user_id, limit=LISTED_MAX)
        if principal.api_key_id is None:
            return []
        own = await repository.api_key_by_id(session, principal.tenant_id, principal.api_key_id)
        return [] if own is None else [own]

    async def api_key(self, session: AnySession, tenant_id: TenantId, api_key_id: ApiKeyId) -> ApiKey | None:
        """The key, or None."""
        return await repository.api_key_by_id(session, tenant_id, api_key_id)

    async def sessions(self, session: AnySession, principal: Principal) -> list[Session]:
        """The person's own live sessions in the tenant, newest first; none for an API key."""
        if principal.user_id is None:
            return []
        return await repository.live_sessions_of_user(
            session, principal.tenant_id, principal.user_id, now=self.clock.now(), limit=LISTED_MAX
        )

    async def session_verdict(
        self, session: AnySession, tenant_id: TenantId, session_id: SessionId
    ) -> tuple[Verdict, Session] | None:
        """What the session stands for now, or None when it does not hold."""
        found = await repository.session_by_id(session, tenant_id, session_id)
        if found is None or not found.is_live(self.clock.now()):
            return None
        standing = await repository.standing(session, tenant_id, found.user_id)
        if standing is None or not standing.scopes:
            return None
        verdict = Verdict(
            tenant_id=tenant_id,
            user_id=found.user_id,
            api_key_id=None,
            session_id=found.id,
            scopes=standing.scopes,
            accounts=standing.accounts,
            ends_at=found.expires_at,
            has_second_factor=standing.has_second_factor,
        )
        return verdict, found

    async def api_key_verdict(self, session: AnySession, presented: PresentedApiKey) -> tuple[Verdict, ApiKey] | None:
        """What the presented key stands for now, or None when it does not hold."""
        found = await repository.api_key_by_prefix(session, presented.tenant_id, presented.prefix)
        if found is None or not compare_digest(found[1], presented.secret_hash):
            return None
        return await self._key_verdict(session, found[0])

    async def api_key_verdict_by_id(
        self, session: AnySession, tenant_id: TenantId, api_key_id: ApiKeyId
    ) -> tuple[Verdict, ApiKey] | None:
        """What a key that was verified before stands for now, or None when it does not hold any more."""
        found = await repository.api_key_by_id(session, tenant_id, api_key_id)
        return None if found is None else await self._key_verdict(session, found)

    async def note_session(self, session: WriteSession, seen: Session) -> None:
        """Notes that the session was seen now."""
        await repository.touch_session(session, seen.tenant_id, seen.id, self.clock.now())

    async def note_api_key(self, session: WriteSession, key: ApiKey) -> None:
        """Notes that the key was used now."""
        await repository.touch_api_key(session, key.tenant_id, key.id, self.clock.now())

    async def credentials(self, session: AnySession, email: str) -> tuple[User, str] | None:
        """The person of the address with the hash of the password, or None; the scope is the address."""
        return await repository.user_by_email(session, email)

    async def password_hash(self, session: AnySession, user_id: UserId) -> str | None:
        """The hash of the person's password, or None; the scope is the person."""
        return await repository.password_hash(session, user_id)

    async def rehash(self, session: WriteSession, user_id: UserId, old_hash: str, new_hash: str) -> None:
        """Stores the same password under today's costs; the scope is the person."""
        await repository.replace_password_hash(session, user_id, old_hash, new_hash)

    async def memberships(self, session: AnySession, user_id: UserId) -> list[Membership]:
        """The person's memberships, oldest first; the scope is the person."""
        return await repository.memberships_of_user(session, user_id)

    async def membership_scopes(self, session: AnySession, tenant_id: TenantId, user_id: UserId) -> frozenset[Scope]:
        """What the person may in the tenant now; nothing without an active membership."""
        return await self._scopes(session, tenant_id, user_id)

    async def user(self, session: AnySession, user_id: UserId) -> User:
        """The person. Raises NotFoundError."""
        people = await repository.users_by_ids(session, [user_id])
        if user_id not in people:
            raise NotFoundError("There is no such person.")
        return people[user_id]

    async def _key_verdict(self, session: AnySession, key: ApiKey) -> tuple[Verdict, ApiKey] | None:
        if not key.is_live(self.clock.now()):
            return None
        standing = await repository.standing(session, key.tenant_id, key.user_id)
        if standing is None:
            return None
        scopes, accounts = key.scopes & standing.scopes, standing.accounts
        if key.is_restricted:
            scopes -= TENANT_WIDE_SCOPES
            accounts = (await repository.accounts_of_api_key(session, key.tenant_id, key.id)).within(accounts)
        if not scopes:
            return None
        verdict = Verdict(
            tenant_id=key.tenant_id,
            user_id=None,
            api_key_id=key.id,
            session_id=None,
            scopes=scopes,
            accounts=accounts,
            ends_at=key.expires_at,
            ip_allowlist=key.ip_allowlist,
            requests_per_minute=key.requests_per_minute,
        )
        return verdict, key

    async def _accounts_of_key(self, session: AnySession, key: ApiKey) -> Mapping[AccountId, bool] | None:
        if not key.is_restricted:
            return None
        return (await members_repository.api_key_accounts(session, key.tenant_id, [key.id])).get(key.id, {})

    async def _scopes(self, session: AnySession, tenant_id: TenantId, user_id: UserId) -> frozenset[Scope]:
        standing = await repository.standing(session, tenant_id, user_id)
        return frozenset() if standing is None else standing.scopes

    async def _issue(self, session: WriteSession, family: Session, now: datetime) -> TokenPair:
        text = refresh_token_text(family.tenant_id, new_secret())
        expires_at = min(now + ACCESS_TOKEN_LIFE, family.expires_at)
        await repository.add_refresh_token(
            session,
            family.tenant_id,
            family.id,
            digest(text.rpartition("_")[2]),
            token_id=self.ids.new(),
            created_at=now,
            expires_at=min(now + REFRESH_TOKEN_LIFE, family.expires_at),
        )
        claims = AccessClaims(
            tenant_id=family.tenant_id,
            user_id=family.user_id,
            session_id=family.id,
            issued_at=now,
            expires_at=expires_at,
        )
        return TokenPair(access_token=self.tokens.issue(claims), refresh_token=text, expires_at=expires_at)

    async def _make_key(
        self, session: WriteSession, tenant_id: TenantId, user_id: UserId, asked: NewApiKey, now: datetime
    ) -> IssuedApiKey:
        secret = new_secret()
        key = granted_key(
            asked,
            tenant_id=tenant_id,
            api_key_id=ApiKeyId(self.ids.new()),
            user_id=user_id,
            prefix=base32(new_secret())[:PREFIX_LENGTH],
            now=now,
        )
        await repository.add_api_key(session, key, digest(base32(secret)))
        if asked.accounts is not None:
            await members_repository.set_api_key_accounts(session, tenant_id, key.id, asked.accounts)
        return IssuedApiKey(api_key=key, text=api_key_text(tenant_id, key.prefix, secret))


def _check_within(scopes: frozenset[Scope], principal: Principal) -> None:
    beyond = sorted(scope.value for scope in scopes - principal.scopes)
    if beyond:
        raise ScopeBeyondOwnError(beyond)


def _may_rotate(principal: Principal, key: ApiKey) -> bool:
    if principal.api_key_id is not None:
        return principal.api_key_id == key.id
    # A key acts for its maker, and whoever rotates it holds it: an administrator ends the keys of others, no more.
    return principal.user_id == key.user_id


def _may_revoke(principal: Principal, key: ApiKey) -> bool:
    return (
        principal.api_key_id == key.id
        or (principal.user_id is not None and principal.user_id == key.user_id)
        or principal.has(Scope.ADMIN_TENANT)
    )
