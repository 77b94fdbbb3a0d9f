"""The dashboard where nothing but listed documents runs: its build has listed all that it asks."""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.browser.watch import Watch
from tests.installation import installed

pytestmark = pytest.mark.browser

SHOWN_MS_MAX = 20_000
SOURCES = Path(__file__).parents[2] / "frontend" / "src"
WRITTEN = re.compile(r"graphql\(\s*`\s*((?:query|mutation|subscription)[^`]*)`")
FRAGMENTS = re.compile(r"^fragment ", re.MULTILINE)


def test_the_build_has_listed_every_document_of_the_sources(static_dir: Path) -> None:
    sources = [path for path in SOURCES.rglob("*.ts*") if not path.name.endswith(".d.ts")]
    written = [text for path in sources for text in WRITTEN.findall(path.read_text(encoding="utf-8"))]

    listed = json.loads((static_dir / "documents.json").read_bytes())

    assert len(written) >= 15
    assert sorted(map(_words, written)) == sorted(_words(FRAGMENTS.split(text)[0]) for text in listed.values())


def _words(text: str) -> list[str]:
    """The names in a document in their order, however it is laid out."""
    return re.findall(r"\w+", text)


async def test_the_dashboard_needs_no_document_but_those_of_its_build(browser: Browser, static_dir: Path) -> None:
    assert (static_dir / "documents.json").is_file()
    async with installed({"OMS_PERSISTED_DOCUMENTS": "require"}) as installation:
        demo = await installation.demo()
        address = urlsplit(demo["graphqlUrl"])
        context = await browser.new_context()
        watch = await Watch.open(context)
        page = watch.page
        await page.goto(f"{address.scheme}://{address.netloc}/")
        await page.get_by_label("E-mail").fill(demo["email"])
        await page.get_by_label("Password").fill(demo["password"])
        await page.get_by_role("button", name="Sign in").click()

        await expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=SHOWN_MS_MAX)
        quotes = page.get_by_role("region", name="Quotes").last
        await expect(quotes.get_by_role("row").nth(1)).to_be_visible(timeout=SHOWN_MS_MAX)
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        await page.get_by_role("link", name="Forgot your password?").click()
        await page.get_by_label("E-mail").fill("nobody@example.com")
        await page.get_by_role("button", name="Send the link").click()
        await expect(page.get_by_role("status")).to_contain_text("If nobody@example.com has an account")
        await page.goto(f"{address.scheme}://{address.netloc}/accept-invitation#token=omi_a_b")
        await page.get_by_role("button", name="I have an account").click()
        await page.get_by_label("Your password").fill(demo["password"])
        await page.get_by_role("button", name="Accept").click()
        await expect(page.get_by_role("alert")).to_contain_text("The invitation does not hold")
        async with httpx.AsyncClient(headers={"authorization": f"Bearer {demo['apiKey']}"}) as client:
            answer = (await client.post(demo["graphqlUrl"], json={"query": "{ viewer { scopes } }"})).json()

        assert answer["errors"][0]["extensions"]["code"] == "DOCUMENT_NOT_LISTED"
        assert watch.complaints == []
        await context.close()
