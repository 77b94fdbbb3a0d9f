"""The inbox of orders in doubt and the orders of others, as clients meet them."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.brokers.reconciling import Look, Occasion
from app.core.fix import OrderType, Side
from app.core.ids import OrderId
from app.core.messages import (
    BrokerReport,
    NotFoundReport,
    OrderAddress,
    OrderTerms,
    OutsideOrder,
    StatusReport,
    WorkingStatus,
)
from app.flows.reconciliation.reconcile_account import reconcile_account
from app.flows.reports.apply_reports import apply_reports
from app.identity.domain import Role
from app.infra.uow import begin_batch
from tests.graphql.conftest import Broker, Firm

INBOX = """
query Inbox($account: ID, $first: Int, $after: String) {
  inDoubtOrders(accountId: $account, first: $first, after: $after) {
    totalCount pageInfo { endCursor hasNextPage }
    edges { node { order { id state inDoubt } routedAt lastBrokerWord lastBrokerWordAt doubtSince doubtReason
      sweepsMissed brokerSays missing { id kind state } } }
  }
}
"""
DEAD = """
mutation Dead($input: DeclareOrderDeadInput!) {
  declareOrderDead(input: $input) { order { state inDoubt rejectReason } errors { code path } }
}
"""
CLAIM = """
mutation Claim($input: ClaimExternalOrderInput!) {
  claimExternalOrder(input: $input) {
    order { id origin metadata brokerOrderId } isManaged unmanagedBecause errors { code path }
  }
}
"""
ASK = "mutation Ask($input: AskAboutOrderInput!) { askAboutOrder(input: $input) { order { id } errors { code path } } }"


async def tell(firm: Firm, *reports: BrokerReport) -> None:
    """The broker reports."""
    desk = firm.desk
    async with begin_batch(desk.database, firm.key.tenant_id) as session:
        await apply_reports(session, firm.key, reports, now=desk.clock.now(), ids=desk.ids)


async def look(firm: Firm, *open_orders: StatusReport) -> None:
    """A complete look at the broker, which works these."""
    now = firm.desk.clock.now()
    seen = Look(occasion=Occasion.DEMAND, started_at=now, taken_at=now, positions=(), open_orders=open_orders)
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        await reconcile_account(session, firm.key, seen, now=now, ids=firm.desk.ids)


async def doubted(firm: Firm, broker: Broker, *, is_acknowledged: bool = True) -> str:
    """An order whose fate is not known."""
    order_id = (await firm.api.place(**firm.order()))["order"]["id"]
    await broker.claim()
    if is_acknowledged:
        await broker.acknowledge(order_id)
    doubt = NotFoundReport(
        address=OrderAddress(order_id=OrderId(UUID(order_id))), is_certain=False, occurred_at=firm.desk.clock.now()
    )
    await tell(firm, doubt)
    return str(order_id)


async def inbox(firm: Firm, **variables: Any) -> list[dict[str, Any]]:
    """The orders in doubt that the API tells."""
    told = await firm.api.data(INBOX, **variables)
    return [edge["node"] for edge in told["inDoubtOrders"]["edges"]]


async def test_the_inbox_tells_what_is_known_of_an_order_in_doubt(firm: Firm, broker: Broker) -> None:
    order_id = await doubted(firm, broker)
    [before] = await inbox(firm, account=str(firm.account_id))

    await look(firm)
    await look(firm)

    [after] = await inbox(firm)
    assert before["order"] == {"id": order_id, "state": "ACCEPTED", "inDoubt": True}
    assert before["lastBrokerWord"] == "OrderAccepted"
    assert before["doubtReason"] == "the broker does not know the order"
    assert before["routedAt"] <= before["lastBrokerWordAt"] <= before["doubtSince"]
    assert (before["sweepsMissed"], before["brokerSays"], before["missing"]) == (0, None, None)
    assert (after["sweepsMissed"], after["brokerSays"]["knows"]) == (2, False)
    assert (after["missing"]["kind"], after["missing"]["state"]) == ("ORDER_UNKNOWN_AT_BROKER", "OPEN")


async def test_the_inbox_comes_in_pages(firm: Firm, stranger: Firm, broker: Broker) -> None:
    ids = [await doubted(firm, broker) for _ in range(3)]

    first = (await firm.api.data(INBOX, first=2))["inDoubtOrders"]
    rest = await inbox(firm, first=2, after=first["pageInfo"]["endCursor"])

    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (3, True)
    assert [edge["node"]["order"]["id"] for edge in first["edges"]] == ids[:2]
    assert [one["order"]["id"] for one in rest] == ids[2:]
    assert await inbox(stranger) == []


@pytest.mark.parametrize(("is_acknowledged", "state"), [(True, "CANCELED"), (False, "REJECTED")])
async def test_a_person_declares_dead_what_the_broker_was_asked_for_and_does_not_know(
    firm: Firm, broker: Broker, is_acknowledged: bool, state: str
) -> None:
    order_id = await doubted(firm, broker, is_acknowledged=is_acknowledged)
    asked = {"orderId": order_id, "reason": "the gateway lost it at its restart"}

    early = (await firm.api.data(DEAD, input=asked))["declareOrderDead"]
    await look(firm)
    done = (await firm.api.data(DEAD, input=asked))["declareOrderDead"]
    again = (await firm.api.data(DEAD, input=asked))["declareOrderDead"]

    assert early == {"order": None, "errors": [{"code": "ORDER_NOT_MISSING", "path": ["orderId"]}]}
    assert (done["errors"], done["order"]["state"], done["order"]["inDoubt"]) == ([], state, False)
    assert again["errors"] == [{"code": "ORDER_NOT_IN_DOUBT", "path": ["orderId"]}]
    assert await inbox(firm) == []
    assert await broker.claim() == []


async def test_who_may_not_and_what_is_not_there(firm: Firm, stranger: Firm, broker: Broker) -> None:
    order_id = await doubted(firm, broker)
    trader, viewer = await firm.member(Role.TRADER), await firm.member(Role.VIEWER)
    asked = {"orderId": order_id, "reason": "gone"}

    assert (await trader.refusal(DEAD, input=asked))[0] == "FORBIDDEN"
    assert (await viewer.refusal(CLAIM, input={"orderId": order_id, "note": "mine"}))[0] == "FORBIDDEN"
    assert (await viewer.refusal(ASK, input={"orderId": order_id}))[0] == "FORBIDDEN"
    theirs = (await stranger.api.data(DEAD, input=asked))["declareOrderDead"]
    assert theirs["errors"] == [{"code": "ORDER_NOT_FOUND", "path": ["orderId"]}]
    asking = (await stranger.api.data(ASK, input={"orderId": order_id}))["askAboutOrder"]
    assert asking["errors"] == [{"code": "ORDER_NOT_FOUND", "path": ["orderId"]}]
    away = (await firm.api.data(ASK, input={"orderId": order_id}))["askAboutOrder"]
    assert away["errors"] == [{"code": "RECONCILIATION_FAILED", "path": ["orderId"]}]


def outside(firm: Firm, *, client_id: int, number: int = 5) -> StatusReport:
    """An order that another program works, as the broker tells it."""
    return StatusReport(
        address=OrderAddress(permanent_id=900_000_000 + number, client_id=client_id, broker_order_id=number),
        status=WorkingStatus.WORKING,
        filled=Decimal(0),
        terms=OrderTerms(quantity=Decimal(10), limit_price=Decimal("150.25")),
        outside=OutsideOrder(
            contract_id=firm.instruments["AAPL"].contract_id or 0, side=Side.SELL, order_type=OrderType.LIMIT
        ),
        occurred_at=firm.desk.clock.now(),
    )


async def test_an_order_of_others_is_claimed_by_a_person(firm: Firm) -> None:
    await tell(firm, outside(firm, client_id=99))
    orders = "{ orders { edges { node { id origin side limitPrice state } } } }"
    [order] = [edge["node"] for edge in (await firm.api.data(orders))["orders"]["edges"]]
    asked = {"orderId": order["id"], "note": "placed by phone", "metadata": {"strategy": "income"}}

    done = (await firm.api.data(CLAIM, input=asked))["claimExternalOrder"]

    assert (order["origin"], order["side"], order["limitPrice"]) == ("EXTERNAL", "SELL", "150.25")
    assert (done["errors"], done["isManaged"]) == ([], False)
    assert "Client 99 submitted the order" in done["unmanagedBecause"]
    assert done["order"]["metadata"] == {"strategy": "income", "brokerOrderId": 5}
    again = (await firm.api.data(CLAIM, input=asked))["claimExternalOrder"]
    assert again["errors"] == [{"code": "ORDER_CLAIMED", "path": ["orderId"]}]
    cancel = "mutation($input: CancelOrderInput!) { cancelOrder(input: $input) { errors { code path } } }"
    refused = (await firm.api.data(cancel, input={"orderId": order["id"]}))["cancelOrder"]
    assert refused["errors"] == [{"code": "ORDER_NOT_MANAGED", "path": ["orderId"]}]


@pytest.mark.parametrize(
    ("changed", "code", "path"),
    [
        ({"note": " "}, "BAD_USER_INPUT", ["note"]),
        ({"metadata": ["x"]}, "BAD_USER_INPUT", ["metadata"]),
        ({"metadata": {"x": "y" * 5_000}}, "METADATA_INVALID", ["metadata"]),
        ({"orderId": "01900000-0000-7000-8000-000000000000"}, "ORDER_NOT_FOUND", ["orderId"]),
    ],
)
async def test_a_claim_that_cannot_be_taken(firm: Firm, changed: dict[str, Any], code: str, path: list[str]) -> None:
    await tell(firm, outside(firm, client_id=99))
    [order] = (await firm.api.data("{ orders { edges { node { id } } } }"))["orders"]["edges"]
    asked = {"orderId": order["node"]["id"], "note": "mine", **changed}

    done = (await firm.api.data(CLAIM, input=asked))["claimExternalOrder"]

    assert done["errors"] == [{"code": code, "path": path}]


async def test_an_order_that_was_placed_here_is_not_claimed(firm: Firm) -> None:
    order_id = (await firm.api.place(**firm.order()))["order"]["id"]

    done = (await firm.api.data(CLAIM, input={"orderId": order_id, "note": "mine"}))["claimExternalOrder"]

    assert done["errors"] == [{"code": "ORDER_NOT_EXTERNAL", "path": ["orderId"]}]
