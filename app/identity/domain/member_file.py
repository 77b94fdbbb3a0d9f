"""Members as lines of CSV: read from bytes of any origin, written so that no spreadsheet runs them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.core.errors import InputError
from app.core.line_files import FileLine, LineFormat, read_file, written_file

FILE_BYTES_MAX: Final = 512 * 1024
LINES_MAX: Final = 1_000
NEEDED: Final = ("email", "role")
COLUMNS: Final = ("email", "first_name", "last_name", "role", "state", "accounts")
ALL_ACCOUNTS: Final = "*"
NO_ACCOUNTS: Final = "none"
_FORMAT: Final = LineFormat(columns=COLUMNS, needed=NEEDED, bytes_max=FILE_BYTES_MAX, lines_max=LINES_MAX)


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
    return [_line(one) for one in read_file(content, _FORMAT)]


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
    return written_file(COLUMNS, rows)


def _line(line: FileLine) -> MemberLine | LineReport:
    if line.code is not None:
        return _refused(line.number, line.code, line.message)
    try:
        return MemberLine(
            number=line.number,
            email=line.values["email"],
            role=line.values["role"],
            state=_state(line.values.get("state", "")),
            accounts=line.values.get("accounts", ""),
        )
    except InputError as error:
        return _refused(line.number, error.code, error.message)


def _refused(number: int, code: str, message: str | None) -> LineReport:
    return LineReport(number=number, email="", outcome=LineOutcome.REFUSED, code=code, message=message)


def _state(text: str) -> LineState | None:
    if not text:
        return None
    try:
        return LineState(text.upper())
    except ValueError as error:
        raise InputError(f"A state is one of {', '.join(LineState)}, or empty.") from error
