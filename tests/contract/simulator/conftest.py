"""A simulator with a market that stands still, and clients of both libraries connected to it."""

from collections.abc import AsyncIterator

import pytest

from app.simulator.config import SimulatorConfig
from app.simulator.server import Simulator
from tests.contract.simulator.clients import LIBRARIES, Desk, load, quiet, until
from tests.contract.simulator.raw import RawClients


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


@pytest.fixture
async def raw() -> AsyncIterator[RawClients]:
    clients = RawClients()
    yield clients
    await clients.close()
