"""What would have let a refused order pass: the largest quantity, or the nearest limit, found by asking the chain."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from app.core.fix import OrderType, RiskOutcome, Side
from app.core.messages import RiskCheck
from app.core.money import ZERO, plain
from app.core.records import replace
from app.risk.domain.chain import Chain, hold, is_breach
from app.risk.domain.facts import Facts
from app.risk.domain.markets import OTHER_ACCOUNTS
from app.risk.domain.proposal import Proposal, good_price

STEPS_MAX: Final = 64
"""How often the chain is asked at most: a search halves what is left each time."""
PASSES_AT: Final = "passesAt"
"""Under which name the figures stand among the inputs of the check that refused."""

_LIMITED: Final = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_FAR: Final = Decimal(10)


def passes_at(chain: Chain, proposal: Proposal, facts: Facts, checks: tuple[RiskCheck, ...]) -> dict[str, str]:
    """The largest quantity below the order's, and the limit nearest to its own, at which nothing refuses it.

    Each by itself, with all other terms as they are, on the grid of the instrument. Empty where there is none. Only
    the limits that refused are asked while searching, and all of them of what was found. No limit is told where the
    order would meet another account's: that would be the other's price.
    """
    refused = {check.limit_id for check in checks if is_breach(check)}
    if not refused:
        return {}
    first = Chain(limits=tuple(one for one in chain.limits if one.limit.id in refused))

    def passes(one: Proposal, held: Chain = first) -> bool:
        covering = (limit for limit in held.limits if not limit.limit.is_shadow and limit.covers(one, facts))
        return all(hold(limit, one, facts)[0] is not RiskOutcome.FAILED for limit in covering)

    def holds(one: Proposal) -> bool:
        # What passed at more may be refused at less, where limits ask for opposite things.
        return passes(one, chain)

    found: dict[str, str] = {}
    quantity = _quantity(proposal, passes)
    if quantity is not None and holds(sized(proposal, quantity)):
        found["quantity"] = plain(quantity)
    price = None if _meets_others(checks) else _limit(proposal, passes)
    if price is not None and holds(_priced(proposal, price)):
        found["limitPrice"] = plain(price)
        found["limitOr"] = "lower" if _own_limit(proposal) > price else "higher"
    return found


def words(found: Mapping[str, Any]) -> str | None:
    """What `passes_at` found, as a sentence; None where it found nothing."""
    told = []
    if "quantity" in found:
        told.append(f"at a quantity of {found['quantity']}")
    if "limitPrice" in found:
        told.append(f"at a limit of {found['limitPrice']} or {found['limitOr']}")
    return f"passes {', or '.join(told)}" if told else None


def sized(proposal: Proposal, quantity: Decimal) -> Proposal:
    """The order with a smaller quantity: what it leaves out is not added."""
    less = proposal.terms.quantity - quantity
    return replace(
        proposal,
        terms=replace(proposal.terms, quantity=quantity),
        adds_quantity=max(proposal.adds_quantity - less, ZERO),
    )


def _meets_others(checks: tuple[RiskCheck, ...]) -> bool:
    return any(one.inputs.get(OTHER_ACCOUNTS) for one in checks if is_breach(one))


def _quantity(proposal: Proposal, passes: Callable[[Proposal], bool]) -> Decimal | None:
    lot = proposal.instrument.lot_size
    below, above = 0, int(proposal.terms.quantity / lot)
    if above * lot < proposal.terms.quantity:
        above += 1
    for _ in range(STEPS_MAX):
        if above - below <= 1:
            break
        middle = (below + above) // 2
        if passes(sized(proposal, middle * lot)):
            below = middle
        else:
            above = middle
    return below * lot if below else None


def _limit(proposal: Proposal, passes: Callable[[Proposal], bool]) -> Decimal | None:
    own = proposal.terms.limit_price
    if proposal.order_type not in _LIMITED or own is None or good_price(own) is None:
        return None
    for end in _ends(proposal, own):
        if passes(_priced(proposal, end)):
            return _nearest(proposal, own, end, passes)
    return None


def _ends(proposal: Proposal, own: Decimal) -> list[Decimal]:
    # Towards the market first, then as far as the order gives way.
    reference = None if proposal.reference is None else good_price(proposal.reference.price)
    is_buy = proposal.side is Side.BUY
    far = proposal.instrument.band_at(ZERO).increment if is_buy else own * _FAR
    ends = [
        _on_grid(proposal, _within_exits(proposal, one), is_down=is_buy) for one in (reference, far) if one is not None
    ]
    return [one for one in ends if one > 0 and one != own and _within_exits(proposal, one) == one]


def _within_exits(proposal: Proposal, price: Decimal) -> Decimal:
    lowest, highest = proposal.exits
    if lowest is not None:
        price = max(price, _on_grid(proposal, lowest, is_down=True) + proposal.instrument.band_at(lowest).increment)
    if highest is not None:
        price = min(price, _on_grid(proposal, highest, is_down=False) - proposal.instrument.band_at(highest).increment)
    return price


def _nearest(proposal: Proposal, own: Decimal, end: Decimal, passes: Callable[[Proposal], bool]) -> Decimal:
    passing, refused = end, own
    for _ in range(STEPS_MAX):
        middle = _on_grid(proposal, (passing + refused) / 2, is_down=refused > passing)
        if middle in (passing, refused):
            break
        if passes(_priced(proposal, middle)):
            passing = middle
        else:
            refused = middle
    step = proposal.instrument.band_at(passing).increment
    beside = passing + (step if refused > passing else -step)
    if beside not in (refused, own) and beside > 0 and passes(_priced(proposal, beside)):
        passing = beside
    return passing


def _on_grid(proposal: Proposal, price: Decimal, *, is_down: bool) -> Decimal:
    step = proposal.instrument.band_at(price).increment
    whole = price // step
    return whole * step if is_down or whole * step == price else (whole + 1) * step


def _priced(proposal: Proposal, price: Decimal) -> Proposal:
    return replace(proposal, terms=replace(proposal.terms, limit_price=price))


def _own_limit(proposal: Proposal) -> Decimal:
    assert proposal.terms.limit_price is not None, "a limit was looked for"
    return proposal.terms.limit_price
