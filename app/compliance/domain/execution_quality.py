"""How well orders were executed: slippage, effective spread, fill rate and time to fill, of one and of many.

Signs are costs: a figure above zero was paid, one below was gained. Basis points are ten-thousandths of the price that
is measured against.

Source: Perold, The Implementation Shortfall (1988); SEC Rule 605 (17 CFR 242.600) for the effective spread.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from statistics import median

from app.core.arrival import Arrival
from app.core.fix import OrderType, Side
from app.core.ids import AccountId, InstrumentId, OrderId

BASIS_POINTS = Decimal(10_000)
_BPS = Decimal("0.01")
_RATE = Decimal("0.0001")
_MONEY = Decimal("0.01")


class QualityGroup(StrEnum):
    """What orders are put together by."""

    ACCOUNT = "ACCOUNT"
    INSTRUMENT = "INSTRUMENT"
    ORDER_TYPE = "ORDER_TYPE"
    ROUTE = "ROUTE"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredOrder:
    """An order with what was dealt of it. quantity is what it asked for in the end; times are of its executions."""

    id: OrderId
    account_id: AccountId
    instrument_id: InstrumentId
    symbol: str
    currency: str
    route: str
    multiplier: Decimal
    side: Side
    order_type: OrderType
    quantity: Decimal
    filled_quantity: Decimal
    average_price: Decimal | None
    arrival: Arrival | None
    decided_at: datetime
    first_fill_at: datetime | None = None
    last_fill_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderQuality:
    """The figures of one order; None where a price or a fill is missing.

    Times are in seconds from the decision, as fine as the broker tells them, and never below zero.
    """

    arrival_slippage_bps: Decimal | None
    mid_slippage_bps: Decimal | None
    effective_spread_bps: Decimal | None
    cost: Decimal | None
    quote_age_s: float | None
    first_fill_s: float | None
    last_fill_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupQuality:
    """The figures of many orders in one currency; slippages and spreads are weighed by what was dealt in money.

    measured is how many orders have a price of their arrival and something dealt: the others count in orders, filled
    and the fill rate alone.
    """

    account_id: AccountId | None
    instrument_id: InstrumentId | None
    symbol: str | None
    order_type: OrderType | None
    route: str | None
    currency: str
    orders: int
    filled: int
    measured: int
    quantity: Decimal
    filled_quantity: Decimal
    fill_rate: Decimal
    arrival_slippage_bps: Decimal | None
    mid_slippage_bps: Decimal | None
    effective_spread_bps: Decimal | None
    cost: Decimal | None
    median_first_fill_s: float | None
    median_last_fill_s: float | None


def quality_of(order: MeasuredOrder) -> OrderQuality:
    """The figures of one order.

    Slippage against the arrival is against the price that the order would have met (the ask for a buy, else the last),
    against the mid against the middle of the arrival; the effective spread is twice the latter. cost is the slippage
    against the arrival in the instrument's currency.
    """
    arrival, price = order.arrival, order.average_price
    met = None if arrival is None else _met(arrival, order.side)
    mid = None if arrival is None else arrival.mid
    against_mid = _slippage(order.side, price, mid)
    cost = None
    if price is not None and met is not None:
        cost = order.side.sign * (price - met) * order.filled_quantity * order.multiplier
    return OrderQuality(
        arrival_slippage_bps=_slippage(order.side, price, met),
        mid_slippage_bps=against_mid,
        effective_spread_bps=None if against_mid is None else 2 * against_mid,
        cost=cost,
        quote_age_s=None if arrival is None else (order.decided_at - arrival.quoted_at).total_seconds(),
        first_fill_s=_seconds(order.decided_at, order.first_fill_at),
        last_fill_s=_seconds(order.decided_at, order.last_fill_at),
    )


def report(orders: Iterable[MeasuredOrder], by: Sequence[QualityGroup]) -> list[GroupQuality]:
    """The figures of the orders put together, those groups first that have most orders; without `by` one a currency."""
    groups: dict[tuple[object, ...], list[MeasuredOrder]] = {}
    for order in orders:
        groups.setdefault((order.currency, *(_key(order, one) for one in by)), []).append(order)
    found = [_group(members, by) for members in groups.values()]
    return sorted(found, key=lambda one: (-one.orders, one.currency, one.symbol or "", str(one.account_id)))


def _group(members: Sequence[MeasuredOrder], by: Sequence[QualityGroup]) -> GroupQuality:
    first = members[0]
    figures = [(order, quality_of(order)) for order in members]
    quantity = sum((order.quantity for order in members), Decimal(0))
    filled = sum((order.filled_quantity for order in members), Decimal(0))
    costs = [one.cost for _, one in figures if one.cost is not None]
    return GroupQuality(
        account_id=first.account_id if QualityGroup.ACCOUNT in by else None,
        instrument_id=first.instrument_id if QualityGroup.INSTRUMENT in by else None,
        symbol=first.symbol if QualityGroup.INSTRUMENT in by else None,
        order_type=first.order_type if QualityGroup.ORDER_TYPE in by else None,
        route=first.route if QualityGroup.ROUTE in by else None,
        currency=first.currency,
        orders=len(members),
        filled=sum(order.filled_quantity > 0 for order in members),
        measured=len(costs),
        quantity=quantity,
        filled_quantity=filled,
        fill_rate=(filled / quantity).quantize(_RATE) if quantity else Decimal(0),
        arrival_slippage_bps=_weighed((order, one.arrival_slippage_bps) for order, one in figures),
        mid_slippage_bps=_weighed((order, one.mid_slippage_bps) for order, one in figures),
        effective_spread_bps=_weighed((order, one.effective_spread_bps) for order, one in figures),
        cost=sum(costs, Decimal(0)).quantize(_MONEY) if costs else None,
        median_first_fill_s=_median(one.first_fill_s for _, one in figures),
        median_last_fill_s=_median(one.last_fill_s for _, one in figures),
    )


def _weighed(values: Iterable[tuple[MeasuredOrder, Decimal | None]]) -> Decimal | None:
    total = weights = Decimal(0)
    for order, value in values:
        if value is not None and order.average_price is not None:
            # The worth at the arrival would do as well: what was dealt is always known.
            weight = order.filled_quantity * abs(order.average_price) * order.multiplier
            total, weights = total + value * weight, weights + weight
    return (total / weights).quantize(_BPS) if weights else None


def _met(arrival: Arrival, side: Side) -> Decimal | None:
    touch = arrival.ask if side is Side.BUY else arrival.bid
    return arrival.last if touch is None else touch


def _slippage(side: Side, price: Decimal | None, against: Decimal | None) -> Decimal | None:
    if price is None or against is None or against <= 0:
        return None
    return side.sign * (price - against) / against * BASIS_POINTS


def _seconds(start: datetime, end: datetime | None) -> float | None:
    # Brokers tell whole seconds: what was dealt in the second of the decision seems to have been dealt before it.
    return None if end is None else max((end - start).total_seconds(), 0.0)


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _key(order: MeasuredOrder, by: QualityGroup) -> object:
    match by:
        case QualityGroup.ACCOUNT:
            return order.account_id
        case QualityGroup.INSTRUMENT:
            return order.instrument_id
        case QualityGroup.ORDER_TYPE:
            return order.order_type
        case QualityGroup.ROUTE:
            return order.route
