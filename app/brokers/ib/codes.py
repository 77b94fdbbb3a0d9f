"""What Interactive Brokers' error codes mean: one table, a line for each code, with the words it comes with.

Source: SOURCE, unless a line says otherwise.
"""

from dataclasses import dataclass

from app.brokers.port import ConnectionEvent
from app.core.messages import FaultClass

_REJECTED = FaultClass.ORDER_REJECTED
_BY_STATE = FaultClass.REJECTED_BY_STATE
_REPLACE = FaultClass.REPLACE_REJECTED
_CANCEL = FaultClass.CANCEL_REJECTED
_CONFIRMED = FaultClass.CANCEL_CONFIRMED
_INFORMATION = FaultClass.INFORMATION
_CONNECTIVITY = FaultClass.CONNECTIVITY

# The texts are IB's, from its page of message codes. "observed": seen in public reports of users, not on that page.
CODES: dict[int, tuple[FaultClass, str]] = {
    100: (_CONNECTIVITY, "Max rate of messages per second has been exceeded."),
    103: (_BY_STATE, "Duplicate order ID."),
    104: (_REPLACE, "Can't modify a filled order."),
    105: (_REPLACE, "Order being modified does not match original order."),
    106: (_REJECTED, "Can't transmit order ID:"),
    107: (_REJECTED, "Cannot transmit incomplete order."),
    109: (_REJECTED, "Price is out of the range defined by the Percentage setting at order defaults frame."),
    110: (_BY_STATE, "The price does not conform to the minimum price variation for this contract."),
    111: (_REJECTED, "The TIF (Tif type) and the order type are incompatible."),
    113: (_REJECTED, "The Tif option should be set to DAY for MOC and LOC orders."),
    114: (_REJECTED, "Relative orders are valid for stocks only."),
    115: (_REJECTED, "Relative orders for US stocks can only be submitted to SMART, SMART_ECN, INSTINET, or PRIMEX."),
    116: (_REJECTED, "The order cannot be transmitted to a dead exchange."),
    117: (_REJECTED, "The block order size must be at least 50."),
    118: (_REJECTED, "VWAP orders must be routed through the VWAP exchange."),
    119: (_REJECTED, "Only VWAP orders may be placed on the VWAP exchange."),
    120: (_REJECTED, "It is too late to place a VWAP order for today."),
    121: (_REJECTED, 'Invalid BD flag for the order. Check "Destination" and "BD" flag.'),
    122: (_REJECTED, "No request tag has been found for order:"),
    123: (_REJECTED, "No record is available for conid:"),
    124: (_REJECTED, "No market rule is available for conid:"),
    125: (_REJECTED, "Buy price must be the same as the best asking price."),
    126: (_REJECTED, "Sell price must be the same as the best bidding price."),
    127: (_REJECTED, "Linkage orders are not supported on this exchange."),
    128: (_REJECTED, "Linkage customers cannot submit non-linkage orders for options."),
    129: (_REJECTED, "VWAP orders must be submitted at least three minutes before the start time."),
    131: (_REJECTED, "The sweep-to-fill flag and display size are only valid for US stocks routed through SMART."),
    132: (_REJECTED, "This order cannot be transmitted without a clearing account."),
    133: (_REJECTED, "Submit new order failed."),
    134: (_REPLACE, "Modify order failed."),
    135: (_CANCEL, "Can't find order with ID ="),
    136: (_CANCEL, "This order cannot be cancelled."),
    137: (_REJECTED, "VWAP orders can only be cancelled up to three minutes before the start time."),
    161: (_CANCEL, "Cancel attempted when order is not in a cancellable state. Order permId ="),
    200: (_REJECTED, "No security definition has been found for the request."),
    201: (_REJECTED, "Order rejected - Reason:"),
    202: (_CONFIRMED, "Order cancelled - Reason:"),
    321: (_BY_STATE, "Server error when validating an API client request."),
    326: (_CONNECTIVITY, "Unable to connect as the client id is already in use. Retry with a unique client id."),
    329: (_REPLACE, "Order modify failed. Cannot change to the new order type."),
    399: (_INFORMATION, "Order message error"),
    404: (_INFORMATION, "Order held while securities are located."),
    434: (_INFORMATION, "The order size cannot be zero."),
    460: (_REJECTED, "No trading permissions."),
    492: (_INFORMATION, "observed: told beside an order that goes on; both client libraries take it as a warning"),
    502: (_CONNECTIVITY, "Couldn't connect to TWS."),
    504: (_CONNECTIVITY, "Not connected"),
    1100: (_CONNECTIVITY, "Connectivity between IB and the TWS has been lost."),
    1101: (_CONNECTIVITY, "Connectivity between IB and TWS has been restored- data lost."),
    1102: (_CONNECTIVITY, "Connectivity between IB and TWS has been restored- data maintained."),
    1300: (_CONNECTIVITY, "TWS socket port has been reset and this connection is being dropped."),
    2103: (_CONNECTIVITY, "A market data farm is disconnected."),
    2104: (_CONNECTIVITY, "Market data farm connection is OK"),
    2105: (_CONNECTIVITY, "A historical data farm is disconnected."),
    2106: (_CONNECTIVITY, "A historical data farm is connected."),
    2107: (_CONNECTIVITY, "A historical data farm connection has become inactive but should be available upon demand."),
    2108: (_CONNECTIVITY, "A market data farm connection has become inactive but should be available upon demand."),
    2109: (_INFORMATION, 'Order Event Warning: Attribute "Outside Regular Trading Hours" is ignored.'),
    2110: (_CONNECTIVITY, "Connectivity between TWS and server is broken. It will be restored automatically."),
    2158: (_CONNECTIVITY, "Sec-def data farm connection is OK"),
    10147: (_CANCEL, "observed: OrderId ... that needs to be cancelled is not found."),
    10148: (_CANCEL, "OrderId that needs to be cancelled can not be cancelled, state:"),
    10167: (_INFORMATION, "Requested market data is not subscribed. Displaying delayed market data."),
    10349: (_INFORMATION, "observed: Order TIF was set to DAY based on order preset."),
}

# What each class of codes does, as orders.md has it; the reference page of codes is made of this.
EFFECTS: dict[FaultClass, str] = {
    _REJECTED: "a new order ends REJECTED with rejectOrigin BROKER; of one that works the outstanding modify is "
    "refused, one that was dealt in part is in doubt",
    _BY_STATE: "a new order ends REJECTED with rejectOrigin BROKER; of one that works the outstanding modify is "
    "refused and it lives on its old terms, without a modify it is in doubt",
    _REPLACE: "the modify is refused and the order lives on its old terms; without a modify the order is in doubt",
    _CANCEL: "the order is in doubt and the broker is asked; the cancel is refused at once by 136 and 161, else it "
    "stays open until the answer",
    _CONFIRMED: "the order ends CANCELED, or EXPIRED where its life had ended and nobody asked",
    _INFORMATION: "logged; nothing changes",
    _CONNECTIVITY: "the state of the connection; no order changes",
    FaultClass.UNKNOWN: "the order is in doubt, and the broker is asked; never a cancel",
}

OBSERVED = "observed: "
SOURCE = "https://interactivebrokers.github.io/tws-api/message_codes.html"

_WARNINGS = range(2100, 2200)

_EVENTS: dict[int, ConnectionEvent] = {
    100: ConnectionEvent.THROTTLED,
    1100: ConnectionEvent.UPSTREAM_LOST,
    1101: ConnectionEvent.UPSTREAM_RESET,
    1102: ConnectionEvent.UPSTREAM_RESTORED,
    1300: ConnectionEvent.LOST,
    2103: ConnectionEvent.FEED_DOWN,
    2104: ConnectionEvent.FEED_UP,
    2108: ConnectionEvent.FEED_UP,
    2110: ConnectionEvent.UPSTREAM_LOST,
}

EVENT_EFFECTS: dict[ConnectionEvent, str] = {
    ConnectionEvent.THROTTLED: "sending pauses for a second",
    ConnectionEvent.UPSTREAM_LOST: "new orders wait, the session stays",
    ConnectionEvent.UPSTREAM_RESTORED: "resynchronise, then new orders leave",
    ConnectionEvent.UPSTREAM_RESET: "resynchronise and renew every market data line, then new orders leave",
    ConnectionEvent.FEED_DOWN: "quotes may be stale; the order path goes on",
    ConnectionEvent.FEED_UP: "quotes are back",
    ConnectionEvent.LOST: "the session ended: connect again",
    ConnectionEvent.UNREADABLE: "resynchronise",
}

CLIENT_ID_TAKEN = 326


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeMeaning:
    """What a code does: to an order, and to the way to the broker."""

    fault: FaultClass
    event: ConnectionEvent | None


def meaning_of(code: int) -> CodeMeaning:
    """What the code means. A code that nobody wrote down is UNKNOWN: about an order it asks for a query."""
    line = CODES.get(code)
    if line is not None:
        return CodeMeaning(fault=line[0], event=_EVENTS.get(code))
    if code in _WARNINGS:
        return CodeMeaning(fault=FaultClass.INFORMATION, event=None)
    return CodeMeaning(fault=FaultClass.UNKNOWN, event=None)
