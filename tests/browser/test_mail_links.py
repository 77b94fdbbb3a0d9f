"""The pages that links in mails lead to: their token goes to the API alone, in the body of one request."""

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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


@dataclass
class Api:
    """An API that refuses the password "wrong", and writes down what it was asked."""

    address: str = ""
    paths: list[str] = field(default_factory=list)
    inputs: list[dict[str, Any]] = field(default_factory=list)

    async def answer(self, request: Request) -> JSONResponse:
        """The answer to a mutation."""
        body = await request.json()
        given = body["variables"]["input"]
        name = "resetPassword" if "resetPassword" in body["query"] else "verifyEmail"
        self.paths.append(str(request.url))
        self.inputs.append(given)
        refused = "wrong" in given.values()
        error = {"__typename": "UserError", "code": "PASSWORD_WRONG", "message": "Not this one.", "path": ["password"]}
        return JSONResponse({"data": {name: {"errors": [error] if refused else []}}})


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


async def test_a_link_that_was_cut_says_so_and_asks_nothing(watch: Watch, api: Api) -> None:
    await watch.page.goto(f"{api.address}/reset-password")

    await expect(watch.page.get_by_role("alert")).to_have_text("This link is not whole: open it again.")
    await expect(watch.page.get_by_role("button", name="Save")).to_be_disabled()
    assert api.inputs == []
