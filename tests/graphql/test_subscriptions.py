"""Sockets: admission, the protocol's rules, and streams that end when power is lost."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.typing import Origin, Subprotocol

from app.core.messages import Tick
from app.flows.identity.create_api_key import create_api_key
from app.flows.identity.log_out import log_out
from app.flows.identity.revoke_api_key import revoke_api_key
from app.identity.domain import Scope
from app.infra.origins import Origins
from app.marketdata import service as marketdata
from schema.base.door import Doorway
from schema.base.execution import GraphQLEngine
from schema.base.http import BODY_BYTES_MAX
from schema.base.socket import GraphQLOverSocket
from schema.base.socket_limits import SocketLimits
from schema.schema import schema, subscription_requirements
from tests.graphql.conftest import PLACE, Api, Firm, Socket, serve_app, serving_sockets

PROTOCOL = [Subprotocol("graphql-transport-ws")]
# Power is looked at where an operation begins, and nowhere else.
UNWATCHED = SocketLimits(watch_every_s=600)
EVENTS = """
subscription Events($account: ID!, $after: Int) {
  orderEvents(accountId: $account, afterSequence: $after) { sequence type toState orderId order { id state } }
}
"""
TICKS = """
subscription Ticks($symbols: [String!]!, $throttle: Int) {
  ticks(symbols: $symbols, throttleMs: $throttle) { kind sequence ticks { symbol bid last } }
}
"""


def doorway_of(firm: Firm) -> Doorway:
    """The doorway of a process that knows no origin but the host's."""
    return Doorway(firm.desk, Origins().is_ours, lambda _: None)


async def closing(raw: ClientConnection) -> int:
    """The code that the server closes the socket with, whatever it says before."""
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionClosedError):
            async for _ in raw:
                pass
        await raw.wait_closed()
    assert raw.close_code is not None
    return raw.close_code


async def test_a_socket_without_a_credential_that_holds_is_closed(anonymous: Api) -> None:
    payloads: tuple[dict[str, Any], ...] = (
        {},
        {"payload": {}},
        {"payload": {"authorization": "Bearer nonsense"}},
        {"payload": {"authorization": 3}},
        {"payload": {"authorization": ["Bearer x"]}},
    )
    for payload in payloads:
        async with connect(f"ws://{anonymous.address}/graphql", subprotocols=PROTOCOL) as raw:
            await raw.send(orjson.dumps({"type": "connection_init", **payload}).decode())

            assert await closing(raw) == 4403


async def test_the_protocols_rules_are_kept(firm: Firm) -> None:
    messages: tuple[tuple[str, int], ...] = (
        ("nonsense", 4400),
        ("[]", 4400),
        ("{}", 4400),
        ('{"type": "nonsense"}', 4400),
        ('{"type": "subscribe"}', 4400),
        ('{"type": "subscribe", "id": 1, "payload": {}}', 4400),
        ('{"type": "subscribe", "id": "", "payload": {}}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": []}', 4400),
        ('{"type": "connection_init"}', 4429),
        ('{"type": "complete", "id": {}}', 4400),
    )
    for message, code in messages:
        async with firm.api.socket() as opened:
            await opened.raw.send(message)

            assert await closing(opened.raw) == code, message


async def test_operations_wait_for_the_acknowledgement(anonymous: Api) -> None:
    async with connect(f"ws://{anonymous.address}/graphql", subprotocols=PROTOCOL) as raw:
        await Socket(raw).subscribe("{ __typename }")

        assert await closing(raw) == 4401


async def test_a_silent_socket_is_closed(firm: Firm) -> None:
    engine = GraphQLEngine(schema._schema, subscription_requirements(), known_as=lambda _: None)
    patient = GraphQLOverSocket(doorway_of(firm), engine, schema, SocketLimits(init_timeout_s=0.05))
    async with serve_app(patient) as address, connect(f"ws://{address}/graphql", subprotocols=PROTOCOL) as raw:
        assert await closing(raw) == 4408


async def test_the_legacy_protocol_is_not_spoken(anonymous: Api) -> None:
    url = f"ws://{anonymous.address}/graphql"
    async with connect(url, subprotocols=[Subprotocol("graphql-ws")]) as raw:
        assert raw.subprotocol is None
        assert await closing(raw) == 4406


async def test_pages_of_other_hosts_are_refused(anonymous: Api) -> None:
    url = f"ws://{anonymous.address}/graphql"
    with pytest.raises(InvalidStatus):
        await connect(url, subprotocols=PROTOCOL, origin=Origin("https://elsewhere.example"))
    async with connect(url, subprotocols=PROTOCOL, origin=Origin(f"http://{anonymous.address}")) as raw:
        assert raw.subprotocol == PROTOCOL[0]


async def test_a_large_message_ends_the_socket(firm: Firm) -> None:
    async with firm.api.socket() as opened:
        await opened.raw.send(" " * (BODY_BYTES_MAX + 1))

        assert await closing(opened.raw) == 1009


async def test_a_ping_is_answered_and_queries_run_on_sockets_too(firm: Firm) -> None:
    async with firm.api.socket() as opened:
        await opened.send(type="ping")
        assert await opened.receive() == {"type": "pong"}

        operation_id = await opened.subscribe("{ viewer { tenant { id } } }")

        data = {"viewer": {"tenant": {"id": str(firm.key.tenant_id)}}}
        assert await opened.receive() == {"id": operation_id, "type": "next", "payload": {"data": data}}
        assert await opened.receive() == {"id": operation_id, "type": "complete"}


async def test_an_id_may_not_be_used_twice_at_once(firm: Firm) -> None:
    async with firm.api.socket() as opened:
        payload = {"query": "subscription { executions { id } }"}
        await opened.send(type="subscribe", id="same", payload=payload)
        await opened.send(type="subscribe", id="same", payload=payload)

        assert await closing(opened.raw) == 4409


async def test_a_socket_has_so_many_operations_and_no_more(firm: Firm) -> None:
    async with firm.api.socket() as opened:
        for _ in range(50):
            await opened.subscribe("subscription { executions { id } }")
        await opened.subscribe("subscription { executions { id } }")

        assert await opened.refusal() == ("OPERATIONS_TOO_MANY", [])


@pytest.mark.parametrize(
    ("document", "variables", "code", "path"),
    [
        (EVENTS, {"account": str(uuid4())}, "ACCOUNT_NOT_FOUND", ["accountId"]),
        (EVENTS, {"account": "nonsense"}, "BAD_USER_INPUT", ["accountId"]),
        (EVENTS, {}, "BAD_USER_INPUT", ["accountId"]),
        (TICKS, {"symbols": ["AAPL", "NOPE"]}, "INSTRUMENT_NOT_FOUND", ["symbols", "1"]),
        (TICKS, {"symbols": ["AAPL", "A\x00"]}, "INSTRUMENT_NOT_FOUND", ["symbols", "1"]),
        (TICKS, {"symbols": []}, "BAD_USER_INPUT", ["symbols"]),
        (TICKS, {"symbols": ["AAPL"], "throttle": 1}, "BAD_USER_INPUT", ["throttleMs"]),
        ("subscription { executions(accountIds: [1]) { id } }", {}, "BAD_USER_INPUT", ["accountIds", "0"]),
        ("subscription { nonsense }", {}, "GRAPHQL_VALIDATION_FAILED", []),
        ("subscription {", {}, "GRAPHQL_PARSE_FAILED", []),
        ("", {}, "BAD_USER_INPUT", ["query"]),
    ],
)
async def test_a_subscription_that_cannot_start_is_told_why(
    firm: Firm, document: str, variables: dict[str, Any], code: str, path: list[str]
) -> None:
    async with firm.api.socket() as opened:
        await opened.subscribe(document, **variables)

        assert await opened.refusal() == (code, path)


async def test_a_sequence_beyond_the_logs_end_is_refused(firm: Firm) -> None:
    async with firm.api.socket() as opened:
        for after in (-1, 1_000_000):
            await opened.subscribe(EVENTS, account=str(firm.account_id), after=after)

            assert await opened.refusal() == ("BAD_USER_INPUT", ["afterSequence"])


async def test_another_tenants_account_cannot_be_followed(firm: Firm, stranger: Firm) -> None:
    async with firm.api.socket() as opened:
        await opened.subscribe(EVENTS, account=str(stranger.account_id))
        assert await opened.refusal() == ("ACCOUNT_NOT_FOUND", ["accountId"])

        executions = "subscription($a: [ID!]) { executions(accountIds: $a) { id } }"
        await opened.subscribe(executions, a=[str(stranger.account_id)])
        assert await opened.refusal() == ("ACCOUNT_NOT_FOUND", ["accountIds", "0"])


async def test_a_stream_needs_its_scope(firm: Firm) -> None:
    program = await firm.program(Scope.VIEW_MARKET_DATA)
    async with program.socket() as opened:
        await opened.subscribe(EVENTS, account=str(firm.account_id))

        assert (await opened.refusal())[0] == "FORBIDDEN"


@pytest.mark.usefixtures("relayed")
async def test_events_come_from_the_log_and_then_live_without_a_gap(firm: Firm) -> None:
    first = (await firm.api.place(**firm.order()))["order"]["id"]
    async with firm.api.socket() as opened:
        await opened.subscribe(EVENTS, account=str(firm.account_id), after=0)
        seen = [(await opened.next_data())["orderEvents"]]
        second = (await firm.api.place(**firm.order()))["order"]["id"]
        while seen[-1]["orderId"] != second:
            seen.append((await opened.next_data())["orderEvents"])

    assert [event["sequence"] for event in seen] == list(range(1, len(seen) + 1))
    assert seen[0]["orderId"] == first
    assert seen[-1]["order"]["id"] == second


@pytest.mark.usefixtures("relayed")
async def test_a_completed_stream_says_no_more(firm: Firm) -> None:
    async with firm.api.socket() as opened:
        operation_id = await opened.subscribe(EVENTS, account=str(firm.account_id), after=0)
        await opened.send(type="complete", id=operation_id)
        await firm.api.place(**firm.order())
        await opened.send(type="ping")

        assert await opened.receive() == {"type": "pong"}


async def test_ticks_begin_with_a_snapshot_and_go_on(firm: Firm) -> None:
    apple = firm.instruments["AAPL"]
    tick = Tick(
        instrument_id=apple.id, symbol="AAPL", bid=Decimal("187.40"), last=Decimal("187.42"), time=datetime.now(UTC)
    )
    await marketdata.publish_ticks(firm.desk.redis, firm.key.tenant_id, [tick])
    async with firm.api.socket() as opened:
        await opened.subscribe(TICKS, symbols=["AAPL"], throttle=10)
        snapshot = (await opened.next_data())["ticks"]
        moved = replace(tick, last=Decimal("187.5"))
        await marketdata.publish_ticks(firm.desk.redis, firm.key.tenant_id, [moved])
        delta = (await opened.next_data())["ticks"]

    assert snapshot == {
        "kind": "SNAPSHOT",
        "sequence": 1,
        "ticks": [{"symbol": "AAPL", "bid": "187.4", "last": "187.42"}],
    }
    assert delta == {"kind": "DELTA", "sequence": 2, "ticks": [{"symbol": "AAPL", "bid": "187.4", "last": "187.5"}]}


async def test_quotes_and_positions_show_the_newest_tick(firm: Firm) -> None:
    apple = firm.instruments["AAPL"]
    tick = Tick(instrument_id=apple.id, symbol="AAPL", last=Decimal("187.42"), time=datetime.now(UTC))
    document = (
        '{ quote(symbol: "AAPL") { last isStale instrument { symbol } } quotes(symbols: ["AAPL", "SPY"]) { last } }'
    )
    assert await firm.api.data(document) == {"quote": None, "quotes": []}

    await marketdata.publish_ticks(firm.desk.redis, firm.key.tenant_id, [tick])

    assert await firm.api.data(document) == {
        "quote": {"last": "187.42", "isStale": False, "instrument": {"symbol": "AAPL"}},
        "quotes": [{"last": "187.42"}],
    }
    assert await firm.api.refusal('{ quote(symbol: "NOPE") { last } }') == ("INSTRUMENT_NOT_FOUND", ["symbol"])
    assert await firm.api.refusal('{ quotes(symbols: ["SPY", "NOPE"]) { last } }') == (
        "INSTRUMENT_NOT_FOUND",
        ["symbols", "1"],
    )


async def test_a_stream_ends_when_its_session_does(firm: Firm) -> None:
    apple = firm.instruments["AAPL"]
    async with firm.api.socket() as opened:
        await opened.subscribe(TICKS, symbols=["AAPL"], throttle=10)
        await opened.next_data()

        await log_out(firm.desk.door, firm.principal)
        tick = Tick(instrument_id=apple.id, symbol="AAPL", last=Decimal(1), time=datetime.now(UTC))
        await marketdata.publish_ticks(firm.desk.redis, firm.key.tenant_id, [tick])

        await opened.loses_power()


async def test_a_socket_of_an_ended_session_places_no_order(firm: Firm) -> None:
    async with serving_sockets(firm, UNWATCHED) as api, api.socket() as opened:
        await log_out(firm.desk.door, firm.principal)

        await opened.subscribe(PLACE, input=firm.order())
        message = await opened.receive()

    assert message["payload"]["data"] is None
    assert message["payload"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_quiet_stream_ends_when_its_session_does(firm: Firm) -> None:
    engine = GraphQLEngine(
        schema._schema,
        subscription_requirements(),
        known_as=lambda _: None,
        recheck_every_s=0.05,
    )
    app = GraphQLOverSocket(doorway_of(firm), engine, schema)
    async with serve_app(app) as address, replace(firm.api, address=address).socket() as opened:
        await opened.subscribe("subscription { executions { id } }")

        await log_out(firm.desk.door, firm.principal)

        await opened.loses_power()


async def test_a_revoked_key_places_no_order_over_its_open_socket(firm: Firm) -> None:
    issued = await create_api_key(
        firm.desk.door, firm.principal, name="program", scopes=[Scope.PLACE_ORDERS, Scope.VIEW_ORDERS]
    )
    async with serving_sockets(firm, UNWATCHED) as api, api.holding(issued.text).socket() as opened:
        await opened.subscribe("{ viewer { scopes } }")
        await opened.next_data()
        assert (await opened.receive())["type"] == "complete"

        await revoke_api_key(firm.desk.door, firm.principal, issued.api_key.id)
        await opened.subscribe(PLACE, input=firm.order())
        placing = await opened.receive()
        assert (await opened.receive())["type"] == "complete"
        await opened.subscribe("{ orders { totalCount } }")
        reading = await opened.receive()

    for message in (placing, reading):
        assert message["payload"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert message["payload"]["data"] is None
    assert (await firm.api.data("{ orders { totalCount } }"))["orders"]["totalCount"] == 0
