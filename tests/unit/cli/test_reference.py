"""The committed reference pages are those that the code makes."""

from pathlib import Path

import pytest

from app.cli.reference import PAGES, ReferenceChangedError, check, write
from app.core.fix import RiskLimitType
from app.orders.errors import OrderProblem
from app.orders.events import MEANING, OrderEventType

REFERENCE = Path(__file__).parents[3] / "docs/reference"


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_current(name: str) -> None:
    assert (REFERENCE / name).read_text() == PAGES[name](), "run: oms docs write"


def test_every_code_event_and_limit_is_on_its_page() -> None:
    codes, events, checks = (PAGES[name]() for name in ("error-codes.md", "events.md", "risk-checks.md"))

    assert [code for code in OrderProblem if f"| `{code.value}` |" not in codes] == []
    assert [kind for kind in OrderEventType if f"| `{kind.value}` |" not in events] == []
    assert [kind for kind in RiskLimitType if f"`{kind.value}`" not in checks] == []
    assert set(MEANING) == set(OrderEventType)


def test_a_page_that_was_changed_by_hand_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    check(tmp_path)
    (tmp_path / "events.md").write_text("# Order events\n")

    with pytest.raises(ReferenceChangedError, match=r"events\.md"):
        check(tmp_path)
