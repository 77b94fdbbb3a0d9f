"""A real browser on the built dashboard."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from app.infra.assets import NOT_BUILT
from tests.browser.watch import Watch

STATIC_DIR = Path(__file__).parents[2] / "app" / "static"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium; nothing is downloaded."""
    executable = shutil.which("chromium")
    assert executable is not None, "the browser tests need chromium: apt-get install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def static_dir() -> Path:
    """Where the build of the dashboard lies."""
    assert (STATIC_DIR / "index.html").is_file(), NOT_BUILT
    return STATIC_DIR


@pytest.fixture(params=["dark", "light"])
async def watch(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Watch]:
    """A page in each theme, and what it must not do: complain, or ask another origin."""
    context = await browser.new_context(color_scheme=request.param, viewport={"width": 1440, "height": 900})
    yield await Watch.open(context)
    await context.close()
