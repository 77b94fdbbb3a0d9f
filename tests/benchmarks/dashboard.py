"""The dashboard under a moving market: frames, main thread and what is seen of it, in a real browser on a real system.

1,000 row updates a second on rows in sight, from Redis as the connector tells them, over web process and socket to the
table. Beside it: what the bundle weighs and how long the first load takes.
"""

import shutil
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, async_playwright

from app.infra.assets import NOT_BUILT
from tests.benchmarks.bundle import STATIC_DIR, print_bundle, weigh
from tests.benchmarks.dashboard_load import PUBLISHED_EVERY_S, ROWS, House, open_house
from tests.benchmarks.dashboard_pages import FIRST_ROW, IN_PAGE, Loaded, Seen, loaded, print_loads, print_seen, seen
from tests.benchmarks.figures import Figure
from tests.browser.conftest import FLAGS
from tests.installation import installed

SECONDS = 20.0
WARM_UP_S = 3.0
SHOWN_MS_MAX = 30_000
# A portrait screen: every row of the market is in sight on either page.
SCREEN: ViewportSize = {"width": 1440, "height": 1800}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A page, the table on it, the column that shows what moves, and the window that is asked of the server.

    The windows of the connector are 50 ms long: who asks for less gets each of them.
    """

    name: str
    path: str
    grid: str
    column: str
    throttle_ms: int
    batch_ms: int


RUNS = (
    Run(
        name="Market, batches of 250 ms (as it asks)",
        path="/market",
        grid="Market",
        column="Last",
        throttle_ms=250,
        batch_ms=250,
    ),
    Run(name="Market, batches of 50 ms", path="/market", grid="Market", column="Last", throttle_ms=25, batch_ms=50),
    Run(
        name="Positions, batches of 250 ms (as it asks)",
        path="/positions",
        grid="Positions",
        column="Market",
        throttle_ms=250,
        batch_ms=250,
    ),
    Run(
        name="Positions, batches of 50 ms",
        path="/positions",
        grid="Positions",
        column="Market",
        throttle_ms=50,
        batch_ms=50,
    ),
)


async def measure() -> list[Figure]:
    """Measures and prints."""
    if not (STATIC_DIR / "index.html").is_file():
        print(f"\n## The dashboard\n\nNot measured: {NOT_BUILT}", flush=True)
        return []
    print_bundle(weigh())
    executable = shutil.which("chromium")
    if executable is None:
        print(
            "\n## The dashboard in a browser\n\nNot measured: it needs chromium (apt-get install chromium).", flush=True
        )
        return []
    async with installed() as installation, open_house(installation) as house, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=FLAGS)
        try:
            return await _measure(browser, house)
        finally:
            await browser.close()


async def _measure(browser: Browser, house: House) -> list[Figure]:
    context = await browser.new_context(color_scheme="dark", viewport=SCREEN)
    print_loads(await _loads(context, house))
    runs = [await _under_load(context, house, run) for run in RUNS]
    print_seen(runs, offered=ROWS / PUBLISHED_EVERY_S)
    await context.close()
    return [
        Figure(name=one.name, per_second=one.frames_per_s, p50_ms=one.frame_ms(0.5), p99_ms=one.frame_ms(0.99))
        for one in runs
    ]


async def _loads(context: BrowserContext, house: House) -> list[Loaded]:
    page = await context.new_page()
    loads = [await _load(page, house, "sign-in page, fresh profile", "/sign-in", "input")]
    await page.get_by_label("E-mail").fill(house.demo["email"])
    await page.get_by_label("Password").fill(house.demo["password"])
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("navigation").first.wait_for(timeout=SHOWN_MS_MAX)
    await page.close()
    page = await context.new_page()
    control = await context.new_cdp_session(page)
    await control.send("Network.clearBrowserCache")
    loads.append(await _load(page, house, "Market, signed in, empty cache", "/market", FIRST_ROW))
    await page.close()
    page = await context.new_page()
    loads.append(await _load(page, house, "Market, signed in, second visit", "/market", FIRST_ROW))
    await page.close()
    return loads


async def _load(page: Page, house: House, name: str, path: str, shown: str) -> Loaded:
    answers: list[Any] = []
    page.on("response", lambda response: answers.append(response))
    await page.add_init_script(IN_PAGE)
    await page.add_init_script(f"bench.awaitFirst({shown!r})")
    await page.goto(house.base + path)
    await page.locator(shown).first.wait_for(timeout=SHOWN_MS_MAX)
    told = await page.evaluate("bench.load()")
    odd = []
    for answer in answers:
        place = urlsplit(answer.url).path
        headers = answer.headers
        if place.startswith("/assets/"):
            is_text = place.endswith((".js", ".css"))
            size = next((one["full"] for one in told["files"] if one["path"] == place), 0)
            if "immutable" not in headers.get("cache-control", ""):
                odd.append(f"{place} is not immutable")
            if is_text and size >= 1024 and headers.get("content-encoding") != "br":
                odd.append(f"{place} is not precompressed")
        elif answer.request.resource_type == "document" and headers.get("cache-control") != "no-store":
            odd.append(f"{place} may be stored")
    return loaded(name, told, odd)


async def _under_load(context: BrowserContext, house: House, run: Run) -> Seen:
    page = await context.new_page()
    await page.set_viewport_size(SCREEN)
    await page.add_init_script(IN_PAGE)
    await page.add_init_script(f"bench.throttleMs = {run.throttle_ms}")
    async with house.market.moving() as market:
        await page.goto(house.base + run.path)
        watched = [run.grid, run.column, market.symbols[0]]
        for symbol in (market.symbols[0], market.symbols[-1]):
            row = page.get_by_role("grid", name=run.grid).get_by_role("row").filter(has_text=symbol)
            await row.wait_for(timeout=SHOWN_MS_MAX)
        control = await context.new_cdp_session(page)
        # Processor time of the main thread, not the time that passes: others want the processors too.
        await control.send("Performance.enable", {"timeDomain": "threadTicks"})
        await page.evaluate("bench.measure", [WARM_UP_S, *watched])
        before, web, began = await _metrics(control), house.web_s(), perf_counter()
        told = await page.evaluate("bench.measure", [SECONDS, *watched])
        took = perf_counter() - began
        after, web = await _metrics(control), house.web_s() - web
    await page.close()
    return seen(
        run.name,
        told,
        batch_ms=run.batch_ms,
        symbols=market.symbols,
        shares={name: (after[name] - before[name]) / took for name in after},
        web=web / took,
        sent_at=market.sent_at,
    )


async def _metrics(control: Any) -> dict[str, float]:
    found = (await control.send("Performance.getMetrics"))["metrics"]
    wanted = ("TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
    return {one["name"]: one["value"] for one in found if one["name"] in wanted}
