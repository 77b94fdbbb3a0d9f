"""Members as lines of CSV: read from bytes of any origin, written so that no spreadsheet runs them."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.core.errors import InputError

FILE_BYTES_MAX: Final = 512 * 1024
LINES_MAX: Final = 1_000
LINE_BYTES_MAX: Final = 4_000
VALUE_LENGTH_MAX: Final = 1_000
NEEDED: Final = ("email", "role")
COLUMNS: Final = ("email", "first_name", "last_name", "role", "state", "accounts")
ALL_ACCOUNTS: Final = "*"
NO_ACCOUNTS: Final = "none"
# Source: OWASP, CSV injection; the full-width forms are what some spreadsheets make the plain ones of.
_FORMULA: Final = frozenset("=+-@\t\r＝＋－＠'")


class LineOutcome(StrEnum):
    """What became of a line, or would."""

    INVITED = "INVITED"
    CHANGED = "CHANGED"
    UNCHANGED = "UNCHANGED"
    REFUSED = "REFUSED"


class LineState(StrEnum):
    """What a line says a member is. INVITED is told by an export, and changes nothing in an import."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    INVITED = "INVITED"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLine:
    """A line as it was read. state None leaves it; accounts are as written, "" to leave them."""

    number: int
    email: str
    role: str
    state: LineState | None
    accounts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineReport:
    """What became of the line of a number, the header being 1; code and message say why it was refused."""

    number: int
    email: str
    outcome: LineOutcome
    code: str | None = None
    message: str | None = None


def read_lines(content: bytes) -> list[MemberLine | LineReport]:
    """The lines behind the header, each read or refused, in their order; blank ones are passed over.

    A value does not go over several lines. Raises InputError for a file that is too large or has no fitting header.
    """
    if len(content) > FILE_BYTES_MAX:
        raise InputError(f"A file has at most {FILE_BYTES_MAX} bytes.", path=["content"])
    lines = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    header = _header(lines[0])
    delimiter = ";" if ";" in header else ","
    columns = [one.strip().lower() for one in _values(header, delimiter)]
    _check_columns(columns)
    found: list[MemberLine | LineReport] = []
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            if len(found) >= LINES_MAX:
                raise InputError(f"A file has at most {LINES_MAX} lines.", path=["content"])
            found.append(_line(number, line, columns, delimiter))
    return found


def accounts_of(text: str) -> Mapping[str, bool] | None:
    """The account numbers that a line names, True to trade on one too; None for all accounts.

    Raises InputError for what is not of the form `U1=TRADE U2=VIEW`, `*` or `none`.
    """
    if text == ALL_ACCOUNTS:
        return None
    if text.lower() == NO_ACCOUNTS:
        return {}
    found: dict[str, bool] = {}
    for part in text.split():
        number, _, access = part.rpartition("=")
        if not number or access.upper() not in ("TRADE", "VIEW"):
            raise InputError("Accounts are written as U1=TRADE U2=VIEW, as * for all, or as none.", path=["accounts"])
        if number in found:
            raise InputError(f"The account {number} is named twice.", path=["accounts"])
        found[number] = access.upper() == "TRADE"
    return found


def accounts_text(accounts: Mapping[str, bool] | None) -> str:
    """How a line names accounts; None for all."""
    if accounts is None:
        return ALL_ACCOUNTS
    return " ".join(f"{number}={'TRADE' if accounts[number] else 'VIEW'}" for number in sorted(accounts)) or NO_ACCOUNTS


def written_lines(rows: Iterable[Mapping[str, str]]) -> str:
    """The rows as CSV under a header: what a spreadsheet could take for a formula is marked as text by a `'`."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_guarded(row.get(column, "")) for column in COLUMNS])
    return written.getvalue()


def _guarded(value: str) -> str:
    plain = "".join(" " if unicodedata.category(one) == "Cc" else one for one in value)
    return f"'{plain}" if plain[:1] in _FORMULA and plain else plain


def _header(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError("The file is not UTF-8: the header cannot be read.", path=["content"]) from error


def _check_columns(columns: Sequence[str]) -> None:
    missing = [one for one in NEEDED if one not in columns]
    unknown = [one for one in columns if one not in COLUMNS]
    if missing or unknown or len(set(columns)) != len(columns):
        wanted = f"The header names columns of {', '.join(COLUMNS)}, each once, {' and '.join(NEEDED)} among them."
        raise InputError(wanted, path=["content"])


def _line(number: int, line: bytes, columns: Sequence[str], delimiter: str) -> MemberLine | LineReport:
    try:
        if len(line) > LINE_BYTES_MAX:
            raise InputError(f"A line has at most {LINE_BYTES_MAX} bytes.")
        values = [_unguarded(one) for one in _values(line.decode("utf-8"), delimiter)]
        if len(values) != len(columns):
            raise InputError(f"The header has {len(columns)} columns, and this line {len(values)}.")
        _check_values(values)
        row = dict(zip(columns, values, strict=True))
        return MemberLine(
            number=number,
            email=row["email"],
            role=row["role"],
            state=_state(row.get("state", "")),
            accounts=row.get("accounts", ""),
        )
    except UnicodeDecodeError as error:
        message = f"Byte {error.start + 1} of the line is not UTF-8."
        return LineReport(number=number, email="", outcome=LineOutcome.REFUSED, code="CSV_ENCODING", message=message)
    except InputError as error:
        return LineReport(number=number, email="", outcome=LineOutcome.REFUSED, code=error.code, message=error.message)


def _values(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise InputError("The line is not CSV: a quotation mark is open.", path=["content"]) from error


def _check_values(values: Iterable[str]) -> None:
    for value in values:
        if len(value) > VALUE_LENGTH_MAX:
            raise InputError(f"A value has at most {VALUE_LENGTH_MAX} characters.")
        if any(unicodedata.category(one) in ("Cc", "Cs", "Cn", "Co") for one in value):
            raise InputError("A value holds a character that cannot be written.")


def _state(text: str) -> LineState | None:
    if not text:
        return None
    try:
        return LineState(text.upper())
    except ValueError as error:
        raise InputError(f"A state is one of {', '.join(LineState)}, or empty.") from error


def _unguarded(value: str) -> str:
    return value.strip().removeprefix("'").strip()
