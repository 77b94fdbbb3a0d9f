"""auditRetention and setAuditRetention: how long a tenant keeps its audit log."""

from app.audit import reading_batch
from app.audit import service as audit
from app.audit.domain import Retention, checked_keep_days
from app.flows.desk import Desk
from app.identity.domain import Principal
from app.infra.uow import begin_batch


async def audit_retention(desk: Desk, principal: Principal) -> Retention | None:
    """The tenant's rule; None when none was ever set."""
    async with begin_batch(desk.database, principal.tenant_id) as session:
        return await reading_batch.retention(session, principal.tenant_id)


async def set_audit_retention(desk: Desk, principal: Principal, keep_days: int | None) -> Retention:
    """The rule as it is from now on. Raises InputError with the path."""
    now = desk.clock.now()
    rule = Retention(
        tenant_id=principal.tenant_id,
        keep_days=checked_keep_days(keep_days),
        set_by=principal.actor,
        set_at=now,
    )
    async with begin_batch(desk.database, principal.tenant_id) as session:
        before = await reading_batch.retention(session, principal.tenant_id)
        await reading_batch.set_retention(session, rule)
        act = audit.entry(
            principal,
            "audit_retention.set",
            "audit_log",
            None,
            entry_id=desk.ids.new(),
            now=now,
            old={"keep_days": None if before is None else before.keep_days},
            new={"keep_days": rule.keep_days},
        )
        await session.write([audit.record_batch([act])])
    return rule
