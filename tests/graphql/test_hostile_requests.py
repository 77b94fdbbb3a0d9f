"""Requests that mean harm: their heads, their bodies, their variables, and what of them reaches a log."""

import asyncio
import gzip
import json
import logging
from typing import Any

import httpx
import orjson
import pytest

from app.flows.identity.register import Registration
from app.flows.tenants.open_tenant import open_tenant
from app.identity.domain import Client
from app.infra.http_protocol import HEAD_BYTES_MAX
from tests.benchmarks.hostile_documents import deep
from tests.graphql.conftest import PLACE, Api, Firm

ASKED = "query($v: JSON) { __typename }"


async def exchange(api: Api, *parts: bytes) -> bytes:
    """What the server says to raw bytes, until it ends the connection."""
    host, port = api.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), 15)
    finally:
        writer.close()


async def ask(api: Api, body: bytes, name: bytes, value: str) -> httpx.Response:
    """The response to a body with a header of any bytes."""
    headers = [(b"content-type", b"application/json"), (name, value.encode("latin-1"))]
    if api.bearer is not None:
        headers.append((b"authorization", f"Bearer {api.bearer}".encode()))
    return await api.http.post(f"http://{api.address}/graphql", content=body, headers=headers)


@pytest.mark.parametrize(
    ("variables", "path"),
    [
        ({"v": deep(33)}, ["variables", "v"]),
        ({"v": deep(900)}, ["variables", "v"]),
        ({"v": [0] * 10_001}, ["variables", "v"]),
        ({"v": [[0] * 9_999] * 11}, ["variables", "v"]),
        ({"v": "x" * (512 * 1024 + 1)}, ["variables", "v"]),
        ({"v": {"k" * 257: 1}}, ["variables", "v"]),
        ({"v": 2**63}, ["variables", "v"]),
        ({"v": [1e19]}, ["variables", "v"]),
        ({f"v{n}": [0] * 9_000 for n in range(12)}, ["variables", "v11"]),
        ({"n" * 300: "x"}, ["variables", "n" * 256]),
    ],
)
async def test_variables_that_are_too_large_are_refused_before_they_are_looked_at(
    firm: Firm, variables: dict[str, Any], path: list[str]
) -> None:
    response = await firm.api.post(json.dumps({"query": ASKED, "variables": variables}).encode())

    extensions = response.json()["errors"][0]["extensions"]
    assert (response.status_code, extensions["code"], extensions["path"]) == (400, "VARIABLES_TOO_LARGE", path)


async def test_a_number_that_no_number_holds_is_no_json(firm: Firm) -> None:
    for number in (b"1e400", b"NaN", b"Infinity", b"0x10", b"01", b"9" * 5_000):
        body = b'{"query": "query($v: JSON) { __typename }", "variables": {"v": ' + number + b"}}"
        response = await firm.api.post(body)

        assert response.status_code == 400, number


async def test_variables_within_the_limits_are_taken(firm: Firm) -> None:
    document = "query($s: [String!]!) { quotes(symbols: $s) { last } }"

    assert await firm.api.answer(
        document, s=["AAPL"] * 9, w=deep(31), x="x" * 500_000, y=2**63 - 1, z=[1.5] * 9_000
    ) == {"data": {"quotes": []}}


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity, gzip", "x"])
async def test_a_compressed_body_is_refused(firm: Firm, encoding: str) -> None:
    bomb = gzip.compress(b" " * 10_000_000 + b'{"query": "{ __typename }"}')

    response = await firm.api.post(bomb, content_encoding=encoding)

    assert response.status_code == 415
    assert response.json()["errors"][0]["extensions"]["code"] == "CONTENT_ENCODING_UNSUPPORTED"


@pytest.mark.parametrize(
    "body",
    [
        b'{"query": "{ __typename }\xff"}',
        b'{"query": "\xed\xa0\x80"}',
        b'{"query": "\\ud800"}',
        b"\xef\xbb\xbf" + b'{"query": "{ __typename }"}',
        '{"query": "{ __typename }"}'.encode("utf-16"),
        b'{"query": "{ __typename }"} {"query": "{ __typename }"}',
        b'[{"query": "{ __typename }"}]',
        b'[{"query": "{ __typename }"}, {"query": "{ __typename }"}]',
        b'"{ __typename }"',
        b"null",
        b"",
        b'--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{"query": "{ __typename }"}\r\n--x--',
    ],
    ids=[
        "utf-8",
        "surrogate",
        "escaped surrogate",
        "bom",
        "utf-16",
        "two",
        "list",
        "batch",
        "text",
        "null",
        "empty",
        "form",
    ],
)
async def test_what_is_no_json_object_in_utf_8_is_refused(firm: Firm, body: bytes) -> None:
    response = await firm.api.post(body)

    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_of_a_key_that_comes_twice_the_last_counts_for_the_document_and_the_values_alike(firm: Firm) -> None:
    order = orjson.dumps(firm.order()).decode()[:-1]
    document = orjson.dumps(PLACE).decode()
    values = f'{{"input": {order}, "quantity": "3"}}}}'
    body = f'{{"query": "{{ viewer {{ scopes }} }}", "query": {document}, "variables": {values}}}'

    payload = (await firm.api.post(body.encode())).json()["data"]["placeOrder"]

    assert payload["errors"] == []
    stored = await firm.api.data(f'{{ order(id: "{payload["order"]["id"]}") {{ quantity }} }}')
    assert stored["order"]["quantity"] == "3"


async def test_headers_that_may_come_once_may_not_come_twice(firm: Firm) -> None:
    body = b'{"query": "{ __typename }"}'
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    for twice in (
        b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n",
        b"Content-Type: text/plain\r\n",
        b"Origin: http://x\r\nOrigin: http://y\r\n",
        b"X-Oms-Session: cookie\r\nX-Oms-Session: cookie\r\n",
        b"Host: y\r\n",
    ):
        answer = await exchange(firm.api, head + twice + b"Content-Length: %d\r\n\r\n" % len(body) + body)

        assert answer.startswith(b"HTTP/1.1 400 "), twice


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}{}{}",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 1e3\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"X-Header: a\x00b\r\n\r\n",
        b"X Header: a\r\n\r\n",
    ],
)
async def test_a_request_that_two_servers_could_read_two_ways_is_refused(anonymous: Api, lines: bytes) -> None:
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"

    answer = await exchange(anonymous, head + lines)

    assert answer.startswith(b"HTTP/1.1 4")
    assert answer.count(b"HTTP/1.1 ") == 1


async def test_what_follows_a_body_in_pieces_is_no_header(anonymous: Api) -> None:
    # Real world: a proxy puts its own X-Forwarded-For before a body, and hands on what its client wrote behind it.
    body = b'{"query": "{ __typename }"}'
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    pieces = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n" % (len(body), body)
    trailers = b"X-Request-Id: from-behind\r\nOrigin: https://evil.example\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n"

    answer = await exchange(anonymous, head + pieces + trailers)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"from-behind" not in answer


async def test_a_head_that_is_too_long_is_refused(anonymous: Api) -> None:
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\n"

    long = await exchange(anonymous, head, b"X-Long: " + b"a" * HEAD_BYTES_MAX, b"a" * 4_096)
    many = await exchange(anonymous, head, b"".join(b"X-%d: a\r\n" % number for number in range(120)), b"\r\n")

    assert long.startswith(b"HTTP/1.1 431 ")
    assert many.startswith(b"HTTP/1.1 400 ")


async def test_a_head_that_does_not_come_to_its_end_is_given_up(
    anonymous: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.infra.http_protocol.HEAD_TIMEOUT_S", 0.2)

    assert await exchange(anonymous, b"") == b""
    assert await exchange(anonymous, b"POST /graphql HTTP/1.1\r\nHost: x\r\nX-Slow: ") == b""


async def test_a_slow_client_that_keeps_its_connection_may_ask_again(
    anonymous: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.infra.http_protocol.HEAD_TIMEOUT_S", 0.2)
    host, port = anonymous.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = b'{"query": "{ __typename }"}'
    request = (
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    ) + body
    for _ in range(2):
        writer.write(request)
        answer = await asyncio.wait_for(reader.readuntil(b"}}"), 10)
        assert b'{"data":{"__typename":"Query"}}' in answer
        # Longer than a head may take: between requests another time counts.
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.5)
    writer.close()


@pytest.mark.parametrize("request_id", ["a\tb", "a b", "x" * 65, "a;b", "\u00e9", "$(id)", "a%0d%0ab", ""])
async def test_a_request_id_that_could_forge_a_line_is_replaced(anonymous: Api, request_id: str) -> None:
    response = await ask(anonymous, b'{"query": "{ __typename }"}', b"x-request-id", request_id)

    assert len(response.headers["x-request-id"]) == 36


async def test_what_a_client_calls_itself_and_its_operation_reaches_no_log_as_it_is(
    firm: Firm, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr("schema.orders.queries.list_orders", fail)
    caplog.set_level(logging.DEBUG)

    body = orjson.dumps({"query": "query Evil { orders { totalCount } }", "operationName": "Evil"})
    response = await ask(firm.api, body, b"user-agent", "red\x9b2J\x85ERROR forged")

    assert response.json()["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert "unforeseen" in caplog.text
    assert "\x9b" not in caplog.text
    assert "\x85" not in caplog.text


async def test_an_agent_with_control_characters_is_stored_without_them(firm: Firm) -> None:
    email, password = f"{firm.desk.ids.new().hex}@example.com", "correct horse battery"
    typed = Registration(tenant_name="Agents", email=email, password=password, first_name="Ann", last_name="Lee")
    await open_tenant(firm.desk.door, typed, Client())
    login = "mutation($i: LoginInput!) { login(input: $i) { tokens { accessToken } } }"
    body = orjson.dumps({"query": login, "variables": {"i": {"email": email, "password": password}}})

    response = await ask(firm.api.holding(None), body, b"user-agent", "a\x9b31m\tb")
    token = response.json()["data"]["login"]["tokens"]["accessToken"]
    sessions = (await firm.api.holding(token).data("{ sessions { userAgent } }"))["sessions"]

    assert "\x9b" not in sessions[0]["userAgent"]
    assert "31m" in sessions[0]["userAgent"]


async def test_a_long_operation_name_is_refused(firm: Firm) -> None:
    body = orjson.dumps({"query": "query A { __typename }", "operationName": "A" * 129})

    extensions = (await firm.api.post(body)).json()["errors"][0]["extensions"]

    assert (extensions["code"], extensions["path"]) == ("BAD_USER_INPUT", ["operationName"])


async def test_a_failure_before_graphql_begins_is_masked_too(
    firm: Firm, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("the key of the vault is 42")

    monkeypatch.setattr(firm.desk.door.authenticator, "authenticate", fail)

    response = await firm.api.post(b'{"query": "{ __typename }"}', x_request_id="request-7")

    assert response.status_code == 500
    assert response.json()["errors"][0]["extensions"] == {"code": "INTERNAL", "requestId": "request-7"}
    assert "42" not in response.text
    assert "request-7" in caplog.text


async def test_answers_of_the_api_are_nobodys_page(anonymous: Api) -> None:
    response = await anonymous.post(b'{"query": "{ __typename }"}')

    assert response.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cross-origin-resource-policy"] == "same-origin"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert "server" not in response.headers
