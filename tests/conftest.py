"""What every test may ask for: a real PostgreSQL, a database of the worker's own, a real Redis and a prefix in it."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from app.infra import passwords
from app.infra.db import Database, DatabaseRole
from tests import command_line
from tests.servers import ServersOfRun, create_clone, delete_keys, drop_databases

# The developer's own settings must not decide what a test sees.
for _name in [name for name in os.environ if name.startswith("OMS_") or name in {"DATABASE_URL", "REDIS_URL"}]:
    del os.environ[_name]

_SERVERS = pytest.StashKey[ServersOfRun]()
_RUN = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the servers of the run; nothing is started before its first use."""
    inherited = getattr(config, "workerinput", None)
    if inherited is None:
        config.stash[_SERVERS] = ServersOfRun()
        config.stash[_RUN] = uuid4().hex[:8]
    else:
        config.stash[_RUN] = inherited["oms_run"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts first what starts whole installations: nothing is to wait for it at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(("tests/system/", "tests/integration/setup/")))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist the servers that all workers share."""
    servers = node.config.stash[_SERVERS]
    node.workerinput["oms_run"] = node.config.stash[_RUN]
    node.workerinput["oms_postgres_url"] = servers.postgres_url
    node.workerinput["oms_redis_url"] = servers.redis_url


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what the run has started."""
    command_line.close()
    servers = config.stash.get(_SERVERS, None)
    if servers is not None:
        if servers.is_given_postgres:
            drop_databases(servers.postgres_url, f"oms_test_{config.stash[_RUN]}")
        servers.close()


@pytest.fixture(scope="session", autouse=True)
def costs_of_passwords() -> Iterator[dict[str, int]]:
    """Makes hashes of passwords cheap, but where their cost is the subject; what comes are the real costs."""
    cheap = {"MEMORY_COST_KIB": 64, "TIME_COST": 1}
    real = {name: int(getattr(passwords, name)) for name in cheap}
    with pytest.MonkeyPatch.context() as patched:
        for name, cost in cheap.items():
            patched.setattr(passwords, name, cost)
        yield real


@pytest.fixture(scope="session")
def postgres_url(pytestconfig: pytest.Config) -> str:
    """The PostgreSQL server, as a login that may create databases and roles."""
    inherited = getattr(pytestconfig, "workerinput", None)
    return str(inherited["oms_postgres_url"]) if inherited else pytestconfig.stash[_SERVERS].postgres_url


@pytest.fixture(scope="session")
def database_url(pytestconfig: pytest.Config, postgres_url: str, worker_name: str) -> str:
    """A migrated database that only this worker uses."""
    return create_clone(postgres_url, pytestconfig.stash[_RUN], worker_name)


@pytest.fixture(scope="module")
def own_database_url(pytestconfig: pytest.Config, postgres_url: str, worker_name: str) -> str:
    """A migrated database that nothing but the module uses, for what goes through all tenants."""
    return create_clone(postgres_url, pytestconfig.stash[_RUN], f"{worker_name}_{uuid4().hex[:8]}")


@pytest.fixture(scope="session")
def redis_url(pytestconfig: pytest.Config) -> str:
    """The Redis server; it is shared, so keys and channels begin with `redis_prefix`."""
    inherited = getattr(pytestconfig, "workerinput", None)
    return str(inherited["oms_redis_url"]) if inherited else pytestconfig.stash[_SERVERS].redis_url


@pytest.fixture(scope="session")
def redis_prefix(pytestconfig: pytest.Config, redis_url: str, worker_name: str) -> Iterator[str]:
    """How every key and channel of this worker begins. Database numbers would not part channels."""
    prefix = f"test:{pytestconfig.stash[_RUN]}:{worker_name}:"
    yield prefix
    delete_keys(redis_url, prefix)


@pytest.fixture(scope="session")
def worker_name(pytestconfig: pytest.Config) -> str:
    """The name of this worker among those that run tests at the same time."""
    inherited = getattr(pytestconfig, "workerinput", None)
    return str(inherited["workerid"]) if inherited else "main"


@pytest.fixture(scope="session")
async def database(database_url: str) -> AsyncIterator[Database]:
    """The worker's database under the role of the application."""
    async with _opened(database_url, DatabaseRole.APP) as opened:
        yield opened


@pytest.fixture(scope="session")
async def intake_database(database_url: str) -> AsyncIterator[Database]:
    """The worker's database under the role of the order intake."""
    async with _opened(database_url, DatabaseRole.INTAKE) as opened:
        yield opened


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """The owner of the tables, whom row-level security does not bind."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
async def system_database(database_url: str) -> AsyncIterator[Database]:
    """The worker's database under the role that reads a few tables over all tenants."""
    async with _opened(database_url, DatabaseRole.SYSTEM) as opened:
        yield opened


@pytest.fixture(scope="session")
async def sealer_database(database_url: str) -> AsyncIterator[Database]:
    """The worker's database under the role of the audit log's sealer."""
    async with _opened(database_url, DatabaseRole.SEALER) as opened:
        yield opened


@asynccontextmanager
async def _opened(database_url: str, role: DatabaseRole) -> AsyncIterator[Database]:
    database = Database(database_url, role, size=4)
    await database.open()
    try:
        yield database
    finally:
        await database.close()
