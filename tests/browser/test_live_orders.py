"""A firm from nothing to an order that trades real money: its account, its instrument, and the confirmation."""

import re
from random import randrange
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.conftest import LIVE_ACCOUNT
from tests.browser.house import SHOWN_MS_MAX, House, enter, expect_quiet
from tests.browser.watch import Watch
from tests.installation import Installation

pytestmark = pytest.mark.browser

_ORDERS = "{ orders(first: 50) { edges { node { id state quantity account { isPaper } } } } }"
_FAR_LIMIT = "1.50"


async def _orders(firm: House) -> list[dict[str, Any]]:
    return [edge["node"] for edge in (await firm.query(_ORDERS))["orders"]["edges"]]


def _ticket(page: Page) -> Locator:
    return page.get_by_role("form", name="Order ticket")


async def _bring_account_in(page: Page, firm: House, port: str) -> None:
    await page.get_by_role("button", name="Add an account").click()
    dialog = page.get_by_role("dialog", name="Add an account")
    await dialog.get_by_label("Account number").fill(LIVE_ACCOUNT)
    await dialog.get_by_label("Port").fill(port)
    await dialog.get_by_label("Client id", exact=True).fill(str(randrange(200, 900)))
    await dialog.get_by_role("button", name="Bring it in").click()
    # Its number tells what it is, whatever is ticked.
    await expect(dialog).to_contain_text("an account with real money by its number", timeout=SHOWN_MS_MAX)
    await dialog.get_by_label("A paper account at the broker").uncheck()
    await dialog.get_by_role("button", name="Bring it in").click()
    await expect(dialog).to_have_count(0, timeout=SHOWN_MS_MAX)
    await page.get_by_role("button", name="Connect", exact=True).click()
    await expect(page.get_by_text("Connected", exact=True)).to_be_visible(timeout=SHOWN_MS_MAX)


async def _add_instrument(page: Page, firm: House, symbol: str) -> None:
    await page.goto(f"{firm.base}/market")
    await expect(page.get_by_text("No instruments yet.")).to_be_visible(timeout=SHOWN_MS_MAX)
    await page.get_by_role("button", name="Add instrument").click()
    dialog = page.get_by_role("dialog", name="Add an instrument from the broker")
    await dialog.get_by_label("Symbol or name").fill(symbol)
    await page.keyboard.press("Enter")
    hit = dialog.get_by_role("listitem").filter(has_text=symbol).first
    await hit.get_by_role("button", name="Add").click(timeout=SHOWN_MS_MAX)
    await expect(dialog).to_have_count(0, timeout=SHOWN_MS_MAX)


async def _review(page: Page, quantity: str) -> Locator:
    await page.keyboard.press("b")
    ticket = _ticket(page)
    await ticket.get_by_label("Symbol").fill("MSFT")
    await ticket.get_by_label("Quantity").fill(quantity)
    await ticket.get_by_label("Limit", exact=True).fill(_FAR_LIMIT)
    await expect(ticket.get_by_role("button", name=re.compile(f"^Review Buy {quantity} MSFT"))).to_be_visible()
    await page.keyboard.press("Control+Enter")
    await expect(ticket.get_by_label("This trades real money. Type MSFT")).to_be_focused()
    return ticket


async def test_an_order_for_real_money_leaves_when_it_is_typed_or_held_and_not_before(
    browser: Browser, house: House, installation: Installation
) -> None:
    firm = await house.founded()
    context = await browser.new_context(color_scheme="dark", viewport={"width": 1440, "height": 900})
    watch = await Watch.open(context)
    page = watch.page
    await enter(page, firm, firm.email, path="/brokers")
    await _bring_account_in(page, firm, installation.environment["OMS_SIMULATOR_PORT"])
    await _add_instrument(page, firm, "MSFT")
    await page.goto(f"{firm.base}/orders")
    await expect(page.get_by_text("No orders fit.")).to_be_visible(timeout=SHOWN_MS_MAX)
    await expect(page.get_by_role("banner").get_by_text("LIVE", exact=True)).to_be_visible(timeout=SHOWN_MS_MAX)

    ticket = await _review(page, "301")
    word = ticket.get_by_label(re.compile("Type MSFT"))
    held = ticket.get_by_role("button", name="Hold to send: Buy 301 MSFT")
    for key in ("Enter", "Control+Enter", "Control+Enter"):
        await page.keyboard.press(key)
    await word.fill("AAPL")
    await page.keyboard.press("Control+Enter")
    await held.click()
    await held.focus()
    for key in ("Enter", "Space", "Control+Enter"):
        await page.keyboard.press(key)
    await expect(held).to_be_visible()
    assert await _orders(firm) == []

    await word.fill("msft")
    await expect(ticket.get_by_role("button", name="Send: Buy 301 MSFT")).to_be_visible()
    await word.focus()
    await page.keyboard.press("Control+Enter")
    await page.keyboard.press("Control+Enter")
    await expect(ticket.get_by_text("Placed: buy 301 MSFT")).to_be_visible(timeout=SHOWN_MS_MAX)
    [typed] = await _orders(firm)
    assert (typed["quantity"], typed["account"]["isPaper"]) == ("301", False)

    await page.keyboard.press("Escape")
    ticket = await _review(page, "302")
    held = ticket.get_by_role("button", name=re.compile("Hold to send: Buy 302 MSFT|Keep holding"))
    await held.hover()
    await page.mouse.down()
    await expect(held).to_have_text("Keep holding")
    await page.mouse.up()
    await expect(held).to_have_text("Hold to send: Buy 302 MSFT")
    assert len(await _orders(firm)) == 1
    await page.mouse.down()
    await expect(ticket.get_by_text("Placed: buy 302 MSFT")).to_be_visible(timeout=SHOWN_MS_MAX)
    await page.mouse.up()
    await page.keyboard.press("Escape")

    ticket = await _review(page, "303")
    await ticket.get_by_role("button", name=re.compile("Hold")).focus()
    await page.keyboard.down("Space")
    await expect(ticket.get_by_text("Placed: buy 303 MSFT")).to_be_visible(timeout=SHOWN_MS_MAX)
    await page.keyboard.up("Space")
    assert sorted(order["quantity"] for order in await _orders(firm)) == ["301", "302", "303"]
    expect_quiet(watch, firm)
    await context.close()
