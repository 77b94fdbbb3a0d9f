"""The names of what happens to an order, as the event log and its subscribers read them."""

from enum import StrEnum


class OrderEventType(StrEnum):
    """Types of the order event log, past tense; a value is never renamed."""

    ORDER_PLACED = "OrderPlaced"
    ORDER_ROUTED = "OrderRouted"
    ORDER_HELD = "OrderHeld"
    ORDER_APPROVAL_REQUESTED = "OrderApprovalRequested"
    ORDER_APPROVED = "OrderApproved"
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


MEANING: dict[OrderEventType, str] = {
    OrderEventType.ORDER_PLACED: "The order is stored, has passed its checks and is on its way to the broker.",
    OrderEventType.ORDER_ROUTED: "An order that was held is on its way to the broker now.",
    OrderEventType.ORDER_HELD: "The order is stored and waits: the account's connection is not open to new orders.",
    OrderEventType.ORDER_APPROVAL_REQUESTED: "The order has passed its checks and waits for a second person; "
    "`details.approval` says why and until when.",
    OrderEventType.ORDER_APPROVED: "A second person let the order go, and it passed its checks again.",
    OrderEventType.ORDER_REJECTED: "The order is refused, by us or by the broker; `reason` has the words.",
    OrderEventType.ORDER_ACCEPTED: "The broker has acknowledged the order: it works.",
    OrderEventType.ORDER_IMPORTED: "An order that we did not place was found at the broker and counts from now on.",
    OrderEventType.ORDER_CANCELED: "The order is over by a cancel; it may have fills.",
    OrderEventType.ORDER_EXPIRED: "The order is over because its time in force is; it may have fills.",
    OrderEventType.ORDER_IN_DOUBT: "It is not known what the broker holds; a query decides.",
    OrderEventType.CANCEL_REQUESTED: "A cancel is asked for.",
    OrderEventType.CANCEL_REFUSED: "The broker does not cancel the order: it works on.",
    OrderEventType.REPLACE_REQUESTED: "Other terms are asked for; the old ones hold until the broker agrees.",
    OrderEventType.ORDER_REPLACED: "The broker has agreed to other terms; `version` has grown.",
    OrderEventType.REPLACE_REFUSED: "The broker does not take the other terms: the order works on its old ones.",
    OrderEventType.EXECUTION_BOOKED: "Part of the order was dealt; it moved the position.",
    OrderEventType.EXECUTION_CORRECTED: "The broker has restated an execution; the position follows.",
    OrderEventType.EXECUTION_BUSTED: "The broker has taken an execution back; the position follows.",
    OrderEventType.COMMISSION_BOOKED: "The broker has told what an execution cost.",
}
