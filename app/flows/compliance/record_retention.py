"""recordRetention and setRecordRetention: how long a tenant keeps what compliance has written down."""

from app.audit import service as audit
from app.compliance import retention_batch
from app.compliance.domain.retention import RecordRetention, checked_days
from app.flows.desk import Desk
from app.identity.domain import Principal
from app.infra.uow import begin_batch


async def record_retention(desk: Desk, principal: Principal) -> RecordRetention:
    """The tenant's rule; the default when none was ever set."""
    async with begin_batch(desk.database, principal.tenant_id) as session:
        return await retention_batch.retention(session, principal.tenant_id)


async def set_record_retention(desk: Desk, principal: Principal, alert_days: int, case_days: int) -> RecordRetention:
    """The rule as it is from now on. Raises InputError with the path."""
    now = desk.clock.now()
    rule = RecordRetention(
        alert_days=checked_days(alert_days, "alertDays"),
        case_days=checked_days(case_days, "caseDays"),
        set_by=principal.actor,
        set_at=now,
    )
    async with begin_batch(desk.database, principal.tenant_id) as session:
        before = await retention_batch.retention(session, principal.tenant_id, for_update=True)
        await retention_batch.set_retention(session, principal.tenant_id, rule)
        act = audit.entry(
            principal,
            "record_retention.set",
            "record_retention",
            None,
            entry_id=desk.ids.new(),
            now=now,
            old={"alert_days": before.alert_days, "case_days": before.case_days},
            new={"alert_days": rule.alert_days, "case_days": rule.case_days},
        )
        await session.write([audit.record_batch([act])])
    return rule
