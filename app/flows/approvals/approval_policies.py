"""Which policies of approval an order meets, as it is placed or changed."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from app.approvals.domain import (
    ApprovalPolicy,
    Candidate,
    OrderApproval,
    met_policies,
    only_reduces,
    policy_from_document,
    requests,
)
from app.brokers.batch import AccountFacts
from app.core.ids import OrderId, PolicyId, TenantId
from app.core.messages import OrderTerms
from app.risk.domain import Proposal, price_of


def needed_approvals(
    account: AccountFacts, proposals: Sequence[Proposal], *, tenant_id: TenantId, order_id: OrderId, now: datetime
) -> list[OrderApproval]:
    """The requests that a new order, or a pair of which these are the legs, must wait for.

    None for what only makes its position smaller. A pair waits for what either of its legs meets.
    """
    if all(one.closes_position or _is_close(one, one.terms.quantity) for one in proposals):
        return []
    policies = _policies(account)
    met: dict[PolicyId, tuple[ApprovalPolicy, tuple[str, ...]]] = {}
    for proposal in proposals:
        for policy, reasons in met_policies(policies, _candidate(proposal, now)):
            known = met.get(policy.id, (policy, ()))[1]
            met[policy.id] = (policy, tuple(dict.fromkeys((*known, *reasons))))
    return requests(met.values(), tenant_id=tenant_id, order_id=order_id, now=now)


def change_reasons(
    account: AccountFacts, before: Proposal, after: Proposal, *, filled_quantity: Decimal, now: datetime
) -> tuple[str, ...]:
    """Why a change of an order cannot go through without approval; empty when it can.

    A change that asks for no more than the order had, in quantity and in money, needs nobody. The exposure of the
    proposals is that of the other orders.
    """
    if not account.approval_policies or _is_close(after, after.terms.quantity - filled_quantity):
        return ()
    was, becomes = notional_of(before), notional_of(after)
    asks_more = after.terms.quantity > before.terms.quantity
    is_dearer = becomes is None or was is None or becomes > was
    if not asks_more and (not is_dearer or _has_the_same_prices(before.terms, after.terms)):
        return ()
    return tuple(
        reason for _, reasons in met_policies(_policies(account), _candidate(after, now)) for reason in reasons
    )


def notional_of(proposal: Proposal) -> Decimal | None:
    """Quantity times price times multiplier, in the instrument's currency; None where no fresh price is known."""
    price = price_of(proposal)
    return None if price is None else proposal.terms.quantity * price * proposal.instrument.multiplier


def _policies(account: AccountFacts) -> list[ApprovalPolicy]:
    return [policy_from_document(document) for document in account.approval_policies]


def _candidate(proposal: Proposal, now: datetime) -> Candidate:
    return Candidate(
        account_id=proposal.account_id,
        notional=notional_of(proposal),
        currency=proposal.instrument.currency,
        at=now,
    )


def _is_close(proposal: Proposal, quantity: Decimal) -> bool:
    exposure = proposal.exposure
    return only_reduces(
        proposal.side,
        quantity,
        position=exposure.position_quantity,
        open_buy=exposure.open_buy_quantity,
        open_sell=exposure.open_sell_quantity,
    )


def _has_the_same_prices(before: OrderTerms, after: OrderTerms) -> bool:
    return (before.limit_price, before.stop_price, before.trailing_amount) == (
        after.limit_price,
        after.stop_price,
        after.trailing_amount,
    )
