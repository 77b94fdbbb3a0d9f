"""An order by keyboard alone: nobody touches a mouse, and the focus is seen at every step."""

import asyncio
import re
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Browser, expect

from tests.browser.demo import SHOWN_MS_MAX
from tests.browser.house import PASSWORD, House, enter, expect_quiet
from tests.browser.keyboard import Keyboard
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser

_ORDERS = """
query($f: OrderFilter) {
  orders(filter: $f, first: 200) { edges { node { id state quantity limitPrice instrument { symbol } side } } }
}
"""
_PLACE = "mutation($i: PlaceOrderInput!) { placeOrder(input: $i) { order { id } errors { code message } } }"
_USED = ("b", "s", "g o", "j", "k", "m", "c", "Enter", "Escape", "?", "/", "Ctrl+Enter", "↑ ↓")


def _buy(house: House, symbol: str, quantity: str) -> dict[str, Any]:
    account = {"accountId": house.demo["accountId"], "symbol": symbol, "side": "BUY", "quantity": quantity}
    return {**account, "orderType": "MARKET", "clientOrderId": uuid4().hex}


async def _order(house: House, quantity: str) -> dict[str, Any]:
    found = (await house.query(_ORDERS))["orders"]["edges"]
    return dict(next(edge["node"] for edge in found if edge["node"]["quantity"] == quantity))


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_somebody_places_modifies_and_cancels_an_order_without_a_mouse(
    browser: Browser, house: House, theme: str
) -> None:
    email = await house.member("TRADER")
    quantity = "241" if theme == "dark" else "242"
    context = await browser.new_context(
        color_scheme="dark" if theme == "dark" else "light", viewport={"width": 1440, "height": 900}
    )
    watch = await Watch.open(context)
    page = watch.page
    keys = Keyboard(page)
    await page.goto(house.base)
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()

    await expect(page.get_by_label("E-mail")).to_be_focused()
    await keys.write(email)
    await keys.press("Tab")
    await keys.write("not the password")
    await keys.press("Enter")
    await expect(page.get_by_role("alert")).not_to_be_empty()
    await keys.expect_focus("a wrong password")
    await keys.write(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page).to_have_title("Overview · OMS Trading", timeout=SHOWN_MS_MAX)
    await expect(page.get_by_text("Live", exact=True).first).to_be_visible(timeout=SHOWN_MS_MAX)

    # A person who has never seen it asks what the keys are.
    await page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard")
    await expect(sheet).to_contain_text("Buy")
    await expect(sheet).to_contain_text("Orders")
    # Those of an order are told before one is open.
    in_an_order = sheet.get_by_role("region", name="In an order")
    await expect(in_an_order.get_by_role("term")).to_have_text(["Modify the order", "Cancel the order", "Close"])
    await keys.expect_focus("the sheet")
    await keys.press("Escape")
    await expect(sheet).to_have_count(0)

    await keys.press("b")
    ticket = page.get_by_role("form", name="Order ticket")
    await expect(ticket.get_by_label("Symbol")).to_be_focused()
    await keys.expect_focus("b")
    # Escape closes what was opened, though a field has the focus; single keys are text there.
    await keys.press("Escape")
    await expect(ticket).to_have_count(0)
    await keys.press("b")
    await expect(ticket.get_by_label("Symbol")).to_be_focused()
    await keys.write("msft")
    await expect(ticket.get_by_text("Microsoft Corporation · ")).to_be_visible(timeout=SHOWN_MS_MAX)
    await keys.tab_to("Quantity")
    await keys.write(quantity)
    await keys.tab_to("Limit")
    await keys.write("1.50")
    await keys.press("ArrowUp")
    await expect(ticket.get_by_label("Limit", exact=True)).to_have_value("1.51")
    await keys.press("Control+Enter")
    await expect(ticket.get_by_role("button", name=f"Send: Buy {quantity} MSFT")).to_be_focused()
    await keys.tab_to("Back", back=True)
    await keys.press("Enter")
    await expect(ticket.get_by_role("button", name=re.compile("^Review"))).to_be_focused()
    await keys.press("Enter")
    await expect(ticket.get_by_role("button", name=f"Send: Buy {quantity} MSFT")).to_be_focused()
    await keys.press("Enter")
    await expect(ticket.get_by_role("button", name="New order")).to_be_focused(timeout=SHOWN_MS_MAX)
    await keys.press("Escape")
    await expect(ticket).to_have_count(0)
    placed = await _order(house, quantity)
    assert (placed["side"], placed["instrument"]["symbol"], placed["limitPrice"]) == ("BUY", "MSFT", "1.51")

    await keys.press("g", "o")
    await expect(page).to_have_title("Orders · OMS Trading")
    orders = page.get_by_role("grid", name="Orders")
    row = orders.get_by_role("row").filter(has=page.get_by_role("gridcell", name=quantity, exact=True)).first
    await expect(row).to_contain_text("Accepted", timeout=SHOWN_MS_MAX)
    await keys.expect_focus("going to the orders")
    await keys.press("/")
    await expect(page.get_by_label("Search orders")).to_be_focused()
    await keys.write("msft")
    await keys.press("Enter")
    # The newest stands first.
    await keys.press("j")
    await expect(orders).to_be_focused()
    await expect(row).to_have_attribute("data-active", "true")
    await keys.press("Enter")
    drawer = page.get_by_role("complementary", name=f"Buy {quantity} MSFT")
    await expect(drawer).to_be_visible(timeout=SHOWN_MS_MAX)

    await page.keyboard.press("?")
    told = await sheet.get_by_role("definition").evaluate_all(
        "(all) => all.map((each) => [...each.querySelectorAll('kbd')].map((key) => key.textContent).join(' '))"
    )
    assert set(_USED) <= set(told), set(_USED) - set(told)
    await keys.press("Escape")

    # Enter on a button presses the button, though a row of the table is active.
    form = page.get_by_role("form", name="Modify the order")
    await keys.tab_to("Modify")
    await keys.press("Enter")
    await expect(form.get_by_label("Quantity")).to_be_focused()
    await keys.tab_to("Modify", back=True)
    await keys.press("Enter")
    await expect(form).to_have_count(0)

    await keys.press("m")
    await expect(form.get_by_label("Quantity")).to_be_focused()
    await keys.press("Tab")
    await expect(form.get_by_label("Limit", exact=True)).to_be_focused()
    await keys.write("1.60")
    await page.keyboard.press("Enter")
    await expect(form).to_have_count(0, timeout=SHOWN_MS_MAX)
    await keys.expect_focus("the change")
    await expect(row).to_contain_text("1.60", timeout=SHOWN_MS_MAX)
    async with asyncio.timeout(SHOWN_MS_MAX / 1000):
        while (changed := await _order(house, quantity))["state"] != "ACCEPTED":
            await asyncio.sleep(0.1)
    assert changed["limitPrice"] == "1.6"

    await keys.press("c")
    await expect(row).to_contain_text("Canceled", timeout=SHOWN_MS_MAX)
    await keys.expect_focus("the cancel")
    await keys.press("Escape")
    await expect(drawer).to_have_count(0)
    await expect(orders).to_be_focused()
    assert (await _order(house, quantity))["state"] == "CANCELED"

    await keys.press("x")
    bulk = page.get_by_role("toolbar", name="Selected orders")
    await expect(bulk).to_be_visible()
    await keys.press("Escape")
    await expect(bulk).to_have_count(0)
    expect_quiet(watch, house)
    await context.close()


async def test_what_risk_refuses_leaves_the_keyboard_in_the_ticket(browser: Browser, house: House) -> None:
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    watch = await Watch.open(context)
    page = watch.page
    keys = Keyboard(page)
    email = await house.member("TRADER")
    await page.goto(f"{house.base}/sign-in?next=/orders")
    await expect(page.get_by_label("E-mail")).to_be_focused()
    await keys.write(email)
    await keys.press("Tab")
    await keys.write(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("grid", name="Orders")).to_be_visible(timeout=SHOWN_MS_MAX)

    await keys.press("s")
    ticket = page.get_by_role("form", name="Order ticket")
    await expect(ticket.get_by_label("Symbol")).to_be_focused()
    await keys.write("msft")
    await keys.tab_to("Quantity")
    await keys.write("100k")
    await keys.tab_to("Limit")
    await keys.write("1.5o")
    await keys.press("Control+Enter")
    await expect(ticket.get_by_role("alert")).to_contain_text("Limit: This is no number.")
    await keys.write("1.50")
    await keys.press("Control+Enter")
    await expect(ticket.get_by_role("button", name="Send: Sell 100,000 MSFT")).to_be_focused()
    await page.keyboard.press("Control+Enter")
    await expect(ticket.get_by_role("alert")).to_contain_text("Refused:", timeout=SHOWN_MS_MAX)

    await keys.expect_focus("the refusal")
    await expect(ticket.get_by_role("button", name=re.compile("^Review"))).to_be_focused()
    expect_quiet(watch, house)
    await context.close()


async def test_the_kill_switch_is_found_by_its_name_and_what_is_typed_is_its_reason(
    browser: Browser, house: House
) -> None:
    founder = await house.founded()
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    watch = await Watch.open(context)
    page = watch.page
    keys = Keyboard(page)
    await enter(page, founder, founder.email)

    await expect(page.get_by_role("button", name="Kill switch")).to_be_visible(timeout=SHOWN_MS_MAX)

    await page.keyboard.press("Control+k")
    found = page.get_by_role("dialog", name="Find")
    await expect(found).to_be_visible()
    await page.keyboard.type("kill")
    await expect(found.get_by_role("option", name="Kill switch")).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("Enter")

    dialog = page.get_by_role("dialog", name="Kill switch")
    await expect(dialog.get_by_label("Why")).to_be_focused()
    await page.keyboard.type("one name too many")
    await expect(dialog.get_by_label("Why")).to_have_value("one name too many")
    await expect(dialog.get_by_label("What it covers")).to_have_value("")
    await keys.press("Escape")
    await expect(dialog).to_have_count(0)
    expect_quiet(watch, founder)
    await context.close()


async def test_a_position_is_turned_round_by_a_key_that_says_how_much_it_trades(browser: Browser, house: House) -> None:
    email = await house.member("TRADER")
    await house.query(_PLACE, {"i": _buy(house, "JPM", "7")})
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    watch = await Watch.open(context)
    page = watch.page
    await enter(page, house, email, path="/positions")
    row = page.get_by_role("grid", name="Positions").get_by_role("row").filter(has_text="JPM")
    await expect(row).to_contain_text("7", timeout=SHOWN_MS_MAX)
    await row.click()

    await page.keyboard.press("r")

    dialog = page.get_by_role("dialog", name="Reverse JPM")
    await expect(dialog).to_contain_text("sell 14 JPM, then \u22127 is held")
    await dialog.get_by_role("button", name="Sell 14 JPM").press("Enter")
    await expect(row).to_contain_text("\u22127", timeout=SHOWN_MS_MAX)
    expect_quiet(watch, house)
    await context.close()


async def test_enter_confirms_what_was_asked_of_the_selected_orders(browser: Browser, house: House) -> None:
    email = await house.member("TRADER")
    await house.query(_PLACE, {"i": {**_buy(house, "IWM", "243"), "orderType": "LIMIT", "limitPrice": "1.50"}})
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    watch = await Watch.open(context)
    page = watch.page
    await enter(page, house, email, path="/orders?symbol=IWM")
    row = page.get_by_role("grid", name="Orders").get_by_role("row").filter(has_text="243")
    await expect(row).to_contain_text("Accepted", timeout=SHOWN_MS_MAX)
    await row.get_by_role("checkbox").check()

    await page.keyboard.press("c")
    await expect(page.get_by_role("dialog").get_by_role("button", name="Cancel 1")).to_be_focused()
    await page.keyboard.press("Enter")

    await expect(row).to_contain_text("Canceled", timeout=SHOWN_MS_MAX)
    expect_quiet(watch, house)
    await context.close()
