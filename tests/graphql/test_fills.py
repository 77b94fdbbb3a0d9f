"""What a fill brings: executions, positions and events, on lists and on sockets."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from app.core.messages import Tick
from app.identity.domain import Scope
from app.marketdata import service as marketdata
from tests.graphql.conftest import Broker, Firm

EXECUTIONS = """
subscription Executions($accounts: [ID!]) {
  executions(accountIds: $accounts) { executionId quantity price order { id filledQuantity } instrument { symbol } }
}
"""


async def test_fills_make_executions_and_a_position(firm: Firm, broker: Broker) -> None:
    order_id = (await firm.api.place(**firm.order()))["order"]["id"]
    await broker.claim()
    first = await broker.fill(order_id, "4", "187.4")
    second = await broker.fill(order_id, "6", "187.5")
    tick = Tick(
        instrument_id=firm.instruments["AAPL"].id,
        symbol="AAPL",
        bid=Decimal("188"),
        ask=Decimal("189"),
        time=datetime.now(UTC),
    )
    await marketdata.publish_ticks(firm.desk.redis, firm.key.tenant_id, [tick])

    data = await firm.api.data(
        """
        query Filled($order: ID!, $account: ID!) {
          order(id: $order) { state filledQuantity remainingQuantity averageFillPrice executions { executionId } }
          executions(accountId: $account, orderId: $order, first: 1) {
            totalCount pageInfo { hasNextPage } edges { node {
              executionId side quantity price commission isCorrection liquidity order { id } account { id }
            } }
          }
          positions(accountId: $account, symbols: ["AAPL"]) {
            quantity averagePrice realizedPnl marketPrice marketValue unrealizedPnl openBuyQuantity openSellQuantity
            instrument { symbol } account { id }
          }
        }
        """,
        order=order_id,
        account=str(firm.account_id),
    )

    assert data["order"] == {
        "state": "FILLED",
        "filledQuantity": "10",
        "remainingQuantity": "0",
        "averageFillPrice": "187.46",
        "executions": [{"executionId": first}, {"executionId": second}],
    }
    assert data["executions"]["totalCount"] == 2
    assert data["executions"]["pageInfo"] == {"hasNextPage": True}
    assert [edge["node"] for edge in data["executions"]["edges"]] == [
        {
            "executionId": second,
            "side": "BUY",
            "quantity": "6",
            "price": "187.5",
            "commission": None,
            "isCorrection": False,
            "liquidity": "ADDED",
            "order": {"id": order_id},
            "account": {"id": str(firm.account_id)},
        }
    ]
    assert data["positions"] == [
        {
            "quantity": "10",
            "averagePrice": "187.46",
            "realizedPnl": "0",
            "marketPrice": "188.5",
            "marketValue": "1885",
            "unrealizedPnl": "10.4",
            "openBuyQuantity": "0",
            "openSellQuantity": "0",
            "instrument": {"symbol": "AAPL"},
            "account": {"id": str(firm.account_id)},
        }
    ]


async def test_a_position_without_a_price_stands_at_its_cost(firm: Firm, broker: Broker) -> None:
    order_id = (await firm.api.place(**firm.order()))["order"]["id"]
    await broker.claim()
    await broker.fill(order_id, "10", "187.4")

    data = await firm.api.data("{ positions { marketPrice marketValue unrealizedPnl } }")

    assert data["positions"] == [{"marketPrice": None, "marketValue": "1874", "unrealizedPnl": "0"}]


async def test_a_closed_position_is_shown_when_asked_for(firm: Firm) -> None:
    await firm.api.place(**firm.order())

    held = await firm.api.data("{ positions { id } }")
    all_of_them = await firm.api.data("{ positions(includeFlat: true) { quantity openBuyQuantity } }")

    assert held["positions"] == []
    assert all_of_them["positions"] == [{"quantity": "0", "openBuyQuantity": "10"}]


@pytest.mark.usefixtures("relayed")
async def test_each_execution_arrives_on_the_socket(firm: Firm, broker: Broker) -> None:
    order_id = (await firm.api.place(**firm.order()))["order"]["id"]
    await broker.claim()
    async with firm.api.socket() as opened:
        await opened.subscribe(EXECUTIONS, accounts=[str(firm.account_id)])
        # What was asked later and takes many more looks at the database tells that the stream listens.
        await opened.subscribe("{ viewer { memberships { id } } orders { totalCount } }")
        await opened.next_data()
        assert (await opened.receive())["type"] == "complete"
        first = await broker.fill(order_id, "4", "187.4")
        second = await broker.fill(order_id, "6", "187.5")
        seen = [(await opened.next_data())["executions"] for _ in range(2)]

    assert [(one["executionId"], one["quantity"], one["price"]) for one in seen] == [
        (first, "4", "187.4"),
        (second, "6", "187.5"),
    ]
    assert {one["order"]["id"] for one in seen} == {order_id}
    assert {one["instrument"]["symbol"] for one in seen} == {"AAPL"}


async def test_positions_need_their_scope(firm: Firm) -> None:
    program = await firm.program(Scope.VIEW_ORDERS)

    assert (await program.refusal("{ positions { id } }"))[0] == "FORBIDDEN"
    assert (await program.refusal('{ quote(symbol: "AAPL") { last } }'))[0] == "FORBIDDEN"
