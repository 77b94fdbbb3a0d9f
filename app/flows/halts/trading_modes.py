"""What halts let through: read where an order or an increase is accepted, and again where the connector claims it."""

from collections.abc import Collection

from app.brokers.batch import AccountFacts
from app.core.allocation import Allocation
from app.core.ids import AccountId
from app.core.messages import OrderTerms
from app.core.records import replace
from app.core.trading_modes import TradingMode, strictest_mode
from app.orders.domain.allocating import group_of
from app.orders.domain.order import Order
from app.orders.domain.told_terms import same_terms
from app.orders.errors import OrderProblem
from app.risk.domain import Proposal, adds_risk
from app.risk.halts.domain import KILL_SWITCH_ACTOR

HALTS = "halts"
"""Who refuses, in the event log, what was on its way when trading was halted."""


def halted_out(
    account: AccountFacts, proposal: Proposal, placed_by: str, allocation: Allocation | None = None
) -> OrderProblem | None:
    """Why a halt keeps the order out; None where it may go.

    The facts of the account were read behind the lock of its book. REDUCE_ONLY takes what makes the position smaller
    with every open order of its side dealt, by our book and by the broker's where they differ. HALTED takes nothing but
    the kill switch's own closes.
    """
    if not account.halts:
        return None
    accounts = _traded_for(account, proposal.account_id, allocation)
    match strictest_mode(account.halts, accounts, proposal.instrument.id):
        case TradingMode.ACTIVE:
            return None
        case TradingMode.HALTED:
            is_our_close = placed_by == KILL_SWITCH_ACTOR and proposal.closes_position
            return None if is_our_close else OrderProblem.TRADING_HALTED
        case TradingMode.REDUCE_ONLY:
            held = account.frozen.get(proposal.instrument.id, proposal.exposure.position_quantity)
            return OrderProblem.TRADING_REDUCE_ONLY if adds_risk(proposal, held) else None


def change_halted_out(
    account: AccountFacts, order: Order, terms: OrderTerms, proposal: Proposal
) -> OrderProblem | None:
    """Why a halt keeps new terms of an order out; None where they may go, as those that only ask for less always may.

    Another price may deal at once, so under HALTED it waits.
    """
    if not account.halts or only_shrinks(order.terms, terms):
        return None
    return halted_out(account, proposal, order.placed_by, order.allocation)


def only_shrinks(before: OrderTerms, after: OrderTerms) -> bool:
    """True for terms that differ in nothing but a quantity that is no higher."""
    return after.quantity <= before.quantity and same_terms(replace(after, quantity=before.quantity), before)


def _traded_for(account: AccountFacts, account_id: AccountId, allocation: Allocation | None) -> Collection[AccountId]:
    if allocation is None or account.adviser is None:
        return (account_id,)
    # A block trades for the accounts of its group; for all of the adviser's where the group is not known any more.
    known, group = account.adviser.accounts, group_of(allocation, account.adviser.groups)
    numbers = known.keys() if group is None else known.keys() & set(group.account_numbers)
    return (account_id, *(known[number] for number in numbers))
