"""The built dashboard by weight: what loads with the page, what comes later, and what each may weigh.

The build refuses what is too heavy while it makes it; this looks at what lies there to be served.
"""

import gzip
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

STATIC_DIR = Path(__file__).parents[2] / "app" / "static"
KIB = 1024
ENTRY_BYTES_MAX = 180 * KIB
CHUNK_BYTES_MAX = 200 * KIB
_GZIP_LEVEL = 9
# Bounded, and begun by the slash: a script may hold text of any length.
_SCRIPT = re.compile(r"/([\w.-]{1,100}\.js)\b")
_STYLE = re.compile(r"/([\w.-]{1,100}\.css)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something of the bundle with its weight in bytes, gzipped at the best, and its budget: None for none."""

    name: str
    weight: int
    budget: int | None

    @property
    def is_too_heavy(self) -> bool:
        """Whether it is beyond its budget."""
        return self.budget is not None and self.weight > self.budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The dashboard's parts: what loads with its page, and each script that comes later, the heaviest first.

    The explorer's scripts, Monaco among them, have no budget: nobody loads them who does not open /graphiql.
    """

    entry: Part
    styles: Part
    later: tuple[Part, ...]
    explorer: Part

    @property
    def parts(self) -> tuple[Part, ...]:
        """All of it."""
        return self.entry, self.styles, *self.later, self.explorer


def weigh(static_dir: Path = STATIC_DIR) -> Bundle:
    """Weighs a build. Raises FileNotFoundError where there is none."""
    assets = {path.name: path for path in (static_dir / "assets").iterdir()}
    weights = {
        name: len(gzip.compress(path.read_bytes(), _GZIP_LEVEL))
        for name, path in assets.items()
        if path.suffix in (".js", ".css")
    }
    page = (static_dir / "index.html").read_text(encoding="utf-8")
    # The page names its script and, to load them at the same time, all that it imports.
    first = set(_SCRIPT.findall(page)) & weights.keys()
    styles = set(_STYLE.findall(page)) & weights.keys()
    scripts = _reached(first, assets)
    explorer = {name for name in weights if name.endswith(".js")} - scripts
    later = [
        Part(name=name, weight=weights[name], budget=CHUNK_BYTES_MAX) for name in scripts - first if name in weights
    ]
    return Bundle(
        entry=Part(
            name=f"entry, {len(first)} scripts", weight=sum(weights[name] for name in first), budget=ENTRY_BYTES_MAX
        ),
        styles=Part(name="styles of the page", weight=sum(weights[name] for name in styles), budget=None),
        later=tuple(sorted(later, key=lambda part: -part.weight)),
        explorer=Part(
            name=f"/graphiql, {len(explorer)} scripts", weight=sum(weights[name] for name in explorer), budget=None
        ),
    )


def _reached(first: Iterable[str], assets: dict[str, Path]) -> set[str]:
    # A script names what it imports now or later by the name of its file.
    found: set[str] = set()
    waiting = list(first)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        mentioned = _SCRIPT.findall(assets[name].read_text(encoding="utf-8"))
        waiting += [other for other in mentioned if other in assets]
    return found


def print_bundle(bundle: Bundle, *, later_max: int = 8) -> None:
    """Prints the heaviest parts as a Markdown table."""
    print("\n## The bundle, gzipped at level 9\n")
    print("| part | KiB | budget KiB | share |")
    print("|---|---|---|---|")
    shown = [bundle.entry, bundle.styles, *bundle.later[:later_max], bundle.explorer]
    for part in shown:
        budget = "" if part.budget is None else f"{part.budget / KIB:.0f}"
        share = "" if part.budget is None else f"{part.weight / part.budget:.0%}"
        print(f"| {part.name} | {part.weight / KIB:.1f} | {budget} | {share} |")
    rest = bundle.later[later_max:]
    if rest:
        total = sum(part.weight for part in rest)
        print(f"| {len(rest)} scripts more that come later, together | {total / KIB:.1f} | | |", flush=True)
