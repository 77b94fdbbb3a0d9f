"""The one door to the client library: picks ib_insync or ib_async, and takes from it the socket and the decoder alone.

Of the library we use `Client` (framing, handshake, encoder) and its decoder with callbacks of our own. The layer above
them keeps every order for ever, lets a status of its own making overrule the broker's and swallows what handlers raise.
"""

import asyncio
import dataclasses
import logging
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, Final, Literal, Protocol

from app.brokers.ib.contracts import QueryFields
from app.brokers.ib.raw import RawOrder
from app.brokers.ib.reading import OPEN_ORDER, Frames, open_orders
from app.brokers.ib.translate import ContractFields, OrderFields

log = logging.getLogger(__name__)

TIMES_KEPT: Final = 1_024

LibraryName = Literal["ib_insync", "ib_async"]


class Transport(Protocol):
    """The socket below the library."""

    def abort(self) -> None:
        """Close at once, without waiting for what was not sent."""
        ...


class Client(Protocol):
    """What we use of the library's client: the TWS requests by their own names."""

    conn: Any
    decoder: Any
    apiError: Any
    connState: int

    async def connectAsync(self, host: str, port: int, clientId: int, timeout: float | None) -> None: ...  # noqa: ASYNC109 - the library's own signature
    def disconnect(self) -> None: ...
    def isReady(self) -> bool: ...
    def serverVersion(self) -> int: ...
    def getAccounts(self) -> list[str]: ...
    def placeOrder(self, orderId: int, contract: Any, order: Any) -> None: ...
    def cancelOrder(self, orderId: int) -> None: ...
    def reqAllOpenOrders(self) -> None: ...
    def reqAutoOpenOrders(self, bAutoBind: bool) -> None: ...
    def reqCompletedOrders(self, apiOnly: bool) -> None: ...
    def reqExecutions(self, reqId: int, execFilter: Any) -> None: ...
    def reqPositions(self) -> None: ...
    def reqAccountUpdates(self, subscribe: bool, acctCode: str) -> None: ...
    def reqPnL(self, reqId: int, account: str, modelCode: str) -> None: ...
    def reqCurrentTime(self) -> None: ...
    def reqMarketDataType(self, marketDataType: int) -> None: ...
    def reqMktData(
        self,
        reqId: int,
        contract: Any,
        genericTickList: str,
        snapshot: bool,
        regulatorySnapshot: bool,
        mktDataOptions: list[Any],
    ) -> None: ...
    def cancelMktData(self, reqId: int) -> None: ...
    def reqContractDetails(self, reqId: int, contract: Any) -> None: ...
    def reqMatchingSymbols(self, reqId: int, pattern: str) -> None: ...
    def reqMarketRule(self, marketRuleId: int) -> None: ...
    def reqSecDefOptParams(
        self, reqId: int, underlyingSymbol: str, futFopExchange: str, underlyingSecType: str, underlyingConId: int
    ) -> None: ...
    def reqHistoricalData(
        self,
        reqId: int,
        contract: Any,
        endDateTime: str,
        durationStr: str,
        barSizeSetting: str,
        whatToShow: str,
        useRTH: bool,
        formatDate: int,
        keepUpToDate: bool,
        chartOptions: list[Any],
    ) -> None: ...
    def cancelHistoricalData(self, reqId: int) -> None: ...
    def reqRealTimeBars(
        self,
        reqId: int,
        contract: Any,
        barSize: int,
        whatToShow: str,
        useRTH: bool,
        realTimeBarsOptions: list[Any],
    ) -> None: ...
    def cancelRealTimeBars(self, reqId: int) -> None: ...
    def reqTickByTickData(
        self, reqId: int, contract: Any, tickType: str, numberOfTicks: int, ignoreSize: bool
    ) -> None: ...
    def cancelTickByTickData(self, reqId: int) -> None: ...
    def reqHistoricalTicks(
        self,
        reqId: int,
        contract: Any,
        startDateTime: str,
        endDateTime: str,
        numberOfTicks: int,
        whatToShow: str,
        useRth: bool,
        ignoreSize: bool,
        miscOptions: list[Any],
    ) -> None: ...


class Unreadable(Protocol):
    """Told of each message that the decoder could not read."""

    def unreadable(self, detail: str) -> None:
        """A message was lost on us."""
        ...


class _DecoderLog(logging.LoggerAdapter[logging.Logger]):
    """The decoder's logger: it swallows what it cannot decode and says so only here."""

    def __init__(self, logger: logging.Logger, listener: Unreadable) -> None:
        super().__init__(logger, {})
        self._listener = listener

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        super().exception(msg, *args, **kwargs)
        self._listener.unreadable(str(msg))


_CONVERTERS: Final[dict[type, Callable[[str], Any]]] = {int: int, float: float, bool: lambda text: bool(int(text))}
# What is read of an order: an openOrder has a hundred numbers more, and converting them all took longer than the rest.
_READ_OF: Final = {"Order": frozenset(RawOrder.__annotations__)}


@cache
def _numbers_of(kind: type) -> tuple[tuple[str, Callable[[str], Any], Any], ...]:
    read = _READ_OF.get(kind.__name__)
    return tuple(
        (field.name, _CONVERTERS[type(field.default)], field.default)
        for field in dataclasses.fields(kind)
        if type(field.default) in _CONVERTERS and (read is None or field.name in read)
    )


def _parse(decoded: Any) -> None:
    # The decoder's own looks every field up by reflection, for each message.
    for name, convert, default in _numbers_of(decoded.__class__):
        text = getattr(decoded, name)
        setattr(decoded, name, convert(text) if text else default)


class _Gathered:
    """Messages of one turn of the loop in one write: the library's own takes a call of the kernel for each."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._waiting: list[bytes] = []

    def send(self, message: bytes) -> None:
        if self._connection.transport is None:
            return
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._write)
        self._waiting.append(message)

    def _write(self) -> None:
        messages, self._waiting = self._waiting, []
        if self._connection.transport is not None:
            self._connection.transport.write(b"".join(messages))


class Library:
    """The chosen library: makes clients, and the objects that their requests take."""

    def __init__(self, name: LibraryName) -> None:
        self.name = name
        self._module: Any = _load(name)
        decoder = self._module.decoder
        if not hasattr(decoder.parseIBDatetime, "cache_info"):
            # The executions of one second carry one text.
            decoder.parseIBDatetime = lru_cache(TIMES_KEPT)(decoder.parseIBDatetime)
        # It tells each connect and disconnect as an error of its own; what they mean is told by the connector.
        logging.getLogger(name).setLevel(logging.CRITICAL)

    def client(self, callbacks: Unreadable) -> Client:
        """A new client whose decoder calls `callbacks` by the names of the TWS API.

        Its own throttle is off: it is one FIFO that loses what it holds when the socket drops. Ours stands before it.
        """
        client: Any = self._module.client.Client(callbacks)
        client.MaxRequests = 0
        client.decoder.logger = _DecoderLog(log, callbacks)
        client.decoder.parse = _parse
        client.decoder.handlers[OPEN_ORDER] = open_orders(client.decoder)
        client.conn.sendMsg = _Gathered(client.conn).send
        client.conn.data_received = Frames(client).received
        accepted: Client = client
        return accepted

    def order(self, fields: OrderFields, *, is_what_if: bool = False) -> Any:
        """An order of the library's, or the question what such an order would do."""
        order = self._module.Order(
            action=fields.action,
            orderType=fields.orderType,
            totalQuantity=fields.totalQuantity,
            tif=fields.tif,
            goodTillDate=fields.goodTillDate,
            outsideRth=fields.outsideRth,
            account=fields.account,
            orderRef=fields.orderRef,
            ocaGroup=fields.ocaGroup,
            ocaType=fields.ocaType,
            whatIf=is_what_if,
        )
        if fields.lmtPrice is not None:
            order.lmtPrice = fields.lmtPrice
        if fields.auxPrice is not None:
            order.auxPrice = fields.auxPrice
        return order

    def contract(self, fields: ContractFields) -> Any:
        """A contract of the library's."""
        return self._module.Contract(
            conId=fields.conId,
            symbol=fields.symbol,
            secType=fields.secType,
            exchange=fields.exchange,
            currency=fields.currency,
        )

    def query(self, fields: QueryFields) -> Any:
        """A contract of the library's that is asked for."""
        return self._module.Contract(**dataclasses.asdict(fields))

    def execution_filter(self, account: str) -> Any:
        """The filter of an account's executions of today."""
        return self._module.ExecutionFilter(acctCode=account)


def _load(name: LibraryName) -> Any:
    if name == "ib_insync":
        import ib_insync

        return ib_insync
    import ib_async

    return ib_async
