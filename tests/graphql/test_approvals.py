"""Approval and bulk cancels as clients meet them."""

import asyncio
from typing import Any

import pytest

from app.audit import service as audit
from app.identity.domain import Role, Scope
from tests.graphql.conftest import Api, Firm
from tests.graphql.test_bulk_orders import PLACE_ORDERS
from tests.graphql.test_linked_orders import OCO
from tests.graphql.test_linked_orders import pair as two_legs

SET = """
mutation Set($input: SetApprovalPolicyInput!) {
  setApprovalPolicy(input: $input) {
    policy { id version notional currency isActive hours { timeZone windows { opens closes days } } }
    errors { code path }
  }
}
"""
DELETE = """
mutation Delete($input: DeleteApprovalPolicyInput!) {
  deleteApprovalPolicy(input: $input) { policy { id } errors { code path } }
}
"""
APPROVE = """
mutation Approve($input: ApproveOrderInput!) {
  approveOrder(input: $input) {
    order { state rejectOrigin approvals { policyId reasons decision by at expiresAt } } errors { code path }
  }
}
"""
CANCEL_ALL = """
mutation Cancel($input: CancelOrdersInput!) {
  cancelOrders(input: $input) { accepted rejected results { order { id state } errors { code path } } }
}
"""
QUEUE = "{ orders(filter: {states: [PENDING_APPROVAL]}) { totalCount edges { node { id approvals { reasons } } } } }"


async def set_policy(firm: Firm, **terms: Any) -> Any:
    """The payload of setApprovalPolicy."""
    data = await firm.api.data(SET, input={"expirySeconds": 600, **terms})
    return data["setApprovalPolicy"]


async def approve(api: Api, order: Any, *, yes: bool = True) -> Any:
    """The payload of approveOrder."""
    return (await api.data(APPROVE, input={"orderId": order["id"], "approve": yes, "reason": "seen"}))["approveOrder"]


async def test_a_policy_is_set_changed_listed_deleted_and_audited(firm: Firm) -> None:
    hours = {"timeZone": "Europe/Paris", "windows": [{"opens": "09:00", "closes": "24:00"}]}
    first = (await set_policy(firm, notional="1000", currency="USD", hours=hours))["policy"]
    second = (await set_policy(firm, id=first["id"], expectedVersion=1, notional="5", currency="USD"))["policy"]
    stale = await set_policy(firm, id=first["id"], expectedVersion=1)
    listed = await firm.api.data("{ approvalPolicies { totalCount edges { node { id version } } } }")
    deleted = (await firm.api.data(DELETE, input={"id": first["id"]}))["deleteApprovalPolicy"]

    assert first["hours"]["windows"] == [{"opens": "09:00", "closes": "24:00", "days": [1, 2, 3, 4, 5, 6, 7]}]
    assert (second["version"], second["notional"], second["hours"]) == (2, "5", None)
    assert stale["errors"] == [{"code": "APPROVAL_POLICY_VERSION_CONFLICT", "path": ["expectedVersion"]}]
    assert listed["approvalPolicies"] == {"totalCount": 1, "edges": [{"node": {"id": first["id"], "version": 2}}]}
    assert deleted["errors"] == []
    async with firm.desk.reading(firm.principal) as session:
        entries = await audit.history(session, firm.principal, "ApprovalPolicy", first["id"])
    assert [entry.action for entry in entries] == [
        "approval_policy.delete",
        "approval_policy.set",
        "approval_policy.set",
    ]
    assert entries[1].old_values is not None
    assert entries[1].old_values["notional"] == "1000"
    assert (await set_policy(firm, id=first["id"]))["errors"][0]["code"] == "APPROVAL_POLICY_NOT_FOUND"


@pytest.mark.parametrize(
    ("terms", "path"),
    [
        ({"notional": "-1", "currency": "USD"}, ["notional"]),
        ({"notional": "1"}, ["currency"]),
        ({"notional": "1", "currency": "usd"}, ["currency"]),
        ({"expirySeconds": 0}, ["expirySeconds"]),
        (
            {"hours": {"timeZone": "Mars/Base", "windows": [{"opens": "09:00", "closes": "10:00"}]}},
            ["hours", "timeZone"],
        ),
        ({"hours": {"timeZone": "UTC", "windows": []}}, ["hours", "windows"]),
        (
            {"hours": {"timeZone": "UTC", "windows": [{"opens": "09:00", "closes": "09:00"}]}},
            ["hours", "windows", "0", "closes"],
        ),
        ({"strategyId": "00000000-0000-7000-8000-000000000000"}, ["strategyId"]),
        (
            {"hours": {"timeZone": "UTC", "windows": [{"opens": "9", "closes": "10:00"}]}},
            ["hours", "windows", "0", "opens"],
        ),
    ],
)
async def test_a_value_that_cannot_be_is_refused_with_its_path(
    firm: Firm, terms: dict[str, Any], path: list[str]
) -> None:
    payload = await set_policy(firm, **terms)

    assert payload == {"policy": None, "errors": [{"code": "APPROVAL_POLICY_INVALID", "path": path}]}


async def test_a_number_that_is_none_and_another_firms_account_are_refused(firm: Firm, stranger: Firm) -> None:
    assert "errors" in await firm.api.answer(SET, input={"expirySeconds": 60, "notional": "NaN", "currency": "USD"})

    payload = await set_policy(firm, accountId=str(stranger.account_id))

    assert payload["errors"] == [{"code": "ACCOUNT_NOT_FOUND", "path": ["accountId"]}]


async def test_an_order_waits_in_the_queue_until_another_person_lets_it_go(firm: Firm, stranger: Firm) -> None:
    await set_policy(firm, notional="1000", currency="USD")
    small, large = await firm.api.place(**firm.order(quantity="5")), await firm.api.place(**firm.order())
    manager, trader = await firm.member(Role.COMPLIANCE), await firm.member(Role.TRADER)

    queue = (await firm.api.data(QUEUE))["orders"]
    own = await approve(firm.api, large["order"])
    own_key = await approve(await firm.program(Scope.APPROVE_ORDERS, Scope.VIEW_ORDERS), large["order"])
    forbidden = await trader.refusal(APPROVE, input={"orderId": large["order"]["id"], "approve": True})
    foreign = await approve(stranger.api, large["order"])
    approved = await approve(manager, large["order"])

    assert [small["order"]["state"], large["order"]["state"]] == ["ROUTED", "PENDING_APPROVAL"]
    assert queue["totalCount"] == 1
    assert queue["edges"][0]["node"]["approvals"] == [{"reasons": ["notional 1875 USD is above 1000"]}]
    assert [own["errors"][0]["code"], own_key["errors"][0]["code"]] == ["APPROVER_IS_MAKER", "APPROVER_IS_MAKER"]
    assert forbidden[0] == "FORBIDDEN"
    assert foreign == {"order": None, "errors": [{"code": "ORDER_NOT_FOUND", "path": ["orderId"]}]}
    assert (approved["order"]["state"], approved["errors"]) == ("ROUTED", [])
    assert approved["order"]["approvals"][0]["decision"] == "APPROVED"


async def test_a_pair_waits_and_goes_as_one(firm: Firm) -> None:
    await set_policy(firm, notional="1000", currency="USD")
    manager = await firm.member(Role.COMPLIANCE)
    placed = (await firm.api.data(OCO, input=two_legs(firm)))["placeOco"]
    first, second = placed["orders"]

    queue = (await firm.api.data(QUEUE))["orders"]
    approved = await approve(manager, second)
    again = await approve(manager, first)

    assert placed["errors"] == []
    assert [first["state"], second["state"]] == ["PENDING_APPROVAL"] * 2
    assert queue["totalCount"] == 2
    assert [payload["order"]["state"] for payload in (approved, again)] == ["ROUTED"] * 2
    assert [payload["order"]["approvals"][0]["decision"] for payload in (approved, again)] == ["APPROVED"] * 2


async def test_of_a_hundred_answers_over_http_one_holds(firm: Firm) -> None:
    await set_policy(firm)
    order = (await firm.api.place(**firm.order()))["order"]
    approvers = [await firm.member(Role.MANAGER) for _ in range(5)]

    async def act(number: int) -> tuple[str, str]:
        if number % 2:
            payload = (await firm.api.data(CANCEL_ALL, input={"orderIds": [order["id"]]}))["cancelOrders"]["results"][0]
            word = "cancel"
        else:
            payload = await approve(approvers[number % 5], order, yes=False)
            word = str(number % 5)
        return word, payload["errors"][0]["code"] if payload["errors"] else ""

    answers = await asyncio.gather(*(act(number) for number in range(100)))

    winners = {word for word, code in answers if not code}
    assert len(winners) == 1
    assert {code for _, code in answers} == {"", "ORDER_NOT_OPEN", "ORDER_NOT_PENDING_APPROVAL"}


async def test_many_orders_are_canceled_each_on_its_own_merits(firm: Firm, stranger: Firm) -> None:
    orders = [(await firm.api.place(**firm.order()))["order"] for _ in range(3)]
    foreign = (await stranger.api.place(**stranger.order()))["order"]
    ids = [orders[0]["id"], foreign["id"], "nothing", orders[0]["id"], orders[1]["id"]]

    payload = (await firm.api.data(CANCEL_ALL, input={"orderIds": ids}))["cancelOrders"]
    rest = (await firm.api.data(CANCEL_ALL, input={"filter": {"symbols": ["AAPL"]}}))["cancelOrders"]

    codes = [[error["code"] for error in result["errors"]] for result in payload["results"]]
    assert codes == [[], ["ORDER_NOT_FOUND"], ["ORDER_NOT_FOUND"], [], []]
    assert (payload["accepted"], payload["rejected"]) == (3, 2)
    assert rest["results"] == [{"order": {"id": orders[2]["id"], "state": "CANCELED"}, "errors": []}]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({}, ["input"]),
        ({"orderIds": [], "filter": {"symbols": ["AAPL"]}}, ["input"]),
        ({"filter": {}}, ["input", "filter"]),
        ({"filter": {"isOpen": True}}, ["input", "filter"]),
        ({"orderIds": ["x"] * 1001}, ["input", "orderIds"]),
    ],
)
async def test_nothing_is_canceled_by_accident(firm: Firm, given: dict[str, Any], path: list[str]) -> None:
    order = (await firm.api.place(**firm.order()))["order"]

    refused = await firm.api.refusal(CANCEL_ALL, input=given)

    assert refused == ("BAD_USER_INPUT", path)
    stored = await firm.api.data("query ($id: ID!) { order(id: $id) { state } }", id=order["id"])
    assert stored["order"]["state"] == "ROUTED"


async def test_more_orders_than_fit_at_once_are_left_alone_and_counted(firm: Firm) -> None:
    for _ in range(2):
        await firm.api.data(PLACE_ORDERS, input=[firm.order(quantity="1") for _ in range(501)])

    answer = await firm.api.error(CANCEL_ALL, input={"filter": {"symbols": ["AAPL"]}})
    by_side = (await firm.api.data(CANCEL_ALL, input={"filter": {"sides": ["SELL"]}}))["cancelOrders"]

    assert (answer["extensions"]["code"], answer["extensions"]["count"]) == ("ORDERS_TOO_MANY", 1_002)
    assert by_side["results"] == []
    count = await firm.api.data("{ orders(filter: {isOpen: true}) { totalCount } }")
    assert count["orders"]["totalCount"] == 1_002
