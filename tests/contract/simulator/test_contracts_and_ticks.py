"""Contract details, search, price increments, streaming quotes and snapshots, as both libraries see them."""

from decimal import Decimal

from app.core.catalogue import CATALOGUE
from app.simulator.config import SimulatorConfig
from app.simulator.server import Simulator
from tests.contract.simulator.clients import Desk, until


async def test_every_listed_contract_is_found_under_its_symbol(desk: Desk) -> None:
    contracts = [
        desk.library.Forex(entry.symbol.replace(".", ""))
        if entry.instrument_type == "FOREX"
        else desk.library.Stock(entry.symbol, "SMART", entry.currency)
        for entry in CATALOGUE
    ]

    qualified = await desk.ib.qualifyContractsAsync(*contracts)

    assert [contract.conId for contract in qualified] == [entry.con_id for entry in CATALOGUE]
    assert [contract.localSymbol for contract in qualified] == [entry.symbol for entry in CATALOGUE]


async def test_contract_details_tell_tick_name_and_sizes(desk: Desk) -> None:
    (details,) = await desk.ib.reqContractDetailsAsync(desk.library.Contract(conId=265598))

    assert (details.longName, details.minTick, details.stockType) == ("Apple Inc.", 0.01, "COMMON")
    assert (details.contract.symbol, details.contract.primaryExchange) == ("AAPL", "NASDAQ")
    assert (details.minSize, details.sizeIncrement) == (1, 1)
    assert details.timeZoneId == "UTC"
    rules = await desk.ib.reqMarketRuleAsync(int(details.marketRuleIds.split(",")[0]))
    assert [(rule.lowEdge, rule.increment) for rule in rules] == [(0, 0.01)]


async def test_unknown_contract_is_error_200(desk: Desk) -> None:
    found = await desk.ib.reqContractDetailsAsync(desk.stock("NOSUCH"))

    assert found == []
    assert desk.codes() == [200]


async def test_few_letters_find_contracts(desk: Desk) -> None:
    found = await desk.ib.reqMatchingSymbolsAsync("apple")

    assert [description.contract.symbol for description in found] == ["AAPL"]


async def test_line_tells_the_quote_and_each_change_of_it(desk: Desk, simulator: Simulator) -> None:
    ticker = desk.ib.reqMktData(desk.stock())
    await until(lambda: ticker.ask == 230.01, "the first quote")
    assert (ticker.bid, ticker.bidSize, ticker.askSize, ticker.last) == (229.99, 1000, 1000, 230.0)

    simulator.set_quote(
        "AAPL", bid=Decimal("231.10"), ask=Decimal("231.12"), bid_size=Decimal(300), last=Decimal("231.11")
    )

    await until(lambda: ticker.last == 231.11, "the new quote")
    assert (ticker.bid, ticker.bidSize, ticker.ask) == (231.1, 300, 231.12)
    assert ticker.high == 231.11


async def test_cancelled_line_is_silent(desk: Desk, simulator: Simulator) -> None:
    contract = desk.stock()
    ticker = desk.ib.reqMktData(contract)
    await until(lambda: ticker.ask == 230.01, "the first quote")

    desk.ib.cancelMktData(contract)
    await desk.ib.reqCurrentTimeAsync()
    simulator.set_quote("AAPL", bid=Decimal("240"), ask=Decimal("241"))
    await desk.ib.reqCurrentTimeAsync()

    assert ticker.ask == 230.01
    assert desk.codes() == []


async def test_snapshot_ends(desk: Desk) -> None:
    (ticker,) = await desk.ib.reqTickersAsync(desk.stock())

    assert (ticker.bid, ticker.ask) == (229.99, 230.01)


async def test_line_of_an_unknown_contract_is_error_200(desk: Desk) -> None:
    desk.ib.reqMktData(desk.library.Stock("NOSUCH", "SMART", "USD", conId=1))

    await until(lambda: desk.codes() == [200], "error 200")


async def test_market_walks_by_itself_and_the_same_seed_walks_the_same_path() -> None:
    paths = []
    for seed in (7, 7, 8):
        server = Simulator(SimulatorConfig(seed=seed))
        await server.start()
        server.pause_market()
        for _ in range(20):
            server.step_market()
        paths.append([server.venue.market.quote(entry.con_id).state for entry in CATALOGUE])
        await server.stop()

    assert paths[0] == paths[1]
    assert paths[0] != paths[2]
    for entry, state in zip(CATALOGUE, paths[0], strict=True):
        assert state.bid is not None
        assert state.ask is not None
        assert state.bid < state.ask
        assert state.bid % entry.tick_size == 0
