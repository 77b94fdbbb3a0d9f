"""What the analytics refuse."""

from app.core.errors import OmsError


class AccountModesMixedError(OmsError):
    """Accounts with money and paper accounts were asked for together, without saying that they may be added up."""

    code = "RISK_MODES_MIXED"

    def __init__(self) -> None:
        super().__init__(
            "Some of the accounts trade with money and some on paper: ask with mode BOTH to add them up.",
            path=["accountIds"],
        )


class RiskBookTooLargeError(OmsError):
    """There are more positions than are assessed at once."""

    code = "RISK_BOOK_TOO_LARGE"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"There are more than {limit} positions: ask for those of fewer accounts.", path=["accountIds"]
        )
