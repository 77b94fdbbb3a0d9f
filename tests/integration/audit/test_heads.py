"""Signed heads: signed when the chain has moved, brought to a sink, kept through failures of it."""

import base64
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from app.audit import sealing_batch as sealing
from app.audit.domain import GENESIS, Head, chain_hash
from app.audit.domain.heads import HeadUnreadableError, read_head
from app.audit.domain.retention import KEEP_DAYS_MIN
from app.flows.audit.prune_audit import prune_audit
from app.flows.audit.sign_heads import RETRY_S_MIN, HeadKeeper, heads_of_sink, signed
from app.flows.audit.verify_audit import verify_audit
from app.infra.db import Database
from app.infra.head_sinks import FileSink, HeadLine, HeadSinkError
from app.infra.signing import Signatures, Signer
from app.infra.system import SystemClock
from app.infra.uow import begin_batch, begin_system
from tests.integration.audit.tampering import SIGNATURES, SIGNER
from tests.integration.audit.writing import IDS, House, as_owner, make_house


@pytest.fixture
async def house(database: Database, sealer_database: Database) -> House:
    """A tenant with an empty log."""
    return await make_house(database, sealer_database)


class Time:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


class BrokenSink:
    """A disk that is full, until it is not."""

    def __init__(self, sink: FileSink) -> None:
        self.sink = sink
        self.is_broken = True
        self.tries = 0

    async def write(self, heads: Sequence[HeadLine]) -> None:
        self.tries += 1
        if self.is_broken:
            raise HeadSinkError("the disk is full")
        await self.sink.write(heads)

    async def read(self, tenant_id: UUID) -> list[bytes]:
        return await self.sink.read(tenant_id)


def keeper_of(house: House, sink: FileSink | BrokenSink, time: Time) -> HeadKeeper:
    """A keeper of heads that signs every minute."""
    return HeadKeeper(house.sealer_database, SIGNER, sink, SystemClock(), interval_s=60, monotonic=time)


async def test_a_head_is_signed_when_the_chain_has_moved_and_reaches_the_file(house: House, tmp_path: Path) -> None:
    sink, time = FileSink(tmp_path / "heads"), Time()
    keeper = keeper_of(house, sink, time)
    await house.write_random(4, Random(1))
    await house.seal()
    await keeper.keep()
    await house.write_random(2, Random(2))
    await house.seal()
    await keeper.keep()
    time.at += 60
    await keeper.keep()
    time.at += 60
    await keeper.keep()

    heads, bad = await heads_of_sink(sink, house.tenant_id)

    assert [one.head.sequence for one in heads] == [4, 6]
    assert bad == 0
    assert all(SIGNATURES.holds(one.head.key_id, one.head.preimage(), one.signature) for one in heads)
    assert heads[-1].head.hash == (await house.links())[-1].hash


async def test_a_sink_that_fails_is_tried_again_later_and_gets_everything(house: House, tmp_path: Path) -> None:
    sink, time = BrokenSink(FileSink(tmp_path)), Time()
    keeper = keeper_of(house, sink, time)
    await house.write_random(3, Random(1))
    await house.seal()
    await keeper.keep()
    await keeper.keep()
    time.at += RETRY_S_MIN
    await keeper.keep()
    assert sink.tries == 2
    await house.write_random(3, Random(2))
    await house.seal()
    time.at += 60
    sink.is_broken = False

    await keeper.keep()

    heads, _ = await heads_of_sink(sink, house.tenant_id)
    assert [one.head.sequence for one in heads] == [3, 6]
    assert sink.tries == 3


async def test_a_line_that_a_crash_cut_off_spoils_no_other(house: House, tmp_path: Path) -> None:
    sink = FileSink(tmp_path)
    head = _head(house, 1)
    await sink.write([_line(house, head)])
    path = tmp_path / f"{house.tenant_id}.jsonl"
    with path.open("ab") as file:
        file.write(b'{"hash":"half')

    await sink.write([_line(house, _head(house, 2))])

    heads, bad = await heads_of_sink(sink, house.tenant_id)
    assert [one.head.sequence for one in heads] == [1, 2]
    assert bad == 1
    assert os.stat(path).st_mode & 0o007 == 0


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"[]", b"null", b'{"hash": 1}', b"\xff", b"{" * 5_000, b'"' + b"x" * 5_000 + b'"']
)
def test_what_is_no_head_is_no_head(line: bytes) -> None:
    with pytest.raises(HeadUnreadableError):
        read_head(line)


async def test_a_head_with_another_value_is_not_believed(house: House) -> None:
    line = _line(house, _head(house, 9)).line
    document = json.loads(line)

    for name, value in (("sequence", 8), ("prunedSequence", 1), ("hash", "01" * 32), ("tenantId", str(IDS.new()))):
        forged = read_head(json.dumps(document | {name: value}).encode())
        assert not SIGNATURES.holds(forged.head.key_id, forged.head.preimage(), forged.signature)
    honest = read_head(line)
    assert SIGNATURES.holds(honest.head.key_id, honest.head.preimage(), honest.signature)


def test_a_key_that_signed_before_still_proves_what_it_signed() -> None:
    content = b"head"
    old = Signer({"1": bytes(range(32))})
    signature = old.sign(content)
    by_private = Signatures.of(f"2:{_b64(bytes(32))},1:{_b64(bytes(range(32)))}", "")
    by_public = Signatures.of(f"2:{_b64(bytes(32))}", f"1:{_b64(old.public_keys()['1'])}")

    assert by_private.holds("1", content, signature)
    assert by_public.holds("1", content, signature)
    assert not by_public.holds("2", content, signature)
    assert not by_public.holds("3", content, signature)


async def test_what_retention_prunes_leaves_a_chain_that_verifies(
    house: House, database_url: str, tmp_path: Path
) -> None:
    clock, sink = Years(-6), FileSink(tmp_path)
    await house.write_random(8, Random(3))
    await house.seal()
    await as_owner(
        database_url,
        "UPDATE audit_chain SET created_at = created_at - interval '6 years' WHERE tenant_id = $1 AND sequence <= 5",
        house.tenant_id,
    )
    # The log of then, sealed then: its hashes are made anew for the dates.
    await _reseal(house, database_url)
    old_keeper = HeadKeeper(house.sealer_database, SIGNER, sink, clock, interval_s=0)
    async with begin_system(house.sealer_database) as session:
        links = await house.links()
        then = signed(SIGNER, [_head(house, 5, links[4].hash, at=clock.now())])
        await sealing.add_signed_heads(session, then)
    clock.years = 0
    await old_keeper.keep()
    async with begin_batch(house.database, house.tenant_id) as batch:
        await batch.execute(
            "INSERT INTO audit_retentions (tenant_id, keep_days, set_by, set_at) VALUES ($1, $2, 'user:x', now())",
            house.tenant_id,
            KEEP_DAYS_MIN,
        )

    pruned = await prune_audit(house.sealer_database, SIGNER, clock, IDS)
    again = await prune_audit(house.sealer_database, SIGNER, clock, IDS)
    at_once = await _verdict(house, sink)
    await old_keeper.deliver()
    later = await _verdict(house, sink)

    left = await house.links()
    assert (pruned, again) == (5, 0)
    assert [link.entry.sequence for link in left] == [6, 7, 8, 9]
    assert left[-1].entry.action == "audit_log.pruned"
    assert json.loads(left[-1].entry.new_values or "")["through"] == 5
    assert at_once, "no alarm between the pruning and the next delivery"
    assert later
    await house.write_random(2, Random(4))
    await house.seal()
    assert await _verdict(house, sink)
    await as_owner(
        database_url, "UPDATE audit_chain SET actor = 'x' WHERE tenant_id = $1 AND sequence = 7", house.tenant_id
    )
    assert not await _verdict(house, sink)


async def test_the_young_are_not_pruned_whatever_the_rule(house: House, database_url: str) -> None:
    await house.write_random(3, Random(5))
    await house.seal()

    async with begin_system(house.sealer_database) as session:
        gone = await session.fetch("DELETE FROM audit_chain WHERE tenant_id = $1 RETURNING 1", house.tenant_id)

    assert gone == []
    assert len(await house.links()) == 3


class Years:
    """A clock some years away."""

    def __init__(self, years: int) -> None:
        self.years = years

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=366 * self.years)


async def _verdict(house: House, sink: FileSink) -> bool:
    outside, _ = await heads_of_sink(sink, house.tenant_id)
    verdict = await verify_audit(house.database, SIGNATURES, house.tenant_id, limit=None, outside=outside)
    return verdict.verification.is_intact


async def _reseal(house: House, database_url: str) -> None:
    previous = GENESIS
    for link in await house.links():
        previous = chain_hash(link.entry, previous)
        await as_owner(
            database_url,
            "UPDATE audit_chain SET hash = $3 WHERE tenant_id = $1 AND sequence = $2",
            house.tenant_id,
            link.entry.sequence,
            previous,
        )
    await as_owner(database_url, "UPDATE audit_heads SET hash = $2 WHERE tenant_id = $1", house.tenant_id, previous)


def _head(house: House, sequence: int, found: bytes = bytes(32), *, at: datetime | None = None) -> Head:
    return Head(
        tenant_id=house.tenant_id,
        sequence=sequence,
        hash=found,
        pruned_sequence=0,
        signed_at=at or datetime.now(UTC),
        key_id=SIGNER.key_id,
    )


def _line(house: House, head: Head) -> HeadLine:
    [one] = signed(SIGNER, [head])
    return HeadLine(tenant_id=house.tenant_id, sequence=head.sequence, pruned_sequence=0, line=one.line())


def _b64(key: bytes) -> str:
    return base64.b64encode(key).decode()
