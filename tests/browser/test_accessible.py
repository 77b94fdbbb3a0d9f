"""Every room of the dashboard under axe: both themes, three widths, nothing that it calls a violation."""

import json
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, StorageState, expect

from tests.browser.demo import SHOWN_MS_MAX, base, expect_live, sign_in
from tests.browser.watch import Watch
from tests.installation import ROOT

pytestmark = pytest.mark.browser

_AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
_THEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}


@pytest.fixture(scope="module")
async def session(browser: Browser, demo: dict[str, Any]) -> StorageState:
    """The cookies of somebody who has signed in."""
    context = await browser.new_context()
    page = await context.new_page()
    await sign_in(page, demo)
    await expect_live(page)
    state = await context.storage_state()
    await context.close()
    return state


@pytest.mark.parametrize("width", [1440, 1024, 390])
async def test_no_room_breaks_a_rule_of_accessibility(
    browser: Browser, demo: dict[str, Any], session: StorageState, static_dir: Path, width: int
) -> None:
    assert _AXE.is_file(), "the packages of the front end are needed: npm --prefix frontend ci"
    context = await browser.new_context(viewport={"width": width, "height": 844}, storage_state=session)
    axe = _AXE.read_text(encoding="utf-8") + "; undefined"
    found: dict[str, list[str]] = {}
    for path in json.loads((static_dir / "rooms.json").read_bytes()):
        watch = await Watch.open(context)
        page = watch.page
        await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        await page.goto(base(demo) + path)
        await expect_live(page)
        await expect(page.get_by_text("Loading")).to_have_count(0, timeout=SHOWN_MS_MAX)
        await page.evaluate(axe)

        # The page follows the system: each theme is the same page in other colours.
        for theme in _THEMES:
            await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            await expect(page.locator("html")).to_have_attribute("data-theme", theme)
            result = await page.evaluate("(rules) => axe.run(document, rules)", _RULES)

            told = [
                f"{each['id']}: {each['help']}: {[node['target'] for node in each['nodes']][:4]}"
                for each in result["violations"]
            ]
            if told:
                found[f"{path} {theme}"] = told
        # What does not fit scrolls within its own part: the page itself never scrolls sideways.
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert watch.complaints == [], path
        assert watch.hosts == {urlsplit(base(demo)).netloc}
        await page.close()
    await context.close()
    assert found == {}


async def test_an_unknown_page_says_so_within_the_shell_and_leads_on(
    browser: Browser, demo: dict[str, Any], session: StorageState
) -> None:
    context = await browser.new_context(storage_state=session)
    page = await context.new_page()

    response = await page.goto(f"{base(demo)}/nothing-here")

    assert response is not None
    assert response.status == 404
    await expect_live(page)
    await expect(page.get_by_text("There is no such page.")).to_be_visible(timeout=SHOWN_MS_MAX)
    await page.get_by_role("link", name="Go to Overview").click()
    await expect(page.get_by_role("heading", name="Overview")).to_be_attached(timeout=SHOWN_MS_MAX)
    await context.close()
