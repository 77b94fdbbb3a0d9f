"""Executions, positions and account figures agree with one another, as both libraries see them."""

from collections import defaultdict
from decimal import Decimal

import pytest

from app.simulator.server import Simulator
from tests.contract.simulator.clients import Desk, until


async def test_positions_are_the_sums_of_the_executions(desk: Desk, simulator: Simulator) -> None:
    simulator.set_quote("MSFT", bid=Decimal("429.99"), ask=Decimal("430.01"))
    orders = [("AAPL", "BUY", 300), ("AAPL", "SELL", 120), ("MSFT", "SELL", 50), ("AAPL", "BUY", 20)]

    trades = [desk.place(desk.library.MarketOrder(side, size), symbol) for symbol, side, size in orders]
    await until(lambda: all(trade.orderStatus.status == "Filled" for trade in trades), "all fills")
    await until(lambda: len(desk.ib.positions()) == 2, "both positions")

    sums: dict[str, float] = defaultdict(float)
    for fill in await desk.ib.reqExecutionsAsync():
        sums[fill.contract.symbol] += fill.execution.shares * (1 if fill.execution.side == "BOT" else -1)
    assert sums == {"AAPL": 200, "MSFT": -50}
    await until(lambda: {held.contract.symbol: held.position for held in desk.ib.positions()} == sums, "the sums")


async def test_average_cost_carries_the_commission_and_closing_realises_a_gain(
    desk: Desk, simulator: Simulator
) -> None:
    bought = desk.place(desk.library.MarketOrder("BUY", 100))
    await until(lambda: desk.ib.positions(), "the position")
    assert desk.ib.positions()[0].avgCost == pytest.approx(230.02)

    simulator.set_quote("AAPL", bid=Decimal("232.02"), ask=Decimal("232.04"), last=Decimal("232.02"))
    sold = desk.place(desk.library.MarketOrder("SELL", 100))

    await until(lambda: sold.fills and sold.fills[0].commissionReport.execId, "the commission")
    assert sold.fills[0].commissionReport.realizedPNL == pytest.approx(199.0)
    assert bought.fills[0].commissionReport.realizedPNL == 0
    await until(lambda: desk.ib.positions() == [], "the position to be gone")


async def test_account_figures_follow_the_fills(desk: Desk) -> None:
    trade = desk.place(desk.library.MarketOrder("BUY", 1_000))
    await until(lambda: trade.orderStatus.status == "Filled", "the fill")

    def values() -> dict[tuple[str, str], str]:
        return {(value.tag, value.currency): value.value for value in desk.ib.accountValues("DU1000001")}

    await until(lambda: values()["GrossPositionValue", "USD"] == "230000", "the new figures")
    assert values()["CashBalance", "USD"] == "769985"
    assert values()["NetLiquidation", "USD"] == "999985"
    assert values()["InitMarginReq", "USD"] == "115000"
    assert values()["MaintMarginReq", "USD"] == "57500"
    assert values()["AvailableFunds", "USD"] == "884985"
    (item,) = desk.ib.portfolio()
    assert (item.position, item.marketPrice, item.marketValue) == (1_000, 230.0, 230_000)


async def test_currency_trade_moves_both_balances(desk: Desk, simulator: Simulator) -> None:
    simulator.set_quote(
        "EUR.USD", bid=Decimal("1.04995"), ask=Decimal("1.05"), ask_size=Decimal(1_000_000), last=Decimal("1.05")
    )

    trade = desk.ib.placeOrder(desk.library.Forex("EURUSD"), desk.library.MarketOrder("BUY", 100_000))
    await until(lambda: trade.orderStatus.status == "Filled", "the fill")

    account = simulator.venue.exchange.accounts["DU1000001"]
    assert account.cash == {"USD": Decimal("894997.9"), "EUR": Decimal(100_000)}
    assert account.holdings[12087792].quantity == 100_000


async def test_executions_are_filtered_and_come_with_their_commissions(desk: Desk, simulator: Simulator) -> None:
    simulator.set_quote("MSFT", bid=Decimal("429.99"), ask=Decimal("430.01"))
    trades = [
        desk.place(desk.library.MarketOrder("BUY", 1)),
        desk.place(desk.library.MarketOrder("SELL", 2)),
        desk.place(desk.library.MarketOrder("BUY", 3), "MSFT"),
    ]
    await until(lambda: all(trade.orderStatus.status == "Filled" for trade in trades), "all fills")
    other = Desk(desk.library, simulator.port)
    await other.connect(client_id=2)

    async def shares(**wanted: object) -> list[float]:
        fills = await other.ib.reqExecutionsAsync(desk.library.ExecutionFilter(**wanted))
        return [fill.execution.shares for fill in fills]

    assert await shares() == [1, 2, 3]
    assert await shares(symbol="AAPL") == [1, 2]
    assert await shares(side="SELL") == [2]
    assert await shares(clientId=9) == []
    assert await shares(acctCode="DU1000001", symbol="MSFT") == [3]
    assert await shares(time="20990101-00:00:00") == []
    await until(lambda: all(fill.commissionReport.execId for fill in other.ib.fills()), "the commissions")
    assert [fill.commissionReport.commission for fill in other.ib.fills()] == [1.0, 1.0, 1.0]
    other.ib.disconnect()


async def test_gains_of_the_day_are_streamed(desk: Desk, simulator: Simulator) -> None:
    trade = desk.place(desk.library.MarketOrder("BUY", 100))
    await until(lambda: trade.orderStatus.status == "Filled", "the fill")

    gains = desk.ib.reqPnL("DU1000001")
    simulator.set_quote("AAPL", bid=Decimal("231"), ask=Decimal("231.02"), last=Decimal("231"))

    await until(lambda: gains.unrealizedPnL == pytest.approx(98.0), "the unrealised gain")
    assert gains.dailyPnL == pytest.approx(98.0)
    assert gains.realizedPnL == 0


async def test_gains_of_one_position_are_streamed_and_of_an_unknown_contract_refused(desk: Desk) -> None:
    trade = desk.place(desk.library.MarketOrder("BUY", 100))
    await until(lambda: trade.orderStatus.status == "Filled", "the fill")

    gains = desk.ib.reqPnLSingle("DU1000001", "", 265598)
    desk.ib.reqPnLSingle("DU1000001", "", 1)

    await until(lambda: gains.position == 100, "the position")
    assert (gains.value, gains.unrealizedPnL) == (23_000, pytest.approx(-2.0))
    await until(lambda: desk.codes() == [200], "error 200")
