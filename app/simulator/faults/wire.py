"""Messages on their way: an outgoing frame or an incoming request as fields, and which order it is about."""

from collections.abc import Iterator, Sequence

from app.simulator.wire import encode, take_frame

MESSAGES = {
    "tickPrice": "1",
    "tickSize": "2",
    "orderStatus": "3",
    "error": "4",
    "openOrder": "5",
    "accountValue": "6",
    "nextValidId": "9",
    "contractDetails": "10",
    "execDetails": "11",
    "currentTime": "49",
    "openOrderEnd": "53",
    "accountDownloadEnd": "54",
    "execDetailsEnd": "55",
    "commissionReport": "59",
    "position": "61",
    "positionEnd": "62",
    "completedOrder": "101",
    "completedOrdersEnd": "102",
}
"""What the server says, by the API's names: the names that faults use."""

ORDER_STATUS, ERROR, OPEN_ORDER, NEXT_VALID_ID = "3", "4", "5", "9"
EXECUTION, COMMISSION = "11", "59"

PLACE_ORDER, CANCEL_ORDER, START_API, MARKET_DATA = "3", "4", "71", "1"

STATUS_OF_STATUS, FILLED_OF_STATUS, PERM_ID_OF_STATUS, WHY_HELD_OF_STATUS = 2, 3, 6, 10
PERM_ID_OF_OPEN_ORDER = 25
PERM_ID_OF_EXECUTION, EXECUTION_ID_OF_EXECUTION, REQUEST_OF_EXECUTION = 21, 14, 1
EXECUTION_ID_OF_COMMISSION, COMMISSION_OF_COMMISSION = 2, 3
LIVE_REQUEST = "-1"

_PERM_ID_AT = {
    ORDER_STATUS: PERM_ID_OF_STATUS,
    OPEN_ORDER: PERM_ID_OF_OPEN_ORDER,
    EXECUTION: PERM_ID_OF_EXECUTION,
}
_ORDER_STATES = frozenset({"PreSubmitted", "Submitted", "PendingCancel", "Filled", "Cancelled", "Inactive"})


class Message:
    """One message the server is about to send; its fields may be changed in place."""

    __slots__ = ("fields",)

    def __init__(self, fields: list[str]) -> None:
        self.fields = fields

    @property
    def kind(self) -> str:
        """The message's number, as text."""
        return self.fields[0]

    @property
    def perm_id(self) -> int:
        """The permanent id of the order that it tells of; 0 where it tells of none."""
        place = _PERM_ID_AT.get(self.kind)
        return int(self.fields[place]) if place is not None else 0

    @property
    def status(self) -> str:
        """The order's status that it tells; empty where it tells none."""
        if self.kind == ORDER_STATUS:
            return self.fields[STATUS_OF_STATUS]
        return self.fields[place] if (place := self._status_place()) else ""

    @status.setter
    def status(self, value: str) -> None:
        place = STATUS_OF_STATUS if self.kind == ORDER_STATUS else self._status_place()
        if place:
            self.fields[place] = value

    @property
    def is_live_execution(self) -> bool:
        """True for an execution told as it happens, not as the answer to a question."""
        return self.kind == EXECUTION and self.fields[REQUEST_OF_EXECUTION] == LIVE_REQUEST

    def set_perm_id(self, perm_id: int) -> None:
        """Tell another permanent id."""
        self.fields[_PERM_ID_AT[self.kind]] = str(perm_id)

    def copy(self) -> "Message":
        """The same message once more."""
        return Message(list(self.fields))

    def encoded(self) -> bytes:
        """The frame."""
        return encode(*self.fields)

    def _status_place(self) -> int:
        # Its place differs by server version and by what is attached; no other field holds one of these words.
        if self.kind != OPEN_ORDER:
            return 0
        return next((place for place in range(60, len(self.fields)) if self.fields[place] in _ORDER_STATES), 0)


class Request:
    """One message of a client, read as far as faults need it."""

    __slots__ = ("fields",)

    def __init__(self, fields: Sequence[str]) -> None:
        self.fields = fields

    @property
    def kind(self) -> str:
        """The message's number, as text."""
        return self.fields[0]

    @property
    def order_id(self) -> int:
        """The order id that a placeOrder or a cancelOrder names."""
        return self.number(1 if self.kind == PLACE_ORDER else 2)

    @property
    def is_about_order(self) -> bool:
        """True for placeOrder and cancelOrder."""
        return self.kind in {PLACE_ORDER, CANCEL_ORDER} and len(self.fields) > 2

    def at(self, place: int) -> str:
        """The field at this place; empty where the message is shorter."""
        return self.fields[place] if place < len(self.fields) else ""

    def number(self, place: int) -> int:
        """The field at this place as a whole number; 0 where it is none."""
        field = self.at(place)
        return int(field) if field.isascii() and field.isdigit() else 0


def messages_of(data: bytes) -> Iterator[Message]:
    """The messages in one or several frames."""
    buffer = bytearray(data)
    while (payload := take_frame(buffer)) is not None:
        yield Message(payload.decode().split("\0")[:-1])
