"""The checks of size: what an order asks for, and what its position and its account would have at worst."""

from decimal import Decimal

from app.risk.domain.facts import Facts
from app.risk.domain.held import Finding, HeldLimit, at_most, unknown
from app.risk.domain.proposal import Proposal, price_of, worst_position

NO_PRICE = "no fresh price to value the order by"


def order_quantity(held: HeldLimit, proposal: Proposal, facts: Facts) -> Finding:
    """quantity <= value"""
    return at_most(held, proposal.terms.quantity, "order quantity", quantity=proposal.terms.quantity)


def order_notional(held: HeldLimit, proposal: Proposal, facts: Facts) -> Finding:
    """quantity x price x multiplier <= value"""
    return _notional(held, proposal, facts, proposal.terms.quantity, "order notional")


def position_quantity(held: HeldLimit, proposal: Proposal, facts: Facts) -> Finding:
    """|position + open orders of the side + order| <= value"""
    exposure = proposal.exposure
    return at_most(
        held,
        worst_position(proposal),
        "position if all is filled",
        position=exposure.position_quantity,
        openBuys=exposure.open_buy_quantity,
        openSells=exposure.open_sell_quantity,
        adds=proposal.adds_quantity,
    )


def position_notional(held: HeldLimit, proposal: Proposal, facts: Facts) -> Finding:
    """|position + open orders of the side + order| x price x multiplier <= value"""
    return _notional(held, proposal, facts, worst_position(proposal), "position notional if all is filled")


def open_orders(held: HeldLimit, proposal: Proposal, facts: Facts) -> Finding:
    """open orders + this one <= value"""
    count = proposal.exposure.open_orders if held.limit.instrument_id is None else facts.open_here
    if count is None:
        return unknown("how many orders are open in the instrument is not known")
    return at_most(held, Decimal(count + proposal.adds_orders), "open orders", open=count, adds=proposal.adds_orders)


def _notional(held: HeldLimit, proposal: Proposal, facts: Facts, quantity: Decimal, what: str) -> Finding:
    instrument, price = proposal.instrument, price_of(proposal)
    if price is None:
        return unknown(NO_PRICE)
    currency = held.limit.currency or instrument.currency
    notional = facts.converted(quantity * price * instrument.multiplier, instrument.currency, currency)
    if notional is None:
        return unknown(f"no fresh rate from {instrument.currency} to {currency} to value the order by")
    return at_most(
        held,
        notional,
        what,
        quantity=quantity,
        price=price,
        multiplier=instrument.multiplier,
        currency=currency,
    )
