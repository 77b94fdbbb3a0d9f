"""The journey on ib_insync or ib_async: `insync_client.py <library> <port>` prints one JSON line."""

import asyncio
import importlib
import json
import sys
from collections.abc import Callable
from typing import Any

TIMEOUT_S = 10.0


async def until(condition: Callable[[], Any], what: str) -> None:
    """Wait for the library to have heard of it; TimeoutError says of what it did not."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + TIMEOUT_S
    while not condition():
        if loop.time() > deadline:
            raise TimeoutError(what)
        await asyncio.sleep(0.005)


async def journey(library: Any, port: int) -> dict[str, Any]:
    """Everything that the clients' test asks of the simulator, in the words of its protocol."""
    ib = library.IB()
    errors: list[tuple[int, int]] = []
    ib.errorEvent += lambda request_id, code, message, contract: errors.append((request_id, code))
    await ib.connectAsync("127.0.0.1", port, clientId=7, timeout=TIMEOUT_S)
    told: dict[str, Any] = {"server_version": ib.client.serverVersion(), "accounts": ib.managedAccounts()}

    stock = library.Stock("AAPL", "SMART", "USD")
    [details] = await ib.reqContractDetailsAsync(stock)
    told["contract"] = {
        "con_id": details.contract.conId,
        "symbol": details.contract.symbol,
        "security_type": details.contract.secType,
        "currency": details.contract.currency,
        "primary_exchange": details.contract.primaryExchange,
        "name": details.longName,
        "min_tick": details.minTick,
        "has_hours": bool(details.liquidHours),
    }
    assert not await ib.reqContractDetailsAsync(library.Stock("NOSUCH", "SMART", "USD"))
    told["unknown_contract_code"] = errors[-1][1]

    await ib.qualifyContractsAsync(stock)
    ticker = ib.reqMktData(stock)
    await until(lambda: ticker.lastSize == ticker.lastSize and ticker.askSize == ticker.askSize, "the quote")
    told["quote"] = {
        "bid": ticker.bid,
        "bid_size": ticker.bidSize,
        "ask": ticker.ask,
        "ask_size": ticker.askSize,
        "last": ticker.last,
        "last_size": ticker.lastSize,
    }
    ib.cancelMktData(stock)

    state = await ib.whatIfOrderAsync(stock, library.LimitOrder("BUY", 100, 230.0))
    told["what_if"] = {
        "initial_margin_change": float(state.initMarginChange),
        "maintenance_margin_change": float(state.maintMarginChange),
        "equity_after": float(state.equityWithLoanAfter),
        "commission": state.commission,
        "currency": state.commissionCurrency,
    }

    filled = ib.placeOrder(stock, library.MarketOrder("BUY", 100, orderRef="filled"))
    await until(lambda: filled.isDone() and filled.fills and filled.fills[0].commissionReport.execId, "the fill")
    told["filled"] = {
        "status": filled.orderStatus.status,
        "filled": filled.orderStatus.filled,
        "remaining": filled.orderStatus.remaining,
        "average_price": filled.orderStatus.avgFillPrice,
    }

    resting = ib.placeOrder(stock, library.LimitOrder("BUY", 10, 200.0, orderRef="resting"))
    await until(lambda: resting.orderStatus.status == "Submitted", "the resting order")
    told["resting"] = await open_orders(library, port)
    resting.order.lmtPrice, resting.order.totalQuantity = 201.0, 20
    ib.placeOrder(stock, resting.order)
    await ib.reqOpenOrdersAsync()
    told["modified"] = await open_orders(library, port)
    ib.cancelOrder(resting.order)
    await until(lambda: resting.orderStatus.status == "Cancelled", "the cancel")
    told["canceled"] = {"status": "Cancelled", "code": errors[-1][1], "filled": resting.orderStatus.filled}
    ib.client.cancelOrder(*((999_999, "") if ib.client.serverVersion() >= 169 else (999_999,)))
    await until(lambda: errors[-1][0] == 999_999, "the refusal")
    told["unknown_order_code"] = errors[-1][1]
    told["open_after_cancel"] = await open_orders(library, port)

    commissions: dict[str, Any] = {}
    ib.commissionReportEvent += lambda trade, fill, report: commissions.update({report.execId: report})
    fills = await ib.reqExecutionsAsync()
    await until(lambda: all(fill.execution.execId in commissions for fill in fills), "the commissions")
    told["executions"] = [
        {
            "reference": fill.execution.orderRef,
            "is_of_filled": fill.execution.orderId == filled.order.orderId,
            "side": fill.execution.side,
            "quantity": fill.execution.shares,
            "price": fill.execution.price,
            "account": fill.execution.acctNumber,
            "commission": commissions[fill.execution.execId].commission,
            "currency": commissions[fill.execution.execId].currency,
        }
        for fill in fills
    ]
    told["completed"] = sorted(
        (
            {
                "reference": trade.order.orderRef,
                "status": trade.orderStatus.status,
                "order_type": trade.order.orderType,
                "filled": trade.order.filledQuantity,
            }
            for trade in await ib.reqCompletedOrdersAsync(False)
        ),
        key=lambda one: str(one["reference"]),
    )
    told["positions"] = [
        {
            "account": position.account,
            "con_id": position.contract.conId,
            "quantity": position.position,
            "average_cost": position.avgCost,
        }
        for position in await ib.reqPositionsAsync()
    ]
    ib.disconnect()
    return told


async def open_orders(library: Any, port: int) -> list[dict[str, Any]]:
    """The working orders as the broker tells them: their own session only ever shows what it asked for itself."""
    other = library.IB()
    await other.connectAsync("127.0.0.1", port, clientId=8, timeout=TIMEOUT_S)
    trades = await other.reqAllOpenOrdersAsync()
    other.disconnect()
    return [
        {
            "reference": trade.order.orderRef,
            "symbol": trade.contract.symbol,
            "side": trade.order.action,
            "order_type": trade.order.orderType,
            "quantity": trade.order.totalQuantity,
            "limit_price": trade.order.lmtPrice,
            "time_in_force": trade.order.tif,
            "status": trade.orderStatus.status,
        }
        for trade in trades
    ]


if __name__ == "__main__":
    # Their event package asks for a loop at its import.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    print(json.dumps(loop.run_until_complete(journey(importlib.import_module(sys.argv[1]), int(sys.argv[2])))))
