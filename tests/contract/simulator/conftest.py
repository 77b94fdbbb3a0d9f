"""A simulator with a market that stands still, and clients of both libraries connected to it."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from app.simulator.config import SimulatorConfig
from app.simulator.server import Simulator
from tests.contract.simulator.clients import LIBRARIES, Desk, load, until


def quiet(simulator: Simulator) -> None:
    """Stop the walk and show AAPL at 229.99 x 230.01, a thousand each, last 230."""
    simulator.pause_market()
    simulator.set_quote("AAPL", bid=Decimal("229.99"), ask=Decimal("230.01"), last=Decimal("230.00"))


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    server = Simulator(SimulatorConfig())
    await server.start()
    quiet(server)
    yield server
    await server.stop()


@pytest.fixture(params=LIBRARIES)
async def desk(request: pytest.FixtureRequest, simulator: Simulator) -> AsyncIterator[Desk]:
    client = Desk(load(request.param), simulator.port)
    await client.connect()
    yield client
    client.ib.disconnect()
    await until(lambda: not simulator.venue.has_clients, "the client to be gone")
