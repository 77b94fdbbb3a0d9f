"""The journey on the official client's classes, 9.81 or 10.46: `official_client.py <port>` prints one JSON line."""

import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.wrapper import EWrapper

TIMEOUT_S = 10.0
_QUOTE = {0: "bid_size", 1: "bid", 2: "ask", 3: "ask_size", 4: "last", 5: "last_size"}


class Client(EWrapper, EClient):  # type: ignore[misc]
    """Keeps what it is told; its messages are read by a thread of their own."""

    def __init__(self) -> None:
        EClient.__init__(self, self)
        self.accounts: list[str] = []
        self.next_id = 0
        self.errors: list[tuple[int, int]] = []
        self.details: list[Any] = []
        self.quote: dict[str, float] = {}
        self.statuses: dict[int, dict[str, Any]] = {}
        self.orders: dict[int, tuple[Any, Any, Any]] = {}
        self.executions: dict[str, Any] = {}
        self.commissions: dict[str, Any] = {}
        self.completed: list[dict[str, Any]] = []
        self.positions: dict[tuple[str, int], dict[str, Any]] = {}
        self.ended: set[str] = set()

    def managedAccounts(self, accountsList: str) -> None:
        self.accounts = [account for account in accountsList.split(",") if account]

    def nextValidId(self, orderId: int) -> None:
        self.next_id = orderId

    def error(self, reqId: int, *facts: Any) -> None:
        # 9.81 tells code and words; 10.46 puts the time before them and advanced reasons behind.
        code = facts[0] if isinstance(facts[1], str) else facts[1]
        self.errors.append((reqId, code))

    def contractDetails(self, reqId: int, contractDetails: Any) -> None:
        self.details.append(contractDetails)

    def contractDetailsEnd(self, reqId: int) -> None:
        self.ended.add("details")

    def tickPrice(self, reqId: int, tickType: int, price: float, attrib: Any) -> None:
        if tickType in _QUOTE:
            self.quote[_QUOTE[tickType]] = price

    def tickSize(self, reqId: int, tickType: int, size: Any) -> None:
        if tickType in _QUOTE:
            self.quote[_QUOTE[tickType]] = float(size)

    def orderStatus(self, orderId: int, status: str, filled: Any, remaining: Any, avgFillPrice: float, *_: Any) -> None:
        self.statuses[orderId] = {
            "status": status,
            "filled": float(filled),
            "remaining": float(remaining),
            "average_price": avgFillPrice,
        }

    def openOrder(self, orderId: int, contract: Any, order: Any, orderState: Any) -> None:
        self.orders[orderId] = (contract, order, orderState)

    def openOrderEnd(self) -> None:
        self.ended.add("open")

    def execDetails(self, reqId: int, contract: Any, execution: Any) -> None:
        self.executions[execution.execId] = execution

    def execDetailsEnd(self, reqId: int) -> None:
        self.ended.add("executions")

    def commissionReport(self, commissionReport: Any) -> None:
        self.commissions[commissionReport.execId] = commissionReport

    def commissionAndFeesReport(self, commissionAndFeesReport: Any) -> None:
        self.commissions[commissionAndFeesReport.execId] = commissionAndFeesReport

    def completedOrder(self, contract: Any, order: Any, orderState: Any) -> None:
        self.completed.append(
            {
                "reference": order.orderRef,
                "status": orderState.status,
                "order_type": order.orderType,
                "filled": float(order.filledQuantity),
            }
        )

    def completedOrdersEnd(self) -> None:
        self.ended.add("completed")

    def position(self, account: str, contract: Any, position: Any, avgCost: float) -> None:
        self.positions[account, contract.conId] = {
            "account": account,
            "con_id": contract.conId,
            "quantity": float(position),
            "average_cost": avgCost,
        }

    def positionEnd(self) -> None:
        self.ended.add("positions")

    def listed_open_orders(self) -> list[dict[str, Any]]:
        """The working orders, asked for now, in the words of the protocol."""
        self.orders.clear()
        self.ended.discard("open")
        self.reqAllOpenOrders()
        until(lambda: "open" in self.ended, "the open orders")
        return [
            {
                "reference": order.orderRef,
                "symbol": contract.symbol,
                "side": order.action,
                "order_type": order.orderType,
                "quantity": float(order.totalQuantity),
                "limit_price": order.lmtPrice,
                "time_in_force": order.tif,
                "status": state.status,
            }
            for contract, order, state in self.orders.values()
        ]


def until(condition: Callable[[], Any], what: str) -> None:
    """Wait for the reading thread to have heard of it; TimeoutError says of what it did not."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.005)


def stock(symbol: str) -> Any:
    """A contract as its user describes it."""
    contract = Contract()
    contract.symbol, contract.secType, contract.exchange, contract.currency = symbol, "STK", "SMART", "USD"
    return contract


def order(quantity: int, limit_price: float | None, reference: str = "") -> Any:
    """A day order to buy; at the market without a limit price."""
    new = Order()
    new.action, new.totalQuantity, new.tif, new.orderRef = "BUY", quantity, "DAY", reference
    new.orderType = "MKT" if limit_price is None else "LMT"
    if limit_price is not None:
        new.lmtPrice = limit_price
    # What older versions of the class send by default is refused by newer servers.
    new.eTradeOnly = new.firmQuoteOnly = False
    return new


def cancel(client: Client, order_id: int) -> None:
    """Cancel under either version's signature."""
    try:
        from ibapi.order_cancel import OrderCancel
    except ImportError:
        client.cancelOrder(order_id)
    else:
        client.cancelOrder(order_id, OrderCancel())


def journey(port: int) -> dict[str, Any]:
    """Everything that the clients' test asks of the simulator, in the words of its protocol."""
    client = Client()
    client.connect("127.0.0.1", port, 7)
    threading.Thread(target=client.run, daemon=True).start()
    until(lambda: client.next_id and client.accounts, "the session")
    told: dict[str, Any] = {"server_version": client.serverVersion(), "accounts": client.accounts}
    aapl = stock("AAPL")
    told |= research(client, aapl)
    told |= trade(client, aapl)
    told |= look_back(client)
    client.disconnect()
    return told


def research(client: Client, aapl: Any) -> dict[str, Any]:
    """Contract details, a quote and a what-if."""
    client.reqContractDetails(501, aapl)
    until(lambda: "details" in client.ended, "the contract details")
    [details] = client.details
    told: dict[str, Any] = {
        "contract": {
            "con_id": details.contract.conId,
            "symbol": details.contract.symbol,
            "security_type": details.contract.secType,
            "currency": details.contract.currency,
            "primary_exchange": details.contract.primaryExchange,
            "name": details.longName,
            "min_tick": details.minTick,
            "has_hours": bool(details.liquidHours),
        }
    }
    client.reqContractDetails(502, stock("NOSUCH"))
    until(lambda: client.errors and client.errors[-1][0] == 502, "the unknown contract")
    told["unknown_contract_code"] = client.errors[-1][1]

    client.reqMktData(503, aapl, "", False, False, [])
    until(lambda: len(client.quote) == len(_QUOTE), "the quote")
    told["quote"] = dict(client.quote)
    client.cancelMktData(503)

    asked = order(100, 230.0)
    asked.whatIf = True
    client.placeOrder(client.next_id, aapl, asked)
    until(lambda: client.next_id in client.orders, "the what-if")
    state = client.orders[client.next_id][2]
    is_new = hasattr(state, "commissionAndFees")
    told["what_if"] = {
        "initial_margin_change": float(state.initMarginChange),
        "maintenance_margin_change": float(state.maintMarginChange),
        "equity_after": float(state.equityWithLoanAfter),
        "commission": state.commissionAndFees if is_new else state.commission,
        "currency": state.commissionAndFeesCurrency if is_new else state.commissionCurrency,
    }
    return told


def trade(client: Client, aapl: Any) -> dict[str, Any]:
    """An order that fills, and one that rests, is modified and canceled."""
    filled_id, resting_id = client.next_id + 1, client.next_id + 2
    client.placeOrder(filled_id, aapl, order(100, None, "filled"))
    until(lambda: client.statuses.get(filled_id, {}).get("status") == "Filled" and client.commissions, "the fill")
    told: dict[str, Any] = {"filled": client.statuses[filled_id]}

    resting = order(10, 200.0, "resting")
    client.placeOrder(resting_id, aapl, resting)
    until(lambda: client.statuses.get(resting_id, {}).get("status") == "Submitted", "the resting order")
    told["resting"] = client.listed_open_orders()
    resting.lmtPrice, resting.totalQuantity = 201.0, 20
    client.placeOrder(resting_id, aapl, resting)
    told["modified"] = client.listed_open_orders()
    cancel(client, resting_id)
    until(lambda: client.statuses[resting_id]["status"] == "Cancelled", "the cancel")
    told["canceled"] = {
        "status": "Cancelled",
        "code": client.errors[-1][1],
        "filled": client.statuses[resting_id]["filled"],
    }
    cancel(client, 999_999)
    until(lambda: client.errors[-1][0] == 999_999, "the refusal")
    told["unknown_order_code"] = client.errors[-1][1]
    told["open_after_cancel"] = client.listed_open_orders()
    return told


def look_back(client: Client) -> dict[str, Any]:
    """Executions, completed orders and positions, asked for anew."""
    client.executions.clear()
    client.commissions.clear()
    client.reqExecutions(504, ExecutionFilter())
    until(
        lambda: "executions" in client.ended and client.executions.keys() == client.commissions.keys(), "the executions"
    )
    told: dict[str, Any] = {}
    told["executions"] = [
        {
            "reference": execution.orderRef,
            "is_of_filled": execution.orderId == client.next_id + 1,
            "side": execution.side,
            "quantity": float(execution.shares),
            "price": execution.price,
            "account": execution.acctNumber,
            "commission": getattr(commission, "commissionAndFees", None) or commission.commission,
            "currency": commission.currency,
        }
        for execution, commission in (
            (execution, client.commissions[execution_id]) for execution_id, execution in client.executions.items()
        )
    ]
    client.reqCompletedOrders(False)
    until(lambda: "completed" in client.ended, "the completed orders")
    told["completed"] = sorted(client.completed, key=lambda one: str(one["reference"]))
    client.reqPositions()
    until(lambda: "positions" in client.ended, "the positions")
    told["positions"] = list(client.positions.values())
    return told


if __name__ == "__main__":
    print(json.dumps(journey(int(sys.argv[1]))))
