"""A hundred orders over HTTP while a WebSocket listens, and the simulator asked afterwards by a client of its own."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.contract.simulator.clients import load
from tests.installation import installed

ORDERS = 100
SYMBOLS = ("AAPL", "MSFT", "SPY", "TSLA")
AUDITOR = 990

PLACE = """
mutation Place($input: PlaceOrderInput!) {
  placeOrder(input: $input) { order { id state } errors { code message path } }
}
"""
EVENTS = """
subscription Events($accountId: ID!, $afterSequence: Int) {
  orderEvents(accountId: $accountId, afterSequence: $afterSequence) { sequence orderId type toState }
}
"""
POSITIONS = "{ positions { instrument { symbol } quantity openBuyQuantity openSellQuantity } }"


async def test_hundred_orders_fill_stream_and_agree_with_the_broker() -> None:
    async with installed() as installation:
        demo = await installation.demo()
        async with _client(demo) as client, _socket(demo) as socket:
            await _subscribe(socket, demo["accountId"], 0)

            answers = await asyncio.gather(*(_place(client, demo, number) for number in range(ORDERS)))
            events = await _until_filled(socket, {answer["order"]["id"] for answer in answers})

            assert all(answer["errors"] == [] for answer in answers)
            assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
            assert Counter(event["toState"] for event in events if event["type"] == "OrderPlaced") == {"ROUTED": ORDERS}
            held = await _positions(client, demo)
            assert held == await _simulator_positions(demo)
            assert held == {symbol: Decimal(10 * ORDERS // len(SYMBOLS)) for symbol in SYMBOLS}
        assert "Traceback" not in installation.log()


@pytest.mark.campaign
async def test_stream_resumes_where_it_stopped_after_the_relay_and_web_were_killed() -> None:
    async with installed() as installation:
        demo = await installation.demo()
        async with _client(demo) as client:
            async with _socket(demo) as socket:
                await _subscribe(socket, demo["accountId"], 0)
                first = await _place(client, demo, 0)
                seen = await _until_filled(socket, {first["order"]["id"]})

            installation.kill("relay")
            second = await _place(client, demo, 1)
            installation.kill("serve")

            async with _reconnected(demo) as socket:
                await _subscribe(socket, demo["accountId"], seen[-1]["sequence"])
                more = await _until_filled(socket, {second["order"]["id"]})

        sequences = [event["sequence"] for event in [*seen, *more]]
        assert sequences == list(range(1, len(sequences) + 1))


@asynccontextmanager
async def _client(demo: dict[str, Any]) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {demo['apiKey']}"}
    async with httpx.AsyncClient(headers=headers, timeout=20, limits=httpx.Limits(max_connections=16)) as client:
        yield client


@asynccontextmanager
async def _socket(demo: dict[str, Any]) -> AsyncIterator[ClientConnection]:
    async with connect(demo["websocketUrl"], subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
        greeting = {"type": "connection_init", "payload": {"authorization": f"Bearer {demo['apiKey']}"}}
        await socket.send(json.dumps(greeting))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        yield socket


@asynccontextmanager
async def _reconnected(demo: dict[str, Any]) -> AsyncIterator[ClientConnection]:
    async with AsyncExitStack() as stack:
        socket: ClientConnection | None = None
        async with asyncio.timeout(30):
            while socket is None:
                try:
                    socket = await stack.enter_async_context(_socket(demo))
                except (OSError, WebSocketException):
                    await asyncio.sleep(0.1)
        yield socket


async def _subscribe(socket: ClientConnection, account_id: str, after_sequence: int) -> None:
    variables = {"accountId": account_id, "afterSequence": after_sequence}
    payload = {"query": EVENTS, "variables": variables}
    await socket.send(json.dumps({"id": "events", "type": "subscribe", "payload": payload}))


async def _place(client: httpx.AsyncClient, demo: dict[str, Any], number: int) -> dict[str, Any]:
    order = {
        "accountId": demo["accountId"],
        "symbol": SYMBOLS[number % len(SYMBOLS)],
        "side": "BUY",
        "orderType": "MARKET",
        "quantity": "10",
        "clientOrderId": uuid4().hex,
    }
    response = await client.post(demo["graphqlUrl"], json={"query": PLACE, "variables": {"input": order}})
    payload: dict[str, Any] = response.json()["data"]["placeOrder"]
    return payload


async def _until_filled(socket: ClientConnection, order_ids: set[str]) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    waiting, without_commission = set(order_ids), set(order_ids)
    async with asyncio.timeout(60):
        while waiting or without_commission:
            message = json.loads(await socket.recv())
            if message["type"] == "ping":
                await socket.send(json.dumps({"type": "pong"}))
                continue
            assert message["type"] == "next", message
            event = message["payload"]["data"]["orderEvents"]
            events.append(event)
            if event["toState"] == "FILLED":
                waiting.discard(event["orderId"])
            if event["type"] == "CommissionBooked":
                without_commission.discard(event["orderId"])
    return events


async def _positions(client: httpx.AsyncClient, demo: dict[str, Any]) -> dict[str, Decimal]:
    response = await client.post(demo["graphqlUrl"], json={"query": POSITIONS})
    rows = response.json()["data"]["positions"]
    assert all(row["openBuyQuantity"] == row["openSellQuantity"] == "0" for row in rows)
    return {row["instrument"]["symbol"]: Decimal(row["quantity"]) for row in rows}


async def _simulator_positions(demo: dict[str, Any]) -> dict[str, Decimal]:
    auditor = load("ib_async").IB()
    await auditor.connectAsync(demo["simulatorHost"], demo["simulatorPort"], clientId=AUDITOR)
    try:
        held = await auditor.reqPositionsAsync()
        return {row.contract.symbol: Decimal(str(row.position)) for row in held if row.position}
    finally:
        auditor.disconnect()
