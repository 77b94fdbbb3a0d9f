"""Which orders and executions a list asks for."""

from dataclasses import dataclass
from datetime import datetime

from app.core.fix import OrderState, Side
from app.core.ids import AccountId, InstrumentId, OrderId


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionFilter:
    """Conditions that all hold; None asks nothing."""

    account_id: AccountId | None = None
    order_id: OrderId | None = None
