"""What tells that compliance has something to look at: messages that commit with it."""

from collections.abc import Iterable

from app.compliance.domain.restrictions import RestrictionAlert
from app.core.ids import TenantId
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
