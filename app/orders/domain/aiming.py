"""What an order that aims at a position comes to: the side and the quantity that close or reverse it."""

from decimal import Decimal

from app.core.errors import Problem
from app.core.fix import PositionAim, Side
from app.core.messages import Aim
from app.core.money import ZERO, plain
from app.orders.domain.placing import problem
from app.orders.errors import OrderProblem


def closing_side(held: Decimal) -> Side:
    """The side that makes the signed position smaller."""
    return Side.SELL if held > ZERO else Side.BUY


def takes_all(aim: Aim, held: Decimal) -> bool:
    """True when the whole of the signed position is meant, so that working orders of the closing side make way."""
    return held != ZERO and (aim.quantity is None or aim.quantity == abs(held))


def aimed(aim: Aim, held: Decimal, open_buys: Decimal, open_sells: Decimal) -> tuple[Side, Decimal] | Problem:
    """The side and the quantity that make the signed position `held` what the aim says, or why there are none.

    What open orders of that side may still deal counts as done, unless they make way, so that a close never turns the
    position round, whichever of them fill.
    """
    side = closing_side(held)
    left = abs(held) - (open_sells if side is Side.SELL else open_buys) + aim.covered
    quantity = left if aim.kind is PositionAim.CLOSE else left + abs(held)
    if held == ZERO or quantity <= ZERO:
        return problem(OrderProblem.NOTHING_TO_CLOSE, "positionId")
    if aim.quantity is None:
        return side, quantity
    if aim.quantity > quantity:
        message = f"{plain(quantity)} is left to close"
        return problem(OrderProblem.CLOSE_TOO_LARGE, "quantity", message=message)
    return side, aim.quantity
