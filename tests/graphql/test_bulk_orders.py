"""placeOrders: many at once, each on its own merits."""

import asyncio
from decimal import Decimal
from typing import Any

from app.core.fix import RiskLimitType
from tests import factories
from tests.graphql.conftest import Firm

PLACE_ORDERS = """
mutation PlaceOrders($input: [PlaceOrderInput!]!) {
  placeOrders(input: $input) {
    accepted rejected results { order { id clientOrderId state } errors { code path } }
  }
}
"""


async def place(firm: Firm, *orders: dict[str, Any]) -> dict[str, Any]:
    """The payload of placeOrders."""
    payload: dict[str, Any] = (await firm.api.data(PLACE_ORDERS, input=orders))["placeOrders"]
    return payload


async def test_each_order_stands_by_itself(firm: Firm) -> None:
    good = [firm.order() for _ in range(3)]
    bad = [
        firm.order(quantity="0"),
        firm.order(symbol="NONE"),
        firm.order(accountId="nothing"),
        firm.order(orderType="MARKET"),
        {**good[0], "quantity": "11"},
    ]

    payload = await place(firm, good[0], bad[0], good[1], *bad[1:], good[2], good[0])

    results = payload["results"]
    codes = [[error["code"] for error in result["errors"]] for result in results]
    assert codes == [
        [],
        ["QUANTITY_INVALID"],
        [],
        ["INSTRUMENT_NOT_FOUND"],
        ["ACCOUNT_NOT_FOUND"],
        ["PRICE_UNEXPECTED"],
        ["IDEMPOTENCY_CONFLICT"],
        [],
        [],
    ]
    assert [payload["accepted"], payload["rejected"]] == [4, 5]
    placed = [results[place]["order"]["clientOrderId"] for place in (0, 2, 7)]
    assert placed == [order["clientOrderId"] for order in good]
    assert results[8]["order"]["id"] == results[0]["order"]["id"]
    count = await firm.api.data("{ orders { totalCount } }")
    assert count == {"orders": {"totalCount": 3}}


async def test_a_thousand_orders_are_taken_in_their_order_and_one_more_is_not(firm: Firm) -> None:
    orders = [firm.order(quantity="1") for _ in range(1_001)]

    refused = await firm.api.refusal(PLACE_ORDERS, input=orders)
    payload = await place(firm, *orders[:1_000])

    assert refused == ("BAD_USER_INPUT", ["input"])
    assert [payload["accepted"], payload["rejected"]] == [1_000, 0]
    answered = [result["order"]["clientOrderId"] for result in payload["results"]]
    assert answered == [order["clientOrderId"] for order in orders[:1_000]]
    listed = await firm.api.data("{ orders(first: 500) { totalCount edges { node { clientOrderId } } } }")
    assert listed["orders"]["totalCount"] == 1_000
    newest = [edge["node"]["clientOrderId"] for edge in listed["orders"]["edges"]]
    assert newest == [order["clientOrderId"] for order in orders[999:499:-1]]


async def test_a_limit_is_met_within_one_request_and_beside_single_orders(firm: Firm) -> None:
    await factories.make_limit(firm.desk.database, firm.key.tenant_id, RiskLimitType.MAX_POSITION_QUANTITY, Decimal(50))

    payloads = await asyncio.gather(
        *(place(firm, *(firm.order(quantity="1") for _ in range(20))) for _ in range(4)),
        *(firm.api.place(**firm.order(quantity="1")) for _ in range(20)),
    )

    accepted = sum(payload["accepted"] for payload in payloads[:4])
    accepted += sum(payload["errors"] == [] for payload in payloads[4:])
    assert accepted == 50


async def test_nothing_asked_is_nothing_done(firm: Firm) -> None:
    assert await place(firm) == {"accepted": 0, "rejected": 0, "results": []}
