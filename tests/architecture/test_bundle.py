"""A build of the dashboard is held against its budgets; tests/browser/test_budgets.py does it to the real one."""

import random
from pathlib import Path

from tests.benchmarks.bundle import CHUNK_BYTES_MAX, ENTRY_BYTES_MAX, weigh


def _noise(count: int) -> str:
    # What gzip cannot make smaller than three quarters.
    return "//" + "".join(
        random.Random(count).choices("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", k=count)
    )


def _build(folder: Path, scripts: dict[str, str], page: str = '<script src="/assets/index-a.js">') -> Path:
    (folder / "assets").mkdir()
    for name, text in scripts.items():
        (folder / "assets" / name).write_text(text)
    (folder / "index.html").write_text(page)
    return folder


def test_an_entry_beyond_its_budget_is_told_with_all_that_loads_beside_it(tmp_path: Path) -> None:
    half = _noise(ENTRY_BYTES_MAX * 7 // 10)
    page = '<script src="/assets/index-a.js"></script><link rel="modulepreload" href="/assets/react-b.js">'
    static_dir = _build(tmp_path, {"index-a.js": f'import"./react-b.js";{half}', "react-b.js": half + half[2:9]}, page)

    bundle = weigh(static_dir)

    assert bundle.entry.is_too_heavy
    assert bundle.later == ()


def test_a_script_that_comes_later_has_a_budget_and_the_explorer_has_none(tmp_path: Path) -> None:
    heavy = _noise(CHUNK_BYTES_MAX * 14 // 10)
    scripts = {
        "index-a.js": "import(`./room-b.js`)",
        "room-b.js": "import(`./chart-c.js`)",
        "chart-c.js": heavy,
        "monaco-d.js": heavy,
    }
    static_dir = _build(tmp_path, scripts)

    bundle = weigh(static_dir)

    assert [(part.name, part.is_too_heavy) for part in bundle.later] == [("chart-c.js", True), ("room-b.js", False)]
    assert not bundle.entry.is_too_heavy
    assert bundle.explorer.weight > CHUNK_BYTES_MAX
    assert not bundle.explorer.is_too_heavy
