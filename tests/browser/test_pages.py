"""The pages by themselves, before any sign-in: whole, quiet and within their origin."""

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn
from graphql import build_schema, graphql_sync
from playwright._impl._api_structures import SetCookieParam
from playwright.async_api import expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from app.infra.assets import dashboard_routes
from app.infra.web_headers import SecureHeaders
from schema.base.cookies import SessionCookies
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser

START_S_MAX = 10
# The editor is four megabytes of script.
EDITOR_MS_MAX = 20_000
EXAMPLE_TABS = ["Viewer", "Instruments", "PlaceOrder", "Orders", "OrderEvents", "Ticks"]
SCHEMA = build_schema(
    """
    type Query { viewer: Viewer! }
    type Viewer { user: User apiKey: ApiKey membership: Membership tenant: Tenant! scopes: [String!]! }
    type User { email: String! firstName: String! lastName: String! }
    type ApiKey { name: String! }
    type Membership { role: String! }
    type Tenant { id: ID! name: String! slug: String! }
    """
)
VIEWER = {"apiKey": {"name": "key of the test"}, "tenant": {"id": "t", "name": "Firm", "slug": "firm"}, "scopes": []}


async def answer(request: Request) -> JSONResponse:
    body = await request.json()
    assert request.headers["x-oms-session"] == "cookie"
    cookies = SessionCookies("http", {b"cookie": request.headers.get("cookie", "").encode()})
    bearer = request.headers.get("authorization", f"Bearer {cookies.access}")
    if bearer != "Bearer key":
        error = {"message": "Sign in first.", "extensions": {"code": "UNAUTHENTICATED"}}
        return JSONResponse({"data": None, "errors": [error]})
    if "authorization" in request.headers:
        cookies.keep_key("key")
    result = graphql_sync(SCHEMA, body["query"], {"viewer": VIEWER}, variable_values=body.get("variables"))
    response = JSONResponse(result.formatted)
    response.raw_headers += cookies.headers
    return response


async def sign_in(watch: Watch, url: str) -> None:
    """Leaves the cookies of a session with an API key."""
    held: SetCookieParam = {"name": "oms-access", "value": "key", "url": url, "httpOnly": True, "sameSite": "Strict"}
    mark: SetCookieParam = {"name": "oms-session", "value": "key", "url": url, "sameSite": "Strict"}
    await watch.page.context.add_cookies([held, mark])


@pytest.fixture(scope="module")
def url(static_dir: Path) -> Iterator[str]:
    routes = [Route("/graphql", answer, methods=["POST"]), *dashboard_routes(static_dir, "all")]
    config = uvicorn.Config(
        SecureHeaders(Starlette(routes=routes)), host="127.0.0.1", port=0, log_level="warning", ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_S_MAX
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(START_S_MAX)


async def test_whoever_is_not_signed_in_is_asked_to(watch: Watch, url: str) -> None:
    await watch.page.goto(url)

    await expect(watch.page.get_by_role("heading", name="Sign in")).to_be_visible()
    await expect(watch.page.get_by_label("Password")).to_be_visible()
    assert urlsplit(watch.page.url).path == "/sign-in"
    assert watch.complaints == []
    assert watch.hosts == {urlsplit(url).netloc}


async def test_whoever_is_not_signed_in_is_asked_to_on_a_page_that_is_none_too(watch: Watch, url: str) -> None:
    response = await watch.page.goto(f"{url}/nothing-here")

    assert response is not None
    assert response.status == 404
    await expect(watch.page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert urlsplit(watch.page.url).path == "/sign-in"


async def test_a_key_that_is_refused_is_told_in_words_and_kept_nowhere(watch: Watch, url: str) -> None:
    await watch.page.goto(url)
    await watch.page.get_by_role("button", name="Use an API key").click()

    await watch.page.get_by_label("API key").fill("wrong")
    await watch.page.get_by_role("button", name="Sign in").click()

    await expect(watch.page.get_by_role("alert")).to_have_text("This API key is not valid.")
    assert await watch.page.evaluate("sessionStorage.length + localStorage.length + document.cookie.length") == 0
    assert watch.complaints == []


async def test_graphiql_asks_for_a_sign_in_and_comes_back(watch: Watch, url: str) -> None:
    await watch.page.goto(f"{url}/graphiql")
    await watch.page.get_by_role("button", name="Use an API key").click()

    await watch.page.get_by_label("API key").fill("key")
    await watch.page.get_by_role("button", name="Sign in").click()

    editor = watch.page.locator(".graphiql-query-editor .monaco-editor .view-line").first
    await expect(editor).to_be_visible(timeout=EDITOR_MS_MAX)
    assert urlsplit(watch.page.url).path == "/graphiql"
    assert await watch.page.evaluate("document.cookie") == "oms-session=key"


async def test_graphiql_is_whole_offline_and_sends_the_session(watch: Watch, url: str) -> None:
    await sign_in(watch, url)
    await watch.page.goto(f"{url}/graphiql")
    editor = watch.page.locator(".graphiql-query-editor .monaco-editor").first
    await expect(editor.locator(".view-line").first).to_be_visible(timeout=EDITOR_MS_MAX)

    tabs = watch.page.locator(".graphiql-tab")
    assert [(await tab.inner_text()).strip() for tab in await tabs.all()] == EXAMPLE_TABS
    await watch.page.locator(".graphiql-tab-add").click()
    await editor.click()
    await watch.page.keyboard.press("Control+A")
    await watch.page.keyboard.insert_text("{ viewer { tenant { name } } }")
    await watch.page.keyboard.press("Control+Enter")

    await expect(watch.page.locator(".graphiql-response")).to_contain_text("Firm")
    # Colours come from the tokenizer, completion and validation from workers: all bundled.
    await expect(editor.locator(".mtk1, .mtk5, .mtk6").first).to_be_visible(timeout=EDITOR_MS_MAX)
    assert len(watch.page.workers) >= 1
    assert watch.complaints == []
    assert watch.hosts == {urlsplit(url).netloc}


async def test_the_theme_follows_the_system_until_a_person_chooses(watch: Watch, url: str) -> None:
    await sign_in(watch, url)
    await watch.page.goto(f"{url}/graphiql")
    root = watch.page.locator("html")
    system = "dark" if await watch.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
    other = "light" if system == "dark" else "dark"
    await expect(root).to_have_attribute("data-theme", system)

    await watch.page.get_by_role("button", name=f"Use the {other} theme").click()

    await expect(root).to_have_attribute("data-theme", other)
    await watch.page.reload()
    await expect(root).to_have_attribute("data-theme", other)
    await expect(watch.page.locator("body")).to_have_class(re.compile(f"graphiql-{other}"))
