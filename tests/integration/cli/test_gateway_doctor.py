"""`oms doctor` at gateways: lines for people, JSON for programs, exit codes for scripts."""

import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from app.infra.db import Database
from app.simulator.config import AccountSeed, SimulatorConfig
from app.simulator.server import Simulator
from tests import factories
from tests.command_line import oms

FIRST, SECOND = "DU1000001", "DU1000002"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    accounts = (AccountSeed(account_id=FIRST), AccountSeed(account_id=SECOND))
    running = Simulator(SimulatorConfig(port=0, accounts=accounts))
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """The database with no account that is to be connected, before and after the test."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE broker_accounts SET is_active = false WHERE is_active")
    yield connection
    await connection.execute("UPDATE broker_accounts SET is_active = false WHERE is_active")
    await connection.close()


def _unused_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


async def test_a_gateway_that_is_well_is_told_with_its_accounts(state_dir: Path, simulator: Simulator) -> None:
    address = ("--host", "127.0.0.1", "--port", str(simulator.port))

    people = await oms("doctor", *address, "--account", SECOND, folder=state_dir)
    programs = await oms("doctor", *address, "--json", folder=state_dir)

    assert people.code == 0
    assert people.out.splitlines()[0].startswith(f"ok   127.0.0.1:{simulator.port} version 178, answers in ")
    assert people.out.splitlines()[1].startswith(f"ok   {SECOND}")
    [found] = json.loads(programs.out)
    assert (found["subject"], found["is_good"], found["code"]) == (f"127.0.0.1:{simulator.port}", True, "OK")
    assert found["detail"].endswith(f"manages {FIRST}, {SECOND}")


async def test_what_is_wrong_with_a_gateway_is_told_with_the_exit_code_of_brokers(
    state_dir: Path, simulator: Simulator
) -> None:
    dead = await oms("doctor", "--host", "127.0.0.1", "--port", str(_unused_port()), "--json", folder=state_dir)
    foreign = await oms(
        "doctor",
        *("--host", "127.0.0.1", "--port", str(simulator.port), "--account", "U7654321", "--live", "--json"),
        folder=state_dir,
    )

    assert dead.code == foreign.code == 6
    assert [one["code"] for one in json.loads(dead.out)] == ["REFUSED"]
    assert [one["code"] for one in json.loads(foreign.out)] == ["OK", "ACCOUNT_UNKNOWN", "PAPER_AND_LIVE_MIXED"]


@pytest.mark.parametrize(
    "arguments",
    [("--host", "127.0.0.1"), ("--port", "4004"), ("--host", "127.0.0.1", "--port", "4004", "--accounts")],
)
async def test_half_an_address_is_a_mistake_of_usage(state_dir: Path, arguments: tuple[str, ...]) -> None:
    assert (await oms("doctor", *arguments, folder=state_dir)).code == 2


async def test_every_account_is_looked_at_through_its_gateway(
    state_dir: Path, simulator: Simulator, database: Database, database_url: str, owner: asyncpg.Connection
) -> None:
    tenant_id = await factories.make_tenant(database)
    slug = f"test-{tenant_id.hex}"
    port = _unused_port()
    for number, at in ((FIRST, simulator.port), ("DU7777777", simulator.port), (SECOND, port)):
        await factories.make_account(database, tenant_id, account_number=number, port=at, client_id=7)
    await owner.execute(
        """
        UPDATE broker_connections AS c SET state = 'CONNECTED', lease_until = now() + interval '1 minute'
        FROM broker_accounts AS a WHERE a.id = c.account_id AND a.account_number = $1 AND c.tenant_id = $2
        """,
        FIRST,
        tenant_id,
    )

    ended = await oms("doctor", "--accounts", "--json", folder=state_dir, OMS_DATABASE_URL=database_url)

    found = [(one["subject"], one["code"], one["is_good"]) for one in json.loads(ended.out)]
    assert sorted(found) == sorted(
        [
            (f"127.0.0.1:{simulator.port}", "OK", True),
            (f"127.0.0.1:{port}", "REFUSED", False),
            (f"{slug}/{FIRST}", "OK", True),
            (f"{slug}/DU7777777", "ACCOUNT_UNKNOWN", False),
            (f"{slug}/DU7777777", "NOT_CONNECTED", False),
            (f"{slug}/{SECOND}", "NOT_CONNECTED", False),
        ]
    )
    assert ended.code == 6
