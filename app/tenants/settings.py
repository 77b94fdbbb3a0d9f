"""What a tenant sets for its members: the keys that there are, what each may be, and what holds without it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from app.core.errors import InputError

EMAIL_DOMAINS_MAX: Final = 50
DOMAIN_LENGTH_MAX: Final = 253
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantSettings:
    """The settings of a tenant, the defaults where it has set nothing.

    session_life is how long a login may last at most. Without allowed_email_domains, any address may be invited.
    """

    require_two_factor: bool = False
    session_life: timedelta = timedelta(hours=720)
    allowed_email_domains: frozenset[str] = frozenset()
    password_length_min: int = 12
    risk_four_eyes: str = "auto"

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "TenantSettings":
        """The settings of what is stored; a key of another version of the house is passed over."""
        held = {key: stored[key] for key in SETTINGS if key in stored}
        return cls(
            require_two_factor=held.get("require_two_factor", False),
            session_life=timedelta(hours=held.get("session_hours", 720)),
            allowed_email_domains=frozenset(held.get("allowed_email_domains", ())),
            password_length_min=held.get("password_length_min", 12),
            risk_four_eyes=held.get("risk_four_eyes", "auto"),
        )

    def takes(self, email: str) -> bool:
        """True for an address that may be a member's."""
        return not self.allowed_email_domains or email.rpartition("@")[2] in self.allowed_email_domains


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One key: what it means, what holds without it, and how a value is taken."""

    meaning: str
    default: Any
    taken: Callable[[Any, str], Any]


def changed_settings(stored: Mapping[str, Any], patch: Any) -> dict[str, Any]:
    """The stored settings with the patch laid over them: null takes a key back to its default.

    Raises InputError with the path of a key that there is not, or of a value that cannot be taken.
    """
    if not isinstance(patch, dict):
        raise InputError("Settings are a JSON object.", path=["settings"])
    after = dict(stored)
    for key, value in patch.items():
        if key not in SETTINGS:
            raise InputError(f"There is no such setting; there are {', '.join(SETTINGS)}.", path=["settings", key[:60]])
        if value is None:
            after.pop(key, None)
        else:
            after[key] = SETTINGS[key].taken(value, key)
    return after


def domain_name(text: str, *path: str) -> str:
    """A domain name as it is stored: trimmed, lower case, ASCII. Raises InputError with the path."""
    domain = text.strip().lower()
    if len(domain) > DOMAIN_LENGTH_MAX or _DOMAIN.fullmatch(domain) is None:
        raise InputError("This is not a domain name such as example.com.", path=path)
    return domain


def _flag(value: Any, key: str) -> bool:
    if not isinstance(value, bool):
        raise InputError("This is true or false.", path=["settings", key])
    return value


def _whole(lowest: int, highest: int) -> Callable[[Any, str], int]:
    def taken(value: Any, key: str) -> int:
        # True is an int to Python, and none to people.
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            raise InputError(f"This is a whole number from {lowest} to {highest}.", path=["settings", key])
        return value

    return taken


def _choice(*words: str) -> Callable[[Any, str], str]:
    def taken(value: Any, key: str) -> str:
        if not isinstance(value, str) or value not in words:
            raise InputError(f"This is one of {', '.join(words)}.", path=["settings", key])
        return value

    return taken


def _domains(value: Any, key: str) -> list[str]:
    if not isinstance(value, list) or len(value) > EMAIL_DOMAINS_MAX:
        raise InputError(f"This is a list of at most {EMAIL_DOMAINS_MAX} domains.", path=["settings", key])
    for place, one in enumerate(value):
        if not isinstance(one, str):
            raise InputError("This is not a domain name.", path=["settings", key, str(place)])
    return sorted({domain_name(one, "settings", key, str(place)) for place, one in enumerate(value)})


SETTINGS: Final[Mapping[str, Setting]] = {
    "require_two_factor": Setting(meaning="members need a second factor to do anything", default=False, taken=_flag),
    "session_hours": Setting(
        meaning="how long a login lasts at most, in hours, 1 to 720", default=720, taken=_whole(1, 720)
    ),
    "allowed_email_domains": Setting(
        meaning="only addresses of these domains can be invited and imported; empty for all", default=[], taken=_domains
    ),
    "password_length_min": Setting(
        meaning="how many characters the password of who accepts an invitation has at least, 12 to 64",
        default=12,
        taken=_whole(12, 64),
    ),
    "risk_four_eyes": Setting(
        meaning="whether loosening a risk limit takes a second person: always, never, or auto, where two or more have "
        "the scope MANAGE_RISK over the whole tenant",
        default="auto",
        taken=_choice("auto", "always", "never"),
    ),
}
