"""Retention: alerts of restricted names and closed cases go when a tenant's rule lets them. Orders never do."""

from datetime import datetime
from typing import Final

from app.audit import service as audit
from app.compliance import retention_batch
from app.core.clock import Clock
from app.core.ids import Ids, TenantId
from app.identity.domain import system_principal
from app.infra.db import Database
from app.infra.uow import begin_system
from app.tenants import batch as tenants

BATCH: Final = 5_000


async def prune_records(database: Database, system_database: Database, clock: Clock, ids: Ids) -> int:
    """Deletes what the rules of retention allow, tenant by tenant; tells how many alerts and cases.

    Each batch is written into the audit log in the transaction that deletes. The database must be of the role SEALER,
    which alone may delete them, and only what is five years old.
    """
    async with begin_system(system_database) as session:
        tenant_ids = await tenants.all_ids(session)
    pruned = 0
    for tenant_id in tenant_ids:
        while batch := await _prune(database, ids, tenant_id, clock.now()):
            pruned += batch
    return pruned


async def _prune(database: Database, ids: Ids, tenant_id: TenantId, now: datetime) -> int:
    async with begin_system(database) as session:
        rule = await retention_batch.retention(session, tenant_id)
        alerts_before, cases_before = rule.alerts_before(now), rule.cases_before(now)
        gone = await retention_batch.prune(session, tenant_id, alerts_before, cases_before, BATCH)
        if gone.total:
            act = audit.entry(
                system_principal(tenant_id, "retention"),
                "records.pruned",
                "record_retention",
                None,
                entry_id=ids.new(),
                now=now,
                new={
                    "alerts": gone.alerts,
                    "alertsBefore": alerts_before.isoformat(),
                    "cases": gone.cases,
                    "casesBefore": cases_before.isoformat(),
                },
            )
            await session.write([audit.record_batch([act])])
    return gone.total
