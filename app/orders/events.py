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
    ORDER_CLAIMED = "OrderClaimed"
    ORDER_CONFIRMED = "OrderConfirmed"
    ORDER_RESIZED = "OrderResized"
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
    ORDER_ALLOCATED = "OrderAllocated"


EXECUTION_EVENTS: frozenset[str] = frozenset(
    {
        OrderEventType.EXECUTION_BOOKED,
        OrderEventType.EXECUTION_CORRECTED,
        OrderEventType.EXECUTION_BUSTED,
    }
)
"""The events that tell of an execution."""

MEANING: dict[OrderEventType, str] = {
    OrderEventType.ORDER_PLACED: "The order is stored, has passed its checks and is on its way to the broker.",
    OrderEventType.ORDER_ROUTED: "An order that was held is on its way to the broker now.",
    OrderEventType.ORDER_HELD: "The order is stored and waits: for the connection, its release, its entry or exits.",
    OrderEventType.ORDER_APPROVAL_REQUESTED: "The order has passed its checks and waits for a second person; "
    "`details.approval` says why and until when.",
    OrderEventType.ORDER_APPROVED: "A second person let the order go, and it passed its checks again.",
    OrderEventType.ORDER_REJECTED: "The order is refused, by us or by the broker; `reason` has the words.",
    OrderEventType.ORDER_ACCEPTED: "The broker has acknowledged the order: it works.",
    OrderEventType.ORDER_IMPORTED: "An order that we did not place was found at the broker and counts from now on.",
    OrderEventType.ORDER_CLAIMED: "A person has taken an order on that was placed outside; `reason` is their note.",
    OrderEventType.ORDER_CONFIRMED: "The broker has told more of the order, and its state stays: see `details`.",
    OrderEventType.ORDER_RESIZED: "A linked order that has not left, or a close that waits for exits, follows the "
    "fills of the others.",
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
    OrderEventType.ORDER_ALLOCATED: "The broker has given an account its share of an adviser's block, or restated it; "
    "the share is an order of that account, where the tenant has the account.",
}

_TERMS = {
    "quantity": "how much is asked for",
    "limitPrice": "the limit, null without one",
    "stopPrice": "the trigger, null without one",
    "trailingAmount": "the distance of a trailing stop, null without one",
    "timeInForce": "how long it works",
    "expiresAt": "until when it works, null without a date",
}
_PLACEMENT = {
    "clientOrderId": "the client's own id",
    "instrumentId": "what is traded",
    "side": "BUY or SELL",
    "orderType": "the type",
    **_TERMS,
    "origin": "who brought it into the house",
    "postOnly": "true; left out otherwise",
    "outsideRegularHours": "true; left out otherwise",
    "metadata": "the client's own document; left out when empty",
    "linkRole": "what it is among the orders that it hangs with; left out, with the three below, for one that is alone",
    "parentId": "the entry that it is an exit of, null for others",
    "ocaGroup": "what the broker knows its group by, null for an entry",
    "groupQuantity": "what the legs of a pair deal together, null for others",
    "closesPosition": "true; left out otherwise",
    "closeId": "its own id, for a close or reversal that waits for the orders that make way for it; left out otherwise",
    "waitsFor": "the ids of the resting orders that were canceled in favour of it and that it waits for; left out "
    "otherwise",
    "partOf": "the close or reversal that it is a part of, which went as far as nothing covered it; left out otherwise",
    "staged": "true; left out otherwise",
    "releaseAt": "when it is released of itself, null without a time; left out where it is not staged",
    "allocation": "of an adviser's block: `group`, and where they were said `method` and `percentage`; left out "
    "otherwise",
    "blockId": "the block that it is an account's share of; left out otherwise",
    "arrival": "the newest quote when it was taken: `bid`, `ask`, `last`, as far as known, and `quotedAt`; left out "
    "without one",
}
_SIZED = {"orderQuantity": "the quantity that a linked order has from now on; left out where it stays"}
_RELEASED = {"staged": "false, when it was released"}
_REJECTION = {"rejectOrigin": "OMS or BROKER", "code": "why, as a stable code or the broker's number"}
_REQUEST = {"requestId": "the id of the cancel or replace"}
_EXECUTION = {
    "executionId": "the broker's id of this revision",
    "executionKey": "our id of it",
    "root": "the id that all revisions of one execution share, where it is not `executionId` up to its last dot; the "
    "highest revision that came holds",
    "revision": "its revision, where it is not the number behind the last dot of `executionId`",
    "quantity": "what was dealt, zero for a bust",
    "price": "at what price, per unit",
    "filledQuantity": "the order's cumulative quantity behind it",
    "side": "the side, where it is not the order's",
    "liquidity": "the broker's word for it; left out when it told none",
    "realizedPnl": "what it realized, before commissions, in the instrument's currency; left out for a restatement",
    "baseRate": "what one unit of the instrument's currency was worth in the account's base currency, null where no "
    "rate was known",
    "orderQuantity": "the quantity of an imported order or of a share, where it follows what was seen of it",
}

ANY_DETAILS: dict[str, str] = {
    "permanentId": "the broker's permanent id, once, when it is learnt",
    "brokerClientId": "the session that the order was sent in, once, when it leaves ROUTED",
    "brokerOrderId": "the number that it was sent under, once, when it leaves ROUTED",
    "inDoubt": "false, when it is known again what the broker holds",
    "resolved": "the cancels and replaces that have their outcome with it: `requestId`, `outcome` and, where there is "
    "one, `reason` of each",
}
"""What `details` of any event may hold besides its own."""

DETAILS: dict[OrderEventType, dict[str, str]] = {
    OrderEventType.ORDER_PLACED: _PLACEMENT,
    OrderEventType.ORDER_ROUTED: {**_SIZED, **_RELEASED},
    OrderEventType.ORDER_HELD: _PLACEMENT,
    OrderEventType.ORDER_RESIZED: _SIZED,
    OrderEventType.ORDER_APPROVAL_REQUESTED: {
        **_PLACEMENT,
        "approval": "the policies that it met: `policyId`, `policyVersion`, `reasons` and `expiresAt` of each",
    },
    OrderEventType.ORDER_APPROVED: {"decision": "APPROVED"},
    OrderEventType.ORDER_REJECTED: {**_PLACEMENT, **_REJECTION, "decision": "APPROVED or REFUSED, after approval"},
    OrderEventType.ORDER_ACCEPTED: {},
    OrderEventType.ORDER_IMPORTED: _PLACEMENT,
    OrderEventType.ORDER_CLAIMED: {
        "metadata": "the document that it has from now on",
        "managed": "whether cancels and modifies can be sent for it from here",
    },
    OrderEventType.ORDER_CONFIRMED: {},
    OrderEventType.ORDER_CANCELED: {"requestId": "the cancel, where the order had not left and is over with it"},
    OrderEventType.ORDER_EXPIRED: {},
    OrderEventType.ORDER_IN_DOUBT: {},
    OrderEventType.CANCEL_REQUESTED: _REQUEST,
    OrderEventType.CANCEL_REFUSED: {},
    OrderEventType.REPLACE_REQUESTED: {**_REQUEST, **_TERMS},
    OrderEventType.ORDER_REPLACED: {"version": "the version of the order from now on", **_TERMS},
    OrderEventType.REPLACE_REFUSED: {},
    OrderEventType.EXECUTION_BOOKED: _EXECUTION,
    OrderEventType.EXECUTION_CORRECTED: _EXECUTION,
    OrderEventType.EXECUTION_BUSTED: _EXECUTION,
    OrderEventType.COMMISSION_BOOKED: {
        "executionId": "the broker's id of the execution",
        "commission": "by how much what the order costs changed: of all revisions of an execution the highest whose "
        "commission was told is charged",
        "told": "what the broker told for this one",
        "currency": "in what currency",
        "commissionBase": "by how much in the account's base currency",
        "unconverted": "1 where no rate was known, -1 where a later telling has one, else 0",
    },
    OrderEventType.ORDER_ALLOCATED: {
        "accountNumber": "the account's number at the broker",
        "shareOfAccountId": "the account here, null where the tenant has none of the number",
        "shareId": "the order that the share is there, null where there is none",
        "executionId": "the broker's id of the share's execution in this revision",
        "root": "the id that all revisions of the execution share",
        "revision": "its revision; the highest holds",
        "quantity": "how much the account has of the block, zero where it was taken back",
        "price": "at what price, per unit",
    },
}
"""What `details` of each type hold. A rejection that does not begin the order's life has no placement."""
