"""Retention: the oldest entries of a chain go, by the tenant's rule, and the chain stays verifiable behind them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.audit import sealing_batch as sealing
from app.audit.domain import Head, Link, SealedEntry, canonical, chain_hash
from app.audit.sealing_batch import Pruned
from app.core.clock import Clock
from app.core.ids import Ids, TenantId
from app.flows.audit.sign_heads import signed
from app.infra.db import Database
from app.infra.signing import Signer
from app.infra.uow import begin_system

BATCH: Final = 5_000
TENANTS: Final = 500


async def prune_audit(database: Database, signer: Signer, clock: Clock, ids: Ids) -> int:
    """Deletes what the rules of retention allow, tenant by tenant; tells how many entries.

    Each batch says in the chain what it took away, and signs the head with where the chain begins now, in the
    transaction that deletes. The database must be of the role SEALER.
    """
    pruned, after = 0, UUID(int=0)
    while True:
        async with begin_system(database) as session:
            rules = await sealing.retentions(session, after, TENANTS)
        for tenant_id, keep_days in rules:
            cutoff = clock.now() - timedelta(days=keep_days)
            while batch := await _prune(database, signer, ids, tenant_id, cutoff, clock.now()):
                pruned += batch
        if len(rules) < TENANTS:
            return pruned
        after = rules[-1][0]


async def _prune(
    database: Database, signer: Signer, ids: Ids, tenant_id: TenantId, cutoff: datetime, now: datetime
) -> int:
    async with begin_system(database) as session:
        done = await sealing.prune(session, tenant_id, cutoff, BATCH)
        if done is None:
            return 0
        link = _link(tenant_id, ids.new(), done, cutoff, now)
        await sealing.append(session, link)
        await sealing.move_ends(session, [replace(done.end, sequence=link.entry.sequence, hash=link.hash)], now)
        head = Head(
            tenant_id=tenant_id,
            sequence=link.entry.sequence,
            hash=link.hash,
            pruned_sequence=done.through,
            signed_at=now,
            key_id=signer.key_id,
        )
        await sealing.add_signed_heads(session, signed(signer, [head]))
    return done.through - done.since + 1


def _link(tenant_id: TenantId, entry_id: UUID, done: Pruned, cutoff: datetime, now: datetime) -> Link:
    values = {"from": done.since, "through": done.through, "hash": done.hash.hex(), "before": cutoff.isoformat()}
    entry = SealedEntry(
        tenant_id=tenant_id,
        sequence=done.end.sequence + 1,
        id=entry_id,
        actor="system:retention",
        action="audit_log.pruned",
        resource_type="audit_log",
        resource_id=None,
        old_values=None,
        new_values=canonical(values),
        address_key=None,
        sealed_address=None,
        values_key=None,
        sealed_values=None,
        request_id=None,
        created_at=now,
    )
    return Link(entry=entry, hash=chain_hash(entry, done.end.hash))
