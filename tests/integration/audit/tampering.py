"""Four ways to tamper with a log as a superuser, plainly or covering the traces, and what must be found of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Final
from uuid import uuid4

import asyncpg

from app.audit.domain import GENESIS, BreakKind, Link, SignedHead, chain_hash
from app.audit.reading_batch import signed_heads
from app.flows.audit.sign_heads import HeadKeeper
from app.flows.audit.verify_audit import AuditVerdict, verify_audit
from app.infra.signing import Signatures, Signer
from app.infra.system import SystemClock
from app.infra.uow import begin_batch
from tests.integration.audit.writing import House

SIGNER: Final = Signer({"1": bytes(range(32))})
SIGNATURES: Final = Signatures(SIGNER.public_keys())
_STATE: Final = ("audit_chain", "audit_heads", "audit_signed_heads")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Where a log was tampered with: the first entry that is not what it was."""

    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """A sealed log, the heads of it that are outside, and the owner's connection that tampers with it."""

    house: House
    owner: asyncpg.Connection
    links: list[Link]
    outside: list[SignedHead]

    async def verdict(self) -> AuditVerdict:
        """What a look at the log finds."""
        return await verify_audit(
            self.house.database, SIGNATURES, self.house.tenant_id, limit=None, outside=self.outside
        )

    async def keep(self) -> None:
        """Remembers the log as it is."""
        for table in _STATE:
            await self.owner.execute(f"DROP TABLE IF EXISTS pg_temp.kept_{table}")
            await self.owner.execute(
                f"CREATE TEMP TABLE kept_{table} AS SELECT * FROM {table} WHERE tenant_id = '{self.house.tenant_id}'"
            )

    async def restore(self) -> None:
        """Makes the log what it was."""
        for table in _STATE:
            await self.owner.execute(f"DELETE FROM {table} WHERE tenant_id = $1", self.house.tenant_id)
            await self.owner.execute(f"INSERT INTO {table} SELECT * FROM pg_temp.kept_{table}")

    async def execute(self, sql: str, *parameters: object) -> None:
        """Runs a statement as superuser; $1 is the tenant."""
        await self.owner.execute(sql, self.house.tenant_id, *parameters)


async def make_victim(house: House, owner: asyncpg.Connection, random: Random) -> Victim:
    """A random log whose heads were signed now and then, and at its end."""
    keeper = HeadKeeper(house.sealer_database, SIGNER, None, SystemClock(), interval_s=0)
    for _ in range(random.randint(2, 4)):
        await house.write_random(random.randint(3, 12), random)
        await house.seal(batch=random.choice((1, 5, 500)))
        while await keeper.sign():
            pass
    async with begin_batch(house.database, house.tenant_id) as session:
        outside = await signed_heads(session, house.tenant_id, 0, 1_000)
    victim = Victim(house=house, owner=owner, links=await house.links(), outside=outside)
    await victim.keep()
    return victim


async def change(victim: Victim, random: Random, *, is_covered: bool) -> Trace:
    """Another value in one entry. To cover the traces makes its hash anew: that alone is no tampering then."""
    sequence = random.randint(1, len(victim.links))
    column, value = random.choice(
        [
            ("actor", "'user:somebody'"),
            ("action", "action || '.'"),
            ("new_values", '\'{"quantity":"7"}\''),
            ("old_values", "coalesce(old_values, '{}') || ' '"),
            ("resource_id", "coalesce(resource_id, '') || 'x'"),
            ("resource_type", "'other'"),
            ("request_id", "'forged'"),
            ("created_at", "created_at + interval '1 microsecond'"),
            ("id", f"'{uuid4()}'"),
            ("sealed_address", "'\\x00'::bytea"),
            ("sealed_values", "coalesce(sealed_values, '') || '\\x01'::bytea"),
            *([] if is_covered else [("hash", "sha256(hash)")]),
        ]
    )
    await victim.execute(f"UPDATE audit_chain SET {column} = {value} WHERE tenant_id = $1 AND sequence = $2", sequence)
    return Trace(sequence=sequence)


async def delete(victim: Victim, random: Random, *, is_covered: bool) -> Trace:
    """Entries out of the middle or from the beginning."""
    last = len(victim.links)
    sequence = random.randint(1, last - 1)
    until = random.randint(sequence, min(sequence + 3, last - 1))
    await victim.execute("DELETE FROM audit_chain WHERE tenant_id = $1 AND sequence BETWEEN $2 AND $3", sequence, until)
    return Trace(sequence=sequence)


async def reorder(victim: Victim, random: Random, *, is_covered: bool) -> Trace:
    """Two entries in each other's place."""
    one, other = sorted(random.sample(range(1, len(victim.links) + 1), 2))
    for before, after in ((one, 10**9), (other, one), (10**9, other)):
        await victim.execute(
            "UPDATE audit_chain SET sequence = $3 WHERE tenant_id = $1 AND sequence = $2", before, after
        )
    return Trace(sequence=one)


async def cut(victim: Victim, random: Random, *, is_covered: bool) -> Trace:
    """The end away."""
    sequence = random.randint(1, len(victim.links))
    await victim.execute("DELETE FROM audit_chain WHERE tenant_id = $1 AND sequence >= $2", sequence)
    return Trace(sequence=sequence)


WAYS: Final[dict[str, Callable[..., Awaitable[Trace]]]] = {
    "change": change,
    "delete": delete,
    "reorder": reorder,
    "cut": cut,
}


async def cover(victim: Victim) -> None:
    """Makes what is left a chain that fits together again: numbers, hashes, the head, and no signed heads beside it."""
    connection = victim.owner
    await victim.execute("UPDATE audit_chain SET sequence = sequence + 1000000 WHERE tenant_id = $1")
    await victim.execute(
        """
        UPDATE audit_chain AS c SET sequence = n.place
        FROM (SELECT sequence, row_number() OVER (ORDER BY sequence) AS place
              FROM audit_chain WHERE tenant_id = $1) AS n
        WHERE c.tenant_id = $1 AND c.sequence = n.sequence
        """
    )
    previous = GENESIS
    links = await victim.house.links()
    for link in links:
        previous = chain_hash(link.entry, previous)
        await victim.execute(
            "UPDATE audit_chain SET hash = $3 WHERE tenant_id = $1 AND sequence = $2", link.entry.sequence, previous
        )
    await victim.execute("UPDATE audit_heads SET sequence = $2, hash = $3 WHERE tenant_id = $1", len(links), previous)
    await connection.execute("DELETE FROM audit_signed_heads WHERE tenant_id = $1", victim.house.tenant_id)


def assert_found(victim: Victim, way: str, trace: Trace, verdict: AuditVerdict, *, is_covered: bool) -> None:
    """The tampering was found, and where: at the entry, or, with the traces covered, between two signed heads."""
    found = verdict.verification
    assert not found.is_intact, (way, trace)
    first = found.first_broken_sequence
    assert first is not None
    if not is_covered:
        assert first == trace.sequence, (way, trace, found)
        return
    # Between the last head from before and the first one from after.
    heads = sorted({0, *(one.head.sequence for one in victim.outside)})
    before = max(one for one in heads if one < trace.sequence)
    located = next(one for one in found.breaks if one.sequence == first)
    assert located.kind in {BreakKind.REWRITTEN, BreakKind.CUT}, (way, trace, found)
    assert first == before + 1, (way, trace, found, heads)
    assert trace.sequence <= located.until, (way, trace, found, heads)


async def play(victim: Victim, way: str, random: Random, *, is_covered: bool) -> None:
    """Tampers with the log, looks at it, and makes it what it was. Raises AssertionError for what is not found."""
    trace = await WAYS[way](victim, random, is_covered=is_covered)
    if is_covered:
        await cover(victim)
    verdict = await victim.verdict()
    await victim.restore()
    assert_found(victim, way, trace, verdict, is_covered=is_covered)
