"""What a client can get wrong about an order: a stable code each, with its meaning."""

from enum import StrEnum
from uuid import UUID

from app.core.errors import OmsError


class OrderProblem(StrEnum):
    """Codes of UserError in the order mutations. The docstring table of docs/reference is made from MEANING."""

    QUANTITY_INVALID = "QUANTITY_INVALID"
    QUANTITY_OFF_LOT = "QUANTITY_OFF_LOT"
    QUANTITY_BELOW_FILLED = "QUANTITY_BELOW_FILLED"
    PRICE_REQUIRED = "PRICE_REQUIRED"
    PRICE_UNEXPECTED = "PRICE_UNEXPECTED"
    PRICE_INVALID = "PRICE_INVALID"
    PRICE_OFF_TICK = "PRICE_OFF_TICK"
    ORDER_TYPE_UNSUPPORTED = "ORDER_TYPE_UNSUPPORTED"
    TIME_IN_FORCE_UNSUPPORTED = "TIME_IN_FORCE_UNSUPPORTED"
    TIME_IN_FORCE_MISMATCH = "TIME_IN_FORCE_MISMATCH"
    OUTSIDE_HOURS_UNSUITED = "OUTSIDE_HOURS_UNSUITED"
    EXPIRY_UNEXPECTED = "EXPIRY_UNEXPECTED"
    EXPIRY_REQUIRED = "EXPIRY_REQUIRED"
    EXPIRY_INVALID = "EXPIRY_INVALID"
    POST_ONLY_UNSUITED = "POST_ONLY_UNSUITED"
    POST_ONLY_WOULD_TAKE = "POST_ONLY_WOULD_TAKE"
    POST_ONLY_NO_QUOTE = "POST_ONLY_NO_QUOTE"
    CLIENT_ORDER_ID_INVALID = "CLIENT_ORDER_ID_INVALID"
    METADATA_INVALID = "METADATA_INVALID"
    ACCOUNT_NOT_FOUND = "ACCOUNT_NOT_FOUND"
    ACCOUNT_INACTIVE = "ACCOUNT_INACTIVE"
    INSTRUMENT_FROZEN = "INSTRUMENT_FROZEN"
    TRADING_HALTED = "TRADING_HALTED"
    TRADING_REDUCE_ONLY = "TRADING_REDUCE_ONLY"
    INSTRUMENT_REQUIRED = "INSTRUMENT_REQUIRED"
    INSTRUMENT_NOT_FOUND = "INSTRUMENT_NOT_FOUND"
    INSTRUMENT_AMBIGUOUS = "INSTRUMENT_AMBIGUOUS"
    INSTRUMENT_INACTIVE = "INSTRUMENT_INACTIVE"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    ORDER_NOT_FOUND = "ORDER_NOT_FOUND"
    ORDER_NOT_OPEN = "ORDER_NOT_OPEN"
    ORDER_NOT_WORKING = "ORDER_NOT_WORKING"
    ORDER_NOT_PENDING_APPROVAL = "ORDER_NOT_PENDING_APPROVAL"
    APPROVER_IS_MAKER = "APPROVER_IS_MAKER"
    APPROVER_NOT_A_PERSON = "APPROVER_NOT_A_PERSON"
    APPROVAL_EXPIRED = "APPROVAL_EXPIRED"
    APPROVAL_REQUIRED = "APPROVAL_REQUIRED"
    REASON_INVALID = "REASON_INVALID"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    REPLACE_PENDING = "REPLACE_PENDING"
    CANCEL_PENDING = "CANCEL_PENDING"
    NOTHING_TO_CHANGE = "NOTHING_TO_CHANGE"
    BROKER_REJECTED = "BROKER_REJECTED"
    ORDER_NOT_MANAGED = "ORDER_NOT_MANAGED"
    ORDER_NOT_EXTERNAL = "ORDER_NOT_EXTERNAL"
    ORDER_CLAIMED = "ORDER_CLAIMED"
    ORDER_UNSTORABLE = "ORDER_UNSTORABLE"
    EXIT_PRICE_CROSSED = "EXIT_PRICE_CROSSED"
    LINKED_QUANTITY = "LINKED_QUANTITY"
    OCO_LEGS_INVALID = "OCO_LEGS_INVALID"
    POSITION_NOT_FOUND = "POSITION_NOT_FOUND"
    NOTHING_TO_CLOSE = "NOTHING_TO_CLOSE"
    CLOSE_TOO_LARGE = "CLOSE_TOO_LARGE"
    RELEASE_TIME_INVALID = "RELEASE_TIME_INVALID"
    ORDER_NOT_STAGED = "ORDER_NOT_STAGED"
    ALLOCATION_REQUIRED = "ALLOCATION_REQUIRED"
    ALLOCATION_UNEXPECTED = "ALLOCATION_UNEXPECTED"
    ALLOCATION_INVALID = "ALLOCATION_INVALID"
    ALLOCATION_UNSUITED = "ALLOCATION_UNSUITED"
    ALLOCATION_GROUP_UNKNOWN = "ALLOCATION_GROUP_UNKNOWN"
    ALLOCATION_METHOD_UNSUITED = "ALLOCATION_METHOD_UNSUITED"
    ALLOCATION_PERCENTAGE_INVALID = "ALLOCATION_PERCENTAGE_INVALID"
    ALLOCATION_ACCOUNT_UNKNOWN = "ALLOCATION_ACCOUNT_UNKNOWN"
    ALLOCATION_QUANTITY_SHORT = "ALLOCATION_QUANTITY_SHORT"


MEANING: dict[OrderProblem, str] = {
    OrderProblem.QUANTITY_INVALID: "the quantity is not above zero, or is beyond what an order may carry",
    OrderProblem.QUANTITY_OFF_LOT: "the quantity is no multiple of the instrument's lot",
    OrderProblem.QUANTITY_BELOW_FILLED: "a modify asks for no more than what is filled already",
    OrderProblem.PRICE_REQUIRED: "the order type needs this price",
    OrderProblem.PRICE_UNEXPECTED: "the order type does not take this price",
    OrderProblem.PRICE_INVALID: "the price is not above zero, or is beyond what an order may carry",
    OrderProblem.PRICE_OFF_TICK: "the price is no multiple of the instrument's tick",
    OrderProblem.ORDER_TYPE_UNSUPPORTED: "this order type cannot be routed yet",
    OrderProblem.TIME_IN_FORCE_UNSUPPORTED: "a modify changes DAY and GTC into each other, and no other time in force",
    OrderProblem.TIME_IN_FORCE_MISMATCH: "only market and limit orders are IOC, FOK or OPG",
    OrderProblem.OUTSIDE_HOURS_UNSUITED: "an order for the opening deals in regular hours alone",
    OrderProblem.EXPIRY_UNEXPECTED: "only good-till-date orders have an expiry",
    OrderProblem.EXPIRY_REQUIRED: "a good-till-date order needs expiresAt",
    OrderProblem.EXPIRY_INVALID: "the expiry has passed, or is more than 366 days ahead",
    OrderProblem.POST_ONLY_UNSUITED: "post-only is for one limit order of DAY, GTC or GTD that is not staged",
    OrderProblem.POST_ONLY_WOULD_TAKE: "the limit of a post-only order meets the quote, so it would take",
    OrderProblem.POST_ONLY_NO_QUOTE: "there is no fresh quote of the other side to hold a post-only order against",
    OrderProblem.CLIENT_ORDER_ID_INVALID: "the client order id is not 1 to 64 printable ASCII characters",
    OrderProblem.METADATA_INVALID: "the metadata is no JSON object, or is larger than 4 KiB",
    OrderProblem.ACCOUNT_NOT_FOUND: "the tenant has no such account",
    OrderProblem.ACCOUNT_INACTIVE: "the account takes no orders",
    OrderProblem.INSTRUMENT_FROZEN: "our position and the broker's differ: until the break is resolved the account "
    "takes orders in the instrument only that reduce both",
    OrderProblem.TRADING_HALTED: "trading is halted for the tenant, the account or the instrument: until it is resumed "
    "nothing passes but cancels",
    OrderProblem.TRADING_REDUCE_ONLY: "trading only reduces for the tenant, the account or the instrument: the order "
    "would add to a position or turn it round, if all open orders of its side fill",
    OrderProblem.INSTRUMENT_REQUIRED: "neither instrumentId nor symbol was given, or both were",
    OrderProblem.INSTRUMENT_NOT_FOUND: "the tenant has no such instrument",
    OrderProblem.INSTRUMENT_AMBIGUOUS: "several instruments bear the symbol: name the exchange or use instrumentId",
    OrderProblem.INSTRUMENT_INACTIVE: "the instrument is not traded",
    OrderProblem.IDEMPOTENCY_CONFLICT: "the client order id was used for an order of other terms",
    OrderProblem.ORDER_NOT_FOUND: "the tenant has no such order",
    OrderProblem.ORDER_NOT_OPEN: "the order is over",
    OrderProblem.ORDER_NOT_WORKING: "the broker has not acknowledged the order yet, so it cannot be modified",
    OrderProblem.ORDER_NOT_PENDING_APPROVAL: "the order does not wait for approval, or another decided first",
    OrderProblem.APPROVER_IS_MAKER: "who placed the order, in person or by an API key, cannot decide on it",
    OrderProblem.APPROVER_NOT_A_PERSON: "only a person, or an API key of one, decides on an order",
    OrderProblem.APPROVAL_EXPIRED: "the order was not approved in time; it is over, or about to be",
    OrderProblem.APPROVAL_REQUIRED: "the order would need approval with these terms: cancel it and place it anew",
    OrderProblem.REASON_INVALID: "the reason is longer than 500 characters, or cannot be stored",
    OrderProblem.VERSION_CONFLICT: "the order has moved on from expectedVersion",
    OrderProblem.REPLACE_PENDING: "another modify of the order is outstanding",
    OrderProblem.CANCEL_PENDING: "a cancel of the order is outstanding",
    OrderProblem.NOTHING_TO_CHANGE: "the modify asks for the terms that the order has",
    OrderProblem.ORDER_NOT_MANAGED: "the order was placed outside and is not managed from here: claim it first, or end "
    "it where it was placed",
    OrderProblem.ORDER_NOT_EXTERNAL: "the order was placed here: there is nothing to claim",
    OrderProblem.ORDER_CLAIMED: "the order was claimed already",
    OrderProblem.BROKER_REJECTED: "the broker refused the order; rejectReason has its words",
    OrderProblem.ORDER_UNSTORABLE: "the order could not be stored; nothing of it was kept",
    OrderProblem.EXIT_PRICE_CROSSED: "an exit is on the wrong side of the order's own price or of the other exit",
    OrderProblem.LINKED_QUANTITY: "the quantity of a linked order follows the fills of the others",
    OrderProblem.OCO_LEGS_INVALID: "an OCO has two legs, each limit, stop, stop-limit or trailing, and neither OPG",
    OrderProblem.POSITION_NOT_FOUND: "the tenant has no such position",
    OrderProblem.NOTHING_TO_CLOSE: "the position is flat, or orders that close it are on their way",
    OrderProblem.CLOSE_TOO_LARGE: "more is asked than what open orders leave to close",
    OrderProblem.RELEASE_TIME_INVALID: "the time of release has passed, or the order is not staged",
    OrderProblem.ORDER_NOT_STAGED: "the order does not wait for a release",
    OrderProblem.ALLOCATION_REQUIRED: "an adviser's account deals for its accounts: the order must say for which group "
    "or account",
    OrderProblem.ALLOCATION_UNEXPECTED: "the account is no adviser's, so that nothing is divided",
    OrderProblem.ALLOCATION_INVALID: "an allocation names either a group or an account, and a method for a group alone",
    OrderProblem.ALLOCATION_UNSUITED: "a block stands alone: it has no exits, no other leg, and closes no position",
    OrderProblem.ALLOCATION_GROUP_UNKNOWN: "the adviser has no group of the name at the broker",
    OrderProblem.ALLOCATION_METHOD_UNSUITED: "the method goes by amounts that the group has not, or the group's own "
    "method is not known here",
    OrderProblem.ALLOCATION_PERCENTAGE_INVALID: "a percentage above 0 and up to 1000, with at most four decimals, goes "
    "with the method PERCENT_CHANGE and with no other",
    OrderProblem.ALLOCATION_ACCOUNT_UNKNOWN: "the adviser trades for no such account of the tenant",
    OrderProblem.ALLOCATION_QUANTITY_SHORT: "the percentage of what the accounts hold comes to more than the quantity, "
    "or to nothing",
}


class OrderHistoryTooLongError(OmsError):
    """The orders asked for have more executions, requests or events together than one answer holds."""

    code = "ORDER_HISTORY_TOO_LONG"

    def __init__(self, limit: int) -> None:
        super().__init__(f"These orders have more than {limit} entries of that kind: ask for fewer orders at once.")


class OrderUnknownError(OmsError):
    """The tenant has no such order; another tenant's is answered alike."""

    code = "ORDER_NOT_FOUND"

    def __init__(self, *path: str) -> None:
        super().__init__("There is no such order.", path=path)


class OrdersTooManyError(OmsError):
    """More orders fit than are handled at once; none was touched."""

    code = "ORDERS_TOO_MANY"

    def __init__(self, count: int, limit: int) -> None:
        message = f"{count} orders fit, and at most {limit} are handled at once: narrow the filter."
        super().__init__(message, path=["filter"], count=count, limit=limit)


class OrderNotReplayableError(OmsError):
    """The order was placed before its events told all that a replay needs, so its past cannot be shown."""

    code = "ORDER_NOT_REPLAYABLE"

    def __init__(self, order_id: UUID) -> None:
        super().__init__(f"The past of order {order_id} is not known: leave asOf out.", path=["asOf"])
