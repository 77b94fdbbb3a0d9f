"""The checks of pace: how many orders, how alike, how soon after what, how many of them end in a trade."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from app.core.money import ZERO, plain
from app.risk.domain.conditions import CooldownCause
from app.risk.domain.facts import Activity, Facts, count_since, fingerprint
from app.risk.domain.figures import PERCENT
from app.risk.domain.held import Finding, HeldLimit, at_most, unknown
from app.risk.domain.proposal import Proposal, Step

MINUTE_S: Final = 60
RATIO_WINDOW_S: Final = 300
RATIO_ALLOWANCE: Final = 20
_UNKNOWN = "what happened in the account lately is not known"


def orders_per_minute(held: HeldLimit, proposal: Proposal, facts: Facts) -> Finding:
    """orders of the account in the last 60 seconds + this one <= value"""
    if facts.activity is None:
        return unknown(_UNKNOWN)
    window_s = held.conditions.window_s or MINUTE_S
    placed = _others(facts.activity, proposal, facts.now - timedelta(seconds=window_s))
    observed = Decimal(placed + proposal.adds_orders + len(proposal.leaving))
    return at_most(held, observed, f"orders within {window_s} s", placed=placed, windowSeconds=window_s)


def duplicate_order(held: HeldLimit, proposal: Proposal, facts: Facts) -> Finding:
    """no order of the same terms in the account in the last `value` seconds"""
    if facts.activity is None:
        return unknown(_UNKNOWN)
    if proposal.step is not Step.NEW:
        return Finding(is_passed=True, observed=None, message="the order was looked at when it was placed")
    same = fingerprint(proposal.instrument.id, proposal.side, proposal.order_type, proposal.terms)
    found = facts.activity.same_since(facts.now - timedelta(seconds=int(held.value)), same)
    allowed = held.conditions.allowance or 0
    is_passed = found <= allowed
    message = f"{found} order(s) of the same terms within {plain(held.value)} s, {allowed} may be"
    inputs = {"same": found, "allowance": allowed}
    return Finding(is_passed=is_passed, observed=Decimal(found), message=message, inputs=inputs)


def cooldown(held: HeldLimit, proposal: Proposal, facts: Facts) -> Finding:
    """`value` seconds have passed since the last loss, rejection or fill"""
    activity = facts.activity
    if activity is None:
        return unknown(_UNKNOWN)
    if proposal.step is Step.CHANGE and not proposal.adds_quantity:
        return Finding(is_passed=True, observed=None, message="a change that asks for no more goes through")
    causes = [(at, one) for one in held.conditions.after if (at := _last(activity, one)) is not None]
    if not causes:
        return Finding(is_passed=True, observed=None, message="nothing to cool down from")
    at, cause = max(causes)
    passed = Decimal(max((facts.now - at) // timedelta(milliseconds=1), 0)) / 1000
    is_passed = passed >= held.value
    message = f"{plain(passed)} s since the last {cause.value.lower()}, {plain(held.value)} s are to pass"
    inputs = {"cause": cause.value, "at": at}
    return Finding(is_passed=is_passed, observed=passed, message=message, inputs=inputs)


def cancel_rate(held: HeldLimit, proposal: Proposal, facts: Facts) -> Finding:
    """cancels / orders of the last `windowSeconds` x 100 <= value"""
    if facts.activity is None:
        return unknown(_UNKNOWN)
    since, allowance = _window(held, facts)
    orders = facts.activity.orders_since(since)
    cancels = count_since(facts.activity.cancels, since)
    observed = ZERO if orders <= allowance else Decimal(cancels) / orders * PERCENT
    return at_most(held, observed, "cancels of the orders", "%", orders=orders, cancels=cancels)


def order_to_trade_ratio(held: HeldLimit, proposal: Proposal, facts: Facts) -> Finding:
    """(orders and changes of the last `windowSeconds` + this one) / executions <= value"""
    if facts.activity is None:
        return unknown(_UNKNOWN)
    since, allowance = _window(held, facts)
    sent = _others(facts.activity, proposal, since) + count_since(facts.activity.changes, since)
    sent += len(proposal.leaving) or proposal.adds_orders > 0 or proposal.step is Step.CHANGE
    trades = count_since(facts.activity.executions, since)
    observed = ZERO if sent <= allowance else Decimal(sent) / max(trades, 1)
    return at_most(held, observed, "orders for each trade", sent=sent, trades=trades)


def horizon_s(held: HeldLimit) -> int:
    """How many seconds back the check looks."""
    match held.limit.limit_type:
        case "MAX_ORDERS_PER_MINUTE":
            return held.conditions.window_s or MINUTE_S
        case "DUPLICATE_ORDER" | "COOLDOWN":
            return int(held.limit.value or 0)
        case "CANCEL_RATE" | "ORDER_TO_TRADE_RATIO":
            return held.conditions.window_s or RATIO_WINDOW_S
        case _:
            return 0


def _window(held: HeldLimit, facts: Facts) -> tuple[datetime, int]:
    conditions = held.conditions
    allowance = RATIO_ALLOWANCE if conditions.allowance is None else conditions.allowance
    return facts.now - timedelta(seconds=conditions.window_s or RATIO_WINDOW_S), allowance


def _others(activity: Activity, proposal: Proposal, since: datetime) -> int:
    # What leaves now may have been placed within the window: it counts once.
    return activity.orders_since(since) - sum(placed_at > since for placed_at in proposal.leaving)


def _last(activity: Activity, cause: CooldownCause) -> datetime | None:
    match cause:
        case CooldownCause.LOSS:
            return activity.last_loss_at
        case CooldownCause.REJECT:
            return activity.last_reject_at
        case CooldownCause.FILL:
            return activity.last_fill_at
