"""What the paper broker refuses, under IB's codes for the same refusal, and when an order deals and ends."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from app.brokers.paper.orders import PaperOrder, PaperStatus
from app.core.fix import OrderType, Side, TimeInForce
from app.core.messages import FaultClass, Instrument, OrderTerms
from app.core.money import ZERO, is_multiple
from app.core.sessions import ALL_HOURS, Session, TradingHours, known_hours

QUOTE_AGE_MAX = timedelta(seconds=15)
OPENING_WAIT = timedelta(minutes=2)
QUANTITY_MAX = Decimal(1_000_000_000)
OPEN_ORDERS_MAX = 20_000
_OF_OPENINGS = frozenset({OrderType.MARKET, OrderType.LIMIT})
_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


class PaperSessions(StrEnum):
    """When the paper broker deals: round the clock, or in the known hours of each instrument."""

    ALWAYS = "always"
    EXCHANGE = "exchange"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTerms:
    """How the paper broker works. quote_age_max is how old a quote may be that still deals."""

    sessions: PaperSessions = PaperSessions.EXCHANGE
    quote_age_max: timedelta = QUOTE_AGE_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why something is not done: IB's number for it, what it means for the order, and the words."""

    code: int
    fault: FaultClass
    message: str


def rejected(reason: str, code: int = 201) -> Refusal:
    """An order that is not taken."""
    return Refusal(code=code, fault=FaultClass.ORDER_REJECTED, message=reason)


def not_replaced(reason: str, code: int) -> Refusal:
    """New terms that are not taken."""
    return Refusal(code=code, fault=FaultClass.REPLACE_REJECTED, message=reason)


def not_canceled(order: PaperOrder | None, broker_order_id: int) -> Refusal | None:
    """Why an order cannot be canceled; None when it can."""
    if order is None:
        code, message = 10147, f"order {broker_order_id} that is to be canceled is not found"
    elif order.status is PaperStatus.FILLED:
        code, message = 10148, f"order {broker_order_id} cannot be canceled, it is filled"
    elif not order.is_open:
        code, message = 161, f"order {broker_order_id} cannot be canceled, it is over"
    else:
        return None
    return Refusal(code=code, fault=FaultClass.CANCEL_REJECTED, message=message)


def problem_of_terms(
    instrument: Instrument, side: Side, order_type: OrderType, terms: OrderTerms, now: datetime
) -> tuple[int, str] | None:
    """What is wrong with such an order, under IB's code; None when it may work."""
    if instrument.contract_id is None:
        return 200, f"{instrument.symbol} has no contract"
    if terms.quantity <= ZERO or terms.quantity > QUANTITY_MAX or not is_multiple(terms.quantity, instrument.lot_size):
        return 201, "the quantity is not a multiple of the lot"
    if terms.time_in_force is TimeInForce.OPG and order_type not in _OF_OPENINGS:
        return 111, "only market and limit orders are dealt at the opening"
    if terms.time_in_force is TimeInForce.GTD and (terms.expires_at is None or terms.expires_at <= now):
        return 201, "the time at which the order ends has passed"
    for price in _prices(order_type, terms):
        if price is None or price <= ZERO:
            return 201, "a price has to be above zero"
        if not is_multiple(price, instrument.tick_size):
            return 110, "the price does not conform to the minimum price variation"
    return None


def is_at_once(terms: OrderTerms) -> bool:
    """True when what is not dealt at once ends at once."""
    return terms.time_in_force in _AT_ONCE


def hours_of(instrument: Instrument, terms: PaperTerms) -> TradingHours:
    """The hours that the instrument is dealt in; round the clock where none are known."""
    if terms.sessions is PaperSessions.ALWAYS:
        return ALL_HOURS
    return known_hours(instrument.instrument_type, instrument.currency) or ALL_HOURS


def session_of(order: PaperOrder, hours: TradingHours, now: datetime) -> Session:
    """The session that the order deals in, on or next."""
    return hours.next_session(now, is_extended=order.outside_regular_hours)


def end_of(order: PaperOrder, hours: TradingHours, now: datetime) -> datetime | None:
    """When an order that is taken now ends by its time in force; None for never."""
    match order.terms.time_in_force:
        case TimeInForce.DAY:
            return session_of(order, hours, now).closes_at
        case TimeInForce.GTD:
            return order.terms.expires_at
        case TimeInForce.OPG:
            # A quote of the opening may be some moments late.
            return hours.next_opening(now) + OPENING_WAIT
        case _:
            return None


def opening_of(order: PaperOrder) -> datetime:
    """When an order for the opening begins to deal."""
    assert order.ends_at is not None, "such an order ends with its opening"
    return order.ends_at - OPENING_WAIT


def _prices(order_type: OrderType, terms: OrderTerms) -> tuple[Decimal | None, ...]:
    match order_type:
        case OrderType.MARKET:
            return ()
        case OrderType.LIMIT:
            return (terms.limit_price,)
        case OrderType.STOP:
            return (terms.stop_price,)
        case OrderType.STOP_LIMIT:
            return (terms.stop_price, terms.limit_price)
        case OrderType.TRAILING_STOP:
            started = () if terms.stop_price is None else (terms.stop_price,)
            return (terms.trailing_amount, *started)
