"""Advisers over HTTP: accounts that come in, groups that are told, blocks that are placed, and the shares of them."""

from decimal import Decimal
from typing import Any

import pytest

from app.core.allocation import AllocationGroup, AllocationMethod
from app.identity.domain import Role, Scope
from app.infra.uow import begin_batch
from app.orders.repository import batch as orders
from tests import factories
from tests.graphql.conftest import Answer, Firm
from tests.integration.flows.advised import Advised

CREATE = """
mutation Create($input: CreateBrokerAccountInput!) {
  createBrokerAccount(input: $input) {
    brokerAccount { id accountNumber isAdviser adviser { id } allocationGroups { name } allocationGroupsAt
      subAccounts { id accountNumber accountType label isAdviser adviser { accountNumber } connection { clientId } } }
    errors { code message path }
  }
}
"""
UPDATE = """
mutation Update($input: UpdateBrokerAccountInput!) {
  updateBrokerAccount(input: $input) { brokerAccount { adviser { accountNumber } } errors { code path } }
}
"""
PLACE = """
mutation Place($input: PlaceOrderInput!) {
  placeOrder(input: $input) {
    order { id state account { id } allocation { group method percentage } shares { accountNumber } }
    errors { code path }
  }
}
"""
BLOCK = """
query Block($id: ID!) {
  order(id: $id) {
    state filledQuantity averageFillPrice commission allocation { group method percentage } block { id }
    shares { accountNumber quantity averagePrice account { id }
      order { id origin state quantity filledQuantity averageFillPrice allocation { group } block { id }
        executions { quantity price } } }
    events { type details }
  }
}
"""
MASTER, ONE, TWO = "DF7000000", "DU7000001", "DU7000002"
D = Decimal
_seats = iter(range(40_000, 60_000, 10))


def asked(**terms: Any) -> dict[str, Any]:
    first = next(_seats)
    return {
        "broker": "INTERACTIVE_BROKERS",
        "accountNumber": MASTER,
        "accountType": "ADVISER",
        "baseCurrency": "USD",
        "host": "gateway.test",
        "port": 4002,
        "clientId": first,
        "isPaper": True,
        "isAdviser": True,
        "subAccounts": [
            {"accountNumber": ONE, "clientId": first + 1, "label": "Family"},
            {"accountNumber": TWO, "clientId": first + 2, "accountType": "CASH"},
        ],
        **terms,
    }


async def create(firm: Firm, **terms: Any) -> Answer:
    payload: Answer = (await firm.api.data(CREATE, input=asked(**terms)))["createBrokerAccount"]
    return payload


@pytest.fixture
async def advised(firm: Firm) -> Advised:
    """The firm with an adviser's account and two under it."""
    database, tenant_id = firm.desk.database, firm.key.tenant_id
    groups = (
        AllocationGroup(name="both", method=AllocationMethod.EQUAL_QUANTITY, account_numbers=(ONE, TWO)),
        AllocationGroup(
            name="ratio", method=AllocationMethod.RATIO, account_numbers=(ONE, TWO), amounts=(D(3), D("1.5"))
        ),
    )
    master = await factories.make_account(
        database, tenant_id, account_number=MASTER, groups=groups, is_gate_open=True, client_id=11
    )
    one, two = [
        await factories.make_account(
            database,
            tenant_id,
            account_number=number,
            adviser_id=master.account_id,
            is_gate_open=True,
            client_id=client_id,
        )
        for number, client_id in ((ONE, 12), (TWO, 13))
    ]
    return Advised(
        desk=firm.desk,
        principal=firm.principal,
        master=master,
        one=one,
        two=two,
        instruments=firm.instruments,
        at=firm.desk.clock.now(),
    )


def block(firm: Firm, advised: Advised, **terms: Any) -> dict[str, Any]:
    allocation = terms.pop("allocation", {"group": "both"})
    return firm.order(accountId=str(advised.master.account_id), allocation=allocation, quantity="100", **terms)


async def place(firm: Firm, given: dict[str, Any]) -> Answer:
    payload: Answer = (await firm.api.data(PLACE, input=given))["placeOrder"]
    return payload


async def test_an_adviser_comes_in_with_its_accounts(firm: Firm) -> None:
    payload = await create(firm)

    assert payload["errors"] == []
    account = payload["brokerAccount"]
    assert (account["isAdviser"], account["adviser"], account["allocationGroups"]) == (True, None, [])
    assert account["allocationGroupsAt"] is None
    subs = account["subAccounts"]
    assert [(one["accountNumber"], one["accountType"], one["label"]) for one in subs] == [
        (ONE, "MARGIN", "Family"),
        (TWO, "CASH", None),
    ]
    assert [one["adviser"] for one in subs] == [{"accountNumber": MASTER}] * 2
    assert not any(one["isAdviser"] for one in subs)


@pytest.mark.parametrize(
    ("terms", "code", "path"),
    [
        ({"isAdviser": False}, "BAD_USER_INPUT", ["subAccounts"]),
        (
            {"subAccounts": [{"accountNumber": "no number", "clientId": 36_001}]},
            "BAD_USER_INPUT",
            ["subAccounts", "0", "accountNumber"],
        ),
        (
            {"subAccounts": [{"accountNumber": ONE, "clientId": 36_002}, {"accountNumber": ONE, "clientId": 36_003}]},
            "BROKER_ACCOUNT_EXISTS",
            ["subAccounts", "1", "accountNumber"],
        ),
        (
            {"subAccounts": [{"accountNumber": ONE, "clientId": 36_004}, {"accountNumber": TWO, "clientId": 36_004}]},
            "BROKER_CLIENT_ID_NOT_FREE",
            ["subAccounts", "1", "clientId"],
        ),
        (
            {"subAccounts": [{"accountNumber": f"DU{place:07}", "clientId": place} for place in range(101)]},
            "BAD_USER_INPUT",
            ["subAccounts"],
        ),
        (
            {"broker": "PAPER", "subAccounts": None, "accountNumber": "adviser"},
            "BAD_USER_INPUT",
            ["isAdviser"],
        ),
    ],
    ids=["no adviser", "number", "twice", "client id", "too many", "paper"],
)
async def test_an_adviser_with_a_wrong_account_leaves_nothing(
    firm: Firm, terms: dict[str, Any], code: str, path: list[str]
) -> None:
    payload = await create(firm, **terms)

    assert payload["brokerAccount"] is None
    assert [(one["code"], one["path"]) for one in payload["errors"]] == [(code, path)]
    numbers = await firm.api.data("{ brokerAccounts { accountNumber } }")
    assert MASTER not in {one["accountNumber"] for one in numbers["brokerAccounts"]}


async def test_an_account_is_put_under_an_adviser_and_taken_away(firm: Firm, stranger: Firm) -> None:
    adviser = (await create(firm))["brokerAccount"]["id"]
    theirs = (await create(stranger, accountNumber="DF7000009"))["brokerAccount"]["id"]

    async def update(adviser_id: str) -> Answer:
        given = {"accountId": str(firm.account_id), "adviserId": adviser_id}
        payload: Answer = (await firm.api.data(UPDATE, input=given))["updateBrokerAccount"]
        return payload

    put, taken = await update(adviser), await update("")
    refusals = [(await update(one))["errors"] for one in (theirs, str(firm.account_id))]

    assert put["brokerAccount"]["adviser"] == {"accountNumber": MASTER}
    assert taken["brokerAccount"]["adviser"] is None
    assert [[(one["code"], one["path"]) for one in errors] for errors in refusals] == [
        [("ACCOUNT_NOT_FOUND", ["adviserId"])],
        [("BAD_USER_INPUT", ["adviserId"])],
    ]


async def test_groups_are_shown_as_the_broker_told_them(firm: Firm, advised: Advised) -> None:
    told = await firm.api.data(
        "{ brokerAccounts { accountNumber allocationGroupsAt allocationGroups { name method members "
        "{ accountNumber amount } } } }"
    )

    [account] = [one for one in told["brokerAccounts"] if one["accountNumber"] == MASTER]
    assert account["allocationGroupsAt"] is not None
    assert account["allocationGroups"] == [
        {
            "name": "both",
            "method": "EQUAL_QUANTITY",
            "members": [{"accountNumber": ONE, "amount": None}, {"accountNumber": TWO, "amount": None}],
        },
        {
            "name": "ratio",
            "method": "RATIO",
            "members": [{"accountNumber": ONE, "amount": "3"}, {"accountNumber": TWO, "amount": "1.5"}],
        },
    ]


async def test_a_block_is_placed_filled_and_shown_with_its_shares(firm: Firm, advised: Advised) -> None:
    placed = await place(firm, block(firm, advised, allocation={"group": "both", "method": "NET_LIQUIDATION"}))
    assert placed["errors"] == []
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        [stored] = await orders.orders_of_account(session, advised.master, None, 10)
    first = advised.execution(stored, "60", "187.42")
    second = advised.execution(stored, "40", "187.52")
    shares = [
        advised.execution(stored, "75", "187.46", number=ONE),
        advised.execution(stored, "25", "187.46", number="DU7777777"),
    ]
    await advised.report(first, advised.commission(first, "1"), second, *shares)

    shown = (await firm.api.data(BLOCK, id=placed["order"]["id"]))["order"]

    assert placed["order"]["allocation"] == {"group": "both", "method": "NET_LIQUIDATION", "percentage": None}
    assert placed["order"]["shares"] == []
    assert (shown["state"], shown["filledQuantity"], shown["averageFillPrice"]) == ("FILLED", "100", "187.46")
    assert shown["block"] is None
    mine, unknown = shown["shares"]
    assert (mine["accountNumber"], mine["quantity"], mine["averagePrice"]) == (ONE, "75", "187.46")
    assert mine["account"] == {"id": str(advised.one.account_id)}
    share = mine["order"]
    assert (share["origin"], share["state"], share["quantity"]) == ("ALLOCATION", "FILLED", "75")
    assert (share["block"], share["allocation"]) == ({"id": placed["order"]["id"]}, None)
    assert share["executions"] == [{"quantity": "75", "price": "187.46"}]
    assert unknown == {
        "accountNumber": "DU7777777",
        "quantity": "25",
        "averagePrice": "187.46",
        "account": None,
        "order": None,
    }
    told = [event for event in shown["events"] if event["type"] == "OrderAllocated"]
    assert [event["details"]["shareOfAccountId"] for event in told] == [str(advised.one.account_id), None]
    placement = next(event for event in shown["events"] if event["type"] == "OrderPlaced")
    assert placement["details"]["allocation"] == {"group": "both", "method": "NET_LIQUIDATION"}


@pytest.mark.parametrize(
    ("allocation", "code", "path"),
    [
        ({}, "ALLOCATION_INVALID", ["allocation"]),
        ({"method": "RATIO"}, "ALLOCATION_INVALID", ["allocation"]),
        ({"group": "both", "accountId": "01890000-0000-7000-8000-000000000001"}, "ALLOCATION_INVALID", ["allocation"]),
        (
            {"accountId": "01890000-0000-7000-8000-000000000001", "percentage": "5"},
            "ALLOCATION_INVALID",
            ["allocation"],
        ),
        ({"accountId": "nobody"}, "ALLOCATION_ACCOUNT_UNKNOWN", ["allocation", "accountId"]),
        (
            {"accountId": "01890000-0000-7000-8000-000000000001"},
            "ALLOCATION_ACCOUNT_UNKNOWN",
            ["allocation", "accountId"],
        ),
        ({"group": "Both"}, "ALLOCATION_GROUP_UNKNOWN", ["allocation", "group"]),
        ({"group": "both\x00"}, "ALLOCATION_GROUP_UNKNOWN", ["allocation", "group"]),
        ({"group": "x" * 10_000}, "ALLOCATION_GROUP_UNKNOWN", ["allocation", "group"]),
        ({"group": "both", "method": "RATIO"}, "ALLOCATION_METHOD_UNSUITED", ["allocation", "method"]),
        (
            {"group": "both", "percentage": "10"},
            "ALLOCATION_PERCENTAGE_INVALID",
            ["allocation", "percentage"],
        ),
        (None, "ALLOCATION_REQUIRED", ["allocation"]),
    ],
    ids=[
        "neither",
        "method",
        "both",
        "percentage",
        "no id",
        "unknown",
        "case",
        "nul",
        "long",
        "amounts",
        "odd",
        "none",
    ],
)
async def test_a_wrong_allocation_is_refused_by_every_door(
    firm: Firm, advised: Advised, allocation: dict[str, Any] | None, code: str, path: list[str]
) -> None:
    given = block(firm, advised, allocation=allocation)

    placed = await place(firm, given)
    bulk = await firm.api.data(
        "mutation M($input: [PlaceOrderInput!]!) { placeOrders(input: $input) { results { errors { code path } } } }",
        input=[given],
    )
    preview = await firm.api.data(
        "query P($input: PlaceOrderInput!) { previewOrder(input: $input) { wouldBeAccepted errors { code path } } }",
        input=given,
    )

    expected = [{"code": code, "path": path}]
    assert (placed["order"], placed["errors"]) == (None, expected)
    assert bulk["placeOrders"]["results"] == [{"errors": expected}]
    assert preview["previewOrder"] == {"wouldBeAccepted": False, "errors": expected}


async def test_an_allocation_for_one_account_is_that_accounts_own_order(firm: Firm, advised: Advised) -> None:
    given = block(firm, advised, allocation={"accountId": str(advised.two.account_id)})

    first, again = await place(firm, given), await place(firm, given)

    assert first["errors"] == []
    assert first["order"]["account"] == {"id": str(advised.two.account_id)}
    assert first["order"]["allocation"] is None
    assert again["order"]["id"] == first["order"]["id"]


async def test_another_tenants_adviser_and_accounts_are_as_unknown_ones(
    firm: Firm, stranger: Firm, advised: Advised
) -> None:
    theirs = block(stranger, advised)
    through = stranger.order(allocation={"accountId": str(advised.one.account_id)})

    refused = [(await place(stranger, given))["errors"] for given in (theirs, through)]

    assert refused == [
        [{"code": "ACCOUNT_NOT_FOUND", "path": ["accountId"]}],
        [{"code": "ALLOCATION_ACCOUNT_UNKNOWN", "path": ["allocation", "accountId"]}],
    ]


async def test_a_preview_of_a_block_says_what_placing_it_would(firm: Firm, advised: Advised) -> None:
    told = await firm.api.data(
        "query P($input: PlaceOrderInput!) { previewOrder(input: $input) { wouldBeAccepted notional errors { code } "
        "} }",
        input=block(firm, advised),
    )

    assert told["previewOrder"] == {"wouldBeAccepted": True, "errors": [], "notional": "18750"}


async def test_who_may_not_manage_brokers_brings_no_adviser_in(firm: Firm) -> None:
    trader = await firm.member(Role.TRADER)
    program = await firm.program(Scope.PLACE_ORDERS)

    for api in (trader, program):
        assert (await api.refusal(CREATE, input=asked()))[0] == "FORBIDDEN"


async def test_a_pair_and_exits_are_not_for_an_advisers_account(firm: Firm, advised: Advised) -> None:
    exits = await place(firm, block(firm, advised, takeProfit="200"))
    pair = await firm.api.data(
        "mutation O($input: PlaceOcoInput!) { placeOco(input: $input) { orders { id } errors { code path } } }",
        input={
            "accountId": str(advised.master.account_id),
            "symbol": "AAPL",
            "quantity": "10",
            "clientOrderId": "pair",
            "legs": [
                {"side": "SELL", "orderType": "LIMIT", "limitPrice": "200"},
                {"side": "SELL", "orderType": "STOP", "stopPrice": "150"},
            ],
        },
    )

    assert exits["errors"] == [{"code": "ALLOCATION_UNSUITED", "path": ["takeProfit"]}]
    assert pair["placeOco"] == {
        "orders": [],
        "errors": [{"code": "ALLOCATION_REQUIRED", "path": ["allocation"]}],
    }
