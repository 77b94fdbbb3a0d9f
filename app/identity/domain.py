"""Who may do what: roles, scopes, principals, and the rules for addresses, passwords, sessions and keys."""

import re
import unicodedata
from base64 import b32decode, b32encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from app.core.errors import InputError
from app.core.ids import ApiKeyId, MembershipId, SessionId, TenantId, UserId
from app.identity.errors import MissingScopeError, WeakPasswordError

ACCESS_TOKEN_LIFE: Final = timedelta(minutes=10)
REFRESH_TOKEN_LIFE: Final = timedelta(days=7)
SESSION_LIFE: Final = timedelta(days=30)

EMAIL_LENGTH_MAX: Final = 254
PASSWORD_LENGTH_MIN: Final = 12
PASSWORD_LENGTH_MAX: Final = 128
PASSWORD_DISTINCT_MIN: Final = 5
NAME_LENGTH_MAX: Final = 100
USER_AGENT_LENGTH_MAX: Final = 500
ALLOWLIST_LENGTH_MAX: Final = 100
REQUESTS_PER_MINUTE_MAX: Final = 1_000_000
OVERLAP_MAX: Final = timedelta(days=7)
API_KEYS_MAX: Final = 100


class Role(StrEnum):
    """What a member is in a tenant. ROLE_SCOPES says what that allows."""

    ADMIN = "ADMIN"
    MANAGER = "MANAGER"
    TRADER = "TRADER"
    COMPLIANCE = "COMPLIANCE"
    VIEWER = "VIEWER"


class Scope(StrEnum):
    """One thing that a credential may allow."""

    VIEW_ORDERS = "VIEW_ORDERS"
    PLACE_ORDERS = "PLACE_ORDERS"
    MODIFY_ORDERS = "MODIFY_ORDERS"
    CANCEL_ORDERS = "CANCEL_ORDERS"
    APPROVE_ORDERS = "APPROVE_ORDERS"
    VIEW_POSITIONS = "VIEW_POSITIONS"
    VIEW_MARKET_DATA = "VIEW_MARKET_DATA"
    MANAGE_RISK = "MANAGE_RISK"
    MANAGE_BROKERS = "MANAGE_BROKERS"
    MANAGE_STRATEGIES = "MANAGE_STRATEGIES"
    RUN_STRATEGIES = "RUN_STRATEGIES"
    MANAGE_WEBHOOKS = "MANAGE_WEBHOOKS"
    VIEW_AUDIT = "VIEW_AUDIT"
    MANAGE_MEMBERS = "MANAGE_MEMBERS"
    ADMIN_TENANT = "ADMIN_TENANT"


_LOOK = frozenset({Scope.VIEW_ORDERS, Scope.VIEW_POSITIONS, Scope.VIEW_MARKET_DATA})
_TRADE = _LOOK | {
    Scope.PLACE_ORDERS,
    Scope.MODIFY_ORDERS,
    Scope.CANCEL_ORDERS,
    Scope.MANAGE_STRATEGIES,
    Scope.RUN_STRATEGIES,
}

ROLE_SCOPES: Final[Mapping[Role, frozenset[Scope]]] = MappingProxyType(
    {
        # Runs the firm's installation: everything, and alone the members and the tenant itself.
        Role.ADMIN: frozenset(Scope),
        # Answers for portfolios: trades, approves, sets limits, connects brokers and webhooks, reads the audit log.
        Role.MANAGER: frozenset(Scope) - {Scope.MANAGE_MEMBERS, Scope.ADMIN_TENANT},
        # Trades by hand and by strategy, within limits that others set.
        Role.TRADER: _TRADE,
        # Watches, approves, pulls orders, sets limits; places none, so that nobody controls their own trading.
        Role.COMPLIANCE: _LOOK | {Scope.CANCEL_ORDERS, Scope.APPROVE_ORDERS, Scope.MANAGE_RISK, Scope.VIEW_AUDIT},
        # Looks on.
        Role.VIEWER: _LOOK,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Where a request comes from, as the border saw it. ip_address is "" where there is none (a process of ours)."""

    ip_address: str = ""
    request_id: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who acts, in which tenant, with which scopes, from where.

    Exactly one of session_id (a person signed in, then user_id too) and api_key_id is set; neither for a process of
    the house. actor names the principal in events and audit: "user:<uuid>", "key:<uuid>" or "system:<name>".
    """

    tenant_id: TenantId
    user_id: UserId | None = None
    api_key_id: ApiKeyId | None = None
    session_id: SessionId | None = None
    scopes: frozenset[Scope]
    actor: str
    ip_address: str = ""
    request_id: str = ""
    user_agent: str = ""

    def has(self, scope: Scope) -> bool:
        """True when the principal holds the scope."""
        return scope in self.scopes

    def require(self, scope: Scope) -> None:
        """Raises MissingScopeError (FORBIDDEN) when the principal lacks the scope."""
        if scope not in self.scopes:
            raise MissingScopeError(scope.value)


def system_principal(tenant_id: TenantId, name: str) -> Principal:
    """A process of the house acting within a tenant, such as "seed" or "connector": every scope, no person."""
    return Principal(tenant_id=tenant_id, scopes=frozenset(Scope), actor=f"system:{name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person."""

    id: UserId
    email: str
    first_name: str
    last_name: str
    phone_number: str | None
    email_verified: bool
    two_factor_enabled: bool
    preferences: Mapping[str, Any]
    is_active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What a person is in a tenant."""

    tenant_id: TenantId
    id: MembershipId
    user_id: UserId
    role: Role
    is_active: bool
    created_at: datetime

    @property
    def scopes(self) -> frozenset[Scope]:
        """What the role allows; nothing when the membership is not active."""
        return ROLE_SCOPES[self.role] if self.is_active else frozenset()


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

    def principal(self, scopes: frozenset[Scope], client: Client) -> Principal:
        """The person of the session acting from the client."""
        return Principal(
            tenant_id=self.tenant_id,
            user_id=self.user_id,
            session_id=self.id,
            scopes=scopes,
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
class Verdict:
    """A credential that holds as of a moment ago: whom it stands for, and until when and from where it may be used."""

    tenant_id: TenantId
    user_id: UserId | None
    api_key_id: ApiKeyId | None
    session_id: SessionId | None
    scopes: frozenset[Scope]
    ends_at: datetime | None
    ip_allowlist: tuple[str, ...] = ()

    def principal(self, client: Client) -> Principal:
        """The principal of a request from the client."""
        actor = f"key:{self.api_key_id}" if self.api_key_id else f"user:{self.user_id}"
        return Principal(
            tenant_id=self.tenant_id,
            user_id=self.user_id,
            api_key_id=self.api_key_id,
            session_id=self.session_id,
            scopes=self.scopes,
            actor=actor,
            ip_address=client.ip_address,
            request_id=client.request_id,
            user_agent=client.user_agent,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey:
    """A key as it is asked for; new_api_key() has checked it."""

    name: str
    scopes: frozenset[Scope]
    ip_allowlist: tuple[str, ...] = ()
    requests_per_minute: int | None = None
    expires_at: datetime | None = None


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


_EMAIL = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])",
    re.ASCII,
)
_EMAIL_LOCAL_LENGTH_MAX = 64
_BASE32 = r"[a-z2-7]"
_API_KEY = re.compile(rf"oms_({_BASE32}{{26}})_({_BASE32}{{10}})_({_BASE32}{{52}})", re.ASCII)
_REFRESH_TOKEN = re.compile(rf"omr_({_BASE32}{{26}})_({_BASE32}{{52}})", re.ASCII)
_UNWRITABLE = frozenset({"Cc", "Cs", "Co", "Cn"})


def normalized_email(text: str) -> str:
    """The address as it is stored and compared: trimmed, lower case, ASCII.

    Raises InputError for what is no address of the form local@domain.tld.
    """
    email = text.strip().lower()
    local = email.partition("@")[0]
    if len(email) > EMAIL_LENGTH_MAX or len(local) > _EMAIL_LOCAL_LENGTH_MAX or _EMAIL.fullmatch(email) is None:
        raise InputError("This is not an e-mail address.", path=["email"])
    return email


def written_name(text: str, *, path: Sequence[str], length_max: int = NAME_LENGTH_MAX) -> str:
    """A name as it is stored: trimmed, composed (NFC), neither empty nor too long, without control characters.

    Raises InputError with the path.
    """
    name = unicodedata.normalize("NFC", text.strip())
    if not name:
        raise InputError("This may not be empty.", path=path)
    if len(name) > length_max:
        raise InputError(f"This may have at most {length_max} characters.", path=path)
    if any(unicodedata.category(character) in _UNWRITABLE for character in name):
        raise InputError("This holds a character that cannot be written.", path=path)
    return name


def visible_text(text: str, length_max: int = USER_AGENT_LENGTH_MAX) -> str:
    """What of a header's value is kept: cut to length, unwritable characters replaced, so that no log line breaks."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in _UNWRITABLE else character
        for character in text[:length_max]
    )


def prepared_password(password: str) -> str | None:
    """The password as it is hashed: compatibility composed (NFKC), as NIST SP 800-63B 5.1.1.2 asks.

    None when it cannot be anyone's: too long or not encodable. It never raises, so that a login answers all alike.
    """
    if len(password) > PASSWORD_LENGTH_MAX:
        return None
    prepared = unicodedata.normalize("NFKC", password)
    try:
        prepared.encode()
    except UnicodeEncodeError:
        return None
    return prepared


def new_password(password: str, *, email: str) -> str:
    """The password to hash for a new account, when it satisfies the policy.

    12 to 128 characters, at least 5 different ones, no plain row such as "abcdefghijkl", without the name in the
    e-mail address. No rules on classes of characters: they make passwords worse (NIST SP 800-63B).

    Raises WeakPasswordError.
    """
    prepared = prepared_password(password)
    if prepared is None or len(prepared) < PASSWORD_LENGTH_MIN:
        raise WeakPasswordError(
            f"A password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters, all of them writable."
        )
    lowered = prepared.lower()
    if len(set(lowered)) < PASSWORD_DISTINCT_MIN:
        raise WeakPasswordError(f"A password has at least {PASSWORD_DISTINCT_MIN} different characters.")
    if {ord(after) - ord(before) for before, after in pairwise(lowered)} in ({1}, {-1}):
        raise WeakPasswordError("A password is not a plain row of characters.")
    local = email.partition("@")[0]
    if len(local) > 3 and local in lowered:
        raise WeakPasswordError("A password does not hold the name in the e-mail address.")
    return prepared


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
