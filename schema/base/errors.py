"""Errors as clients meet them: coded, with a path, and never telling what is not theirs to know."""

import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

import strawberry
from graphql import GraphQLError

from app.core.errors import (
    ForbiddenError,
    OmsError,
    Problem,
    RateLimitedError,
    UnauthenticatedError,
    UnavailableError,
)

MESSAGE_LENGTH_MAX: Final = 500
_log = logging.getLogger("oms.graphql")

KnownAs = Callable[[BaseException], OmsError | None]
"""What an exception of a library means to a client: a server of ours is away, a text cannot be stored; else None."""


@strawberry.type(description="One thing wrong with an input.")
class UserError:
    """One thing wrong with an input."""

    code: str = strawberry.field(description="Stable: programs may rely on it.")
    message: str = strawberry.field(description="A sentence for people; it may change.")
    path: list[str] = strawberry.field(description="Where in the input, outermost first; empty for all of it.")


def user_errors(error: OmsError) -> list[UserError]:
    """The error as a payload carries it; what the input cannot mend is raised on."""
    if isinstance(error, UnauthenticatedError | ForbiddenError | UnavailableError | RateLimitedError):
        raise error
    return [UserError(code=error.code, message=_cut(error.message), path=list(error.path))]


def problem_errors(problems: Iterable[Problem]) -> list[UserError]:
    """The problems as a payload carries them."""
    return [UserError(code=problem.code, message=problem.message, path=list(problem.path)) for problem in problems]


def coded(code: str, message: str, *, path: Iterable[str] = (), **facts: Any) -> dict[str, Any]:
    """An error in the form of the answer that concerns the request as a whole."""
    return {"message": _cut(message), "extensions": _extensions(code, path, facts)}


def masked(request_id: str) -> dict[str, Any]:
    """What is told of a failure that nobody foresaw."""
    message = "The server failed; the request id finds the cause in its log."
    return coded("INTERNAL", message, requestId=request_id)


def formatted(error: GraphQLError, *, request_id: str, known_as: KnownAs) -> dict[str, Any]:
    """The error in the form of the answer.

    What an OmsError says is told with its code; what graphql-core says about the document or the variables with the
    code that `extensions` hold, else BAD_USER_INPUT; anything else is logged and told as INTERNAL with the request id.
    """
    answer: dict[str, Any] = {"message": _cut(error.message)}
    if error.locations:
        answer["locations"] = [location.formatted for location in error.locations]
    if error.path is not None:
        answer["path"] = error.path
    original = innermost(error)
    if original is None:
        extensions = error.extensions or {}
        answer["extensions"] = extensions if "code" in extensions else _extensions("BAD_USER_INPUT", (), {})
        return answer
    known = original if isinstance(original, OmsError) else known_as(original)
    if known is None:
        _log.error("request %s failed at %s", request_id, error.path, exc_info=original)
        return answer | masked(request_id)
    if known is not original and known.is_retryable:
        # Drivers put values of statements into their messages: those stay out of the log.
        _log.warning("request %s met an outage: %s", request_id, type(original).__name__)
    answer["message"] = _cut(known.message)
    answer["extensions"] = _extensions(known.code, known.path, known.facts)
    if known.is_retryable:
        answer["extensions"]["retryable"] = True
    return answer


def _cut(message: str) -> str:
    # A message that quotes what came in may not become an answer many times as long.
    return message if len(message) <= MESSAGE_LENGTH_MAX else message[:MESSAGE_LENGTH_MAX] + "…"


def innermost(error: GraphQLError) -> BaseException | None:
    """What went wrong under the error; None where graphql-core itself says it."""
    original: BaseException | None = error.original_error
    while isinstance(original, GraphQLError):
        original = original.original_error
    return original


def _extensions(code: str, path: Iterable[str], facts: dict[str, Any]) -> dict[str, Any]:
    extensions: dict[str, Any] = {**facts, "code": code}
    if listed := list(path):
        extensions["path"] = listed
    return extensions
