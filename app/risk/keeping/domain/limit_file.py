"""Limits as lines of CSV: read from what anybody may send, written so that they can be read again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from app.core.documents import is_storable
from app.core.errors import InputError
from app.core.fix import RiskLimitType
from app.core.ids import AccountId, InstrumentId, LimitId
from app.core.line_files import LineFormat
from app.core.money import parse_decimal, plain
from app.core.records import replace
from app.risk.domain import RiskLimit
from app.risk.errors import LimitProblem, limit_problem
from app.risk.keeping.errors import LimitInvalidError

FILE_BYTES_MAX: Final = 512 * 1024
LINES_MAX: Final = 1_000
COLUMNS: Final = (
    "id",
    "version",
    "type",
    "value",
    "currency",
    "account",
    "instrument",
    "conditions",
    "active",
    "shadow",
    "warn_at",
    "effective_from",
    "effective_until",
    "reason",
)
_COLUMN_OF: Final = {
    "expectedVersion": "version",
    "limitType": "type",
    "accountId": "account",
    "instrumentId": "instrument",
    "isActive": "active",
    "isShadow": "shadow",
    "warnAt": "warn_at",
    "effectiveFrom": "effective_from",
    "effectiveUntil": "effective_until",
}
FORM: Final = LineFormat(columns=COLUMNS, needed=("type",), bytes_max=FILE_BYTES_MAX, lines_max=LINES_MAX)
_DEPTH_MAX: Final = 8
_NODES_MAX: Final = 1_000
_SHOWN_MAX: Final = 32
_FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class LimitLineOutcome(StrEnum):
    """What became of a line, or would."""

    CREATED = "CREATED"
    CHANGED = "CHANGED"
    PROPOSED = "PROPOSED"
    UNCHANGED = "UNCHANGED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitLineReport:
    """What became of the line of a number, the header being 1; code and message say why it was refused."""

    number: int
    outcome: LimitLineOutcome
    limit_id: LimitId | None = None
    code: str | None = None
    message: str | None = None
    column: str | None = None


def column_of(path: Sequence[str]) -> str | None:
    """The column that the path into an input stands for, with what lies deeper behind points; None for an empty one."""
    return ".".join((_COLUMN_OF.get(path[0], path[0]), *path[1:])) if path else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitLine:
    """A line as it was read. account is a number, instrument a symbol, SYMBOL@EXCHANGE or an id, "" for none."""

    limit_id: LimitId | None
    version: int | None
    account: str
    instrument: str
    reason: str | None
    wanted: RiskLimit

    def of(self, account_id: AccountId | None, instrument_id: InstrumentId | None) -> RiskLimit:
        """The limit of the line that covers these."""
        return replace(self.wanted, account_id=account_id, instrument_id=instrument_id)


def line_of(values: Mapping[str, str]) -> LimitLine:
    """The line of the values by column.

    Raises InputError with the column as its path, LimitInvalidError for conditions that give a key twice.
    """
    limit_id = _read(values, "id", UUID, "an id")
    conditions = _read(values, "conditions", _document, "a JSON object")
    reason = values.get("reason", "")
    wanted = RiskLimit(
        id=LimitId(UUID(int=0) if limit_id is None else limit_id),
        limit_type=_read({**values, "type": values.get("type") or "none"}, "type", _type, "a type of limits"),
        value=_read(values, "value", parse_decimal, "a plain decimal number"),
        currency=values.get("currency") or None,
        conditions={} if conditions is None else conditions,
        is_active=_flag(values, "active", default=True),
        is_shadow=_flag(values, "shadow", default=False),
        warn_at=_read(values, "warn_at", parse_decimal, "a plain decimal number"),
        effective_from=_read(values, "effective_from", _instant, "an instant with an offset"),
        effective_until=_read(values, "effective_until", _instant, "an instant with an offset"),
    )
    return LimitLine(
        limit_id=None if limit_id is None else LimitId(limit_id),
        version=_read(values, "version", _whole, "a whole number"),
        account=values.get("account", ""),
        instrument=values.get("instrument", ""),
        reason=reason or None,
        wanted=wanted,
    )


def line_values(limit: RiskLimit, *, account: str, instrument: str) -> dict[str, str]:
    """The limit as the values of a line."""
    return {
        "id": str(limit.id),
        "version": str(limit.version),
        "type": limit.limit_type.value,
        "value": _number(limit.value),
        "currency": limit.currency or "",
        "account": account,
        "instrument": instrument,
        "conditions": json.dumps(limit.conditions, sort_keys=True) if limit.conditions else "",
        "active": str(limit.is_active).lower(),
        "shadow": str(limit.is_shadow).lower(),
        "warn_at": _number(limit.warn_at),
        "effective_from": _written(limit.effective_from),
        "effective_until": _written(limit.effective_until),
    }


def _read(values: Mapping[str, str], column: str, read: Any, what: str) -> Any:
    text = values.get(column, "")
    if not text:
        return None
    try:
        return read(text)
    except (ValueError, KeyError, OverflowError, RecursionError) as error:
        raise InputError(f"The column {column} takes {what}.", path=[column]) from error


def _type(text: str) -> RiskLimitType:
    return RiskLimitType(text.upper())


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ValueError(text)
    return int(text)


def _flag(values: Mapping[str, str], column: str, *, default: bool) -> bool:
    text = values.get(column, "").lower()
    if not text:
        return default
    if text not in _FLAGS:
        raise InputError(f"The column {column} takes true or false.", path=[column])
    return _FLAGS[text]


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.utcoffset() is None:
        raise ValueError(text)
    return found.astimezone(UTC)


def _document(text: str) -> dict[str, Any]:
    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    # Like the scalar JSON of the API: no NaN, nothing that the database does not take.
    found = json.loads(text, parse_constant=refuse, object_pairs_hook=_object)
    if not isinstance(found, dict) or not is_storable(found, depth_max=_DEPTH_MAX, nodes_max=_NODES_MAX):
        raise ValueError(text)
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # A reader that takes the last of two would loosen a limit that was meant to be tight, and nobody would know.
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            told = f"The conditions give {key[:_SHOWN_MAX]!r} twice."
            raise LimitInvalidError.of([limit_problem(LimitProblem.LIMIT_CONDITION_TWICE, "conditions", message=told)])
        found[key] = value
    return found


def _number(value: Decimal | None) -> str:
    return "" if value is None else plain(value)


def _written(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
