"""The errors that the house knows: each has a stable code, says whether a retry may help, and carries facts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


class OmsError(Exception):
    """An operating error: something that a caller may meet and act upon.

    `code` is CATEGORY_CONDITION, used once and never renamed; `is_retryable` tells whether the same request may
    succeed later; `facts` are JSON-able values for logs and for the answer; `path` locates bad input, outermost first.
    """

    code: ClassVar[str] = "INTERNAL"
    is_retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, path: Sequence[str] = (), **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.path = tuple(path)
        self.facts = facts


class InputError(OmsError):
    """A value from outside that cannot be taken; `path` names the field."""

    code = "BAD_USER_INPUT"


class NotFoundError(OmsError):
    """Nothing of that id within the caller's tenant; another tenant's id is answered alike."""

    code = "NOT_FOUND"


class UnauthenticatedError(OmsError):
    """No credential, or one that does not hold."""

    code = "UNAUTHENTICATED"


class ForbiddenError(OmsError):
    """The credential holds, and lacks the scope."""

    code = "FORBIDDEN"


class RateLimitedError(OmsError):
    """Too much was asked, or guessed, in too short a time; facts: `retryAfter` in whole seconds."""

    code = "RATE_LIMITED"
    is_retryable = True

    def __init__(self, retry_after_s: float, **facts: Any) -> None:
        self.retry_after_s = max(1, math.ceil(retry_after_s))
        super().__init__(
            f"Too many requests: try again in {self.retry_after_s} s.", retryAfter=self.retry_after_s, **facts
        )


class UnavailableError(OmsError):
    """A server that this process needs does not answer."""

    code = "UNAVAILABLE"
    is_retryable = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with an input: a stable code, a sentence, and the path of the field."""

    code: str
    message: str
    path: tuple[str, ...] = ()
