"""A trader at the dashboard of the running demo: places, changes and cancels; is refused; loses the server."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from playwright.async_api import Browser, Locator, Page, Request, Route, expect

from tests.browser.demo import SHOWN_MS_MAX, ask, base, expect_live, sign_in
from tests.browser.watch import Watch
from tests.installation import Installation

pytestmark = pytest.mark.browser

_AWAY_MS_MAX = 40_000
_ORDERS = (
    "query($f: OrderFilter) { orders(filter: $f, first: 200) { edges { node { id state quantity limitPrice } } } }"
)
_PLACE = "mutation($i: PlaceOrderInput!) { placeOrder(input: $i) { order { id } errors { code message } } }"
_LOG_IN = "mutation($i: LoginInput!) { login(input: $i) { tokens { accessToken } errors { code } } }"
_KEY = "mutation($i: CreateApiKeyInput!) { createApiKey(input: $i) { secret errors { code message } } }"
_VIEWS = ["VIEW_ORDERS", "VIEW_POSITIONS", "VIEW_MARKET_DATA"]
# Far from any market, so that it works until it is canceled.
_FAR_LIMIT = "1.50"


@pytest.fixture
async def desk(browser: Browser, demo: dict[str, Any]) -> AsyncIterator[Watch]:
    """A trader's page at the blotter."""
    context = await browser.new_context(color_scheme="dark", viewport={"width": 1440, "height": 900})
    watch = await Watch.open(context)
    await sign_in(watch.page, demo, "/orders")
    await expect_live(watch.page)
    yield watch
    await context.close()


def _assert_clean(watch: Watch, demo: dict[str, Any]) -> None:
    assert watch.complaints == []
    assert watch.hosts == {urlsplit(base(demo)).netloc}


def _ticket(page: Page) -> Locator:
    return page.get_by_role("form", name="Order ticket")


async def _fill_ticket(page: Page, symbol: str, quantity: str, limit: str | None) -> Locator:
    await page.keyboard.press("b")
    ticket = _ticket(page)
    await ticket.get_by_label("Symbol").fill(symbol)
    if limit is None:
        await ticket.get_by_label("Type").select_option("MARKET")
    else:
        await ticket.get_by_label("Limit", exact=True).fill(limit)
    await ticket.get_by_label("Quantity").fill(quantity)
    await expect(ticket.get_by_role("button", name=re.compile("^Review Buy"))).to_contain_text(symbol)
    return ticket


async def _orders_of(demo: dict[str, Any], quantity: str) -> list[dict[str, Any]]:
    found = (await ask(demo, _ORDERS))["orders"]["edges"]
    return [edge["node"] for edge in found if edge["node"]["quantity"] == quantity]


async def _place_far(demo: dict[str, Any], quantity: str) -> str:
    order = {
        "accountId": demo["accountId"],
        "symbol": "MSFT",
        "side": "BUY",
        "orderType": "LIMIT",
        "limitPrice": _FAR_LIMIT,
        "quantity": quantity,
        "clientOrderId": uuid4().hex,
    }
    payload = (await ask(demo, _PLACE, {"i": order}))["placeOrder"]
    assert payload["errors"] == []
    return str(payload["order"]["id"])


def _row(page: Page, quantity: str) -> Locator:
    grid = page.get_by_role("grid", name="Orders")
    return grid.get_by_role("row").filter(has=page.get_by_role("gridcell", name=quantity, exact=True))


async def test_an_order_is_typed_previewed_sent_and_fills(desk: Watch, demo: dict[str, Any]) -> None:
    page = desk.page
    ticket = await _fill_ticket(page, "AAPL", "1.1k", None)
    preview = ticket.get_by_role("region", name="Preview")
    await expect(preview).to_contain_text("It would be accepted.", timeout=SHOWN_MS_MAX)
    await expect(preview).to_contain_text("USD")

    await ticket.get_by_role("button", name=re.compile("^Review Buy 1,100 AAPL")).click()
    await ticket.get_by_role("button", name="Send: Buy 1,100 AAPL").click()

    await expect(ticket.get_by_text("Placed: buy 1,100 AAPL")).to_be_visible(timeout=SHOWN_MS_MAX)
    await expect(_row(page, "1,100").first).to_contain_text("Filled", timeout=SHOWN_MS_MAX)
    await expect(page.get_by_role("button", name=re.compile(r"Notifications, \d+ new"))).to_be_visible()
    _assert_clean(desk, demo)


async def test_enter_three_times_is_one_order(desk: Watch, demo: dict[str, Any]) -> None:
    page = desk.page
    ticket = await _fill_ticket(page, "MSFT", "211", _FAR_LIMIT)

    await page.keyboard.press("Control+Enter")
    await expect(ticket.get_by_role("button", name="Send: Buy 211 MSFT")).to_be_visible()
    for _ in range(3):
        await page.keyboard.press("Control+Enter", delay=0)

    await expect(_row(page, "211").first).to_contain_text("Accepted", timeout=SHOWN_MS_MAX)
    assert len(await _orders_of(demo, "211")) == 1


async def test_an_order_whose_answer_was_lost_is_sent_again_and_stays_one(desk: Watch, demo: dict[str, Any]) -> None:
    page = desk.page
    sent: list[Any] = []

    async def lose(route: Route, request: Request) -> None:
        if "PlaceFromTicket" not in (request.post_data or "") or sent:
            await route.continue_()
            return
        sent.append(request.post_data_json)
        # The server hears it and answers; the page never does.
        await route.fetch()
        await route.abort("connectionreset")

    await page.route("**/graphql", lose)
    ticket = await _fill_ticket(page, "MSFT", "212", _FAR_LIMIT)
    await page.keyboard.press("Control+Enter")
    await expect(ticket.get_by_role("button", name="Send: Buy 212 MSFT")).to_be_visible()
    await page.keyboard.press("Control+Enter")

    await expect(ticket.get_by_role("alert")).to_contain_text(
        "not known whether the order arrived", timeout=SHOWN_MS_MAX
    )
    await expect(ticket.get_by_label("Quantity")).to_be_disabled()
    await ticket.get_by_role("button", name="Send again").click()

    await expect(ticket.get_by_text("Placed: buy 212 MSFT")).to_be_visible(timeout=SHOWN_MS_MAX)
    assert len(sent) == 1
    assert len(await _orders_of(demo, "212")) == 1


async def test_what_risk_refuses_is_told_before_and_after_it_is_sent(desk: Watch, demo: dict[str, Any]) -> None:
    page = desk.page
    ticket = await _fill_ticket(page, "MSFT", "100k", _FAR_LIMIT)
    preview = ticket.get_by_role("region", name="Preview")
    await expect(preview).to_contain_text("It would be refused.", timeout=SHOWN_MS_MAX)
    await expect(preview).to_contain_text("Max order quantity")

    await page.keyboard.press("Control+Enter")
    await ticket.get_by_role("button", name="Send: Buy 100,000 MSFT").click()

    await expect(ticket.get_by_role("alert")).to_contain_text(
        "Refused: order quantity 100000 is above", timeout=SHOWN_MS_MAX
    )
    row = _row(page, "100,000").first
    await expect(row).to_contain_text("Rejected")
    await row.click()
    drawer = page.get_by_role("complementary", name="Buy 100,000 MSFT")
    await expect(drawer.get_by_role("region", name="Risk checks")).to_contain_text("Failed", timeout=SHOWN_MS_MAX)
    # Other terms are another order: the refused one keeps its id to itself.
    await ticket.get_by_label("Quantity").fill("213")
    await page.keyboard.press("Control+Enter")
    await ticket.get_by_role("button", name="Send: Buy 213 MSFT").click()
    await expect(ticket.get_by_text("Placed: buy 213 MSFT")).to_be_visible(timeout=SHOWN_MS_MAX)
    _assert_clean(desk, demo)


async def test_an_order_is_changed_in_its_drawer(desk: Watch, demo: dict[str, Any]) -> None:
    page = desk.page
    order_id = await _place_far(demo, "214")
    await expect(_row(page, "214")).to_contain_text("Accepted", timeout=SHOWN_MS_MAX)

    await _row(page, "214").click()
    await page.get_by_role("button", name="Modify").click()
    form = page.get_by_role("form", name="Modify the order")
    await form.get_by_role("button", name="Send change").click()
    await expect(form.get_by_role("alert")).to_have_text("Nothing is different yet.")
    await form.get_by_label("Limit").fill("1.75")
    await form.get_by_label("Quantity").fill("215")
    await form.get_by_role("button", name="Send change").click()

    await expect(_row(page, "215")).to_contain_text("1.75", timeout=SHOWN_MS_MAX)
    (changed,) = await _orders_of(demo, "215")
    assert (changed["id"], changed["limitPrice"]) == (order_id, "1.75")
    requests = page.get_by_role("complementary").get_by_role("region", name="Requests")
    await expect(requests).to_contain_text("Accepted", timeout=SHOWN_MS_MAX)
    assert f"order={order_id}" in page.url
    _assert_clean(desk, demo)


async def test_many_orders_are_canceled_at_once_with_a_result_for_each(desk: Watch, demo: dict[str, Any]) -> None:
    page = desk.page
    quantities = ("216", "217", "218")
    for quantity in quantities:
        await _place_far(demo, quantity)
    for quantity in quantities:
        await expect(_row(page, quantity)).to_contain_text("Accepted", timeout=SHOWN_MS_MAX)
        await _row(page, quantity).get_by_role("checkbox").check()

    await page.get_by_role("button", name="Cancel 3 working").click()
    dialog = page.get_by_role("dialog", name="Cancel 3 orders?")
    await dialog.get_by_role("button", name="Cancel 3").click()

    done = page.get_by_role("dialog", name="Cancel asked for: 3 of 3")
    await expect(done.get_by_role("listitem")).to_have_count(3, timeout=SHOWN_MS_MAX)
    await done.get_by_role("button", name="Close").click()
    for quantity in quantities:
        await expect(_row(page, quantity)).to_contain_text("Canceled", timeout=SHOWN_MS_MAX)
    await expect(page.get_by_role("toolbar", name="Selected orders")).to_be_hidden()
    _assert_clean(desk, demo)


async def test_who_never_touches_a_mouse_places_changes_and_cancels(desk: Watch, demo: dict[str, Any]) -> None:
    page = desk.page
    press, write = page.keyboard.press, page.keyboard.type
    await press("g")
    await press("h")
    await expect(page).to_have_title("Overview · OMS Trading")
    await press("Control+k")
    await write("orders")
    await press("Enter")
    await expect(page).to_have_title("Orders · OMS Trading")

    await press("b")
    await expect(_ticket(page).get_by_label("Symbol")).to_be_focused(timeout=SHOWN_MS_MAX)
    await write("MSFT")
    for name in ("Buy", "Sell"):
        await press("Tab")
        await expect(_ticket(page).get_by_role("button", name=name, exact=True)).to_be_focused()
    for _ in range(3):
        await press("Tab")
    await expect(_ticket(page).get_by_label("Quantity")).to_be_focused()
    await write("219")
    await press("Tab")
    await write(_FAR_LIMIT)
    await expect(_ticket(page).get_by_role("button", name=re.compile("^Review Buy 219 MSFT"))).to_be_visible()
    await press("Control+Enter")
    await expect(_ticket(page).get_by_role("button", name="Send: Buy 219 MSFT")).to_be_visible()
    await press("Control+Enter")
    await expect(_ticket(page).get_by_role("button", name="New order")).to_be_focused(timeout=SHOWN_MS_MAX)
    await press("Escape")
    await expect(_row(page, "219")).to_contain_text("Accepted", timeout=SHOWN_MS_MAX)

    await press("j")
    await press("Enter")
    await expect(page.get_by_role("complementary", name="Buy 219 MSFT")).to_be_visible(timeout=SHOWN_MS_MAX)
    await press("m")
    await expect(page.get_by_role("form", name="Modify the order").get_by_label("Quantity")).to_be_focused()
    await write("220")
    await press("Enter")
    await expect(_row(page, "220")).to_contain_text("Accepted", timeout=SHOWN_MS_MAX)
    await expect(page.get_by_role("form", name="Modify the order")).to_be_hidden()
    await press("c")

    await expect(_row(page, "220")).to_contain_text("Canceled", timeout=SHOWN_MS_MAX)
    _assert_clean(desk, demo)


async def test_keys_are_text_where_somebody_types(desk: Watch) -> None:
    page = desk.page
    search = page.get_by_label("Search orders")
    await expect(search).to_be_visible(timeout=SHOWN_MS_MAX)

    await page.keyboard.press("/")
    await expect(search).to_be_focused()
    await page.keyboard.type("bsc?gh", delay=20)

    await expect(search).to_have_value("bsc?gh")
    await expect(_ticket(page)).to_be_hidden()
    await expect(page.get_by_role("dialog")).to_be_hidden()
    assert "q=bsc" in page.url


async def test_filters_and_columns_are_there_again_after_a_reload(desk: Watch, demo: dict[str, Any]) -> None:
    page = desk.page
    await page.get_by_label("Side", exact=True).select_option("SELL")
    await page.get_by_role("button", name="Columns").click()
    await page.get_by_role("dialog", name="Columns").get_by_label("Client order id", exact=True).check()
    head = page.get_by_role("columnheader", name="Client order id")
    await expect(head).to_be_visible()
    async with asyncio.timeout(SHOWN_MS_MAX / 1000):
        while True:
            stored = await page.evaluate(
                "fetch('/graphql', {method: 'POST', headers: {'content-type': 'application/json',"
                " 'x-oms-session': 'cookie'}, body: JSON.stringify({query: '{ viewer { user { preferences } } }'})})"
                ".then((response) => response.json())"
            )
            if "dashboard.table.orders" in stored["data"]["viewer"]["user"]["preferences"]:
                break

    await page.reload()

    await expect(head).to_be_visible(timeout=SHOWN_MS_MAX)
    await expect(page.get_by_label("Side", exact=True)).to_have_value("SELL")
    _assert_clean(desk, demo)


async def test_a_table_is_given_as_a_file_with_the_filters_on_screen(desk: Watch, demo: dict[str, Any]) -> None:
    page = desk.page
    await _place_far(demo, "221")
    await expect(_row(page, "221")).to_be_visible(timeout=SHOWN_MS_MAX)
    await page.get_by_label("Search orders").fill("no such thing")
    await expect(page.get_by_role("button", name="CSV")).to_be_disabled()
    await page.get_by_label("Search orders").fill("msft")

    async with page.expect_download() as started:
        await page.get_by_role("button", name="CSV").click()

    lines = Path(await (await started.value).path()).read_text().splitlines()
    assert lines[0].startswith("Time,Symbol,Side,Quantity")
    assert any(",MSFT,BUY,221," in line for line in lines)
    assert all(",MSFT," in line for line in lines[1:])


async def test_who_may_only_look_has_no_ticket(browser: Browser, demo: dict[str, Any]) -> None:
    credentials = {"email": demo["email"], "password": demo["password"]}
    token = (await ask(demo, _LOG_IN, {"i": credentials}))["login"]["tokens"]["accessToken"]
    made = (await ask(demo, _KEY, {"i": {"name": "looks", "scopes": _VIEWS}}, token=token))["createApiKey"]
    assert made["errors"] == []
    context = await browser.new_context(color_scheme="light", viewport={"width": 1440, "height": 900})
    watch = await Watch.open(context)
    page = watch.page

    await page.goto(f"{base(demo)}/sign-in?next=/trade")
    await page.get_by_role("button", name="Use an API key").click()
    await page.get_by_label("API key").fill(made["secret"])
    await page.get_by_role("button", name="Sign in").click()

    await expect(page).to_have_title("Trade · OMS Trading")
    await expect(page.get_by_role("region", name="Watchlist")).to_contain_text("AAPL", timeout=SHOWN_MS_MAX)
    await page.keyboard.press("b")
    await expect(_ticket(page)).to_have_count(0)
    await page.keyboard.press("g")
    await page.keyboard.press("o")
    await expect(page.get_by_role("grid", name="Orders")).to_be_visible(timeout=SHOWN_MS_MAX)
    await expect(page.get_by_role("button", name="New order")).to_have_count(0)
    _assert_clean(watch, demo)
    await context.close()


async def test_back_closes_the_drawer_and_stays_on_the_page(desk: Watch, demo: dict[str, Any]) -> None:
    page = desk.page
    await _place_far(demo, "223")
    await _row(page, "223").click()
    drawer = page.get_by_role("complementary", name="Buy 223 MSFT")
    await expect(drawer).to_be_visible(timeout=SHOWN_MS_MAX)

    await page.go_back()

    await expect(drawer).to_be_hidden()
    await expect(page.get_by_role("grid", name="Orders")).to_be_visible()


async def test_a_frozen_server_is_told_and_its_return_too(
    desk: Watch, demo: dict[str, Any], installation: Installation
) -> None:
    page = desk.page
    web = [pid for pid, name in installation.children().items() if name == "serve"]
    await expect(page.get_by_text("Broker", exact=True)).to_be_visible(timeout=SHOWN_MS_MAX)

    for pid in web:
        os.kill(pid, signal.SIGSTOP)
    try:
        await expect(page.get_by_text("Reconnecting", exact=True)).to_be_visible(timeout=_AWAY_MS_MAX)
        # What the broker is doing is not known either then, whatever it did.
        await expect(page.get_by_text(re.compile(r"^Broker unknown, \d+ s$"))).to_be_visible(timeout=_AWAY_MS_MAX)
        await expect(page.get_by_text("The connection to the server is away.")).to_be_visible(timeout=_AWAY_MS_MAX)
        await expect(page.get_by_text(re.compile("^Stale"))).to_be_visible(timeout=_AWAY_MS_MAX)
    finally:
        for pid in web:
            os.kill(pid, signal.SIGCONT)

    await expect_live(page)
    await expect(page.get_by_text(re.compile("^Stale"))).to_be_hidden(timeout=_AWAY_MS_MAX)
    await expect(page.get_by_text(re.compile("^Broker unknown"))).to_be_hidden(timeout=_AWAY_MS_MAX)
    await _place_far(demo, "222")
    await expect(_row(page, "222")).to_be_visible(timeout=SHOWN_MS_MAX)
