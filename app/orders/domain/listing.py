"""Which orders and executions a list asks for."""

from dataclasses import dataclass
from datetime import datetime

from app.core.fix import OrderState, Side
from app.core.ids import AccountId, InstrumentId, OrderId
from app.core.records import replace


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Conditions that all hold; None asks nothing, an empty tuple fits no order. created_before is exclusive.

    With as_of they are asked of that instant: of the orders that there were, in the states that they were in.
    """

    account_ids: tuple[AccountId, ...] | None = None
    instrument_ids: tuple[InstrumentId, ...] | None = None
    states: tuple[OrderState, ...] | None = None
    sides: tuple[Side, ...] | None = None
    client_order_id: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    is_open: bool | None = None
    as_of: datetime | None = None

    def fits_state(self, state: OrderState) -> bool:
        """True when an order may be in this state. All else that the filter asks for never changes."""
        if self.states is not None and state not in self.states:
            return False
        return self.is_open is None or self.is_open is not state.is_terminal

    def of_any_state(self) -> "OrderFilter":
        """The filter without what it asks of the state."""
        return replace(self, states=None, is_open=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionFilter:
    """Conditions that all hold; None asks nothing."""

    account_id: AccountId | None = None
    order_id: OrderId | None = None
