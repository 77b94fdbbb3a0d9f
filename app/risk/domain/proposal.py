"""An order as the chain sees it, and what it would make of its position at worst."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from app.core.fix import OrderType, Side
from app.core.ids import AccountId, InstrumentId, OrderId, StrategyId
from app.core.messages import Instrument, OrderTerms


class Step(StrEnum):
    """What the order is on the point of: it is NEW, changed, or let go after it waited."""

    NEW = "NEW"
    CHANGE = "CHANGE"
    RELEASE = "RELEASE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A price to value an order by, and when it was good."""

    price: Decimal
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What the account has and may still get, before the order: signed position, open quantities, open orders."""

    position_quantity: Decimal
    open_buy_quantity: Decimal
    open_sell_quantity: Decimal
    open_orders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An order as the chain sees it.

    adds_quantity is what it may add to its side beyond what is reserved already; leaving is when each of the orders
    was placed that waited and are let go now; reference is None where no fresh price is known. An order that
    closes_position never makes it larger or turns it round. family is the id that it shares with the orders that it
    hangs with, its own where it hangs with none. can_wait: it may be held until others have ended. exits are the lower
    and the higher price at which what it opens is to be closed, between which its own lies.
    """

    account_id: AccountId
    instrument: Instrument
    side: Side
    order_type: OrderType
    terms: OrderTerms
    adds_quantity: Decimal
    adds_orders: int
    reference: Reference | None
    exposure: Exposure
    closes_position: bool = False
    step: Step = Step.NEW
    strategy_id: StrategyId | None = None
    family: OrderId | None = None
    leaving: tuple[datetime, ...] = ()
    can_wait: bool = False
    exits: tuple[Decimal | None, Decimal | None] = (None, None)

    @property
    def instrument_id(self) -> InstrumentId:
        """What it trades."""
        return self.instrument.id


def good_price(price: Decimal | None) -> Decimal | None:
    """The price if something can be valued by it: a finite number above zero."""
    return price if price is not None and price.is_finite() and price > 0 else None


def price_of(proposal: Proposal) -> Decimal | None:
    """The price that the order is valued by: the worst that it may deal at, else the reference; None without one."""
    terms = proposal.terms
    reference = None if proposal.reference is None else good_price(proposal.reference.price)
    if proposal.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
        limit = good_price(terms.limit_price)
        if proposal.side is Side.BUY or limit is None:
            return limit
        # It may deal at any price above its limit: without a quote nobody can tell at which.
        return None if reference is None else max(limit, reference)
    if reference is None:
        return None
    if terms.trailing_amount is not None and proposal.side is Side.BUY:
        return reference + terms.trailing_amount
    if terms.stop_price is not None:
        return max(terms.stop_price, reference)
    return reference


def worst_position(proposal: Proposal) -> Decimal:
    """The largest position, sign aside, if every open order of the side and this one were filled."""
    exposure = proposal.exposure
    if proposal.side is Side.BUY:
        return abs(exposure.position_quantity + exposure.open_buy_quantity + proposal.adds_quantity)
    return abs(exposure.position_quantity - exposure.open_sell_quantity - proposal.adds_quantity)


def adds_risk(proposal: Proposal, broker_quantity: Decimal) -> bool:
    """True unless the order only reduces the position, whether ours is right or the broker's.

    Of a position that the two sides do not agree on, what makes it smaller on one may turn it round on the other.
    """
    exposure = proposal.exposure
    is_buy = proposal.side is Side.BUY
    leaving = proposal.adds_quantity + (exposure.open_buy_quantity if is_buy else exposure.open_sell_quantity)
    room = (-quantity if is_buy else quantity for quantity in (exposure.position_quantity, broker_quantity))
    return leaving > min(room)


def only_reduces(proposal: Proposal) -> bool:
    """True when the order, with all that is open on its side, can only make the position smaller."""
    return not adds_risk(proposal, proposal.exposure.position_quantity)
