"""What the room of market data refuses."""

from app.core.errors import OmsError


class SubscriptionUnknownError(OmsError):
    """The tenant has no such subscription; another tenant's is answered alike."""

    code = "MARKET_DATA_SUBSCRIPTION_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is no such subscription.", path=["subscriptionId"])


class SubscriptionsTooManyError(OmsError):
    """The tenant has as many subscriptions as it may have."""

    code = "MARKET_DATA_SUBSCRIPTIONS_TOO_MANY"

    def __init__(self, most: int) -> None:
        super().__init__(f"There may be {most} subscriptions: end one that is not needed.", path=["symbol"])


class HistoryTooLongError(OmsError):
    """The range holds more bars than one answer may."""

    code = "HISTORY_TOO_LONG"

    def __init__(self, most: int) -> None:
        super().__init__(f"The range may hold {most} bars: ask for less of it, or for a longer interval.", path=["end"])
