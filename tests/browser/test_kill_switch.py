"""The kill switch from the top bar of the running demo: typed, told, and in force."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Browser, expect

from tests.browser.demo import SHOWN_MS_MAX, ask, expect_live, sign_in
from tests.browser.watch import Watch
from tests.installation import installed

pytestmark = pytest.mark.browser

_PLACE = "mutation($i: PlaceOrderInput!) { placeOrder(input: $i) { order { id } errors { code } } }"


@pytest.fixture
async def demo(static_dir: Path) -> AsyncIterator[dict[str, Any]]:
    """The whole system as `make run` starts it."""
    assert static_dir.is_dir()
    async with installed() as installation:
        yield await installation.demo()


async def test_the_kill_switch_wants_a_word_cancels_what_works_and_bars_what_comes(
    browser: Browser, demo: dict[str, Any]
) -> None:
    order = {
        "accountId": demo["accountId"],
        "symbol": "MSFT",
        "side": "BUY",
        "orderType": "LIMIT",
        "limitPrice": "1.50",
        "quantity": "231",
    }
    placed = await ask(demo, _PLACE, {"i": {**order, "clientOrderId": uuid4().hex}})
    assert placed["placeOrder"]["errors"] == []
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    watch = await Watch.open(context)
    page = watch.page
    await sign_in(page, demo, "/orders")
    await expect_live(page)
    row = page.get_by_role("grid", name="Orders").get_by_role("row").filter(has_text="231")
    await expect(row).to_contain_text("Accepted", timeout=SHOWN_MS_MAX)

    await page.get_by_role("button", name="Kill switch").click()
    dialog = page.get_by_role("dialog", name="Kill switch")
    activate = dialog.get_by_role("button", name="Activate the kill switch")
    await dialog.get_by_label("Why").fill("a journey")
    await expect(activate).to_be_disabled()
    await dialog.get_by_label(f"Type {demo['tenant']} to confirm").fill(demo["tenant"])
    await activate.click()

    done = page.get_by_role("dialog", name="The kill switch is on")
    await expect(done).to_contain_text("Every account is done.", timeout=SHOWN_MS_MAX)
    await expect(done).to_contain_text("1 order")
    await done.get_by_role("button", name="Close").click()
    await expect(page.get_by_text("Trading is halted: the whole firm")).to_be_visible()
    await expect(row).to_contain_text("Canceled", timeout=SHOWN_MS_MAX)
    refused = await ask(demo, _PLACE, {"i": {**order, "clientOrderId": uuid4().hex}})
    assert refused["placeOrder"]["errors"] != []
    assert watch.complaints == []
    await context.close()
