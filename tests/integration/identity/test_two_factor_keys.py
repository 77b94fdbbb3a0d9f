"""The keys of second factors are rotated: in a database of its own, for a rotation goes through all tenants.

Elsewhere in the worker's database other tests seal under master keys of their own, which this one does not have.
"""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.flows.identity.rotate_secrets import keys_in_use, rotate_data_keys, rotate_master_key
from app.infra.db import Database, DatabaseRole
from app.infra.vault import SecretUnreadableError, Vault
from tests.integration.identity.test_two_factor import Enrolled, enrolled

__all__ = ["enrolled"]


@pytest.fixture(scope="module")
def database_url(own_database_url: str) -> str:
    """The module's own database."""
    return own_database_url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The module's own database, as the application sees it."""
    opened = Database(database_url, DatabaseRole.APP, size=2)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def system_database(database_url: str) -> AsyncIterator[Database]:
    """The module's own database, as the operator's commands see it."""
    opened = Database(database_url, DatabaseRole.SYSTEM, size=1)
    await opened.open()
    yield opened
    await opened.close()


async def test_the_master_key_and_the_persons_key_are_rotated(
    enrolled: Enrolled, database: Database, system_database: Database, owner: asyncpg.Connection
) -> None:
    old, new = b"a master key that tests know too", b"another master key of the tests."
    both, alone = Vault({"2": new, "1": old}), Vault({"2": new})
    sealed = "SELECT sealed_secret FROM second_factors WHERE user_id = $1"
    before = await owner.fetchval(sealed, enrolled.principal.user_id)
    needed = await keys_in_use(database, system_database, alone)

    await rotate_master_key(database, system_database, both)
    rewrapped = await owner.fetchval(sealed, enrolled.principal.user_id)
    await rotate_data_keys(database, system_database, both, enrolled.clock)

    assert "1" in needed.missing
    assert (await keys_in_use(database, system_database, alone)).missing == []
    assert rewrapped == before
    assert await owner.fetchval(sealed, enrolled.principal.user_id) != before
    with pytest.raises(SecretUnreadableError):
        await enrolled.verify(await enrolled.challenge(), enrolled.code())
