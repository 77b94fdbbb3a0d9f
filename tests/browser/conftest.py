"""A real browser on the built dashboard."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright

from app.infra.assets import NOT_BUILT
from tests.browser.house import House, housed
from tests.browser.watch import Watch
from tests.installation import Installation, installed

STATIC_DIR = Path(__file__).parents[2] / "app" / "static"
LIVE_ACCOUNT = "U2000001"
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


@pytest.fixture(scope="session")
async def installation(static_dir: Path) -> AsyncIterator[Installation]:
    """The whole system as `make run` starts it, for all tests; the simulator has an account with real money too."""
    assert (static_dir / "rooms.json").is_file()
    async with installed({"OMS_SIMULATOR_ACCOUNTS": f"DU1000001,{LIVE_ACCOUNT}"}) as installation:
        yield installation


@pytest.fixture(scope="session")
async def standing(installation: Installation) -> House:
    """The system as it was entered when the tests began."""
    return await housed(installation)


@pytest.fixture
async def house(standing: House) -> House:
    """The system with its mails, entered now; whoever needs a firm without anything in it founds one."""
    return await standing.signed_in()


@pytest.fixture(scope="session")
def demo(standing: House) -> dict[str, Any]:
    """What `oms demo --json` tells: where the system is and how to log in."""
    return dict(standing.demo)
