"""Sessions, tokens and API keys: what they are, how long they live, how they are written."""

import re
from base64 import b32decode, b32encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Final
from uuid import UUID

from app.core.errors import InputError
from app.core.ids import AccountId, ApiKeyId, SessionId, TenantId, UserId
from app.identity.domain.access import AccountGrants, Client, Principal, Scope
from app.identity.domain.people import written_name
from app.identity.errors import CredentialRefusedError

ACCESS_TOKEN_LIFE: Final = timedelta(minutes=10)
REFRESH_TOKEN_LIFE: Final = timedelta(days=7)
SESSION_LIFE: Final = timedelta(days=30)
ALLOWLIST_LENGTH_MAX: Final = 100
REQUESTS_PER_MINUTE_MAX: Final = 1_000_000
OVERLAP_MAX: Final = timedelta(days=7)
API_KEYS_MAX: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A login of a member."""

    tenant_id: TenantId
    id: SessionId
    user_id: UserId
    ip_address: str
    user_agent: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    def is_live(self, now: datetime) -> bool:
        """True when it is neither revoked nor past its end."""
        return self.revoked_at is None and now < self.expires_at

    def principal(
        self, scopes: frozenset[Scope], client: Client, *, accounts: AccountGrants | None = None
    ) -> Principal:
        """The person of the session acting from the client."""
        return Principal(
            tenant_id=self.tenant_id,
            user_id=self.user_id,
            session_id=self.id,
            scopes=scopes,
            accounts=accounts,
            actor=f"user:{self.user_id}",
            ip_address=client.ip_address,
            request_id=client.request_id,
            user_agent=client.user_agent,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key for programs. user_id answers for it; its power ends where that member's does."""

    tenant_id: TenantId
    id: ApiKeyId
    user_id: UserId
    name: str
    prefix: str
    scopes: frozenset[Scope]
    ip_allowlist: tuple[str, ...]
    requests_per_minute: int | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    is_restricted: bool = False

    def is_live(self, now: datetime) -> bool:
        """True when it is neither revoked nor past its end."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def as_facts(self) -> dict[str, Any]:
        """What the audit log keeps of it."""
        return {
            "name": self.name,
            "prefix": self.prefix,
            "user_id": str(self.user_id),
            "scopes": sorted(scope.value for scope in self.scopes),
            "is_restricted": self.is_restricted,
            "ip_allowlist": list(self.ip_allowlist),
            "requests_per_minute": self.requests_per_minute,
            "expires_at": None if self.expires_at is None else self.expires_at.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair:
    """What a login answers: an access token with its end, and the refresh token that gets the next pair, once."""

    access_token: str
    refresh_token: str
    expires_at: datetime
    token_type: str = "Bearer"  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedApiKey:
    """A new key with its whole text, which is shown this once."""

    api_key: ApiKey
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey:
    """A key as it is asked for; new_api_key() has checked it. accounts are those that it is restricted to."""

    name: str
    scopes: frozenset[Scope]
    ip_allowlist: tuple[str, ...] = ()
    requests_per_minute: int | None = None
    expires_at: datetime | None = None
    accounts: Mapping[AccountId, bool] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedApiKey:
    """An API key as its holder shows it, taken apart; what it claims is not proven yet."""

    tenant_id: TenantId
    prefix: str
    secret_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedRefreshToken:
    """A refresh token as its holder shows it, taken apart; what it claims is not proven yet."""

    tenant_id: TenantId
    token_hash: bytes


_BASE32 = r"[a-z2-7]"
_API_KEY = re.compile(rf"oms_({_BASE32}{{26}})_({_BASE32}{{10}})_({_BASE32}{{52}})", re.ASCII)
# Source: RFC 6750, section 2.1 (b64token); the scheme's name is case-insensitive (RFC 9110, section 11.1).
_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/=-]+)", re.ASCII)
_TOKEN = re.compile(rf"(om[a-z])_({_BASE32}{{26}})_({_BASE32}{{52}})", re.ASCII)
_REFRESH_TOKEN = re.compile(rf"omr_({_BASE32}{{26}})_({_BASE32}{{52}})", re.ASCII)


def new_api_key(
    *,
    name: str,
    scopes: Iterable[Scope],
    ip_allowlist: Sequence[str] = (),
    requests_per_minute: int | None = None,
    expires_at: datetime | None = None,
    now: datetime,
) -> NewApiKey:
    """A key as asked for, checked.

    Raises InputError with the path of what cannot be taken.
    """
    chosen = frozenset(scopes)
    if not chosen:
        raise InputError("A key needs at least one scope.", path=["scopes"])
    if expires_at is not None and expires_at <= now:
        raise InputError("The end lies in the past.", path=["expiresAt"])
    if requests_per_minute is not None and not 1 <= requests_per_minute <= REQUESTS_PER_MINUTE_MAX:
        raise InputError(f"This lies between 1 and {REQUESTS_PER_MINUTE_MAX}.", path=["requestsPerMinute"])
    if len(ip_allowlist) > ALLOWLIST_LENGTH_MAX:
        raise InputError(f"At most {ALLOWLIST_LENGTH_MAX} networks.", path=["ipAllowlist"])
    return NewApiKey(
        name=written_name(name, path=["name"]),
        scopes=chosen,
        ip_allowlist=tuple(_network(entry, index) for index, entry in enumerate(ip_allowlist)),
        requests_per_minute=requests_per_minute,
        expires_at=expires_at,
    )


def granted_key(
    asked: NewApiKey, *, tenant_id: TenantId, api_key_id: ApiKeyId, user_id: UserId, prefix: str, now: datetime
) -> ApiKey:
    """The key that is made of what was asked for."""
    return ApiKey(
        tenant_id=tenant_id,
        id=api_key_id,
        user_id=user_id,
        name=asked.name,
        prefix=prefix,
        scopes=asked.scopes,
        ip_allowlist=asked.ip_allowlist,
        requests_per_minute=asked.requests_per_minute,
        created_at=now,
        expires_at=asked.expires_at,
        last_used_at=None,
        revoked_at=None,
        is_restricted=asked.accounts is not None,
    )


def is_address_allowed(address: str, allowlist: Sequence[str]) -> bool:
    """True when the list is empty or one of its networks holds the address; an IPv4-mapped address counts as IPv4."""
    if not allowlist:
        return True
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in ip_network(network) for network in allowlist)


def api_key_text(tenant_id: TenantId, prefix: str, secret: bytes) -> str:
    """The whole key as its holder keeps it: `oms_<tenant>_<prefix>_<secret>`, base32 in lower case."""
    return f"oms_{base32(tenant_id.bytes)}_{prefix}_{base32(secret)}"


def refresh_token_text(tenant_id: TenantId, secret: bytes) -> str:
    """The whole refresh token as its holder keeps it: `omr_<tenant>_<secret>`."""
    return f"omr_{base32(tenant_id.bytes)}_{base32(secret)}"


def parse_api_key(text: str) -> PresentedApiKey | None:
    """The parts of a key, or None when the text has not a key's form."""
    match = _API_KEY.fullmatch(text)
    if match is None:
        return None
    tenant_id, prefix, secret = match.groups()
    return PresentedApiKey(tenant_id=_tenant_of(tenant_id), prefix=prefix, secret_hash=digest(secret))


def parse_refresh_token(text: str) -> PresentedRefreshToken | None:
    """The parts of a refresh token, or None when the text has not its form."""
    match = _REFRESH_TOKEN.fullmatch(text)
    if match is None:
        return None
    tenant_id, secret = match.groups()
    return PresentedRefreshToken(tenant_id=_tenant_of(tenant_id), token_hash=digest(secret))


def token_text(kind: str, owner: UUID, secret: bytes) -> str:
    """A token as its holder keeps it: `<kind>_<owner>_<secret>`, the owner a tenant or a person."""
    return f"{kind}_{base32(owner.bytes)}_{base32(secret)}"


def owner_in_token(kind: str, text: str) -> tuple[UUID, bytes] | None:
    """The owner of a token of the kind and the hash of its secret, or None when the text has not its form."""
    match = _TOKEN.fullmatch(text)
    if match is None or match[1] != kind:
        return None
    return UUID(bytes=b32decode(match[2].upper() + "=" * 6)), digest(match[3])


def bearer_of(value: object) -> str | None:
    """The credential in an Authorization header or in connection_init's `authorization`: what follows "Bearer ".

    None when there is no value at all. Raises CredentialRefusedError for any other value, also for another scheme.
    """
    if value is None:
        return None
    match = _BEARER.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise CredentialRefusedError
    return match.group(1)


def base32(raw: bytes) -> str:
    """RFC 4648 base32 in lower case without padding: no character that a shell, a URL or a double click breaks."""
    return b32encode(raw).decode().rstrip("=").lower()


def digest(secret: str) -> bytes:
    """How a secret of 256 random bits is stored: SHA-256. A slow hash adds nothing to that much entropy."""
    return sha256(secret.encode()).digest()


def _tenant_of(encoded: str) -> TenantId:
    return TenantId(UUID(bytes=b32decode(encoded.upper() + "=" * 6)))


def _network(entry: str, index: int) -> str:
    try:
        return str(ip_network(entry.strip()))
    except ValueError as error:
        raise InputError(
            "This is neither an address nor a network such as 192.0.2.0/24.", path=["ipAllowlist", str(index)]
        ) from error
