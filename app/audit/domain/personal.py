"""What is personal in an entry, and whose it is: it is parted from the rest, so that it can be forgotten alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

PERSONAL: Final = frozenset(
    {
        "display_name",
        "displayName",
        "email",
        "emails",
        "first_name",
        "firstName",
        "full_name",
        "fullName",
        "invited_email",
        "invitedEmail",
        "ip_address",
        "ipAddress",
        "last_name",
        "lastName",
        "mobile",
        "phone",
        "phone_number",
        "phoneNumber",
        "user_agent",
        "userAgent",
    }
)
"""Names of values that tell of a person, at any depth of old and new values. Ids are none: they lead nowhere once what
they stand for is erased."""
PARTED: Final = "[personal]"
"""Stands where a personal value was taken out."""
ERASED: Final = "[erased]"
"""Shown where a personal value was, once its key is destroyed."""
_USER_NAMES: Final = ("user_id", "userId")
_EMAIL_NAMES: Final = ("email", "invited_email", "invitedEmail")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parted:
    """Values without what is personal, and that by its place: names and indexes from the outside in."""

    values: Any
    personal: tuple[tuple[tuple[str | int, ...], Any], ...]


def part(values: Any) -> Parted:
    """The values parted."""
    found: list[tuple[tuple[str | int, ...], Any]] = []
    return Parted(values=_parted(values, (), found), personal=tuple(found))


def put_back(values: Any, personal: Any) -> Any:
    """The values with what is personal at its places again; ERASED there when personal is None."""
    if personal is None:
        return _erased(values)
    for place, value in personal:
        _put(values, place, value)
    return values


def address_subject(actor: str, ip_address: str) -> str:
    """Under whose key the address of an act goes: who acted, or, where that is nobody known, the address itself."""
    return actor if actor.startswith(("user:", "key:")) else f"address:{ip_address}"


def values_subject(
    actor: str,
    resource_type: str,
    resource_id: str | None,
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any] | None,
) -> str:
    """Whom the values of an act tell of: the person that they name or that the resource is, a person who has an address
    alone, else who acted.
    """
    for values in (new, old):
        for name in _USER_NAMES:
            if values is not None and isinstance(values.get(name), str):
                return f"user:{values[name]}"
    if resource_type.lower() == "user" and resource_id is not None:
        return f"user:{resource_id}"
    for values in (new, old):
        for name in _EMAIL_NAMES:
            if values is not None and isinstance(values.get(name), str):
                return email_subject(values[name])
    return actor


def email_subject(email: str) -> str:
    """The subject of a person who is known by an address alone."""
    return f"email:{email.strip().lower()}"


def _parted(value: Any, place: tuple[str | int, ...], found: list[tuple[tuple[str | int, ...], Any]]) -> Any:
    match value:
        case dict():
            kept: dict[str, Any] = {}
            for name, inner in value.items():
                if name in PERSONAL and inner is not None:
                    found.append(((*place, name), inner))
                    kept[name] = PARTED
                else:
                    kept[name] = _parted(inner, (*place, name), found)
            return kept
        case list():
            return [_parted(inner, (*place, index), found) for index, inner in enumerate(value)]
        case _:
            return value


def _put(values: Any, place: tuple[str | int, ...] | list[str | int], value: Any) -> None:
    for step in place[:-1]:
        values = values[step]
    values[place[-1]] = value


def _erased(value: Any) -> Any:
    match value:
        case dict():
            return {
                name: ERASED if name in PERSONAL and inner == PARTED else _erased(inner)
                for name, inner in value.items()
            }
        case list():
            return [_erased(inner) for inner in value]
        case _:
            return value
