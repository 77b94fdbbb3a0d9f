"""How a position moves: average price, flips through zero, realized profit and loss in two currencies."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.core.ids import AccountId, InstrumentId, PositionId
from app.core.messages import Fill
from app.core.money import ZERO, rounded
from app.core.records import replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What an account holds of an instrument.

    quantity is signed, below zero for a short. average_price is per unit, zero when flat. realized_pnl is before
    commissions, in the instrument's currency; realized_pnl_base is the same in the account's base currency, each
    part at the rate of its booking. commission is the plain sum of what the broker told, commission_base in the
    account's base currency. unconverted_pnl and unconverted_commissions count the bookings for which no rate was
    known: while one is above zero, the figure in base currency is not complete. open quantities are what open orders
    may still add, per side. moved_until is the time of the newest execution or adjustment in it, by the outside's
    clock.
    """

    id: PositionId
    account_id: AccountId
    instrument_id: InstrumentId
    quantity: Decimal = ZERO
    average_price: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    realized_pnl_base: Decimal = ZERO
    unconverted_pnl: int = 0
    commission: Decimal = ZERO
    commission_base: Decimal = ZERO
    unconverted_commissions: int = 0
    open_buy_quantity: Decimal = ZERO
    open_sell_quantity: Decimal = ZERO
    moved_until: datetime | None = None
    updated_at: datetime

    def moved_at(self, at: datetime) -> "Position":
        """The position with its newest move not before the instant."""
        return replace(self, moved_until=at if self.moved_until is None else max(at, self.moved_until))


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


def in_base(amount: Decimal, rate: Decimal | None) -> Decimal | None:
    """The amount in the account's base currency; None without a rate, but nothing is nothing in any currency."""
    if amount == 0:
        return ZERO
    return None if rate is None else rounded(amount * rate)


def book_realized(position: Position, realized: Decimal, rate: Decimal | None) -> tuple[Position, Decimal | None]:
    """The position once what a move realized is booked in base currency at the rate, and that amount."""
    amount = in_base(realized, rate)
    if amount is None:
        return replace(position, unconverted_pnl=position.unconverted_pnl + 1), None
    return replace(position, realized_pnl_base=position.realized_pnl_base + amount), amount


def realized_in_base(position: Position) -> Decimal | None:
    """Realized profit or loss in base currency; None while a part of it has no rate."""
    return None if position.unconverted_pnl else position.realized_pnl_base


def commission_in_base(position: Position) -> Decimal | None:
    """Commissions in base currency; None while a part of them has no rate."""
    return None if position.unconverted_commissions else position.commission_base


def market_value(position: Position, price: Decimal, multiplier: Decimal) -> Decimal:
    """Signed value at a price, in the instrument's currency."""
    return rounded(position.quantity * price * multiplier)


def unrealized_pnl(position: Position, price: Decimal, multiplier: Decimal) -> Decimal:
    """Profit or loss, were the position closed at the price."""
    return rounded((price - position.average_price) * position.quantity * multiplier)
