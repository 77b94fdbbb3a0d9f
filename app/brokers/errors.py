"""What can go wrong between the house and a broker."""

import math

from app.core.errors import OmsError


class BrokerUnreachableError(OmsError):
    """No broker answers at the account's address."""

    code = "BROKER_UNREACHABLE"
    is_retryable = True


class BrokerClientIdTakenError(OmsError):
    """Another session holds our client id at the gateway; the id is kept and tried again."""

    code = "BROKER_CLIENT_ID_TAKEN"
    is_retryable = True


class BrokerAccountUnknownError(OmsError):
    """The gateway does not manage the account that we were told to trade."""

    code = "BROKER_ACCOUNT_UNKNOWN"
    is_retryable = True


class BrokerTimedOutError(OmsError):
    """The broker did not finish an answer in time."""

    code = "BROKER_TIMED_OUT"
    is_retryable = True


class BrokerDisconnectedError(OmsError):
    """The session to the broker is not there any more."""

    code = "BROKER_DISCONNECTED"
    is_retryable = True


class BrokerBusyError(OmsError):
    """Too many questions wait for the broker's answer already."""

    code = "BROKER_BUSY"
    is_retryable = True


class WhatIfRefusedError(OmsError):
    """The broker does not say what an order would do; the message has its words."""

    code = "WHAT_IF_REFUSED"


class InquiryRefusedError(OmsError):
    """The broker does not answer what it was asked; the message has its words."""

    code = "BROKER_REFUSED"


class HistoryPacedError(OmsError):
    """The broker's pace of historical data is used up; facts carry retryAfter in seconds."""

    code = "HISTORY_PACED"
    is_retryable = True

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(
            f"The broker's pace of historical data is used up; ask again in {math.ceil(retry_after_s)} seconds.",
            retryAfter=math.ceil(retry_after_s),
        )
        self.retry_after_s = retry_after_s


class ConnectorAwayError(OmsError):
    """No connector runs that could ask the broker."""

    code = "CONNECTOR_AWAY"
    is_retryable = True


class LeaseLostError(OmsError):
    """Another connector holds the account now."""

    code = "BROKER_LEASE_LOST"


class AccountUnknownError(OmsError):
    """The tenant has no such account; another tenant's is answered alike."""

    code = "ACCOUNT_NOT_FOUND"

    def __init__(self, *path: str) -> None:
        super().__init__("There is no such account.", path=path)


class BreakUnknownError(OmsError):
    """The tenant has no such break; another tenant's is answered alike."""

    code = "BREAK_NOT_FOUND"

    def __init__(self, *path: str) -> None:
        super().__init__("There is no such break.", path=path)


class BreakNotOpenError(OmsError):
    """The break was resolved already, or has vanished by itself."""

    code = "BREAK_NOT_OPEN"

    def __init__(self, *path: str) -> None:
        super().__init__("The break is not open any more.", path=path)


class BreakActionUnsuitedError(OmsError):
    """A break of this kind cannot be ended so."""

    code = "BREAK_ACTION_UNSUITED"

    def __init__(self, kind: str, action: str, *path: str) -> None:
        super().__init__(f"A break of kind {kind} is not ended by {action}.", path=path)


class BreakChangedError(OmsError):
    """Our position has moved since the break was seen last: the evidence is of another moment. Reconcile, ask again."""

    code = "BREAK_CHANGED"
    is_retryable = True

    def __init__(self, *path: str) -> None:
        super().__init__(
            "Our position has moved since the break was seen last: reconcile the account first.", path=path
        )


class OrderNotInDoubtError(OmsError):
    """The order is not in doubt: the broker's own word decides what becomes of it."""

    code = "ORDER_NOT_IN_DOUBT"

    def __init__(self, *path: str) -> None:
        super().__init__("The order is not in doubt.", path=path)


class OrderNotMissingError(OmsError):
    """No complete look at the broker has missed the order lately, so nobody may declare it dead."""

    code = "ORDER_NOT_MISSING"

    def __init__(self, *path: str) -> None:
        super().__init__(
            "The broker was not found to have lost the order in the last minutes: ask it again first.", path=path
        )


class ReconciliationFailedError(OmsError):
    """The books could not be compared now; facts carry the cause: away, not connected, or too slow. Ask again."""

    code = "RECONCILIATION_FAILED"
    is_retryable = True

    def __init__(self, cause: str, message: str, *path: str) -> None:
        super().__init__(message, path=path, cause=cause)


class GatewayNotAllowedError(OmsError):
    """Accounts may not be reached through that host and port; the operator lists the gateways in OMS_GATEWAY_HOSTS."""

    code = "BROKER_GATEWAY_NOT_ALLOWED"

    def __init__(self, *path: str) -> None:
        super().__init__(
            "This host and port are not among the gateways of the installation (OMS_GATEWAY_HOSTS).", path=path
        )


class ClientIdNotFreeError(OmsError):
    """The client id, or the one of its market data beside it, is in use at the gateway; by whom is not told."""

    code = "BROKER_CLIENT_ID_NOT_FREE"

    def __init__(self) -> None:
        super().__init__(
            "The client id, or the one 1000 above it for market data, is already in use at this gateway.",
            path=["clientId"],
        )


class AccountExistsError(OmsError):
    """The tenant has the account already."""

    code = "BROKER_ACCOUNT_EXISTS"

    def __init__(self) -> None:
        super().__init__("There is an account of that number at that broker already.", path=["accountNumber"])


class AccountHasOpenOrdersError(OmsError):
    """Orders work at the broker, and only the client id that they were sent with may change or cancel them."""

    code = "BROKER_ACCOUNT_HAS_OPEN_ORDERS"

    def __init__(self, count: int) -> None:
        super().__init__(
            f"{count} orders work at the broker, and only the client id that sent them may change or cancel them.",
            path=["clientId"],
            openOrders=count,
        )
