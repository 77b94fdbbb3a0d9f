"""An order in doubt that the broker does not know is over, because a person says so on that evidence."""

from datetime import timedelta
from typing import Final

from app.audit import service as audit
from app.brokers import breaks_batch as breaks
from app.brokers.errors import OrderNotInDoubtError, OrderNotMissingError
from app.core.ids import OrderId
from app.core.messages import NotFoundReport, OrderAddress
from app.flows.desk import Desk
from app.flows.orders.locked_order import lock_order
from app.flows.reports.apply_reports import apply_reports
from app.identity.domain import Principal
from app.infra.db import BatchSession
from app.orders.errors import OrderUnknownError

EVIDENCE_AGE_MAX: Final = timedelta(minutes=5)
"""How old the look may be that missed the order."""


async def declare_dead_in(
    session: BatchSession, desk: Desk, principal: Principal, order_id: OrderId, reason: str
) -> None:
    """Ends the order within a transaction that does more; what hangs with it follows.

    Raises OrderUnknownError, OrderNotInDoubtError, and OrderNotMissingError where no complete look of the last
    EVIDENCE_AGE_MAX has missed it.
    """
    locked = await lock_order(session, principal.tenant_id, order_id)
    if locked is None:
        raise OrderUnknownError("orderId")
    key, _, file = locked
    now = desk.clock.now()
    if file.order.state.is_terminal or not file.order.in_doubt:
        raise OrderNotInDoubtError("orderId")
    missing = (await breaks.of_orders(session, principal.tenant_id, [order_id])).get(order_id)
    if missing is None or now - missing.snapshot_at > EVIDENCE_AGE_MAX:
        raise OrderNotMissingError("orderId")
    dead = NotFoundReport(
        address=OrderAddress(order_id=order_id), declared_by=principal.actor, reason=reason, occurred_at=now
    )
    await apply_reports(session, key, [dead], now=now, ids=desk.ids, zone=desk.trading_timezone)
    entry = audit.entry(
        principal,
        "order.declare_dead",
        "Order",
        order_id,
        entry_id=desk.ids.new(),
        now=now,
        old={"state": file.order.state.value, "evidence": missing.broker},
        new={"reason": reason},
    )
    await session.write([audit.record_batch([entry])])
