"""How a position moves: average price, flips through zero, realized profit and loss."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from app.core.ids import AccountId, InstrumentId, PositionId
from app.core.messages import Fill
from app.core.money import ZERO, rounded


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What an account holds of an instrument.

    quantity is signed, below zero for a short. average_price is per unit, zero when flat. realized_pnl is before
    commissions, in the instrument's currency. open quantities are what open orders may still add, per side.
    """

    id: PositionId
    account_id: AccountId
    instrument_id: InstrumentId
    quantity: Decimal = ZERO
    average_price: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    commission: Decimal = ZERO
    open_buy_quantity: Decimal = ZERO
    open_sell_quantity: Decimal = ZERO
    updated_at: datetime


def apply_fill(position: Position, fill: Fill, multiplier: Decimal) -> tuple[Position, Decimal]:
    """The position after a fill, and the profit or loss that it realized.

    Adding to a position moves its average price; reducing it realizes; a fill through zero does both, and what is
    left opens at the fill's price.
    """
    held, dealt = position.quantity, fill.signed_quantity
    quantity = held + dealt
    if held == 0 or (held > 0) == (dealt > 0):
        cost = held * position.average_price + dealt * fill.price
        average = rounded(cost / quantity) if quantity else ZERO
        return replace(position, quantity=quantity, average_price=average), ZERO
    closed = min(abs(held), abs(dealt))
    direction = 1 if held > 0 else -1
    realized = rounded((fill.price - position.average_price) * closed * direction * multiplier)
    if quantity == 0:
        average = ZERO
    elif (quantity > 0) == (held > 0):
        average = position.average_price
    else:
        average = fill.price
    moved = replace(position, quantity=quantity, average_price=average, realized_pnl=position.realized_pnl + realized)
    return moved, realized


def derive(position: Position, fills: Iterable[Fill], multiplier: Decimal) -> Position:
    """The position that all active fills, in the order of their dealing, amount to."""
    derived = replace(position, quantity=ZERO, average_price=ZERO, realized_pnl=ZERO)
    for fill in fills:
        derived, _ = apply_fill(derived, fill, multiplier)
    return derived


def market_value(position: Position, price: Decimal, multiplier: Decimal) -> Decimal:
    """Signed value at a price, in the instrument's currency."""
    return rounded(position.quantity * price * multiplier)


def unrealized_pnl(position: Position, price: Decimal, multiplier: Decimal) -> Decimal:
    """Profit or loss, were the position closed at the price."""
    return rounded((price - position.average_price) * position.quantity * multiplier)
