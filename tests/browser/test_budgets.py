"""The built dashboard keeps its budgets: nobody waits for more than was agreed."""

import pytest

from tests.benchmarks.bundle import CHUNK_BYTES_MAX, weigh

# No browser is needed, but the build, which is there where the browser is.
pytestmark = pytest.mark.browser


def test_no_part_of_the_dashboard_is_beyond_its_budget() -> None:
    bundle = weigh()

    heavy = [f"{part.name}: {part.weight} of {part.budget} bytes" for part in bundle.parts if part.is_too_heavy]

    assert heavy == []
    assert bundle.entry.weight > 0
    # Each room is a script of its own.
    assert len(bundle.later) > 10
    # Monaco is there, and not on the way from the dashboard's page.
    assert bundle.explorer.weight > CHUNK_BYTES_MAX
