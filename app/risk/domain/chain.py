"""The pre-trade chain: every limit in force is held against one order, all speak, and the first breach refuses."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from app.core.fix import RiskLimitType, RiskOutcome, Side
from app.core.messages import RiskCheck
from app.core.money import ZERO
from app.core.records import changer, replace
from app.risk.domain import figures, markets, pace, sizes
from app.risk.domain.facts import Fact, Facts
from app.risk.domain.held import Check, Finding, HeldLimit, read_limit
from app.risk.domain.limits import RiskLimit
from app.risk.domain.proposal import Proposal

_TYPE = RiskLimitType

CHECKS: Final[dict[RiskLimitType, Check]] = {
    _TYPE.MAX_ORDER_QUANTITY: sizes.order_quantity,
    _TYPE.MAX_ORDER_NOTIONAL: sizes.order_notional,
    _TYPE.MAX_POSITION_QUANTITY: sizes.position_quantity,
    _TYPE.MAX_POSITION_NOTIONAL: sizes.position_notional,
    _TYPE.MAX_OPEN_ORDERS: sizes.open_orders,
    _TYPE.MAX_DAILY_LOSS: figures.daily_loss,
    _TYPE.MAX_DRAWDOWN: figures.drawdown,
    _TYPE.MAX_LEVERAGE: figures.leverage,
    _TYPE.MIN_MARGIN_EXCESS: figures.margin_excess,
    _TYPE.SYMBOL_WHITELIST: markets.white_list,
    _TYPE.SYMBOL_BLACKLIST: markets.black_list,
    _TYPE.TRADING_HOURS: markets.trading_hours,
    _TYPE.MAX_ORDERS_PER_MINUTE: pace.orders_per_minute,
    _TYPE.PRICE_COLLAR: markets.price_collar,
    _TYPE.MAX_CONCENTRATION: figures.concentration,
    _TYPE.DUPLICATE_ORDER: pace.duplicate_order,
    _TYPE.WASH_TRADE: markets.wash_trade,
    _TYPE.COOLDOWN: pace.cooldown,
    _TYPE.CANCEL_RATE: pace.cancel_rate,
    _TYPE.ORDER_TO_TRADE_RATIO: pace.order_to_trade_ratio,
}
"""The check of each type; its docstring is its formula."""

# What bounds the risk must not keep a desk from giving it up; a count of orders is no risk, and a wash trade no trade.
_HOLDS_FOR_CLOSES: Final = frozenset({_TYPE.MAX_OPEN_ORDERS, _TYPE.WASH_TRADE})

_FACTS: Final[dict[RiskLimitType, frozenset[Fact]]] = {
    _TYPE.MAX_DAILY_LOSS: frozenset({Fact.ACCOUNT}),
    _TYPE.MAX_DRAWDOWN: frozenset({Fact.ACCOUNT, Fact.PEAK}),
    _TYPE.MAX_LEVERAGE: frozenset({Fact.ACCOUNT, Fact.EXPOSURE, Fact.RATES}),
    _TYPE.MIN_MARGIN_EXCESS: frozenset({Fact.ACCOUNT, Fact.EXPOSURE, Fact.RATES}),
    _TYPE.MAX_CONCENTRATION: frozenset({Fact.ACCOUNT, Fact.RATES}),
    _TYPE.MAX_ORDERS_PER_MINUTE: frozenset({Fact.ACTIVITY}),
    _TYPE.DUPLICATE_ORDER: frozenset({Fact.ACTIVITY}),
    _TYPE.COOLDOWN: frozenset({Fact.ACTIVITY}),
    _TYPE.CANCEL_RATE: frozenset({Fact.ACTIVITY}),
    _TYPE.ORDER_TO_TRADE_RATIO: frozenset({Fact.ACTIVITY}),
    _TYPE.TRADING_HOURS: frozenset({Fact.CALENDAR}),
    _TYPE.WASH_TRADE: frozenset({Fact.RESTING}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The limits of a tenant, read once, oldest first, and what has to be known to hold them.

    horizon_s is how far back what happened is asked for; peak_days are the days over which peaks are.
    """

    limits: tuple[HeldLimit, ...] = ()
    needs: frozenset[Fact] = frozenset()
    horizon_s: int = 0
    peak_days: frozenset[int | None] = frozenset()

    def without(self, types: Iterable[RiskLimitType]) -> "Chain":
        """The chain less the limits of these types."""
        left_out = frozenset(types)
        return replace(self, limits=tuple(one for one in self.limits if one.limit.limit_type not in left_out))


NO_LIMITS: Final = Chain()


def chain_of(limits: Iterable[RiskLimit]) -> Chain:
    """The chain of these limits, in their order."""
    held = tuple(read_limit(limit) for limit in limits)
    needs: frozenset[Fact] = frozenset()
    for one in held:
        needs |= _needs(one)
    return Chain(
        limits=held,
        needs=needs,
        horizon_s=max((pace.horizon_s(one) for one in held if not one.problems), default=0),
        peak_days=frozenset(one.conditions.window_days for one in held if one.limit.limit_type is _TYPE.MAX_DRAWDOWN),
    )


def _needs(held: HeldLimit) -> frozenset[Fact]:
    limit, needs = held.limit, _FACTS.get(held.limit.limit_type, frozenset())
    if limit.currency is not None:
        needs |= {Fact.RATES}
    if held.conditions.modes is not None:
        needs |= {Fact.ACCOUNT}
    if limit.limit_type is _TYPE.MAX_OPEN_ORDERS and limit.instrument_id is not None:
        needs |= {Fact.OPEN_HERE}
    return needs


_said: Final = changer(RiskCheck, "outcome", "observed", "message", "inputs", "nanoseconds")


def _no_time() -> int:
    return 0


def evaluate(
    chain: Chain, proposal: Proposal, facts: Facts, nanoseconds: Callable[[], int] = _no_time
) -> tuple[RiskCheck, ...]:
    """What every limit that covers the order says of it, in the order of the limits. All are evaluated.

    nanoseconds is a clock that only runs forward: what it told before and after is how long a check took.
    """
    checks: list[RiskCheck] = []
    before = nanoseconds()
    for held in chain.limits:
        if not (held.covers_all or held.covers(proposal, facts)):
            continue
        outcome, finding = hold(held, proposal, facts)
        after = nanoseconds()
        checks.append(
            _said(held.blank, outcome, finding.observed, finding.message, finding.inputs, after - before),
        )
        before = after
    return tuple(checks)


def first_breach(checks: Iterable[RiskCheck]) -> RiskCheck | None:
    """The reason to refuse; None when nothing failed. What a shadow says is none."""
    return next((check for check in checks if is_breach(check)), None)


def waits_for_room(checks: Iterable[RiskCheck]) -> bool:
    """True when nothing but the rate of orders refuses: what does not fit now fits by itself in a while."""
    breaches = [check for check in checks if is_breach(check)]
    return bool(breaches) and all(
        check.check is _TYPE.MAX_ORDERS_PER_MINUTE and check.limit is not None and check.limit >= 1
        for check in breaches
    )


def is_breach(check: RiskCheck) -> bool:
    """True for a check that refuses the order."""
    return check.outcome is RiskOutcome.FAILED and not check.is_shadow


def find(held: HeldLimit, proposal: Proposal, facts: Facts) -> Finding:
    """What one limit finds of an order that it covers. A limit that is malformed refuses."""
    if held.problems:
        told = "; ".join(problem.message for problem in held.problems)
        return Finding(is_passed=False, observed=None, message=f"the limit cannot be held: {told}")
    return CHECKS[held.limit.limit_type](held, proposal, facts)


def used(held: HeldLimit, standing: Proposal, facts: Facts) -> Decimal | None:
    """What of the limit is used as things stand, in its own unit; None where nothing is measured or known.

    standing is an order of no quantity, at_rest(), in the account and the instrument that are asked about.
    """
    if held.problems or held.limit.limit_type in _OF_AN_ORDER:
        return None
    sides = [find(held, replace(standing, side=side), facts).observed for side in held.conditions.sides or Side]
    known = [one for one in sides if one is not None]
    return (
        max(known, default=None) if held.limit.limit_type is not _TYPE.MIN_MARGIN_EXCESS else min(known, default=None)
    )


def at_rest(proposal: Proposal) -> Proposal:
    """The order as if it asked for nothing: what is left is what stands without it."""
    return replace(proposal, terms=replace(proposal.terms, quantity=ZERO), adds_quantity=ZERO, adds_orders=0)


_OF_AN_ORDER: Final = frozenset(
    {
        _TYPE.MAX_ORDER_QUANTITY,
        _TYPE.MAX_ORDER_NOTIONAL,
        _TYPE.SYMBOL_WHITELIST,
        _TYPE.SYMBOL_BLACKLIST,
        _TYPE.TRADING_HOURS,
        _TYPE.PRICE_COLLAR,
        _TYPE.DUPLICATE_ORDER,
        _TYPE.WASH_TRADE,
        _TYPE.COOLDOWN,
    }
)


def hold(held: HeldLimit, proposal: Proposal, facts: Facts) -> tuple[RiskOutcome, Finding]:
    """What one limit says of an order that it covers; SKIPPED where the order need not be held against it."""
    if proposal.closes_position and held.limit.limit_type not in _HOLDS_FOR_CLOSES:
        return RiskOutcome.SKIPPED, _CLOSES
    if held.conditions.passes_reducing and held.lets_by(proposal):
        return RiskOutcome.SKIPPED, _REDUCES
    finding = find(held, proposal, facts)
    return (RiskOutcome.PASSED if finding.is_passed else RiskOutcome.FAILED), finding


_CLOSES: Final = Finding(is_passed=True, observed=None, message="the order only closes a position")
_REDUCES: Final = Finding(is_passed=True, observed=None, message="the order only makes a position smaller")

MEANING: Final[dict[RiskLimitType, str]] = {
    _TYPE.MAX_ORDER_QUANTITY: "The order's quantity is at most `value` units.",
    _TYPE.MAX_ORDER_NOTIONAL: "What the order is worth is at most `value`.",
    _TYPE.MAX_POSITION_QUANTITY: "The position, if every open order of the side and this one fill, is at most `value`.",
    _TYPE.MAX_POSITION_NOTIONAL: "That same position, at the order's price, is worth at most `value`.",
    _TYPE.MAX_OPEN_ORDERS: "The account has at most `value` open orders, this one counted; with an instrument, so many "
    "in it.",
    _TYPE.MAX_DAILY_LOSS: "The broker's profit and loss of the day, of what is dealt and of what is held, is no loss "
    "above `value`.",
    _TYPE.MAX_DRAWDOWN: "The equity has not fallen by more than `value` percent from its peak; with a currency, not by "
    "more than that amount.",
    _TYPE.MAX_LEVERAGE: "All positions, signs aside, are at most `value` times the equity, even if all open orders and "
    "this one fill.",
    _TYPE.MIN_MARGIN_EXCESS: "The broker's excess liquidity is still at least `value` if all open orders and this one "
    "fill.",
    _TYPE.SYMBOL_WHITELIST: "The symbol is one of `conditions.symbols`.",
    _TYPE.SYMBOL_BLACKLIST: "The symbol is none of `conditions.symbols`.",
    _TYPE.TRADING_HOURS: "A session is on, as the exchange told it through the broker: holidays, half days and breaks "
    "are its own. Where it was not told for today, nothing passes.",
    _TYPE.MAX_ORDERS_PER_MINUTE: "The account has placed at most `value` orders in a minute, this one counted; one "
    "that waited counts anew when it is let go. What was refused here does not count.",
    _TYPE.PRICE_COLLAR: "The limit is at most `value` percent worse than the last good quote.",
    _TYPE.MAX_CONCENTRATION: "The position, if all is filled, is at most `value` percent of the equity.",
    _TYPE.DUPLICATE_ORDER: "The account has placed no order of the same instrument, side, type, quantity and prices in "
    "the last `value` seconds.",
    _TYPE.WASH_TRADE: "No open order of the other side in the instrument, in any account of the tenant, could deal "
    "with this one. Orders that hang together never do.",
    _TYPE.COOLDOWN: "`value` seconds have passed since the account's last loss, rejection by the broker or fill.",
    _TYPE.CANCEL_RATE: "Of the account's orders at most `value` percent were asked to be canceled.",
    _TYPE.ORDER_TO_TRADE_RATIO: "The account has sent at most `value` orders and changes for each execution.",
}
"""What each check asks."""


def formula_of(limit_type: RiskLimitType) -> str:
    """What the check compares, as a formula."""
    return (CHECKS[limit_type].__doc__ or "").strip()
