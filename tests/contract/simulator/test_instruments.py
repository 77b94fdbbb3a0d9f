"""Options, futures, indices and pairs: how they are found, priced by what they follow, stepped and dealt."""

from decimal import Decimal
from typing import Any

import pytest

from app.simulator.server import Simulator
from tests.contract.simulator.clients import Desk, until
from tests.contract.simulator.raw import RawClients, frame


async def chain_of(desk: Desk, symbol: str = "AAPL", con_id: int = 265598) -> tuple[list[str], list[float]]:
    """The expiries and strikes of the chain that is routed smartly."""
    chains = await desk.ib.reqSecDefOptParamsAsync(symbol, "", "STK", con_id)
    [smart] = [chain for chain in chains if chain.exchange == "SMART"]
    return smart.expirations, smart.strikes


async def option(desk: Desk, strike: float = 230, right: str = "C", place: int = 2) -> Any:
    """The details of an AAPL option."""
    expiries, _ = await chain_of(desk)
    wanted = desk.library.Option("AAPL", expiries[place], strike, right, "SMART")
    [details] = await desk.ib.reqContractDetailsAsync(wanted)
    return details


async def test_chain_tells_expiries_and_strikes_around_the_price(desk: Desk) -> None:
    expiries, strikes = await chain_of(desk)

    assert len(expiries) == 5
    assert expiries == sorted(set(expiries))
    assert (strikes[0], strikes[-1], len(strikes)) == (180, 280, 21)
    assert await desk.ib.reqSecDefOptParamsAsync("SAP", "", "STK", 14204) == []


async def test_part_of_an_option_contract_finds_many_and_all_of_it_one(desk: Desk) -> None:
    expiries, strikes = await chain_of(desk)
    library = desk.library

    month = await desk.ib.reqContractDetailsAsync(library.Option("AAPL", expiries[0], 0, "", "SMART"))
    calls = await desk.ib.reqContractDetailsAsync(library.Option("AAPL", "", strikes[3], "C", "SMART"))
    whole = await desk.ib.reqContractDetailsAsync(library.Option("AAPL", expiries[0], strikes[3], "P", "SMART"))
    [again] = await desk.ib.reqContractDetailsAsync(library.Contract(conId=whole[0].contract.conId))
    none = await desk.ib.reqContractDetailsAsync(library.Option("AAPL", expiries[0], 1, "P", "SMART"))

    assert (len(month), len(calls), len(whole)) == (42, 5, 1)
    assert again == whole[0]
    assert len({details.contract.conId for details in month}) == 42
    assert none == []
    assert desk.codes() == [200]


async def test_option_details_tell_what_it_is(desk: Desk) -> None:
    details = await option(desk)

    contract = details.contract
    assert (contract.secType, contract.symbol, contract.strike, contract.right) == ("OPT", "AAPL", 230.0, "C")
    assert contract.localSymbol == f"AAPL  {contract.lastTradeDateOrContractMonth[2:]}C00230000"
    assert (contract.multiplier, contract.exchange, contract.currency) == ("100", "SMART", "USD")
    assert (details.underConId, details.underSymbol, details.underSecType) == (265598, "AAPL", "STK")
    assert details.contractMonth == details.realExpirationDate[:6]
    assert len(details.marketRuleIds.split(",")) == len(details.validExchanges.split(","))
    rules = await desk.ib.reqMarketRuleAsync(int(details.marketRuleIds.split(",")[0]))
    assert [(rule.lowEdge, rule.increment) for rule in rules] == [(0, 0.01), (3, 0.05)]


async def test_options_are_priced_off_their_share(desk: Desk, simulator: Simulator) -> None:
    call, put = [(await option(desk, right=right)).contract for right in "CP"]

    tickers = [desk.ib.reqMktData(contract) for contract in (call, put)]
    await until(lambda: all(ticker.ask > 0 and ticker.bid > 0 for ticker in tickers), "both quotes")
    before = [ticker.bid for ticker in tickers]
    simulator.set_quote("AAPL", bid=Decimal("239.99"), ask=Decimal("240.01"), last=Decimal("240.00"))
    await until(lambda: tickers[0].bid > before[0] + 4, "the call to follow")
    await until(lambda: tickers[1].bid < before[1] - 3, "the put to follow")

    assert all(ticker.bid < ticker.ask for ticker in tickers)
    greeks = tickers[0].modelGreeks
    assert 0.5 < greeks.delta < 1
    assert greeks.undPrice == 240
    assert greeks.theta < 0 < greeks.gamma


async def test_option_prices_step_by_the_band_that_they_lie_in(desk: Desk, simulator: Simulator) -> None:
    contract = (await option(desk)).contract

    for limit in (2.99, 3.05, 3.01):
        desk.ib.placeOrder(contract, desk.library.LimitOrder("BUY", 1, limit))
    await until(lambda: desk.codes() == [110], "error 110")

    orders = simulator.venue.exchange.orders.values()
    assert [order.request.limit_price for order in orders] == [Decimal("2.99"), Decimal("3.05")]


async def test_option_is_dealt_with_its_multiplier(desk: Desk, simulator: Simulator) -> None:
    contract = (await option(desk)).contract

    trade = desk.ib.placeOrder(contract, desk.library.MarketOrder("BUY", 2))
    await until(lambda: trade.orderStatus.status == "Filled", "the fill")

    account = simulator.venue.exchange.accounts["DU1000001"]
    price = Decimal(str(trade.fills[0].execution.price))
    await until(lambda: trade.fills[0].commissionReport.execId, "the commission")
    assert trade.fills[0].commissionReport.commission == 1.3
    assert account.cash["USD"] == 1_000_000 - price * 200 - Decimal("1.3")
    await until(lambda: desk.ib.portfolio(), "the position")
    [item] = desk.ib.portfolio()
    assert (item.contract.conId, item.position) == (contract.conId, 2)
    assert item.marketValue == pytest.approx(item.marketPrice * 200)


async def test_futures_are_found_by_month_and_by_local_symbol(desk: Desk) -> None:
    library = desk.library

    every = await desk.ib.reqContractDetailsAsync(library.Future("ES", "", "CME"))
    front = every[0]
    by_month = await desk.ib.reqContractDetailsAsync(library.Future("ES", front.contractMonth, "CME"))
    by_name = await desk.ib.reqContractDetailsAsync(
        library.Future(localSymbol=front.contract.localSymbol, exchange="CME")
    )
    oil = await desk.ib.reqContractDetailsAsync(library.Future("CL", "", "NYMEX"))

    assert [details.contract.symbol for details in every] == ["ES"] * 4
    assert by_month == by_name == [front]
    assert (front.contract.multiplier, front.minTick, front.underSymbol) == ("50", 0.25, "SPX")
    assert len(oil) == 6
    assert (oil[0].contract.multiplier, oil[0].minTick) == ("1000", 0.01)
    # Oil of a month is dealt in up to the month before.
    assert oil[0].contract.lastTradeDateOrContractMonth[:6] < oil[0].contractMonth


async def test_future_is_not_paid_for_and_settles_its_gain(desk: Desk, simulator: Simulator) -> None:
    [front, *_] = await desk.ib.reqContractDetailsAsync(desk.library.Future("ES", "", "CME"))

    bought = desk.ib.placeOrder(front.contract, desk.library.MarketOrder("BUY", 1))
    await until(lambda: bought.orderStatus.status == "Filled", "the fill")
    account = simulator.venue.exchange.accounts["DU1000001"]
    assert account.cash == {"USD": Decimal(1_000_000)}
    figures = account.figures(simulator.venue.directory.entries, simulator.venue.exchange.mark)
    assert figures.net_liquidation == 1_000_000 + figures.futures_gain
    assert 20_000 < figures.initial_margin < 26_000

    sold = desk.ib.placeOrder(front.contract, desk.library.MarketOrder("SELL", 1))
    await until(lambda: sold.orderStatus.status == "Filled", "the close")

    gain = Decimal(str(sold.orderStatus.avgFillPrice)) - Decimal(str(bought.orderStatus.avgFillPrice))
    assert account.cash["USD"] == 1_000_000 + gain * 50 - Decimal("4.50")


async def test_index_has_a_level_and_takes_no_orders(desk: Desk) -> None:
    index = desk.library.Index("SPX", "CBOE", "USD")
    [details] = await desk.ib.reqContractDetailsAsync(index)

    ticker = desk.ib.reqMktData(details.contract)
    desk.ib.placeOrder(details.contract, desk.library.MarketOrder("BUY", 1))

    await until(lambda: ticker.last > 5_000, "the level")
    await until(lambda: desk.codes() == [387], "error 387")
    assert not ticker.bid > 0


async def test_more_pairs_are_listed_and_one_steps_by_half_a_pip_of_the_yen(desk: Desk) -> None:
    names = ["GBPUSD", "AUDUSD", "USDJPY", "USDCHF", "EURGBP"]

    found = await desk.ib.qualifyContractsAsync(*(desk.library.Forex(name) for name in names))
    [yen] = await desk.ib.reqContractDetailsAsync(found[2])

    assert [contract.localSymbol.replace(".", "") for contract in found] == names
    assert yen.minTick == 0.005


async def test_combinations_are_refused_in_words(desk: Desk) -> None:
    combination = desk.library.Contract(symbol="AAPL", secType="BAG", exchange="SMART", currency="USD")

    assert await desk.ib.reqContractDetailsAsync(combination) == []
    desk.ib.placeOrder(combination, desk.library.LimitOrder("BUY", 1, 1.0))

    await until(lambda: desk.codes() == [200, 201], "both refusals")
    assert "combinations" in desk.errors[-1][2]


@pytest.mark.parametrize(("version", "lead"), [(157, 1), (178, 0)])
async def test_future_details_have_their_fields_at_each_version(
    simulator: Simulator, version: int, lead: int, raw: RawClients
) -> None:
    client = await raw.start(simulator.port, f"v157..{version}")

    contract = ["0", "CL", "FUT", "", "0.0", "", "", "NYMEX", "", "USD", "", ""]
    client.writer.write(frame(9, 8, 7, *contract, 0, "", "", *([""] if version >= 176 else [])))
    details = await client.until("10")

    assert details[2 + lead : 4 + lead] == ["CL", "FUT"]
    assert len(details[4 + lead]) == 8
    assert (await client.until("52"))[2] == "7"
