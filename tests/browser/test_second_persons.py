"""What takes two: a looser limit, an order over a threshold, a halt that is released."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.house import PASSWORD, SHOWN_MS_MAX, House, enter, expect_quiet
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser

_PLACE = """
mutation($i: PlaceOrderInput!) { placeOrder(input: $i) { order { id state } errors { code message path } } }
"""
_STATES = "{ orders(first: 200) { edges { node { id state quantity } } } }"


@asynccontextmanager
async def _at(browser: Browser, house: House, email: str, path: str, password: str = PASSWORD) -> AsyncIterator[Page]:
    """The page of somebody who has signed in; at its end it has complained of nothing."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    watch = await Watch.open(context)
    await enter(watch.page, house, email, password, path=path)
    yield watch.page
    expect_quiet(watch, house)
    await context.close()


async def _place(house: House, quantity: str, *, symbol: str = "META", token: str | None = None, **terms: Any) -> Any:
    order = {
        "accountId": house.demo["accountId"],
        "symbol": symbol,
        "side": "BUY",
        "orderType": "LIMIT",
        "limitPrice": "1.50",
        "quantity": quantity,
        "clientOrderId": uuid4().hex,
        **terms,
    }
    return (await house.query(_PLACE, {"i": order}, token=token))["placeOrder"]


async def _set_limit(page: Page, value: str, why: str, *, is_shadow: bool = False) -> None:
    await page.get_by_role("button", name="New limit").click()
    dialog = page.get_by_role("dialog", name="New limit")
    await dialog.get_by_label("What it holds").select_option("MAX_ORDER_QUANTITY")
    await dialog.get_by_label("Instrument").fill("meta")
    await dialog.get_by_label("Units").fill(value)
    if is_shadow:
        await dialog.get_by_label("Shadow: recorded beside the others").check()
    await dialog.get_by_label("Why").fill(why)
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_have_count(0, timeout=SHOWN_MS_MAX)


def _limit_row(page: Page, value: str) -> Locator:
    rows = page.get_by_role("grid", name="Limits").get_by_role("row").filter(has_text="META")
    return rows.filter(has=page.get_by_role("gridcell", name=value))


async def _loosen(page: Page, before: str, after: str) -> None:
    await _limit_row(page, before).get_by_role("gridcell").nth(1).click(timeout=SHOWN_MS_MAX)
    await page.get_by_role("complementary", name="Order quantity").get_by_role("button", name="Change").click()
    dialog = page.get_by_role("dialog", name="Change: Order quantity")
    await dialog.get_by_label("Units").fill(after)
    await dialog.get_by_label("Why").fill("a larger book")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_have_count(0, timeout=SHOWN_MS_MAX)


def _proposal(page: Page, words: str) -> Locator:
    return page.get_by_role("main").get_by_role("listitem").filter(has_text=words)


async def test_what_loosens_a_limit_waits_for_another_person_who_rejects_or_approves_it(
    browser: Browser, house: House
) -> None:
    first, second = await house.member("MANAGER"), await house.member("COMPLIANCE")
    async with (
        _at(browser, house, first, "/risk?tab=limits") as maker,
        _at(browser, house, second, "/risk?tab=proposals") as other,
    ):
        await _set_limit(maker, "50", "a small book")
        await _loosen(maker, "50", "60")
        own = _proposal(maker, "60")
        await expect(own).to_contain_text("a larger book", timeout=SHOWN_MS_MAX)
        await expect(own.get_by_role("button", name="Approve")).to_have_count(0)
        refused = await _place(house, "55")
        assert [error["code"] for error in refused["errors"]] == ["RISK_MAX_ORDER_QUANTITY"]

        await _proposal(other, "60").get_by_role("button", name="Reject").click(timeout=SHOWN_MS_MAX)
        question = other.get_by_role("dialog", name="Reject the change")
        await question.get_by_label("Why").fill("too much")
        await question.get_by_role("button", name="Reject").click()
        await expect(_proposal(other, "60")).to_have_count(0, timeout=SHOWN_MS_MAX)
        await maker.get_by_label("Which proposals").select_option("all")
        await expect(own.first).to_contain_text("too much", timeout=SHOWN_MS_MAX)
        await expect(own.first).to_contain_text("Rejected")

        await maker.goto(f"{house.base}/risk?tab=limits")
        await _loosen(maker, "50", "70")
        await _proposal(other, "70").get_by_role("button", name="Approve").click(timeout=SHOWN_MS_MAX)
        question = other.get_by_role("dialog", name="Approve the change")
        await question.get_by_role("button", name="Approve").click()
        await expect(_proposal(other, "70")).to_have_count(0, timeout=SHOWN_MS_MAX)

    assert (await _place(house, "65"))["errors"] == []


async def test_a_shadow_tells_what_it_would_have_blocked_and_blocks_nothing(browser: Browser, house: House) -> None:
    async with _at(browser, house, house.email, "/risk?tab=limits", house.password) as page:
        await _set_limit(page, "11", "to see", is_shadow=True)
        placed = await _place(house, "12")
        assert placed["errors"] == []

        await _limit_row(page, "11").get_by_role("gridcell").nth(1).click(timeout=SHOWN_MS_MAX)
        report = page.get_by_role("region", name="What it would have blocked")

        await expect(report).to_contain_text(re.compile(r"\d of \d"), timeout=SHOWN_MS_MAX)
        await report.get_by_role("link", name="Buy 12 META").first.click()
        await expect(page.get_by_role("complementary", name="Buy 12 META")).to_be_visible(timeout=SHOWN_MS_MAX)


async def test_an_order_over_the_policy_leaves_when_a_second_person_approves_it(browser: Browser, house: House) -> None:
    trader, officer = await house.member("TRADER"), await house.member("COMPLIANCE")
    async with _at(browser, house, house.email, "/settings?tab=policies", house.password) as page:
        await page.get_by_role("button", name="New policy").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label(re.compile("worth", re.IGNORECASE)).fill("7000")
        await dialog.get_by_role("button", name="Save").click()
        await expect(dialog).to_have_count(0, timeout=SHOWN_MS_MAX)
    token = await house.entered(trader)
    kept, dropped = [
        await _place(house, quantity, symbol="AMZN", token=token, limitPrice="10") for quantity in ("701", "702")
    ]
    async with _at(browser, house, officer, "/approvals") as page:

        def waiting(quantity: str) -> Locator:
            head = page.get_by_role("heading", name=f"Buy {quantity} AMZN")
            return page.get_by_role("list", name="Orders that wait").get_by_role("listitem").filter(has=head)

        await expect(waiting("701")).to_be_visible(timeout=SHOWN_MS_MAX)
        await waiting("701").get_by_role("button", name="Approve").click()
        await page.get_by_role("dialog").get_by_role("button", name="Approve").click()
        await expect(waiting("701")).to_have_count(0, timeout=SHOWN_MS_MAX)
        await waiting("702").get_by_role("button", name="Reject").click()
        await page.get_by_role("dialog").get_by_label("Why").fill("not today")
        await page.get_by_role("dialog").get_by_role("button", name="Reject").click()
        await expect(waiting("702")).to_have_count(0, timeout=SHOWN_MS_MAX)

    states: dict[str, str] = {}
    async with asyncio.timeout(SHOWN_MS_MAX / 1000):
        while states.get(kept["order"]["id"]) != "ACCEPTED":
            states = {
                each["node"]["id"]: each["node"]["state"] for each in (await house.query(_STATES))["orders"]["edges"]
            }
    assert states[dropped["order"]["id"]] == "REJECTED"


async def test_a_file_of_restricted_names_is_tried_taken_and_refuses_in_the_ticket_with_its_reason(
    browser: Browser, house: House
) -> None:
    name = f"List {uuid4().hex[:6]}"
    content = b"symbol,kind,reason\njpm,NO_TRADE,we advise them\nqqq,NOTIFY,watch\n,NO_TRADE,nameless\n"
    async with _at(browser, house, house.email, "/compliance", house.password) as page:
        await page.get_by_role("button", name="New list").click()
        made = page.get_by_role("dialog", name="New restricted list")
        await made.get_by_label("Name", exact=True).fill(name)
        await made.get_by_label("Tell a refused trader the reason of the entry").check()
        await made.get_by_label("Why").fill("a mandate")
        await made.get_by_role("button", name="Save").click()
        await page.get_by_role("button", name="Import CSV").click(timeout=SHOWN_MS_MAX)
        dialog = page.get_by_role("dialog", name=f"Import into {name}")
        await dialog.get_by_label("File", exact=True).set_input_files(
            {"name": "l.csv", "mimeType": "text/csv", "buffer": content}
        )
        await dialog.get_by_label("Why the list changes").fill("signed today")
        await dialog.get_by_role("button", name="Try it").click()
        await expect(dialog.get_by_text("Nothing was stored yet.")).to_be_visible(timeout=SHOWN_MS_MAX)
        await expect(dialog.get_by_role("status")).to_contain_text("2 added, 1 refused")
        await dialog.get_by_label("Only tell").uncheck()
        await dialog.get_by_label("Take the lines").check()
        await dialog.get_by_role("button", name="Import", exact=True).click()
        await expect(dialog.get_by_text("Stored.")).to_be_visible(timeout=SHOWN_MS_MAX)
        await page.keyboard.press("Escape")
        entries = page.get_by_role("group", name=f"Entries of {name}")
        await expect(entries).to_contain_text("JPM", timeout=SHOWN_MS_MAX)

        await page.keyboard.press("b")
        ticket = page.get_by_role("form", name="Order ticket")
        await ticket.get_by_label("Symbol").fill("JPM")
        await ticket.get_by_label("Quantity").fill("5")
        await ticket.get_by_label("Limit", exact=True).fill("1.50")
        await expect(ticket.get_by_role("button", name=re.compile("^Review Buy 5 JPM"))).to_be_visible()
        await page.keyboard.press("Control+Enter")
        await ticket.get_by_role("button", name="Send: Buy 5 JPM").click()

        await expect(ticket.get_by_role("alert")).to_contain_text("we advise them", timeout=SHOWN_MS_MAX)


async def test_a_circuit_breaker_trips_halts_and_is_released_by_another(browser: Browser, house: House) -> None:
    officer = await house.member("MANAGER")
    async with _at(browser, house, house.email, "/risk?tab=breakers", house.password) as page:
        await page.get_by_role("button", name="New breaker").click()
        dialog = page.get_by_role("dialog", name="New circuit breaker")
        await dialog.get_by_label("What it watches").select_option("REJECT_RATE")
        await dialog.get_by_label("At percent rejected").fill("50")
        await dialog.get_by_label("Once so many orders were asked for").fill("3")
        await dialog.get_by_label("Action").select_option("HALTED")
        await dialog.get_by_label("Cooldown after a release").fill("3600")
        await dialog.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("group", name="Circuit breakers")).to_contain_text(
            "50 % within 60 s", timeout=SHOWN_MS_MAX
        )

        async with asyncio.timeout(60):
            while "TRADING_HALTED" not in {error["code"] for error in (await _place(house, "20000"))["errors"]}:
                await asyncio.sleep(0.2)

        await expect(page.get_by_text("Trading is halted: the whole firm")).to_be_visible(timeout=SHOWN_MS_MAX)
        await expect(page.get_by_role("status", name="Notices of the system")).to_contain_text("Circuit breakers")
        await expect(page.get_by_role("group", name="Trips")).to_contain_text("In force", timeout=SHOWN_MS_MAX)
        async with _at(browser, house, officer, "/risk?tab=halts") as other:
            await other.get_by_role("button", name="Release").first.click(timeout=SHOWN_MS_MAX)
            release = other.get_by_role("dialog", name="Release the halt")
            await release.get_by_label("Why trading may go on").fill("it was a test")
            await release.get_by_role("button", name="Release").click()
            await expect(release).to_have_count(0, timeout=SHOWN_MS_MAX)
        await expect(page.get_by_text("Trading is halted: the whole firm")).to_have_count(0, timeout=SHOWN_MS_MAX)
        await page.get_by_role("group", name="Circuit breakers").get_by_role("button", name="Delete").click()
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        breakers = page.get_by_role("group", name="Circuit breakers")
        await expect(breakers).to_contain_text("Waits for a second person", timeout=SHOWN_MS_MAX)
        await expect(breakers.get_by_role("button", name="Confirm")).to_have_count(0)
        async with _at(browser, house, officer, "/risk?tab=breakers") as other:
            asked = other.get_by_role("group", name="Circuit breakers").get_by_role("button", name="Confirm")
            await asked.click(timeout=SHOWN_MS_MAX)
            await expect(other.get_by_role("dialog")).to_contain_text("wants to delete the circuit breaker")
            await other.get_by_role("dialog").get_by_role("button", name="Confirm").click()
            await expect(other.get_by_text("Nothing halts by itself.")).to_be_visible(timeout=SHOWN_MS_MAX)
        await expect(page.get_by_text("Nothing halts by itself.")).to_be_visible(timeout=SHOWN_MS_MAX)
    assert (await _place(house, "3"))["errors"] == []
