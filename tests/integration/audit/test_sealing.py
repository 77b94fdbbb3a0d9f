"""The sealer: every entry once, in the order of the commits, whatever becomes of the sealer."""

import asyncio
from random import Random
from typing import Any

import asyncpg
import pytest

from app.audit import keys_batch
from app.audit import sealing_batch as sealing
from app.audit.domain import GENESIS, chain_hash
from app.flows.audit.read_audit import shown
from app.flows.audit.seal_audit import Sealer
from app.flows.identity.rotate_secrets import rotate_master_key
from app.infra.db import CONNECTION_LOST, Database
from app.infra.settings import DEVELOPMENT_MASTER_KEY
from app.infra.system import SystemClock
from app.infra.uow import begin_batch
from app.infra.vault import Vault, new_master_key
from tests.integration.audit.writing import IDS, VAULT, House, as_owner, make_house, random_entry


@pytest.fixture
async def house(database: Database, sealer_database: Database) -> House:
    """A tenant with an empty log, and nothing of anybody else that would fill a batch."""
    made = await make_house(database, sealer_database)
    await made.seal()
    return made


def sealer_of(house: House, **options: Any) -> Sealer:
    """Another sealer."""
    return Sealer(house.sealer_database, VAULT, SystemClock(), IDS, **options)


async def waiting(house: House) -> int:
    """How many entries of the tenant wait."""
    async with begin_batch(house.database, house.tenant_id) as session:
        rows = await session.fetch("SELECT count(*) AS found FROM audit_log WHERE tenant_id = $1", house.tenant_id)
    return int(rows[0]["found"])


async def write_and_fail(house: House) -> None:
    """Writes an entry down in a transaction that is rolled back."""
    async with begin_batch(house.database, house.tenant_id) as session:
        await session.execute(
            "INSERT INTO audit_log (tenant_id, id, actor, action, resource_type, created_at) "
            "VALUES ($1, $2, 'system:test', 'a', 'b', now())",
            house.tenant_id,
            IDS.new(),
        )
        await session.execute("SELECT 1 / 0")


def assert_whole(found: list[Any], count: int) -> None:
    """The chain has so many entries, without a gap, and each hash fits."""
    assert [link.entry.sequence for link in found] == list(range(1, count + 1))
    previous = GENESIS
    for link in found:
        assert chain_hash(link.entry, previous) == link.hash
        previous = link.hash


async def test_every_entry_is_sealed_once_in_the_order_of_its_commit(house: House) -> None:
    written = [random_entry(house.principal, Random(seed)) for seed in range(12)]
    for entry in written[:6]:
        await house.write([entry])
    await house.seal(batch=4)
    for entry in written[6:]:
        await house.write([entry])

    await house.seal(batch=4)

    found = await house.links()
    assert_whole(found, 12)
    assert [link.entry.id for link in found] == [entry.id for entry in written]
    assert await waiting(house) == 0


async def test_an_entry_whose_transaction_began_first_and_ended_last_is_not_lost(house: House) -> None:
    early, late = (random_entry(house.principal, Random(seed)) for seed in (1, 2))
    async with begin_batch(house.database, house.tenant_id) as session:
        await session.execute(
            "INSERT INTO audit_log (tenant_id, id, actor, action, resource_type, created_at) "
            "VALUES ($1, $2, 'system:test', 'a', 'b', $3)",
            house.tenant_id,
            early.id,
            early.created_at,
        )
        await house.write([late])
        await house.seal()
        assert [link.entry.id for link in await house.links()] == [late.id]

    await house.seal()

    found = await house.links()
    assert_whole(found, 2)
    assert [link.entry.id for link in found] == [late.id, early.id]


async def test_what_is_rolled_back_leaves_no_gap(house: House) -> None:
    await house.write([random_entry(house.principal, Random(1))])
    with pytest.raises(asyncpg.DivisionByZeroError):
        await write_and_fail(house)
    await house.write([random_entry(house.principal, Random(2))])

    await house.seal()

    assert_whole(await house.links(), 2)


STEPS = ("holds_lease", "lock_ends", "person_keys", "add_person_keys", "seal", "move_ends")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
async def test_a_sealer_that_dies_at_any_step_loses_and_doubles_nothing(
    house: House, database_url: str, monkeypatch: pytest.MonkeyPatch, step: str, is_after: bool
) -> None:
    await house.write_random(20, Random(f"{step} {is_after}"))
    original = getattr(sealing, step)

    async def dying(session: Any, *arguments: Any) -> Any:
        if is_after:
            await original(session, *arguments)
        # The server's side of a killed process: the connection is gone in the middle of the transaction.
        (pid,) = await session.fetch("SELECT pg_backend_pid() AS pid")
        await as_owner(database_url, "SELECT pg_terminate_backend($1, 5000)", pid["pid"])
        return await original(session, *arguments)

    monkeypatch.setattr(sealing, step, dying)
    with pytest.raises((asyncpg.PostgresError, *CONNECTION_LOST)):
        await sealer_of(house, lease_s=60).seal_once()
    monkeypatch.undo()
    # The lease of the dead runs out.
    await as_owner(database_url, "UPDATE audit_leases SET lease_until = '-infinity'")

    await house.seal()

    assert_whole(await house.links(), 20)
    assert await waiting(house) == 0


async def test_sealers_at_once_make_one_chain(house: House) -> None:
    await house.write_random(60, Random(7))
    sealers = [sealer_of(house, lease_s=0.001, batch=3) for _ in range(4)]

    async def run(sealer: Sealer) -> None:
        while await waiting(house):
            await sealer.seal_once()

    await asyncio.gather(*map(run, sealers))

    assert_whole(await house.links(), 60)


async def test_a_second_sealer_stands_by_until_the_first_is_gone(house: House) -> None:
    first, second = sealer_of(house, lease_s=60), sealer_of(house, lease_s=60)
    await first.seal_once()

    assert await second.seal_once() is None
    await first.stand_down()
    assert await second.seal_once() is not None
    await second.stand_down()


async def test_who_has_much_to_seal_holds_up_nobody(database: Database, sealer_database: Database) -> None:
    houses = [await make_house(database, sealer_database) for _ in range(2)]
    busy, quiet = sorted(houses, key=lambda one: one.tenant_id)
    await busy.write_random(30, Random(1))
    await quiet.write_random(1, Random(2))
    sealer = sealer_of(busy, lease_s=60, batch=5)

    rounds = 0
    while not await quiet.links():
        await sealer.seal_once()
        rounds += 1
    await sealer.stand_down()

    assert rounds <= 3
    assert len(await busy.links()) < 30
    await busy.seal()


async def test_nobody_but_the_owner_can_change_what_is_sealed(house: House) -> None:
    await house.write_random(3, Random(3))
    await house.seal()

    for database in (house.database, house.sealer_database):
        for sql in (
            "UPDATE audit_chain SET actor = 'somebody' WHERE tenant_id = $1",
            "UPDATE audit_log SET actor = 'somebody' WHERE tenant_id = $1",
            "TRUNCATE audit_chain",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with begin_batch(database, house.tenant_id) as session:
                    await session.execute(sql, *([house.tenant_id] if "$1" in sql else []))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with begin_batch(house.database, house.tenant_id) as session:
            await session.execute("DELETE FROM audit_chain WHERE tenant_id = $1", house.tenant_id)
    async with begin_batch(house.sealer_database, house.tenant_id) as session:
        gone = await session.fetch("DELETE FROM audit_chain WHERE tenant_id = $1 RETURNING id", house.tenant_id)
    assert gone == []
    assert_whole(await house.links(), 3)


async def test_persons_keys_go_along_when_the_master_key_is_rotated(
    house: House, system_database: Database, database_url: str
) -> None:
    await as_owner(database_url, "DELETE FROM audit_person_keys WHERE tenant_id <> $1", house.tenant_id)
    await as_owner(database_url, "DELETE FROM broker_credentials")
    await as_owner(database_url, "DELETE FROM tenant_data_keys")
    await as_owner(database_url, "DELETE FROM second_factors")
    await house.write_random(10, Random(5))
    await house.seal()
    both = Vault.of(f"2:{new_master_key()},{DEVELOPMENT_MASTER_KEY}")

    done = await rotate_master_key(house.database, system_database, both)

    assert done.rewrapped_keys >= 1
    async with begin_batch(house.database, house.tenant_id) as session:
        assert set(await keys_batch.versions(session, house.tenant_id)) == {"2"}
        views = await shown(session, both, house.tenant_id, await house.links())
    assert {view.ip_address for view in views if view.actor == house.principal.actor} == {"127.0.0.1"}
