"""claimExternalOrder: a person takes on an order that was placed outside, and manages it where the broker allows it."""

from dataclasses import dataclass, field
from typing import Any, Final

from app.audit import service as audit
from app.brokers import breaks_batch as breaks
from app.brokers import viewing
from app.brokers.reconciling import BreakAction, BreakKind, BreakState
from app.core.errors import InputError, Problem, UnavailableError
from app.core.fix import OrderOrigin
from app.core.ids import OrderId
from app.core.messages import AccountKey
from app.core.records import replace
from app.core.texts import is_readable
from app.flows.desk import Desk
from app.flows.hints import OUTBOX, hint
from app.flows.orders.booking import Booking
from app.flows.orders.locked_order import lock_order
from app.identity.domain import Principal
from app.infra.db import CONNECTION_LOST, BatchSession
from app.infra.uow import begin_batch
from app.orders import service as order_service
from app.orders.domain.draft import BROKER
from app.orders.domain.journal import broker_names
from app.orders.domain.order import Order, OrderEvent
from app.orders.domain.placing import is_sound, problem
from app.orders.errors import OrderProblem
from app.orders.events import OrderEventType
from app.orders.repository import batch as orders

NOTE_LENGTH_MAX: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a person says of the order that they take on."""

    order_id: OrderId
    note: str
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """The order after the claim, and why it cannot be managed from here; None where it can."""

    order: Order | None
    problems: tuple[Problem, ...] = ()
    unmanaged_because: str | None = None


async def claim_external(desk: Desk, principal: Principal, claim: Claim) -> Claimed:
    """The order as it was claimed: under the person's name, with their note and document.

    Interactive Brokers lets only the client that submitted an order change it. So one that bears the client id of this
    account's own session is managed from here, cancels and modifies alike; every other is watched and counted, and is
    ended where it was placed. Raises InputError, UnavailableError.
    """
    note = claim.note.strip()
    if not is_readable(note, NOTE_LENGTH_MAX):
        raise InputError(f"A note has 1 to {NOTE_LENGTH_MAX} characters.", path=("note",))
    if claim.metadata and not is_sound(claim.metadata):
        return Claimed(order=None, problems=(problem(OrderProblem.METADATA_INVALID, "metadata"),))
    tenant_id = principal.tenant_id
    try:
        async with desk.acting(principal) as reading:
            seen = (await order_service.orders(reading, tenant_id, [claim.order_id])).get(claim.order_id)
            accounts = {} if seen is None else await viewing.accounts_by_ids(reading, tenant_id, [seen.account_id])
        async with begin_batch(desk.database, tenant_id, accounts=principal.tradable) as session:
            if seen is None:
                return Claimed(order=None, problems=(problem(OrderProblem.ORDER_NOT_FOUND, "orderId"),))
            client_id = accounts[seen.account_id].client_id
            done = await _claim(session, desk, principal, replace(claim, note=note), client_id)
    except CONNECTION_LOST as error:
        raise UnavailableError("the order store does not answer; ask again") from error
    if not done.problems:
        await hint(desk.redis, OUTBOX)
    return done


async def _claim(session: BatchSession, desk: Desk, principal: Principal, claim: Claim, client_id: int) -> Claimed:
    locked = await lock_order(session, principal.tenant_id, claim.order_id)
    assert locked is not None, "an order that was seen stays"
    key, book, file = locked
    order = file.order
    refused = _refusal(order)
    if refused is not None:
        return Claimed(order=order, problems=(problem(refused, "orderId"),))
    now = desk.clock.now()
    number = order.metadata.get("brokerOrderId")
    because = await _unmanaged_because(session, key, order, client_id, number)
    kept = {} if number is None else {"brokerOrderId": number}
    done = replace(
        order,
        placed_by=principal.actor,
        metadata={**claim.metadata, **kept},
        broker_order_id=number if because is None else None,
        updated_at=now,
    )
    details: dict[str, Any] = {"metadata": done.metadata, "managed": because is None}
    if because is None:
        details |= broker_names(done)
    event = OrderEvent(
        type=OrderEventType.ORDER_CLAIMED.value,
        order_id=order.id,
        account_id=order.account_id,
        from_state=order.state,
        to_state=order.state,
        actor=principal.actor,
        reason=claim.note,
        details=details,
        occurred_at=now,
    )
    booking = Booking(books={key: book}, positions={}, ids=desk.ids, now=now)
    booking.log(key, [event])
    booking.extra.append(orders.store_claim(done))
    booking.audit.append(
        audit.entry(
            principal,
            "order.claim",
            "Order",
            order.id,
            entry_id=desk.ids.new(),
            now=now,
            old={"placedBy": order.placed_by},
            new={"placedBy": done.placed_by, "note": claim.note, **details},
        )
    )
    told = await breaks.of_orders(session, principal.tenant_id, [order.id], BreakKind.EXTERNAL_ORDER)
    if order.id in told:
        booking.extra.append(
            breaks.resolve(
                principal.tenant_id,
                replace(
                    told[order.id],
                    state=BreakState.RESOLVED,
                    action=BreakAction.ACCEPT_BROKER,
                    reason=claim.note,
                    resolved_by=principal.actor,
                    ended_at=now,
                ),
            )
        )
    await booking.write(session)
    return Claimed(order=done, unmanaged_because=because)


def _refusal(order: Order) -> OrderProblem | None:
    if order.origin is not OrderOrigin.EXTERNAL:
        return OrderProblem.ORDER_NOT_EXTERNAL
    if order.state.is_terminal:
        return OrderProblem.ORDER_NOT_OPEN
    return None if order.placed_by == BROKER else OrderProblem.ORDER_CLAIMED


async def _unmanaged_because(
    session: BatchSession, key: AccountKey, order: Order, client_id: int, number: int | None
) -> str | None:
    if number is None:
        return "The broker has not told under which number the order was sent, so nothing can be asked of it."
    if order.broker_client_id != client_id:
        return (
            f"Client {order.broker_client_id} submitted the order, and the broker lets only that client change it: "
            f"this account's session is client {client_id}."
        )
    named = await orders.orders_by_address(
        session, key, order_ids=[], permanent_ids=[], broker_order_ids=[(client_id, number)], execution_roots=[]
    )
    if named.orders:
        return f"The number {number} of the order was used for another one of this session."
    return None
