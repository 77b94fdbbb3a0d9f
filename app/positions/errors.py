"""What the room of positions refuses."""

from collections.abc import Iterable

from app.core.errors import OmsError


class PositionsTooManyError(OmsError):
    """There are more positions than one answer holds."""

    code = "POSITIONS_TOO_MANY"

    def __init__(self, limit: int, path: str = "accountId") -> None:
        super().__init__(f"There are more than {limit} positions: ask for those of fewer accounts.", path=[path])


class PositionHistoryTooLongError(OmsError):
    """The positions asked for have moved more often until then than one answer goes through."""

    code = "POSITION_HISTORY_TOO_LONG"

    def __init__(self, limit: int) -> None:
        message = f"More than {limit} executions and commissions led to these positions: name an account or symbols."
        super().__init__(message, path=["asOf"])


class AdjustmentRefusedError(OmsError):
    """The adjustment is not one that the position could take; `path` names the field."""

    code = "POSITION_ADJUSTMENT_INVALID"


class AdjustmentConflictError(OmsError):
    """The key was used for another adjustment of the account."""

    code = "POSITION_ADJUSTMENT_CONFLICT"

    def __init__(self) -> None:
        super().__init__("The key was used for another adjustment.", path=["idempotencyKey"])


class RateMissingError(OmsError):
    """A figure in base currency lacks an exchange rate and is not told; facts carry the currencies."""

    code = "FX_RATE_MISSING"
    is_retryable = True

    def __init__(self, base_currency: str, missing: Iterable[str]) -> None:
        listed = sorted(set(missing))
        super().__init__(
            f"There is no rate to {base_currency} from {', '.join(listed)}.", currency=base_currency, missing=listed
        )


class HistoryRangeError(OmsError):
    """The range of a history is empty or too long."""

    code = "PNL_RANGE_INVALID"
