"""Brackets, pairs, closes and staged orders as a client meets them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.identity.domain import Role, Scope
from tests.graphql.conftest import Answer, Broker, Firm

BRACKET = """
mutation Bracket($input: PlaceOrderInput!) {
  placeOrder(input: $input) {
    order { id state linkRole parent { id } children { id clientOrderId linkRole orderType side state quantity
      limitPrice stopPrice timeInForce parent { id } siblings { id } } }
    errors { code message path }
  }
}
"""
OCO = """
mutation Oco($input: PlaceOcoInput!) {
  placeOco(input: $input) {
    orders { id clientOrderId linkRole side orderType state quantity siblings { id } }
    errors { code message path }
  }
}
"""
CLOSE = """
mutation Close($input: ClosePositionInput!) {
  closePosition(input: $input) { order { id side orderType quantity closesPosition state } errors { code path } }
}
"""
REVERSE = """
mutation Reverse($input: ReversePositionInput!) {
  reversePosition(input: $input) { order { id side quantity closesPosition } errors { code path } }
}
"""
RELEASE = """
mutation Release($input: ReleaseOrdersInput!) {
  releaseOrders(input: $input) {
    results { order { id state staged releaseAt } errors { code path } } errors { code path }
  }
}
"""
AUDITED = text("SELECT action FROM audit_log WHERE resource_id = :id ORDER BY created_at, id")
POSITIONS = "query Positions($account: ID!) { positions(accountId: $account) { id quantity openSellQuantity } }"


def pair(firm: Firm, **terms: Any) -> dict[str, Any]:
    return {
        "accountId": str(firm.account_id),
        "symbol": "AAPL",
        "quantity": "10",
        "clientOrderId": "pair",
        "legs": [
            {"side": "SELL", "orderType": "LIMIT", "limitPrice": "200"},
            {"side": "SELL", "orderType": "STOP", "stopPrice": "180"},
        ],
        **terms,
    }


async def hold(firm: Firm, broker: Broker, **terms: Any) -> dict[str, Any]:
    """A position of ten."""
    order = (await firm.api.place(**firm.order(**terms)))["order"]
    await broker.claim()
    await broker.fill(order["id"], "10", "187.5")
    [position] = (await firm.api.data(POSITIONS, account=str(firm.account_id)))["positions"]
    found: dict[str, Any] = position
    return found


async def mutate(firm: Firm, document: str, **given: Any) -> Answer:
    [payload] = (await firm.api.data(document, input=given)).values()
    answer: Answer = payload
    return answer


async def state_of(firm: Firm, order_id: str) -> str:
    data = await firm.api.data("query State($id: ID!) { order(id: $id) { state } }", id=order_id)
    return str(data["order"]["state"])


async def test_a_bracket_shows_its_entry_and_its_exits(firm: Firm) -> None:
    key = firm.order()["clientOrderId"]

    payload = await mutate(firm, BRACKET, **firm.order(clientOrderId=key, takeProfit="190", stopLoss="180.5"))

    assert payload["errors"] == []
    order = payload["order"]
    profit, loss = order["children"]
    assert (order["linkRole"], order["state"], order["parent"]) == ("ENTRY", "ROUTED", None)
    assert profit == {
        "id": profit["id"],
        "clientOrderId": f"{key}/tp",
        "linkRole": "TAKE_PROFIT",
        "orderType": "LIMIT",
        "side": "SELL",
        "state": "HELD",
        "quantity": "10",
        "limitPrice": "190",
        "stopPrice": None,
        "timeInForce": "GTC",
        "parent": {"id": order["id"]},
        "siblings": [{"id": loss["id"]}],
    }
    assert (loss["linkRole"], loss["orderType"], loss["stopPrice"]) == ("STOP_LOSS", "STOP", "180.5")


async def test_fills_of_a_bracket_show_on_its_exits(firm: Firm, broker: Broker) -> None:
    payload = await mutate(firm, BRACKET, **firm.order(takeProfit="190", stopLoss="180"))
    await broker.claim()
    await broker.fill(payload["order"]["id"], "4", "187.5")

    data = await firm.api.data(
        "query B($id: ID!) { order(id: $id) { filledQuantity children { state quantity events { type actor } } } }",
        id=payload["order"]["id"],
    )

    assert data["order"]["filledQuantity"] == "4"
    for child in data["order"]["children"]:
        assert (child["state"], child["quantity"]) == ("ROUTED", "4")
        assert [event["type"] for event in child["events"]] == ["OrderHeld", "OrderRouted"]
        assert child["events"][1]["actor"] == "links"


async def test_an_exit_on_the_wrong_side_is_refused_where_it_stands(firm: Firm) -> None:
    payload = await mutate(firm, BRACKET, **firm.order(takeProfit="187.5"))

    assert payload["order"] is None
    assert [(error["code"], error["path"]) for error in payload["errors"]] == [("EXIT_PRICE_CROSSED", ["takeProfit"])]


@pytest.mark.parametrize(
    ("terms", "found"),
    [
        ({"timeInForce": "OPG"}, [("OCO_LEGS_INVALID", ["timeInForce"])]),
        ({"timeInForce": "GTD"}, [("EXPIRY_REQUIRED", ["expiresAt"])]),
        ({"timeInForce": "GTD", "expiresAt": "2020-01-01T00:00:00Z"}, [("EXPIRY_INVALID", ["expiresAt"])]),
        (
            {
                "legs": [
                    {"side": "SELL", "orderType": "LIMIT", "limitPrice": "200"},
                    {"side": "SELL", "orderType": "TRAILING_STOP", "stopPrice": "180"},
                ]
            },
            [
                ("PRICE_UNEXPECTED", ["legs", "1", "stopPrice"]),
                ("PRICE_REQUIRED", ["legs", "1", "trailingAmount"]),
            ],
        ),
    ],
)
async def test_what_is_wrong_with_a_pair_is_told_with_its_place(
    firm: Firm, terms: dict[str, Any], found: list[tuple[str, list[str]]]
) -> None:
    both_limits = [{"side": "SELL", "orderType": "LIMIT", "limitPrice": price} for price in ("200", "210")]

    payload = await mutate(firm, OCO, **pair(firm, **{"legs": both_limits, **terms}))

    assert [(error["code"], error["path"]) for error in payload["errors"]] == found


async def test_a_pair_is_placed_whole(firm: Firm) -> None:
    payload = await mutate(firm, OCO, **pair(firm))
    again = await mutate(firm, OCO, **pair(firm))

    first, second = payload["orders"]
    assert payload["errors"] == []
    assert [one["clientOrderId"] for one in (first, second)] == ["pair", "pair/oco"]
    assert [one["orderType"] for one in (first, second)] == ["LIMIT", "STOP"]
    assert {one["state"] for one in (first, second)} == {"ROUTED"}
    assert first["siblings"] == [{"id": second["id"]}]
    assert again == payload


@pytest.mark.parametrize(
    ("terms", "code", "path"),
    [
        ({"legs": [{"side": "SELL", "orderType": "LIMIT", "limitPrice": "200"}]}, "OCO_LEGS_INVALID", ["legs"]),
        (
            {
                "legs": [
                    {"side": "SELL", "orderType": "LIMIT"},
                    {"side": "SELL", "orderType": "STOP", "stopPrice": "180"},
                ]
            },
            "PRICE_REQUIRED",
            ["legs", "0", "limitPrice"],
        ),
        (
            {
                "legs": [
                    {"side": "SELL", "orderType": "LIMIT", "limitPrice": "200"},
                    {"side": "SELL", "orderType": "STOP", "stopPrice": "180.001"},
                ]
            },
            "PRICE_OFF_TICK",
            ["legs", "1", "stopPrice"],
        ),
        (
            {
                "legs": [
                    {"side": "SELL", "orderType": "LIMIT", "limitPrice": "200"},
                    {"side": "SELL", "orderType": "MARKET"},
                ]
            },
            "OCO_LEGS_INVALID",
            ["legs"],
        ),
        ({"quantity": "0"}, "QUANTITY_INVALID", ["quantity"]),
        ({"accountId": "nobody"}, "ACCOUNT_NOT_FOUND", ["accountId"]),
    ],
)
async def test_a_bad_pair_stores_nothing(firm: Firm, terms: dict[str, Any], code: str, path: list[str]) -> None:
    payload = await mutate(firm, OCO, **pair(firm, **terms))

    assert payload["orders"] == []
    assert [(error["code"], error["path"]) for error in payload["errors"]] == [(code, path)]


async def test_a_position_is_closed_once(firm: Firm, broker: Broker) -> None:
    position = await hold(firm, broker)

    payload = await mutate(firm, CLOSE, positionId=position["id"], clientOrderId="close")
    again = await mutate(firm, CLOSE, positionId=position["id"], clientOrderId="close")
    other = await mutate(firm, CLOSE, positionId=position["id"], clientOrderId="other")

    order = payload["order"]
    assert (order["side"], order["orderType"], order["quantity"], order["closesPosition"]) == (
        "SELL",
        "MARKET",
        "10",
        True,
    )
    assert again == payload
    assert other == {"order": None, "errors": [{"code": "NOTHING_TO_CLOSE", "path": ["positionId"]}]}


async def test_a_part_of_a_position_is_closed(firm: Firm, broker: Broker) -> None:
    position = await hold(firm, broker)

    payload = await mutate(firm, CLOSE, positionId=position["id"], clientOrderId="close", quantity="4")
    refused = await mutate(firm, CLOSE, positionId=position["id"], clientOrderId="more", quantity="7")

    assert payload["order"]["quantity"] == "4"
    assert refused["errors"] == [{"code": "CLOSE_TOO_LARGE", "path": ["quantity"]}]


async def test_a_position_is_reversed(firm: Firm, broker: Broker) -> None:
    position = await hold(firm, broker)

    payload = await mutate(firm, REVERSE, positionId=position["id"], clientOrderId="turn")

    assert payload["errors"] == []
    assert (payload["order"]["side"], payload["order"]["quantity"]) == ("SELL", "20")
    assert payload["order"]["closesPosition"] is False


async def test_closing_what_exits_cover_takes_them_along(firm: Firm, broker: Broker) -> None:
    bracket = (await mutate(firm, BRACKET, **firm.order(takeProfit="190", stopLoss="180")))["order"]
    exits = [child["id"] for child in bracket["children"]]
    await broker.claim()
    await broker.fill(bracket["id"], "10", "187.5")
    await broker.claim()
    program = await firm.program(Scope.PLACE_ORDERS, Scope.VIEW_ORDERS)
    [position] = (await firm.api.data(POSITIONS, account=str(firm.account_id)))["positions"]
    asked = {"positionId": position["id"], "clientOrderId": "close"}

    payload = (await program.data(CLOSE, input=asked))["closePosition"]
    again = (await program.data(CLOSE, input=asked))["closePosition"]
    waiting = [await state_of(firm, one) for one in exits]
    await broker.end(*exits)
    gone = [await state_of(firm, one) for one in (*exits, payload["order"]["id"])]

    assert payload["errors"] == []
    assert (payload["order"]["state"], payload["order"]["quantity"]) == ("HELD", "10")
    assert again == payload
    assert waiting == ["PENDING_CANCEL", "PENDING_CANCEL"]
    assert gone == ["CANCELED", "CANCELED", "ROUTED"]


async def test_a_strangers_position_is_unknown(firm: Firm, stranger: Firm, broker: Broker) -> None:
    position = await hold(firm, broker)

    for document in (CLOSE, REVERSE):
        for position_id in (position["id"], str(firm.desk.ids.new()), "x"):
            payload = await mutate(stranger, document, positionId=position_id, clientOrderId="close")
            assert payload == {"order": None, "errors": [{"code": "POSITION_NOT_FOUND", "path": ["positionId"]}]}


async def test_a_staged_order_waits_for_its_release(firm: Firm) -> None:
    release_at = datetime.now(UTC) + timedelta(days=1)
    placed = await firm.api.place(**firm.order(staged=True, releaseAt=release_at.isoformat()))

    payload = await mutate(firm, RELEASE, orderIds=[placed["order"]["id"], "x"])
    again = await mutate(firm, RELEASE, orderIds=[placed["order"]["id"]])

    assert placed["order"]["state"] == "HELD"
    released, unknown = payload["results"]
    assert released["errors"] == []
    assert (released["order"]["state"], released["order"]["staged"]) == ("ROUTED", False)
    assert datetime.fromisoformat(released["order"]["releaseAt"]) == release_at
    assert unknown == {"order": None, "errors": [{"code": "ORDER_NOT_FOUND", "path": ["orderIds"]}]}
    assert again["results"][0]["errors"] == [{"code": "ORDER_NOT_STAGED", "path": ["orderIds"]}]


async def test_a_release_is_written_down(firm: Firm) -> None:
    placed = await firm.api.place(**firm.order(staged=True))
    await mutate(firm, RELEASE, orderIds=[placed["order"]["id"]])

    async with firm.desk.reading(firm.principal) as session:
        rows = await session.execute(AUDITED, {"id": placed["order"]["id"]})
    assert [row[0] for row in rows] == ["order.place", "order.release"]


async def test_too_many_at_once_are_refused(firm: Firm) -> None:
    payload = await mutate(firm, RELEASE, orderIds=[str(firm.desk.ids.new())] * 501)

    assert payload["results"] == []
    assert [error["path"] for error in payload["errors"]] == [["orderIds"]]


@pytest.mark.parametrize(
    ("document", "given"),
    [
        (OCO, {"legs": [], "quantity": "1", "accountId": "x", "clientOrderId": "k"}),
        (CLOSE, {"positionId": "x", "clientOrderId": "k"}),
        (REVERSE, {"positionId": "x", "clientOrderId": "k"}),
        (RELEASE, {"orderIds": []}),
    ],
)
async def test_who_may_not_place_orders_is_turned_away(firm: Firm, document: str, given: dict[str, Any]) -> None:
    viewer = await firm.member(Role.VIEWER)
    program = await firm.program(Scope.VIEW_ORDERS)

    for api in (viewer, program):
        code, _ = await api.refusal(document, input=given)
        assert code == "FORBIDDEN"
