"""What may be done: roles, scopes, and the principal who holds them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from app.core.ids import AccountId, ApiKeyId, EntryId, SessionId, TenantId, UserId
from app.identity.errors import MissingScopeError, NotPlatformError, WholeTenantError


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


TENANT_WIDE_SCOPES: Final = frozenset(
    {Scope.VIEW_AUDIT, Scope.MANAGE_WEBHOOKS, Scope.MANAGE_MEMBERS, Scope.ADMIN_TENANT}
)
"""What reaches over all accounts of a tenant: nobody has it who is restricted to some of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountGrants:
    """The broker accounts that somebody is restricted to: those that may be seen, and of them those to trade on."""

    view: frozenset[AccountId]
    trade: frozenset[AccountId]

    @classmethod
    def of(cls, grants: Mapping[AccountId, bool]) -> "AccountGrants":
        """The grants by account, True to trade on it too."""
        return cls(view=frozenset(grants), trade=frozenset(one for one, may_trade in grants.items() if may_trade))

    def within(self, other: "AccountGrants | None") -> "AccountGrants":
        """What both allow; the other is None where it allows everything."""
        if other is None:
            return self
        return AccountGrants(view=self.view & other.view, trade=self.trade & other.trade)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Where a request comes from, as the border saw it. ip_address is "" where there is none (a process of ours)."""

    ip_address: str = ""
    request_id: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who acts, in which tenant, with which scopes, from where.

    Exactly one of session_id (a person signed in, then user_id too), api_key_id, platform_session_id (an administrator
    of the platform, in no tenant) and entry_id (one who entered the tenant) is set; none for a process of the house.
    actor names the principal in events and audit: "user:<uuid>", "key:<uuid>", "platform:<uuid>" or "system:<name>".
    accounts are the broker accounts that it is restricted to, None for all.
    """

    tenant_id: TenantId
    user_id: UserId | None = None
    api_key_id: ApiKeyId | None = None
    session_id: SessionId | None = None
    entry_id: EntryId | None = None
    platform_session_id: UUID | None = None
    scopes: frozenset[Scope]
    accounts: AccountGrants | None = None
    actor: str
    ip_address: str = ""
    request_id: str = ""
    user_agent: str = ""
    must_enrol: bool = False
    """The tenant demands a second factor that the person does not have: no scope holds until there is one."""
    requests_per_minute: int | None = None
    """The quota of the API key."""

    @property
    def viewable(self) -> frozenset[AccountId] | None:
        """The accounts whose rows it may see; None for all of the tenant."""
        return None if self.accounts is None else self.accounts.view

    @property
    def tradable(self) -> frozenset[AccountId] | None:
        """The accounts that its acts may touch; None for all of the tenant."""
        return None if self.accounts is None else self.accounts.trade

    def may_trade(self, account_id: AccountId) -> bool:
        """True when its acts may touch the account."""
        return self.accounts is None or account_id in self.accounts.trade

    def within(self, account_ids: Sequence[AccountId] | None) -> tuple[AccountId, ...] | None:
        """Those of the accounts that it may see; None, where all were asked for and it may see all of the tenant."""
        if self.accounts is None:
            return None if account_ids is None else tuple(account_ids)
        asked = sorted(self.accounts.view) if account_ids is None else account_ids
        return tuple(one for one in asked if one in self.accounts.view)

    def require_platform(self) -> None:
        """Raises NotPlatformError (FORBIDDEN) for anybody but an administrator of the platform."""
        if self.platform_session_id is None:
            raise NotPlatformError

    def require_whole_tenant(self) -> None:
        """Raises WholeTenantError (FORBIDDEN) when the principal is restricted to some accounts."""
        if self.accounts is not None:
            raise WholeTenantError

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
class Verdict:
    """A credential that holds as of a moment ago: whom it stands for, and until when and from where it may be used."""

    tenant_id: TenantId
    user_id: UserId | None
    api_key_id: ApiKeyId | None
    session_id: SessionId | None
    entry_id: EntryId | None = None
    platform_session_id: UUID | None = None
    scopes: frozenset[Scope]
    accounts: AccountGrants | None = None
    ends_at: datetime | None
    ip_allowlist: tuple[str, ...] = ()
    has_second_factor: bool = False
    must_enrol: bool = False
    requests_per_minute: int | None = None

    def principal(self, client: Client) -> Principal:
        """The principal of a request from the client."""
        actor = f"key:{self.api_key_id}" if self.api_key_id else f"user:{self.user_id}"
        if self.entry_id is not None or self.platform_session_id is not None:
            actor = f"platform:{self.user_id}"
        return Principal(
            tenant_id=self.tenant_id,
            # Who entered is no member of the tenant, and has nothing of its own there.
            user_id=None if self.entry_id is not None else self.user_id,
            api_key_id=self.api_key_id,
            session_id=self.session_id,
            entry_id=self.entry_id,
            platform_session_id=self.platform_session_id,
            scopes=frozenset() if self.must_enrol else self.scopes,
            accounts=self.accounts,
            actor=actor,
            ip_address=client.ip_address,
            request_id=client.request_id,
            user_agent=client.user_agent,
            must_enrol=self.must_enrol,
            requests_per_minute=self.requests_per_minute,
        )
