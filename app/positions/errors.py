"""What the room of positions refuses."""

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
