"""A door on the worker's database, firms to enter by it, and the owner's hand in the tables."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from app.flows.identity.door import Door, open_door
from app.flows.identity.register import Registered, Registration
from app.flows.tenants.open_tenant import open_tenant
from app.identity.domain import Client
from app.infra.db import Database, DatabaseRole
from app.infra.system import SystemIds
from app.infra.vault import Vault
from tests.fakes import SetClock
from tests.mailbox import Mailbox, opened_mailbox

PASSWORD = "correct horse battery"
MASTER_KEY = b"a master key that tests know too"
VAULT = Vault({"1": MASTER_KEY})
CLIENT = Client(ip_address="192.0.2.7", request_id="request-1", user_agent="pytest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Firm:
    """A registered firm with what its administrator typed."""

    registration: Registration
    registered: Registered


Found = Callable[[], Awaitable[Firm]]


@pytest.fixture(scope="session")
async def database(database_url: str) -> AsyncIterator[Database]:
    """The application's connections: under its own role, so that row-level security holds."""
    database = Database(database_url, DatabaseRole.APP, size=8)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def clock() -> SetClock:
    """The clock of the door."""
    return SetClock(datetime(2026, 11, 20, 12, tzinfo=UTC))


@pytest.fixture
def open_another(database: Database, clock: SetClock) -> Callable[[], Door]:
    """Opens a door as another process has it: with the same key and caches of its own."""

    def open_one() -> Door:
        return open_door(
            database,
            token_secret="a key that only the tests know, long enough",
            vault=VAULT,
            clock=clock,
            ids=SystemIds(),
        )

    return open_one


@pytest.fixture
def door(open_another: Callable[[], Door]) -> Iterator[Door]:
    """The door of a process."""
    door = open_another()
    yield door
    door.close()


@pytest.fixture
async def mailbox(database_url: str, door: Door, tmp_path: Path) -> AsyncIterator[Mailbox]:
    """What people are mailed."""
    async with opened_mailbox(database_url, door, tmp_path / "mail") as mailbox:
        yield mailbox


@pytest.fixture
def found(door: Door) -> Found:
    """Registers a firm of the test's own."""

    async def found_one() -> Firm:
        registration = Registration(
            tenant_name=f"Firm {uuid4().hex[:12]}",
            email=f"admin-{uuid4().hex[:12]}@example.com",
            password=PASSWORD,
            first_name="Ann",
            last_name="Lee",
        )
        return Firm(registration=registration, registered=await open_tenant(door, registration, CLIENT))

    return found_one


def from_address(address: str) -> Client:
    """The client at another address."""
    return replace(CLIENT, ip_address=address)
