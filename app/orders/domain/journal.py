"""The event log as it travels: an event as a JSON document, and back; and what the events tell besides states."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.allocation import allocation_document
from app.core.arrival import arrival_document
from app.core.fix import OrderState
from app.core.ids import AccountId, OrderId, TenantId
from app.core.money import plain
from app.orders.domain.order import Execution, LoggedEvent, Order, OrderEvent, OrderRequest
from app.orders.domain.placing import terms_document


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


def placement_details(order: Order) -> dict[str, Any]:
    """All that a replay needs of a new order; what is as usual is left out, for most orders are plain."""
    details: dict[str, Any] = {
        "clientOrderId": order.client_order_id,
        "instrumentId": str(order.instrument_id),
        "side": order.side.value,
        "orderType": order.order_type.value,
        **terms_document(order.terms),
        "origin": order.origin.value,
    }
    if order.post_only:
        details["postOnly"] = True
    if order.outside_regular_hours:
        details["outsideRegularHours"] = True
    if order.metadata:
        details["metadata"] = order.metadata
    if order.reject_origin is not None:
        details |= {"rejectOrigin": order.reject_origin.value, "code": order.reject_code}
    if order.permanent_id is not None:
        details["permanentId"] = order.permanent_id
    if order.link_role is not None:
        details |= link_details(order)
    if order.closes_position:
        details["closesPosition"] = True
    if order.waits_for_others:
        details["closeId"] = str(order.close_id)
    if order.waits_for:
        details["waitsFor"] = [str(one) for one in order.waits_for]
    if order.is_staged:
        details |= {"staged": True, "releaseAt": order.release_at.isoformat() if order.release_at else None}
    if order.allocation is not None:
        details["allocation"] = allocation_document(order.allocation)
    if order.block_id is not None:
        details["blockId"] = str(order.block_id)
    if order.arrival is not None:
        details["arrival"] = arrival_document(order.arrival)
    return details | broker_names(order)


def link_details(order: Order) -> dict[str, Any]:
    """What an order is among those that it hangs with."""
    return {
        "linkRole": order.link_role.value if order.link_role else None,
        "parentId": str(order.parent_id) if order.parent_id else None,
        "ocaGroup": order.oca_group,
        "groupQuantity": plain(order.group_quantity) if order.group_quantity is not None else None,
    }


def broker_names(order: Order) -> dict[str, Any]:
    """What the order was sent under; empty for one that was not. Told once, when it leaves ROUTED."""
    names = {"brokerClientId": order.broker_client_id, "brokerOrderId": order.broker_order_id}
    return {name: value for name, value in names.items() if value is not None}


def execution_details(row: Execution, order: Order) -> dict[str, Any]:
    """A row of the ledger, and the order's cumulative quantity behind it. It was dealt when the event occurred."""
    details: dict[str, Any] = {
        "executionId": row.execution_id,
        "executionKey": str(row.id),
        "quantity": plain(row.quantity),
        "price": plain(row.price),
        "filledQuantity": plain(order.filled_quantity),
    }
    if revision_of(row.execution_id) != (row.root, row.revision):
        details |= {"root": row.root, "revision": row.revision}
    if row.side is not order.side:
        details["side"] = row.side.value
    if row.liquidity is not None:
        details["liquidity"] = row.liquidity
    return details


def revision_of(execution_id: str) -> tuple[str, int] | None:
    """Root and revision of an ExecID that ends in its revision, as IB's do; None for another."""
    root, _, revision = execution_id.rpartition(".")
    return (root, int(revision)) if revision.isdecimal() and revision.isascii() else None


def request_details(request: OrderRequest, before: Order) -> dict[str, Any]:
    """A cancel or a replace that is asked for, with the terms asked for; before is the order until then."""
    details: dict[str, Any] = {"requestId": str(request.id)}
    if request.terms is not None:
        details |= terms_document(request.terms)
    return details | broker_names(before) if before.state is OrderState.ROUTED else details


def resolution(request: OrderRequest) -> dict[str, Any]:
    """What became of a request, as `resolved` of an event lists it."""
    found = {"requestId": str(request.id), "outcome": request.outcome.value}
    return found if request.reason is None else {**found, "reason": request.reason}
