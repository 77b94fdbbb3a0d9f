"""Ids as they come from outside."""

import re
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from app.core.errors import InputError

IDS_MAX: Final = 500
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def is_id(text: str) -> bool:
    """True for what may be an id: a UUID in its usual notation."""
    return _UUID.fullmatch(text) is not None


def parse_id(text: str, *path: str) -> UUID:
    """The id.

    Raises InputError with the path for what cannot be one.
    """
    if not is_id(text):
        raise InputError("This is not an id.", path=path)
    return UUID(text)


def parse_ids(texts: Iterable[str] | None, *path: str) -> tuple[UUID, ...] | None:
    """The ids, None for None. Raises InputError with the path of the first that cannot be one, or for too many."""
    if texts is None:
        return None
    listed = bounded(list(texts), *path)
    return tuple(parse_id(text, *path, str(index)) for index, text in enumerate(listed))


def bounded(values: Sequence[str], *path: str, count_max: int = IDS_MAX) -> Sequence[str]:
    """The values. Raises InputError when there are too many, or with the path of one that cannot be stored."""
    if len(values) > count_max:
        raise InputError(f"At most {count_max} at once.", path=path)
    for index, value in enumerate(values):
        storable(value, *path, str(index))
    return values


def storable(text: str, *path: str) -> str:
    """The text. Raises InputError with the path for one with U+0000, which PostgreSQL does not take."""
    if "\x00" in text:
        raise InputError("A text holds a character that cannot be stored.", path=path)
    return text
