"""What the documents point at is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
_PATH = re.compile(r"`((?:app|schema|migrations|tests|docs|frontend)/[\w./-]+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_paths_lead_somewhere(page: Path) -> None:
    text = page.read_text()

    links = [target for target in _LINK.findall(text) if not (page.parent / target).exists()]
    paths = [path for path in _PATH.findall(text) if not (ROOT / path).exists()]

    assert links == []
    assert paths == []


def test_every_page_is_found_from_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text()
    pages = {str(page.relative_to(ROOT / "docs")) for page in PAGES[1:]} - {"README.md"}

    assert sorted(page for page in pages if f"]({page})" not in index) == []
