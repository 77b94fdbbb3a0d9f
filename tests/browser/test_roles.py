"""What a person sees whose role allows little: no ticket, no kill switch, and words where a page is not theirs."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import Browser, expect

from tests.browser.demo import ask
from tests.browser.house import SHOWN_MS_MAX, House, enter, expect_quiet
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser

_PLACE = "mutation($i: PlaceOrderInput!) { placeOrder(input: $i) { order { id } errors { code message } } }"
_CREATE_ROLE = "mutation($i: CreateRoleInput!) { createRole(input: $i) { role { id } errors { code message } } }"
_CREATE_ACCOUNT = """
mutation($i: CreateBrokerAccountInput!) { createBrokerAccount(input: $i) { brokerAccount { id } errors { code } } }
"""
_WORKING = {"New order", "Modify", "Cancel order", "Kill switch", "Release", "New limit", "New breaker", "Approve"}


@asynccontextmanager
async def _at(browser: Browser, house: House, email: str, path: str = "/orders") -> AsyncIterator[Watch]:
    """The page of somebody who has signed in; at its end it has complained of nothing."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    watch = await Watch.open(context)
    await enter(watch.page, house, email, path=path)
    yield watch
    expect_quiet(watch, house)
    await context.close()


async def _working_order(house: House, quantity: str) -> str:
    order = {
        "accountId": house.demo["accountId"],
        "symbol": "MSFT",
        "side": "BUY",
        "orderType": "LIMIT",
        "limitPrice": "1.50",
        "quantity": quantity,
        "clientOrderId": uuid4().hex,
    }
    placed = (await ask(house.demo, _PLACE, {"i": order}))["placeOrder"]
    assert placed["errors"] == []
    return str(placed["order"]["id"])


async def _custom(house: House, *scopes: str) -> str:
    """The address of a member whose role allows these alone."""
    made = await house.ask(_CREATE_ROLE, token=house.token, given={"name": f"Role {uuid4().hex[:8]}", "scopes": scopes})
    return await house.member(None, customRoleId=made["role"]["id"])


async def test_a_viewer_sees_orders_and_can_do_nothing_to_them(
    browser: Browser, house: House, static_dir: Path
) -> None:
    order_id = await _working_order(house, "261")
    email = await house.member("VIEWER")
    async with _at(browser, house, email) as watch:
        page = watch.page
        await expect(page.get_by_role("grid", name="Orders")).to_contain_text("261", timeout=SHOWN_MS_MAX)

        for key in ("b", "s"):
            await page.keyboard.press(key)
        await expect(page.get_by_role("form", name="Order ticket")).to_have_count(0)
        await page.goto(f"{house.base}/orders?order={order_id}")
        drawer = page.get_by_role("complementary", name="Buy 261 MSFT")
        await expect(drawer).to_be_visible(timeout=SHOWN_MS_MAX)
        for key in ("m", "c"):
            await page.keyboard.press(key)
        await page.get_by_label("Select the row").first.check()
        await expect(page.get_by_role("toolbar", name="Selected orders")).to_be_visible()
        await expect(page.get_by_role("button", name="Cancel 1 working")).to_have_count(0)
        await page.keyboard.press("?")
        sheet = page.get_by_role("dialog", name="Keyboard")
        await expect(sheet).to_contain_text("Go to")
        for act in ("Buy", "Sell", "Modify the order", "Cancel the open order", "Cancel the selected orders"):
            await expect(sheet.get_by_text(act, exact=True)).to_have_count(0)
        await page.keyboard.press("Escape")

        for path in json.loads((static_dir / "rooms.json").read_bytes()):
            await page.goto(house.base + path)
            await expect(page.get_by_text(email).first).to_be_visible(timeout=SHOWN_MS_MAX)
            await expect(page.get_by_text("Loading")).to_have_count(0, timeout=SHOWN_MS_MAX)
            names = await page.get_by_role("button").all_inner_texts()
            assert not _WORKING & set(names), path


async def test_who_keeps_compliance_sees_it_and_the_audit_log_and_has_no_ticket(browser: Browser, house: House) -> None:
    email = await house.member("COMPLIANCE")
    async with _at(browser, house, email) as watch:
        page = watch.page
        await expect(page.get_by_role("grid", name="Orders")).to_be_visible(timeout=SHOWN_MS_MAX)
        await page.keyboard.press("b")
        await expect(page.get_by_role("form", name="Order ticket")).to_have_count(0)
        await expect(page.get_by_role("button", name="New order")).to_have_count(0)
        await expect(page.get_by_role("button", name="Kill switch")).to_be_visible()

        await page.keyboard.press("g")
        await page.keyboard.press("c")
        for tab in ("Restricted lists", "Alerts", "Cases", "Execution quality", "Calendar", "Order records"):
            await page.get_by_role("navigation", name="Compliance").get_by_role("link", name=tab).click()
            await expect(page.get_by_text("Loading")).to_have_count(0, timeout=SHOWN_MS_MAX)
            await expect(page.get_by_text("Your role may not see")).to_have_count(0)
        await page.goto(f"{house.base}/audit")
        await expect(page.get_by_role("button", name="Verify the chain")).to_be_visible(timeout=SHOWN_MS_MAX)
        await expect(page.get_by_role("row").nth(1)).to_be_visible(timeout=SHOWN_MS_MAX)


@pytest.mark.parametrize("scopes", [("VIEW_MARKET_DATA",), ("VIEW_POSITIONS",), ("MANAGE_WEBHOOKS",), ("VIEW_AUDIT",)])
async def test_a_role_of_few_scopes_meets_words_and_no_error(
    browser: Browser, house: House, static_dir: Path, scopes: tuple[str, ...]
) -> None:
    email = await _custom(house, *scopes)
    async with _at(browser, house, email, "/settings") as watch:
        page = watch.page
        navigation = page.get_by_role("navigation", name="Pages")
        # Who it is and what they may do comes in one answer.
        await expect(page.get_by_text(email).first).to_be_visible(timeout=SHOWN_MS_MAX)
        offered = {await link.get_attribute("href") for link in await navigation.get_by_role("link").all()}

        for path in json.loads((static_dir / "rooms.json").read_bytes()):
            await page.goto(house.base + path)
            await expect(page.get_by_text(email).first).to_be_visible(timeout=SHOWN_MS_MAX)
            await expect(page.get_by_text("Loading")).to_have_count(0, timeout=SHOWN_MS_MAX)
            refused = page.get_by_role("main").get_by_role("alert").filter(has_text="Your role may not see")
            if path in offered:
                told = await page.get_by_role("main").get_by_role("alert").all_inner_texts()
                assert not [words for words in told if words.strip()], (path, told)
            else:
                await expect(refused).to_have_count(1, timeout=SHOWN_MS_MAX)


async def test_who_is_granted_one_account_sees_that_one_alone(browser: Browser, house: House) -> None:
    number = f"OWN{uuid4().hex[:6].upper()}"
    own = {
        "broker": "PAPER",
        "accountNumber": number,
        "accountType": "CASH",
        "baseCurrency": "USD",
        "host": "localhost",
        "port": 1,
        "clientId": 1,
        "isPaper": True,
    }
    made = await house.ask(_CREATE_ACCOUNT, token=house.token, given=own)
    await _working_order(house, "262")
    grants = [{"accountId": made["brokerAccount"]["id"], "access": "VIEW"}]
    email = await house.member("TRADER", accounts=grants)
    async with _at(browser, house, email) as watch:
        page = watch.page
        await expect(page.get_by_text("No orders fit.")).to_be_visible(timeout=SHOWN_MS_MAX)
        await expect(page.get_by_role("button", name="Accounts on screen")).to_have_text(number)
        for path in ("/", "/positions", "/executions", "/risk", "/brokers"):
            await page.goto(house.base + path)
            await expect(page.get_by_role("button", name="Accounts on screen")).to_be_visible(timeout=SHOWN_MS_MAX)
            await expect(page.get_by_text("Loading")).to_have_count(0, timeout=SHOWN_MS_MAX)
            await expect(page.get_by_text("DU1000001")).to_have_count(0)
        # It may be looked at, and not traded on.
        await page.keyboard.press("b")
        ticket = page.get_by_role("form", name="Order ticket")
        await ticket.get_by_label("Symbol").fill("MSFT")
        await ticket.get_by_label("Quantity").fill("5")
        await ticket.get_by_label("Limit", exact=True).fill("1.50")
        await expect(ticket.get_by_role("alert")).to_have_text("You may view these accounts, not trade on them.")
        await page.keyboard.press("Control+Enter")
        await expect(ticket.get_by_role("button", name=re.compile("^Send"))).to_have_count(0)
