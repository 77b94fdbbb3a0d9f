"""After a journey through the whole system, with every process as talkative as it can be, no log holds a secret."""

import asyncio
import re
from typing import Any
from uuid import uuid4

import httpx
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from app.infra.mail import MailFolder
from tests.installation import installed, until

REGISTER = "mutation($i: RegisterInput!) { register(input: $i) { errors { code } } }"
VERIFY = "mutation($i: VerifyEmailInput!) { verifyEmail(input: $i) { tokens { accessToken refreshToken } } }"
LOGIN = "mutation($i: LoginInput!) { login(input: $i) { tokens { accessToken refreshToken } } }"
REFRESH = "mutation($i: RefreshTokenInput!) { refreshToken(input: $i) { tokens { accessToken refreshToken } } }"
KEY = "mutation($i: CreateApiKeyInput!) { createApiKey(input: $i) { secret errors { code } } }"
PLACE = "mutation($i: PlaceOrderInput!) { placeOrder(input: $i) { order { id } errors { code } } }"
# What `oms up` shows to whoever started it.
SHOWN = ("Log in", "API key")


async def test_no_log_holds_a_secret_after_a_journey() -> None:
    async with installed({"OMS_LOG_LEVEL": "debug"}) as installation:
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
