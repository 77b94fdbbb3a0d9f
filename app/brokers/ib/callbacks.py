"""What the decoder calls, by the names of the TWS API: each raw message is translated at once and passed on."""

from datetime import UTC
from types import SimpleNamespace
from typing import Protocol

from app.brokers.ib import translate
from app.brokers.ib.raw import RawCommission, RawContract, RawExecution, RawOrder, RawOrderState, RawWhatIfState
from app.brokers.ib.reference_callbacks import ReferenceCallbacks, ReferenceListener
from app.brokers.ib.stream_callbacks import StreamCallbacks, StreamListener
from app.core.clock import Clock
from app.core.messages import BrokerPosition, CommissionReport, ExecutionReport, StatusReport

LIVE_REQUEST = -1


class Listener(ReferenceListener, StreamListener, Protocol):
    """Who is told what the callbacks heard."""

    def heard_next_order_id(self, number: int) -> None: ...
    def heard_status(self, report: StatusReport) -> None: ...
    def heard_what_if(self, client_id: int, number: int, state: RawWhatIfState) -> None: ...
    def heard_completed(self, report: StatusReport) -> None: ...
    def heard_execution(self, report: ExecutionReport, request_id: int) -> None: ...
    def heard_commission(self, report: CommissionReport) -> None: ...
    def heard_error(self, request_id: int, code: int, message: str) -> None: ...
    def heard_value(self, key: str, value: str, currency: str) -> None: ...
    def heard_pnl(self, daily: float, unrealized: float, realized: float) -> None: ...
    def heard_position(self, position: BrokerPosition) -> None: ...
    def heard_end(self, part: str) -> None: ...
    def heard_price(self, request_id: int, tick_type: int, price: float, size: float) -> None: ...
    def heard_size(self, request_id: int, tick_type: int, size: float) -> None: ...
    def heard_unreadable(self, detail: str) -> None: ...
    def heard_disconnect(self) -> None: ...


class Callbacks(ReferenceCallbacks, StreamCallbacks):
    """The wrapper of the library's client. Messages of other accounts on the same gateway are left aside."""

    def __init__(self, listener: Listener, clock: Clock, account: str, timezone: str) -> None:
        self._listener: Listener = listener
        self._clock = clock
        self._account = account
        self._foreign_executions: dict[str, None] = {}
        # The decoder reads these for times that carry no zone.
        self.ib = SimpleNamespace(TimezoneTWS=timezone)
        self.defaultTimezone = UTC

    def unreadable(self, detail: str) -> None:
        self._listener.heard_unreadable(detail)

    def connectAck(self) -> None:
        """The handshake is done; nothing to do until the ids are in."""

    def setEventsDone(self) -> None:
        """The library's own subscriptions end; we hold none."""

    def connectionClosed(self) -> None:
        self._listener.heard_disconnect()

    def nextValidId(self, orderId: int) -> None:
        self._listener.heard_next_order_id(orderId)

    def orderStatus(
        self,
        orderId: int,
        status: str,
        filled: float,
        remaining: float,
        avgFillPrice: float,
        permId: int,
        parentId: int,
        lastFillPrice: float,
        clientId: int,
        whyHeld: str,
        mktCapPrice: float = 0.0,
    ) -> None:
        report = translate.status_report(
            status=status,
            filled=filled,
            address=translate.address_of(permanent_id=permId, client_id=clientId, order_id=orderId),
            occurred_at=self._clock.now(),
        )
        if report is None:
            self._listener.heard_unreadable(f"order status {status!r} of order {orderId}")
        else:
            self._listener.heard_status(report)

    def openOrder(self, orderId: int, contract: RawContract, order: RawOrder, orderState: RawWhatIfState) -> None:
        if order.whatIf:
            self._listener.heard_what_if(order.clientId, orderId, orderState)
            return
        if order.account != self._account:
            return
        report = translate.open_order_report(order, orderState, self._clock.now(), contract)
        if report is None:
            self._listener.heard_unreadable(f"status {orderState.status!r} of open order {orderId}")
        else:
            self._listener.heard_status(report)

    def completedOrder(self, contract: RawContract, order: RawOrder, orderState: RawOrderState) -> None:
        if order.account != self._account:
            return
        report = translate.completed_order_report(order, orderState, self._clock.now())
        if report is None:
            self._listener.heard_unreadable(f"status {orderState.status!r} of completed order {order.permId}")
        else:
            self._listener.heard_completed(report)

    def execDetails(self, reqId: int, contract: RawContract, execution: RawExecution) -> None:
        if execution.acctNumber != self._account:
            self._foreign_executions[execution.execId] = None
            if len(self._foreign_executions) > FOREIGN_EXECUTIONS_MAX:
                del self._foreign_executions[next(iter(self._foreign_executions))]
            return
        self._listener.heard_execution(translate.execution_report(contract, execution), reqId)

    def commissionReport(self, commissionReport: RawCommission) -> None:
        if commissionReport.execId not in self._foreign_executions:
            self._listener.heard_commission(translate.commission_report(commissionReport))

    def error(self, reqId: int, errorCode: int, errorString: str, advancedOrderRejectJson: str = "") -> None:
        self._listener.heard_error(reqId, errorCode, errorString)

    def updateAccountValue(self, key: str, val: str, currency: str, accountName: str) -> None:
        if accountName == self._account:
            self._listener.heard_value(key, val, currency)

    def accountSummary(self, reqId: int, account: str, tag: str, value: str, currency: str) -> None:
        if account == self._account:
            self._listener.heard_value(tag, value, currency)

    def pnl(self, reqId: int, dailyPnL: float, unrealizedPnL: float, realizedPnL: float) -> None:
        self._listener.heard_pnl(dailyPnL, unrealizedPnL, realizedPnL)

    def position(self, account: str, contract: RawContract, position: float, avgCost: float) -> None:
        if account == self._account:
            self._listener.heard_position(
                BrokerPosition(
                    contract_id=contract.conId,
                    symbol=contract.symbol,
                    quantity=translate.exact(position),
                    average_cost=translate.exact(avgCost),
                )
            )

    def updatePortfolio(self, *fields: object) -> None:
        """Positions valued at the market, told beside the account's values; we ask for positions alone."""

    def tickOptionComputation(self, *fields: object) -> None:
        """Greeks, told along with an option's quotes: not carried in a Tick."""

    def openOrderEnd(self) -> None:
        self._listener.heard_end(OPEN_ORDERS)

    def completedOrdersEnd(self) -> None:
        self._listener.heard_end(COMPLETED_ORDERS)

    def execDetailsEnd(self, reqId: int) -> None:
        self._listener.heard_end(EXECUTIONS)

    def positionEnd(self) -> None:
        self._listener.heard_end(POSITIONS)

    def accountDownloadEnd(self, accountName: str) -> None:
        self._listener.heard_end(ACCOUNT_VALUES)

    def currentTime(self, time: int) -> None:
        self._listener.heard_end(TIME)

    def priceSizeTick(self, reqId: int, tickType: int, price: float, size: float) -> None:
        self._listener.heard_price(reqId, tickType, price, size)

    def tickSize(self, reqId: int, tickType: int, size: float) -> None:
        self._listener.heard_size(reqId, tickType, size)


FOREIGN_EXECUTIONS_MAX = 10_000

OPEN_ORDERS = "open orders"
COMPLETED_ORDERS = "completed orders"
EXECUTIONS = "executions"
POSITIONS = "positions"
ACCOUNT_VALUES = "account values"
TIME = "time"
