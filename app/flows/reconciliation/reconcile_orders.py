"""What of orders and executions differs from the broker's word: lost, placed by others, strange, without commission."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from app.brokers import reconciliations_batch as reconciliations
from app.brokers.reconciling import Break, BreakKind, Finding, Look, address_document
from app.core.fix import OrderOrigin
from app.core.messages import AccountKey, StatusReport, WorkingStatus
from app.core.money import plain
from app.infra.db import BatchSession
from app.orders.domain.claiming import untold
from app.orders.domain.draft import BROKER
from app.orders.domain.order import Order
from app.orders.repository import batch as orders

_AT_WORK = frozenset({WorkingStatus.PENDING, WorkingStatus.WORKING})


async def order_findings(
    session: BatchSession, key: AccountKey, open_orders: Sequence[Order], look: Look
) -> list[Finding]:
    """The orders that the broker lost, those that others placed, and those that could not be imported."""
    working = None if look.open_orders is None else [one for one in look.open_orders if one.status in _AT_WORK]
    not_told = set() if working is None else {one.id for one in untold(open_orders, working)}
    lost = not_told | look.unknown_orders
    findings = [_lost(order, look.taken_at) for order in open_orders if order.in_doubt and order.id in lost]
    findings += [
        _external(order) for order in open_orders if order.origin is OrderOrigin.EXTERNAL and order.placed_by == BROKER
    ]
    if working is not None:
        findings += await _strange(session, key, open_orders, working)
    return findings


def _lost(order: Order, at: datetime) -> Finding:
    return Finding(
        kind=BreakKind.ORDER_UNKNOWN_AT_BROKER,
        subject=f"order:{order.id}",
        difference="unknown",
        ours=_order_document(order),
        broker={"knows": False, "askedAt": at.isoformat()},
        instrument_id=order.instrument_id,
        order_id=order.id,
    )


def _external(order: Order) -> Finding:
    names = {"clientId": order.broker_client_id, "brokerOrderId": order.broker_order_id}
    return Finding(
        kind=BreakKind.EXTERNAL_ORDER,
        subject=f"order:{order.id}",
        difference="external",
        ours=_order_document(order),
        broker={"permanentId": order.permanent_id, **names},
        instrument_id=order.instrument_id,
        order_id=order.id,
    )


def _order_document(order: Order) -> dict[str, Any]:
    return {
        "state": order.state.value,
        "side": order.side.value,
        "quantity": plain(order.terms.quantity),
        "filledQuantity": plain(order.filled_quantity),
        "inDoubt": order.in_doubt,
    }


async def _strange(
    session: BatchSession, key: AccountKey, ours: Sequence[Order], working: Iterable[StatusReport]
) -> list[Finding]:
    ids = {order.id for order in ours}
    numbers = {order.permanent_id for order in ours if order.permanent_id is not None}
    places = {(order.broker_client_id, order.broker_order_id) for order in ours}
    unmatched = {
        one.address: one
        for one in working
        if one.address.order_id not in ids
        and one.address.permanent_id not in numbers
        and (one.address.client_id, one.address.broker_order_id) not in places
    }
    if not unmatched:
        return []
    # What is over by now was working when it was told.
    found = await orders.orders_by_address(
        session,
        key,
        order_ids=[one.order_id for one in unmatched if one.order_id is not None],
        permanent_ids=[one.permanent_id for one in unmatched if one.permanent_id is not None],
        broker_order_ids=[
            (one.client_id, one.broker_order_id)
            for one in unmatched
            if one.client_id is not None and one.broker_order_id is not None
        ],
        execution_roots=[],
    )
    known_ids = {order.id for order in found.orders}
    known_numbers = {order.permanent_id for order in found.orders if order.permanent_id is not None}
    known_places = {(order.broker_client_id, order.broker_order_id) for order in found.orders}
    strangers = {
        one.permanent_id or (one.client_id, one.broker_order_id): one
        for one in unmatched
        if one.order_id not in known_ids
        and one.permanent_id not in known_numbers
        and (one.client_id, one.broker_order_id) not in known_places
    }
    return [
        Finding(
            kind=BreakKind.ORDER_UNKNOWN_TO_US,
            subject=f"broker-order:{name}",
            difference="unknown",
            ours=None,
            broker=address_document(address),
        )
        for name, address in strangers.items()
    ]


async def uncharged_findings(
    session: BatchSession, key: AccountKey, held: Sequence[Break], look: Look
) -> list[Finding]:
    """The executions whose commission the broker was asked for in vain, and still has not told."""
    asked = set(look.uncharged) | {
        one.subject.removeprefix("execution:") for one in held if one.kind is BreakKind.COMMISSION_MISSING
    }
    if not asked:
        return []
    roots = {one.rpartition(".")[0] or one for one in asked} | asked
    found = await reconciliations.without_commission(session, key, list(roots))
    return [
        Finding(
            kind=BreakKind.COMMISSION_MISSING,
            subject=f"execution:{name}",
            difference="missing",
            ours={"executionId": name, "executedAt": row["executed_at"].isoformat()},
            broker=None,
            instrument_id=row["instrument_id"],
            order_id=row["order_id"],
        )
        for name, row in found.items()
        if name in asked
    ]
