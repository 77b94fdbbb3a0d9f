"""An order that waits for the resting orders that were canceled in its favour: whether its way is free."""

from collections.abc import Iterable
from enum import StrEnum

from app.orders.domain.order_file import OrderFile


class Way(StrEnum):
    """What the orders that one waits for leave it: FREE once all have ended, BARRED when one is to stay."""

    FREE = "FREE"
    TAKEN = "TAKEN"
    BARRED = "BARRED"


def way_past(awaited: Iterable[OrderFile]) -> Way:
    """What is to become of an order that waits for these.

    How they end makes no difference: what was canceled, filled or refused rests no more. One whose cancel was refused
    works on, and nobody asks again.
    """
    standing = [file for file in awaited if not file.order.state.is_terminal]
    if any(file.cancel is None for file in standing):
        return Way.BARRED
    return Way.TAKEN if standing else Way.FREE
