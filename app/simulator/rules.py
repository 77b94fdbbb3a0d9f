"""What the exchange refuses, decided from the request alone, and under which of Interactive Brokers' codes."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.core.fix import OrderType, TimeInForce
from app.core.money import ZERO, is_multiple
from app.simulator.directory import ListedContract
from app.simulator.orders import ORDER_TYPES, TIMES_IN_FORCE, OrderRequest, OrderStatus, SimulatedOrder
from app.simulator.requests import read_time
from app.simulator.wire import FieldError

DUPLICATE_ORDER_ID = 103
CANNOT_MODIFY_FILLED = 104
MODIFY_DOES_NOT_MATCH = 105
PRICE_OFF_TICK = 110
TIME_IN_FORCE_MISMATCH = 111
CANCEL_NOT_POSSIBLE = 161
UNKNOWN_CONTRACT = 200
ORDER_REJECTED = 201
ORDER_CANCELLED = 202
INVALID_REQUEST = 321
NOT_DEALT = 387
NO_ACCOUNT = 435
ORDER_MESSAGE = 399
CLIENT_ID_IN_USE = 326
CANCEL_NOT_FOUND = 10147
CANCEL_TOO_LATE = 10148

COMBINATION = "BAG"
COMBINATIONS_UNSERVED_MESSAGE = "combinations (BAG) are not served here"
UNKNOWN_CONTRACT_MESSAGE = "No security definition has been found for the request"
QUANTITY_MAX = Decimal(1_000_000_000)
_OF_OPENINGS = frozenset({OrderType.MARKET, OrderType.LIMIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request is not done: IB's code and a sentence in its style."""

    code: int
    message: str

    @property
    def is_recorded(self) -> bool:
        """True when the order exists from then on as Inactive; other codes leave nothing behind."""
        return self.code == ORDER_REJECTED


def refusal_of_terms(
    request: OrderRequest, listed: ListedContract, account_ids: Collection[str], now: datetime
) -> Refusal | None:
    """What is wrong with an order's terms, or None when they may go to the book."""
    if request.account not in account_ids:
        return _rejected("Invalid account code")
    if listed.sec_type == "IND":
        return Refusal(code=NOT_DEALT, message="Unsupported order type for this exchange and security type.")
    if listed.has_ended(now.date()):
        return _rejected("The contract is expired")
    if request.order_type not in ORDER_TYPES:
        return _rejected(f"Unsupported order type {request.order_type}")
    if request.time_in_force not in TIMES_IN_FORCE:
        return _rejected(f"Invalid time in force {request.time_in_force}")
    if request.trailing_percent:
        return _rejected("Trailing by percent is not served")
    if TIMES_IN_FORCE[request.time_in_force] is TimeInForce.OPG and ORDER_TYPES[request.order_type] not in _OF_OPENINGS:
        return Refusal(code=TIME_IN_FORCE_MISMATCH, message="The TIF (Tif type) and the order type are incompatible.")
    if not _has_good_expiry(request, now):
        return _rejected("Invalid good till date")
    if request.parent_id or not request.is_transmitted:
        return _rejected("Attached and untransmitted orders are not served")
    if request.quantity <= ZERO or request.quantity > QUANTITY_MAX:
        return _rejected("The order size must be greater than zero and within reason")
    if not is_multiple(request.quantity, listed.entry.lot_size):
        return _rejected("The order size does not conform to the contract's size increment")
    for price in _prices(request):
        if price is None or price <= ZERO:
            return _rejected("The price must be greater than zero")
        if not is_multiple(price, listed.rule.increment_at(price)):
            return Refusal(
                code=PRICE_OFF_TICK,
                message="The price does not conform to the minimum price variation for this contract.",
            )
    return None


def refusal_of_modify(order: SimulatedOrder, request: OrderRequest) -> Refusal | None:
    """Why a second order under one id does not change the first, or None when it may."""
    if order.status is OrderStatus.FILLED:
        return Refusal(code=CANNOT_MODIFY_FILLED, message="Cannot modify a filled order.")
    if order.status.is_terminal:
        return Refusal(code=DUPLICATE_ORDER_ID, message="Duplicate order id")
    old = order.request
    if (old.con_id, old.side, old.order_type, old.account) != (
        request.con_id,
        request.side,
        request.order_type,
        request.account,
    ):
        return Refusal(code=MODIFY_DOES_NOT_MATCH, message="Order being modified does not match original order.")
    if request.quantity <= order.filled:
        return _rejected("The order size cannot be reduced to what is already filled")
    return None


def refusal_of_cancel(order: SimulatedOrder) -> Refusal | None:
    """Why an order cannot be cancelled, or None when it can."""
    if order.status is OrderStatus.FILLED:
        return Refusal(
            code=CANCEL_TOO_LATE,
            message=f"OrderId {order.request.order_id} that needs to be cancelled cannot be cancelled, state: Filled.",
        )
    if order.status.is_terminal:
        return Refusal(
            code=CANCEL_NOT_POSSIBLE,
            message=f"Cancel attempted when order is not in a cancellable state.  Order permId ={order.perm_id}",
        )
    return None


def _rejected(reason: str) -> Refusal:
    return Refusal(code=ORDER_REJECTED, message=f"Order rejected - reason:{reason}")


def _has_good_expiry(request: OrderRequest, now: datetime) -> bool:
    if TIMES_IN_FORCE[request.time_in_force] is not TimeInForce.GTD:
        return True
    try:
        return read_time(request.good_till_date) > now
    except FieldError:
        return False


def _prices(request: OrderRequest) -> tuple[Decimal | None, ...]:
    match ORDER_TYPES[request.order_type]:
        case OrderType.LIMIT:
            return (request.limit_price,)
        case OrderType.STOP:
            return (request.aux_price,)
        case OrderType.TRAILING_STOP:
            return (request.aux_price, *(() if request.trail_stop_price is None else (request.trail_stop_price,)))
        case OrderType.STOP_LIMIT:
            return (request.limit_price, request.aux_price)
        case _:
            return ()
