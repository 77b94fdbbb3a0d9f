"""What the room of positions refuses."""

from app.core.errors import OmsError


class PositionsTooManyError(OmsError):
    """There are more positions than one answer holds."""

    code = "POSITIONS_TOO_MANY"

    def __init__(self, limit: int, path: str = "accountId") -> None:
        super().__init__(f"There are more than {limit} positions: ask for those of fewer accounts.", path=[path])
