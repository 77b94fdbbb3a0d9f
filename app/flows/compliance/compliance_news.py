"""What tells that compliance has something to look at: messages that commit with it."""

from collections.abc import Iterable, Sequence

from app.compliance.domain.restrictions import RestrictionAlert
from app.core.ids import CaseId, TenantId
from app.outbox.repository import OutboxMessage


def alerts_channel(tenant_id: TenantId) -> str:
    """The channel of the bus that tells which restricted names of the tenant were touched."""
    return f"restriction-alerts:{tenant_id}"


def alert_messages(alerts: Iterable[RestrictionAlert]) -> list[OutboxMessage]:
    """What tells of the touches: their ids, to be read by who may."""
    by_tenant: dict[TenantId, list[str]] = {}
    for one in alerts:
        by_tenant.setdefault(one.tenant_id, []).append(str(one.id))
    return [
        OutboxMessage(tenant_id=tenant_id, channel=alerts_channel(tenant_id), payload=ids)
        for tenant_id, ids in by_tenant.items()
    ]


def cases_channel(tenant_id: TenantId) -> str:
    """The channel of the bus that tells which cases of the tenant were opened."""
    return f"surveillance-cases:{tenant_id}"


def case_message(tenant_id: TenantId, case_ids: Sequence[CaseId]) -> OutboxMessage:
    """What tells of new cases: their ids, to be read by who may."""
    return OutboxMessage(tenant_id=tenant_id, channel=cases_channel(tenant_id), payload=[str(one) for one in case_ids])
