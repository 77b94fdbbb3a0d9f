"""The drill of a limit: an order just beyond it, made from the account's own facts, is held against it."""

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from app.core.fix import OrderType, RiskLimitType, RiskOutcome, Side
from app.core.ids import OrderId
from app.core.messages import RiskCheck
from app.core.money import ZERO
from app.core.records import replace
from app.risk.domain import (
    AccountFigures,
    Activity,
    Conditions,
    Facts,
    Proposal,
    Resting,
    RiskLimit,
    chain_of,
    conditions_of,
    evaluate,
)
from app.risk.domain.conditions import NO_CONDITIONS, CooldownCause
from app.risk.domain.facts import fingerprint
from app.risk.keeping.domain.changes import DrillOutcome

_TYPE = RiskLimitType
_STEPS_MAX: Final = 2**80
_LISTED_MAX: Final = 2**15
_PARTS: Final = 10_000
_STRANGE_SHOWN: Final = 5
_NOBODY: Final = OrderId(UUID(int=0))
STRANGE_SYMBOL: Final = "NO SUCH SYMBOL"

Probe = tuple[Proposal, Facts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Orders of which each goes further towards the limit and beyond: at(0) is nearest to the facts."""

    at: Callable[[int], Probe]
    last: int = _STEPS_MAX
    is_measured: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drilled:
    limit: RiskLimit
    conditions: Conditions
    proposal: Proposal
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillFinding:
    """What a drill found, in a word and a sentence."""

    outcome: DrillOutcome
    message: str


def drill(limit: RiskLimit, proposal: Proposal, facts: Facts) -> DrillFinding:
    """What the limit says of the order as it grows until it is just beyond. Nothing is stored and nothing is sent.

    proposal is any order of the account in an instrument that the limit covers; facts are the account's own. A shadow
    is drilled as if it were live, and a limit with hours as if it were within them.
    """
    if not limit.is_in_force(facts.now):
        return DrillFinding(outcome=DrillOutcome.NOT_DRILLED, message="the limit is not in force now")
    conditions = conditions_of(limit.limit_type, limit.conditions)
    if not isinstance(conditions, Conditions):
        conditions = NO_CONDITIONS
    timeless = {key: value for key, value in limit.conditions.items() if key != "times"}
    live = replace(limit, is_shadow=False, conditions=timeless)
    drilled = _Drilled(limit=live, conditions=conditions, proposal=_facing(conditions, proposal), facts=facts)
    return _climb(live, _LADDERS[limit.limit_type](drilled))


def remarked(finding: DrillFinding, strange: Collection[str]) -> DrillFinding:
    """The finding with a word of warning about symbols of the limit that no instrument of the firm bears."""
    if not strange:
        return finding
    listed = sorted(strange)
    more = f" and {len(listed) - _STRANGE_SHOWN} more" if len(listed) > _STRANGE_SHOWN else ""
    told = f"no instrument of the firm is called {', '.join(listed[:_STRANGE_SHOWN])}{more}"
    return replace(finding, message=f"{finding.message}; {told}")


def _climb(limit: RiskLimit, ladder: Ladder) -> DrillFinding:
    chain = chain_of([limit])

    def said(step: int) -> RiskCheck | None:
        checks = evaluate(chain, *ladder.at(step))
        return checks[0] if checks else None

    first = said(0)
    if first is None:
        return DrillFinding(outcome=DrillOutcome.NOT_DRILLED, message="the limit is not held against such an order")
    if first.outcome is RiskOutcome.FAILED:
        is_known = first.observed is not None
        outcome = DrillOutcome.ALREADY_BREACHED if is_known else DrillOutcome.FAILS_CLOSED
        return DrillFinding(outcome=outcome, message=first.message)
    passed, step, found = 0, 1, None
    while step <= ladder.last:
        found = said(step)
        if found is not None and found.outcome is RiskOutcome.FAILED:
            break
        passed, step, found = step, step * 2, None
    if found is None and passed < ladder.last:
        step = ladder.last
        found = said(step)
        found = found if found is not None and found.outcome is RiskOutcome.FAILED else None
    while found is not None and step - passed > 1:
        middle = (passed + step) // 2
        check = said(middle)
        if check is not None and check.outcome is RiskOutcome.FAILED:
            step, found = middle, check
        else:
            passed = middle
    if found is None or (ladder.is_measured and found.observed is None):
        return DrillFinding(outcome=DrillOutcome.SILENT, message="no order that was tried made the limit refuse")
    return DrillFinding(outcome=DrillOutcome.FIRED, message=found.message)


def _facing(conditions: Conditions, proposal: Proposal) -> Proposal:
    # An order that makes the position larger: what reduces it may pass.
    side = Side.BUY if proposal.exposure.position_quantity >= ZERO else Side.SELL
    if conditions.sides is not None and side not in conditions.sides:
        (side,) = conditions.sides
    reference = proposal.reference
    price = proposal.instrument.tick_size if reference is None else reference.price
    terms = replace(proposal.terms, limit_price=price, stop_price=None, trailing_amount=None)
    return replace(proposal, side=side, order_type=OrderType.LIMIT, terms=terms, closes_position=False, family=None)


def _sized(one: _Drilled) -> Ladder:
    proposal = one.proposal

    def at(step: int) -> Probe:
        quantity = proposal.instrument.lot_size * (step + 1)
        terms = replace(proposal.terms, quantity=quantity)
        return replace(proposal, terms=terms, adds_quantity=quantity, adds_orders=1), one.facts

    return Ladder(at=at)


def _counted(one: _Drilled) -> Ladder:
    def at(step: int) -> Probe:
        return replace(_least(one), adds_orders=step + 1), one.facts

    return Ladder(at=at)


def _losing(one: _Drilled) -> Ladder:
    figures = one.facts.account

    def at(step: int) -> Probe:
        if figures is None or figures.daily_pnl is None:
            return _least(one), one.facts
        return _least(one), replace(one.facts, account=replace(figures, daily_pnl=figures.daily_pnl - step))

    return Ladder(at=at)


def _falling(one: _Drilled) -> Ladder:
    figures, days = one.facts.account, one.conditions.window_days

    def at(step: int) -> Probe:
        if figures is None or figures.equity is None:
            return _least(one), one.facts
        peak = max(figures.peaks.get(days, figures.equity), figures.equity)
        equity = figures.equity - figures.equity * step / _PARTS
        return _least(one), replace(one.facts, account=_fallen(figures, equity, days, peak))

    return Ladder(at=at, last=_PARTS - 1)


def _fallen(figures: AccountFigures, equity: Decimal, days: int | None, peak: Decimal) -> AccountFigures:
    return replace(figures, equity=equity, peaks={**figures.peaks, days: peak})


def _listed(one: _Drilled) -> Ladder:
    symbols = sorted(one.conditions.symbols or ())
    is_white = one.limit.limit_type is _TYPE.SYMBOL_WHITELIST
    known = symbols[0] if symbols else STRANGE_SYMBOL
    good, bad = (known, STRANGE_SYMBOL) if is_white else (STRANGE_SYMBOL, known)

    def at(step: int) -> Probe:
        instrument = replace(one.proposal.instrument, symbol=bad if step else good)
        return replace(_least(one), instrument=instrument), one.facts

    return Ladder(at=at, last=1, is_measured=False)


def _timed(one: _Drilled) -> Ladder:
    hours, conditions = one.proposal.instrument.hours, one.conditions

    def at(step: int) -> Probe:
        if hours is None or not hours.known_from <= one.facts.now < hours.known_until:
            return _least(one), one.facts
        sessions = hours.extended if conditions.is_extended or hours.is_one_day else hours.regular
        coming = [session for session in sessions if session.closes_at > one.facts.now]
        inside = [session.opens_at + (session.closes_at - session.opens_at) / 2 for session in coming]
        outside = [session.closes_at for session in coming if session.closes_at < hours.known_until]
        found: list[datetime] = outside if step else inside
        return _least(one), replace(one.facts, now=found[0] if found else one.facts.now)

    return Ladder(at=at, last=1, is_measured=False)


def _away(one: _Drilled) -> Ladder:
    proposal, tick = one.proposal, one.proposal.instrument.tick_size

    def at(step: int) -> Probe:
        least = _least(one)
        assert least.terms.limit_price is not None, "a drill is an order with a limit"
        price = least.terms.limit_price + proposal.side.sign * tick * step
        return replace(least, terms=replace(least.terms, limit_price=price)), one.facts

    price = proposal.terms.limit_price or tick
    return Ladder(at=at, last=_STEPS_MAX if proposal.side is Side.BUY else max(int(price / tick) - 1, 0))


def _repeated(one: _Drilled) -> Ladder:
    least = _least(one)
    same = fingerprint(least.instrument.id, least.side, least.order_type, least.terms)

    def at(step: int) -> Probe:
        activity = _copy(one.facts.activity)
        if activity is not None:
            activity.taken = [same] * step
        return least, replace(one.facts, activity=activity)

    return Ladder(at=at, last=_LISTED_MAX)


def _cooling(one: _Drilled) -> Ladder:
    def at(step: int) -> Probe:
        activity, now = _copy(one.facts.activity), one.facts.now
        if activity is not None and step:
            causes = one.conditions.after
            activity.last_loss_at = now if CooldownCause.LOSS in causes else activity.last_loss_at
            activity.last_reject_at = now if CooldownCause.REJECT in causes else activity.last_reject_at
            activity.last_fill_at = now if CooldownCause.FILL in causes else activity.last_fill_at
        return _least(one), replace(one.facts, activity=activity)

    return Ladder(at=at, last=1)


def _crossing(one: _Drilled) -> Ladder:
    least = _least(one)
    other = Resting(
        order_id=_NOBODY,
        account_id=least.account_id,
        instrument_id=least.instrument.id,
        family=_NOBODY,
        side=least.side.opposite,
        price=least.terms.limit_price,
        is_stop=False,
    )

    def at(step: int) -> Probe:
        return least, replace(one.facts, resting=(*one.facts.resting, *([other] if step else [])))

    return Ladder(at=at, last=1)


def _canceling(one: _Drilled) -> Ladder:
    least = _least(one)
    same = fingerprint(least.instrument.id, least.side, least.order_type, least.terms)
    allowance = 20 if one.conditions.allowance is None else one.conditions.allowance

    def at(step: int) -> Probe:
        activity = _copy(one.facts.activity)
        if activity is not None:
            activity.taken = [same] * (allowance + 1)
            activity.cancels = deque([*activity.cancels, *([one.facts.now] * step)])
        return least, replace(one.facts, activity=activity)

    return Ladder(at=at, last=_LISTED_MAX)


def _flooding(one: _Drilled) -> Ladder:
    ladder = _repeated(one)
    return replace(ladder, last=2**21)


def _least(one: _Drilled) -> Proposal:
    quantity = one.proposal.instrument.lot_size
    terms = replace(one.proposal.terms, quantity=quantity)
    return replace(one.proposal, terms=terms, adds_quantity=quantity, adds_orders=1)


def _copy(activity: Activity | None) -> Activity | None:
    if activity is None:
        return None
    # What is remembered of the account goes on: nothing of a drill may stay in it.
    return Activity(
        orders=deque(activity.orders),
        changes=deque(activity.changes),
        cancels=deque(activity.cancels),
        executions=deque(activity.executions),
        last_loss_at=activity.last_loss_at,
        last_reject_at=activity.last_reject_at,
        last_fill_at=activity.last_fill_at,
        released=deque(activity.released),
        taken=list(activity.taken),
    )


_LADDERS: Final[dict[RiskLimitType, Callable[[_Drilled], Ladder]]] = {
    _TYPE.MAX_ORDER_QUANTITY: _sized,
    _TYPE.MAX_ORDER_NOTIONAL: _sized,
    _TYPE.MAX_POSITION_QUANTITY: _sized,
    _TYPE.MAX_POSITION_NOTIONAL: _sized,
    _TYPE.MAX_OPEN_ORDERS: _counted,
    _TYPE.MAX_DAILY_LOSS: _losing,
    _TYPE.MAX_DRAWDOWN: _falling,
    _TYPE.MAX_LEVERAGE: _sized,
    _TYPE.MIN_MARGIN_EXCESS: _sized,
    _TYPE.SYMBOL_WHITELIST: _listed,
    _TYPE.SYMBOL_BLACKLIST: _listed,
    _TYPE.TRADING_HOURS: _timed,
    _TYPE.MAX_ORDERS_PER_MINUTE: _counted,
    _TYPE.PRICE_COLLAR: _away,
    _TYPE.MAX_CONCENTRATION: _sized,
    _TYPE.DUPLICATE_ORDER: _repeated,
    _TYPE.WASH_TRADE: _crossing,
    _TYPE.COOLDOWN: _cooling,
    _TYPE.CANCEL_RATE: _canceling,
    _TYPE.ORDER_TO_TRADE_RATIO: _flooding,
}
