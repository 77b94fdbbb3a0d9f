"""Accounts that a tenant brings in, connects, moves and leaves, as a client meets them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest

from app.brokers import repository as brokers
from app.brokers.credentials import open_credentials
from app.brokers.errors import GatewayNotAllowedError
from app.core.ids import AccountId
from app.core.messages import AccountKey, AccountValues, CurrencyValues
from app.flows.brokers.connect_broker import connect_broker, disconnect_broker
from app.flows.brokers.follow_connections import follow_connections
from app.flows.identity.log_out import log_out
from app.identity.domain import Role, Scope
from app.infra.bus import GAP, Bus, Stream
from app.infra.settings import Settings
from app.infra.uow import begin_batch
from tests.graphql.conftest import Answer, Api, Broker, Firm, Socket

CREATE = """
mutation Create($input: CreateBrokerAccountInput!) {
  createBrokerAccount(input: $input) {
    brokerAccount {
      id broker accountNumber accountType baseCurrency isActive isPaper label isConnectionWanted
      connection { state isGateOpen host port clientId reconnectAttempts lastError }
      credentials { name setAt }
    }
    errors { code path message }
  }
}
"""
UPDATE = """
mutation Update($input: UpdateBrokerAccountInput!) {
  updateBrokerAccount(input: $input) {
    brokerAccount { label connection { host port clientId isGateOpen state } credentials { name } }
    errors { code path }
  }
}
"""
CONNECT = """
mutation Connect($input: ConnectBrokerInput!) {
  connectBroker(input: $input) { brokerAccount { isConnectionWanted } errors { code path } }
}
"""
DISCONNECT = """
mutation Disconnect($input: DisconnectBrokerInput!) {
  disconnectBroker(input: $input) {
    brokerAccount { isConnectionWanted connection { state isGateOpen } } errors { code path }
  }
}
"""
FOLLOW = """
subscription { brokerConnections { id label isConnectionWanted connection { state isGateOpen lastError } } }
"""
FIGURES = """
{ brokerAccounts {
  equity buyingPower excessLiquidity cushion specialMemorandumAccount figuresAt
  balances { currency cash stockValue exchangeRate }
  brokerPnl {
    daily { broker ours difference } realized { broker ours difference } unrealized { broker ours difference } brokerAt
  }
} }
"""
_ports = count(4001)


def asked(**terms: Any) -> dict[str, Any]:
    """The input of an account at a gateway of its own."""
    return {
        "broker": "INTERACTIVE_BROKERS",
        "accountNumber": f"DU{uuid4().int % 10**9:09}",
        "accountType": "MARGIN",
        "baseCurrency": "USD",
        "host": "gateway.test",
        "port": next(_ports),
        "clientId": 7,
        "isPaper": True,
        **terms,
    }


async def created(api: Api, **terms: Any) -> Answer:
    payload: Answer = (await api.data(CREATE, input=asked(**terms)))["createBrokerAccount"]
    return payload


async def opened(api: Api, **terms: Any) -> Answer:
    payload = await created(api, **terms)
    assert payload["errors"] == []
    account: Answer = payload["brokerAccount"]
    return account


async def test_an_account_comes_in_and_is_connected_on_demand(firm: Firm) -> None:
    account = await opened(firm.api, label="Growth", host="GATEWAY.test", credentials={"password": "hunter2"})

    assert account["accountNumber"].startswith("DU")
    assert (account["isActive"], account["isPaper"], account["label"]) == (True, True, "Growth")
    assert account["isConnectionWanted"] is False
    assert account["connection"]["state"] == "DISCONNECTED"
    assert account["connection"]["host"] == "gateway.test"
    assert account["connection"]["isGateOpen"] is False
    assert [one["name"] for one in account["credentials"]] == ["password"]

    answer = await firm.api.data(CONNECT, input={"accountId": account["id"]})

    assert answer["connectBroker"] == {"brokerAccount": {"isConnectionWanted": True}, "errors": []}
    listed = (await firm.api.data("{ brokerAccounts { id } }"))["brokerAccounts"]
    assert account["id"] in [one["id"] for one in listed]
    node = await firm.api.data("query($id: ID!) { node(id: $id) { id __typename } }", id=account["id"])
    assert node["node"] == {"id": account["id"], "__typename": "BrokerAccount"}


async def test_the_paper_broker_needs_no_gateway(firm: Firm) -> None:
    account = await opened(firm.api, broker="PAPER", accountNumber="paper-1", host="paper", port=1, clientId=0)

    assert (account["broker"], account["accountNumber"]) == ("PAPER", "paper-1")


@pytest.mark.parametrize(
    ("terms", "code", "path"),
    [
        ({"accountNumber": "12"}, "BAD_USER_INPUT", ["accountNumber"]),
        ({"accountNumber": "U1234567"}, "BAD_USER_INPUT", ["isPaper"]),
        ({"baseCurrency": "usd"}, "BAD_USER_INPUT", ["baseCurrency"]),
        ({"host": "postgres", "port": 5432}, "BROKER_GATEWAY_NOT_ALLOWED", ["host"]),
        ({"port": 22}, "BROKER_GATEWAY_NOT_ALLOWED", ["host"]),
        ({"port": 0}, "BAD_USER_INPUT", ["port"]),
        ({"clientId": 0}, "BAD_USER_INPUT", ["ownsManualOrders"]),
        ({"clientId": 9999}, "BROKER_CLIENT_ID_NOT_FREE", ["clientId"]),
        ({"clientId": 8999}, "BROKER_CLIENT_ID_NOT_FREE", ["clientId"]),
        ({"credentials": {"password": 1}}, "BAD_USER_INPUT", ["credentials", "password"]),
    ],
)
async def test_what_is_wrong_is_told_and_nothing_is_stored(
    firm: Firm, terms: dict[str, Any], code: str, path: list[str]
) -> None:
    payload = await created(firm.api, **terms)

    assert payload["brokerAccount"] is None
    assert [(one["code"], one["path"]) for one in payload["errors"]] == [(code, path)]
    assert len((await firm.api.data("{ brokerAccounts { id } }"))["brokerAccounts"]) == 1


async def test_the_same_account_comes_in_once_however_many_ask(firm: Firm, stranger: Firm) -> None:
    terms = asked(clientId=11)

    payloads = await asyncio.gather(
        *(firm.api.data(CREATE, input={**terms, "clientId": 11 + place}) for place in range(8))
    )

    codes = [[one["code"] for one in payload["createBrokerAccount"]["errors"]] for payload in payloads]
    assert sorted(codes) == [[], *[["BROKER_ACCOUNT_EXISTS"]] * 7]
    # Two tenants may manage the same account; neither hears of the other.
    assert await opened(stranger.api, accountNumber=terms["accountNumber"])


async def test_a_client_id_is_one_accounts_over_all_tenants_and_nobody_hears_whose(firm: Firm, stranger: Firm) -> None:
    place = {"host": "gateway.test", "port": next(_ports)}
    await opened(firm.api, **place, clientId=7)

    own = await created(firm.api, **place, clientId=7)
    foreign = await created(stranger.api, **place, clientId=7)
    reserved = await created(stranger.api, **place, clientId=9999)

    assert own["errors"] == foreign["errors"] == reserved["errors"]
    assert own["errors"][0]["code"] == "BROKER_CLIENT_ID_NOT_FREE"
    assert await opened(stranger.api, **place, clientId=8)


@pytest.mark.parametrize("clientId", [1007, 2007])
async def test_market_data_does_not_collide_either(firm: Firm, stranger: Firm, clientId: int) -> None:
    place = {"port": next(_ports)}
    await opened(firm.api, **place, clientId=1007)

    for other in (clientId, clientId - 1000):
        payload = await created(stranger.api, **place, clientId=other)
        assert payload["errors"][0]["code"] == "BROKER_CLIENT_ID_NOT_FREE"


async def test_of_many_who_ask_for_a_client_id_at_once_one_gets_it(firm: Firm, stranger: Firm) -> None:
    place = {"port": next(_ports), "clientId": 7}

    payloads = await asyncio.gather(*(created(one.api, **place) for one in (firm, stranger) * 5))

    assert sum(not payload["errors"] for payload in payloads) == 1
    assert {one["code"] for payload in payloads for one in payload["errors"]} == {"BROKER_CLIENT_ID_NOT_FREE"}


async def test_a_client_id_is_free_again_where_it_was_left(firm: Firm, stranger: Firm) -> None:
    place = {"port": next(_ports)}
    account = await opened(firm.api, **place, clientId=7)
    # Its own orders' id becomes its market data's: no other account is in the way.
    moved = (await firm.api.data(UPDATE, input={"accountId": account["id"], "clientId": 1007}))["updateBrokerAccount"]

    assert moved["errors"] == []
    assert moved["brokerAccount"]["connection"]["clientId"] == 1007
    assert (await created(stranger.api, **place, clientId=1007))["errors"]
    await firm.api.data(UPDATE, input={"accountId": account["id"], "clientId": 20})
    assert await opened(stranger.api, **place, clientId=7)


async def test_client_id_zero_is_for_who_says_so(firm: Firm) -> None:
    account = await opened(firm.api, clientId=0, ownsManualOrders=True)

    assert account["connection"]["clientId"] == 0
    port = next(_ports)
    moved = (await firm.api.data(UPDATE, input={"accountId": account["id"], "port": port}))["updateBrokerAccount"]
    assert moved["brokerAccount"]["connection"] == {
        "host": "gateway.test",
        "port": port,
        "clientId": 0,
        "isGateOpen": False,
        "state": "DISCONNECTED",
    }


async def test_secrets_are_sealed_and_never_shown(firm: Firm, settings: Settings) -> None:
    name, first, second, seed = (f"{word}-{uuid4().hex}" for word in ("name", "first", "second", "seed"))
    account = await opened(firm.api, credentials={"username": name, "password": first})
    key = AccountKey(tenant_id=firm.key.tenant_id, account_id=AccountId(UUID(account["id"])))

    change = {"accountId": account["id"], "credentials": {"password": second, "username": None, "totp": seed}}
    payload = (await firm.api.data(UPDATE, input=change))["updateBrokerAccount"]

    assert payload["errors"] == []
    assert [one["name"] for one in payload["brokerAccount"]["credentials"]] == ["password", "totp"]
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        assert await open_credentials(session, firm.desk.vault, key) == {"password": second, "totp": seed}
    stored = await _everything(settings, "broker_credentials", "audit_log", "outbox")
    assert not any(secret in stored for secret in (name, first, second, seed))


async def test_every_step_is_written_down_without_its_secrets(firm: Firm, settings: Settings) -> None:
    account = await opened(firm.api, credentials={"password": "hunter2"})
    for document in (CONNECT, DISCONNECT):
        await firm.api.data(document, input={"accountId": account["id"]})
    await firm.api.data(UPDATE, input={"accountId": account["id"], "label": "New", "credentials": {"password": None}})

    owner = await asyncpg.connect(settings.database_url)
    rows = await owner.fetch(
        "SELECT action, actor, old_values, new_values FROM audit_log WHERE resource_id = $1 ORDER BY id", account["id"]
    )
    await owner.close()

    assert [row["action"] for row in rows] == [
        "broker_account.created",
        "broker_account.connected",
        "broker_account.disconnected",
        "broker_account.updated",
    ]
    assert {row["actor"] for row in rows} == {firm.principal.actor}
    assert orjson.loads(rows[0]["new_values"])["credentials"] == {"password": "********"}
    assert orjson.loads(rows[3]["new_values"])["credentials"] == {"password": None}
    assert orjson.loads(rows[3]["old_values"])["label"] is None


async def test_disconnecting_shuts_the_gate_and_orders_wait(firm: Firm, broker: Broker) -> None:
    at_broker = (await firm.api.place(**firm.order()))["order"]
    await broker.claim()
    await broker.acknowledge(at_broker["id"])

    answer = (await firm.api.data(DISCONNECT, input={"accountId": str(firm.account_id)}))["disconnectBroker"]

    assert answer["errors"] == []
    assert answer["brokerAccount"]["connection"] == {"state": "DISCONNECTED", "isGateOpen": False}
    assert (await firm.api.place(**firm.order()))["order"]["state"] == "HELD"
    order = await firm.api.data("query($id: ID!) { order(id: $id) { state } }", id=at_broker["id"])
    assert order["order"]["state"] == "ACCEPTED"
    assert (await firm.api.data("{ brokerAccounts { ordersAtBroker } }"))["brokerAccounts"] == [{"ordersAtBroker": 1}]


async def test_a_client_id_stays_while_orders_of_it_work(firm: Firm, broker: Broker) -> None:
    await firm.api.place(**firm.order())
    await broker.claim()
    change = {"accountId": str(firm.account_id), "host": "gateway.test", "port": next(_ports)}

    refused = (await firm.api.data(UPDATE, input={**change, "clientId": 70}))["updateBrokerAccount"]
    moved = (await firm.api.data(UPDATE, input=change))["updateBrokerAccount"]

    assert refused["errors"] == [{"code": "BROKER_ACCOUNT_HAS_OPEN_ORDERS", "path": ["clientId"]}]
    assert moved["brokerAccount"]["connection"]["host"] == "gateway.test"
    # The way has changed: what held the account by the old one is fenced.
    assert moved["brokerAccount"]["connection"]["isGateOpen"] is False


async def test_a_gateway_that_the_operator_has_closed_is_not_connected_any_more(firm: Firm) -> None:
    account = await opened(firm.api)
    closed = replace(firm.desk, gateways=frozenset())

    with pytest.raises(GatewayNotAllowedError) as refused:
        await connect_broker(closed, firm.principal, AccountId(UUID(account["id"])))

    assert refused.value.path == ("accountId",)
    await disconnect_broker(closed, firm.principal, firm.account_id)


@pytest.mark.parametrize("document", [CONNECT, DISCONNECT, UPDATE])
async def test_another_tenants_account_is_unknown(firm: Firm, stranger: Firm, document: str) -> None:
    for account_id in (str(stranger.account_id), str(uuid4())):
        ((_, payload),) = (await firm.api.data(document, input={"accountId": account_id})).items()

        assert payload == {"brokerAccount": None, "errors": [{"code": "ACCOUNT_NOT_FOUND", "path": ["accountId"]}]}


async def test_who_may_not_manage_brokers_changes_and_sees_nothing_of_them(firm: Firm) -> None:
    trader = await firm.member(Role.TRADER)

    for document in (CONNECT, DISCONNECT, UPDATE):
        assert await trader.refusal(document, input={"accountId": str(firm.account_id)}) == ("FORBIDDEN", [])
    assert await trader.refusal(CREATE, input=asked()) == ("FORBIDDEN", [])
    assert (await trader.refusal("{ brokerAccounts { credentials { name } } }"))[0] == "FORBIDDEN"
    looking = await firm.program(Scope.VIEW_ORDERS)
    for selection in ("balances { currency }", "brokerPnl { brokerAt }", "cushion", "figuresAt"):
        assert (await looking.refusal(f"{{ brokerAccounts {{ {selection} }} }}"))[0] == "FORBIDDEN"


async def test_connections_are_followed_as_they_change(firm: Firm, relayed: None) -> None:
    async with firm.api.socket() as opened_socket:
        await opened_socket.subscribe(FOLLOW)
        first = (await opened_socket.next_data())["brokerConnections"]
        account = await opened(firm.api, label="Second")
        new = await _next_of(opened_socket, account["id"])
        await firm.api.data(CONNECT, input={"accountId": account["id"]})
        wanted = await _next_of(opened_socket, account["id"])
        await firm.api.data(DISCONNECT, input={"accountId": str(firm.account_id)})
        left = await _next_of(opened_socket, str(firm.account_id))

    assert (first["id"], first["connection"]["isGateOpen"]) == (str(firm.account_id), True)
    assert (new["label"], new["isConnectionWanted"]) == ("Second", False)
    assert wanted["isConnectionWanted"] is True
    assert left["connection"] == {"state": "DISCONNECTED", "isGateOpen": False, "lastError": None}


async def test_connections_of_another_tenant_are_not_heard_of(firm: Firm, stranger: Firm, relayed: None) -> None:
    async with firm.api.socket() as opened_socket:
        await opened_socket.subscribe(FOLLOW)
        await opened_socket.next_data()
        await stranger.api.data(DISCONNECT, input={"accountId": str(stranger.account_id)})
        await firm.api.data(DISCONNECT, input={"accountId": str(firm.account_id)})

        assert (await opened_socket.next_data())["brokerConnections"]["id"] == str(firm.account_id)


async def test_following_connections_ends_with_the_credential(firm: Firm, relayed: None) -> None:
    async with firm.api.socket() as opened_socket:
        await opened_socket.subscribe(FOLLOW)
        await opened_socket.next_data()
        await firm.api.data(CONNECT, input={"accountId": str(firm.account_id)})

        await log_out(firm.desk.door, firm.principal)
        await disconnect_broker(firm.desk, firm.principal, firm.account_id)

        await opened_socket.loses_power()


async def test_missed_changes_bring_every_account_again(
    firm: Firm, relayed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream: Stream[bytes] = Stream(10)

    @asynccontextmanager
    async def subscribed(bus: Bus, channel: str, **options: Any) -> AsyncIterator[Stream[bytes]]:
        assert channel == f"connections:{firm.key.tenant_id}"
        yield stream

    monkeypatch.setattr(Bus, "subscribe", subscribed)
    followed = follow_connections(firm.desk, firm.principal)
    first = await anext(followed)
    stream.put(GAP)
    again = await anext(followed)

    assert first == again
    assert again.id == firm.account_id


async def test_the_brokers_figures_are_told_by_currency_and_beside_ours(firm: Firm, broker: Broker) -> None:
    values = AccountValues(
        equity=Decimal("1000.5"),
        excess_liquidity=Decimal(800),
        cushion=Decimal("0.79"),
        daily_pnl=Decimal("12.5"),
        unrealized_pnl=Decimal(30),
        realized_pnl=Decimal(-2),
        by_currency=(
            CurrencyValues(currency="EUR", cash=Decimal(-46), exchange_rate=Decimal("1.0869")),
            CurrencyValues(currency="USD", cash=Decimal(950), stock_value=Decimal(100)),
        ),
    )
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        await brokers.save_balance(session, broker.lease, values)
        # What is not told stays; a currency that is not told any more is gone.
        later = AccountValues(buying_power=Decimal(4000), by_currency=values.by_currency[1:])
        await brokers.save_balance(session, broker.lease, later)

    [account] = (await firm.api.data(FIGURES))["brokerAccounts"]

    assert account.pop("figuresAt") is not None
    assert account["brokerPnl"].pop("brokerAt") is not None
    assert account == {
        "equity": "1000.5",
        "buyingPower": "4000",
        "excessLiquidity": "800",
        "cushion": "0.79",
        "specialMemorandumAccount": None,
        "balances": [{"currency": "USD", "cash": "950", "stockValue": "100", "exchangeRate": None}],
        "brokerPnl": {
            "daily": {"broker": "12.5", "ours": "0", "difference": "12.5"},
            "realized": {"broker": "-2", "ours": "0", "difference": "-2"},
            "unrealized": {"broker": "30", "ours": "0", "difference": "30"},
        },
    }


async def _next_of(opened_socket: Socket, account_id: str) -> Answer:
    while True:
        account: Answer = (await opened_socket.next_data())["brokerConnections"]
        if account["id"] == account_id:
            return account


async def _everything(settings: Settings, *tables: str) -> str:
    owner = await asyncpg.connect(settings.database_url)
    rows = [str(list(row.values())) for table in tables for row in await owner.fetch(f"SELECT * FROM {table}")]
    await owner.close()
    return "\n".join(rows)
