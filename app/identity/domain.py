"""Who may do what: roles, scopes, principals, and the rules for addresses, passwords, sessions and keys."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address, ip_network
from types import MappingProxyType
from typing import Any, Final

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
