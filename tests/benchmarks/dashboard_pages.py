"""What a page is asked while it is measured, and the figures that come of it."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import orjson

from tests.benchmarks.figures import percentile

FRAME_MS_MAX: Final = 40.0
"""The gate: the longest but one in a hundred."""
FIRST_ROW: Final = "[role=grid] .live-row"
_PROTOTYPE: Final = {
    250: "prototype 60 frames/s, main thread 15%",
    50: "prototype 60 frames/s, p99 23 ms, main thread 34%; naive React state 68 ms and 62%",
}

# Runs before anything of the page. It hears the socket, and writes into it the window that is to be measured.
IN_PAGE: Final = """
globalThis.bench = {
  throttleMs: null, messages: null, shownAt: null, isThere: null,
  find(grid, column, symbol) {
    const table = document.querySelector(`[role=grid][aria-label="${grid}"]`);
    if (!table) return null;
    const heads = [...table.querySelectorAll("[role=columnheader]")].map((head) => head.textContent.trim());
    const row = [...table.querySelectorAll(".live-row")].find((each) => each.textContent.startsWith(symbol));
    return row?.children[heads.indexOf(column)] ?? null;
  },
  inSight() {
    const screen = document.querySelector("[role=grid]").getBoundingClientRect();
    const head = document.querySelector("[role=columnheader]").getBoundingClientRect();
    return [...document.querySelectorAll("[role=grid] .live-row")].filter((row) => {
      const { top, bottom } = row.getBoundingClientRect();
      return top >= head.bottom - 1 && bottom <= Math.min(screen.bottom, innerHeight) + 1;
    }).map((row) => row.firstElementChild.textContent);
  },
  measure([seconds, grid, column, symbol]) {
    const cell = bench.find(grid, column, symbol);
    const rows = bench.inSight();
    const frames = [], shown = [], longTasks = [];
    let text = cell.textContent;
    const observer = new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((one) => one.duration)));
    observer.observe({ entryTypes: ["longtask"] });
    bench.messages = [];
    return new Promise((resolve) => requestAnimationFrame(function step(at) {
      frames.push(at);
      const now = cell.textContent;
      if (now !== text) shown.push([text = now, Date.now()]);
      if (at - frames[0] < seconds * 1000) return void requestAnimationFrame(step);
      observer.disconnect();
      const messages = bench.messages;
      bench.messages = null;
      resolve({ frames, shown, longTasks, messages, rows, isConnected: cell.isConnected });
    }));
  },
  awaitFirst(selector) {
    bench.isThere = new Promise((resolve) => requestAnimationFrame(function look() {
      if (!document.querySelector(selector)) return void requestAnimationFrame(look);
      bench.shownAt = performance.now();
      resolve();
    }));
  },
  async load() {
    await bench.isThere;
    const [page] = performance.getEntriesByType("navigation");
    const paint = performance.getEntriesByName("first-contentful-paint")[0];
    const files = performance.getEntriesByType("resource").filter((one) => one.name.includes("/assets/"));
    return {
      shown: bench.shownAt, painted: paint?.startTime ?? null, ready: page.domContentLoadedEventEnd,
      files: files.map((one) => (
        { path: new URL(one.name).pathname, sent: one.transferSize, full: one.decodedBodySize }
      )),
    };
  },
};
{
  const send = WebSocket.prototype.send;
  const heard = new WeakSet();
  WebSocket.prototype.send = function (text) {
    if (!heard.has(this)) {
      heard.add(this);
      this.addEventListener("message", ({ data }) => bench.messages?.push(data));
    }
    const asks = bench.throttleMs !== null && typeof text === "string";
    return send.call(this, asks ? text.replace(/"throttleMs":\\d+/, `"throttleMs":${bench.throttleMs}`) : text);
  };
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a page did in one run. Times in milliseconds; shares are of one processor."""

    name: str
    batch_ms: int
    frames_ms: tuple[float, ...]
    """From each frame to the next."""
    long_tasks_ms: tuple[float, ...]
    rows: int
    """Those that change, together, all of them in sight."""
    rows_told_per_s: float
    """Rows that came over the socket."""
    batches_per_s: float
    """Changes of the first row that were on screen in a frame."""
    ages_ms: tuple[float, ...]
    """From the publisher to the screen."""
    shares: Mapping[str, float]
    web: float

    @property
    def batch_cost_ms(self) -> float:
        """Processor time of the main thread for each batch that it draws, with all else that it does meanwhile."""
        return 1000 * self.shares["TaskDuration"] / self.batches_per_s if self.batches_per_s else math.inf

    @property
    def frames_per_s(self) -> float:
        """How many frames came in a second."""
        return 1000 * len(self.frames_ms) / sum(self.frames_ms)

    def frame_ms(self, share: float) -> float:
        """The time between frames below which the share of them lies."""
        return percentile(self.frames_ms, share)


def seen(
    name: str,
    told: Mapping[str, Any],
    *,
    batch_ms: int,
    symbols: Sequence[str],
    sent_at: Mapping[str, float],
    shares: Mapping[str, float],
    web: float,
) -> Seen:
    """What a page tells of itself, counted. Fails where the rows that move are not all in sight."""
    frames: list[float] = told["frames"]
    seconds = (frames[-1] - frames[0]) / 1000
    hidden = sorted(set(symbols) - set(told["rows"]))
    assert not hidden, f"{name}: not in sight: {', '.join(hidden)}"
    assert told["isConnected"], f"{name}: the row that is watched was drawn anew"
    shown = [(text.replace(",", ""), at) for text, at in told["shown"]]
    return Seen(
        name=name,
        batch_ms=batch_ms,
        frames_ms=tuple(after - before for before, after in pairwise(frames)),
        long_tasks_ms=tuple(told["longTasks"]),
        rows=len(symbols),
        rows_told_per_s=sum(map(_rows, told["messages"])) / seconds,
        batches_per_s=len(shown) / seconds,
        ages_ms=tuple(at - sent_at[text] * 1000 for text, at in shown if text in sent_at),
        shares=shares,
        web=web,
    )


def _rows(message: str) -> int:
    data = (orjson.loads(message).get("payload") or {}).get("data") or {}
    return len(data.get("ticks", {}).get("ticks", ())) + len(data.get("positionsChanged", {}).get("upserts", ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One load of a page. Times in milliseconds from the click, sizes in bytes as they came over the wire."""

    name: str
    files: int
    sent: int
    unpacked: int
    painted_ms: float | None
    shown_ms: float
    odd: tuple[str, ...]
    """What was not served as it should be."""


def loaded(name: str, told: Mapping[str, Any], odd: Sequence[str]) -> Loaded:
    """What a page tells of its load."""
    fetched = [one for one in told["files"] if one["sent"]]
    return Loaded(
        name=name,
        files=len(fetched),
        sent=sum(one["sent"] for one in fetched),
        unpacked=sum(one["full"] for one in fetched),
        painted_ms=told["painted"],
        shown_ms=told["shown"],
        odd=tuple(odd),
    )


def print_seen(runs: Sequence[Seen], *, offered: float) -> None:
    """Prints the runs beside the gate as Markdown tables."""
    print(f"\n## The dashboard while {offered:,.0f} rows in sight change each second\n")
    print(
        f"Load generator, web, servers and browser (no GPU) share {os.cpu_count()} processors; the load average "
        f"is {os.getloadavg()[0]:.1f}. Frames and ages tell of all that runs there; the main thread's share is of its "
        "own processor time.\n"
    )
    _print_row("frames", "in a second", "p50 ms", "p95 ms", "p99 ms", "longest ms", "long tasks", "gate", "beside")
    _print_row(*["---"] * 9)
    for one in runs:
        p99 = one.frame_ms(0.99)
        _print_row(
            one.name,
            f"{one.frames_per_s:.1f}",
            *(f"{one.frame_ms(share):.1f}" for share in (0.5, 0.95, 0.99)),
            f"{max(one.frames_ms):.0f}",
            _tasks(one.long_tasks_ms),
            f"{p99 / FRAME_MS_MAX:.0%} of {FRAME_MS_MAX:.0f} ms" + ("" if p99 < FRAME_MS_MAX else ", MISSED"),
            _PROTOTYPE[one.batch_ms],
        )
    print()
    ages = ("age p50 ms", "age p99 ms")
    _print_row("work", "main thread", "ms a batch", "scripts", "layout", "rows told/s", "drawn/s", *ages, "web process")
    _print_row(*["---"] * 10)
    for one in runs:
        layout = one.shares["LayoutDuration"] + one.shares["RecalcStyleDuration"]
        _print_row(
            one.name,
            f"{one.shares['TaskDuration']:.0%}",
            f"{one.batch_cost_ms:.1f}",
            f"{one.shares['ScriptDuration']:.0%}",
            f"{layout:.0%}",
            f"{one.rows_told_per_s:,.0f}",
            f"{one.batches_per_s * one.rows:,.0f}",
            *(f"{percentile(one.ages_ms, share):.0f}" for share in (0.5, 0.99)),
            f"{one.web:.0%}",
        )


def _print_row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def _tasks(durations: Sequence[float]) -> str:
    return "none" if not durations else f"{len(durations)}, longest {max(durations):.0f} ms"


def print_loads(loads: Sequence[Loaded]) -> None:
    """Prints how long pages take to be there."""
    print("\n## The first load, over the loopback\n")
    print("| page | files | KiB sent | KiB unpacked | first paint ms | there ms |")
    print("|---|---|---|---|---|---|")
    for one in loads:
        painted = math.nan if one.painted_ms is None else one.painted_ms
        print(
            f"| {one.name} | {one.files} | {one.sent / 1024:.0f} | {one.unpacked / 1024:.0f} | {painted:.0f} "
            f"| {one.shown_ms:.0f} |"
        )
    odd = sorted({what for one in loads for what in one.odd})
    print(
        "\nEvery asset came precompressed (brotli) and immutable, every page is not to be stored."
        if not odd
        else "\nNOT as it should be: " + "; ".join(odd),
        flush=True,
    )
