"""What a limit has to be before it is stored: everything that is wrong with it, at once."""

from datetime import datetime

from app.core.errors import Problem
from app.risk.domain import RiskLimit, limit_problems
from app.risk.keeping.errors import LimitInvalidError


def checked(limit: RiskLimit, now: datetime, *, before: RiskLimit | None) -> RiskLimit:
    """The limit. before is what it was, None for a new one.

    Raises LimitInvalidError with every problem.
    """
    problems = list(limit_problems(limit))
    ends = limit.effective_until
    is_new_end = before is None or before.effective_until != ends
    if ends is not None and ends <= now and is_new_end and not problems:
        told = "It would have ended before it is stored: delete a limit, or switch it off."
        problems.append(Problem(code=LimitInvalidError.code, message=told, path=("effectiveUntil",)))
    if problems:
        raise LimitInvalidError.of(problems)
    return limit
