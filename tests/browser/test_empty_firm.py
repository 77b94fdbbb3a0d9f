"""A firm on its first day: every room has words for nothing, and none shows what only a program reads."""

import json
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.house import SHOWN_MS_MAX, House, enter, expect_quiet
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser

_ENUM_WORD = re.compile(r"\b(?!OMS_)[A-Z]{2,}_[A-Z_]+\b")
_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
# The log names what was acted upon, as programs do: it is searched by that.
_HAS_IDS = {"/audit"}
_UNFINISHED = re.compile(
    r"\b(undefined|NaN|null|Invalid Date|\[object|TODO|coming soon|placeholder|not implemented)", re.I
)


async def test_every_room_and_tab_of_a_new_firm_is_finished(browser: Browser, house: House, static_dir: Path) -> None:
    firm = await house.founded()
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    watch = await Watch.open(context)
    page = watch.page
    await enter(page, firm, firm.email)
    room = page.get_by_role("main")
    odd: dict[str, list[str]] = {}
    for path in json.loads((static_dir / "rooms.json").read_bytes()):
        await page.goto(firm.base + path)
        await expect(page.get_by_text(firm.email).first).to_be_visible(timeout=SHOWN_MS_MAX)
        await expect(room.get_by_role("heading", level=1)).to_be_visible(timeout=SHOWN_MS_MAX)
        tabs = await room.get_by_role("navigation").locator("a[href^='?tab=']").all()
        for at in range(max(1, len(tabs))):
            if tabs:
                await tabs[at].click()
            await expect(page.get_by_text("Loading")).to_have_count(0, timeout=SHOWN_MS_MAX)
            words = await room.inner_text()
            alerts = [told.strip() for told in await room.get_by_role("alert").all_inner_texts()]
            patterns = (_ENUM_WORD, _UNFINISHED) if path in _HAS_IDS else (_ENUM_WORD, _UNFINISHED, _ID)
            found = [each.group() for each in (pattern.search(words) for pattern in patterns) if each]
            found += [told for told in alerts if told]
            if found:
                odd[page.url.removeprefix(firm.base)] = found
    assert odd == {}
    expect_quiet(watch, firm)
    await context.close()
