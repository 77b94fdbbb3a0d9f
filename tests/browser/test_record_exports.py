"""Order records in the dashboard: a file is asked for, written, fetched; a refused change shows its checks."""

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.demo import ask
from tests.browser.house import PASSWORD, SHOWN_MS_MAX, House, expect_quiet, sign_in
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser

_PLACE = "mutation($i: PlaceOrderInput!) { placeOrder(input: $i) { order { id state } errors { code } } }"
_STATE = "query($id: ID!) { order(id: $id) { state } }"
_MODIFY = "mutation($i: ModifyOrderInput!) { modifyOrder(input: $i) { errors { code } } }"
_LIMIT = "mutation($i: SetRiskLimitInput!) { setRiskLimit(input: $i) { riskLimit { id } errors { code } } }"
_WRITTEN_MS_MAX = 30_000


async def _working(house: House) -> str:
    order = {
        "accountId": house.demo["accountId"],
        "symbol": "QQQ",
        "side": "BUY",
        "orderType": "LIMIT",
        "limitPrice": "1.50",
        "quantity": "10",
        "clientOrderId": uuid4().hex,
    }
    placed: Mapping[str, Any] = (await ask(house.demo, _PLACE, {"i": order}))["placeOrder"]
    assert placed["errors"] == []
    order_id = str(placed["order"]["id"])
    async with asyncio.timeout(20):
        while (await ask(house.demo, _STATE, {"id": order_id}))["order"]["state"] != "ACCEPTED":
            await asyncio.sleep(0.05)
    return order_id


async def test_a_compliance_officer_asks_for_records_and_fetches_the_file(
    watch: Watch, house: House, tmp_path: Path
) -> None:
    page = watch.page
    order_id = await _working(house)
    email = await house.member("COMPLIANCE")
    await sign_in(page, house, email, PASSWORD)
    await expect(page.get_by_role("button", name="Sign out", exact=True)).to_be_visible(timeout=SHOWN_MS_MAX)
    await page.goto(f"{house.base}/compliance?tab=records")
    files = page.get_by_role("group", name="Files of records")
    fetch = files.get_by_role("button", name=re.compile("^Download order-records-"))
    await expect(files.or_(page.get_by_text("No file was asked for."))).to_be_visible(timeout=SHOWN_MS_MAX)
    known = await fetch.count()
    await page.get_by_role("button", name="Ask for a file").click(timeout=SHOWN_MS_MAX)
    dialog = page.get_by_role("dialog", name="Ask for a file of records")

    # More than a year is refused beside the field that says so.
    days = dialog.get_by_label("First day")
    today = await days.input_value()
    await days.fill(f"{int(today[:4]) - 2}{today[4:]}")
    await dialog.get_by_role("button", name="Ask for it").click()
    await expect(dialog.get_by_label("Last day")).to_have_attribute("aria-invalid", "true", timeout=SHOWN_MS_MAX)
    await days.fill(today)
    await dialog.get_by_role("button", name="Ask for it").click()
    await expect(dialog).to_have_count(0, timeout=SHOWN_MS_MAX)
    await expect(fetch).to_have_count(known + 1, timeout=_WRITTEN_MS_MAX)
    async with page.expect_download() as downloading:
        await fetch.first.click()
    download = await downloading.value
    saved = tmp_path / download.suggested_filename
    await download.save_as(saved)

    lines = saved.read_bytes().splitlines()
    assert re.fullmatch(r"order-records-\d{8}T\d{6}Z-\d{8}T\d{6}Z-[0-9a-f]{12}\.jsonl", saved.name)
    assert "export" in json.loads(lines[0])
    assert order_id in {json.loads(line)["order"]["id"] for line in lines[1:]}
    # The same address gives nothing to who is not signed in.
    async with httpx.AsyncClient() as stranger:
        assert (await stranger.get(download.url)).status_code == 401
        bearer = {"Authorization": f"Bearer {house.token}"}
        whole = await stranger.get(download.url, headers=bearer)
    assert hashlib.sha256(whole.content).digest() == hashlib.sha256(saved.read_bytes()).digest()
    await page.set_viewport_size({"width": 390, "height": 844})
    await expect(fetch.first).to_be_visible()
    expect_quiet(watch, house)


async def test_a_refused_change_shows_its_checks_beside_the_request(watch: Watch, house: House) -> None:
    page = watch.page
    order_id = await _working(house)
    limit = {
        "limitType": "MAX_ORDER_QUANTITY",
        "value": "40",
        "conditions": {"symbols": ["QQQ"]},
        "reason": "a journey",
    }
    set_limit = (await house.ask(_LIMIT, token=house.token, given=limit)) or {}
    assert set_limit["errors"] == []

    refused = (await ask(house.demo, _MODIFY, {"i": {"orderId": order_id, "quantity": "41"}}))["modifyOrder"]
    await sign_in(page, house, house.demo["email"], house.demo["password"])
    await expect(page.get_by_role("button", name="Sign out", exact=True)).to_be_visible(timeout=SHOWN_MS_MAX)
    await page.goto(f"{house.base}/orders?order={order_id}")

    requests = page.get_by_role("region", name="Requests")
    await expect(requests).to_contain_text("Refused here", timeout=SHOWN_MS_MAX)
    await expect(requests).to_contain_text("RISK_MAX_ORDER_QUANTITY")
    await requests.get_by_text(re.compile(r"risk checks?, \d refused")).click()
    await expect(requests).to_contain_text("What would have passed: passes at a quantity of 40")
    await expect(requests.get_by_role("link", name="held in its version 1").first).to_be_visible()
    assert [error["code"] for error in refused["errors"]] == ["RISK_MAX_ORDER_QUANTITY"]
    expect_quiet(watch, house)
