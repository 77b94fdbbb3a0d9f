"""What changes a person's account: registrations, single-use tokens, preferences, telephone numbers."""

import re
from base64 import b32decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from app.core.documents import is_storable
from app.core.errors import InputError
from app.core.ids import UserId
from app.identity.domain import base32, digest

CONFIRMATION_LIFE: Final = timedelta(hours=24)
RESET_LIFE: Final = timedelta(minutes=30)
PASSWORDS_REMEMBERED: Final = 5
PREFERENCES_BYTES_MAX: Final = 16 * 1024
PREFERENCES_KEYS_MAX: Final = 100
PREFERENCES_DEPTH_MAX: Final = 8
PREFERENCES_VALUES_MAX: Final = 1_000
_BASE32 = r"[a-z2-7]"
_PERSON_TOKEN: Final = re.compile(rf"omt_({_BASE32}{{26}})_({_BASE32}{{52}})", re.ASCII)
_PREFERENCE_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,63}", re.ASCII)
_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_PHONE_FILLING: Final = str.maketrans("", "", " ()-./")
_PHONE_TYPED_MAX: Final = 40


class TokenPurpose(StrEnum):
    """What a token that went by mail is good for."""

    RESET_PASSWORD = "RESET_PASSWORD"  # noqa: S105
    CONFIRM_EMAIL = "CONFIRM_EMAIL"
    CHANGE_EMAIL = "CHANGE_EMAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingRegistration:
    """Who wants to open a tenant and has not confirmed the address yet; its id becomes the person's."""

    id: UserId
    email: str
    password_hash: str
    tenant_name: str
    first_name: str
    last_name: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonToken:
    """A token that went to a person by mail, and holds still. email is the address that it went to."""

    user_id: UserId
    id: UUID
    purpose: TokenPurpose
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedToken:
    """A token from a mail as its holder shows it, taken apart; what it claims is not proven yet."""

    user_id: UserId
    token_hash: bytes


def person_token_text(user_id: UserId, secret: bytes) -> str:
    """The whole token as it stands in the mail: `omt_<person>_<secret>`."""
    return f"omt_{base32(user_id.bytes)}_{base32(secret)}"


def parse_person_token(text: str) -> PresentedToken | None:
    """The parts of a token from a mail, or None when the text has not its form."""
    match = _PERSON_TOKEN.fullmatch(text.strip())
    if match is None:
        return None
    person, secret = match.groups()
    user_id = UserId(UUID(bytes=b32decode(person.upper() + "=" * 6)))
    return PresentedToken(user_id=user_id, token_hash=digest(secret))


def written_phone(text: str) -> str | None:
    """The telephone number as it is stored, E.164 such as +41446681800; None for an empty text.

    Raises InputError.
    """
    number = "" if len(text) > _PHONE_TYPED_MAX else text.translate(_PHONE_FILLING)
    if not number and not text.strip():
        return None
    if _PHONE.fullmatch(number) is None:
        raise InputError("This is not a telephone number with its country, such as +41 44 668 18 00.", path=["phone"])
    return number


def checked_preferences(document: Any, size: int | None) -> Mapping[str, Any]:
    """The preferences, when they are what can be kept: an object, whose keys are the dashboard's or anyone's own.

    size is their length as JSON, in bytes; None where they have none. Raises InputError.
    """
    path = ["preferences"]
    if not isinstance(document, dict):
        raise InputError("Preferences are a JSON object.", path=path)
    if size is None or size > PREFERENCES_BYTES_MAX:
        raise InputError(f"Preferences have at most {PREFERENCES_BYTES_MAX} bytes.", path=path)
    if len(document) > PREFERENCES_KEYS_MAX:
        raise InputError(f"Preferences have at most {PREFERENCES_KEYS_MAX} keys.", path=path)
    for key in document:
        if _PREFERENCE_KEY.fullmatch(key) is None:
            raise InputError("A key begins with a letter and has up to 64 letters, digits and _ . : -", path=path)
    if not is_storable(document, depth_max=PREFERENCES_DEPTH_MAX, nodes_max=PREFERENCES_VALUES_MAX):
        raise InputError(
            f"Preferences are at most {PREFERENCES_DEPTH_MAX} levels deep, with {PREFERENCES_VALUES_MAX} values that "
            "can be stored.",
            path=path,
        )
    return document
