"""Figures of accounts in several currencies: cash by currency, summaries by tag and by ledger, gains of positions."""

from decimal import Decimal

import pytest

from app.simulator.server import Simulator
from tests.contract.simulator.clients import Desk, until
from tests.contract.simulator.raw import RawClient, RawClients


async def buy_sap(desk: Desk, simulator: Simulator) -> None:
    """A hundred SAP at 220 EUR, with the euro at 1.05."""
    simulator.set_quote("SAP", bid=Decimal("219.99"), ask=Decimal("220.00"), last=Decimal("220.00"))
    simulator.set_quote("EUR.USD", bid=Decimal("1.04995"), ask=Decimal("1.05"), last=Decimal("1.05"))
    [details] = await desk.ib.reqContractDetailsAsync(desk.library.Stock("SAP", "SMART", "EUR"))
    trade = desk.ib.placeOrder(details.contract, desk.library.MarketOrder("BUY", 100))
    await until(lambda: trade.orderStatus.status == "Filled", "the fill")


async def test_trade_in_another_currency_moves_its_cash(desk: Desk, simulator: Simulator) -> None:
    await buy_sap(desk, simulator)

    def values() -> dict[tuple[str, str], str]:
        return {(value.tag, value.currency): value.value for value in desk.ib.accountValues("DU1000001")}

    await until(lambda: ("CashBalance", "EUR") in values(), "the balance in EUR")
    assert values()["CashBalance", "EUR"] == "-22001"
    assert values()["StockMarketValue", "EUR"] == "22000"
    assert values()["NetLiquidationByCurrency", "EUR"] == "-1"
    assert values()["ExchangeRate", "EUR"] == "1.05"
    assert values()["CashBalance", "USD"] == "1000000"
    assert values()["CashBalance", "BASE"] == "976898.95"
    assert values()["StockMarketValue", "BASE"] == "23100"
    assert values()["NetLiquidation", "USD"] == values()["NetLiquidationByCurrency", "BASE"] == "999998.95"


async def summary(client: RawClient, request_id: int, tags: str) -> dict[tuple[str, str], str]:
    client.seen.clear()
    client.send(62, 1, request_id, "All", tags)
    await client.until("64", at2=str(request_id))
    client.send(63, 1, request_id)
    return {(fields[4], fields[6]): fields[5] for fields in client.seen if fields[0] == "63"}


async def test_summary_has_the_tags_and_ledgers_that_are_asked_for(
    desk: Desk, simulator: Simulator, raw: RawClients
) -> None:
    await buy_sap(desk, simulator)
    client = await raw.start(simulator.port, "v157..157", client_id=9)

    tags = await summary(client, 1, "NetLiquidation,MaintMarginReq")
    base = await summary(client, 2, "$LEDGER")
    euro = await summary(client, 3, "$LEDGER:EUR")
    every = await summary(client, 4, "$LEDGER:ALL")

    assert tags == {("NetLiquidation", "USD"): "999998.95", ("MaintMarginReq", "USD"): "5775"}
    assert {currency for _, currency in base} == {"BASE"}
    assert base["UnrealizedPnL", "BASE"] == "-1.05"
    assert {currency for _, currency in euro} == {"EUR"}
    assert {currency for _, currency in every} == {"BASE", "EUR", "USD"}


async def test_every_tag_that_the_libraries_ask_for_is_told(desk: Desk) -> None:
    rows = await desk.ib.accountSummaryAsync()

    told = {row.tag for row in rows}
    missing = {
        *("AccountType", "NetLiquidation", "TotalCashValue", "SettledCash", "AccruedCash", "BuyingPower"),
        *("EquityWithLoanValue", "PreviousDayEquityWithLoanValue", "GrossPositionValue", "RegTEquity", "RegTMargin"),
        *("SMA", "InitMarginReq", "MaintMarginReq", "AvailableFunds", "ExcessLiquidity", "Cushion", "Leverage"),
        *("FullInitMarginReq", "FullMaintMarginReq", "FullAvailableFunds", "FullExcessLiquidity"),
        *("LookAheadNextChange", "LookAheadInitMarginReq", "LookAheadExcessLiquidity", "HighestSeverity"),
        *("DayTradesRemaining", "DayTradesRemainingT+4", "CashBalance", "ExchangeRate"),
    } - told
    assert missing == set()


async def test_third_summary_of_a_client_is_refused(simulator: Simulator, raw: RawClients) -> None:
    client = await raw.start(simulator.port, "v157..178", client_id=9)

    for request_id in (1, 2, 3):
        client.send(62, 1, request_id, "All", "NetLiquidation")

    assert (await client.until("4", at2="3"))[3] == "322"
    client.send(62, 1, 4, "nobody", "NetLiquidation")
    assert (await client.until("4", at2="4"))[3] == "321"


async def test_gain_of_an_option_counts_its_multiplier_and_the_day(desk: Desk, simulator: Simulator) -> None:
    [details, *_] = await desk.ib.reqContractDetailsAsync(desk.library.Option("AAPL", "", 230, "C", "SMART"))
    con_id = details.contract.conId
    trade = desk.ib.placeOrder(details.contract, desk.library.MarketOrder("BUY", 3))
    await until(lambda: trade.orderStatus.status == "Filled", "the fill")

    gains = desk.ib.reqPnLSingle("DU1000001", "", con_id)
    simulator.set_quote("AAPL", bid=Decimal("239.99"), ask=Decimal("240.01"), last=Decimal("240.00"))
    mark = simulator.venue.exchange.mark(con_id)
    paid = Decimal(str(trade.orderStatus.avgFillPrice)) * 300 + Decimal("1.95")

    await until(lambda: gains.value == pytest.approx(float(mark * 300)), "the value")
    assert gains.unrealizedPnL == gains.dailyPnL == pytest.approx(float(mark * 300 - paid))
    assert gains.realizedPnL == 0
