"""The pre-trade chain: each limit held against one order and the exposure that is running."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.core.fix import OrderType, RiskLimitType, RiskOutcome, Side
from app.core.ids import AccountId
from app.core.messages import Instrument, OrderTerms, RiskCheck
from app.core.money import plain
from app.risk.domain.limits import RiskLimit

_TYPE = RiskLimitType
# What bounds the risk must not keep a desk from giving it up; a count of orders is no risk.
_HOLDS_FOR_CLOSES = frozenset({_TYPE.MAX_OPEN_ORDERS})


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

    adds_quantity is what it may add to its side beyond what is reserved already; reference is None where no fresh
    price is known. An order that closes_position never makes it larger or turns it round.
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


def evaluate(limits: Iterable[RiskLimit], proposal: Proposal) -> tuple[RiskCheck, ...]:
    """What every limit that applies says of the order, in the order of the limits. All are evaluated."""
    return tuple(
        _check(limit, proposal) for limit in limits if limit.applies(proposal.account_id, proposal.instrument.id)
    )


def first_breach(checks: Iterable[RiskCheck]) -> RiskCheck | None:
    """The reason to refuse; None when nothing failed."""
    return next((check for check in checks if check.outcome is RiskOutcome.FAILED), None)


def price_of(proposal: Proposal) -> Decimal | None:
    """The price that the order is valued by: the worst that it may deal at, else the reference."""
    terms, reference = proposal.terms, proposal.reference
    if proposal.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
        if proposal.side is Side.SELL and reference is not None and terms.limit_price is not None:
            return max(terms.limit_price, reference.price)
        return terms.limit_price
    if reference is None:
        return None
    if terms.trailing_amount is not None and proposal.side is Side.BUY:
        return reference.price + terms.trailing_amount
    if terms.stop_price is not None:
        return max(terms.stop_price, reference.price)
    return reference.price


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


def _check(limit: RiskLimit, proposal: Proposal) -> RiskCheck:
    if proposal.closes_position and limit.limit_type not in _HOLDS_FOR_CLOSES:
        return RiskCheck(
            check=limit.limit_type,
            outcome=RiskOutcome.SKIPPED,
            limit=limit.value,
            observed=None,
            message="the order only closes a position",
            limit_id=limit.id,
        )
    match limit.limit_type:
        case _TYPE.MAX_ORDER_QUANTITY:
            return _at_most(limit, proposal.terms.quantity, "order quantity")
        case _TYPE.MAX_ORDER_NOTIONAL:
            return _money(limit, proposal, proposal.terms.quantity, "order notional")
        case _TYPE.MAX_POSITION_QUANTITY:
            return _at_most(limit, worst_position(proposal), "position if all is filled")
        case _TYPE.MAX_POSITION_NOTIONAL:
            return _money(limit, proposal, worst_position(proposal), "position notional if all is filled")
        case _TYPE.MAX_OPEN_ORDERS:
            count = Decimal(proposal.exposure.open_orders + proposal.adds_orders)
            return _at_most(limit, count, "open orders")
        case _TYPE.SYMBOL_WHITELIST:
            return _listed(limit, proposal, must_be_listed=True)
        case _TYPE.SYMBOL_BLACKLIST:
            return _listed(limit, proposal, must_be_listed=False)
        case (
            _TYPE.MAX_DAILY_LOSS
            | _TYPE.MAX_DRAWDOWN
            | _TYPE.MAX_LEVERAGE
            | _TYPE.MIN_MARGIN_EXCESS
            | _TYPE.TRADING_HOURS
            | _TYPE.MAX_ORDERS_PER_MINUTE
            | _TYPE.PRICE_COLLAR
            | _TYPE.MAX_CONCENTRATION
            | _TYPE.DUPLICATE_ORDER
            | _TYPE.WASH_TRADE
            | _TYPE.COOLDOWN
            | _TYPE.CANCEL_RATE
            | _TYPE.ORDER_TO_TRADE_RATIO
        ):
            # A limit that cannot be held against the order must not look as if it held.
            return _verdict(
                limit, None, is_passed=False, message=f"{limit.limit_type} is not evaluated by this version"
            )


def _at_most(limit: RiskLimit, observed: Decimal, what: str) -> RiskCheck:
    if limit.value is None:
        return _verdict(limit, observed, is_passed=False, message=f"the limit on {what} has no value")
    is_passed = observed <= limit.value
    relation = "is within" if is_passed else "is above"
    message = f"{what} {plain(observed)} {relation} {plain(limit.value)}"
    return _verdict(limit, observed, is_passed=is_passed, message=message)


def _money(limit: RiskLimit, proposal: Proposal, quantity: Decimal, what: str) -> RiskCheck:
    instrument = proposal.instrument
    if limit.currency is not None and limit.currency != instrument.currency:
        message = f"no rate from {instrument.currency} to {limit.currency} to value the order by"
        return _verdict(limit, None, is_passed=False, message=message)
    price = price_of(proposal)
    if price is None:
        return _verdict(limit, None, is_passed=False, message="no fresh price to value the order by")
    return _at_most(limit, quantity * price * instrument.multiplier, what)


def _listed(limit: RiskLimit, proposal: Proposal, *, must_be_listed: bool) -> RiskCheck:
    symbol = proposal.instrument.symbol
    symbols = limit.conditions.get("symbols")
    name = "white" if must_be_listed else "black"
    if not isinstance(symbols, list):
        return _verdict(limit, None, is_passed=False, message=f"the {name} list has no symbols")
    is_listed = symbol in symbols
    word = "is" if is_listed else "is not"
    return _verdict(limit, None, is_passed=is_listed is must_be_listed, message=f"{symbol} {word} on the {name} list")


def _verdict(limit: RiskLimit, observed: Decimal | None, *, is_passed: bool, message: str) -> RiskCheck:
    return RiskCheck(
        check=limit.limit_type,
        outcome=RiskOutcome.PASSED if is_passed else RiskOutcome.FAILED,
        limit=limit.value,
        observed=observed,
        message=message,
        limit_id=limit.id,
    )


EVALUATED: dict[RiskLimitType, str] = {
    _TYPE.MAX_ORDER_QUANTITY: "The order's quantity is at most `value` units.",
    _TYPE.MAX_ORDER_NOTIONAL: "Quantity x price x multiplier is at most `value`, in `currency`.",
    _TYPE.MAX_POSITION_QUANTITY: "The position, if every open order of the side and this one fill, is at most `value`.",
    _TYPE.MAX_POSITION_NOTIONAL: "That same position, at the order's price, is worth at most `value`, in `currency`.",
    _TYPE.MAX_OPEN_ORDERS: "The account has at most `value` open orders, this one counted.",
    _TYPE.SYMBOL_WHITELIST: "The symbol is one of `conditions.symbols`.",
    _TYPE.SYMBOL_BLACKLIST: "The symbol is none of `conditions.symbols`.",
}
"""What each check asks for. A limit of another type refuses every order that it covers."""
