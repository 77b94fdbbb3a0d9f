"""Clients that others wrote, unmodified, against the simulator: each does the same journey and is told the same."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from app.simulator.config import SimulatorConfig
from app.simulator.server import Simulator
from tests.clients.environments import HERE, folder_of_stoqey, python_of
from tests.contract.simulator.clients import quiet

pytestmark = [pytest.mark.clients]

DRIVE_S_MAX = 60
ACCOUNT = "DU1000001"
RESTING = {
    "reference": "resting",
    "symbol": "AAPL",
    "side": "BUY",
    "order_type": "LMT",
    "time_in_force": "DAY",
    "status": "Submitted",
}
EXPECTED = {
    "accounts": [ACCOUNT],
    "contract": {
        "con_id": 265598,
        "symbol": "AAPL",
        "security_type": "STK",
        "currency": "USD",
        "primary_exchange": "NASDAQ",
        "name": "Apple Inc.",
        "min_tick": 0.01,
        "has_hours": True,
    },
    "unknown_contract_code": 200,
    "quote": {"bid": 229.99, "bid_size": 1000, "ask": 230.01, "ask_size": 1000, "last": 230, "last_size": 100},
    "what_if": {
        "initial_margin_change": 11_500,
        "maintenance_margin_change": 5750,
        "equity_after": 999_999,
        "commission": 1,
        "currency": "USD",
    },
    "filled": {"status": "Filled", "filled": 100, "remaining": 0, "average_price": 230.01},
    "resting": [{**RESTING, "quantity": 10, "limit_price": 200}],
    "modified": [{**RESTING, "quantity": 20, "limit_price": 201}],
    "canceled": {"status": "Cancelled", "code": 202, "filled": 0},
    "unknown_order_code": 10147,
    "open_after_cancel": [],
    "executions": [
        {
            "reference": "filled",
            "is_of_filled": True,
            "side": "BOT",
            "quantity": 100,
            "price": 230.01,
            "account": ACCOUNT,
            "commission": 1,
            "currency": "USD",
        }
    ],
    "completed": [
        {"reference": "filled", "status": "Filled", "order_type": "MKT", "filled": 100},
        {"reference": "resting", "status": "Cancelled", "order_type": "LMT", "filled": 0},
    ],
    "positions": [{"account": ACCOUNT, "con_id": 265598, "quantity": 100, "average_cost": 230.02}],
}


def of_insync(library: str) -> list[str]:
    """The driver of ib_insync and of its fork, which have the same names."""
    return [str(python_of(library)), "-I", str(HERE / "drivers" / "insync_client.py"), library]


def of_official(client: str) -> list[str]:
    """The driver of the official client's classes."""
    return [str(python_of(client)), "-I", str(HERE / "drivers" / "official_client.py")]


def of_stoqey() -> list[str]:
    """The driver of the client for Node."""
    node, folder = folder_of_stoqey()
    return [node, str(folder / "client.js")]


CLIENTS: dict[str, tuple[Callable[[], list[str]], int]] = {
    "ib_insync 0.9.86": (lambda: of_insync("ib_insync"), 176),
    "ib_async 2.1.0": (lambda: of_insync("ib_async"), 178),
    "ibapi 9.81.1": (lambda: of_official("ibapi"), 157),
    "nautilus-ibapi 10.46.1": (lambda: of_official("nautilus_ibapi"), 178),
    "@stoqey/ib 1.6.10": (of_stoqey, 178),
}


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    server = Simulator(SimulatorConfig())
    await server.start()
    quiet(server)
    yield server
    await server.stop()


async def drive(command: list[str], port: int, folder: Path) -> dict[str, Any]:
    """What the driver tells of its journey."""
    process = await asyncio.create_subprocess_exec(
        *command, str(port), cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(DRIVE_S_MAX):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()[-4000:]
    told: dict[str, Any] = json.loads(out.splitlines()[-1])
    return told


@pytest.mark.parametrize("client", CLIENTS)
async def test_client_trades_on_the_simulator(client: str, simulator: Simulator, tmp_path: Path) -> None:
    command_of, server_version = CLIENTS[client]
    command = await asyncio.to_thread(command_of)

    told = await drive(command, simulator.port, tmp_path)

    assert told == {"server_version": server_version, **EXPECTED}
