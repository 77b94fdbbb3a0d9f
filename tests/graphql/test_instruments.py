"""Contracts and instruments as a client meets them: searching, describing, adding, and prices off their bands."""

import asyncio
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from app.brokers.ib.adapter import IbAdapter
from app.brokers.inquiries import DescribeContracts, ListOptions, OptionClass, OptionClasses, ToldContracts
from app.brokers.questions import Answer, Asked
from app.core.messages import PriceBand
from tests.graphql.conftest import Broker, Firm
from tests.graphql.test_preview import adapter, answering, simulator

__all__ = ["adapter", "simulator"]

SEARCH = """
query S($search: String!) { searchContracts(search: $search) { contractId symbol securityType instrumentType } }
"""
CONTRACTS = """
query C($query: ContractInput!) {
  contracts(query: $query) {
    isCut contracts { contractId symbol tickSize priceBands { lowest increment } timeZone
      tradingSessions { date kind opensAt closesAt } }
  }
}
"""
ADD = """
mutation Add($input: ContractInput!) {
  addInstrument(input: $input) {
    instrument { id symbol exchange currency instrumentType brokerContractId tickSize priceBands { lowest increment }
      timeZone tradingSessions { kind } describedAt isActive }
    errors { code message path }
  }
}
"""
CHAIN = """
query Chain($id: ID!, $first: Int, $after: String) {
  optionChain(instrumentId: $id, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor } edges { node { exchange tradingClass multiplier expiresOn strikes } }
  }
}
"""
MODIFY = """
mutation M($input: ModifyOrderInput!) { modifyOrder(input: $input) { order { id } errors { code message path } } }
"""
APPLE, MICROSOFT = "265598", "272093"


async def test_a_search_finds_what_the_broker_deals(firm: Firm, adapter: IbAdapter) -> None:
    async with answering(firm, adapter):
        found = await firm.api.data(SEARCH, search=" MSF ")

    assert {
        "contractId": MICROSOFT,
        "symbol": "MSFT",
        "securityType": "STK",
        "instrumentType": "STOCK",
    } in found["searchContracts"]


@pytest.mark.parametrize("search", ["", " ", "x" * 65, "a\nb"])
async def test_a_search_for_nothing_is_refused(firm: Firm, search: str) -> None:
    error = await firm.api.error(SEARCH, search=search)

    assert (error["extensions"]["code"], error["extensions"]["path"]) == ("BAD_USER_INPUT", ["search"])


async def test_without_a_connector_there_is_nobody_to_ask(firm: Firm) -> None:
    error = await firm.api.error(SEARCH, search="MSFT")

    assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("CONNECTOR_AWAY", True)


async def test_a_contract_is_described_by_name(firm: Firm, adapter: IbAdapter) -> None:
    query = {"symbol": "SAP", "instrumentType": "STOCK", "currency": "EUR"}

    async with answering(firm, adapter):
        told = (await firm.api.data(CONTRACTS, query=query))["contracts"]

    [contract] = told["contracts"]
    assert (contract["contractId"], contract["tickSize"], told["isCut"]) == ("14204", "0.01", False)
    assert contract["priceBands"] == [{"lowest": "0", "increment": "0.01"}]
    assert {one["kind"] for one in contract["tradingSessions"]} == {"REGULAR", "EXTENDED"}


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({}, ["contractId"]),
        ({"symbol": "AAPL"}, ["instrumentType"]),
        ({"contractId": "0"}, ["contractId"]),
        ({"contractId": "x1"}, ["contractId"]),
        ({"symbol": "A" * 65, "instrumentType": "STOCK"}, ["symbol"]),
    ],
)
async def test_a_query_that_names_nothing_is_refused_with_its_field(
    firm: Firm, query: dict[str, str], path: list[str]
) -> None:
    answer = (await firm.api.data(ADD, input=query))["addInstrument"]

    assert answer["instrument"] is None
    assert [(one["code"], one["path"]) for one in answer["errors"]] == [("BAD_USER_INPUT", path)]


async def test_an_instrument_is_added_once_and_keeps_its_id(firm: Firm, adapter: IbAdapter) -> None:
    async with answering(firm, adapter):
        first = (await firm.api.data(ADD, input={"contractId": "76792991"}))["addInstrument"]
        again = (await firm.api.data(ADD, input={"symbol": "TSLA", "instrumentType": "STOCK", "currency": "USD"}))[
            "addInstrument"
        ]

    added = first["instrument"]
    assert (first["errors"], again["errors"]) == ([], [])
    assert (added["symbol"], added["exchange"], added["brokerContractId"]) == ("TSLA", "SMART", "76792991")
    assert added["priceBands"] == [{"lowest": "0", "increment": "0.01"}]
    assert added["describedAt"] is not None
    assert again["instrument"]["id"] == added["id"]


async def test_adding_at_once_stores_one(firm: Firm, adapter: IbAdapter) -> None:
    async with answering(firm, adapter):
        answers = await asyncio.gather(*(firm.api.data(ADD, input={"contractId": "1520593"}) for _ in range(4)))

    assert len({answer["addInstrument"]["instrument"]["id"] for answer in answers}) == 1


async def test_an_instrument_of_anstranger_is_another(firm: Firm, stranger: Firm, adapter: IbAdapter) -> None:
    async with answering(firm, adapter):
        mine = (await firm.api.data(ADD, input={"contractId": "756733"}))["addInstrument"]["instrument"]
    theirs = await stranger.api.data('{ instruments(symbols: ["SPY"]) { edges { node { id } } } }')

    assert mine["id"] not in [edge["node"]["id"] for edge in theirs["instruments"]["edges"]]


async def test_what_nobody_deals_is_refused_with_the_brokers_words(firm: Firm, adapter: IbAdapter) -> None:
    async with answering(firm, adapter):
        answer = (await firm.api.data(ADD, input={"contractId": "1"}))["addInstrument"]

    assert [one["code"] for one in answer["errors"]] == ["BROKER_REFUSED"]


class Banded:
    """A broker that deals Apple in bands, and two options on it."""

    def __init__(self, adapter: IbAdapter) -> None:
        self._adapter = adapter
        self.chains_asked = 0

    async def answer(self, asked: Asked, account: str) -> Answer:
        if isinstance(asked, ListOptions):
            self.chains_asked += 1
            return OptionClasses(
                classes=tuple(
                    OptionClass(
                        exchange=exchange,
                        trading_class="AAPL",
                        multiplier=Decimal(100),
                        expiries=(date(2026, 12, 18), date(2027, 1, 15)),
                        strikes=(Decimal("182.5"), Decimal(185)),
                    )
                    for exchange in ("SMART", "CBOE")
                )
            )
        found = await self._adapter.answer(asked, account)
        assert isinstance(asked, DescribeContracts)
        assert isinstance(found, ToldContracts)
        bands = (
            PriceBand(lowest=Decimal(0), increment=Decimal("0.01")),
            PriceBand(lowest=Decimal(100), increment=Decimal("0.05")),
        )
        return ToldContracts(contracts=tuple(replace(one, price_bands=bands) for one in found.contracts))


async def test_a_price_off_its_band_is_refused_with_the_increment(firm: Firm, adapter: IbAdapter) -> None:
    async with answering(firm, Banded(adapter)):
        await firm.api.data(ADD, input={"contractId": APPLE})
    async with asyncio.timeout(10):
        # What an order meets may be five seconds old.
        while not (refused := await firm.api.place(**firm.order(limitPrice="187.52")))["errors"]:
            pass

    on_band = await firm.api.place(**firm.order(limitPrice="187.55"))
    below = await firm.api.place(**firm.order(limitPrice="99.99"))

    message = "the price must be a multiple of 0.05 from 100 on"
    assert refused["errors"] == [{"code": "PRICE_OFF_TICK", "message": message, "path": ["limitPrice"]}]
    assert (on_band["errors"], below["errors"]) == ([], [])


async def test_a_modify_off_the_band_is_refused_and_the_order_lives_on_its_old_terms(
    firm: Firm, adapter: IbAdapter, broker: Broker
) -> None:
    order_id = (await firm.api.place(**firm.order(limitPrice="187.52")))["order"]["id"]
    await broker.claim()
    await broker.acknowledge(order_id)
    async with answering(firm, Banded(adapter)):
        await firm.api.data(ADD, input={"contractId": APPLE})

    off_band = (await firm.api.data(MODIFY, input={"orderId": order_id, "limitPrice": "187.53"}))["modifyOrder"]
    below = (await firm.api.data(MODIFY, input={"orderId": order_id, "limitPrice": "99.999"}))["modifyOrder"]
    on_band = (await firm.api.data(MODIFY, input={"orderId": order_id, "limitPrice": "187.55"}))["modifyOrder"]

    message = "the price must be a multiple of 0.05 from 100 on"
    assert off_band["errors"] == [{"code": "PRICE_OFF_TICK", "message": message, "path": ["limitPrice"]}]
    assert [one["code"] for one in below["errors"]] == ["PRICE_OFF_TICK"]
    assert on_band["errors"] == []


async def test_a_chain_comes_in_pages_and_is_asked_for_once(firm: Firm, adapter: IbAdapter) -> None:
    broker, apple = Banded(adapter), str(firm.instruments["AAPL"].id)

    async with answering(firm, broker):
        first = (await firm.api.data(CHAIN, id=apple, first=3))["optionChain"]
        rest = (await firm.api.data(CHAIN, id=apple, first=3, after=first["pageInfo"]["endCursor"]))["optionChain"]

    nodes = [edge["node"] for edge in first["edges"] + rest["edges"]]
    assert [(one["exchange"], one["expiresOn"]) for one in nodes] == [
        ("CBOE", "2026-12-18"),
        ("CBOE", "2027-01-15"),
        ("SMART", "2026-12-18"),
        ("SMART", "2027-01-15"),
    ]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (4, True, False)
    assert nodes[0]["strikes"] == ["182.5", "185"]
    assert broker.chains_asked == 1


async def test_a_chain_of_anstrangers_instrument_is_unknown(firm: Firm, stranger: Firm) -> None:
    error = await firm.api.error(CHAIN, id=str(stranger.instruments["AAPL"].id), first=3)

    assert error["extensions"]["code"] == "INSTRUMENT_NOT_FOUND"
