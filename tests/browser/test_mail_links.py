"""The pages that links in mails lead to: their token goes to the API alone, in the body of one request."""

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from app.infra.assets import dashboard_routes
from app.web import serving
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser


MUTATIONS = ("resetPassword", "verifyEmail", "acceptInvitation", "requestPasswordReset")
LINKS = ("/verify-email", "/reset-password", "/accept-invitation")


@dataclass
class Api:
    """An API that refuses the password "wrong" and the token "spent", and writes down what it was asked."""

    address: str = ""
    paths: list[str] = field(default_factory=list)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    limit: tuple[int, str] | None = None
    """The status and code of a limit that everybody meets, for three minutes."""

    async def answer(self, request: Request) -> JSONResponse:
        """The answer to a mutation."""
        body = await request.json()
        given = body["variables"]["input"]
        name = next(name for name in MUTATIONS if name in body["query"])
        self.paths.append(str(request.url))
        self.inputs.append(given)
        if self.limit is not None:
            status, code = self.limit
            error = {"message": "As the server says.", "extensions": {"code": code, "retryAfter": 180}}
            return JSONResponse({"data": None, "errors": [error]}, status_code=status)
        errors = []
        if given.get("token") == "spent":
            errors.append(_error("TOKEN_REFUSED", "This link does not hold.", "token"))
        elif "wrong" in given.values():
            errors.append(_error("PASSWORD_WRONG", "Not this one.", "password"))
        elif given.get("password") == "of another":
            errors.append(_error("INVITATION_PASSWORD", "You have an account: give its password.", "password"))
        told = {"email": "somebody@firm.example", "tenantSlug": "firm", "tokens": None}
        return JSONResponse({"data": {name: {**told, "errors": errors}}})


def _error(code: str, message: str, where: str) -> dict[str, Any]:
    return {"__typename": "UserError", "code": code, "message": message, "path": [where]}


@pytest.fixture
async def api(static_dir: Path) -> AsyncIterator[Api]:
    """The pages, and the API behind them."""
    api = Api()
    app = Starlette(routes=[Route("/graphql", api.answer, methods=["POST"]), *dashboard_routes(static_dir, "all")])
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)
        async with serving(app, listener):
            api.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            yield api


async def test_an_address_is_confirmed_with_the_password_of_the_registration(watch: Watch, api: Api) -> None:
    asked: list[str] = []
    watch.page.on("request", lambda request: asked.append(request.url.partition("#")[0]))
    await watch.page.goto(f"{api.address}/verify-email#token=omt_a_b")
    password = watch.page.get_by_label("Password")

    await password.fill("wrong")
    await watch.page.get_by_role("button", name="Confirm").click()
    await expect(watch.page.get_by_role("alert")).to_have_text("Not this one.")
    await password.fill("correct horse battery")
    await watch.page.get_by_role("button", name="Confirm").click()

    await expect(watch.page.get_by_text("Your address is confirmed.")).to_be_visible()
    assert api.inputs == [
        {"token": "omt_a_b", "password": "wrong"},
        {"token": "omt_a_b", "password": "correct horse battery"},
    ]
    assert watch.page.url == f"{api.address}/verify-email"
    assert not [url for url in asked if "omt_a_b" in url]
    assert watch.complaints == []


async def test_an_address_is_confirmed_without_a_password(watch: Watch, api: Api) -> None:
    await watch.page.goto(f"{api.address}/verify-email#token=omt_a_b")

    await watch.page.get_by_role("button", name="Confirm").click()

    await expect(watch.page.get_by_text("Your address is confirmed.")).to_be_visible()
    assert api.inputs == [{"token": "omt_a_b"}]


async def test_a_new_password_is_chosen(watch: Watch, api: Api) -> None:
    await watch.page.goto(f"{api.address}/reset-password#token=omt_a_b")

    await watch.page.get_by_label("New password").fill("purple tram over the lake")
    await watch.page.get_by_role("button", name="Save").click()

    await expect(watch.page.get_by_text("Your password is changed.")).to_be_visible()
    assert api.inputs == [{"token": "omt_a_b", "newPassword": "purple tram over the lake"}]
    await watch.page.get_by_role("link", name="Sign in").click()
    await expect(watch.page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("path", LINKS)
async def test_a_link_that_was_cut_says_so_and_asks_nothing(watch: Watch, api: Api, path: str) -> None:
    await watch.page.goto(f"{api.address}{path}")

    await expect(watch.page.get_by_role("alert")).to_contain_text("This link is not whole: open it again")
    await expect(watch.page.get_by_role("textbox")).to_have_count(0)
    assert api.inputs == []
    assert watch.complaints == []


async def test_a_link_that_holds_no_more_says_so_and_leads_to_another_one(watch: Watch, api: Api) -> None:
    await watch.page.goto(f"{api.address}/reset-password#token=spent")
    await watch.page.get_by_label("New password").fill("purple tram over the lake")
    await watch.page.get_by_role("button", name="Save").click()

    await expect(watch.page.get_by_role("alert")).to_have_text("This link does not hold.")
    await expect(watch.page.get_by_label("New password")).to_have_count(0)
    await watch.page.get_by_role("link", name="Ask for another link").click()
    await watch.page.get_by_label("E-mail").fill("somebody@firm.example")
    await watch.page.get_by_role("button", name="Send the link").click()

    await expect(watch.page.get_by_role("status")).to_contain_text("If somebody@firm.example has an account")
    assert api.inputs[-1] == {"email": "somebody@firm.example"}
    assert watch.complaints == []


async def test_another_link_that_is_opened_in_the_same_tab_begins_anew(watch: Watch, api: Api) -> None:
    await watch.page.goto(f"{api.address}/reset-password#token=spent")
    await watch.page.get_by_label("New password").fill("purple tram over the lake")
    await watch.page.get_by_role("button", name="Save").click()
    await expect(watch.page.get_by_role("alert")).to_have_text("This link does not hold.")

    await watch.page.goto(f"{api.address}/reset-password#token=omt_a_b")
    await watch.page.get_by_label("New password").fill("purple tram over the lake")
    await watch.page.get_by_role("button", name="Save").click()

    await expect(watch.page.get_by_text("Your password is changed.")).to_be_visible()
    assert [given["token"] for given in api.inputs] == ["spent", "omt_a_b"]


async def test_who_is_known_is_asked_for_their_password_and_not_for_a_name(watch: Watch, api: Api) -> None:
    page = watch.page
    await page.goto(f"{api.address}/accept-invitation#token=omi_a_b")
    await page.get_by_label("First name").fill("First")
    await page.get_by_label("Last name").fill("Last")
    await page.get_by_label("New password").fill("of another")
    await page.get_by_role("button", name="Accept").click()

    await expect(page.get_by_role("alert")).to_have_text("You have an account: give its password.")
    await expect(page.get_by_label("First name")).to_have_count(0)
    await expect(page.get_by_label("Your password")).to_be_focused()
    await expect(page.get_by_label("Your password")).to_have_value("")
    await page.get_by_label("Your password").fill("purple tram over the lake")
    await page.get_by_role("button", name="Accept").click()

    await expect(page.get_by_role("status")).to_have_text("You are a member of firm. Sign in as somebody@firm.example.")
    assert api.inputs == [
        {"token": "omi_a_b", "password": "of another", "firstName": "First", "lastName": "Last"},
        {"token": "omi_a_b", "password": "purple tram over the lake"},
    ]
    assert page.url == f"{api.address}/accept-invitation"
    assert watch.complaints == []


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (200, "TOO_MANY_ATTEMPTS", "Too many tries. Try again in 3 minutes."),
        (429, "RATE_LIMITED", "Too many requests. Try again in 3 minutes."),
    ],
)
async def test_a_limit_is_told_in_words_and_keeps_what_was_typed(
    watch: Watch, api: Api, status: int, code: str, words: str
) -> None:
    api.limit = status, code
    await watch.page.goto(f"{api.address}/reset-password#token=omt_a_b")

    await watch.page.get_by_label("New password").fill("purple tram over the lake")
    await watch.page.get_by_role("button", name="Save").click()

    await expect(watch.page.get_by_role("alert")).to_have_text(words)
    await expect(watch.page.get_by_label("New password")).to_have_value("purple tram over the lake")
    await expect(watch.page.get_by_role("button", name="Save")).to_be_enabled()


@pytest.mark.parametrize("path", ["/sign-in", "/forgot-password", *(f"{link}#token=omt_a_b" for link in LINKS), *LINKS])
async def test_every_page_of_the_door_fits_a_telephone(watch: Watch, api: Api, path: str) -> None:
    await watch.page.set_viewport_size({"width": 390, "height": 720})
    await watch.page.goto(f"{api.address}{path}")

    await expect(watch.page.get_by_role("heading")).to_be_visible()

    assert await watch.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert watch.complaints == []
    assert watch.hosts == {urlsplit(api.address).netloc}
