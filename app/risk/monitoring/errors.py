"""What can go wrong with breaches and circuit breakers."""

from collections.abc import Sequence

from app.core.errors import OmsError, Problem


class BreachUnknownError(OmsError):
    """The tenant has no such breach, or none that the principal may act on; another tenant's is answered alike."""

    code = "RISK_BREACH_NOT_FOUND"

    def __init__(self, *path: str) -> None:
        super().__init__("There is no such breach.", path=path)


class BreachAcknowledgedError(OmsError):
    """Somebody has acknowledged the breach already; their note stays."""

    code = "RISK_BREACH_ACKNOWLEDGED"

    def __init__(self, *path: str) -> None:
        super().__init__("The breach was acknowledged already.", path=path)


class AcknowledgerNotAPersonError(OmsError):
    """A breach is acknowledged by a person, not by a program."""

    code = "RISK_BREACH_NEEDS_A_PERSON"

    def __init__(self) -> None:
        super().__init__("A person acknowledges a breach, not an API key.")


class BreakerUnknownError(OmsError):
    """The tenant has no such circuit breaker; another tenant's is answered alike."""

    code = "BREAKER_NOT_FOUND"

    def __init__(self, *path: str) -> None:
        super().__init__("There is no such circuit breaker.", path=path)


class BreakerMovedError(OmsError):
    """The breaker is at another version than the one that was expected."""

    code = "BREAKER_VERSION_CONFLICT"

    def __init__(self, version: int, *path: str) -> None:
        super().__init__(f"The circuit breaker is at version {version}.", path=path, version=version)


class BreakerTargetUnknownError(OmsError):
    """The tenant has no such account; another tenant's is answered alike."""

    code = "BREAKER_TARGET_NOT_FOUND"

    def __init__(self, *path: str) -> None:
        super().__init__("There is no such account.", path=path)


class BreakersTooManyError(OmsError):
    """The tenant has as many circuit breakers as it may have."""

    code = "BREAKERS_TOO_MANY"

    def __init__(self, count_max: int) -> None:
        super().__init__(f"A tenant has at most {count_max} circuit breakers.", limit=count_max)


class BreakerInvalidError(OmsError):
    """A value of a breaker cannot be taken; `problems` tell all that is wrong, each by its code and path."""

    code = "BREAKER_INVALID"
    problems: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> "BreakerInvalidError":
        """The error of some problems, one at least."""
        first = problems[0]
        error = cls(first.message, path=first.path)
        error.problems = tuple(problems)
        return error
