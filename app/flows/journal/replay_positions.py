"""Positions as the journal tells them: executions and commissions of the event log, and adjustments between, folded."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.core.fix import Side
from app.core.ids import AccountId, InstrumentId, PositionId
from app.core.messages import AccountKey, Fill, Instrument
from app.core.money import ZERO
from app.core.records import replace
from app.infra.db import BatchSession
from app.orders.domain.order import Execution, LoggedEvent
from app.orders.domain.replay import execution_of
from app.orders.events import EXECUTION_EVENTS, OrderEventType
from app.orders.repository import event_log
from app.positions import adjustments_batch as adjustments
from app.positions.domain import Dealing, Move, Position, PositionAdjustment, after_all, replay

MOVING: tuple[str, ...] = tuple(
    kind.value for kind in OrderEventType if kind in EXECUTION_EVENTS | {OrderEventType.COMMISSION_BOOKED}
)
"""The types of events that move a position's quantity, price, profit or commission."""

Moving = tuple[LoggedEvent, InstrumentId, Side]
"""An event of MOVING with the instrument and the side of its order."""

_NO_ID = PositionId(UUID(int=0))


@dataclass(slots=True, kw_only=True)
class PositionReplay:
    """An account's positions while its log is read. They bear no ids, and reservations are of the orders' replay."""

    account_id: AccountId
    instruments: Mapping[InstrumentId, Instrument]
    positions: dict[InstrumentId, Position] = field(default_factory=dict)
    moves: dict[InstrumentId, dict[str, Move]] = field(default_factory=dict)
    without_base: set[InstrumentId] = field(default_factory=set)
    """Instruments with events from before they told figures in base currency."""
    restated: set[InstrumentId] = field(default_factory=set)
    at: datetime | None = None

    def read(self, logged: LoggedEvent, instrument_id: InstrumentId, side: Side) -> None:
        """Takes the next event, one of MOVING. Raises one of MALFORMED for one that cannot be read."""
        if logged.recorded_at != self.at:
            self.settle()
            self.at = logged.recorded_at
        details = logged.event.details
        if details.keys().isdisjoint({"baseRate", "commissionBase"}):
            self.without_base.add(instrument_id)
        if logged.event.type == OrderEventType.COMMISSION_BOOKED.value:
            self._charge(instrument_id, logged)
            return
        row = execution_of(logged, instrument_id, side)
        known = self.moves.setdefault(instrument_id, {})
        move = _dealing(row, known.get(row.root), details.get("baseRate"))
        self._move(instrument_id, row.root, move, logged.recorded_at)

    def adjust(self, booked: PositionAdjustment) -> None:
        """Takes the next adjustment, which was a transaction of its own."""
        self.settle()
        self._move(booked.terms.instrument_id, str(booked.id), booked.move, booked.recorded_at)
        self.settle()

    def settle(self) -> None:
        """Ends a transaction: what was restated in it is derived from all that holds. Call it behind the last event."""
        for instrument_id in self.restated:
            position = self.positions[instrument_id]
            start = replace(
                position,
                quantity=ZERO,
                average_price=ZERO,
                realized_pnl=ZERO,
                realized_pnl_base=ZERO,
                unconverted_pnl=0,
                moved_until=None,
            )
            moves = self.moves[instrument_id].values()
            self.positions[instrument_id] = after_all(start, replay(start, moves, self._multiplier(instrument_id)))
        self.restated.clear()

    def _move(self, instrument_id: InstrumentId, place: str, move: Move, recorded_at: datetime) -> None:
        known = self.moves.setdefault(instrument_id, {})
        position = self._position(instrument_id, recorded_at)
        if place in known or (position.moved_until is not None and move.at < position.moved_until):
            self.restated.add(instrument_id)
        known[place] = move
        self.positions[instrument_id] = after_all(position, replay(position, [move], self._multiplier(instrument_id)))

    def _charge(self, instrument_id: InstrumentId, logged: LoggedEvent) -> None:
        position, details = self._position(instrument_id, logged.recorded_at), logged.event.details
        self.positions[instrument_id] = replace(
            position,
            commission=position.commission + Decimal(details["commission"]),
            commission_base=position.commission_base + Decimal(details.get("commissionBase", 0)),
            unconverted_commissions=position.unconverted_commissions + int(details.get("unconverted", 0)),
        )

    def _position(self, instrument_id: InstrumentId, at: datetime) -> Position:
        known = self.positions.get(instrument_id)
        if known is not None:
            return replace(known, updated_at=at)
        return Position(id=_NO_ID, account_id=self.account_id, instrument_id=instrument_id, updated_at=at)

    def _multiplier(self, instrument_id: InstrumentId) -> Decimal:
        return self.instruments[instrument_id].multiplier


def _dealing(row: Execution, first: Move | None, rate: str | None) -> Dealing:
    # A correction takes the place of what it corrects.
    return Dealing(
        id=row.id if first is None else first.id,
        at=row.executed_at,
        recorded_at=row.recorded_at if first is None else first.recorded_at,
        fill=Fill(instrument_id=row.instrument_id, signed_quantity=row.quantity * row.side.sign, price=row.price),
        base_rate=None if rate is None else Decimal(rate),
    )


async def booked_moves(
    session: BatchSession,
    key: AccountKey,
    *,
    until: int | None = None,
    at: datetime | None = None,
    instrument_ids: Sequence[InstrumentId] | None = None,
) -> AsyncIterator[Moving | PositionAdjustment]:
    """What moved the account's positions, in the order of its booking: events up to a sequence, adjustments at theirs.

    `at` leaves out adjustments that were booked later, behind the same last event.
    """
    booked = adjustments.in_order(session, key, until=until, at=at, instrument_ids=instrument_ids)
    waiting = await anext(booked, None)
    async for page in event_log.events_of_types(session, key, MOVING, until=until, instrument_ids=instrument_ids):
        for moving in page:
            while waiting is not None and waiting.after_sequence < moving[0].sequence:
                yield waiting
                waiting = await anext(booked, None)
            yield moving
    while waiting is not None:
        yield waiting
        waiting = await anext(booked, None)
