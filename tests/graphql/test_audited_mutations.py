"""Every mutation of the schema leaves an entry in the audit log, with who, from where and under which request.

A new mutation fails here until CALLS says how it is called, or NOT_AUDITED why it needs no entry.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import asyncpg
import orjson
import pytest
from graphql import GraphQLNonNull, is_required_argument

from app.identity.domain import Role
from schema.schema import schema
from tests import factories
from tests.graphql.conftest import Answer, Api, Broker, Firm
from tests.graphql.test_broker_accounts import asked as asked_account
from tests.graphql.test_broker_accounts import opened
from tests.graphql.test_in_doubt import doubted, look, outside, tell
from tests.graphql.test_linked_orders import hold, pair
from tests.graphql.test_preview import adapter, answering, simulator
from tests.graphql.test_profit_and_loss import transfer
from tests.graphql.test_reconciliation import breaks
from tests.graphql.test_reconciliation import look as compare
from tests.graphql.test_simulator_faults import Rehearsal, rehearsal

__all__ = ["adapter", "rehearsal", "simulator"]

PASSWORD: Final = "correct horse battery staple 9"
NOT_AUDITED: Final = {
    "refreshToken": "renews the same session every few minutes and gives no new power; a token used twice is audited "
    "(tests/integration/identity/test_sessions.py)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Who calls, and the broker's side of the account."""

    firm: Firm
    broker: Broker
    anonymous: Api

    async def placed(self, **terms: Any) -> str:
        """The id of an order."""
        return str((await self.firm.api.place(**self.firm.order(**terms)))["order"]["id"])

    async def working(self) -> str:
        """The id of an order that the broker works."""
        order_id = await self.placed()
        await self.broker.claim()
        await self.broker.acknowledge(order_id)
        return order_id

    async def held(self) -> str:
        """The id of a position."""
        return str((await hold(self.firm, self.broker))["id"])

    async def registered(self) -> dict[str, str]:
        """A registration."""
        given = registration()
        await call(self.anonymous, "register", given)
        return given

    async def key(self) -> str:
        """The id of an API key."""
        document = "mutation($i: CreateApiKeyInput!) { createApiKey(input: $i) { apiKey { id } } }"
        made = await self.firm.api.data(document, i={"name": "key", "scopes": ["VIEW_ORDERS"]})
        return str(made["createApiKey"]["apiKey"]["id"])

    @property
    def account_id(self) -> str:
        """The firm's account."""
        return str(self.firm.account_id)


def registration() -> dict[str, str]:
    """The input of a registration."""
    return {
        "tenantName": f"Firm {uuid4().hex[:8]}",
        "email": f"{uuid4().hex}@example.com",
        "password": PASSWORD,
        "firstName": "Ann",
        "lastName": "Smith",
    }


async def call(api: Api, name: str, given: Any, request_id: str | None = None) -> Answer:
    """The payload of a mutation; only __typename and errors are asked for."""
    field = schema._schema.mutation_type.fields[name]  # type: ignore[union-attr]
    payload = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
    selection = "{ __typename errors { code path } }" if "errors" in payload.fields else "{ __typename }"
    if field.args:
        (argument,) = (one for one in field.args.values() if is_required_argument(one))
        document = f"mutation($i: {argument.type}) {{ {name}(input: $i) {selection} }}"
    else:
        document = f"mutation {{ {name} {selection} }}"
    body = orjson.dumps({"query": document, "variables": {} if given is None else {"i": given}})
    headers = {} if request_id is None else {"x_request_id": request_id}
    answer = (await api.post(body, **headers)).json()
    assert "errors" not in answer, answer
    told: Answer = answer["data"][name]
    return told


Call = Callable[[Stage], Awaitable[Any]]


async def _login(stage: Stage) -> Any:
    given = await stage.registered()
    return {"email": given["email"], "password": given["password"]}


async def _nothing(stage: Stage) -> Any:
    return None


async def _modify(stage: Stage) -> Any:
    return {"orderId": await stage.working(), "limitPrice": "187"}


async def _unsubscribe(stage: Stage) -> Any:
    document = 'mutation { subscribeMarketData(input: {symbol: "AAPL"}) { subscription { id } } }'
    made = await stage.firm.api.data(document)
    return {"subscriptionId": made["subscribeMarketData"]["subscription"]["id"]}


async def _release(stage: Stage) -> Any:
    return {"orderIds": [await stage.placed(staged=True)]}


async def _approve(stage: Stage) -> Any:
    await call(stage.firm.api, "setApprovalPolicy", {"expirySeconds": 600})
    trader = await stage.firm.member(Role.TRADER)
    order = (await trader.place(**stage.firm.order()))["order"]
    return {"orderId": order["id"], "approve": False, "reason": "seen"}


async def _policy(stage: Stage) -> Any:
    document = "mutation { setApprovalPolicy(input: {expirySeconds: 600}) { policy { id } } }"
    return {"id": (await stage.firm.api.data(document))["setApprovalPolicy"]["policy"]["id"]}


async def _break(stage: Stage) -> Any:
    await compare(stage.firm)
    await compare(stage.firm, ("AAPL", 5))
    [found] = await breaks(stage.firm)
    return {"breakId": found["id"], "action": "ADJUST", "reason": "because"}


async def _dead(stage: Stage) -> Any:
    order_id = await doubted(stage.firm, stage.broker)
    await look(stage.firm)
    return {"orderId": order_id, "reason": "gone"}


async def _claim(stage: Stage) -> Any:
    await tell(stage.firm, outside(stage.firm, client_id=99))
    told = await stage.firm.api.data("{ orders { edges { node { id } } } }")
    return {"orderId": told["orders"]["edges"][0]["node"]["id"], "note": "by phone"}


async def _account(stage: Stage) -> str:
    return str((await opened(stage.firm.api))["id"])


async def _disconnect(stage: Stage) -> Any:
    given = {"accountId": await _account(stage)}
    await call(stage.firm.api, "connectBroker", given)
    return given


async def _person(stage: Stage) -> Any:
    other = await factories.make_principal(stage.firm.desk.database, stage.firm.key.tenant_id, role=Role.TRADER)
    return {"userId": str(other.user_id), "reason": "asked for it"}


def _given(**values: Any) -> Call:
    async def give(stage: Stage) -> Any:
        return values

    return give


CALLS: Final[dict[str, Call]] = {
    "register": lambda stage: _value(registration()),
    "login": _login,
    "logout": _nothing,
    "createApiKey": _given(name="key", scopes=["VIEW_ORDERS"]),
    "rotateApiKey": lambda stage: _with("apiKeyId", stage.key()),
    "revokeApiKey": lambda stage: _with("apiKeyId", stage.key()),
    "subscribeMarketData": _given(symbol="AAPL"),
    "unsubscribeMarketData": _unsubscribe,
    "placeOrder": lambda stage: _value(stage.firm.order()),
    "placeOrders": lambda stage: _value([stage.firm.order()]),
    "modifyOrder": _modify,
    "cancelOrder": lambda stage: _with("orderId", stage.placed()),
    "cancelOrders": lambda stage: _list("orderIds", stage.placed()),
    "placeOco": lambda stage: _value(pair(stage.firm)),
    "closePosition": lambda stage: _with("positionId", stage.held(), clientOrderId="close"),
    "reversePosition": lambda stage: _with("positionId", stage.held(), clientOrderId="reverse"),
    "releaseOrders": _release,
    "adjustPosition": lambda stage: _value(transfer(stage.firm)),
    "createPnlSnapshot": lambda stage: _value({"accountId": stage.account_id}),
    "setApprovalPolicy": _given(expirySeconds=600),
    "deleteApprovalPolicy": _policy,
    "approveOrder": _approve,
    "reconcileAccount": lambda stage: _value({"accountId": stage.account_id}),
    "resolveBreak": _break,
    "askAboutOrder": lambda stage: _with("orderId", doubted(stage.firm, stage.broker)),
    "declareOrderDead": _dead,
    "claimExternalOrder": _claim,
    "createBrokerAccount": lambda stage: _value(asked_account()),
    "updateBrokerAccount": lambda stage: _with("accountId", _account(stage), label="Growth"),
    "connectBroker": lambda stage: _with("accountId", _account(stage)),
    "disconnectBroker": _disconnect,
    "setAuditRetention": _given(keepDays=4000),
    "erasePerson": _person,
}
PLAYED_APART: Final = {"addInstrument", "simulatorFault", "clearSimulatorFaults"}
BY_NOBODY: Final = {"register", "login"}
ASKED_OF_SOMEBODY_AWAY: Final = {"reconcileAccount", "askAboutOrder"}


async def _value(value: Any) -> Any:
    return value


async def _with(name: str, value: Awaitable[str], **others: Any) -> Any:
    return {name: await value, **others}


async def _list(name: str, value: Awaitable[str]) -> Any:
    return {name: [await value]}


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """The log of all tenants, as the owner of the database reads it."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
def stage(firm: Firm, broker: Broker, anonymous: Api) -> Stage:
    """A firm that is ready to act."""
    return Stage(firm=firm, broker=broker, anonymous=anonymous)


async def entries(log: asyncpg.Connection, request_id: str) -> list[Any]:
    """What a request left in the log."""
    found: list[Any] = await log.fetch("SELECT * FROM audit_log WHERE request_id = $1", request_id)
    return found


def assert_told(found: list[Any], firm: Firm) -> None:
    """The entries say who acted and from where."""
    assert found
    for entry in found:
        assert entry["ip_address"] == "127.0.0.1"
        assert entry["actor"].startswith("user:")
        assert "." in entry["action"]
    assert {entry["actor"] for entry in found} == {firm.principal.actor}


def test_every_mutation_is_called_here_or_is_excused_with_a_reason() -> None:
    mutations = schema._schema.mutation_type
    assert mutations is not None

    assert set(mutations.fields) == set(CALLS) | PLAYED_APART | set(NOT_AUDITED)


@pytest.mark.parametrize("name", CALLS)
async def test_a_mutation_leaves_an_entry(stage: Stage, log: asyncpg.Connection, name: str) -> None:
    given, request_id = await CALLS[name](stage), f"audit-{uuid4().hex}"
    api = stage.anonymous if name in BY_NOBODY else stage.firm.api

    payload = await call(api, name, given, request_id)

    if name not in ASKED_OF_SOMEBODY_AWAY:
        assert not payload.get("errors")
    found = await entries(log, request_id)
    if name in BY_NOBODY:
        assert [entry["ip_address"] for entry in found] == ["127.0.0.1"]
        assert found[0]["actor"].startswith("user:")
    else:
        assert_told(found, stage.firm)


async def test_adding_an_instrument_leaves_an_entry(stage: Stage, log: asyncpg.Connection, adapter: Any) -> None:
    async with answering(stage.firm, adapter):
        payload = await call(stage.firm.api, "addInstrument", {"contractId": "76792991"}, "audit-add-instrument")

    assert payload["errors"] == []
    assert_told(await entries(log, "audit-add-instrument"), stage.firm)


async def test_rehearsing_faults_leaves_entries(rehearsal: Rehearsal, log: asyncpg.Connection) -> None:
    account = {"accountId": str(rehearsal.firm.account_id)}

    await call(rehearsal.api, "simulatorFault", account | {"pathology": "silent-fill"}, "audit-fault")
    await call(rehearsal.api, "clearSimulatorFaults", account, "audit-clear")

    assert_told(await entries(log, "audit-fault"), rehearsal.firm)
    assert_told(await entries(log, "audit-clear"), rehearsal.firm)


async def test_a_change_tells_what_was_there_before(stage: Stage, log: asyncpg.Connection) -> None:
    await call(stage.firm.api, "setAuditRetention", {"keepDays": 4000}, "audit-first")
    await call(stage.firm.api, "setAuditRetention", {"keepDays": 5000}, "audit-second")

    [entry] = await entries(log, "audit-second")
    assert orjson.loads(entry["old_values"]) == {"keep_days": 4000}
    assert orjson.loads(entry["new_values"]) == {"keep_days": 5000}
