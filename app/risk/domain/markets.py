"""The checks of what, when, at what price and against whom is dealt."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from app.core.fix import OrderType, RiskLimitType, Side
from app.core.ids import OrderId
from app.core.messages import RiskCheck
from app.core.money import ZERO
from app.core.sessions import ToldSession
from app.risk.domain.conditions import CollarDirection, CrossPolicy
from app.risk.domain.facts import Facts, Resting
from app.risk.domain.figures import PERCENT
from app.risk.domain.held import Finding, HeldLimit, at_most, unknown
from app.risk.domain.proposal import Proposal, good_price
from app.risk.domain.sizes import NO_PRICE

OTHER_ACCOUNTS: Final = "otherAccounts"
"""Under which name the inputs of a wash trade tell how many orders of other accounts stand in the way."""

CANCELED: Final = "canceled"
"""Under which name the inputs of a wash trade list the resting orders that are canceled for the order to pass."""
CANCELED_MAX: Final = 50
"""How many resting orders one order may take along."""

_LIMITED: Final = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})


def white_list(held: HeldLimit, proposal: Proposal, facts: Facts) -> Finding:
    """the symbol is one of `symbols`"""
    return _listed(held, proposal, must_be_listed=True)


def black_list(held: HeldLimit, proposal: Proposal, facts: Facts) -> Finding:
    """the symbol is none of `symbols`"""
    return _listed(held, proposal, must_be_listed=False)


def trading_hours(held: HeldLimit, proposal: Proposal, facts: Facts) -> Finding:
    """a session that the exchange told is on"""
    hours, now, conditions = proposal.instrument.hours, facts.now, held.conditions
    symbol = proposal.instrument.symbol
    if hours is None or not hours.known_from <= now < hours.known_until:
        # The usual hours know no holidays and no early closes.
        return unknown(f"the broker has not told when {symbol} is dealt these days")
    sessions = hours.extended if conditions.is_extended or hours.is_one_day else hours.regular
    session = next((one for one in sessions if _is_on(one, held, facts)), None)
    kind = "extended" if conditions.is_extended else "regular"
    if session is not None and session.day in hours.assumed:
        return unknown(f"neither the broker nor the calendar has told when {symbol} is dealt today")
    if session is None:
        coming = next((one.opens_at for one in sessions if one.opens_at > now), None)
        return Finding(
            is_passed=False,
            observed=None,
            message=f"no {kind} session of {symbol} is on",
            inputs={"zone": hours.zone, "next": coming},
        )
    return Finding(
        is_passed=True,
        observed=None,
        message=f"a {kind} session of {symbol} is on",
        inputs={"zone": hours.zone, "opens": session.opens_at, "closes": session.closes_at},
    )


def price_collar(held: HeldLimit, proposal: Proposal, facts: Facts) -> Finding:
    """how far the limit is worse than the quote, in percent of it <= value"""
    reference = None if proposal.reference is None else good_price(proposal.reference.price)
    if reference is None or proposal.reference is None:
        return unknown("no fresh quote to hold the price against")
    price = proposal.terms.limit_price if proposal.order_type in _LIMITED else None
    if price is None:
        message = "an order without a limit deals at the market, whose quote is fresh"
        return Finding(is_passed=True, observed=None, message=message, inputs={"reference": reference})
    if good_price(price) is None:
        return unknown(NO_PRICE)
    away = (price - reference) / reference * PERCENT * proposal.side.sign
    if held.conditions.direction is CollarDirection.BOTH:
        away = abs(away)
    return at_most(
        held,
        max(away, ZERO),
        "the limit's distance from the market of",
        "%",
        price=price,
        reference=reference,
        at=proposal.reference.at,
    )


def wash_trade(held: HeldLimit, proposal: Proposal, facts: Facts) -> Finding:
    """no open order of the opposite side, in any account of the tenant, could deal with it"""
    crossed = [one for one in facts.resting if could_cross(proposal, one, with_stops=held.conditions.with_stops)]
    if not crossed:
        message = "no resting order of the firm could deal with it"
        return Finding(is_passed=True, observed=ZERO, message=message, inputs={"side": proposal.side.value})
    others = sum(one.account_id != proposal.account_id for one in crossed)
    policy = held.conditions.policy
    stays = "" if policy is CrossPolicy.BLOCK_NEWEST else _why_they_stay(proposal, crossed, others)
    if policy is CrossPolicy.CANCEL_RESTING and not stays:
        return Finding(
            is_passed=True,
            observed=Decimal(len(crossed)),
            message=f"{len(crossed)} resting order(s) of the account that could deal with it are canceled first",
            inputs={"policy": policy.value, CANCELED: [str(one.order_id) for one in crossed]},
        )
    # Who asks may not see the other accounts: how many there are is told, and nothing of them.
    return Finding(
        is_passed=False,
        observed=Decimal(len(crossed)),
        message=f"{len(crossed)} open order(s) of the firm on the other side could deal with it{stays}",
        inputs={
            "ownAccount": str(len(crossed) - others),
            OTHER_ACCOUNTS: others,
            "policy": policy.value,
        },
    )


def canceled_for(checks: Iterable[RiskCheck]) -> tuple[OrderId, ...]:
    """The resting orders that have to be canceled for the order to go, each once; what a shadow says cancels none."""
    washes = (one for one in checks if one.check is RiskLimitType.WASH_TRADE and not one.is_shadow)
    found = (str(order_id) for one in washes for order_id in one.inputs.get(CANCELED, ()))
    return tuple(OrderId(UUID(one)) for one in dict.fromkeys(found))


def _why_they_stay(proposal: Proposal, crossed: Sequence[Resting], others: int) -> str:
    if others:
        return ", and those of other accounts are not canceled"
    if not all(one.gives_way for one in crossed):
        return ", and what protects or closes a position, or is not managed here, is not canceled"
    if not proposal.can_wait:
        return ", and none is canceled for a change, a release, a close, a pair or a block"
    if len(crossed) > CANCELED_MAX:
        return f", and at most {CANCELED_MAX} are canceled for one"
    return ""


def could_cross(proposal: Proposal, resting: Resting, *, with_stops: bool) -> bool:
    """True when the two orders could deal with each other; those of one family never do.

    An order without a limit could deal at any price.
    """
    if (
        resting.side is proposal.side
        or resting.instrument_id != proposal.instrument.id
        or resting.family == proposal.family
        or (resting.is_stop and not with_stops)
    ):
        return False
    mine = proposal.terms.limit_price if proposal.order_type in _LIMITED else None
    if mine is None or resting.price is None:
        return True
    return mine >= resting.price if proposal.side is Side.BUY else mine <= resting.price


def _is_on(session: ToldSession, held: HeldLimit, facts: Facts) -> bool:
    opens = session.opens_at + timedelta(minutes=held.conditions.minutes_after_open)
    closes = session.closes_at - timedelta(minutes=held.conditions.minutes_before_close)
    return opens <= facts.now < closes


def _listed(held: HeldLimit, proposal: Proposal, *, must_be_listed: bool) -> Finding:
    symbol = proposal.instrument.symbol
    name = "white" if must_be_listed else "black"
    if held.conditions.symbols is None:
        return unknown(f"the {name} list has no symbols")
    is_listed = held.conditions.names(symbol)
    word = "is" if is_listed else "is not"
    return Finding(
        is_passed=is_listed is must_be_listed,
        observed=None,
        message=f"{symbol} {word} on the {name} list",
        inputs={"symbol": symbol},
    )
