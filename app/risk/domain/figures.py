"""The checks of an account's figures: the broker's own, with our estimate of what it has not counted yet."""

from decimal import Decimal
from typing import Any, Final

from app.core.fix import Side
from app.core.ids import InstrumentId
from app.core.money import ZERO, plain
from app.risk.domain.conditions import ConcentrationBasis
from app.risk.domain.facts import AccountFigures, ExposureLine, Facts
from app.risk.domain.held import Finding, HeldLimit, at_most, shown, unknown
from app.risk.domain.proposal import Proposal, price_of, worst_position
from app.risk.domain.sizes import NO_PRICE

PERCENT: Final = Decimal(100)
STALE = "the broker's figures of the account are not known or are stale"
_NO_ADDED = "an order that is open, or was dealt just now, cannot be valued: no price or no fresh rate"


def daily_loss(held: HeldLimit, proposal: Proposal, facts: Facts) -> Finding:
    """-(profit and loss of the day) <= value"""
    figures = facts.account
    if figures is None or not figures.is_pnl_fresh or figures.daily_pnl is None:
        return unknown("the broker's profit and loss of the day is not known or is stale")
    return _money(held, facts, max(-figures.daily_pnl, ZERO), "loss of the day", dailyPnl=figures.daily_pnl)


def drawdown(held: HeldLimit, proposal: Proposal, facts: Facts) -> Finding:
    """(peak - equity) / peak x 100 <= value; with a currency, peak - equity <= value"""
    figures = facts.account
    equity = _equity(figures)
    if figures is None or equity is None:
        return unknown(STALE)
    peak = max(figures.peaks.get(held.conditions.window_days, equity), equity)
    fallen = peak - equity
    inputs = {"equity": equity, "peak": peak}
    if held.limit.currency is not None:
        return _money(held, facts, fallen, "fall from the peak", **inputs)
    return at_most(held, fallen / peak * PERCENT, "fall from the peak", "%", **inputs)


def leverage(held: HeldLimit, proposal: Proposal, facts: Facts) -> Finding:
    """(gross position value + what open orders and this one may add) / equity <= value"""
    figures = facts.account
    equity = _equity(figures)
    if figures is None or equity is None or figures.gross_position_value is None:
        return unknown(STALE)
    added = added_exposure(proposal, facts, figures.base_currency)
    if added is None:
        return unknown(_NO_ADDED)
    return at_most(
        held,
        (figures.gross_position_value + added) / equity,
        "leverage if all is filled",
        gross=figures.gross_position_value,
        added=added,
        equity=equity,
    )


def margin_excess(held: HeldLimit, proposal: Proposal, facts: Facts) -> Finding:
    """excess liquidity - marginPercent of what open orders and this one may add >= value"""
    figures = facts.account
    if figures is None or not figures.is_fresh or figures.excess_liquidity is None:
        return unknown(STALE)
    added = added_exposure(proposal, facts, figures.base_currency)
    if added is None:
        return unknown(_NO_ADDED)
    left = figures.excess_liquidity - added * held.conditions.margin_percent / PERCENT
    currency = held.limit.currency or figures.base_currency
    observed = facts.converted(left, figures.base_currency, currency)
    if observed is None:
        return unknown(f"no fresh rate from {figures.base_currency} to {currency}")
    is_passed = observed >= held.value
    relation = "is at least" if is_passed else "is below"
    return Finding(
        is_passed=is_passed,
        observed=observed,
        message=f"margin left if all is filled {shown(observed, held.value)} {relation} {plain(held.value)}",
        inputs={"excess": figures.excess_liquidity, "added": added, "currency": currency},
    )


def concentration(held: HeldLimit, proposal: Proposal, facts: Facts) -> Finding:
    """position notional if all is filled / equity (or the sum of all positions) x 100 <= value"""
    figures = facts.account
    equity = _equity(figures)
    if figures is None or equity is None:
        return unknown(STALE)
    instrument, price = proposal.instrument, price_of(proposal)
    if price is None:
        return unknown(NO_PRICE)
    amount = worst_position(proposal) * price * instrument.multiplier
    position = facts.converted(amount, instrument.currency, figures.base_currency)
    if position is None:
        return unknown(f"no fresh rate from {instrument.currency} to {figures.base_currency}")
    whole, of = equity, "equity"
    if held.conditions.basis is ConcentrationBasis.GROSS:
        # Other positions only make the part smaller: what is not dealt yet is left out of them.
        if figures.gross_position_value is None:
            return unknown(STALE)
        whole, of = max(figures.gross_position_value, position), "gross"
    if whole <= 0:
        return at_most(held, ZERO, "part of the position", "%", position=position)
    inputs = {"position": position, of: whole}
    return at_most(held, position / whole * PERCENT, "part of the position", "%", **inputs)


def added_exposure(proposal: Proposal, facts: Facts, currency: str) -> Decimal | None:
    """What the open orders of the account and this one may add to its positions, in this currency; None unknown."""
    own, total = proposal.instrument.id, ZERO
    for instrument_id, line in facts.lines.items():
        if instrument_id != own:
            money = line.added()
            money = None if money is None else facts.converted(money, line.currency, currency)
            if money is None:
                return None
            total += money
    money = _own_line(proposal, facts.lines.get(own)).added(*_sides(proposal), price=price_of(proposal))
    money = None if money is None else facts.converted(money, proposal.instrument.currency, currency)
    return None if money is None else total + money


def with_order(lines: dict[InstrumentId, ExposureLine], proposal: Proposal) -> None:
    """Counts an order that was taken among the lines, for those that come behind it in the same batch."""
    own = proposal.instrument.id
    line, price = _own_line(proposal, lines.get(own)), price_of(proposal)
    buys, sells = _sides(proposal)
    lines[own] = ExposureLine(
        currency=line.currency,
        multiplier=line.multiplier,
        position_quantity=line.position_quantity,
        open_buy_quantity=line.open_buy_quantity + buys,
        open_sell_quantity=line.open_sell_quantity + sells,
        buy_price=_worse(line.buy_price, price, was_open=line.open_buy_quantity > 0) if buys else line.buy_price,
        sell_price=_worse(line.sell_price, price, was_open=line.open_sell_quantity > 0) if sells else line.sell_price,
        dealt=line.dealt,
        dealt_price=line.dealt_price,
    )


def _worse(before: Decimal | None, price: Decimal | None, *, was_open: bool) -> Decimal | None:
    if not was_open:
        return price
    return None if before is None or price is None else max(before, price)


def _own_line(proposal: Proposal, line: ExposureLine | None) -> ExposureLine:
    exposure, price = proposal.exposure, price_of(proposal)
    buy_price, sell_price = (price, price) if line is None else (line.buy_price, line.sell_price)
    # What is open on the side may be this very order, with another price from now on.
    if line is not None and proposal.side is Side.BUY and exposure.open_buy_quantity > 0:
        buy_price = _worse(buy_price, price, was_open=True)
    if line is not None and proposal.side is Side.SELL and exposure.open_sell_quantity > 0:
        sell_price = _worse(sell_price, price, was_open=True)
    return ExposureLine(
        currency=proposal.instrument.currency,
        multiplier=proposal.instrument.multiplier,
        position_quantity=exposure.position_quantity,
        open_buy_quantity=exposure.open_buy_quantity,
        open_sell_quantity=exposure.open_sell_quantity,
        buy_price=buy_price,
        sell_price=sell_price,
        dealt=ZERO if line is None else line.dealt,
        dealt_price=None if line is None else line.dealt_price,
    )


def _sides(proposal: Proposal) -> tuple[Decimal, Decimal]:
    return (proposal.adds_quantity, ZERO) if proposal.side is Side.BUY else (ZERO, proposal.adds_quantity)


def _equity(figures: AccountFigures | None) -> Decimal | None:
    if figures is None or not figures.is_fresh or figures.equity is None or figures.equity <= 0:
        return None
    return figures.equity


def _money(held: HeldLimit, facts: Facts, amount: Decimal, what: str, **inputs: Any) -> Finding:
    assert facts.account is not None, "the figures were looked at before"
    base = facts.account.base_currency
    currency = held.limit.currency or base
    observed = facts.converted(amount, base, currency)
    if observed is None:
        return unknown(f"no fresh rate from {base} to {currency}")
    return at_most(held, observed, what, currency=currency, **inputs)
