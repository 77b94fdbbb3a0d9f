"""People and their memberships, and what an address, a name and a password may look like."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from app.core.errors import InputError
from app.core.ids import MembershipId, RoleId, TenantId, UserId
from app.identity.domain.access import ROLE_SCOPES, TENANT_WIDE_SCOPES, Role, Scope
from app.identity.errors import WeakPasswordError

EMAIL_LENGTH_MAX: Final = 254
PASSWORD_LENGTH_MIN: Final = 12
PASSWORD_LENGTH_MAX: Final = 128
PASSWORD_DISTINCT_MIN: Final = 5
NAME_LENGTH_MAX: Final = 100
USER_AGENT_LENGTH_MAX: Final = 500
_EMAIL = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])",
    re.ASCII,
)
_EMAIL_LOCAL_LENGTH_MAX = 64
_UNWRITABLE = frozenset({"Cc", "Cs", "Co", "Cn"})


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
class CustomRole:
    """A named set of scopes of a tenant's own."""

    id: RoleId
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    updated_at: datetime

    def as_facts(self) -> dict[str, Any]:
        """What the audit log keeps of it."""
        return {"name": self.name, "scopes": sorted(scope.value for scope in self.scopes)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What a person is in a tenant. With a custom role, that decides, and role is VIEWER.

    is_restricted: the person sees the broker accounts alone that are granted. A membership that was removed stays, not
    active, for what the person did.
    """

    tenant_id: TenantId
    id: MembershipId
    user_id: UserId
    role: Role
    is_active: bool
    created_at: datetime
    custom_role: CustomRole | None = None
    is_restricted: bool = False
    removed_at: datetime | None = None

    @property
    def role_scopes(self) -> frozenset[Scope]:
        """What the role allows, restricted or not, active or not."""
        return ROLE_SCOPES[self.role] if self.custom_role is None else self.custom_role.scopes

    @property
    def scopes(self) -> frozenset[Scope]:
        """What the person may; nothing when the membership is not active."""
        if not self.is_active:
            return frozenset()
        return self.role_scopes - TENANT_WIDE_SCOPES if self.is_restricted else self.role_scopes


def normalized_email(text: str, *, path: Sequence[str] = ("email",)) -> str:
    """The address as it is stored and compared: trimmed, lower case, ASCII.

    Raises InputError for what is no address of the form local@domain.tld.
    """
    email = text.strip().lower()
    local = email.partition("@")[0]
    # Before it is in lower case: the Kelvin sign would become a k, and another's address of it.
    if (
        not text.isascii()
        or len(email) > EMAIL_LENGTH_MAX
        or len(local) > _EMAIL_LOCAL_LENGTH_MAX
        or _EMAIL.fullmatch(email) is None
    ):
        raise InputError("This is not an e-mail address.", path=path)
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


def new_password(password: str, *, email: str, field: str = "password") -> str:
    """The password to hash for an account, when its form satisfies the policy; how hard it is to guess comes after.

    12 to 128 characters, at least 5 different ones, no plain row such as "abcdefghijkl", without the name in the
    e-mail address. No rules on classes of characters: they make passwords worse (NIST SP 800-63B).

    Raises WeakPasswordError.
    """
    prepared = prepared_password(password)
    if prepared is None or len(prepared) < PASSWORD_LENGTH_MIN:
        raise WeakPasswordError(
            f"A password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters, all of them writable.", field
        )
    lowered = prepared.lower()
    if len(set(lowered)) < PASSWORD_DISTINCT_MIN:
        raise WeakPasswordError(f"A password has at least {PASSWORD_DISTINCT_MIN} different characters.", field)
    if {ord(after) - ord(before) for before, after in pairwise(lowered)} in ({1}, {-1}):
        raise WeakPasswordError("A password is not a plain row of characters.", field)
    local = email.partition("@")[0]
    if len(local) > 3 and local in lowered:
        raise WeakPasswordError("A password does not hold the name in the e-mail address.", field)
    return prepared
