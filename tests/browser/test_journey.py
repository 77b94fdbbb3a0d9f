"""A person in front of the running demo: signs in, watches an order fill, asks the API in GraphiQL."""

import asyncio
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from playwright._impl._api_structures import SetCookieParam
from playwright.async_api import expect

from tests.browser.demo import SHOWN_MS_MAX, ask, base, sign_in
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser

# Nothing is stored before the first change of a tab.
_ACTIVE_TAB = "JSON.parse(localStorage.getItem('graphiql:tabState') || '{}').activeTabIndex"
_TICKS_TAB = 5
_PLACE_ORDER = """
mutation PlaceOrder($input: PlaceOrderInput!) {
  placeOrder(input: $input) { order { id } errors { code message } }
}
"""


async def _place_order(demo: dict[str, Any], symbol: str, quantity: str) -> str:
    order = {
        "accountId": demo["accountId"],
        "symbol": symbol,
        "side": "BUY",
        "orderType": "MARKET",
        "quantity": quantity,
        "clientOrderId": uuid4().hex,
    }
    payload = (await ask(demo, _PLACE_ORDER, {"input": order}))["placeOrder"]
    assert payload["errors"] == []
    return str(payload["order"]["id"])


async def test_a_wrong_password_is_told_and_signs_nobody_in(watch: Watch, demo: dict[str, Any]) -> None:
    await sign_in(watch.page, {**demo, "password": "not the password"})

    await expect(watch.page.get_by_role("alert")).not_to_be_empty()
    await expect(watch.page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await watch.page.context.cookies() == []


async def test_an_order_placed_elsewhere_appears_and_fills_before_the_eyes(watch: Watch, demo: dict[str, Any]) -> None:
    page = watch.page
    await sign_in(page, demo)
    await expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=SHOWN_MS_MAX)
    accounts = page.get_by_role("region", name="Accounts").first
    await expect(accounts.get_by_text("Connected")).to_be_visible(timeout=SHOWN_MS_MAX)
    # A quantity that no other row has.
    quantity = "137" if await page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "139"

    await _place_order(demo, "AAPL", quantity)

    orders = page.get_by_role("region", name="Recent orders").last
    row = orders.get_by_role("row").filter(has_text=quantity)
    await expect(row).to_contain_text("Filled", timeout=SHOWN_MS_MAX)
    await expect(row).to_contain_text("AAPL")
    positions = page.get_by_role("region", name="Positions").last
    await expect(positions.get_by_role("row").filter(has_text="AAPL")).to_be_visible(timeout=SHOWN_MS_MAX)
    assert watch.complaints == []
    assert watch.hosts == {urlsplit(base(demo)).netloc}


async def test_quotes_move(watch: Watch, demo: dict[str, Any]) -> None:
    await sign_in(watch.page, demo)
    quotes = watch.page.get_by_role("region", name="Quotes").last
    await expect(quotes.get_by_role("row").nth(1)).to_be_visible(timeout=SHOWN_MS_MAX)
    before = await quotes.locator("tbody").inner_text()

    await expect(quotes.locator("tbody")).not_to_have_text(before, use_inner_text=True, timeout=SHOWN_MS_MAX)

    assert watch.complaints == []


async def test_graphiql_runs_a_query_and_a_subscription_as_who_signed_in(watch: Watch, demo: dict[str, Any]) -> None:
    page = watch.page
    await sign_in(page, demo, "/sign-in?next=/graphiql")
    await expect(page.locator(".graphiql-query-editor .view-line").first).to_be_visible(timeout=SHOWN_MS_MAX)
    response = page.locator(".graphiql-response")

    await page.locator(".graphiql-execute-button").click()
    await expect(response).to_contain_text(demo["email"], timeout=SHOWN_MS_MAX)
    await page.locator(".graphiql-tab", has_text="Ticks").click()
    # GraphiQL learns the operation's name a moment after the tab: before it stores the tab's number.
    async with asyncio.timeout(SHOWN_MS_MAX / 1000):
        while await page.evaluate(_ACTIVE_TAB) != _TICKS_TAB:
            await asyncio.sleep(0.05)
    await page.locator(".graphiql-execute-button").click()

    await expect(response).to_contain_text('"ticks"', timeout=SHOWN_MS_MAX)
    assert watch.complaints == []
    assert watch.hosts == {urlsplit(base(demo)).netloc}


async def test_no_script_can_read_a_token_and_signing_out_takes_the_cookies_back(
    watch: Watch, demo: dict[str, Any]
) -> None:
    page = watch.page
    await sign_in(page, demo)
    await expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=SHOWN_MS_MAX)
    held = {cookie["name"]: cookie for cookie in await page.context.cookies()}

    readable = await page.evaluate("document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")

    assert set(held) == {"oms-access", "oms-refresh", "oms-session"}
    assert all(held[name]["httpOnly"] and held[name]["sameSite"] == "Strict" for name in ("oms-access", "oms-refresh"))
    assert held["oms-access"]["value"] not in readable
    assert held["oms-refresh"]["value"] not in readable
    assert f"oms-session={held['oms-session']['value']}" in readable

    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()

    assert await page.context.cookies() == []
    assert watch.complaints == []


async def test_a_session_whose_access_ran_out_is_renewed_by_its_cookie_once_for_two_tabs(
    watch: Watch, demo: dict[str, Any]
) -> None:
    page = watch.page
    await sign_in(page, demo)
    await expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=SHOWN_MS_MAX)
    before = {cookie["name"]: cookie for cookie in await page.context.cookies()}
    spent: SetCookieParam = {"name": "oms-access", "value": "spent", "url": base(demo), "httpOnly": True}
    mark: SetCookieParam = {"name": "oms-session", "value": "1", "url": base(demo), "sameSite": "Strict"}

    await page.context.add_cookies([spent, mark])
    other = await page.context.new_page()
    await asyncio.gather(page.reload(), other.goto(base(demo)))

    for one in (page, other):
        await expect(one.get_by_text("Live", exact=True)).to_be_visible(timeout=SHOWN_MS_MAX)
    after = {cookie["name"]: cookie["value"] for cookie in await page.context.cookies()}
    assert after["oms-refresh"] != before["oms-refresh"]["value"]
    assert after["oms-access"] != "spent"
