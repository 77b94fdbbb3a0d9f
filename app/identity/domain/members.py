"""Who may make whom what in a tenant: roles as they are given, grants of accounts, and the rules of both."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from app.core.errors import InputError
from app.core.ids import AccountId, InvitationId, RoleId, TenantId, UserId
from app.identity.domain.access import ROLE_SCOPES, Principal, Role, Scope
from app.identity.domain.credentials import owner_in_token, token_text
from app.identity.domain.people import CustomRole, Membership, written_name
from app.identity.errors import (
    LastAdministratorError,
    MemberBeyondOwnError,
    NotASessionError,
    OwnMembershipError,
    RoleBeyondOwnError,
)

CUSTOM_ROLES_MAX: Final = 100
ROLE_NAME_LENGTH_MAX: Final = 60
GRANTS_MAX: Final = 500
INVITATION_LIFE: Final = timedelta(days=7)
INVITATIONS_OPEN_MAX: Final = 1_000
SENDS_MAX: Final = 10
RESEND_AFTER: Final = timedelta(minutes=1)
WRONG_PASSWORDS_MAX: Final = 5
_INVITATION = "omi"

Grants = Mapping[AccountId, bool]
"""The broker accounts that somebody is restricted to, True to trade on one too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenRole:
    """A role as it is given: one of the house's, or one of the tenant's own, and then role is VIEWER."""

    role: Role
    custom: CustomRole | None = None

    @property
    def scopes(self) -> frozenset[Scope]:
        """What it allows."""
        return ROLE_SCOPES[self.role] if self.custom is None else self.custom.scopes

    @property
    def name(self) -> str:
        """What people call it."""
        return self.role.value if self.custom is None else self.custom.name

    @classmethod
    def of(cls, membership: Membership) -> "GivenRole":
        """The role that a member has."""
        return cls(role=membership.role, custom=membership.custom_role)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberChange:
    """What becomes of a member; None leaves it as it is. accounts: UNRESTRICTED lifts the restriction."""

    role: GivenRole | None = None
    is_active: bool | None = None
    accounts: "Grants | Unrestricted | None" = None


class Unrestricted:
    """All accounts of the tenant, those that come later too."""


UNRESTRICTED: Final = Unrestricted()


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A place in the tenant for whoever reads the mail and proves it by its token."""

    tenant_id: TenantId
    id: InvitationId
    email: str
    role: GivenRole
    accounts: Grants | None
    invited_by: str
    times_sent: int
    wrong_passwords: int
    created_at: datetime
    sent_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    revoked_at: datetime | None

    def is_open(self, now: datetime) -> bool:
        """True while it can be accepted."""
        return self.accepted_at is None and self.revoked_at is None and now < self.expires_at

    def as_facts(self) -> dict[str, Any]:
        """What the audit log keeps of it."""
        return {
            "email": self.email,
            "role": self.role.name,
            "accounts": facts_of_grants(self.accounts),
            "expires_at": self.expires_at.isoformat(),
        }


def facts_of_grants(accounts: Grants | None) -> dict[str, str] | None:
    """Grants as the audit log keeps them; None where there is no restriction."""
    if accounts is None:
        return None
    return {str(one): "TRADE" if may_trade else "VIEW" for one, may_trade in sorted(accounts.items())}


def invitation_text(tenant_id: TenantId, secret: bytes) -> str:
    """The whole token as the mail tells it: `omi_<tenant>_<secret>`."""
    return token_text(_INVITATION, tenant_id, secret)


def parse_invitation(text: str) -> tuple[TenantId, bytes] | None:
    """The tenant of a token and the hash of its secret, or None when the text has not its form."""
    found = owner_in_token(_INVITATION, text)
    return None if found is None else (TenantId(found[0]), found[1])


def check_person(principal: Principal) -> None:
    """A key makes no keys, and no members. Raises NotASessionError."""
    if principal.api_key_id is not None:
        raise NotASessionError("An API key does not manage people; sign in for that.")


def check_may_give(principal: Principal, role: GivenRole, *path: str) -> None:
    """Nobody makes another more than they are. Raises RoleBeyondOwnError with the path."""
    beyond = role.scopes - principal.scopes
    if beyond:
        raise RoleBeyondOwnError(sorted(scope.value for scope in beyond), *path)


def check_may_change(principal: Principal, membership: Membership) -> None:
    """Raises OwnMembershipError for one's own, MemberBeyondOwnError for who may more."""
    if principal.user_id == membership.user_id:
        raise OwnMembershipError
    if membership.role_scopes - principal.scopes:
        raise MemberBeyondOwnError


def checked_grants(role: GivenRole, accounts: Grants | None, *path: str) -> Grants | None:
    """The grants, when they can be given with the role. Raises InputError with the path."""
    if accounts is None:
        return None
    if role.custom is None and role.role is Role.ADMIN:
        raise InputError("An administrator is not restricted to accounts.", path=path)
    if len(accounts) > GRANTS_MAX:
        raise InputError(f"At most {GRANTS_MAX} accounts.", path=path)
    return MappingProxyType(dict(accounts))


def is_administrator(membership: Membership) -> bool:
    """True for who keeps the tenant from being left to nobody."""
    return membership.is_active and membership.custom_role is None and membership.role is Role.ADMIN


def check_administrator_stays(before: Membership, after: Membership | None, others: Collection[UserId]) -> None:
    """Raises LastAdministratorError when the change leaves the tenant without an administrator.

    others are the active administrators beside the member.
    """
    if is_administrator(before) and (after is None or not is_administrator(after)) and not others:
        raise LastAdministratorError


def role_name(text: str, taken: Iterable[str]) -> str:
    """The name of a role as it is stored. Raises InputError for one that another role has, in whatever case."""
    name = re.sub(r"\s+", " ", written_name(text, path=["name"], length_max=ROLE_NAME_LENGTH_MAX))
    if name.casefold() in {other.casefold() for other in (*Role, *taken)}:
        raise InputError("Another role has this name.", path=["name"])
    return name


def role_scopes(principal: Principal, scopes: Iterable[Scope]) -> frozenset[Scope]:
    """The scopes of a role of the tenant's own. Raises InputError for none, RoleBeyondOwnError."""
    chosen = frozenset(scopes)
    if not chosen:
        raise InputError("A role needs at least one scope.", path=["scopes"])
    beyond = chosen - principal.scopes
    if beyond:
        raise RoleBeyondOwnError(sorted(scope.value for scope in beyond), "scopes")
    return chosen


def changed_role(role: CustomRole, *, name: str, scopes: frozenset[Scope], now: datetime) -> CustomRole:
    """The role with another name and other scopes."""
    return CustomRole(id=role.id, name=name, scopes=scopes, created_at=role.created_at, updated_at=now)


def new_role(role_id: RoleId, *, name: str, scopes: frozenset[Scope], now: datetime) -> CustomRole:
    """A role of the tenant's own."""
    return CustomRole(id=role_id, name=name, scopes=scopes, created_at=now, updated_at=now)


def member_facts(membership: Membership, accounts: Grants | None) -> dict[str, Any]:
    """What the audit log keeps of a member."""
    return {
        "user_id": str(membership.user_id),
        "role": GivenRole.of(membership).name,
        "is_active": membership.is_active,
        "accounts": facts_of_grants(accounts),
    }
