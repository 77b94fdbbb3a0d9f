"""Scalars that take exact values alone: nothing is guessed, rounded or cut on the way in or out."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

import strawberry
from graphql import GraphQLError, ValueNode, value_from_ast_untyped
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

from app.core.clock import as_utc
from app.core.documents import is_storable
from app.core.money import parse_decimal, plain

Parse = Callable[[Any], Any]
Write = Callable[[Any], Any]

JSON_DEPTH_MAX: Final = 16
JSON_NODES_MAX: Final = 1_000
_SHOWN_MAX: Final = 40
_DATE_TIME: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME: Final = re.compile(r"\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?", re.ASCII)


def parse_decimal_input(value: Any) -> Decimal:
    """The number of a JSON string or a JSON integer. Raises GraphQLError for anything else, floats above all."""
    if isinstance(value, float):
        raise GraphQLError('Decimal takes a string such as "187.42": a JSON number with a point is not exact.')
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _refused("Decimal", "takes a string or an integer", value)
    try:
        return parse_decimal(value if isinstance(value, str) else str(value))
    except ValueError as error:
        raise _refused("Decimal", str(error), value) from error


def parse_date_time(value: Any) -> datetime:
    """The instant of an RFC 3339 string with an offset. Raises GraphQLError."""
    if not isinstance(value, str) or _DATE_TIME.fullmatch(value) is None:
        raise _refused("DateTime", 'takes an RFC 3339 string with an offset, such as "2026-11-20T14:30:00Z"', value)
    try:
        return as_utc(datetime.fromisoformat(value.upper()))
    except (ValueError, OverflowError) as error:
        raise _refused("DateTime", "names no such instant", value) from error


def write_date_time(value: datetime) -> str:
    """The instant in UTC with microseconds, such as 2026-11-20T14:30:00.000000Z."""
    return as_utc(value).astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_date(value: Any) -> date:
    """The day of YYYY-MM-DD. Raises GraphQLError."""
    if not isinstance(value, str) or _DATE.fullmatch(value) is None:
        raise _refused("Date", "takes YYYY-MM-DD", value)
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise _refused("Date", "names no such day", value) from error


def parse_time(value: Any) -> time:
    """The time of day of HH:MM:SS. Raises GraphQLError."""
    if not isinstance(value, str) or _TIME.fullmatch(value) is None:
        raise _refused("Time", "takes HH:MM:SS", value)
    try:
        return time.fromisoformat(value)
    except ValueError as error:
        raise _refused("Time", "names no such time", value) from error


def parse_json(value: Any) -> Any:
    """The document, when it is small enough and can be stored. Raises GraphQLError."""
    if not is_storable(value, depth_max=JSON_DEPTH_MAX, nodes_max=JSON_NODES_MAX):
        raise GraphQLError(
            f"JSON takes at most {JSON_DEPTH_MAX} levels and {JSON_NODES_MAX} values of text that can be stored."
        )
    return value


def _refused(scalar: str, reason: str, value: Any) -> GraphQLError:
    shown = repr(value) if isinstance(value, str | int | float | bool | None) else type(value).__name__
    if len(shown) > _SHOWN_MAX:
        shown = shown[:_SHOWN_MAX] + "…"
    return GraphQLError(f"{scalar} {reason}, not {shown}.")


def _scalar(name: str, description: str, write: Write, parse: Parse, url: str | None = None) -> ScalarDefinition:
    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
        # Without the node nobody could say where in the document the value stands.
        try:
            return parse(value_from_ast_untyped(node, variables))
        except GraphQLError as error:
            raise GraphQLError(error.message, nodes=node) from error
        except ValueError as error:
            raise GraphQLError(f"{name} has too many digits.", nodes=node) from error

    return strawberry.scalar(
        name=name,
        description=description,
        specified_by_url=url,
        serialize=write,
        parse_value=parse,
        parse_literal=parse_literal,
    )


SCALARS: Final[dict[object, ScalarDefinition]] = {
    Decimal: _scalar(
        "Decimal",
        'An exact number: a string such as "187.42" with at most 18 digits before the point and 10 behind it. '
        "Inputs also take a JSON integer, never a number with a point or an exponent.",
        plain,
        parse_decimal_input,
    ),
    datetime: _scalar(
        "DateTime",
        "An instant by RFC 3339. Answers are in UTC with microseconds; inputs need an offset.",
        write_date_time,
        parse_date_time,
        "https://www.rfc-editor.org/rfc/rfc3339",
    ),
    date: _scalar("Date", "A day, YYYY-MM-DD.", date.isoformat, parse_date),
    time: _scalar("Time", "A time of day, HH:MM:SS.", time.isoformat, parse_time),
    JSON: _scalar(
        "JSON",
        f"Any JSON document. Inputs may have {JSON_DEPTH_MAX} levels and {JSON_NODES_MAX} values.",
        lambda value: value,
        parse_json,
    ),
}
