"""The event log as it travels: an event as a JSON document, and back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.fix import OrderState
from app.core.ids import AccountId, OrderId, TenantId
from app.orders.domain.order import LoggedEvent, OrderEvent


def events_channel(tenant_id: TenantId) -> str:
    """The channel that carries the events of a tenant: each message a list of one account's, in order."""
    return f"events:{tenant_id}"


def event_document(logged: LoggedEvent) -> dict[str, Any]:
    """The event as published."""
    event = logged.event
    return {
        "sequence": logged.sequence,
        "orderId": str(event.order_id),
        "accountId": str(event.account_id),
        "type": event.type,
        "fromState": event.from_state,
        "toState": event.to_state,
        "actor": event.actor,
        "reason": event.reason,
        "details": event.details,
        "occurredAt": event.occurred_at.isoformat(),
        "recordedAt": logged.recorded_at.isoformat(),
    }


def event_from_document(document: Mapping[str, Any]) -> LoggedEvent:
    """The event that a published document tells of."""
    return LoggedEvent(
        sequence=document["sequence"],
        event=OrderEvent(
            type=document["type"],
            order_id=OrderId(UUID(document["orderId"])),
            account_id=AccountId(UUID(document["accountId"])),
            from_state=OrderState(document["fromState"]) if document["fromState"] else None,
            to_state=OrderState(document["toState"]),
            actor=document["actor"],
            reason=document["reason"],
            details=document["details"],
            occurred_at=datetime.fromisoformat(document["occurredAt"]),
        ),
        recorded_at=datetime.fromisoformat(document["recordedAt"]),
    )
