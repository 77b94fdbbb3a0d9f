"""Tampering as the owner of the database is found and located, and an untouched log raises no alarm.

The long form: `python -m tests.integration.audit --rounds 250`.
"""

from random import Random

import asyncpg
import pytest

from app.flows.audit.verify_audit import verify_audit
from app.infra.db import Database
from app.infra.signing import Signatures, Signer
from tests.integration.audit.tampering import SIGNATURES, WAYS, Victim, make_victim, play
from tests.integration.audit.writing import House, as_owner, make_house

ROUNDS = 6


@pytest.fixture
async def house(database: Database, sealer_database: Database) -> House:
    """A tenant with an empty log."""
    return await make_house(database, sealer_database)


@pytest.fixture
async def victim(house: House, owner: asyncpg.Connection) -> Victim:
    """A random log with signed heads outside."""
    return await make_victim(house, owner, Random(11))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("is_covered", [False, True], ids=["plainly", "covering the traces"])
async def test_tampering_is_found_and_located(victim: Victim, way: str, is_covered: bool) -> None:
    for seed in range(ROUNDS):
        await play(victim, way, Random(f"{way} {seed}"), is_covered=is_covered)

    assert (await victim.verdict()).verification.is_intact


async def test_an_untouched_log_raises_no_alarm_however_it_was_sealed(house: House, owner: asyncpg.Connection) -> None:
    for seed in range(4):
        victim = await make_victim(house, owner, Random(seed))

        verdict = await victim.verdict()

        assert verdict.verification.is_intact, verdict
        assert verdict.verification.entries == len(victim.links)
        assert verdict.is_complete
        assert (verdict.heads, verdict.unreadable_heads) == (len(victim.outside), 0)


async def test_a_log_of_which_everything_is_gone_is_missed_by_the_heads_outside(victim: Victim) -> None:
    for table in ("audit_chain", "audit_heads", "audit_signed_heads"):
        await victim.execute(f"DELETE FROM {table} WHERE tenant_id = $1")

    verdict = await victim.verdict()

    assert verdict.verification.first_broken_sequence == 1
    await victim.restore()


async def test_a_prefix_that_no_signed_head_says_is_pruned_is_missed(victim: Victim) -> None:
    third = victim.links[2]
    await victim.execute("DELETE FROM audit_chain WHERE tenant_id = $1 AND sequence <= 3")
    await victim.execute(
        "UPDATE audit_heads SET pruned_sequence = 3, pruned_hash = $2 WHERE tenant_id = $1", third.hash
    )

    verdict = await victim.verdict()

    assert verdict.verification.first_broken_sequence == 1
    await victim.restore()


async def test_heads_of_another_key_are_not_believed(victim: Victim) -> None:
    stranger = Signatures(Signer({"1": bytes(32)}).public_keys())

    verdict = await verify_audit(
        victim.house.database, stranger, victim.house.tenant_id, limit=None, outside=victim.outside
    )

    assert verdict.heads == 0
    assert verdict.unreadable_heads >= len(victim.outside)


async def test_parts_of_a_long_log_are_looked_at_one_by_one(victim: Victim, database_url: str) -> None:
    house, total = victim.house, len(victim.links)
    broken = total - 1
    await as_owner(
        database_url,
        "UPDATE audit_chain SET action = 'forged' WHERE tenant_id = $1 AND sequence = $2",
        house.tenant_id,
        broken,
    )

    found, since = [], 1
    while True:
        verdict = await verify_audit(house.database, SIGNATURES, house.tenant_id, since=since, limit=4)
        found.append(verdict)
        if verdict.is_complete:
            break
        since = verdict.through + 1

    assert sum(one.verification.entries for one in found) == total
    assert [one.verification.first_broken_sequence for one in found if not one.verification.is_intact] == [broken]
    await victim.restore()
