"""Restricted lists of a tenant: what a list is, what an entry of it may say, and how entries change."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.compliance.domain.restrictions import RestrictionKind
from app.compliance.errors import RestrictedListInvalidError
from app.core.ids import InstrumentId, ListEntryId, RestrictedListId
from app.core.texts import is_readable

LISTS_MAX: Final = 200
ENTRIES_MAX: Final = 5_000
"""How many entries a list has at most that are in force or to come."""
CHANGES_MAX: Final = 500
NAME_LENGTH_MAX: Final = 100
TEXT_LENGTH_MAX: Final = 500
# Letters that only look like those of a symbol would guard nothing.
_SYMBOL: Final = re.compile(r"[!-~](?:[ -~]{0,62}[!-~])?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictedList:
    """A list under its name. Its versions count up with every change of it and of its entries.

    Traders learn the reason of an entry where is_reason_visible. Of the version, changed_by and reason say by whom and
    why; entries is how many there are in it.
    """

    id: RestrictedListId
    name: str
    description: str
    is_active: bool
    is_reason_visible: bool
    version: int
    changed_by: str
    reason: str
    created_at: datetime
    updated_at: datetime
    entries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """An entry as it is asked for: of an instrument or of a symbol."""

    kind: RestrictionKind
    reason: str
    instrument_id: InstrumentId | None = None
    symbol: str | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    @property
    def target(self) -> tuple[InstrumentId | str | None, RestrictionKind]:
        """What a list has one entry of at most."""
        return self.instrument_id or self.symbol, self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntry:
    """An entry of a list. It is of the versions from added_in up to, and without, removed_in."""

    id: ListEntryId
    list_id: RestrictedListId
    terms: NewEntry
    added_in: int
    added_by: str
    added_at: datetime
    removed_in: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListVersion:
    """What a list was from one change up to the next, by whom and why."""

    list_id: RestrictedListId
    version: int
    name: str
    is_active: bool
    is_reason_visible: bool
    added: int
    removed: int
    changed_by: str
    reason: str
    changed_at: datetime


def loosened_entries(removed: Sequence[NewEntry], added: Sequence[NewEntry], now: datetime) -> int:
    """How many of the entries that go, and are not over, are not replaced by one that keeps out as much for as long."""
    return sum(
        (gone.valid_until is None or gone.valid_until > now) and not any(_covers(one, gone) for one in added)
        for gone in removed
    )


def _covers(added: NewEntry, gone: NewEntry) -> bool:
    strictness = list(RestrictionKind)
    return (
        (added.instrument_id, added.symbol) == (gone.instrument_id, gone.symbol)
        and strictness.index(added.kind) <= strictness.index(gone.kind)
        and (added.valid_from is None or (gone.valid_from is not None and added.valid_from <= gone.valid_from))
        and (added.valid_until is None or (gone.valid_until is not None and added.valid_until >= gone.valid_until))
    )


def checked_text(text: str, length_max: int, *path: str) -> str:
    """The text without blanks around it. Raises RestrictedListInvalidError with the path for one that says nothing."""
    if not is_readable(text, length_max):
        raise RestrictedListInvalidError(f"A text of 1 to {length_max} characters.", path=path)
    return text.strip()


def checked_optional(text: str, length_max: int, *path: str) -> str:
    """The same for a text that may be empty."""
    return checked_text(text, length_max, *path) if text else ""


def checked_entry(entry: NewEntry, *path: str) -> NewEntry:
    """The entry with its symbol in capital letters. Raises RestrictedListInvalidError with the path."""
    if (entry.instrument_id is None) == (entry.symbol is None):
        raise RestrictedListInvalidError("An entry names an instrument or a symbol.", path=[*path, "symbol"])
    symbol = entry.symbol
    if symbol is not None:
        if _SYMBOL.fullmatch(symbol) is None:
            message = "A symbol has 1 to 64 characters of ASCII: others may look alike and guard nothing."
            raise RestrictedListInvalidError(message, path=[*path, "symbol"])
        symbol = symbol.upper()
    if entry.valid_from is not None and entry.valid_until is not None and entry.valid_until <= entry.valid_from:
        raise RestrictedListInvalidError("An entry ends after it begins.", path=[*path, "validUntil"])
    return NewEntry(
        kind=entry.kind,
        reason=checked_text(entry.reason, TEXT_LENGTH_MAX, *path, "reason"),
        instrument_id=entry.instrument_id,
        symbol=symbol,
        valid_from=entry.valid_from,
        valid_until=entry.valid_until,
    )


def list_document(one: RestrictedList) -> dict[str, Any]:
    """The list as the audit log keeps it."""
    return {
        "name": one.name,
        "description": one.description,
        "isActive": one.is_active,
        "isReasonVisible": one.is_reason_visible,
        "version": one.version,
        "reason": one.reason,
    }


def entries_document(entries: Sequence[NewEntry]) -> list[dict[str, Any]]:
    """Entries as the audit log keeps them."""
    return [
        {
            "instrumentId": None if one.instrument_id is None else str(one.instrument_id),
            "symbol": one.symbol,
            "kind": one.kind.value,
            "reason": one.reason,
            "validFrom": None if one.valid_from is None else one.valid_from.isoformat(),
            "validUntil": None if one.valid_until is None else one.valid_until.isoformat(),
        }
        for one in entries
    ]
