"""The names of what happens to an order, as the event log and its subscribers read them."""

from enum import StrEnum


class OrderEventType(StrEnum):
    """Types of the order event log, past tense; a value is never renamed."""

    ORDER_PLACED = "OrderPlaced"
    ORDER_ROUTED = "OrderRouted"
    ORDER_HELD = "OrderHeld"
    ORDER_REJECTED = "OrderRejected"
    ORDER_ACCEPTED = "OrderAccepted"
    ORDER_IMPORTED = "OrderImported"
    ORDER_CANCELED = "OrderCanceled"
    ORDER_EXPIRED = "OrderExpired"
    ORDER_IN_DOUBT = "OrderInDoubt"
    CANCEL_REQUESTED = "CancelRequested"
    CANCEL_REFUSED = "CancelRefused"
    REPLACE_REQUESTED = "ReplaceRequested"
    ORDER_REPLACED = "OrderReplaced"
    REPLACE_REFUSED = "ReplaceRefused"
    EXECUTION_BOOKED = "ExecutionBooked"
    EXECUTION_CORRECTED = "ExecutionCorrected"
    EXECUTION_BUSTED = "ExecutionBusted"
    COMMISSION_BOOKED = "CommissionBooked"
