"""The running demo as the journeys use it: where it is, how to sign in, and what a program asks of it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
from playwright.async_api import Page, expect

SHOWN_MS_MAX = 20_000


def base(demo: Mapping[str, Any]) -> str:
    """The origin that the demo serves."""
    address = urlsplit(demo["graphqlUrl"])
    return f"{address.scheme}://{address.netloc}"


async def sign_in(page: Page, demo: Mapping[str, Any], path: str = "/") -> None:
    """Goes to the page as the demo's person."""
    await page.goto(base(demo) + path)
    await page.get_by_label("E-mail").fill(demo["email"])
    await page.get_by_label("Password").fill(demo["password"])
    await page.get_by_role("button", name="Sign in").click()


async def expect_live(page: Page) -> None:
    """Waits until the page says that its connection is live."""
    await expect(page.get_by_text("Live", exact=True).first).to_be_visible(timeout=SHOWN_MS_MAX)


async def ask(
    demo: Mapping[str, Any], document: str, variables: Mapping[str, Any] | None = None, *, token: str | None = None
) -> Any:
    """The data of a document that meets no error, asked with the demo's key or a token."""
    headers = {"Authorization": f"Bearer {token or demo['apiKey']}"}
    async with httpx.AsyncClient(headers=headers, timeout=20) as client:
        answer = (await client.post(demo["graphqlUrl"], json={"query": document, "variables": variables})).json()
    assert "errors" not in answer, answer
    return answer["data"]
