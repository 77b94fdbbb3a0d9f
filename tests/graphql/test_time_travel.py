"""asOf: what was shown at an instant is shown again, and nothing else."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from app.brokers import repository as brokers
from app.identity.domain import Scope
from app.infra.uow import begin_batch
from tests.graphql.conftest import Firm
from tests.integration.flows.conftest import Trader
from tests.integration.flows.lives import Lives

ORDER_FIELDS = """
  id clientOrderId permanentId brokerOrderId side orderType timeInForce quantity limitPrice stopPrice state
  filledQuantity remainingQuantity averageFillPrice commission rejectReason rejectOrigin inDoubt origin
  overfilledQuantity version metadata createdAt updatedAt riskChecks { check outcome }
  requests { id kind outcome terms reason requestedBy requestedAt resolvedAt }
  executions { id executionId side quantity price commission realizedPnl liquidity isCorrection executedAt }
  events { sequence type fromState toState actor details occurredAt }
"""
ORDER = f"query Order($id: ID!, $at: DateTime) {{ order(id: $id, asOf: $at) {{ {ORDER_FIELDS} }} }}"
ORDERS = f"""
query Orders($filter: OrderFilter, $first: Int, $after: String, $at: DateTime) {{
  orders(filter: $filter, first: $first, after: $after, asOf: $at) {{
    edges {{ node {{ {ORDER_FIELDS} }} }} pageInfo {{ hasNextPage endCursor }} totalCount
  }}
}}
"""
POSITIONS = """
query Positions($account: ID, $symbols: [String!], $flat: Boolean, $at: DateTime) {
  positions(accountId: $account, symbols: $symbols, includeFlat: $flat, asOf: $at) {
    id quantity averagePrice realizedPnl openBuyQuantity openSellQuantity instrument { symbol } account { id }
  }
}
"""


@pytest.fixture
async def lives(firm: Firm) -> Lives:
    """Random lives of the firm's orders."""
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        lease = await brokers.take_lease(session, firm.key.tenant_id, firm.account_id, "test", 60)
        assert lease is not None
        await session.execute(
            "UPDATE broker_connections SET is_gate_open = true WHERE tenant_id = $1", firm.key.tenant_id
        )
    trader = Trader(desk=firm.desk, principal=firm.principal, key=firm.key, instruments=firm.instruments, lease=lease)
    return Lives(trader=trader, random=Random(11))


async def shown(firm: Firm, at: datetime | None = None) -> Any:
    """All that is shown of the firm, now or as of an instant."""
    when = None if at is None else at.isoformat()
    orders = (await firm.api.data(ORDERS, first=100, at=when))["orders"]
    positions = (await firm.api.data(POSITIONS, flat=True, at=when))["positions"]
    nodes = [edge["node"] for edge in orders["edges"]]
    # The send intent is told with the event that follows it.
    told = [{**node, "brokerOrderId": None} if node["state"] == "ROUTED" else node for node in nodes]
    return told, orders["totalCount"], positions


async def test_what_was_shown_while_orders_lived_is_shown_again(firm: Firm, lives: Lives) -> None:
    recorded: list[tuple[datetime, Any]] = []
    for _ in range(12):
        for _ in range(5):
            await lives.step()
        recorded.append((firm.desk.clock.now(), await shown(firm)))

    again = [(at, await shown(firm, at)) for at, _ in recorded]

    assert again == recorded
    assert recorded[-1][1][1] > 3
    assert len({position["quantity"] for _, (_, _, held) in recorded for position in held}) > 3


async def test_the_filter_and_the_cursor_are_of_that_instant(firm: Firm, lives: Lives) -> None:
    for _ in range(30):
        await lives.step()
    at = firm.desk.clock.now()
    wanted = [{"isOpen": True}, {"isOpen": False}, {"states": ["FILLED", "CANCELED"]}, {"symbols": ["AAPL"]}]
    before = [await ids_of(firm, one, None) for one in wanted]

    for _ in range(30):
        await lives.step()

    assert [await ids_of(firm, one, at) for one in wanted] == before
    assert any(before)


async def ids_of(firm: Firm, wanted: Any, at: datetime | None) -> list[str]:
    """The ids of all pages of three."""
    found: list[str] = []
    after = None
    while True:
        when = None if at is None else at.isoformat()
        page = (await firm.api.data(ORDERS, filter=wanted, first=3, after=after, at=when))["orders"]
        found += [edge["node"]["id"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            assert len(found) == page["totalCount"]
            return found
        after = page["pageInfo"]["endCursor"]


async def test_one_order_is_shown_as_it_stood(firm: Firm, lives: Lives) -> None:
    placed = (await firm.api.place(**firm.order()))["order"]["id"]
    at = firm.desk.clock.now()
    then = (await firm.api.data(ORDER, id=placed))["order"]

    await firm.api.data("mutation C($id: ID!) { cancelOrder(input: {orderId: $id}) { errors { code } } }", id=placed)

    assert (await firm.api.data(ORDER, id=placed))["order"]["state"] == "CANCELED"
    assert (await firm.api.data(ORDER, id=placed, at=at.isoformat()))["order"] == then
    assert (then["state"], then["requests"], len(then["events"])) == ("ROUTED", [], 1)
    assert lives.orders == []


async def test_before_the_first_event_there_is_nothing(firm: Firm) -> None:
    placed = (await firm.api.place(**firm.order()))["order"]["id"]
    before = (firm.desk.clock.now() - timedelta(hours=1)).isoformat()

    assert (await firm.api.data(ORDER, id=placed, at=before))["order"] is None
    orders = (await firm.api.data(ORDERS, first=10, at=before))["orders"]
    assert (orders["edges"], orders["totalCount"]) == ([], 0)
    assert (await firm.api.data(POSITIONS, flat=True, at=before))["positions"] == []


async def test_positions_of_then_are_narrowed_by_account_and_symbols(firm: Firm, lives: Lives) -> None:
    for _ in range(50):
        await lives.step()
    asked: list[dict[str, Any]] = [
        {"account": str(firm.account_id)},
        {"symbols": ["AAPL"]},
        {"symbols": ["MSFT", "EUR.USD"], "flat": True},
    ]
    at = firm.desk.clock.now()
    before = [(await firm.api.data(POSITIONS, **one))["positions"] for one in asked]

    for _ in range(20):
        await lives.step()

    assert [(await firm.api.data(POSITIONS, at=at.isoformat(), **one))["positions"] for one in asked] == before


async def test_prices_of_then_are_not_told(firm: Firm, lives: Lives) -> None:
    for _ in range(40):
        await lives.step()

    document = "query P($at: DateTime) { positions(asOf: $at) { quantity marketPrice unrealizedPnl } }"
    held = (await firm.api.data(document, at=firm.desk.clock.now().isoformat()))["positions"]
    assert held
    assert {(one["marketPrice"], float(one["unrealizedPnl"])) for one in held} == {(None, 0.0)}


@pytest.mark.parametrize(
    "document",
    [
        "query O($id: ID!, $at: DateTime) { order(id: $id, asOf: $at) { id } }",
        "query O($at: DateTime) { orders(asOf: $at) { totalCount edges { cursor } } }",
        "query O($at: DateTime) { positions(asOf: $at) { id } }",
    ],
)
async def test_the_future_is_refused(firm: Firm, document: str) -> None:
    placed = (await firm.api.place(**firm.order()))["order"]["id"]
    variables = {"id": placed} if "$id" in document else {}

    future = (firm.desk.clock.now() + timedelta(minutes=1)).isoformat()

    assert await firm.api.refusal(document, at=future, **variables) == ("BAD_USER_INPUT", ["asOf"])


async def test_another_tenants_past_is_nobodys(firm: Firm, stranger: Firm) -> None:
    placed = (await firm.api.place(**firm.order()))["order"]["id"]
    at = firm.desk.clock.now().isoformat()

    assert (await stranger.api.data(ORDER, id=placed, at=at))["order"] is None
    assert (await stranger.api.data(ORDERS, first=10, at=at))["orders"]["totalCount"] == 0
    assert await stranger.api.refusal(POSITIONS, account=str(firm.account_id), at=at) == (
        "ACCOUNT_NOT_FOUND",
        ["accountId"],
    )


async def test_the_past_asks_for_the_scopes_of_the_present(firm: Firm) -> None:
    nobody = await firm.program(Scope.VIEW_MARKET_DATA)
    at = firm.desk.clock.now().isoformat()

    assert (await nobody.refusal(POSITIONS, at=at))[0] == "FORBIDDEN"
    assert (await nobody.refusal("query O($at: DateTime) { orders(asOf: $at) { totalCount } }", at=at))[
        0
    ] == "FORBIDDEN"
