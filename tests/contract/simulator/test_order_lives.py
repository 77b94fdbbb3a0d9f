"""Orders of both libraries at the simulator: fills, rests, stops, modifies, cancels and what is refused."""

from decimal import Decimal
from typing import Any

import pytest

from app.simulator.server import Simulator
from tests.contract.simulator.clients import Desk, until


async def status(trade: Any, wanted: str) -> None:
    await until(lambda: trade.orderStatus.status == wanted, f"status {wanted}, it is {trade.orderStatus.status}")


def quote(simulator: Simulator, bid: str, ask: str, *, size: int = 1_000, last: str | None = None) -> None:
    simulator.set_quote(
        "AAPL",
        bid=Decimal(bid),
        ask=Decimal(ask),
        bid_size=Decimal(size),
        ask_size=Decimal(size),
        last=Decimal(last) if last else None,
    )


async def test_market_order_fills_with_its_commission(desk: Desk) -> None:
    trade = desk.place(desk.library.MarketOrder("BUY", 300, orderRef="order-1"))

    await until(lambda: trade.fills and trade.fills[0].commissionReport.execId, "the fill and its commission")
    (fill,) = trade.fills
    assert trade.orderStatus.status == "Filled"
    assert (trade.orderStatus.filled, trade.orderStatus.remaining, trade.orderStatus.avgFillPrice) == (300, 0, 230.01)
    assert trade.order.permId == fill.execution.permId > 0
    assert (fill.execution.shares, fill.execution.price, fill.execution.side) == (300, 230.01, "BOT")
    assert (fill.execution.orderRef, fill.execution.acctNumber) == ("order-1", "DU1000001")
    assert fill.execution.cumQty == 300
    root, _, revision = fill.execution.execId.rpartition(".")
    assert revision == "01"
    assert [len(part) for part in root.split(".")] == [8, 8, 2]
    assert (fill.commissionReport.commission, fill.commissionReport.currency) == (1.5, "USD")


async def test_limit_rests_is_modified_and_fills(desk: Desk) -> None:
    trade = desk.place(desk.library.LimitOrder("BUY", 100, 229.50))
    await status(trade, "Submitted")
    assert trade.fills == []

    trade.order.lmtPrice = 230.05
    desk.ib.placeOrder(trade.contract, trade.order)

    await status(trade, "Filled")
    assert trade.orderStatus.avgFillPrice == 230.01
    assert desk.codes() == []


async def test_resting_limit_fills_at_its_own_price_as_maker(desk: Desk, simulator: Simulator) -> None:
    trade = desk.place(desk.library.LimitOrder("SELL", 100, 231.00))
    await status(trade, "Submitted")

    quote(simulator, "231.50", "231.52")

    await status(trade, "Filled")
    assert trade.fills[0].execution.price == 231.0
    assert trade.fills[0].execution.lastLiquidity == 1


async def test_large_order_fills_in_parts_as_size_is_displayed(desk: Desk, simulator: Simulator) -> None:
    trade = desk.place(desk.library.MarketOrder("BUY", 2_500))
    await until(lambda: trade.orderStatus.filled == 1_000, "the first part")
    assert (trade.orderStatus.status, trade.orderStatus.remaining) == ("Submitted", 1_500)

    quote(simulator, "230.09", "230.11")
    quote(simulator, "230.19", "230.21")

    await status(trade, "Filled")
    assert [(fill.execution.shares, fill.execution.price) for fill in trade.fills] == [
        (1_000, 230.01),
        (1_000, 230.11),
        (500, 230.21),
    ]
    assert [fill.execution.cumQty for fill in trade.fills] == [1_000, 2_000, 2_500]
    assert len({fill.execution.execId for fill in trade.fills}) == 3
    await until(lambda: trade.fills[2].commissionReport.execId, "the last commission")
    assert sum(fill.commissionReport.commission for fill in trade.fills) == pytest.approx(12.5)


async def test_stop_waits_then_deals_at_the_market(desk: Desk, simulator: Simulator) -> None:
    trade = desk.place(desk.library.StopOrder("SELL", 100, 229.00))
    await status(trade, "PreSubmitted")

    quote(simulator, "228.90", "228.92", last="228.95")

    await status(trade, "Filled")
    assert trade.fills[0].execution.price == 228.9


async def test_stop_limit_is_triggered_then_waits_for_its_limit(desk: Desk, simulator: Simulator) -> None:
    trade = desk.place(desk.library.StopLimitOrder("BUY", 100, 231.05, 231.00))
    await status(trade, "PreSubmitted")

    quote(simulator, "231.18", "231.20", last="231.10")
    await status(trade, "Submitted")
    quote(simulator, "231.00", "231.02")

    await status(trade, "Filled")
    assert trade.fills[0].execution.price == 231.05


async def test_cancel_is_confirmed_by_202(desk: Desk) -> None:
    trade = desk.place(desk.library.LimitOrder("BUY", 100, 200.00))
    await status(trade, "Submitted")

    desk.ib.cancelOrder(trade.order)

    await status(trade, "Cancelled")
    await until(lambda: desk.codes() == [202], "error 202")
    assert await desk.ib.reqOpenOrdersAsync() == []


async def test_part_filled_order_cancels_with_its_fill(desk: Desk) -> None:
    trade = desk.place(desk.library.MarketOrder("BUY", 1_200))
    await until(lambda: trade.orderStatus.filled == 1_000, "the first part")

    desk.ib.cancelOrder(trade.order)

    await status(trade, "Cancelled")
    assert (trade.orderStatus.filled, trade.orderStatus.remaining) == (1_000, 200)


async def test_trailing_stop_follows_the_last_trade_and_deals_when_it_turns(desk: Desk, simulator: Simulator) -> None:
    order = desk.library.Order(action="SELL", totalQuantity=10, orderType="TRAIL", auxPrice=0.5, lmtPrice=0.0)
    simulator.set_quote("AAPL", bid=Decimal("229.99"), ask=Decimal("230.01"), last=Decimal("230.00"))
    trade = desk.place(order)
    await status(trade, "PreSubmitted")

    simulator.set_quote("AAPL", bid=Decimal("230.99"), ask=Decimal("231.01"), last=Decimal("231.00"))
    simulator.set_quote("AAPL", bid=Decimal("230.59"), ask=Decimal("230.61"), last=Decimal("230.60"))
    (live,) = simulator.venue.exchange.open_orders()
    assert live.trail_stop == Decimal("230.50")
    simulator.set_quote("AAPL", bid=Decimal("230.49"), ask=Decimal("230.51"), last=Decimal("230.50"))

    await status(trade, "Filled")
    assert trade.orderStatus.avgFillPrice == 230.49


async def test_immediate_or_cancel_ends_with_what_was_there(desk: Desk) -> None:
    trade = desk.place(desk.library.LimitOrder("BUY", 1_500, 230.01, tif="IOC"))

    await status(trade, "Cancelled")
    assert trade.orderStatus.filled == 1_000


async def test_fill_or_kill_is_killed_whole(desk: Desk) -> None:
    trade = desk.place(desk.library.LimitOrder("BUY", 1_500, 230.01, tif="FOK"))

    await status(trade, "Cancelled")
    assert trade.orderStatus.filled == 0
    assert desk.codes() == [202]


async def test_global_cancel_ends_every_order(desk: Desk) -> None:
    trades = [desk.place(desk.library.LimitOrder("BUY", 1, 200.0 + step)) for step in range(3)]
    for trade in trades:
        await status(trade, "Submitted")

    desk.ib.reqGlobalCancel()

    for trade in trades:
        await status(trade, "Cancelled")


async def test_price_off_tick_is_refused_with_110_and_leaves_nothing(desk: Desk, simulator: Simulator) -> None:
    desk.place(desk.library.LimitOrder("BUY", 1, 200.005))

    await until(lambda: desk.codes() == [110], "error 110")
    assert list(simulator.venue.exchange.open_orders()) == []
    assert simulator.venue.exchange.orders == {}


async def test_modify_off_tick_is_refused_and_the_order_lives_on_its_old_terms(
    desk: Desk, simulator: Simulator
) -> None:
    trade = desk.place(desk.library.LimitOrder("BUY", 1, 200.0))
    await status(trade, "Submitted")

    trade.order.lmtPrice = 230.005
    desk.ib.placeOrder(trade.contract, trade.order)

    await until(lambda: desk.codes() == [110], "error 110")
    (live,) = simulator.venue.exchange.open_orders()
    assert live.request.limit_price == 200


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"totalQuantity": 0}, "size"),
        ({"totalQuantity": 1.5}, "size increment"),
        ({"lmtPrice": -1.0}, "price"),
        ({"orderType": "REL"}, "Unsupported order type"),
        ({"orderType": "TRAIL", "auxPrice": 0.0}, "price"),
        ({"orderType": "TRAIL", "trailingPercent": 1.0}, "percent"),
        ({"tif": "AUC"}, "time in force"),
        ({"tif": "GTD"}, "good till date"),
        ({"tif": "GTD", "goodTillDate": "soon"}, "good till date"),
        ({"tif": "GTD", "goodTillDate": "20200101 00:00:00 UTC"}, "good till date"),
        ({"account": "DU9"}, "account"),
        ({"parentId": 1}, "Attached"),
    ],
)
async def test_bad_terms_are_rejected_with_201_and_the_order_is_inactive(
    desk: Desk, simulator: Simulator, changes: dict[str, Any], reason: str
) -> None:
    order = desk.library.LimitOrder("BUY", 1, 200.0)
    for name, value in changes.items():
        setattr(order, name, value)

    desk.place(order)

    await until(lambda: desk.codes() == [201], "error 201")
    assert reason in desk.errors[-1][2]
    assert list(simulator.venue.exchange.open_orders()) == []
    assert [kept.status.value for kept in simulator.venue.exchange.completed_orders()] == ["Inactive"]


async def test_order_for_an_unknown_contract_is_error_200(desk: Desk, simulator: Simulator) -> None:
    desk.place(desk.library.MarketOrder("BUY", 1), symbol="NOSUCH")

    await until(lambda: desk.codes() == [200], "error 200")
    assert simulator.venue.exchange.orders == {}


async def test_modify_of_a_filled_order_is_104_and_of_a_cancelled_one_103(desk: Desk) -> None:
    filled = desk.place(desk.library.MarketOrder("BUY", 1))
    cancelled = desk.place(desk.library.LimitOrder("BUY", 1, 200.0))
    await status(filled, "Filled")
    await status(cancelled, "Submitted")
    desk.ib.cancelOrder(cancelled.order)
    await status(cancelled, "Cancelled")
    desk.errors.clear()

    # The libraries refuse to send these themselves, so the request goes out below them.
    desk.ib.client.placeOrder(filled.order.orderId, filled.contract, filled.order)
    desk.ib.client.placeOrder(cancelled.order.orderId, cancelled.contract, cancelled.order)

    await until(lambda: len(desk.codes()) == 2, "two refusals")
    assert desk.codes() == [104, 103]


async def test_cancel_that_cannot_be_done_says_why(desk: Desk) -> None:
    filled = desk.place(desk.library.MarketOrder("BUY", 1))
    cancelled = desk.place(desk.library.LimitOrder("BUY", 1, 200.0))
    await status(filled, "Filled")
    await status(cancelled, "Submitted")
    desk.ib.cancelOrder(cancelled.order)
    await status(cancelled, "Cancelled")
    desk.errors.clear()

    for order_id in (999_999, filled.order.orderId, cancelled.order.orderId):
        desk.ib.client.cancelOrder(order_id, "")

    await until(lambda: len(desk.codes()) == 3, "three refusals")
    assert desk.codes() == [10147, 10148, 161]


async def test_what_if_tells_margin_and_commission_and_places_nothing(desk: Desk, simulator: Simulator) -> None:
    state = await desk.ib.whatIfOrderAsync(desk.stock(), desk.library.LimitOrder("BUY", 100, 230.0))

    assert float(state.initMarginBefore) == 0
    assert float(state.initMarginChange) == 11_500
    assert state.commission == 1.0
    assert simulator.venue.exchange.orders == {}


async def test_completed_orders_are_listed(desk: Desk) -> None:
    filled = desk.place(desk.library.MarketOrder("BUY", 5, orderRef="done"))
    await status(filled, "Filled")

    (completed,) = await desk.ib.reqCompletedOrdersAsync(apiOnly=False)

    assert (completed.order.orderRef, completed.order.permId) == ("done", filled.order.permId)
    assert (completed.orderStatus.status, completed.order.filledQuantity) == ("Filled", 5)
