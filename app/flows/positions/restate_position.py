"""A position worked out anew from an earlier time on: after a correction, a late fill or an adjustment of the past."""

from datetime import datetime

from app.core.messages import AccountKey, Fill, Instrument
from app.core.records import replace
from app.flows.orders.booking import Booking
from app.infra.db import BatchSession, Write
from app.orders.repository import ledger
from app.orders.repository.ledger import Dealt
from app.positions import adjustments_batch as adjustments
from app.positions import batch as positions
from app.positions import history_batch
from app.positions.domain import Adjusting, Dealing, Moved, Position, after_all, replay


async def course_since(
    session: BatchSession,
    key: AccountKey,
    position: Position,
    instrument: Instrument,
    since: datetime,
    extra: Adjusting | None = None,
) -> tuple[list[Moved], Position, dict[object, Dealt]]:
    """What the executions and adjustments from a time on do, in their order, the position at the end, and the rows.

    Begins at the newest part of the position's history that nothing has reached back into, so that no more of the
    ledger is read than the change touches. `extra` is an adjustment that is not stored yet.
    """
    start = await history_batch.checkpoint(session, key, position, since)
    dealt = await ledger.dealt_after(session, key, instrument.id, start.moved_until)
    adjusted = await adjustments.adjusted_after(session, key, instrument.id, start.moved_until)
    if extra is not None:
        adjusted.append(extra)
    moved = replay(start, [*(_dealing(one) for one in dealt), *adjusted], instrument.multiplier)
    return moved, after_all(start, moved), {one.place: one for one in dealt}


async def restate_position(
    session: BatchSession, booking: Booking, key: AccountKey, instrument: Instrument, since: datetime, place: int = 0
) -> None:
    """Stores the position as its ledger amounts to, and what each execution since then realizes now.

    What was booked by this transaction is written before; place is that of the adjustment that it booked.
    """
    position = booking.position(key, instrument.id)
    moved, derived, rows = await course_since(session, key, position, instrument, since)
    booking.positions[key, instrument.id] = replace(derived, updated_at=booking.now)
    writes: list[Write] = [
        positions.store_positions([(key.tenant_id, booking.positions[key, instrument.id])]),
        history_batch.append_history([booking.history(key, instrument.id, since, place)]),
    ]
    changed = [
        replace(rows[one.move.id].execution, realized_pnl=one.realized, realized_pnl_base=one.realized_base)
        for one in moved
        if isinstance(one.move, Dealing)
        and (one.realized, one.realized_base)
        != (rows[one.move.id].execution.realized_pnl, rows[one.move.id].execution.realized_pnl_base)
    ]
    if changed:
        writes.append(ledger.update_executions(key.tenant_id, changed))
    await session.write(writes)


def _dealing(one: Dealt) -> Dealing:
    row = one.execution
    return Dealing(
        id=one.place,
        at=row.executed_at,
        recorded_at=one.placed_at,
        fill=Fill(instrument_id=row.instrument_id, signed_quantity=row.quantity * row.side.sign, price=row.price),
        base_rate=row.base_rate,
    )
