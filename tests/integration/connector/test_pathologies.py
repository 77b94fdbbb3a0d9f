"""The connector survives every pathology of the pack: afterwards our books are those of the simulator."""

import pytest

from app.infra.settings import Settings
from app.simulator.scenarios import Player, pathologies
from app.simulator.server import Simulator
from tests.integration.connector.pathologies import SWIFT, Rehearsal
from tests.integration.connector.test_connector import Trading, connector, settings, trading

__all__ = ["settings", "trading"]

pytestmark = pytest.mark.campaign

NOT_STRUCK_BY_ORDERS = {"what-if"}
"""Faults of questions that this work does not ask; test_behaviours.py asks them."""


@pytest.fixture
def rehearsal(trading: Trading, simulator: Simulator) -> Rehearsal:
    return Rehearsal(trading=trading, simulator=simulator, player=Player(lambda: simulator.faults))


@pytest.mark.parametrize("name", pathologies())
async def test_connector_survives(name: str, rehearsal: Rehearsal, settings: Settings) -> None:
    async with connector(settings, intervals=SWIFT):
        await rehearsal.trading.until_connected()
        before = await rehearsal.trading.place("before", limit="148")
        await rehearsal.until_moved({"before"})

        rehearsal.player.play(pathologies()[name])
        await rehearsal.work()
        await rehearsal.until_struck({step.fault for step in pathologies()[name].steps} - NOT_STRUCK_BY_ORDERS)
        rehearsal.player.stop()
        await rehearsal.until_agreed()
        await rehearsal.cancel(before)
        await rehearsal.trading.place("after", quantity=10)
        await rehearsal.until_agreed()

    missed = {step.fault for step in pathologies()[name].steps if not rehearsal.simulator.faults.struck(step.fault)}
    assert missed <= NOT_STRUCK_BY_ORDERS, "a fault that never struck proves nothing"
    states = await rehearsal.trading.states()
    assert (states["before"], states["after"]) == ("CANCELED", "FILLED")
    assert await rehearsal.trading.rows("SELECT 1 FROM quarantined_reports") == []
