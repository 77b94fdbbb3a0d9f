"""Reconciliations and their breaks as clients meet them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from app.brokers.domain import BrokerAccount
from app.brokers.errors import BrokerDisconnectedError
from app.brokers.reconciling import Look, Occasion, Reconciled
from app.connector.answering import Answering
from app.core.fix import BrokerKind
from app.core.messages import BrokerPosition
from app.flows.reconciliation.reconcile_account import reconcile_account
from app.identity.domain import Role
from app.infra.uow import begin_batch
from tests.graphql.conftest import Broker, Firm
from tests.graphql.test_approvals import approve, set_policy
from tests.graphql.test_preview import hearing

BREAKS = """
query Breaks($account: ID, $open: Boolean, $kinds: [ReconciliationBreakKind!], $first: Int, $after: String) {
  reconciliationBreaks(accountId: $account, isOpen: $open, kinds: $kinds, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    edges { node { id kind severity state resolution isFreezing difference ours broker looks actions ageSeconds
      instrument { symbol } orderId reason resolvedBy adjustmentId } }
  }
}
"""
RECONCILIATIONS = """
query Reconciliations($account: ID, $first: Int) {
  reconciliations(accountId: $account, first: $first) {
    id accountId occasion startedAt finishedAt ordersChecked positionsChecked executionsImported breaksOpen looks
    breaks { kind difference }
  }
}
"""
RESOLVE = """
mutation Resolve($input: ResolveBreakInput!) {
  resolveBreak(input: $input) {
    reconciliationBreak { id state resolution reason resolvedBy isFreezing adjustmentId actions }
    errors { code path }
  }
}
"""
RECONCILE = """
mutation Reconcile($input: ReconcileAccountInput!) {
  reconcileAccount(input: $input) { reconciliation { id occasion breaksOpen } errors { code message path } }
}
"""
CONNECTION = "{ brokerAccounts { connection { lastReconciliation { id occasion breaksOpen } } } }"


async def look(firm: Firm, *held: tuple[str, int], occasion: Occasion = Occasion.CONNECT) -> Reconciled:
    """The broker tells what it holds."""
    now = firm.desk.clock.now()
    told = tuple(
        BrokerPosition(
            contract_id=firm.instruments[symbol].contract_id or 0,
            symbol=symbol,
            quantity=Decimal(quantity),
            average_cost=Decimal(100),
        )
        for symbol, quantity in held
    )
    seen = Look(occasion=occasion, started_at=now, taken_at=now, positions=told)
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        return await reconcile_account(session, firm.key, seen, now=now, ids=firm.desk.ids)


async def breaks(firm: Firm, **variables: Any) -> Sequence[dict[str, Any]]:
    """The breaks that the API tells."""
    told = await firm.api.data(BREAKS, **variables)
    return [edge["node"] for edge in told["reconciliationBreaks"]["edges"]]


async def test_a_break_is_told_freezes_and_is_resolved_by_an_adjustment(firm: Firm) -> None:
    await look(firm)
    await look(firm, ("AAPL", 5), ("MSFT", 0))

    [found] = await breaks(firm, account=str(firm.account_id), open=True)
    assert (found["kind"], found["severity"], found["state"]) == ("POSITION_QUANTITY", "CRITICAL", "OPEN")
    assert (found["resolution"], found["isFreezing"], found["difference"]) == ("OPEN", True, "5")
    assert (found["ours"]["quantity"], found["broker"]["quantity"]) == ("0", "5")
    assert (found["instrument"], found["looks"]) == ({"symbol": "AAPL"}, 1)
    assert found["actions"] == ["ADJUST", "ACCEPT_BROKER", "IGNORE"]
    refused = await firm.api.place(**firm.order())
    assert [(one["code"], one["path"]) for one in refused["errors"]] == [("INSTRUMENT_FROZEN", ["instrumentId"])]
    assert refused["order"]["state"] == "REJECTED"
    assert (await firm.api.place(**firm.order(symbol="MSFT", limitPrice="10")))["errors"] == []

    asked = {"breakId": found["id"], "action": "ADJUST", "reason": " came in by transfer "}
    done = (await firm.api.data(RESOLVE, input=asked))["resolveBreak"]

    assert done["errors"] == []
    resolved = done["reconciliationBreak"]
    assert (resolved["state"], resolved["resolution"], resolved["isFreezing"]) == ("RESOLVED", "ADJUST", False)
    assert (resolved["reason"], resolved["resolvedBy"]) == ("came in by transfer", firm.principal.actor)
    assert resolved["actions"] == []
    node = "query($id: ID!) { node(id: $id) { ... on PositionAdjustment { quantity type reason } } }"
    booked = (await firm.api.data(node, id=resolved["adjustmentId"]))["node"]
    assert booked == {"quantity": "5", "type": "BALANCE", "reason": "came in by transfer"}
    assert (await firm.api.place(**firm.order()))["errors"] == []
    again = (await firm.api.data(RESOLVE, input=asked))["resolveBreak"]
    assert again["errors"] == [{"code": "BREAK_NOT_OPEN", "path": ["breakId"]}]


@pytest.mark.parametrize(
    ("changed", "code", "path"),
    [
        ({"reason": "  "}, "BAD_USER_INPUT", ["reason"]),
        ({"reason": "x" * 501}, "BAD_USER_INPUT", ["reason"]),
        ({"reason": "\u202e\u200b"}, "BAD_USER_INPUT", ["reason"]),
        ({"breakId": "none"}, "BAD_USER_INPUT", ["breakId"]),
        ({"breakId": "01900000-0000-7000-8000-000000000000"}, "BREAK_NOT_FOUND", ["breakId"]),
    ],
)
async def test_a_resolution_that_cannot_be_taken_changes_nothing(
    firm: Firm, changed: dict[str, str], code: str, path: list[str]
) -> None:
    await look(firm)
    await look(firm, ("AAPL", 5))
    [found] = await breaks(firm)
    asked = {"breakId": found["id"], "action": "ADJUST", "reason": "because", **changed}

    done = (await firm.api.data(RESOLVE, input=asked))["resolveBreak"]

    assert (done["reconciliationBreak"], done["errors"]) == (None, [{"code": code, "path": path}])
    assert [one["state"] for one in await breaks(firm)] == ["OPEN"]


async def test_another_tenants_break_is_none(firm: Firm, stranger: Firm) -> None:
    await look(stranger)
    await look(stranger, ("AAPL", 5))
    [theirs] = await breaks(stranger)
    asked = {"breakId": theirs["id"], "action": "IGNORE", "reason": "not mine"}

    done = (await firm.api.data(RESOLVE, input=asked))["resolveBreak"]

    assert done["errors"] == [{"code": "BREAK_NOT_FOUND", "path": ["breakId"]}]
    assert await breaks(firm) == []
    assert (await firm.api.data("query($id: ID!) { node(id: $id) { id } }", id=theirs["id"]))["node"] is None
    assert await firm.api.refusal(BREAKS, account=str(stranger.account_id)) == ("ACCOUNT_NOT_FOUND", ["accountId"])


async def test_who_may_not_manage_brokers_neither_reconciles_nor_resolves(firm: Firm) -> None:
    trader = await firm.member(Role.TRADER)

    asked = {"breakId": str(firm.account_id), "action": "IGNORE", "reason": "because"}

    assert (await trader.refusal(RESOLVE, input=asked))[0] == "FORBIDDEN"
    assert (await trader.refusal(RECONCILE, input={"accountId": str(firm.account_id)}))[0] == "FORBIDDEN"


async def test_comparisons_are_listed_with_what_they_found(firm: Firm) -> None:
    await look(firm)
    await look(firm, ("AAPL", 5), occasion=Occasion.SWEEP)
    for _ in range(3):
        await look(firm, ("AAPL", 5), occasion=Occasion.SWEEP)
    last = await look(firm, ("AAPL", 5), ("MSFT", 2), occasion=Occasion.DEMAND)

    listed = (await firm.api.data(RECONCILIATIONS, account=str(firm.account_id)))["reconciliations"]

    assert [(one["occasion"], one["looks"], one["breaksOpen"]) for one in listed] == [
        ("DEMAND", 1, 2),
        ("SWEEP", 4, 1),
        ("CONNECT", 1, 0),
    ]
    assert sorted(one["difference"] for one in listed[0]["breaks"]) == ["2", "5"]
    assert [one["difference"] for one in listed[1]["breaks"]] == ["5"]
    assert listed[2]["breaks"] == []
    assert listed[0]["id"] == str(last.id)
    assert len((await firm.api.data(RECONCILIATIONS, first=1))["reconciliations"]) == 1
    assert await firm.api.refusal(RECONCILIATIONS, first=0) == ("BAD_USER_INPUT", ["first"])
    [account] = (await firm.api.data(CONNECTION))["brokerAccounts"]
    assert account["connection"]["lastReconciliation"] == {"id": str(last.id), "occasion": "DEMAND", "breaksOpen": 2}
    node = "query($id: ID!) { node(id: $id) { ... on Reconciliation { occasion } } }"
    assert (await firm.api.data(node, id=str(last.id)))["node"] == {"occasion": "DEMAND"}


async def test_breaks_come_in_pages_and_by_state_and_kind(firm: Firm) -> None:
    await look(firm)
    await look(firm, ("AAPL", 5), ("MSFT", 2))
    await look(firm, ("AAPL", 5))

    first = (await firm.api.data(BREAKS, first=1))["reconciliationBreaks"]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (2, True)
    told = [edge["node"] for edge in first["edges"]]
    told += await breaks(firm, first=1, after=first["pageInfo"]["endCursor"])
    assert {one["instrument"]["symbol"]: (one["state"], one["resolution"]) for one in told} == {
        "AAPL": ("OPEN", "OPEN"),
        "MSFT": ("VANISHED", "VANISHED"),
    }
    assert [one["state"] for one in await breaks(firm, open=True)] == ["OPEN"]
    assert [one["state"] for one in await breaks(firm, open=False)] == ["VANISHED"]
    assert await breaks(firm, kinds=["AVERAGE_COST"]) == []


async def test_a_modify_a_release_and_an_approval_add_no_risk_to_what_is_frozen(firm: Firm, broker: Broker) -> None:
    await look(firm)
    order_id = (await firm.api.place(**firm.order()))["order"]["id"]
    staged_id = (await firm.api.place(**firm.order(staged=True)))["order"]["id"]
    await broker.claim()
    await broker.acknowledge(order_id)
    assert (await set_policy(firm, notional="1", currency="USD"))["errors"] == []
    waiting = (await firm.api.place(**firm.order()))["order"]
    assert waiting["state"] == "PENDING_APPROVAL"
    await look(firm, ("AAPL", 5))
    modify = "mutation($input: ModifyOrderInput!) { modifyOrder(input: $input) { errors { code path } } }"
    release = "mutation($input: ReleaseOrdersInput!) { releaseOrders(input: $input) { results { errors { code } } } }"
    cancel = "mutation($input: CancelOrderInput!) { cancelOrder(input: $input) { errors { code } } }"

    more = (await firm.api.data(modify, input={"orderId": order_id, "quantity": "20"}))["modifyOrder"]
    released = (await firm.api.data(release, input={"orderIds": [staged_id]}))["releaseOrders"]
    approved = await approve(await firm.member(Role.MANAGER), waiting)
    ended = (await firm.api.data(cancel, input={"orderId": order_id}))["cancelOrder"]

    assert more["errors"] == [{"code": "INSTRUMENT_FROZEN", "path": ["quantity"]}]
    assert released["results"] == [{"errors": [{"code": "INSTRUMENT_FROZEN"}]}]
    assert [one["code"] for one in approved["errors"]] == ["INSTRUMENT_FROZEN"]
    assert approved["order"]["state"] == "REJECTED"
    assert ended["errors"] == []


def part(firm: Firm, reconcile: Any) -> Answering:
    """The part of a connector that holds the firm's account."""
    account = BrokerAccount(
        tenant_id=firm.key.tenant_id,
        id=firm.account_id,
        broker=BrokerKind.INTERACTIVE_BROKERS,
        account_number="DU1",
        base_currency="USD",
        host="127.0.0.1",
        port=1,
        client_id=1,
        is_paper=True,
    )
    return Answering(
        redis=firm.desk.redis,
        bus=firm.desk.bus,
        account_of=lambda _, account_id: account if account_id == firm.account_id else None,
        session_of=lambda _: None,
        reconcile=reconcile,
    )


async def test_a_comparison_on_demand_is_answered_by_the_connector(firm: Firm) -> None:
    async def reconcile(account: BrokerAccount) -> Reconciled:
        assert account.id == firm.account_id
        return await look(firm, ("AAPL", 5), occasion=Occasion.DEMAND)

    async with hearing(firm, part(firm, reconcile).run):
        asked = {"accountId": str(firm.account_id)}
        done = (await firm.api.data(RECONCILE, input=asked))["reconcileAccount"]

    assert done["errors"] == []
    # The first comparison of all opens the book.
    assert (done["reconciliation"]["occasion"], done["reconciliation"]["breaksOpen"]) == ("DEMAND", 0)


async def test_why_nothing_can_be_compared_now_is_told(firm: Firm, stranger: Firm) -> None:
    async def reconcile(account: BrokerAccount) -> Reconciled:
        raise BrokerDisconnectedError("the account is not connected and synchronised")

    asked = {"accountId": str(firm.account_id)}

    away = (await firm.api.data(RECONCILE, input=asked))["reconcileAccount"]
    async with hearing(firm, part(firm, reconcile).run):
        shut = (await firm.api.data(RECONCILE, input=asked))["reconcileAccount"]
    theirs = (await firm.api.data(RECONCILE, input={"accountId": str(stranger.account_id)}))["reconcileAccount"]

    assert [(one["code"], one["path"]) for one in away["errors"]] == [("RECONCILIATION_FAILED", ["accountId"])]
    assert away["errors"][0]["message"] == "No connector runs that could ask the broker."
    assert shut["errors"][0]["message"] == "The account is not connected to its broker."
    assert [one["code"] for one in theirs["errors"]] == ["ACCOUNT_NOT_FOUND"]
