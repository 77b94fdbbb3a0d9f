"""`oms risk` as a program: what it prints, and the exit codes that a script relies on."""

import json
from pathlib import Path

import pytest

from app.infra.settings import Settings
from app.infra.uow import begin_batch
from tests.command_line import Ended, oms, servers_of
from tests.graphql.conftest import Firm
from tests.graphql.test_profit_and_loss import show
from tests.graphql.test_risk_analytics import hold, keep_closes, saw


async def risk(settings: Settings, firm: Firm, folder: Path, *arguments: str) -> Ended:
    """The command about the firm."""
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        (row,) = await session.fetch("SELECT slug FROM tenants WHERE id = $1", firm.key.tenant_id)
    return await oms("risk", *arguments, "--tenant", row["slug"], folder=folder, **servers_of(settings))


async def test_the_figures_are_those_of_the_api(settings: Settings, firm: Firm, tmp_path: Path) -> None:
    await hold(firm, "AAPL", "100", "100")
    await show(firm, "AAPL", "99.5", "100.5")
    await keep_closes(firm, "AAPL", saw(201))

    exposed, exposure, _ = await risk(settings, firm, tmp_path, "exposure", "--json")
    valued, figures, _ = await risk(settings, firm, tmp_path, "var", "--json")
    stressed, outcomes, _ = await risk(settings, firm, tmp_path, "stress", "--price", "-0.2")

    assert (exposed, valued, stressed) == (0, 0, 0)
    assert json.loads(exposure)["total"] == {"gross": "10000", "net": "10000", "long": "10000", "short": "0"}
    assert json.loads(figures)["historical"]["valueAtRisk"] == "99.01"
    assert json.loads(figures)["observations"] == 200
    assert outcomes.splitlines() == ["1 accounts, PAPER, in USD", "own: -2000"]


async def test_without_history_it_says_why(settings: Settings, firm: Firm, tmp_path: Path) -> None:
    await hold(firm, "AAPL", "100", "100")
    await show(firm, "AAPL", "99.5", "100.5")

    code, told, _ = await risk(settings, firm, tmp_path, "var")

    assert code == 0
    assert "historical: none. No position has closes of more than 30 days that reach to now." in told
    assert "NO_HISTORY (0 closes)" in told


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("var", "--confidence", "1"), "confidence: needs 0.8 to 0.999"),
        (("exposure", "--mode", "MINE"), "mode: needs LIVE, PAPER, BOTH"),
        (("exposure", "--account", "x"), "accountIds.0: This is not an id."),
        (("stress", "--price", "-2"), "scenarios.0.priceShock: needs -1 to 10"),
        (("stress", "--past", "2009"), "past: needs BLACK_MONDAY_1987"),
    ],
)
async def test_what_cannot_be_is_refused(
    settings: Settings, firm: Firm, tmp_path: Path, arguments: tuple[str, ...], named: str
) -> None:
    code, told, error = await risk(settings, firm, tmp_path, *arguments)

    assert code != 0
    assert told == ""
    assert error.startswith(f"oms: {named}")
