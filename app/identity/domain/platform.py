"""Administrators of the platform: apart from every tenant, in one only by an entry that it sees."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.core.errors import InputError
from app.core.ids import EntryId, TenantId, UserId
from app.identity.domain.access import Client, Principal, Scope, Verdict
from app.identity.domain.credentials import owner_in_token, token_text
from app.identity.domain.people import written_name

PLATFORM_SESSION_LIFE: Final = timedelta(hours=1)
ENTRY_MINUTES_MAX: Final = 240
REASON_LENGTH_MIN: Final = 10
REASON_LENGTH_MAX: Final = 500
NO_TENANT: Final = TenantId(UUID(int=0))
"""Where an administrator of the platform is by the login alone: no tenant has this id, so nothing is seen there."""
ENTRY_SCOPES: Final = frozenset(Scope) - {
    Scope.PLACE_ORDERS,
    Scope.MODIFY_ORDERS,
    Scope.APPROVE_ORDERS,
    Scope.MANAGE_STRATEGIES,
    Scope.RUN_STRATEGIES,
}
"""What an entry may have at most: who runs the platform does not trade for a tenant."""
_SESSION = "omp"
_ENTRY = "ome"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformAdministrator:
    """A person who runs the platform."""

    user_id: UserId
    email: str
    is_active: bool
    granted_at: datetime
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformSession:
    """A login of an administrator of the platform. It is not renewed."""

    user_id: UserId
    id: UUID
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    def is_live(self, now: datetime) -> bool:
        """True when it is neither revoked nor past its end."""
        return self.revoked_at is None and now < self.expires_at

    def verdict(self) -> Verdict:
        """What the session stands for: the person, with no scope in any tenant."""
        return Verdict(
            tenant_id=NO_TENANT,
            user_id=self.user_id,
            api_key_id=None,
            session_id=None,
            platform_session_id=self.id,
            scopes=frozenset(),
            ends_at=self.expires_at,
        )

    def principal(self, client: Client) -> Principal:
        """The administrator acting from the client."""
        return self.verdict().principal(client)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformEntry:
    """A presence in a tenant: for a while, with the scopes that were asked for, for a reason that the tenant reads."""

    tenant_id: TenantId
    id: EntryId
    user_id: UserId
    session_id: UUID
    administrator: str
    reason: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None

    def is_live(self, now: datetime) -> bool:
        """True when it was neither left nor is past its end."""
        return self.ended_at is None and now < self.expires_at

    def verdict(self) -> Verdict:
        """What the entry stands for."""
        return Verdict(
            tenant_id=self.tenant_id,
            user_id=self.user_id,
            api_key_id=None,
            session_id=None,
            entry_id=self.id,
            scopes=self.scopes,
            ends_at=self.expires_at,
        )

    def as_facts(self) -> dict[str, Any]:
        """What the audit log of the tenant keeps of it."""
        return {
            "administrator": self.administrator,
            "reason": self.reason,
            "scopes": sorted(scope.value for scope in self.scopes),
            "expires_at": self.expires_at.isoformat(),
        }


def session_text(user_id: UserId, secret: bytes) -> str:
    """The token of a login as its holder keeps it: `omp_<person>_<secret>`."""
    return token_text(_SESSION, user_id, secret)


def entry_text(tenant_id: TenantId, secret: bytes) -> str:
    """The token of an entry as its holder keeps it: `ome_<tenant>_<secret>`."""
    return token_text(_ENTRY, tenant_id, secret)


def parse_session(text: str) -> tuple[UserId, bytes] | None:
    """The person of a token and the hash of its secret, or None when the text has not its form."""
    found = owner_in_token(_SESSION, text)
    return None if found is None else (UserId(found[0]), found[1])


def parse_entry(text: str) -> tuple[TenantId, bytes] | None:
    """The tenant of a token and the hash of its secret, or None when the text has not its form."""
    found = owner_in_token(_ENTRY, text)
    return None if found is None else (TenantId(found[0]), found[1])


def written_reason(text: str) -> str:
    """Why somebody acts on a tenant, as it reads it. Raises InputError for too few words."""
    reason = written_name(text, path=["reason"], length_max=REASON_LENGTH_MAX)
    if len(reason) < REASON_LENGTH_MIN:
        raise InputError(f"Say why, in {REASON_LENGTH_MIN} characters at least.", path=["reason"])
    return reason


def entry_scopes(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """The scopes of an entry. Raises InputError for none, and for those that no entry has."""
    chosen = frozenset(scopes)
    beyond = sorted(scope.value for scope in chosen - ENTRY_SCOPES)
    if not chosen or beyond:
        message = f"No entry has {', '.join(beyond)}." if beyond else "An entry needs at least one scope."
        raise InputError(message, path=["scopes"])
    return chosen


def entry_life(minutes: int) -> timedelta:
    """How long an entry lasts. Raises InputError."""
    if not 1 <= minutes <= ENTRY_MINUTES_MAX:
        raise InputError(f"This lies between 1 and {ENTRY_MINUTES_MAX}.", path=["minutes"])
    return timedelta(minutes=minutes)
