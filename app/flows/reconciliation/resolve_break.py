"""resolveBreak: a person ends a break, by booking what the broker holds, by taking its word, or by letting it be."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from app.audit import service as audit
from app.brokers import batch as brokers
from app.brokers import breaks_batch as breaks
from app.brokers.errors import BreakActionUnsuitedError, BreakChangedError, BreakNotOpenError, BreakUnknownError
from app.brokers.reconciling import ACTIONS, Break, BreakAction, BreakKind, BreakState
from app.core.errors import InputError, UnavailableError
from app.core.ids import AdjustmentId, BreakId, OrderId
from app.core.messages import AccountKey
from app.core.money import ZERO
from app.core.records import replace
from app.core.texts import is_readable
from app.flows.desk import Desk
from app.flows.hints import LANES, OUTBOX, hint
from app.flows.orders.booking import Booking
from app.flows.orders.declare_dead import declare_dead_in
from app.flows.orders.locked_order import lock_order
from app.flows.orders.release_orders import release_orders
from app.flows.positions.adjust_position import book_adjustment
from app.flows.reconciliation.reconcile_account import breaks_message, cost_per_unit
from app.identity.domain import Principal
from app.infra.db import CONNECTION_LOST, BatchSession
from app.infra.uow import begin_batch
from app.instruments import batch as instruments
from app.orders.domain.order import Order
from app.orders.errors import OrderUnknownError
from app.orders.repository import account_books
from app.orders.repository import batch as orders
from app.outbox import repository as outbox
from app.positions import batch as positions
from app.positions.domain import AdjustmentTerms, AdjustmentType

REASON_LENGTH_MAX: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What a person decides on a break, and why."""

    break_id: BreakId
    action: BreakAction
    reason: str


def known_reason(text: str) -> str:
    """The reason as it is kept. Raises InputError with the path."""
    reason = text.strip()
    if not is_readable(reason, REASON_LENGTH_MAX):
        raise InputError(f"A reason has 1 to {REASON_LENGTH_MAX} characters.", path=("reason",))
    return reason


async def resolve_break(desk: Desk, principal: Principal, asked: Resolution) -> Break:
    """The break as it was resolved; its freeze, if it had one, is over, and orders that waited for it leave.

    ADJUST books a BALANCE by which our position differed from the broker's when it was seen last, at our average
    price; ACCEPT_BROKER takes the broker's average cost too, and of an order that the broker does not know it takes
    its end. IGNORE books nothing. What is ignored is not told again while the difference stays the same.

    Raises BreakUnknownError, BreakNotOpenError, BreakActionUnsuitedError, BreakChangedError where our position has
    moved since the break was seen last, InputError for the reason, UnavailableError.
    """
    asked = replace(asked, reason=known_reason(asked.reason))
    try:
        async with begin_batch(desk.database, principal.tenant_id, accounts=principal.tradable) as session:
            seen = await breaks.break_by_id(session, principal.tenant_id, asked.break_id)
            if seen is None:
                raise BreakUnknownError("breakId")
            key = AccountKey(tenant_id=principal.tenant_id, account_id=seen.account_id)
            await account_books.books_for_update(session, [key])
            done = await _resolve(session, desk, principal, key, asked)
    except CONNECTION_LOST as error:
        raise UnavailableError("the break may not be resolved; look at it again") from error
    await hint(desk.redis, LANES, OUTBOX)
    return done


async def declare_order_dead(desk: Desk, principal: Principal, order_id: OrderId, reason: str) -> Order:
    """The order, over: the broker was asked for everything, does not know it, and a person says that it is dead.

    REJECTED where it was never acknowledged, else CANCELED, or EXPIRED where its time in force had ended. It is never
    sent again. Raises OrderUnknownError, OrderNotInDoubtError, OrderNotMissingError, InputError, UnavailableError.
    """
    tenant_id = principal.tenant_id
    reason = known_reason(reason)
    try:
        async with begin_batch(desk.database, tenant_id, accounts=principal.tradable) as session:
            locked = await lock_order(session, tenant_id, order_id)
            if locked is None:
                raise OrderUnknownError("orderId")
            key, _, _ = locked
            missing = (await breaks.of_orders(session, tenant_id, [order_id])).get(order_id)
            if missing is None:
                await declare_dead_in(session, desk, principal, order_id, reason)
            else:
                asked = Resolution(break_id=missing.id, action=BreakAction.ACCEPT_BROKER, reason=reason)
                await _resolve(session, desk, principal, key, asked)
            order = (await orders.orders_by_id(session, tenant_id, [order_id]))[order_id]
    except CONNECTION_LOST as error:
        raise UnavailableError("the order store does not answer; look at the order again") from error
    await hint(desk.redis, LANES, OUTBOX)
    return order


async def _resolve(
    session: BatchSession, desk: Desk, principal: Principal, key: AccountKey, asked: Resolution
) -> Break:
    found = await breaks.break_by_id(session, key.tenant_id, asked.break_id)
    assert found is not None, "a break that was seen stays"
    if found.state is not BreakState.OPEN:
        raise BreakNotOpenError("breakId")
    if asked.action not in ACTIONS[found.kind]:
        raise BreakActionUnsuitedError(found.kind.value, asked.action.value, "action")
    now = desk.clock.now()
    adjustment_id = None
    if found.kind is BreakKind.POSITION_QUANTITY and asked.action is not BreakAction.IGNORE:
        adjustment_id = await _adjust(session, desk, principal, key, found, asked)
    elif found.kind is BreakKind.ORDER_UNKNOWN_AT_BROKER and found.order_id is not None:
        await declare_dead_in(session, desk, principal, found.order_id, asked.reason)
    done = replace(
        found,
        state=BreakState.RESOLVED,
        is_freezing=False,
        is_muted=asked.action is BreakAction.IGNORE,
        action=asked.action,
        reason=asked.reason,
        resolved_by=principal.actor,
        adjustment_id=adjustment_id,
        ended_at=now,
    )
    entry = audit.entry(
        principal,
        "reconciliation.resolve",
        "ReconciliationBreak",
        done.id,
        entry_id=desk.ids.new(),
        now=now,
        old=_document(found),
        new=_document(done),
    )
    told = {"id": str(done.id), "kind": done.kind.value, "severity": done.severity.value, "state": done.state.value}
    await session.write(
        [
            breaks.resolve(key.tenant_id, done),
            audit.record_batch([entry]),
            outbox.append([breaks_message(key, [told])], now),
        ]
    )
    if found.is_freezing and (await brokers.account_facts(session, [key]))[key].is_gate_open:
        await release_orders(session, key, now=now, ids=desk.ids)
    return done


async def _adjust(
    session: BatchSession, desk: Desk, principal: Principal, key: AccountKey, found: Break, asked: Resolution
) -> AdjustmentId:
    assert found.instrument_id is not None, "a position is one of an instrument"
    assert found.broker is not None, "a break of a position has both sides"
    assert found.ours is not None, "a break of a position has both sides"
    books = await account_books.books_for_update(session, [key])
    now = desk.clock.now()
    [(_, instrument)] = await instruments.find(session, ids=[(key.tenant_id, found.instrument_id)])
    place = (key, found.instrument_id)
    position = (await positions.positions_of(session, [place])).get(place)
    held = ZERO if position is None else position.quantity
    if held != Decimal(found.ours["quantity"]):
        raise BreakChangedError("breakId")
    told = Decimal(found.broker["quantity"])
    cost = found.broker.get("averageCost")
    price = None if cost is None else cost_per_unit(Decimal(cost), instrument)
    opens = told != ZERO and (held == ZERO or (held > ZERO) != (told > ZERO))
    terms = AdjustmentTerms(
        account_id=key.account_id,
        instrument_id=found.instrument_id,
        type=AdjustmentType.BALANCE,
        quantity=told - held,
        price=price if told and (opens or asked.action is BreakAction.ACCEPT_BROKER) else None,
        effective_at=now,
        reason=asked.reason,
        idempotency_key=f"break-{found.id}",
    )
    booking = Booking(books=books, positions={}, ids=desk.ids, now=now)
    booked = await book_adjustment(session, booking, key, instrument, terms, principal)
    return booked.id


def _document(one: Break) -> dict[str, Any]:
    return {
        "kind": one.kind.value,
        "state": one.state.value,
        "difference": one.difference,
        "ours": one.ours,
        "broker": one.broker,
        "action": None if one.action is None else one.action.value,
        "reason": one.reason,
        "adjustmentId": None if one.adjustment_id is None else str(one.adjustment_id),
    }
