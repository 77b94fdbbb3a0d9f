"""What can be wrong about a limit: a stable code each, with its meaning."""

from enum import StrEnum
from typing import Final

from app.core.errors import Problem


class LimitProblem(StrEnum):
    """Codes of what is wrong about a limit."""

    LIMIT_VALUE_REQUIRED = "LIMIT_VALUE_REQUIRED"
    LIMIT_VALUE_UNEXPECTED = "LIMIT_VALUE_UNEXPECTED"
    LIMIT_VALUE_INVALID = "LIMIT_VALUE_INVALID"
    LIMIT_CURRENCY_UNEXPECTED = "LIMIT_CURRENCY_UNEXPECTED"
    LIMIT_CURRENCY_INVALID = "LIMIT_CURRENCY_INVALID"
    LIMIT_CONDITION_UNKNOWN = "LIMIT_CONDITION_UNKNOWN"
    LIMIT_CONDITION_REQUIRED = "LIMIT_CONDITION_REQUIRED"
    LIMIT_CONDITION_INVALID = "LIMIT_CONDITION_INVALID"
    LIMIT_CONDITION_TWICE = "LIMIT_CONDITION_TWICE"
    LIMIT_WARNING_INVALID = "LIMIT_WARNING_INVALID"
    LIMIT_PERIOD_INVALID = "LIMIT_PERIOD_INVALID"


MEANING: Final[dict[LimitProblem, str]] = {
    LimitProblem.LIMIT_VALUE_REQUIRED: "A limit of this type needs a value; an empty one does not switch it off.",
    LimitProblem.LIMIT_VALUE_UNEXPECTED: "A limit of this type has no value: its conditions say what it asks.",
    LimitProblem.LIMIT_VALUE_INVALID: "The value is no number, below zero, off its unit or beyond all reason.",
    LimitProblem.LIMIT_CURRENCY_UNEXPECTED: "A limit of this type is not in money and has no currency.",
    LimitProblem.LIMIT_CURRENCY_INVALID: "The currency is no code of ISO 4217.",
    LimitProblem.LIMIT_CONDITION_UNKNOWN: "Limits of this type know no condition of this name.",
    LimitProblem.LIMIT_CONDITION_REQUIRED: "A limit of this type needs this condition.",
    LimitProblem.LIMIT_CONDITION_INVALID: "The condition is not of the kind that its name asks for.",
    LimitProblem.LIMIT_CONDITION_TWICE: "The text of the conditions gives a key twice in one object.",
    LimitProblem.LIMIT_WARNING_INVALID: "The warning is a part of the value, above 0 and at most 1.",
    LimitProblem.LIMIT_PERIOD_INVALID: "The limit would end before it begins, or an instant has no time zone.",
}


def limit_problem(code: LimitProblem, *path: str, message: str | None = None) -> Problem:
    """A problem with its documented meaning, or a more precise sentence."""
    return Problem(code=code.value, message=message or MEANING[code], path=path)
