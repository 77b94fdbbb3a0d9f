"""Restricted lists as CSV: what a line says, and what becomes of the list that it is read into."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.compliance.domain.lists import ENTRIES_MAX, ListEntry, NewEntry, checked_entry
from app.compliance.domain.restrictions import RestrictionKind
from app.compliance.errors import RestrictedListInvalidError
from app.core.errors import OmsError
from app.core.ids import InstrumentId
from app.core.line_files import FileLine, LineFormat, read_file, written_file

COLUMNS: Final = ("symbol", "instrument_id", "kind", "reason", "from", "until")
FILE_BYTES_MAX: Final = 512 * 1024
FORMAT: Final = LineFormat(columns=COLUMNS, needed=("kind", "reason"), bytes_max=FILE_BYTES_MAX, lines_max=ENTRIES_MAX)


class LineOutcome(StrEnum):
    """What became of a line, or would."""

    ADDED = "ADDED"
    CHANGED = "CHANGED"
    UNCHANGED = "UNCHANGED"
    REMOVED = "REMOVED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineReport:
    """What became of the line of a number, the header being 1; 0 is for entries that a replacing file leaves out.

    code and message say why a line was refused; a line that was taken may have a message too.
    """

    number: int
    name: str
    outcome: LineOutcome
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChanges:
    """What a file makes of a list: a report for each line, what is added, and what is removed."""

    reports: tuple[LineReport, ...]
    added: tuple[NewEntry, ...]
    removed: tuple[ListEntry, ...]

    @property
    def is_sound(self) -> bool:
        """True when no line was refused."""
        return all(report.outcome is not LineOutcome.REFUSED for report in self.reports)


def read_entries(content: bytes) -> list[tuple[int, NewEntry] | LineReport]:
    """The entries of a file, each under the number of its line, or why a line is refused.

    Raises InputError for a file that is too large or has no fitting header.
    """
    found: list[tuple[int, NewEntry] | LineReport] = []
    for line in read_file(content, FORMAT):
        if line.code is not None:
            found.append(_refused(line, line.code, line.message))
            continue
        try:
            found.append((line.number, _entry(line)))
        except OmsError as error:
            found.append(_refused(line, error.code, error.message))
    return found


def changes_of(
    lines: Sequence[tuple[int, NewEntry] | LineReport],
    entries: Sequence[ListEntry],
    *,
    known: Collection[InstrumentId],
    known_symbols: Collection[str],
    is_replacing: bool,
) -> FileChanges:
    """What the lines make of a list with these entries; the same lines a second time change nothing.

    A replacing file is all that the list is to hold. known are those of the instruments named that the tenant has,
    known_symbols those of the symbols named that an instrument bears, in capital letters.
    """
    held = {entry.terms.target: entry for entry in entries}
    seen: set[tuple[object, RestrictionKind]] = set()
    reports: list[LineReport] = []
    added: list[NewEntry] = []
    removed: list[ListEntry] = []
    for line in lines:
        if isinstance(line, LineReport):
            reports.append(line)
            continue
        number, entry = line
        unfit = _unfit(entry, seen, known)
        seen.add(entry.target)
        if unfit is not None:
            reports.append(_report(number, entry, LineOutcome.REFUSED, unfit, code=RestrictedListInvalidError.code))
            continue
        message = (
            None if entry.symbol is None or entry.symbol in known_symbols else "no instrument bears this symbol yet"
        )
        before = held.get(entry.target)
        if before is not None and before.terms == entry:
            reports.append(_report(number, entry, LineOutcome.UNCHANGED, message))
            continue
        added.append(entry)
        if before is not None:
            removed.append(before)
        outcome = LineOutcome.ADDED if before is None else LineOutcome.CHANGED
        reports.append(_report(number, entry, outcome, message))
    if is_replacing:
        left_out = [entry for target, entry in held.items() if target not in seen]
        removed += left_out
        reports += [_report(0, one.terms, LineOutcome.REMOVED, None) for one in left_out]
    return FileChanges(reports=tuple(reports), added=tuple(added), removed=tuple(removed))


def list_file(entries: Iterable[ListEntry]) -> str:
    """The entries as CSV, as changes_of() reads it."""
    return written_file(COLUMNS, (_row(entry.terms) for entry in entries))


def _row(terms: NewEntry) -> Mapping[str, str]:
    return {
        "symbol": terms.symbol or "",
        "instrument_id": "" if terms.instrument_id is None else str(terms.instrument_id),
        "kind": terms.kind.value,
        "reason": terms.reason,
        "from": "" if terms.valid_from is None else terms.valid_from.isoformat(),
        "until": "" if terms.valid_until is None else terms.valid_until.isoformat(),
    }


def _entry(line: FileLine) -> NewEntry:
    values = line.values
    return checked_entry(
        NewEntry(
            kind=_kind(values["kind"]),
            reason=values["reason"],
            instrument_id=_instrument_id(values.get("instrument_id", "")),
            symbol=values.get("symbol") or None,
            valid_from=moment(values.get("from", ""), "from"),
            valid_until=moment(values.get("until", ""), "until"),
        )
    )


def moment(text: str, path: str) -> datetime | None:
    """The instant of a text: RFC 3339 with an offset, or a date, which begins at midnight UTC; None for no text.

    Raises RestrictedListInvalidError.
    """
    if not text:
        return None
    try:
        if len(text) == len("2026-01-31"):
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise ValueError("without an offset")
        return found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        message = "A time is a date, or RFC 3339 with an offset."
        raise RestrictedListInvalidError(message, path=[path]) from error


def _kind(text: str) -> RestrictionKind:
    try:
        return RestrictionKind(text.upper())
    except ValueError as error:
        message = f"A kind is one of {', '.join(RestrictionKind)}."
        raise RestrictedListInvalidError(message, path=["kind"]) from error


def _instrument_id(text: str) -> InstrumentId | None:
    if not text:
        return None
    try:
        return InstrumentId(UUID(text))
    except ValueError as error:
        raise RestrictedListInvalidError("This is not an id.", path=["instrument_id"]) from error


def _name(terms: NewEntry) -> str:
    return terms.symbol or str(terms.instrument_id)


def _unfit(entry: NewEntry, seen: Collection[object], known: Collection[InstrumentId]) -> str | None:
    if entry.target in seen:
        return "The file says this twice."
    if entry.instrument_id is not None and entry.instrument_id not in known:
        return "There is no such instrument."
    return None


def _report(
    number: int, entry: NewEntry, outcome: LineOutcome, message: str | None, *, code: str | None = None
) -> LineReport:
    return LineReport(number=number, name=_name(entry), outcome=outcome, code=code, message=message)


def _refused(line: FileLine, code: str, message: str | None) -> LineReport:
    name = line.values.get("symbol") or line.values.get("instrument_id") or ""
    return LineReport(number=line.number, name=name, outcome=LineOutcome.REFUSED, code=code, message=message)
