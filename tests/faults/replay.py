"""An account's orders, reservations and positions as its event log alone tells them, event by event."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.core.fix import OrderState

ZERO = Decimal(0)
_PLACED = frozenset({"OrderPlaced", "OrderHeld", "OrderRejected"})
_EXECUTED = frozenset({"ExecutionBooked", "ExecutionCorrected", "ExecutionBusted"})


@dataclass(slots=True, kw_only=True)
class ReplayedOrder:
    """An order as its events tell it."""

    instrument_id: str
    sign: int
    quantity: Decimal
    state: OrderState
    asked_quantity: Decimal | None = None
    filled: Decimal = ZERO
    version: int = 1

    @property
    def reserved(self) -> Decimal:
        """What it may still add to its side: the worse of its live and its pending terms."""
        if self.state.is_terminal:
            return ZERO
        return max(max(self.quantity, self.asked_quantity or ZERO) - self.filled, ZERO)


@dataclass(slots=True)
class Replay:
    """An account while its log is read."""

    orders: dict[str, ReplayedOrder] = field(default_factory=dict)
    positions: dict[str, Decimal] = field(default_factory=dict)
    reserved: dict[tuple[str, int], Decimal] = field(default_factory=dict)
    open_orders: int = 0

    def apply(self, event: Mapping[str, Any]) -> str | None:
        """Read the next event; the instrument that it concerned, None for an order that the log never placed."""
        order_id, kind, details = str(event["order_id"]), event["type"], event["details"]
        state = OrderState(event["to_state"])
        order = self.orders.get(order_id)
        if order is None:
            if kind not in _PLACED:
                return None
            order = self.orders[order_id] = ReplayedOrder(
                instrument_id=details["instrumentId"],
                sign=1 if details["side"] == "BUY" else -1,
                quantity=Decimal(details["quantity"]),
                state=state,
            )
            self._count(order, ZERO, was_open=False)
            return order.instrument_id
        reserved, was_open = order.reserved, not order.state.is_terminal
        order.state = state
        self._read(order, kind, details)
        self._count(order, reserved, was_open=was_open)
        return order.instrument_id

    def worst(self, instrument_id: str) -> Decimal:
        """The largest position, sign aside, that the open orders of one side may lead to."""
        held = self.positions.get(instrument_id, ZERO)
        bought = held + self.reserved.get((instrument_id, 1), ZERO)
        sold = held - self.reserved.get((instrument_id, -1), ZERO)
        return max(abs(held), bought, -sold)

    def _read(self, order: ReplayedOrder, kind: str, details: Mapping[str, Any]) -> None:
        if kind == "ReplaceRequested":
            order.asked_quantity = Decimal(details["quantity"])
        elif kind == "OrderReplaced":
            order.quantity, order.asked_quantity = Decimal(details["quantity"]), None
            order.version = int(details["version"])
        elif kind == "ReplaceRefused" or order.state.is_terminal:
            order.asked_quantity = None
        if kind in _EXECUTED:
            filled = Decimal(details["filledQuantity"])
            held = self.positions.get(order.instrument_id, ZERO)
            self.positions[order.instrument_id] = held + order.sign * (filled - order.filled)
            order.filled = filled

    def _count(self, order: ReplayedOrder, reserved: Decimal, *, was_open: bool) -> None:
        place = (order.instrument_id, order.sign)
        self.reserved[place] = self.reserved.get(place, ZERO) + order.reserved - reserved
        self.open_orders += (not order.state.is_terminal) - was_open
