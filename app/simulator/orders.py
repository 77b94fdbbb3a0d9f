"""The records of the exchange: an order as it was asked for, as it lives, and its executions."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from app.core.fix import OrderType, Side, TimeInForce
from app.core.matching import BookOrder
from app.core.money import ZERO, rounded

ORDER_TYPES = {
    "MKT": OrderType.MARKET,
    "LMT": OrderType.LIMIT,
    "STP": OrderType.STOP,
    "STP LMT": OrderType.STOP_LIMIT,
    "TRAIL": OrderType.TRAILING_STOP,
}
"""The order types that are served, under their names on the wire."""

TIMES_IN_FORCE = {
    "": TimeInForce.DAY,
    "DAY": TimeInForce.DAY,
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "GTD": TimeInForce.GTD,
    "OPG": TimeInForce.OPG,
}
"""The times in force that are served, under their names on the wire."""


class OrderStatus(StrEnum):
    """An order's status in TWS's words."""

    PRE_SUBMITTED = "PreSubmitted"
    SUBMITTED = "Submitted"
    PENDING_CANCEL = "PendingCancel"
    FILLED = "Filled"
    CANCELLED = "Cancelled"
    INACTIVE = "Inactive"

    @property
    def is_terminal(self) -> bool:
        """True when the order is over."""
        return self in {OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.INACTIVE}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """What a client asked for, in the wire's words where the order is only echoed back."""

    order_id: int
    con_id: int
    side: Side
    quantity: Decimal
    order_type: str
    limit_price: Decimal | None = None
    aux_price: Decimal | None = None
    time_in_force: str = "DAY"
    oca_group: str = ""
    oca_type: int = 0
    account: str = ""
    open_close: str = ""
    origin: int = 0
    order_ref: str = ""
    is_transmitted: bool = True
    parent_id: int = 0
    is_outside_rth: bool = False
    is_hidden: bool = False
    trigger_method: int = 0
    good_after_time: str = ""
    good_till_date: str = ""
    model_code: str = ""
    is_what_if: bool = False
    trail_stop_price: Decimal | None = None
    trailing_percent: Decimal | None = None
    fa_group: str = ""
    fa_method: str = ""
    fa_percentage: str = ""


@dataclass(slots=True, kw_only=True)
class SimulatedOrder:
    """One order's life. `perm_id` is its durable name; (client_id, order_id) is what its client calls it.

    `trail_stop` is where the stop of a trailing order stands, `ends_at` when its time in force ends, for OPG at the
    opening.
    """

    perm_id: int
    client_id: int
    request: OrderRequest
    status: OrderStatus
    placed_at: datetime
    filled: Decimal = ZERO
    notional: Decimal = ZERO
    last_price: Decimal = ZERO
    commission: Decimal = ZERO
    execution_count: int = 0
    is_triggered: bool = False
    trail_stop: Decimal | None = None
    ends_at: datetime | None = None
    completed_at: datetime | None = None
    completed_status: str = ""

    @property
    def remaining(self) -> Decimal:
        """LeavesQty (151) as TWS tells it: it stays what it was when the order is cancelled."""
        return self.request.quantity - self.filled

    @property
    def average_price(self) -> Decimal:
        """AvgPx (6), zero before the first execution."""
        return rounded(self.notional / self.filled) if self.filled else ZERO

    def for_book(self) -> BookOrder:
        """The order as the matching engine takes it."""
        request = self.request
        order_type = ORDER_TYPES[request.order_type]
        is_stop = order_type in {OrderType.STOP, OrderType.STOP_LIMIT}
        is_limit = order_type in {OrderType.LIMIT, OrderType.STOP_LIMIT}
        is_trailing = order_type is OrderType.TRAILING_STOP
        stop_price = self.trail_stop if is_trailing else request.aux_price if is_stop else None
        return BookOrder(
            order_key=str(self.perm_id),
            side=request.side,
            order_type=order_type,
            quantity=request.quantity,
            limit_price=request.limit_price if is_limit else None,
            stop_price=stop_price,
            trailing_amount=request.aux_price if is_trailing else None,
            time_in_force=TIMES_IN_FORCE[request.time_in_force],
            filled_quantity=self.filled,
            is_triggered=self.is_triggered,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One deal of an order. `execution_id` ends in its revision: .01 first, .02 when it is corrected."""

    execution_id: str
    perm_id: int
    client_id: int
    order_id: int
    account: str
    con_id: int
    side: Side
    quantity: Decimal
    price: Decimal
    cumulative_quantity: Decimal
    average_price: Decimal
    order_ref: str
    model_code: str
    is_maker: bool
    commission: Decimal
    commission_currency: str
    realized: Decimal | None
    executed_at: datetime
