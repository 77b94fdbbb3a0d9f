"""Members and keys that are restricted to broker accounts: what is not granted is told like what is not there.

The operations are taken from the schema: one that takes or shows an account and is not tried here fails the first test.
"""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)
from graphql import GraphQLSchema as CoreSchema

from app.brokers import repository as brokers
from app.core.ids import AccountId
from app.core.messages import AccountKey
from app.flows.brokers.tenant_accounts import AskedGrant
from app.flows.identity.create_api_key import create_api_key
from app.identity.domain import Principal, Role, Scope
from app.identity.models import MemberAccountRow
from app.infra.uow import Scope as Rows
from app.infra.uow import begin, begin_batch
from schema.schema import schema
from tests import factories
from tests.graphql.conftest import CLIENT_ID, Answer, Api, Broker, Firm, found_firm, token_of

CORE: CoreSchema = schema._schema
UNKNOWN = "019a0000-0000-7000-8000-000000000001"
REASON = "because a test tries it"
YEAR = {"after": "2026-01-01T00:00:00Z", "before": "2026-12-01T00:00:00Z"}
TAKEN = {"accountId", "accountIds", "orderId", "orderIds", "positionId", "breakId", "id"}
# What shows accounts to nobody who is restricted, for it needs a scope that they never have, or shows their own alone.
WHOLE_TENANT = {
    "members",
    "invitations",
    "updateMember",
    "removeMember",
    "inviteMember",
    "resendInvitation",
    "revokeInvitation",
}
# What concerns all accounts is for nobody who is restricted to some.
WHOLE_FIRM: dict[str, tuple[str, dict[str, Any]]] = {
    "riskShadowReport": ("query", {"limitId": UNKNOWN}),
    "orderRecords": ("query", {"fromTime": "2026-01-01T00:00:00Z", "toTime": "2026-12-01T00:00:00Z"}),
    "orderRecordExports": ("query", {}),
    "orderRecordExport": ("query", {"id": UNKNOWN}),
    "requestOrderRecords": (
        "mutation",
        {"input": {"fromTime": "2026-01-01T00:00:00Z", "toTime": "2026-12-01T00:00:00Z"}},
    ),
    "restrictionAlerts": ("query", {}),
    "surveillanceCase": ("query", {"caseId": UNKNOWN}),
    "surveillanceCases": ("query", {}),
    "setRiskLimit": ("mutation", {"input": {"limitType": "MAX_ORDER_QUANTITY", "value": "1"}}),
    "deleteRiskLimit": ("mutation", {"input": {"id": UNKNOWN}}),
    "approveRiskLimitProposal": ("mutation", {"input": {"proposalId": UNKNOWN}}),
    "rejectRiskLimitProposal": ("mutation", {"input": {"proposalId": UNKNOWN, "reason": REASON}}),
    "applyRiskTemplate": ("mutation", {"input": {"accountId": UNKNOWN, "template": "conservative"}}),
    "drillRiskLimits": ("mutation", {"input": {}}),
    "setCircuitBreaker": ("mutation", {"input": {"kind": "DISCONNECTS", "threshold": "3", "mode": "HALTED"}}),
    "deleteCircuitBreaker": ("mutation", {"input": {"id": UNKNOWN}}),
    "setRestrictedList": ("mutation", {"input": {"name": "tried", "reason": REASON}}),
    "takeSurveillanceCase": ("mutation", {"input": {"caseId": UNKNOWN}}),
    "writeSurveillanceNote": ("mutation", {"input": {"caseId": UNKNOWN, "note": REASON}}),
    "closeSurveillanceCase": (
        "mutation",
        {"input": {"caseId": UNKNOWN, "disposition": "NO_VIOLATION", "reason": REASON}},
    ),
    "restrictionAlertAdded": ("subscription", {}),
    "surveillanceCaseOpened": ("subscription", {}),
}
OF_PLATFORM = {"createTenant", "inviteAdministrator"}
OWN = {"viewer"}
NEEDS_NO_ID = {"createBrokerAccount", "deleteApprovalPolicy"}

ORDER = {
    "symbol": "AAPL",
    "side": "BUY",
    "orderType": "LIMIT",
    "quantity": "10",
    "limitPrice": "187.5",
    "clientOrderId": "tried",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """What there is of an account, by id."""

    account: str
    order: str
    position: str
    instrument: str = UNKNOWN


Tried = Callable[[Hidden], dict[str, Any]]
"""The arguments of a field that reach for what is hidden."""

QUERIES: dict[str, Tried] = {
    "node": lambda hidden: {"id": hidden.account},
    "order": lambda hidden: {"id": hidden.order},
    "explainOrder": lambda hidden: {"id": hidden.order},
    "orders": lambda hidden: {"filter": {"accountIds": [hidden.account]}},
    "executions": lambda hidden: {"accountId": hidden.account},
    "previewOrder": lambda hidden: {"input": {**ORDER, "accountId": hidden.account}},
    "positions": lambda hidden: {"accountId": hidden.account},
    "pnlToday": lambda hidden: {"accountId": hidden.account},
    "pnlHistory": lambda hidden: {
        "accountId": hidden.account,
        "start": "2026-01-01T00:00:00Z",
        "end": "2026-12-01T00:00:00Z",
    },
    "positionAdjustments": lambda hidden: {"accountId": hidden.account},
    "simulatorFaults": lambda hidden: {"accountId": hidden.account},
    "reconciliations": lambda hidden: {"accountId": hidden.account},
    "reconciliationBreaks": lambda hidden: {"accountId": hidden.account},
    "inDoubtOrders": lambda hidden: {"accountId": hidden.account},
    "killSwitch": lambda hidden: {"id": hidden.order},
    "riskExposure": lambda hidden: {"accountIds": [hidden.account]},
    "valueAtRisk": lambda hidden: {"accountIds": [hidden.account]},
    "stressTest": lambda hidden: {"accountIds": [hidden.account], "past": ["COVID_2020"]},
    "correlations": lambda hidden: {"accountIds": [hidden.account]},
    "concentration": lambda hidden: {"accountIds": [hidden.account]},
    "riskLimits": lambda hidden: {"accountId": hidden.account},
    "riskLimitPage": lambda hidden: {"filter": {"accountId": hidden.account}},
    "riskUtilisation": lambda hidden: {"accountId": hidden.account},
    "riskUtilisationPage": lambda hidden: {"accountId": hidden.account},
    "riskBreaches": lambda hidden: {"filter": {"accountIds": [hidden.account]}},
    "riskLimitHistory": lambda hidden: {"limitId": hidden.order},
    "riskUtilisationHistory": lambda hidden: {
        "limitId": hidden.order,
        "accountId": hidden.account,
        "start": YEAR["after"],
        "end": YEAR["before"],
    },
    "valueAtRiskHistory": lambda hidden: {"accountId": hidden.account},
    "executionQuality": lambda hidden: {"accountId": hidden.account, **YEAR},
}
# Without any argument that names an account: what is told must be of the granted accounts alone.
LISTS: dict[str, dict[str, Any]] = {
    "brokerAccounts": {},
    "orders": {},
    "executions": {},
    "positions": {"includeFlat": True},
    "pnlToday": {},
    "pnlHistory": {"start": "2026-01-01T00:00:00Z", "end": "2026-12-01T00:00:00Z"},
    "positionAdjustments": {},
    "approvalPolicies": {},
    "reconciliations": {},
    "reconciliationBreaks": {},
    "inDoubtOrders": {},
    "killSwitches": {},
    "riskExposure": {},
    "valueAtRisk": {},
    "stressTest": {"past": ["COVID_2020"]},
    "concentration": {},
    "riskLimits": {},
    "riskLimitPage": {},
    "riskLimitProposals": {},
    "riskUtilisation": {},
    "riskUtilisationPage": {},
    "riskBreaches": {},
    "circuitBreakers": {},
    "circuitBreakerTrips": {},
    "executionQuality": YEAR,
    "valueAtRiskHistory": {},
}
NOTHING_TOLD_YET = {
    "inDoubtOrders",
    "positionAdjustments",
    "reconciliationBreaks",
    "reconciliations",
    "pnlHistory",
    # tests/graphql/test_halts.py has one of a hidden account.
    "killSwitch",
    # tests/graphql/test_risk_monitoring.py has breaches, and test_kept_limits.py versions.
    "riskBreaches",
    "riskLimitHistory",
    # tests/graphql/test_risk_history.py has both.
    "riskUtilisationHistory",
    "valueAtRiskHistory",
}
MUTATIONS: dict[str, Tried] = {
    "createApiKey": lambda hidden: {
        "input": {
            "name": "tried",
            "scopes": ["VIEW_ORDERS"],
            "accounts": [{"accountId": hidden.account, "access": "VIEW"}],
        }
    },
    "placeOrder": lambda hidden: {"input": {**ORDER, "accountId": hidden.account}},
    "placeOrders": lambda hidden: {"input": [{**ORDER, "accountId": hidden.account}]},
    "modifyOrder": lambda hidden: {"input": {"orderId": hidden.order, "quantity": "5"}},
    "cancelOrder": lambda hidden: {"input": {"orderId": hidden.order}},
    "cancelOrders": lambda hidden: {"input": {"orderIds": [hidden.order]}},
    "placeOco": lambda hidden: {
        "input": {
            "accountId": hidden.account,
            "symbol": "AAPL",
            "clientOrderId": "tried-pair",
            "quantity": "10",
            "legs": [
                {"side": "SELL", "orderType": "LIMIT", "limitPrice": "190"},
                {"side": "SELL", "orderType": "STOP", "stopPrice": "180"},
            ],
        }
    },
    "closePosition": lambda hidden: {"input": {"positionId": hidden.position, "clientOrderId": "tried-close"}},
    "reversePosition": lambda hidden: {"input": {"positionId": hidden.position, "clientOrderId": "tried-turn"}},
    "releaseOrders": lambda hidden: {"input": {"orderIds": [hidden.order]}},
    "adjustPosition": lambda hidden: {
        "input": {
            "accountId": hidden.account,
            "instrumentId": hidden.instrument,
            "type": "TRANSFER",
            "quantity": "1",
            "price": "1",
            "reason": REASON,
            "idempotencyKey": "tried",
        }
    },
    "createPnlSnapshot": lambda hidden: {"input": {"accountId": hidden.account}},
    "setApprovalPolicy": lambda hidden: {"input": {"accountId": hidden.account, "expirySeconds": 60}},
    "approveOrder": lambda hidden: {"input": {"orderId": hidden.order, "approve": True}},
    "reconcileAccount": lambda hidden: {"input": {"accountId": hidden.account}},
    "resolveBreak": lambda hidden: {"input": {"breakId": hidden.order, "action": "IGNORE", "reason": REASON}},
    "askAboutOrder": lambda hidden: {"input": {"orderId": hidden.order}},
    "declareOrderDead": lambda hidden: {"input": {"orderId": hidden.order, "reason": REASON}},
    "claimExternalOrder": lambda hidden: {"input": {"orderId": hidden.order, "note": REASON}},
    "updateBrokerAccount": lambda hidden: {"input": {"accountId": hidden.account, "label": "mine"}},
    "connectBroker": lambda hidden: {"input": {"accountId": hidden.account}},
    "disconnectBroker": lambda hidden: {"input": {"accountId": hidden.account}},
    "haltTrading": lambda hidden: {
        "input": {"scope": "ACCOUNT", "targetId": hidden.account, "mode": "HALTED", "reason": REASON}
    },
    "activateKillSwitch": lambda hidden: {"input": {"scope": "ACCOUNT", "targetId": hidden.account, "reason": REASON}},
    "acknowledgeRiskBreach": lambda hidden: {"input": {"breachId": hidden.order, "note": REASON}},
    "resumeTrading": lambda hidden: {"input": {"haltId": hidden.order, "reason": REASON}},
    "simulatorFault": lambda hidden: {"input": {"accountId": hidden.account, "pathology": "farm-outage"}},
    "clearSimulatorFaults": lambda hidden: {"input": {"accountId": hidden.account}},
}
SUBSCRIPTIONS: dict[str, Tried] = {
    "orderEvents": lambda hidden: {"accountId": hidden.account, "afterSequence": 0},
    "ordersChanged": lambda hidden: {"filter": {"accountIds": [hidden.account]}},
    "executions": lambda hidden: {"accountIds": [hidden.account]},
    "positionsChanged": lambda hidden: {"accountIds": [hidden.account]},
    "killSwitchProgress": lambda hidden: {"id": hidden.order},
}
# They take no account: what flows is tried by itself below.
STREAMS = {
    "brokerConnections",
    "ordersChanged",
    "executions",
    "positionsChanged",
    "riskAlerts",
    "circuitBreakerTrips",
    "circuitBreakersChanged",
}


def _takes(field_args: dict[str, Any], seen: tuple[str, ...] = ()) -> bool:
    for name, argument in field_args.items():
        given = get_named_type(argument.type)
        if isinstance(given, GraphQLInputObjectType):
            if given.name not in seen and _takes(given.fields, (*seen, given.name)):
                return True
        elif name in TAKEN:
            return True
    return False


def _shows(shown: Any, seen: tuple[str, ...] = ()) -> bool:
    named = get_named_type(shown)
    if not isinstance(named, GraphQLObjectType | GraphQLInterfaceType) or named.name in seen:
        return False
    if named.name == "BrokerAccount" or "accountId" in named.fields:
        return True
    return any(_shows(field.type, (*seen, named.name)) for field in named.fields.values())


def _concerned(root: GraphQLObjectType | None) -> set[str]:
    assert root is not None
    return {name for name, field in root.fields.items() if _takes(field.args) or _shows(field.type)}


def _selection(shown: Any, depth: int) -> str:
    named = get_named_type(shown)
    if not isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
        return ""
    told = ["__typename"]
    for name, field in named.fields.items():
        if any(is_required_argument(one) for one in field.args.values()):
            continue
        if is_leaf_type(get_named_type(field.type)):
            told.append(name)
        elif depth:
            told.append(name + _selection(field.type, depth - 1))
    return "{ " + " ".join(told) + " }"


def _document(kind: str, name: str, arguments: dict[str, Any], *, depth: int = 2) -> str:
    root = {"query": CORE.query_type, "mutation": CORE.mutation_type, "subscription": CORE.subscription_type}[kind]
    assert root is not None
    field: GraphQLField = root.fields[name]
    declared = ", ".join(f"${one}: {field.args[one].type}" for one in arguments)
    passed = ", ".join(f"{one}: ${one}" for one in arguments)
    head = f"{kind} Tried({declared})" if declared else f"{kind} Tried"
    return f"{head} {{ {name}{f'({passed})' if passed else ''} {_selection(field.type, depth)} }}"


def test_every_operation_that_takes_or_shows_an_account_is_tried() -> None:
    tried = set(QUERIES) | set(LISTS) | WHOLE_TENANT | OWN | set(WHOLE_FIRM)

    assert _concerned(CORE.query_type) - tried == set()
    assert _concerned(CORE.mutation_type) - set(MUTATIONS) - WHOLE_TENANT - OF_PLATFORM - set(WHOLE_FIRM) == NEEDS_NO_ID
    assert _concerned(CORE.subscription_type) - set(WHOLE_FIRM) == set(SUBSCRIPTIONS) | STREAMS


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A firm of three accounts, and a member who trades on one, looks at another, and knows nothing of the third."""

    firm: Firm
    restricted: Api
    principal: Principal
    traded: Hidden
    viewed: Hidden
    hidden: Hidden


async def _filled(firm: Firm, key: AccountKey) -> Hidden:
    at_account = Firm(desk=firm.desk, api=firm.api, principal=firm.principal, key=key, instruments=firm.instruments)
    async with begin_batch(firm.desk.database, key.tenant_id) as session:
        lease = await brokers.take_lease(session, key.tenant_id, key.account_id, "test", 60)
        assert lease is not None
        await session.execute(
            "UPDATE broker_connections SET is_gate_open = true WHERE tenant_id = $1 AND account_id = $2", *_pair(key)
        )
    broker = Broker(at_account, lease)
    orders = [(await firm.api.place(**at_account.order()))["order"]["id"] for _ in range(2)]
    await broker.claim()
    await broker.acknowledge(*orders)
    await broker.fill(orders[0], "10", "187.5")
    found = await firm.api.data("query Held($id: ID) { positions(accountId: $id) { id } }", id=str(key.account_id))
    return Hidden(
        account=str(key.account_id),
        order=orders[1],
        position=found["positions"][0]["id"],
        instrument=str(firm.instruments["AAPL"].id),
    )


def _pair(key: AccountKey) -> tuple[UUID, UUID]:
    return key.tenant_id, key.account_id


async def _restricted(firm: Firm, grants: dict[AccountId, bool], role: Role = Role.MANAGER) -> Principal:
    principal = await factories.make_principal(firm.desk.database, firm.key.tenant_id, role=role)
    assert principal.user_id is not None
    await grant(firm, principal.user_id, grants)
    return principal


async def grant(firm: Firm, user_id: UUID, grants: dict[AccountId, bool]) -> None:
    """Restricts the member to the accounts."""
    tenant_id = firm.key.tenant_id
    async with begin_batch(firm.desk.database, tenant_id) as session:
        await session.execute(
            "UPDATE memberships SET is_restricted = true WHERE tenant_id = $1 AND user_id = $2", tenant_id, user_id
        )
        await session.execute("DELETE FROM member_accounts WHERE tenant_id = $1 AND user_id = $2", tenant_id, user_id)
    async with begin(firm.desk.database, Rows(tenant_id=tenant_id)) as writing:
        for account_id, may_trade in grants.items():
            writing.add(
                MemberAccountRow(tenant_id=tenant_id, user_id=user_id, account_id=account_id, may_trade=may_trade)
            )
    firm.desk.door.authenticator.forget_tenant(tenant_id)


@pytest.fixture(scope="module")
async def house(desk: Any, anonymous: Api) -> House:
    """A house for the module: nothing that is tried here changes it."""
    firm = await found_firm(desk, anonymous)
    others = [
        await factories.make_account(
            desk.database, firm.key.tenant_id, is_gate_open=True, client_id=CLIENT_ID + 1 + place
        )
        for place in range(2)
    ]
    traded, viewed, hidden = [await _filled(firm, key) for key in (firm.key, *others)]
    principal = await _restricted(firm, {firm.key.account_id: True, others[0].account_id: False})
    return House(
        firm=firm,
        restricted=firm.api.holding(token_of(desk, principal)),
        principal=principal,
        traded=traded,
        viewed=viewed,
        hidden=hidden,
    )


def _alike(answer: Answer, told: Hidden) -> str:
    text = json.dumps(answer, sort_keys=True)
    for one in (told.account, told.order, told.position, told.instrument):
        text = text.replace(one, "…")
    return text.replace(UNKNOWN, "…")


NOTHING = Hidden(account=UNKNOWN, order=UNKNOWN, position=UNKNOWN)


@pytest.mark.parametrize("name", sorted(QUERIES))
async def test_a_hidden_account_is_asked_for_like_one_that_is_not_there(house: House, name: str) -> None:
    ask = QUERIES[name]

    about_hidden = await house.restricted.answer(_document("query", name, ask(house.hidden)), **ask(house.hidden))
    about_nothing = await house.restricted.answer(_document("query", name, ask(NOTHING)), **ask(NOTHING))

    assert _alike(about_hidden, house.hidden) == _alike(about_nothing, NOTHING)
    assert house.hidden.order not in json.dumps(about_hidden)


@pytest.mark.parametrize("name", sorted(QUERIES))
async def test_the_same_question_by_somebody_who_is_not_restricted_is_another(house: House, name: str) -> None:
    ask = QUERIES[name]

    about_hidden = await house.firm.api.answer(_document("query", name, ask(house.hidden)), **ask(house.hidden))
    about_nothing = await house.firm.api.answer(_document("query", name, ask(NOTHING)), **ask(NOTHING))

    # Else the test before would prove nothing; of these there is nothing to tell yet.
    if name not in NOTHING_TOLD_YET:
        assert _alike(about_hidden, house.hidden) != _alike(about_nothing, NOTHING)


@pytest.mark.parametrize("name", sorted(LISTS))
async def test_a_list_tells_nothing_of_a_hidden_account(house: House, name: str) -> None:
    answer = await house.restricted.answer(_document("query", name, LISTS[name]), **LISTS[name])

    told = json.dumps(answer)
    assert answer.get("data") is not None, answer
    for one in (house.hidden.account, house.hidden.order, house.hidden.position):
        assert one not in told


async def test_a_list_tells_of_the_granted_accounts(house: House) -> None:
    accounts = (await house.restricted.data("{ brokerAccounts { id } }"))["brokerAccounts"]
    orders = await house.restricted.data("{ orders { totalCount edges { node { id } } } }")
    positions = (await house.restricted.data("{ positions { id } }"))["positions"]

    assert {one["id"] for one in accounts} == {house.traded.account, house.viewed.account}
    assert {edge["node"]["id"] for edge in orders["orders"]["edges"]} >= {house.traded.order, house.viewed.order}
    assert orders["orders"]["totalCount"] == 4
    assert {one["id"] for one in positions} == {house.traded.position, house.viewed.position}


# A key that looks may be made by who looks, and a policy concerns all accounts.
@pytest.mark.parametrize(
    ("name", "which"),
    [
        (name, which)
        for name in sorted(MUTATIONS)
        for which in ("hidden", "viewed")
        if (name, which) not in (("createApiKey", "viewed"), ("setApprovalPolicy", "viewed"))
    ],
)
async def test_an_act_on_an_account_without_the_grant_to_trade_finds_nothing(
    house: House, name: str, which: str
) -> None:
    told: Hidden = getattr(house, which)
    ask = MUTATIONS[name]

    about_it = await house.restricted.answer(_document("mutation", name, ask(told)), **ask(told))
    about_nothing = await house.restricted.answer(_document("mutation", name, ask(NOTHING)), **ask(NOTHING))

    # It was refused for what it reaches for, not for how it asks.
    refused = re.findall(r'"code": "(\w+)"', json.dumps(about_nothing))
    assert refused
    assert all(code.endswith("NOT_FOUND") for code in refused), about_nothing
    assert _alike(about_it, told) == _alike(about_nothing, NOTHING)


async def test_no_act_of_the_restricted_member_has_touched_the_other_accounts(house: House) -> None:
    orders = await house.firm.api.data(
        "query All($filter: OrderFilter) { orders(filter: $filter) { edges { node { state version } } } }",
        filter={"accountIds": [house.hidden.account, house.viewed.account]},
    )

    assert sorted((edge["node"]["state"]) for edge in orders["orders"]["edges"]) == [
        "ACCEPTED", "ACCEPTED", "FILLED", "FILLED",
    ]  # fmt: skip


async def test_nobody_restricted_makes_what_concerns_the_whole_tenant(house: House) -> None:
    new = {"broker": "PAPER", "accountNumber": "P1", "accountType": "MARGIN", "baseCurrency": "USD", "host": "",
           "port": 0, "clientId": 0, "isPaper": True}  # fmt: skip

    account = await house.restricted.refusal(_document("mutation", "createBrokerAccount", {"input": new}), input=new)
    policy = await house.restricted.refusal(
        "mutation Set($input: SetApprovalPolicyInput!) { setApprovalPolicy(input: $input) { errors { code } } }",
        input={"expirySeconds": 60},
    )
    gone = await house.restricted.refusal(
        "mutation Gone($input: DeleteApprovalPolicyInput!) { deleteApprovalPolicy(input: $input) { errors { code } } }",
        input={"id": UNKNOWN},
    )

    assert account == policy == gone == ("FORBIDDEN", [])


@pytest.mark.parametrize("name", sorted(WHOLE_FIRM))
async def test_what_concerns_the_whole_firm_is_closed_to_who_is_restricted(house: House, name: str) -> None:
    kind, arguments = WHOLE_FIRM[name]
    document = _document(kind, name, arguments, depth=1)

    if kind != "subscription":
        assert (await house.restricted.refusal(document, **arguments))[0] == "FORBIDDEN"
        return
    async with house.restricted.socket() as socket:
        await socket.subscribe(document, **arguments)
        assert (await socket.refusal())[0] == "FORBIDDEN"


@pytest.mark.parametrize("name", sorted(SUBSCRIPTIONS))
async def test_a_hidden_account_is_followed_like_one_that_is_not_there(house: House, name: str) -> None:
    async def first(told: Hidden) -> str:
        ask = SUBSCRIPTIONS[name](told)
        async with house.restricted.socket() as socket:
            await socket.subscribe(_document("subscription", name, ask, depth=1), **ask)
            try:
                async with asyncio.timeout(1):
                    message = await socket.receive()
            except TimeoutError:
                return "nothing"
        for changing in ("serverTime",):
            data = (message["payload"] if isinstance(message["payload"], dict) else {}).get("data") or {}
            for value in data.values():
                value.pop(changing, None)
        return _alike(message, told)

    assert await first(house.hidden) == await first(NOTHING)


async def test_streams_without_an_account_carry_the_granted_ones_alone(house: House, settings: Any) -> None:
    orders = "subscription { ordersChanged { kind hasMore upserts { id account { id } } removedIds } }"
    held = "subscription { positionsChanged { kind hasMore upserts { id account { id } } removedIds } }"

    async with house.restricted.socket() as socket:
        for document in (orders, held):
            await socket.subscribe(document)
            ((_, batch),) = (await socket.next_data()).items()
            assert batch["kind"] == "SNAPSHOT"
            assert {one["account"]["id"] for one in batch["upserts"]} == {house.traded.account, house.viewed.account}


async def test_the_answers_of_a_shared_table_are_not_shared_beyond_the_grants(house: House) -> None:
    document = "subscription { ordersChanged { kind upserts { id account { id } } } }"

    async with house.firm.api.socket() as everybody, house.restricted.socket() as somebody:
        await everybody.subscribe(document)
        await somebody.subscribe(document)
        all_of_them = (await everybody.next_data())["ordersChanged"]["upserts"]
        some = (await somebody.next_data())["ordersChanged"]["upserts"]

    assert {one["account"]["id"] for one in all_of_them} > {one["account"]["id"] for one in some}


async def test_a_restricted_member_has_no_scope_over_the_whole_tenant(house: House) -> None:
    administrator = await _restricted(house.firm, {}, role=Role.ADMIN)
    api = house.firm.api.holding(token_of(house.firm.desk, administrator))

    scopes = (await api.data("{ viewer { scopes } }"))["viewer"]["scopes"]
    accounts = (await api.data("{ brokerAccounts { id } }"))["brokerAccounts"]

    assert set(scopes).isdisjoint({"MANAGE_MEMBERS", "ADMIN_TENANT", "VIEW_AUDIT", "MANAGE_WEBHOOKS"})
    assert accounts == []


async def test_a_key_has_what_it_and_its_owner_are_granted(house: House) -> None:
    desk, firm = house.firm.desk, house.firm
    scopes = [Scope.VIEW_ORDERS, Scope.PLACE_ORDERS]
    of_restricted = await create_api_key(
        desk.door, await desk.door.authenticator.recheck(house.principal), name="inherits", scopes=scopes
    )
    narrow = await create_api_key(
        desk.door,
        firm.principal,
        name="narrow",
        scopes=scopes,
        accounts=[AskedGrant(account_id=UUID(house.viewed.account), may_trade=False)],
    )

    inherited = (await firm.api.holding(of_restricted.text).data("{ brokerAccounts { id } }"))["brokerAccounts"]
    narrowed = (await firm.api.holding(narrow.text).data("{ brokerAccounts { id } }"))["brokerAccounts"]
    placed = await firm.api.holding(narrow.text).place(**{**ORDER, "accountId": house.viewed.account})

    assert {one["id"] for one in inherited} == {house.traded.account, house.viewed.account}
    assert {one["id"] for one in narrowed} == {house.viewed.account}
    assert [error["code"] for error in placed["errors"]] == ["ACCOUNT_NOT_FOUND"]


async def test_the_successor_of_a_restricted_key_is_restricted_as_well(house: House) -> None:
    desk, firm = house.firm.desk, house.firm
    narrow = await create_api_key(
        desk.door,
        firm.principal,
        name="narrow",
        scopes=[Scope.VIEW_ORDERS],
        accounts=[AskedGrant(account_id=UUID(house.viewed.account), may_trade=False)],
    )

    rotated = await firm.api.data(
        "mutation Turn($input: RotateApiKeyInput!) { rotateApiKey(input: $input) { secret } }",
        input={"apiKeyId": str(narrow.api_key.id)},
    )

    successor = firm.api.holding(rotated["rotateApiKey"]["secret"])
    assert [one["id"] for one in (await successor.data("{ brokerAccounts { id } }"))["brokerAccounts"]] == [
        house.viewed.account
    ]


async def test_an_order_of_an_account_that_is_granted_to_trade_on_is_taken(house: House) -> None:
    placed = await house.restricted.place(**house.firm.order())

    assert placed["errors"] == []
    assert placed["order"]["state"] == "ROUTED"


async def test_a_stream_ends_when_the_grants_change(desk: Any, anonymous: Api) -> None:
    firm = await found_firm(desk, anonymous)
    principal = await _restricted(firm, {firm.key.account_id: True})
    assert principal.user_id is not None
    api = firm.api.holding(token_of(desk, principal))

    async with api.socket() as socket:
        await socket.subscribe("subscription { positionsChanged { kind } }")
        assert (await socket.next_data())["positionsChanged"]["kind"] == "SNAPSHOT"
        await grant(firm, principal.user_id, {})
        async with asyncio.timeout(12):
            assert await socket.refusal() == ("ACCESS_CHANGED", [])
