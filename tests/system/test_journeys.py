"""Journeys through one installation: the README's commands, a hundred orders, and a look for secrets in its logs."""

import asyncio
import json
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from app.infra.mail import MailFolder
from tests.contract.simulator.clients import load
from tests.installation import Installation, installed, until

ROOT = Path(__file__).parents[2]
_MARKED = re.compile(r"<!-- run: (?P<name>[a-z-]+) -->\n```(?P<language>bash|python)\n(?P<code>.*?)^```$", re.S | re.M)
SNIPPETS = {
    found["name"]: (found["language"], found["code"]) for found in _MARKED.finditer((ROOT / "README.md").read_text())
}
TIMEOUT_S = 60
ORDERS = 100
SYMBOLS = ("AAPL", "MSFT", "SPY", "TSLA")
AUDITOR = 990

PLACE_ORDER = """
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
REGISTER = "mutation($i: RegisterInput!) { register(input: $i) { errors { code } } }"
VERIFY = "mutation($i: VerifyEmailInput!) { verifyEmail(input: $i) { tokens { accessToken refreshToken } } }"
LOGIN = "mutation($i: LoginInput!) { login(input: $i) { tokens { accessToken refreshToken } } }"
REFRESH = "mutation($i: RefreshTokenInput!) { refreshToken(input: $i) { tokens { accessToken refreshToken } } }"
KEY = "mutation($i: CreateApiKeyInput!) { createApiKey(input: $i) { secret errors { code } } }"
PLACE = "mutation($i: PlaceOrderInput!) { placeOrder(input: $i) { order { id } errors { code } } }"
# What `oms up` shows to whoever started it.
SHOWN = ("Log in", "API key")


@pytest.fixture(scope="module")
async def installation() -> AsyncIterator[Installation]:
    """One for all journeys, with every process as talkative as it can be; the README counts from its first event."""
    async with installed({"OMS_LOG_LEVEL": "debug"}) as running:
        yield running


@pytest.fixture(scope="module")
async def newcomer(installation: Installation) -> tuple[Installation, Path]:
    """The installation, and a folder whose .venv holds `oms` and `python`, as after `make run`."""
    folder = installation.state_dir / "newcomer"
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, arguments in (("oms", "-m app.cli"), ("python", "")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        program.chmod(0o755)
    return installation, folder


async def run(newcomer: tuple[Installation, Path], name: str) -> str:
    """What the snippet prints; it must succeed."""
    installation, folder = newcomer
    language, code = SNIPPETS[name]
    program = "bash" if language == "bash" else sys.executable
    strict = ["-euo", "pipefail"] if language == "bash" else []
    process = await asyncio.create_subprocess_exec(
        program,
        *strict,
        "-c",
        code,
        cwd=folder,
        env=installation.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(TIMEOUT_S):
        printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


def test_the_readme_has_a_first_of_each() -> None:
    assert list(SNIPPETS) == ["first-curl", "first-python", "first-subscription"]


async def test_the_firsts_do_what_the_readme_says(newcomer: tuple[Installation, Path]) -> None:
    by_curl = await run(newcomer, "first-curl")
    again = await run(newcomer, "first-curl")
    by_python = await run(newcomer, "first-python")
    by_socket = await run(newcomer, "first-subscription")

    assert '"clientOrderId":"first-curl"' in by_curl
    assert '"clientOrderId":"first-curl"' in again
    assert "'errors': []" in by_python
    assert "now {'state': 'FILLED', 'filledQuantity': '25'" in by_python
    acknowledged, *events = by_socket.splitlines()
    assert acknowledged == "connection_ack"
    assert len(events) == 4
    assert events[0].startswith("{'sequence': 1, 'type': 'OrderPlaced', 'toState': 'ROUTED'")
    # The key was used twice and is one order.
    assert sum("OrderPlaced" in event and "first-curl" in event for event in events) == 1


async def test_hundred_orders_fill_stream_and_agree_with_the_broker(installation: Installation) -> None:
    demo = await installation.demo()
    async with _client(demo) as client, _socket(demo) as socket:
        before = await _positions(client, demo)
        await _subscribe(socket, demo["accountId"], 0)

        answers = await asyncio.gather(*(_place(client, demo, number) for number in range(ORDERS)))
        placed = {answer["order"]["id"] for answer in answers}
        events = await _until_filled(socket, placed)

        assert all(answer["errors"] == [] for answer in answers)
        assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
        states = [one["toState"] for one in events if one["type"] == "OrderPlaced" and one["orderId"] in placed]
        assert Counter(states) == {"ROUTED": ORDERS}
        held = await _positions(client, demo)
        assert held == await _simulator_positions(demo)
        bought = {symbol: Decimal(10 * ORDERS // len(SYMBOLS)) for symbol in SYMBOLS}
        assert held == {symbol: before.get(symbol, Decimal(0)) + bought.get(symbol, 0) for symbol in {*before, *bought}}
    assert "Traceback" not in installation.log()


async def test_no_log_holds_a_secret_after_a_journey(installation: Installation) -> None:
    demo = await installation.demo()
    person = {"email": f"{uuid4().hex}@example.com", "password": "an Unusual passphrase 77"}
    names = {"tenantName": "Logged", "firstName": "Ann", "lastName": "Lee"}
    used = {person["password"], demo["password"], demo["apiKey"]}
    async with httpx.AsyncClient(timeout=20) as http:

        async def ask(query: str, variables: Any = None, bearer: str | None = None) -> Any:
            headers = {} if bearer is None else {"authorization": f"Bearer {bearer}"}
            body = {"query": query, "variables": variables}
            return (await http.post(demo["graphqlUrl"], json=body, headers=headers)).json()

        await ask(REGISTER, {"i": {**person, **names}})
        mails = MailFolder(folder=installation.state_dir / "mail")
        await until(lambda: any(mail.recipient == person["email"] for mail in mails.mails()))
        (letter,) = (mail.text for mail in mails.mails() if mail.recipient == person["email"])
        found = re.search(r"#token=(\S+)", letter)
        assert found is not None
        used.add(found[1])
        finished = await ask(VERIFY, {"i": {"token": found[1], "password": person["password"]}})
        opened = finished["data"]["verifyEmail"]["tokens"]
        tokens = (await ask(LOGIN, {"i": person}))["data"]["login"]["tokens"]
        renewed = await ask(REFRESH, {"i": {"refreshToken": tokens["refreshToken"]}})
        again = await ask(REFRESH, {"i": {"refreshToken": tokens["refreshToken"]}})
        key = (await ask(KEY, {"i": {"name": "k", "scopes": ["VIEW_ORDERS"]}}, opened["accessToken"]))["data"]
        order = {
            "accountId": demo["accountId"],
            "symbol": "AAPL",
            "side": "BUY",
            "orderType": "MARKET",
            "quantity": "1",
            "clientOrderId": uuid4().hex,
        }
        placed = await ask(PLACE, {"i": order}, demo["apiKey"])
        refused = await ask("{ viewer { scopes } }", bearer=opened["accessToken"] + "x")
        wrong = await ask(LOGIN, {"i": {**person, "password": "a Wrong passphrase 78"}})
    async with connect(demo["websocketUrl"], subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        await socket.send(
            f'{{"type": "connection_init", "payload": {{"authorization": "Bearer {opened["accessToken"]}"}}}}'
        )
        await asyncio.wait_for(socket.recv(), 20)
    assert placed["data"]["placeOrder"]["errors"] == []
    assert "errors" in again
    assert "errors" in refused
    assert "errors" in wrong
    used |= {*opened.values(), *tokens.values(), *renewed["data"]["refreshToken"]["tokens"].values()}
    used |= {key["createApiKey"]["secret"], "a Wrong passphrase 78"}
    for name in ("token-secret", "master-key"):
        (path,) = installation.state_dir.rglob(name)
        used |= {path.read_text().strip(), path.read_text().strip().rpartition(":")[2]}
    await until(lambda: "serving on" in installation.log())

    told = "\n".join(line for line in installation.log().splitlines() if not any(one in line for one in SHOWN))

    assert len(told) > 1_000
    assert {secret for secret in used if secret in told} == set()


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
    response = await client.post(demo["graphqlUrl"], json={"query": PLACE_ORDER, "variables": {"input": order}})
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
