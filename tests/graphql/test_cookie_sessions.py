"""Sessions in cookies: what a page of ours gets, and what another's page cannot do with them."""

from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from app.flows.identity.register import Registration
from app.flows.tenants.open_tenant import open_tenant
from app.identity.domain import Client, Scope
from app.infra.settings import Settings
from schema.base.cookies import SessionCookies
from tests.graphql.conftest import Api, Firm, serve

PROTOCOL = [Subprotocol("graphql-transport-ws")]
VIEWER = "{ viewer { user { email } apiKey { name } } }"
LOGIN = "mutation($i: LoginInput!) { login(input: $i) { tokens { accessToken refreshToken expiresAt } } }"
REFRESH = 'mutation { refreshToken(input: {refreshToken: ""}) { tokens { accessToken refreshToken } } }'
LOGOUT = "mutation { logout { errors { code } } }"
ASKED = {"x-oms-session": "cookie"}


@dataclass(slots=True, kw_only=True)
class Page:
    """A page in a browser: it keeps the cookies that it is given, and says where it comes from."""

    http: httpx.AsyncClient
    address: str
    cookies: dict[str, str]
    asked: dict[str, str]
    origin: str | None = None

    async def post(self, document: str, variables: Any = None, **headers: str) -> httpx.Response:
        """The response to a document, with the cookies and the origin that a browser adds."""
        sent = {"content-type": "application/json", "origin": self.origin or f"http://{self.address}", **self.asked}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = orjson.dumps({"query": document, "variables": variables})
        response = await self.http.post(f"http://{self.address}/graphql", content=body, headers=sent)
        for line in response.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return response

    async def data(self, document: str, variables: Any = None, **headers: str) -> Any:
        """The data of a document that meets no error."""
        answer = (await self.post(document, variables, **headers)).json()
        assert "errors" not in answer, answer
        return answer["data"]

    async def code(self, document: str, variables: Any = None, **headers: str) -> str:
        """The code of the one error that a document meets."""
        (error,) = (await self.post(document, variables, **headers)).json()["errors"]
        return str(error["extensions"]["code"])


@pytest.fixture
async def person(firm: Firm) -> dict[str, str]:
    """Somebody who has a firm, and their password."""
    person = {"email": f"{firm.desk.ids.new().hex}@example.com", "password": "correct horse battery staple"}
    typed = Registration(tenant_name="New Capital", first_name="Ann", last_name="Lee", **person)
    await open_tenant(firm.desk.door, typed, Client())
    return person


@pytest.fixture
async def page(anonymous: Api, person: dict[str, str]) -> Page:
    """A page of ours on which the person has signed in."""
    page = Page(http=anonymous.http, address=anonymous.address, cookies={}, asked=ASKED)
    tokens = (await page.data(LOGIN, {"i": person}))["login"]["tokens"]
    assert (tokens["accessToken"], tokens["refreshToken"]) == ("", "")
    return page


async def test_a_page_gets_its_tokens_in_cookies_that_scripts_cannot_read(
    anonymous: Api, person: dict[str, str]
) -> None:
    page = Page(http=anonymous.http, address=anonymous.address, cookies={}, asked=ASKED)

    response = await page.post(LOGIN, {"i": person})

    lines = response.headers.get_list("set-cookie")
    assert [line.partition("=")[0] for line in lines] == ["oms-access", "oms-refresh", "oms-session"]
    assert all("; Path=/; SameSite=Strict" in line and "Domain" not in line for line in lines)
    assert ["HttpOnly" in line for line in lines] == [True, True, False]
    assert page.cookies["oms-access"] not in response.text
    assert page.cookies["oms-refresh"] not in response.text
    assert page.cookies["oms-session"].isdecimal()
    assert (await page.data(VIEWER))["viewer"]["user"]["email"] == person["email"]


async def test_whoever_does_not_ask_for_cookies_gets_tokens_and_no_cookie(
    anonymous: Api, person: dict[str, str]
) -> None:
    response = await anonymous.post(orjson.dumps({"query": LOGIN, "variables": {"i": person}}))

    assert response.json()["data"]["login"]["tokens"]["accessToken"].count(".") == 2
    assert "set-cookie" not in response.headers


async def test_a_session_is_renewed_by_its_cookie_once(page: Page) -> None:
    before = dict(page.cookies)

    tokens = (await page.data(REFRESH))["refreshToken"]["tokens"]

    assert tokens == {"accessToken": "", "refreshToken": ""}
    assert page.cookies["oms-refresh"] != before["oms-refresh"]
    assert (await page.data(VIEWER))["viewer"]["user"] is not None
    await page.data(REFRESH)
    thief = Page(http=page.http, address=page.address, cookies=before, asked=ASKED)
    assert await thief.code(REFRESH) == "UNAUTHENTICATED"
    assert thief.cookies == {}
    assert await page.code(VIEWER) == "UNAUTHENTICATED"


async def test_a_page_whose_reload_cut_the_answer_off_is_renewed_by_the_cookie_that_it_still_has(page: Page) -> None:
    reloaded = Page(http=page.http, address=page.address, cookies=dict(page.cookies), asked=ASKED)
    await page.data(REFRESH)

    await reloaded.data(REFRESH)

    assert (await reloaded.data(VIEWER))["viewer"]["user"] is not None
    await reloaded.data(REFRESH)


async def test_a_token_in_the_input_is_taken_once_whatever_the_cookies_say(page: Page) -> None:
    spent = page.cookies["oms-refresh"]
    await page.data(REFRESH)

    code = await page.code(REFRESH.replace('""', f'"{spent}"'))

    assert code == "UNAUTHENTICATED"
    assert await page.code(VIEWER) == "UNAUTHENTICATED"


async def test_signing_out_ends_the_session_and_takes_the_cookies_back(page: Page) -> None:
    held = dict(page.cookies)

    assert (await page.data(LOGOUT))["logout"]["errors"] == []

    assert page.cookies == {}
    assert await Page(http=page.http, address=page.address, cookies=held, asked=ASKED).code(VIEWER) == "UNAUTHENTICATED"


async def test_a_credential_in_the_header_goes_before_the_cookies(page: Page, firm: Firm) -> None:
    program = await firm.program(Scope.VIEW_ORDERS)

    viewer = (await page.data(VIEWER, authorization=f"Bearer {program.bearer}"))["viewer"]
    refused = await page.code(VIEWER, authorization="Bearer nonsense")

    assert viewer == {"user": None, "apiKey": {"name": "program"}}
    assert refused == "UNAUTHENTICATED"


async def test_an_api_key_may_be_kept_in_a_cookie_and_is_forgotten_on_the_way_out(anonymous: Api, firm: Firm) -> None:
    program = await firm.program(Scope.VIEW_ORDERS)
    page = Page(http=anonymous.http, address=anonymous.address, cookies={}, asked=ASKED)

    await page.data(VIEWER, authorization=f"Bearer {program.bearer}")

    assert page.cookies == {"oms-access": program.bearer, "oms-session": "key"}
    assert (await page.data(VIEWER))["viewer"]["apiKey"] == {"name": "program"}
    assert (await page.data(LOGOUT))["logout"]["errors"] == [{"code": "NOT_A_SESSION"}]
    assert page.cookies == {}


async def test_a_key_that_does_not_hold_is_not_kept(anonymous: Api) -> None:
    page = Page(http=anonymous.http, address=anonymous.address, cookies={}, asked=ASKED)

    assert await page.code(VIEWER, authorization="Bearer nonsense") == "UNAUTHENTICATED"

    assert page.cookies == {}


async def test_cookies_count_for_nothing_without_the_header_that_only_our_pages_can_send(page: Page) -> None:
    for asked in ({}, {"x-oms-session": "yes"}, {"x-oms-session": "Cookie"}):
        page.asked = asked

        assert await page.code(VIEWER) == "UNAUTHENTICATED"
        assert await page.code(LOGOUT) == "UNAUTHENTICATED"
    page.asked = ASKED
    assert (await page.data(VIEWER))["viewer"]["user"] is not None


@pytest.mark.parametrize(
    "origin",
    [
        "https://elsewhere.example",
        "null",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://localhost:{port}",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1:{port}.evil.example",
        "http://127.0.0.1:{port}@evil.example",
    ],
)
async def test_a_page_of_another_origin_is_refused_whatever_it_brings(page: Page, origin: str) -> None:
    page.origin = origin.replace("{port}", page.address.partition(":")[2])

    for headers in ({}, {"authorization": "Bearer nonsense"}):
        response = await page.post(LOGOUT, **headers)

        assert response.status_code == 403
        assert response.json()["errors"][0]["extensions"]["code"] == "ORIGIN_REFUSED"
        assert "access-control-allow-origin" not in response.headers
    page.origin = None
    assert (await page.data(VIEWER))["viewer"]["user"] is not None


async def test_what_a_browser_calls_cross_site_is_refused_without_an_origin_too(anonymous: Api) -> None:
    body = orjson.dumps({"query": "{ __typename }"})

    for site in ("cross-site", "same-site", "none"):
        assert (await anonymous.post(body, sec_fetch_site=site)).status_code == 403
    assert (await anonymous.post(body, sec_fetch_site="same-origin")).status_code == 200


async def test_a_request_that_says_nothing_of_where_it_comes_from_has_no_use_for_cookies(page: Page) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in page.cookies.items())
    headers = {"content-type": "application/json", "cookie": cookie, **ASKED}

    response = await page.http.post(f"http://{page.address}/graphql", json={"query": VIEWER}, headers=headers)

    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_preflight_is_not_answered_with_leave(anonymous: Api) -> None:
    headers = {
        "origin": "https://elsewhere.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type, x-oms-session",
    }

    response = await anonymous.http.options(f"http://{anonymous.address}/graphql", headers=headers)

    assert response.status_code == 405
    assert not any(name.startswith("access-control") for name in response.headers)


async def test_a_form_cannot_ask(page: Page) -> None:
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        response = await page.post(LOGOUT, content_type=media_type)

        assert response.status_code == 415
    assert (await page.data(VIEWER))["viewer"]["user"] is not None


async def test_a_socket_is_admitted_by_the_cookies_of_its_upgrade(page: Page) -> None:
    headers = {"cookie": f"oms-access={page.cookies['oms-access']}"}
    origin = Origin(f"http://{page.address}")
    url = f"ws://{page.address}/graphql"
    async with connect(url, subprotocols=PROTOCOL, origin=origin, additional_headers=headers) as raw:
        await raw.send('{"type": "connection_init"}')
        assert orjson.loads(await raw.recv()) == {"type": "connection_ack"}


async def test_a_socket_of_another_origin_is_refused_before_it_opens(page: Page) -> None:
    headers = {"cookie": f"oms-access={page.cookies['oms-access']}"}
    url = f"ws://{page.address}/graphql"
    for origin in ("https://elsewhere.example", "null", f"https://{page.address}"):
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, subprotocols=PROTOCOL, origin=Origin(origin), additional_headers=headers)
        assert refused.value.response.status_code == 403


async def test_a_socket_without_an_origin_has_no_use_for_cookies(page: Page) -> None:
    headers = {"cookie": f"oms-access={page.cookies['oms-access']}"}
    async with connect(f"ws://{page.address}/graphql", subprotocols=PROTOCOL, additional_headers=headers) as raw:
        await raw.send('{"type": "connection_init"}')
        with pytest.raises(ConnectionClosed):
            await raw.recv()
        assert raw.close_code == 4403


async def test_a_credential_in_the_first_message_goes_before_the_cookies(page: Page) -> None:
    headers = {"cookie": f"oms-access={page.cookies['oms-access']}"}
    origin = Origin(f"http://{page.address}")
    url = f"ws://{page.address}/graphql"
    async with connect(url, subprotocols=PROTOCOL, origin=origin, additional_headers=headers) as raw:
        await raw.send('{"type": "connection_init", "payload": {"authorization": "Bearer nonsense"}}')
        with pytest.raises(ConnectionClosed):
            await raw.recv()
        assert raw.close_code == 4403


async def test_behind_a_proxy_with_tls_cookies_are_bound_to_the_host_and_to_tls(
    firm: Firm, settings: Settings, person: dict[str, str]
) -> None:
    behind = settings.model_copy(update={"trusted_proxies": "127.0.0.1", "public_origins": "https://oms.example.com"})
    async with serve(firm.desk, behind) as address:
        page = Page(
            http=firm.api.http,
            address=address,
            cookies={},
            asked=ASKED | {"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.7"},
            origin="https://oms.example.com",
        )
        response = await page.post(LOGIN, {"i": person})
        sessions = (await page.data("{ sessions { ipAddress current } }"))["sessions"]
        page.asked = ASKED
        over_http = await page.code(VIEWER)

    lines = response.headers.get_list("set-cookie")
    assert set(page.cookies) == {"__Host-oms-access", "__Host-oms-refresh", "__Host-oms-session"}
    assert all("; Secure" in line and "; Path=/" in line for line in lines)
    assert response.headers["strict-transport-security"] == "max-age=31536000"
    assert [one["ipAddress"] for one in sessions if one["current"]] == ["203.0.113.7"]
    assert over_http == "UNAUTHENTICATED"


async def test_an_address_that_a_client_makes_up_is_not_believed(firm: Firm, person: dict[str, str]) -> None:
    forged = {"x_forwarded_for": "198.51.100.1", "forwarded": "for=198.51.100.1", "x_real_ip": "198.51.100.1"}
    body = orjson.dumps({"query": LOGIN, "variables": {"i": person}})
    response = await firm.api.holding(None).post(body, **forged)
    token = response.json()["data"]["login"]["tokens"]["accessToken"]

    sessions = (await firm.api.holding(token).data("{ sessions { ipAddress current } }"))["sessions"]

    assert [one["ipAddress"] for one in sessions if one["current"]] == ["127.0.0.1"]


def test_a_cookie_that_comes_twice_counts_for_nothing() -> None:
    given = b"oms-access=mine; oms-access=planted; oms-refresh=r; __Host-oms-access=other"

    plain, secure = SessionCookies("http", {b"cookie": given}), SessionCookies("https", {b"cookie": given})

    assert (plain.access, plain.refresh) == (None, "r")
    assert (secure.access, secure.refresh) == ("other", None)


@pytest.mark.parametrize("value", ["a\r\nset-cookie: x=1", 'a"b', "a,b", "a\\b", "", "a" * 2_049, "a b", "\u00e9"])
def test_a_cookie_that_cannot_be_a_credential_is_none(value: str) -> None:
    assert SessionCookies("http", {b"cookie": f"oms-access={value}".encode()}).access is None
