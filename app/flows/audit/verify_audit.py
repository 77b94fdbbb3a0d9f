"""verifyAuditLog and `oms audit verify`: a tenant's chain against itself, its signed heads, and those of the sink."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from app.audit import reading_batch
from app.audit.domain import GENESIS, KEEP_DAYS_MIN, Break, BreakKind, Head, SignedHead, Verification, Verifier
from app.audit.reading_batch import ChainState
from app.core.errors import InputError
from app.core.ids import TenantId
from app.flows.desk import Desk
from app.identity.domain import Principal, Scope
from app.infra.db import Database
from app.infra.signing import Signatures
from app.infra.uow import begin_batch

PAGE: Final = 200
ENTRIES_MAX: Final = 10_000
"""How many entries one question over the API looks at; a longer chain is asked about part by part."""
HEADS_MAX: Final = 100_000
TRIES_MAX: Final = 3
_ONE_AT_A_TIME: Final = asyncio.Semaphore(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerdict:
    """What a look found. through is the last entry that it reached; is_complete when that is the end of the chain.

    heads is how many signed heads the chain was held against; unreadable how many there were whose signature does not
    hold or whose key is not known here.
    """

    verification: Verification
    since: int
    through: int
    is_complete: bool
    heads: int
    unreadable_heads: int


async def verify_audit(
    database: Database,
    signatures: Signatures | None,
    tenant_id: TenantId,
    *,
    since: int | None = None,
    limit: int | None = ENTRIES_MAX,
    outside: Sequence[SignedHead] = (),
) -> AuditVerdict:
    """Looks at the chain from the entry `since` on, or from its beginning, at most `limit` entries.

    outside are the heads that a sink keeps, read before this is called: those in the database, which are taken too,
    whoever owns it can take away. Raises InputError for a since that is not in the log.
    """
    for _ in range(TRIES_MAX):
        part = await _part(database, tenant_id, since, limit)
        verdict = await _look(database, signatures, part, outside)
        if verdict.verification.is_intact or not await _was_pruned(database, part):
            break
    return verdict


async def verify_own_audit(desk: Desk, principal: Principal, since: int | None) -> AuditVerdict:
    """A look of the principal at its tenant's chain, one of a process at a time: hashing takes the processor.

    Raises InputError, MissingScopeError.
    """
    principal.require(Scope.VIEW_AUDIT)
    async with _ONE_AT_A_TIME:
        return await verify_audit(desk.database, desk.signatures, principal.tenant_id, since=since)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    tenant_id: TenantId
    state: ChainState | None
    begun: int
    start: int
    start_hash: bytes
    until: int
    last: int
    inside: list[SignedHead]

    @property
    def is_last(self) -> bool:
        return self.until == self.last


async def _part(database: Database, tenant_id: TenantId, since: int | None, limit: int | None) -> _Part:
    async with begin_batch(database, tenant_id) as session:
        state = await reading_batch.state(session, tenant_id)
        begun = 0 if state is None else state.pruned_sequence
        start = begun if since is None else since - 1
        last = max(0 if state is None else state.sequence, await reading_batch.last_sequence(session, tenant_id) or 0)
        if not begun <= start <= last:
            raise InputError(f"The log has the entries {begun + 1} to {last}.", path=["fromSequence"])
        start_hash = GENESIS if state is None else state.pruned_hash
        if start > begun:
            start_hash = await reading_batch.hash_at(session, tenant_id, start) or GENESIS
        until = last if limit is None else min(last, start + limit)
        inside = await reading_batch.signed_heads(session, tenant_id, start, HEADS_MAX)
    return _Part(
        tenant_id=tenant_id,
        state=state,
        begun=begun,
        start=start,
        start_hash=start_hash,
        until=until,
        last=last,
        inside=inside,
    )


async def _look(
    database: Database, signatures: Signatures | None, part: _Part, outside: Sequence[SignedHead]
) -> AuditVerdict:
    heads, bad = _trusted([*outside, *part.inside], signatures)
    # Beyond the part that is looked at heads say nothing about it; at the end they tell that the chain was cut.
    reached = [one for one in heads if part.start < one.sequence and (one.sequence <= part.until or part.is_last)]
    verifier = Verifier(sequence=part.start, hash=part.start_hash, heads=reached)
    if part.begun > 0 and part.start == part.begun:
        verifier.breaks.extend(_wrongly_pruned(heads, part))
    await _walk(database, part.tenant_id, verifier, part.until)
    state = part.state
    if state is not None and verifier.sequence == state.sequence and verifier.hash != state.hash:
        verifier.breaks.append(Break(kind=BreakKind.ALTERED, sequence=state.sequence, until=state.sequence))
    return AuditVerdict(
        verification=verifier.end(part.until),
        since=part.start + 1,
        through=part.until,
        is_complete=part.is_last,
        heads=len(reached),
        unreadable_heads=bad,
    )


async def _was_pruned(database: Database, part: _Part) -> bool:
    async with begin_batch(database, part.tenant_id) as session:
        state = await reading_batch.state(session, part.tenant_id)
    return state is not None and state.pruned_sequence > part.begun


async def _walk(database: Database, tenant_id: TenantId, verifier: Verifier, until: int) -> None:
    at = verifier.sequence
    while at < until:
        async with begin_batch(database, tenant_id) as session:
            found = await reading_batch.links(session, tenant_id, at, until, PAGE)
        if not found:
            return
        for link in found:
            verifier.feed(link)
        at = found[-1].entry.sequence
        # Others in this process go first.
        await asyncio.sleep(0)


def _trusted(heads: Iterable[SignedHead], signatures: Signatures | None) -> tuple[list[Head], int]:
    trusted, bad = {}, 0
    for one in heads:
        if signatures is not None and signatures.holds(one.head.key_id, one.head.preimage(), one.signature):
            trusted[one.head.sequence, one.head.hash] = one.head
        else:
            bad += 1
    return [trusted[place] for place in sorted(trusted)], bad


def _wrongly_pruned(heads: Sequence[Head], part: _Part) -> Iterator[Break]:
    # A prefix may be gone by retention alone: then a signed head says so, and what is gone was old enough.
    telling = [one.signed_at for one in heads if one.pruned_sequence >= part.begun]
    before = [one.signed_at for one in heads if one.sequence < part.begun]
    if heads and not telling:
        yield Break(kind=BreakKind.MISSING, sequence=1, until=part.begun)
    elif telling and before and min(telling) - max(before) < timedelta(days=KEEP_DAYS_MIN):
        # The last entry that is gone was sealed behind that head.
        yield Break(kind=BreakKind.MISSING, sequence=1, until=part.begun)
    for one in heads:
        if one.sequence == part.begun and one.hash != part.start_hash:
            yield Break(kind=BreakKind.REWRITTEN, sequence=1, until=part.begun)
