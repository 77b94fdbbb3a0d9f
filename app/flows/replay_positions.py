"""Positions as the event log alone tells them: executions and commissions folded in the order of the log."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.core.fix import Side
from app.core.ids import AccountId, InstrumentId, PositionId
from app.core.messages import Fill, Instrument
from app.orders.domain.order import Execution, LoggedEvent
from app.orders.domain.replay import EXECUTION_EVENTS, execution_of
from app.orders.events import OrderEventType
from app.positions.domain import Position, apply_fill, derive

MOVING: tuple[str, ...] = tuple(
    kind.value for kind in OrderEventType if kind in EXECUTION_EVENTS or kind is OrderEventType.COMMISSION_BOOKED
)
"""The types of events that move a position's quantity, price, profit or commission."""

_NO_ID = PositionId(UUID(int=0))


@dataclass(slots=True, kw_only=True)
class PositionReplay:
    """An account's positions while its log is read. They bear no ids, and reservations are of the orders' replay."""

    account_id: AccountId
    instruments: Mapping[InstrumentId, Instrument]
    positions: dict[InstrumentId, Position] = field(default_factory=dict)
    dealt: dict[InstrumentId, dict[str, Execution]] = field(default_factory=dict)
    restated: set[InstrumentId] = field(default_factory=set)
    at: datetime | None = None

    def read(self, logged: LoggedEvent, instrument_id: InstrumentId, side: Side) -> None:
        """Takes the next event, one of MOVING. Raises one of MALFORMED for one that cannot be read."""
        if logged.recorded_at != self.at:
            self.settle()
            self.at = logged.recorded_at
        position = self._position(instrument_id, logged.recorded_at)
        if logged.event.type == OrderEventType.COMMISSION_BOOKED.value:
            change = Decimal(logged.event.details["commission"])
            self.positions[instrument_id] = replace(position, commission=position.commission + change)
            return
        row = execution_of(logged, instrument_id, side)
        held = self.dealt.setdefault(instrument_id, {})
        if row.root in held:
            self.restated.add(instrument_id)
        else:
            moved, _ = apply_fill(position, _fill(row), self._multiplier(instrument_id))
            self.positions[instrument_id] = moved
        held[row.root] = row

    def settle(self) -> None:
        """Ends a transaction: what was restated in it is derived from all that holds. Call it behind the last event."""
        for instrument_id in self.restated:
            rows = sorted(self.dealt[instrument_id].values(), key=lambda row: (row.executed_at, row.id))
            fills = [_fill(row) for row in rows if row.quantity]
            position = self.positions[instrument_id]
            self.positions[instrument_id] = derive(position, fills, self._multiplier(instrument_id))
        self.restated.clear()

    def _position(self, instrument_id: InstrumentId, at: datetime) -> Position:
        known = self.positions.get(instrument_id)
        if known is not None:
            return replace(known, updated_at=at)
        return Position(id=_NO_ID, account_id=self.account_id, instrument_id=instrument_id, updated_at=at)

    def _multiplier(self, instrument_id: InstrumentId) -> Decimal:
        return self.instruments[instrument_id].multiplier


def _fill(row: Execution) -> Fill:
    return Fill(instrument_id=row.instrument_id, signed_quantity=row.quantity * row.side.sign, price=row.price)
