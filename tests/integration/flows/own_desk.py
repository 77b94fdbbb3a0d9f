"""A desk whose database holds the tenants of one module alone, for what goes through all of them."""

from collections.abc import AsyncIterator

import pytest

from app.flows.desk import Desk, open_desk
from app.infra.db import Database, DatabaseRole
from app.infra.settings import Settings


@pytest.fixture(scope="module")
async def desk(own_database_url: str, redis_url: str, redis_prefix: str) -> AsyncIterator[Desk]:
    """The desk, in the place of the one that all modules share."""
    settings = Settings(
        environment="test", database_url=own_database_url, redis_url=redis_url, redis_prefix=redis_prefix
    )
    async with open_desk(settings) as desk:
        yield desk


@pytest.fixture(scope="module")
async def system_database(own_database_url: str) -> AsyncIterator[Database]:
    """Its database under the role that reads a few tables over all tenants."""
    database = Database(own_database_url, DatabaseRole.SYSTEM, size=2)
    await database.open()
    yield database
    await database.close()
