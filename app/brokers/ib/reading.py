"""The way from the socket to the library's decoder, and past it for the one message that costs most.

The library copies all that it has left for each message, and takes an openOrder apart into a hundred and thirty
attributes of which we read twenty. Everything that is out of the ordinary goes the library's own way.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

OPEN_ORDER: Final = 5
_LENGTH: Final = 4
_FA_PROFILE_UNTIL: Final = 177
# Of deltaNeutralOrderType, the string "None" included, follow eight fields more.
_DELTA_NEUTRAL: Final = 62
_DELTA_NEUTRAL_FIELDS: Final = 8
_NO_SCALE: Final = frozenset({"", "0", "0.0", "1.7976931348623157E308"})


class Frames:
    """Cuts what a socket brings into messages, once the library has the session going."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._begin: Callable[[bytes], None] = client._onSocketHasData
        self._buffer = bytearray()
        self._is_begun = False

    def received(self, data: bytes) -> None:
        """Takes bytes, and has the decoder interpret each message that is whole."""
        client = self._client
        if not self._is_begun:
            # Handshake, account list and first order id are the library's.
            self._begin(data)
            if not client.isReady():
                return
            self._is_begun = True
            data, client._data = client._data, b""
        buffer = self._buffer
        buffer += data
        start, size = 0, len(buffer)
        interpret = client.decoder.interpret
        try:
            while size - start >= _LENGTH:
                end = start + _LENGTH + int.from_bytes(buffer[start : start + _LENGTH])
                if end > size:
                    break
                fields = buffer[start + _LENGTH : end].decode(errors="backslashreplace").split("\0")
                start = end
                fields.pop()
                interpret(fields)
        finally:
            del buffer[:start]


@dataclass(slots=True, kw_only=True)
class PlainOrder:
    """What is read of an order without legs, conditions, algorithms and scales; prices are text as they came."""

    account: str
    orderId: int
    clientId: int
    permId: int
    orderRef: str
    action: str
    orderType: str
    totalQuantity: str
    lmtPrice: str
    auxPrice: str
    tif: str
    goodTillDate: str
    filledQuantity: str
    whatIf: bool
    faGroup: str
    faMethod: str
    faPercentage: str


@dataclass(slots=True, kw_only=True)
class PlainContract:
    """What is read of the contract of an order."""

    conId: int
    symbol: str


@dataclass(slots=True, kw_only=True)
class PlainState:
    """The state beside a plain order."""

    status: str


def open_orders(decoder: Any) -> Callable[[list[str]], None]:
    """Reads openOrder (5): what is plain at a glance, the rest through the library's decoder."""
    whole: Callable[[list[str]], None] = decoder.handlers[OPEN_ORDER]

    def read(fields: list[str]) -> None:
        plain = _plain_order(fields, decoder.serverVersion)
        if plain is None:
            whole(fields)
        else:
            contract, order, state = plain
            decoder.wrapper.openOrder(order.orderId, contract, order, state)

    return read


def _plain_order(fields: list[str], version: int) -> tuple[PlainContract, PlainOrder, PlainState] | None:
    # Positions of server version 176; one field was left out since.
    moved = 0 if version < _FA_PROFILE_UNTIL else -1
    try:
        at = moved if fields[_DELTA_NEUTRAL + moved] else moved - _DELTA_NEUTRAL_FIELDS
        if (
            fields[79 + at : 82 + at] != ["0", "0", "0"]  # legs, their prices, routing parameters
            or fields[84 + at] not in _NO_SCALE
            or fields[85 + at]  # hedge
            or fields[90 + at] != "0"  # delta neutral contract
            or fields[91 + at]  # algorithm
            or fields[93 + at] != "0"  # what-if
        ):
            return None
        order = PlainOrder(
            account=fields[20],
            orderId=int(fields[1] or 0),
            clientId=int(fields[24] or 0),
            permId=int(fields[25] or 0),
            orderRef=fields[23],
            action=fields[13],
            orderType=fields[15],
            totalQuantity=fields[14] or "0",
            lmtPrice=fields[16],
            auxPrice=fields[17],
            tif=fields[18],
            goodTillDate=fields[36 + moved],
            filledQuantity="0",
            whatIf=False,
            faGroup=fields[31],
            faMethod=fields[32],
            faPercentage=fields[33],
        )
        contract = PlainContract(conId=int(fields[2] or 0), symbol=fields[3])
        return contract, order, PlainState(status=fields[94 + at])
    except (IndexError, ValueError):
        return None
