"""adjustPosition: a position moves without an execution, under the lock of its account's book."""

from decimal import Decimal
from typing import Any

from app.audit import service as audit
from app.brokers.errors import AccountUnknownError
from app.core.errors import UnavailableError
from app.core.ids import AdjustmentId, InstrumentId, TenantId
from app.core.messages import AccountKey, Instrument
from app.core.money import plain
from app.core.records import replace
from app.flows.desk import Desk
from app.flows.hints import OUTBOX, hint
from app.flows.orders.booking import Booking
from app.flows.positions.restate_position import course_since, restate_position
from app.identity.domain import Principal
from app.infra.db import CONNECTION_LOST, BatchSession
from app.infra.uow import begin_batch
from app.instruments import batch as instruments
from app.instruments.errors import InstrumentUnknownError
from app.orders.repository import account_books
from app.outbox import repository as outbox
from app.outbox.repository import OutboxMessage
from app.positions import adjustments_batch as adjustments
from app.positions import batch as positions
from app.positions import history_batch
from app.positions.domain import (
    Adjusting,
    AdjustmentTerms,
    Moved,
    Position,
    PositionAdjustment,
    adjustment_problem,
    adjustments_channel,
    form_problem,
    replay,
)
from app.positions.errors import AdjustmentConflictError, AdjustmentRefusedError


async def adjust_position(
    desk: Desk, principal: Principal, terms: AdjustmentTerms, *, is_timed: bool = True
) -> PositionAdjustment:
    """Books the adjustment: position, history, outbox and audit in one transaction.

    It is no order event: it stands behind the newest one of its account, which the lock of the book holds still.

    The same terms under the same key answer what was booked first. One that took effect before later executions takes
    its place among them, and the position is worked out anew from there. is_timed is False where the caller named no
    time: effective_at is then that of the call, and not held against what was booked under the key.

    Raises AccountUnknownError, InstrumentUnknownError, AdjustmentRefusedError with the field, AdjustmentConflictError
    for a key of other terms, UnavailableError when the database does not answer.
    """
    now = desk.clock.now()
    wrong = form_problem(terms, now)
    if wrong is not None:
        raise AdjustmentRefusedError(wrong[1], path=[wrong[0]])
    key = AccountKey(tenant_id=principal.tenant_id, account_id=terms.account_id)
    try:
        async with begin_batch(desk.database, key.tenant_id, accounts=principal.tradable) as session:
            books = await account_books.books_for_update(session, [key])
            if key not in books:
                raise AccountUnknownError("accountId")
            known = await adjustments.by_key(session, key, terms.idempotency_key)
            if known is not None:
                if known.terms != (terms if is_timed else replace(terms, effective_at=known.terms.effective_at)):
                    raise AdjustmentConflictError
                return known
            instrument = await _instrument(session, key.tenant_id, terms.instrument_id)
            booking = Booking(books=books, positions={}, ids=desk.ids, now=now)
            booked = await book_adjustment(session, booking, key, instrument, terms, principal)
    except CONNECTION_LOST as error:
        raise UnavailableError("the adjustment may not be booked; send it again under its key") from error
    await hint(desk.redis, OUTBOX)
    return booked


async def book_adjustment(
    session: BatchSession,
    booking: Booking,
    key: AccountKey,
    instrument: Instrument,
    terms: AdjustmentTerms,
    principal: Principal,
) -> PositionAdjustment:
    """Books the adjustment behind the lock of the book, and writes the booking, which is made for it alone.

    Raises AdjustmentRefusedError with the field.
    """
    held = await positions.of_account(session, key, [instrument.id])
    booking.positions.update(held.positions)
    position = booking.position(key, instrument.id)
    rate = held.rates.find(instrument.currency, held.base_currency, booking.now)
    move = Adjusting(
        id=booking.ids.new(),
        at=terms.effective_at,
        recorded_at=booking.now,
        terms=terms,
        base_rate=None if rate is None else rate.rate,
    )
    is_late = position.moved_until is not None and terms.effective_at < position.moved_until
    if is_late:
        moved, _, _ = await course_since(session, key, position, instrument, terms.effective_at, move)
    else:
        moved = replay(position, [move], instrument.multiplier)
    done = next(one for one in moved if one.move.id == move.id)
    wrong = adjustment_problem(done.before, done.after, terms)
    if wrong is not None:
        raise AdjustmentRefusedError(wrong[1], path=[wrong[0]])
    after = moved[-1].after
    last = booking.books[key].last_sequence
    place = await adjustments.next_place(session, key, last)
    booked = _adjustment(done, terms, principal, booking, last, place)
    booking.store_position(key, after)
    booking.audit.append(
        audit.entry(
            principal,
            "position.adjust",
            "Position",
            position.id,
            entry_id=booking.ids.new(),
            now=booking.now,
            old=_position_document(position),
            new=_document(booked, after),
        )
    )
    booking.extra.append(adjustments.insert_adjustment(key.tenant_id, booked))
    booking.extra.append(outbox.append([_message(key, instrument)], booking.now))
    if not is_late:
        entry = booking.history(key, instrument.id, place=place)
        booking.extra.append(history_batch.append_history([entry]))
    await booking.write(session)
    if is_late:
        await restate_position(session, booking, key, instrument, terms.effective_at, place)
    return booked


def _adjustment(
    done: Moved, terms: AdjustmentTerms, principal: Principal, booking: Booking, after_sequence: int, place: int
) -> PositionAdjustment:
    return PositionAdjustment(
        id=AdjustmentId(done.move.id),
        terms=terms,
        quantity_before=done.before.quantity,
        quantity_after=done.after.quantity,
        average_price_before=done.before.average_price,
        average_price_after=done.after.average_price,
        realized_pnl=done.realized,
        base_rate=done.move.base_rate,
        realized_pnl_base=done.realized_base,
        adjusted_by=principal.actor,
        after_sequence=after_sequence,
        place=place,
        recorded_at=booking.now,
    )


def _message(key: AccountKey, instrument: Instrument) -> OutboxMessage:
    return OutboxMessage(
        tenant_id=key.tenant_id,
        channel=adjustments_channel(key.tenant_id),
        payload={"accountId": str(key.account_id), "instrumentId": str(instrument.id)},
    )


def _document(booked: PositionAdjustment, after: Position) -> dict[str, Any]:
    terms = booked.terms
    return {
        "adjustmentId": str(booked.id),
        "instrumentId": str(terms.instrument_id),
        "type": terms.type.value,
        "quantity": _text(terms.quantity),
        "price": _text(terms.price),
        "ratio": _text(terms.ratio),
        "effectiveAt": terms.effective_at.isoformat(),
        "realizedPnl": plain(booked.realized_pnl),
        "realizedPnlBase": _text(booked.realized_pnl_base),
        "baseRate": _text(booked.base_rate),
        "reason": terms.reason,
        "position": _position_document(after),
    }


def _position_document(position: Position) -> dict[str, Any]:
    return {
        "quantity": plain(position.quantity),
        "averagePrice": plain(position.average_price),
        "realizedPnl": plain(position.realized_pnl),
        "realizedPnlBase": plain(position.realized_pnl_base),
        "unconvertedPnl": position.unconverted_pnl,
        "movedUntil": None if position.moved_until is None else position.moved_until.isoformat(),
    }


async def _instrument(session: BatchSession, tenant_id: TenantId, instrument_id: InstrumentId) -> Instrument:
    found = await instruments.find(session, ids=[(tenant_id, instrument_id)])
    if not found:
        raise InstrumentUnknownError(str(instrument_id), "instrumentId")
    return found[0][1]


def _text(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)
