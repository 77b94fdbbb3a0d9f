"""CSV files of any origin: read so that one bad line spoils no other, written so that no spreadsheet runs them."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.core.errors import InputError

LINE_BYTES_MAX: Final = 4_000
VALUE_LENGTH_MAX: Final = 1_000
# Source: OWASP, CSV injection; the full-width forms are what some spreadsheets make the plain ones of.
_FORMULA: Final = frozenset("=+-@\t\r＝＋－＠'")


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFormat:
    """The columns that a file of a kind may have, those that it must have, and how large it may be."""

    columns: tuple[str, ...]
    needed: tuple[str, ...]
    bytes_max: int
    lines_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLine:
    """A line under its number, the header being 1: its values by column, or the code and message of why it is refused.

    A column that the file does not have is absent.
    """

    number: int
    values: Mapping[str, str] = field(default_factory=dict)
    code: str | None = None
    message: str | None = None


def read_file(content: bytes, form: LineFormat) -> list[FileLine]:
    """The lines behind the header, in their order; blank ones are passed over.

    A value does not go over several lines. Raises InputError for a file that is too large or has no fitting header.
    """
    if len(content) > form.bytes_max:
        raise InputError(f"A file has at most {form.bytes_max} bytes.", path=["content"])
    lines = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    header = _header(lines[0])
    delimiter = ";" if ";" in header else ","
    columns = [one.strip().lower() for one in _values(header, delimiter)]
    _check_columns(columns, form)
    found: list[FileLine] = []
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            if len(found) >= form.lines_max:
                raise InputError(f"A file has at most {form.lines_max} lines.", path=["content"])
            found.append(_line(number, line, columns, delimiter))
    return found


def written_file(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """The rows as CSV under a header: what a spreadsheet could take for a formula is marked as text by a `'`."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([guarded(row.get(column, "")) for column in columns])
    return written.getvalue()


def guarded(value: str) -> str:
    """The value as no spreadsheet runs it: on one line, and marked as text where it looks like a formula."""
    plain = "".join(" " if unicodedata.category(one) == "Cc" else one for one in value)
    return f"'{plain}" if plain[:1] in _FORMULA and plain else plain


def _header(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError("The file is not UTF-8: the header cannot be read.", path=["content"]) from error


def _check_columns(columns: Sequence[str], form: LineFormat) -> None:
    missing = [one for one in form.needed if one not in columns]
    unknown = [one for one in columns if one not in form.columns]
    if missing or unknown or len(set(columns)) != len(columns):
        listed, needed = ", ".join(form.columns), " and ".join(form.needed)
        raise InputError(f"The header names columns of {listed}, each once, {needed} among them.", path=["content"])


def _line(number: int, line: bytes, columns: Sequence[str], delimiter: str) -> FileLine:
    try:
        if len(line) > LINE_BYTES_MAX:
            raise InputError(f"A line has at most {LINE_BYTES_MAX} bytes.")
        values = [_unguarded(one) for one in _values(line.decode("utf-8"), delimiter)]
        if len(values) != len(columns):
            raise InputError(f"The header has {len(columns)} columns, and this line {len(values)}.")
        _check_values(values)
        return FileLine(number=number, values=dict(zip(columns, values, strict=True)))
    except UnicodeDecodeError as error:
        message = f"Byte {error.start + 1} of the line is not UTF-8."
        return FileLine(number=number, code="CSV_ENCODING", message=message)
    except InputError as error:
        return FileLine(number=number, code=error.code, message=error.message)


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


def _unguarded(value: str) -> str:
    return value.strip().removeprefix("'").strip()
