"""Who may ask: credentials, scopes, and what a request looks like."""

import asyncio
from datetime import timedelta

import orjson
import pytest

from app.identity.domain import Role, Scope
from tests.graphql.conftest import PLACE, Api, Firm, token_of

VIEWER = "{ viewer { tenant { id } user { email } scopes } }"


async def test_a_credential_that_holds_is_admitted(firm: Firm) -> None:
    data = await firm.api.data(VIEWER)

    assert data["viewer"]["tenant"]["id"] == str(firm.key.tenant_id)
    assert "PLACE_ORDERS" in data["viewer"]["scopes"]


async def test_an_api_key_is_admitted(firm: Firm) -> None:
    program = await firm.program(Scope.VIEW_ORDERS)

    data = await program.data("{ viewer { user { id } apiKey { name } scopes } }")

    assert data == {"viewer": {"user": None, "apiKey": {"name": "program"}, "scopes": ["VIEW_ORDERS"]}}


async def test_without_a_credential_nothing_is_told(anonymous: Api) -> None:
    assert await anonymous.refusal(VIEWER) == ("UNAUTHENTICATED", [])


async def test_credentials_that_do_not_hold_are_refused_alike(anonymous: Api, firm: Firm) -> None:
    expired = token_of(firm.desk, firm.principal, life=timedelta(seconds=-1))
    assert firm.api.bearer is not None
    for bearer in ("nonsense", expired, firm.api.bearer[:-2], f"oms_{'a' * 26}_{'a' * 10}_{'a' * 52}", "x" * 5000):
        error = await anonymous.holding(bearer).error(VIEWER)

        assert error["extensions"]["code"] == "UNAUTHENTICATED"
        assert error["message"] == "The credential does not hold."


async def test_another_scheme_is_refused(anonymous: Api) -> None:
    response = await anonymous.post(orjson.dumps({"query": VIEWER}), authorization="Basic YTpi")

    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_stale_credential_does_not_bar_the_way_in(anonymous: Api) -> None:
    login = "mutation($i: LoginInput!) { login(input: $i) { tokens { tokenType } } }"

    error = await anonymous.holding("stale").error(login, i={"email": "nobody@example.com", "password": "wrong"})

    assert error["message"] == "The e-mail address or the password is wrong."


async def test_who_only_looks_on_may_not_trade(firm: Firm) -> None:
    viewer = await firm.member(Role.VIEWER)

    refused = await viewer.error(PLACE, input=firm.order())

    assert refused["extensions"] == {"code": "FORBIDDEN", "scope": "PLACE_ORDERS"}
    assert refused["path"] == ["placeOrder"]
    assert (await firm.api.data("{ orders { totalCount } }"))["orders"]["totalCount"] == 0


async def test_figures_of_an_account_need_their_own_scope(firm: Firm) -> None:
    program = await firm.program(Scope.VIEW_ORDERS)

    answer = await program.answer("{ brokerAccounts { id cash } }")

    assert answer["errors"][0]["extensions"]["scope"] == "VIEW_POSITIONS"
    assert (await firm.api.data("{ brokerAccounts { cash } }"))["brokerAccounts"] == [{"cash": "1000"}]


async def test_a_request_keeps_its_id(anonymous: Api) -> None:
    kept = await anonymous.post(orjson.dumps({"query": "{ __typename }"}), x_request_id="abc-1")
    replaced = await anonymous.post(orjson.dumps({"query": "{ __typename }"}), x_request_id="a b\tc")

    assert kept.headers["x-request-id"] == "abc-1"
    assert kept.headers["cache-control"] == "no-store"
    assert len(replaced.headers["x-request-id"]) == 36


async def test_what_is_no_request_is_refused_with_a_code(anonymous: Api) -> None:
    for body, code, path in (
        (b"{", "BAD_USER_INPUT", None),
        (b"[]", "BAD_USER_INPUT", None),
        (b"{}", "BAD_USER_INPUT", ["query"]),
        (b'{"query": 1}', "BAD_USER_INPUT", ["query"]),
        (b'{"query": "{ __typename }", "variables": []}', "BAD_USER_INPUT", ["variables"]),
        (b'{"query": "{ __typename }", "operationName": 3}', "BAD_USER_INPUT", ["operationName"]),
        (b'{"query": "{ __typename }", "variables": ' + b"[" * 100_000, "BAD_USER_INPUT", None),
    ):
        response = await anonymous.post(body)

        extensions = response.json()["errors"][0]["extensions"]
        assert (response.status_code, extensions["code"], extensions.get("path")) == (400, code, path)


async def test_json_alone_is_taken(anonymous: Api) -> None:
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        response = await anonymous.post(b'{"query": "{ __typename }"}', content_type=media_type)

        assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (
            415,
            "MEDIA_TYPE_UNSUPPORTED",
        )


async def test_queries_do_not_travel_by_get(anonymous: Api) -> None:
    response = await anonymous.http.get(f"http://{anonymous.address}/graphql?query={{__typename}}")

    assert (response.status_code, response.headers["allow"]) == (405, "POST")


async def test_a_large_body_is_refused(anonymous: Api) -> None:
    response = await anonymous.post(b" " * (1024 * 1024 + 1))

    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (413, "BODY_TOO_LARGE")


async def test_a_body_that_does_not_arrive_is_given_up(anonymous: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schema.base.http.BODY_TIMEOUT_S", 0.05)
    host, port = anonymous.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")

    answer = await asyncio.wait_for(reader.read(), 10)

    assert answer.startswith(b"HTTP/1.1 408 ")
    writer.close()
    await writer.wait_closed()


async def test_health_is_told(anonymous: Api) -> None:
    live = await anonymous.http.get(f"http://{anonymous.address}/health/live")
    ready = await anonymous.http.get(f"http://{anonymous.address}/health/ready")

    assert (live.status_code, live.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "postgresql": "ok", "redis": "ok"})
