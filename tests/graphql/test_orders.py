"""Placing, changing, cancelling and listing orders, as a client does."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from app.core.fix import RiskLimitType, TimeInForce
from app.core.messages import Tick
from app.marketdata import service as marketdata
from tests import factories
from tests.graphql.conftest import Broker, Firm

UNKNOWN = str(uuid4())
LIST = """
query List($filter: OrderFilter, $first: Int, $after: String, $last: Int, $before: String) {
  orders(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { id clientOrderId } }
  }
}
"""


async def place_some(firm: Firm, count: int, **terms: Any) -> list[str]:
    """The ids of new orders, the newest first."""
    payloads = [await firm.api.place(**firm.order(**terms)) for _ in range(count)]
    assert all(payload["errors"] == [] for payload in payloads)
    return [payload["order"]["id"] for payload in payloads][::-1]


def ids_of(data: Any) -> list[str]:
    """The ids on a page."""
    return [edge["node"]["id"] for edge in data["orders"]["edges"]]


async def test_a_placed_order_is_told_with_all_that_belongs_to_it(firm: Firm) -> None:
    placed = (await firm.api.place(**firm.order(metadata={"desk": "east"})))["order"]

    data = await firm.api.data(
        """
        query One($id: ID!) {
          order(id: $id) {
            side orderType timeInForce quantity limitPrice stopPrice filledQuantity remainingQuantity averageFillPrice
            commission state inDoubt origin version metadata rejectReason riskChecks { check } requests { id }
            executions { id } events { sequence toState order { id } }
            account { id accountNumber cash connection { state } } instrument { symbol tickSize quote { last } }
          }
        }
        """,
        id=placed["id"],
    )

    order = data["order"]
    events = order.pop("events")
    assert order.pop("account")["id"] == str(firm.account_id)
    assert order.pop("state") in ("ROUTED", "HELD")
    assert order == {
        "side": "BUY",
        "orderType": "LIMIT",
        "timeInForce": "DAY",
        "quantity": "10",
        "limitPrice": "187.5",
        "stopPrice": None,
        "filledQuantity": "0",
        "remainingQuantity": "10",
        "averageFillPrice": None,
        "commission": "0",
        "inDoubt": False,
        "origin": "API",
        "version": 1,
        "metadata": {"desk": "east"},
        "rejectReason": None,
        "riskChecks": [],
        "requests": [],
        "executions": [],
        "instrument": {"symbol": "AAPL", "tickSize": "0.01", "quote": None},
    }
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["order"] == {"id": placed["id"]}


async def test_the_same_key_answers_the_same_order(firm: Firm) -> None:
    order = firm.order()

    first, again = await firm.api.place(**order), await firm.api.place(**order)
    other = await firm.api.place(**{**order, "quantity": "11"})

    assert first["order"]["id"] == again["order"]["id"]
    assert [error["code"] for error in other["errors"]] == ["IDEMPOTENCY_CONFLICT"]


async def test_a_refused_order_is_stored_with_its_reasons(firm: Firm) -> None:
    await factories.make_limit(firm.desk.database, firm.key.tenant_id, RiskLimitType.MAX_ORDER_QUANTITY, Decimal(5))

    payload = await firm.api.place(**firm.order())

    assert payload["order"]["state"] == "REJECTED"
    assert [error["code"] for error in payload["errors"]] != []


@pytest.mark.parametrize(
    ("terms", "code", "path"),
    [
        ({"accountId": "nonsense"}, "ACCOUNT_NOT_FOUND", ["accountId"]),
        ({"accountId": UNKNOWN}, "ACCOUNT_NOT_FOUND", ["accountId"]),
        ({"symbol": "NOPE"}, "INSTRUMENT_NOT_FOUND", ["symbol"]),
        ({"symbol": None, "instrumentId": "nonsense"}, "INSTRUMENT_NOT_FOUND", ["instrumentId"]),
        ({"symbol": None, "instrumentId": UNKNOWN}, "INSTRUMENT_NOT_FOUND", ["instrumentId"]),
        ({"symbol": None}, "INSTRUMENT_REQUIRED", ["instrumentId"]),
        ({"quantity": "0"}, "QUANTITY_INVALID", ["quantity"]),
        ({"quantity": "-1"}, "QUANTITY_INVALID", ["quantity"]),
        ({"quantity": "0.5"}, "QUANTITY_OFF_LOT", ["quantity"]),
        ({"limitPrice": None}, "PRICE_REQUIRED", ["limitPrice"]),
        ({"limitPrice": "187.501"}, "PRICE_OFF_TICK", ["limitPrice"]),
        ({"limitPrice": "-1"}, "PRICE_INVALID", ["limitPrice"]),
        ({"stopPrice": "1"}, "PRICE_UNEXPECTED", ["stopPrice"]),
        ({"clientOrderId": ""}, "CLIENT_ORDER_ID_INVALID", ["clientOrderId"]),
        ({"metadata": [1]}, "METADATA_INVALID", ["metadata"]),
        (
            {"timeInForce": "OPG", "orderType": "STOP", "limitPrice": None, "stopPrice": "9"},
            "TIME_IN_FORCE_MISMATCH",
            ["timeInForce"],
        ),
        ({"timeInForce": "OPG", "expiresAt": "2030-01-01T00:00:00Z"}, "EXPIRY_UNEXPECTED", ["expiresAt"]),
        ({"timeInForce": "OPG", "postOnly": True}, "POST_ONLY_UNSUITED", ["postOnly"]),
        ({"timeInForce": "OPG", "outsideRegularHours": True}, "OUTSIDE_HOURS_UNSUITED", ["outsideRegularHours"]),
        ({"timeInForce": "GTD"}, "EXPIRY_REQUIRED", ["expiresAt"]),
        ({"timeInForce": "GTD", "expiresAt": "2020-01-01T00:00:00Z"}, "EXPIRY_INVALID", ["expiresAt"]),
        ({"timeInForce": "IOC", "postOnly": True}, "POST_ONLY_UNSUITED", ["postOnly"]),
        ({"postOnly": True}, "POST_ONLY_NO_QUOTE", ["postOnly"]),
    ],
)
async def test_what_a_trader_gets_wrong_is_told_with_its_place(
    firm: Firm, terms: dict[str, Any], code: str, path: list[str]
) -> None:
    payload = await firm.api.place(**firm.order(**terms))

    assert payload["order"] is None
    assert [(error["code"], error["path"]) for error in payload["errors"]] == [(code, path)]
    assert (await firm.api.data("{ orders { totalCount } }"))["orders"]["totalCount"] == 0


async def test_a_trailing_stop_that_ends_at_a_date_is_told_as_it_was_asked(firm: Firm) -> None:
    expires_at = (firm.desk.clock.now() + timedelta(days=1)).replace(microsecond=0)
    asked = firm.order(
        orderType="TRAILING_STOP",
        limitPrice=None,
        trailingAmount="0.5",
        timeInForce="GTD",
        expiresAt=expires_at.isoformat(),
    )
    payload = await firm.api.place(**asked)

    assert payload["errors"] == []
    told = await firm.api.data(
        "query($id: ID!) { order(id: $id) { orderType trailingAmount timeInForce expiresAt } }",
        id=payload["order"]["id"],
    )
    assert datetime.fromisoformat(told["order"].pop("expiresAt")) == expires_at
    assert told["order"] == {"orderType": "TRAILING_STOP", "trailingAmount": "0.5", "timeInForce": "GTD"}


async def test_a_post_only_order_rests_beside_the_quote_and_is_refused_where_it_would_take(firm: Firm) -> None:
    tick = Tick(
        instrument_id=firm.instruments["AAPL"].id,
        symbol="AAPL",
        bid=Decimal("187.40"),
        ask=Decimal("187.42"),
        last=Decimal("187.40"),
        time=firm.desk.clock.now(),
    )
    await marketdata.publish_ticks(firm.desk.redis, firm.key.tenant_id, [tick])

    taking = await firm.api.place(**firm.order(side="BUY", limitPrice="187.42", postOnly=True))
    resting = await firm.api.place(**firm.order(side="BUY", limitPrice="187.41", postOnly=True))

    assert taking["order"] is None
    assert [(one["code"], one["path"]) for one in taking["errors"]] == [("POST_ONLY_WOULD_TAKE", ["limitPrice"])]
    assert resting["errors"] == []
    assert resting["order"]["id"]


MODIFY = """
mutation($i: ModifyOrderInput!) {
  modifyOrder(input: $i) { order { id state version } errors { code path } }
}
"""


async def test_a_trailing_stop_below_zero_is_refused(firm: Firm) -> None:
    aapl = firm.instruments["AAPL"]
    tick = Tick(instrument_id=aapl.id, symbol="AAPL", bid=Decimal(187), ask=Decimal(188), time=firm.desk.clock.now())
    await marketdata.publish_ticks(firm.desk.redis, firm.key.tenant_id, [tick])
    trailing = {"orderType": "TRAILING_STOP", "limitPrice": None}

    beyond = await firm.api.place(**firm.order(side="SELL", trailingAmount="187", **trailing))
    near = await firm.api.place(**firm.order(side="SELL", trailingAmount="186.99", **trailing))
    above = await firm.api.place(**firm.order(side="BUY", trailingAmount="200", **trailing))

    assert [(one["code"], one["path"]) for one in beyond["errors"]] == [("PRICE_INVALID", ["trailingAmount"])]
    assert near["errors"] == above["errors"] == []


async def test_a_post_only_order_is_held_against_the_quote_again_when_it_is_modified(
    firm: Firm, broker: Broker
) -> None:
    tick = Tick(
        instrument_id=firm.instruments["AAPL"].id,
        symbol="AAPL",
        bid=Decimal("187.40"),
        ask=Decimal("187.42"),
        last=Decimal("187.40"),
        time=firm.desk.clock.now(),
    )
    await marketdata.publish_ticks(firm.desk.redis, firm.key.tenant_id, [tick])
    placed = await firm.api.place(**firm.order(side="BUY", limitPrice="187.40", postOnly=True))
    order_id = placed["order"]["id"]
    await broker.claim()
    await broker.acknowledge(order_id)

    taking = await firm.api.data(MODIFY, i={"orderId": order_id, "limitPrice": "187.42"})
    resting = await firm.api.data(MODIFY, i={"orderId": order_id, "limitPrice": "187.41"})

    assert taking["modifyOrder"]["errors"] == [{"code": "POST_ONLY_WOULD_TAKE", "path": ["limitPrice"]}]
    assert resting["modifyOrder"] == {"order": {"id": order_id, "state": "PENDING_REPLACE", "version": 1}, "errors": []}


async def test_a_good_till_date_order_keeps_its_instant_when_it_is_modified(firm: Firm, broker: Broker) -> None:
    expires_at = (firm.desk.clock.now() + timedelta(days=1)).replace(microsecond=0)
    asked = firm.order(side="BUY", limitPrice="100", timeInForce="GTD", expiresAt=expires_at.isoformat())
    order_id = (await firm.api.place(**asked))["order"]["id"]
    await broker.claim()
    await broker.acknowledge(order_id)

    swapped = await firm.api.data(MODIFY, i={"orderId": order_id, "timeInForce": "DAY"})
    modified = await firm.api.data(MODIFY, i={"orderId": order_id, "limitPrice": "101", "timeInForce": "GTD"})
    [command] = await broker.claim()

    assert swapped["modifyOrder"]["errors"] == [{"code": "TIME_IN_FORCE_UNSUPPORTED", "path": ["timeInForce"]}]
    assert modified["modifyOrder"]["errors"] == []
    assert (command.terms.limit_price, command.terms.time_in_force) == (Decimal(101), TimeInForce.GTD)
    assert command.terms.expires_at == expires_at


@pytest.mark.parametrize("terms", [{"orderType": "MARKET", "limitPrice": None}, {"limitPrice": "100"}])
async def test_an_order_for_the_opening_is_sent_as_such_and_keeps_its_time_in_force(
    firm: Firm, broker: Broker, terms: dict[str, Any]
) -> None:
    placed = await firm.api.place(**firm.order(side="BUY", timeInForce="OPG", **terms))
    [command] = await broker.claim()
    await broker.acknowledge(placed["order"]["id"])

    swapped = await firm.api.data(MODIFY, i={"orderId": placed["order"]["id"], "timeInForce": "DAY"})

    assert placed["errors"] == []
    assert command.terms.time_in_force is TimeInForce.OPG
    assert swapped["modifyOrder"]["errors"] == [{"code": "TIME_IN_FORCE_UNSUPPORTED", "path": ["timeInForce"]}]


async def test_another_tenants_account_is_an_unknown_one(firm: Firm, stranger: Firm) -> None:
    payload = await firm.api.place(**firm.order(accountId=str(stranger.account_id)))

    assert [(error["code"], error["path"]) for error in payload["errors"]] == [("ACCOUNT_NOT_FOUND", ["accountId"])]
    assert (await stranger.api.data("{ orders { totalCount } }"))["orders"]["totalCount"] == 0


async def test_an_unsent_order_is_cancelled_at_once(firm: Firm) -> None:
    cancel = "mutation($i: CancelOrderInput!) { cancelOrder(input: $i) { order { state } errors { code path } } }"
    [order_id] = await place_some(firm, 1)

    done = await firm.api.data(cancel, i={"orderId": order_id})
    again = await firm.api.data(cancel, i={"orderId": order_id})

    assert done["cancelOrder"] == {"order": {"state": "CANCELED"}, "errors": []}
    assert again["cancelOrder"] == {
        "order": {"state": "CANCELED"},
        "errors": [{"code": "ORDER_NOT_OPEN", "path": ["orderId"]}],
    }


async def test_unknown_orders_cannot_be_changed(firm: Firm, stranger: Firm) -> None:
    cancel = "mutation($i: CancelOrderInput!) { cancelOrder(input: $i) { order { id } errors { code path } } }"
    modify = "mutation($i: ModifyOrderInput!) { modifyOrder(input: $i) { order { id } errors { code path } } }"
    [theirs] = await place_some(stranger, 1)
    unknown = {"order": None, "errors": [{"code": "ORDER_NOT_FOUND", "path": ["orderId"]}]}
    for order_id in (theirs, UNKNOWN, "nonsense"):
        assert (await firm.api.data(cancel, i={"orderId": order_id}))["cancelOrder"] == unknown
        assert (await firm.api.data(modify, i={"orderId": order_id, "quantity": "5"}))["modifyOrder"] == unknown


async def test_pages_run_through_all_orders_both_ways(firm: Firm) -> None:
    placed = await place_some(firm, 5)

    first = await firm.api.data(LIST, first=2)
    second = await firm.api.data(LIST, first=2, after=first["orders"]["pageInfo"]["endCursor"])
    third = await firm.api.data(LIST, first=2, after=second["orders"]["pageInfo"]["endCursor"])
    last = await firm.api.data(LIST, last=2)
    before = await firm.api.data(LIST, last=2, before=last["orders"]["pageInfo"]["startCursor"])

    assert ids_of(first) + ids_of(second) + ids_of(third) == placed
    assert (ids_of(before), ids_of(last)) == (placed[1:3], placed[3:])
    flags = [
        (page["orders"]["pageInfo"]["hasNextPage"], page["orders"]["pageInfo"]["hasPreviousPage"])
        for page in (first, second, third, last, before)
    ]
    assert flags == [(True, False), (True, True), (False, True), (False, True), (True, True)]
    assert {page["orders"]["totalCount"] for page in (first, second, third, last, before)} == {5}


async def test_a_page_of_nothing_has_no_cursors(firm: Firm) -> None:
    data = await firm.api.data(LIST, filter={"symbols": ["NOPE"]})

    assert data["orders"] == {
        "totalCount": 0,
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
        "edges": [],
    }


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"first": 0}, ["first"]),
        ({"first": -1}, ["first"]),
        ({"first": 501}, ["first"]),
        ({"last": 0}, ["last"]),
        ({"last": 501}, ["last"]),
        ({"after": "nonsense"}, ["after"]),
        ({"after": "b3JkZXI6MQ"}, ["after"]),
        ({"after": "é"}, ["after"]),
        ({"before": ""}, ["before"]),
        ({"filter": {"accountIds": [UNKNOWN, "nonsense"]}}, ["filter", "accountIds", "1"]),
        ({"filter": {"instrumentIds": ["x"]}}, ["filter", "instrumentIds", "0"]),
        ({"filter": {"symbols": ["A"] * 501}}, ["filter", "symbols"]),
        ({"filter": {"createdAfter": "2026-11-20T12:00:00"}}, ["filter", "createdAfter"]),
        ({"filter": {"states": ["OPEN"]}}, ["filter", "states", "0"]),
    ],
)
async def test_a_wrong_argument_of_a_list_is_told_with_its_place(
    firm: Firm, arguments: dict[str, Any], path: list[str]
) -> None:
    assert await firm.api.refusal(LIST, **arguments) == ("BAD_USER_INPUT", path)


async def test_orders_are_filtered(firm: Firm) -> None:
    apple = await place_some(firm, 1)
    [tesla] = await place_some(firm, 1, symbol="TSLA", limitPrice="340", side="SELL")
    cancel = "mutation($i: CancelOrderInput!) { cancelOrder(input: $i) { order { state } errors { code } } }"
    await firm.api.data(cancel, i={"orderId": tesla})
    for wanted, found in (
        ({"symbols": ["AAPL"]}, apple),
        ({"symbols": ["TSLA"], "instrumentIds": [str(firm.instruments["AAPL"].id)]}, []),
        ({"isOpen": True}, apple),
        ({"isOpen": False}, [tesla]),
        ({"states": ["CANCELED"]}, [tesla]),
        ({"sides": ["BUY"]}, apple),
        ({"accountIds": [str(firm.account_id)]}, [tesla, *apple]),
        ({"accountIds": []}, []),
        ({"createdAfter": "2999-01-01T00:00:00Z"}, []),
        ({"createdBefore": "2999-01-01T00:00:00+02:00"}, [tesla, *apple]),
        ({"clientOrderId": "none"}, []),
    ):
        data = await firm.api.data(LIST, filter=wanted)

        assert (ids_of(data), data["orders"]["totalCount"]) == (found, len(found)), wanted


async def test_another_tenants_things_are_unknown(firm: Firm, stranger: Firm) -> None:
    [theirs] = await place_some(stranger, 1)
    account, instrument = str(stranger.account_id), str(stranger.instruments["AAPL"].id)
    for wanted in (theirs, account, instrument, str(stranger.key.tenant_id), UNKNOWN):
        data = await firm.api.data("query($i: ID!) { node(id: $i) { id } order(id: $i) { id } }", i=wanted)

        assert data == {"node": None, "order": None}
    assert ids_of(await firm.api.data(LIST)) == []
    assert ids_of(await firm.api.data(LIST, filter={"accountIds": [account]})) == []
    for field in ("positions", "executions"):
        selection = "{ id }" if field == "positions" else "{ totalCount }"
        document = f"query($i: ID!) {{ {field}(accountId: $i) {selection} }}"
        for account_id in (account, UNKNOWN):
            assert await firm.api.refusal(document, i=account_id) == ("ACCOUNT_NOT_FOUND", ["accountId"])
    executions = "query($i: ID!) { executions(orderId: $i) { totalCount } }"
    assert await firm.api.refusal(executions, i=theirs) == ("ORDER_NOT_FOUND", ["orderId"])


async def test_a_node_is_found_by_its_id(firm: Firm) -> None:
    [order_id] = await place_some(firm, 1)
    node = "query($i: ID!) { node(id: $i) { __typename id } }"
    for wanted, kind in (
        (order_id, "Order"),
        (str(firm.account_id), "BrokerAccount"),
        (str(firm.instruments["SPY"].id), "Instrument"),
        (str(firm.key.tenant_id), "Tenant"),
        (str(firm.principal.user_id), "User"),
        (str(firm.principal.session_id), "Session"),
    ):
        assert (await firm.api.data(node, i=wanted))["node"] == {"__typename": kind, "id": wanted}
    assert await firm.api.refusal(node, i="nonsense") == ("BAD_USER_INPUT", ["id"])


async def test_an_order_may_be_written_out_in_the_document(firm: Firm) -> None:
    document = (
        'mutation { placeOrder(input: {accountId: "%s", symbol: "AAPL", side: BUY, orderType: MARKET, quantity: %s, '
        'clientOrderId: "written", metadata: {a: [1, "b"]}}) { order { quantity metadata } errors { code path } } }'
    )

    whole = await firm.api.data(document % (firm.account_id, "10"))
    broken = await firm.api.error(document % (firm.account_id, "1.5"))

    assert whole["placeOrder"]["order"] == {"quantity": "10", "metadata": {"a": [1, "b"]}}
    assert broken["extensions"] == {"code": "BAD_USER_INPUT", "path": ["input", "quantity"]}


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ('{ quote(symbol: "A\\u0000") { time } }', ["symbol"]),
        ('{ quotes(symbols: ["AAPL", "A\\u0000"]) { time } }', ["symbols", "1"]),
        ('{ positions(symbols: ["\\u0000"]) { id } }', ["symbols", "0"]),
        ('{ instruments(search: "\\u0000") { totalCount } }', ["search"]),
        ('{ instruments(symbols: ["\\u0000"]) { totalCount } }', ["symbols", "0"]),
        ('{ orders(filter: { symbols: ["\\u0000"] }) { totalCount } }', ["filter", "symbols", "0"]),
        ('{ orders(filter: { clientOrderId: "\\u0000" }) { totalCount } }', ["filter", "clientOrderId"]),
    ],
)
async def test_a_text_that_cannot_be_stored_is_told_by_its_place(firm: Firm, document: str, path: list[str]) -> None:
    assert await firm.api.refusal(document) == ("BAD_USER_INPUT", path)
