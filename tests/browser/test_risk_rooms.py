"""Who keeps the risk of a firm: sets a limit, restricts a name, halts, and has another person release."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, Page, expect

from app.flows.desk import open_desk
from app.flows.positions.snapshot_pnl import snapshot_tenant
from app.flows.risk.keep_value_at_risk import DayEndDesk, keep_day
from app.infra.db import Database, DatabaseRole
from app.infra.reach import reachable_settings
from app.infra.settings import Settings
from app.infra.system import SystemIds
from app.infra.uow import begin_system
from tests.browser.demo import ask, expect_live
from tests.browser.house import PASSWORD, SHOWN_MS_MAX, House, expect_quiet, sign_in
from tests.browser.watch import Watch
from tests.fakes import SetClock

pytestmark = pytest.mark.browser

_PLACE = "mutation($i: PlaceOrderInput!) { placeOrder(input: $i) { order { id state } errors { code message path } } }"
_LIMITS = "{ riskLimits { value conditions warnAt } }"
_HALT = "mutation($i: HaltTradingInput!) { haltTrading(input: $i) { halt { id } errors { code message path } } }"
_LIMIT = "mutation($i: SetRiskLimitInput!) { setRiskLimit(input: $i) { riskLimit { id } errors { code message } } }"
_HELD_ONE = '{ instruments(search: "IWM", first: 1) { edges { node { id symbol } } } }'
_HELD = "{ positions { quantity instrument { symbol } } }"
_HISTORY = """
query($l: ID!, $s: DateTime!, $e: DateTime!) {
  riskUtilisationHistory(limitId: $l, start: $s, end: $e) { points { at ratio } }
}
"""
FILLED_S_MAX = 20.0
MINUTE_OVER_S_MAX = 80.0


@pytest.fixture
async def officer(browser: Browser, house: House) -> AsyncIterator[Watch]:
    """The page of the demo's administrator."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    watch = await Watch.open(context)
    await _enter(watch.page, house, house.demo["email"], house.demo["password"])
    yield watch
    await context.close()


async def _enter(page: Page, house: House, email: str, password: str) -> None:
    await sign_in(page, house, email, password)
    await expect_live(page)


async def _place(house: House, symbol: str, quantity: str) -> Mapping[str, Any]:
    order = {
        "accountId": house.demo["accountId"],
        "symbol": symbol,
        "side": "BUY",
        "orderType": "LIMIT",
        "limitPrice": "1.50",
        "quantity": quantity,
        "clientOrderId": uuid4().hex,
    }
    placed: Mapping[str, Any] = (await ask(house.demo, _PLACE, {"i": order}))["placeOrder"]
    return placed


async def _limits(house: House) -> list[dict[str, Any]]:
    limits: list[dict[str, Any]] = (await ask(house.demo, _LIMITS))["riskLimits"]
    return limits


async def test_a_limit_that_is_set_refuses_the_next_order_which_tells_what_would_have_passed(
    officer: Watch, house: House
) -> None:
    page = officer.page
    await page.goto(f"{house.base}/risk?tab=limits")
    await page.get_by_role("button", name="New limit").click()
    dialog = page.get_by_role("dialog", name="New limit")
    await dialog.get_by_label("What it holds").select_option("MAX_ORDER_QUANTITY")
    await dialog.get_by_label("Instrument").fill("nosuchname")
    await dialog.get_by_label("Units").fill("40")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_text("is no instrument of the firm")).to_be_visible(timeout=SHOWN_MS_MAX)
    await dialog.get_by_label("Instrument").fill("tsla")
    await dialog.get_by_label("Why").fill("a journey")
    await dialog.get_by_role("button", name="Save").click()
    limits = page.get_by_role("grid", name="Limits")
    await expect(limits.get_by_role("row").filter(has_text="TSLA")).to_contain_text("40", timeout=SHOWN_MS_MAX)

    refused = await _place(house, "TSLA", "41")

    assert [error["code"] for error in refused["errors"]] == ["RISK_MAX_ORDER_QUANTITY"]
    await page.goto(f"{house.base}/orders?order={refused['order']['id']}")
    checks = page.get_by_role("region", name="Risk checks")
    await expect(checks).to_contain_text("What would have passed", timeout=SHOWN_MS_MAX)
    await expect(checks).to_contain_text("quantity of 40")
    await checks.get_by_role("link", name="The limit").first.click()
    await expect(page.get_by_role("complementary", name="Order quantity")).to_contain_text("TSLA", timeout=SHOWN_MS_MAX)
    assert (await _place(house, "TSLA", "40"))["errors"] == []
    expect_quiet(officer, house)


async def test_conditions_of_a_limit_are_chosen_and_what_is_wrong_with_them_stands_at_its_field(
    officer: Watch, house: House
) -> None:
    page = officer.page
    await page.goto(f"{house.base}/risk?tab=limits")
    await page.get_by_role("button", name="New limit").click()
    dialog = page.get_by_role("dialog", name="New limit")
    await dialog.get_by_label("What it holds").select_option("MAX_ORDERS_PER_MINUTE")
    await dialog.get_by_label("How many").fill("777")
    await dialog.get_by_label("Within so many seconds").fill("90")
    await dialog.get_by_label("Buys").check()
    await dialog.get_by_label("Only these symbols").fill("ibm, brk b")
    await dialog.get_by_role("button", name="Add hours").click()
    hours = dialog.get_by_role("group", name="Hours 1")
    await hours.get_by_label("Mon").uncheck()
    await hours.get_by_label("Until").fill("08:00")
    await hours.get_by_label("By the clock of").select_option("America/New_York")
    await dialog.get_by_label("Warn at, percent of it").fill("62.5")
    await dialog.get_by_role("button", name="Save").click()
    until = hours.get_by_label("Until")
    await expect(until).to_have_attribute("aria-invalid", "true", timeout=SHOWN_MS_MAX)
    await expect(hours).to_contain_text("a window ends behind its beginning")

    await until.fill("16:00")
    await dialog.get_by_text("Conditions as JSON").click()
    code = dialog.get_by_label("JSON")
    await expect(code).to_have_value(re.compile(r'"windowSeconds": 90,\s+"sides": \[\s+"BUY"'))
    await code.fill("{oops")
    await expect(dialog.get_by_role("button", name="Add hours")).to_be_disabled()
    hours_of_the_week = {"weekdays": [2, 3, 4, 5], "from": "09:30", "to": "16:00", "zone": "America/New_York"}
    wanted = {"windowSeconds": 60, "sides": ["BUY"], "symbols": ["IBM", "BRK B"], "times": [hours_of_the_week]}
    await code.fill(json.dumps(wanted))
    await expect(dialog.get_by_label("Within so many seconds")).to_have_value("60")
    await dialog.get_by_role("button", name="Save").click()

    await expect(dialog).to_have_count(0, timeout=SHOWN_MS_MAX)
    kept = [each for each in (await _limits(house)) if each["value"] == "777"]
    assert [(each["conditions"], each["warnAt"]) for each in kept] == [(wanted, "0.625")]
    await page.get_by_role("grid", name="Limits").get_by_role("row").filter(has_text="777").click()
    drawer = page.get_by_role("complementary", name="Orders per minute")
    await drawer.get_by_role("button", name="Change").click()
    dialog = page.get_by_role("dialog", name="Change: Orders per minute")
    await dialog.get_by_label("Sells").check()
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_have_count(0, timeout=SHOWN_MS_MAX)
    changed = [each["conditions"] for each in (await _limits(house)) if each["value"] == "777"]
    assert changed == [{**wanted, "sides": ["BUY", "SELL"]}]
    expect_quiet(officer, house)


async def test_a_restricted_name_lets_no_order_pass_and_shows_who_tried(officer: Watch, house: House) -> None:
    page = officer.page
    name = f"List {uuid4().hex[:6]}"
    await page.goto(f"{house.base}/compliance")
    await page.get_by_role("button", name="New list").click()
    dialog = page.get_by_role("dialog", name="New restricted list")
    await dialog.get_by_label("Name", exact=True).fill(name)
    await dialog.get_by_label("Why").fill("a mandate")
    await dialog.get_by_role("button", name="Save").click()
    await page.get_by_role("button", name="Add an entry").click(timeout=SHOWN_MS_MAX)
    entry = page.get_by_role("dialog", name=f"Add to {name}")
    await entry.get_by_label("Symbol").fill("nvda")
    await entry.get_by_label("Reason of the entry").fill("a mandate")
    await entry.get_by_label("Why the list changes").fill("signed today")
    await entry.get_by_role("button", name="Add", exact=True).click()
    entries = page.get_by_role("group", name=f"Entries of {name}")
    await expect(entries).to_contain_text("NVDA", timeout=SHOWN_MS_MAX)

    refused = await _place(house, "NVDA", "5")

    assert [error["code"] for error in refused["errors"]] == ["COMPLIANCE_REFUSED"]
    told = page.get_by_role("status", name="Messages").get_by_text("Restricted name touched: blocked")
    await expect(told).to_be_visible(timeout=SHOWN_MS_MAX)
    await page.get_by_role("link", name="Alerts").click()
    alerts = page.get_by_role("group", name="Restricted names touched")
    await expect(alerts.get_by_role("row").filter(has_text="NVDA")).to_contain_text("Blocked", timeout=SHOWN_MS_MAX)
    expect_quiet(officer, house)


async def test_a_halt_is_told_to_everybody_and_released_by_another_person(
    officer: Watch, browser: Browser, house: House
) -> None:
    second = await house.member("MANAGER")
    halt = {"scope": "TENANT", "mode": "HALTED", "reason": "prices look odd"}
    await house.ask(_HALT, token=house.token, given=halt)
    banner = officer.page.get_by_text("Trading is halted: the whole firm")
    await expect(banner).to_be_visible(timeout=SHOWN_MS_MAX)
    assert [error["code"] for error in (await _place(house, "MSFT", "7"))["errors"]] == ["TRADING_HALTED"]

    await officer.page.get_by_role("button", name="Release").click()
    dialog = officer.page.get_by_role("dialog", name="Release the halt")
    await dialog.get_by_label("Why trading may go on").fill("they are fine")
    await dialog.get_by_role("button", name="Release").click()
    await expect(dialog.get_by_role("alert")).not_to_be_empty(timeout=SHOWN_MS_MAX)
    await dialog.get_by_role("button", name="Cancel").click()
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    other = await Watch.open(context)
    await _enter(other.page, house, second, PASSWORD)
    await other.page.get_by_role("button", name="Release").click()
    theirs = other.page.get_by_role("dialog", name="Release the halt")
    await expect(theirs).to_contain_text("prices look odd")
    await theirs.get_by_label("Why trading may go on").fill("they are fine")
    await theirs.get_by_role("button", name="Release").click()

    await expect(theirs).to_have_count(0, timeout=SHOWN_MS_MAX)
    await expect(banner).to_have_count(0, timeout=SHOWN_MS_MAX)
    assert (await _place(house, "MSFT", "7"))["errors"] == []
    await officer.page.goto(f"{house.base}/risk?tab=halts")
    released = officer.page.get_by_role("group", name="Halts that were released")
    await expect(released).to_contain_text("they are fine", timeout=SHOWN_MS_MAX)
    expect_quiet(officer, house)
    expect_quiet(other, house)
    await context.close()


async def _hold(house: House, symbol: str, quantity: str) -> None:
    order = {
        "accountId": house.demo["accountId"],
        "symbol": symbol,
        "side": "BUY",
        "orderType": "MARKET",
        "quantity": quantity,
        "clientOrderId": uuid4().hex,
    }
    assert (await ask(house.demo, _PLACE, {"i": order}))["placeOrder"]["errors"] == []
    async with asyncio.timeout(FILLED_S_MAX):
        while quantity not in [one["quantity"] for one in (await ask(house.demo, _HELD))["positions"]]:
            await asyncio.sleep(0.2)


async def _end_days(house: House, count: int) -> None:
    """What the worker does at the ends of these days, today's first: by its own code, on the house's servers."""
    settings = await reachable_settings(Settings(environment="development", state_dir=house.mails.folder.parent))
    zone, ids = ZoneInfo("UTC"), SystemIds()
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    account_id = UUID(house.demo["accountId"])
    async with open_desk(settings) as desk:
        database = Database(settings.database_url or "", DatabaseRole.SYSTEM, size=1)
        await database.open()
        async with begin_system(database) as session:
            rows = await session.fetch("SELECT tenant_id FROM broker_accounts WHERE id = $1", account_id)
        await database.close()
        tenant_id = rows[0]["tenant_id"]
        for place in range(count):
            now = midnight + timedelta(days=place + 1, minutes=1)
            await snapshot_tenant(
                desk.database, desk.redis, tenant_id, now=now, ids=ids, timezone=zone, interval_s=86_400
            )
            ending = DayEndDesk(
                database=desk.database, redis=desk.redis, clock=SetClock(now), ids=ids, trading_timezone=zone
            )
            assert await keep_day(ending, tenant_id) > 0


async def test_how_full_a_limit_was_and_what_was_at_risk_are_charts_of_what_the_system_kept(
    officer: Watch, house: House
) -> None:
    page = officer.page
    (instrument,) = (await ask(house.demo, _HELD_ONE))["instruments"]["edges"]
    limit = {"limitType": "MAX_POSITION_QUANTITY", "value": "50", "reason": "a journey"}
    limit["instrumentId"] = instrument["node"]["id"]
    limit_id = (await house.ask(_LIMIT, token=house.token, given=limit))["riskLimit"]["id"]
    await _hold(house, "IWM", "45")
    await page.goto(f"{house.base}/risk?tab=limits&limit={limit_id}")
    history = page.get_by_role("region", name="Utilisation over time")
    await expect(history).to_be_visible(timeout=SHOWN_MS_MAX)
    # The minute has to be over: then the monitor's looks of it are one sample.
    async with asyncio.timeout(MINUTE_OVER_S_MAX):
        while not any(one["ratio"] == 0.9 for one in await _points(house, limit_id)):
            await asyncio.sleep(0.5)

    await history.get_by_role("button", name="Week").click()

    await expect(history.get_by_role("img")).to_have_attribute(
        "aria-label", re.compile(r"Used from .* to 90 %, 90 % at the end"), timeout=SHOWN_MS_MAX
    )
    await expect(history).to_contain_text("The highest of every 30 minutes")
    await _end_days(house, 3)
    await page.goto(f"{house.base}/risk?tab=analytics")
    days = page.get_by_role("group", name="What was at risk at the end of each day")
    await expect(days.get_by_role("row")).to_have_count(4, timeout=SHOWN_MS_MAX)
    await expect(page.get_by_role("img", name="Value at risk of 3 days")).to_be_visible()
    expect_quiet(officer, house)


async def _points(house: House, limit_id: str) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    asked = {"l": limit_id, "s": (now - timedelta(hours=1)).isoformat(), "e": now.isoformat()}
    points: list[dict[str, Any]] = (await ask(house.demo, _HISTORY, asked))["riskUtilisationHistory"]["points"]
    return points
