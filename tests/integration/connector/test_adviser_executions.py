"""Behaviour 20 at an adviser's login: executions come for the master and for accounts; those of ours are booked."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from app.infra.settings import Settings
from app.simulator.advisers import AccountGroup
from app.simulator.config import AccountSeed, SimulatorConfig
from app.simulator.scenarios import Player
from app.simulator.server import Simulator
from tests.contract.brokers.conftest import ACCOUNT
from tests.contract.simulator.clients import Desk, load, until
from tests.integration.connector.pathologies import SWIFT, Rehearsal
from tests.integration.connector.test_connector import Trading, connector, settings, trading

__all__ = ["settings", "trading"]

OTHER, MASTER = "DU1000002", "DF1000000"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """An adviser's login over two accounts, ours and another, whose market stands still."""
    group = AccountGroup(name="both", method="EqualQuantity", account_ids=(ACCOUNT, OTHER))
    accounts = (AccountSeed(account_id=ACCOUNT), AccountSeed(account_id=OTHER))
    running = Simulator(SimulatorConfig(accounts=accounts, adviser_id=MASTER, account_groups=(group,)))
    await running.start()
    running.pause_market()
    running.set_quote("AAPL", bid=Decimal("187.40"), ask=Decimal("187.42"))
    yield running
    await running.stop()


async def test_behaviour_20_of_a_block_the_part_of_the_account_is_booked_and_the_masters_is_not(
    trading: Trading,
    settings: Settings,
    simulator: Simulator,
) -> None:
    rehearsal = Rehearsal(trading=trading, simulator=simulator, player=Player(lambda: simulator.faults))
    adviser = Desk(load("ib_async"), simulator.port)
    await adviser.connect(client_id=99)
    async with connector(settings, intervals=SWIFT):
        await trading.until_connected()
        await trading.place("ours", quantity=10)

        block = adviser.place(adviser.library.MarketOrder("BUY", 100, faGroup="both"))
        await until(lambda: block.orderStatus.status == "Filled", "the block to fill")
        simulator.faults.inject("drop", {"clients": [7]})
        await rehearsal.until_agreed()
    adviser.ib.disconnect()

    [external] = await trading.rows("SELECT * FROM orders WHERE origin = 'EXTERNAL'")
    assert (external["filled_quantity"], external["average_fill_price"]) == (Decimal(50), Decimal("187.42"))
    assert {one.account for one in simulator.venue.exchange.executions} == {ACCOUNT, OTHER, MASTER}
    executions = await trading.rows("SELECT quantity FROM executions ORDER BY quantity")
    assert [row["quantity"] for row in executions] == [Decimal(10), Decimal(50)]
