"""A close that waits for the orders that cover the position: how much of it may go, and when it is over."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from app.core.fix import OrderState, Side
from app.core.ids import OrderId
from app.core.money import ZERO
from app.core.records import replace
from app.orders.domain.linking import reserved_by_place
from app.orders.domain.order import Order, reserved_quantity
from app.orders.domain.order_file import OrderFile

CLOSES = "close"
"""The actor of what the house itself does to a close that waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A close that waits, with the orders that make way for it."""

    close: Order
    covers: tuple[OrderFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingStep:
    """What becomes of a close that waits.

    left is what of it has still to be dealt, goes what of that is sent now. It is over with this step when nothing
    makes way any more, and without being sent when nothing goes then. stays are the orders whose cancel was refused:
    they deal their part themselves.
    """

    left: Decimal
    goes: Decimal
    is_last: bool
    stays: frozenset[OrderId] = frozenset()


def covered_quantity(covers: Iterable[OrderFile]) -> Decimal:
    """What these orders may still deal: of those of one group the worst, for the broker lowers the others."""
    worst: dict[str, Decimal] = {}
    for file in covers:
        group = file.order.oca_group or str(file.order.id)
        worst[group] = max(worst.get(group, ZERO), reserved_quantity(file.order, file.pending_terms))
    return sum(worst.values(), ZERO)


def covering(files: Iterable[OrderFile], covers: frozenset[OrderId], side: Side) -> Decimal:
    """How much of what is reserved on the side these orders account for; of a family all orders must be there."""
    known = list(files)
    without = [_ended(file) if file.order.id in covers else file for file in known]
    return _reserved(known, side) - _reserved(without, side)


def next_step(before: Closing, after: Closing, told: Mapping[OrderId, Decimal], room: Decimal) -> ClosingStep:
    """What follows for the close from what became of the orders that make way for it.

    told is what the broker said that each has filled, whose executions may still be on their way; room is what the
    position has left for a close beyond what all other open orders may deal. What an order dealt instead, or may have
    dealt, is never sent again.
    """
    dealt = _filled(after.covers) - _filled(before.covers)
    untold = sum((_untold(file.order, told) for file in after.covers), ZERO)
    still_open = [file for file in after.covers if not file.order.state.is_terminal]
    staying = [file for file in still_open if file.cancel is None]
    waiting = [file for file in still_open if file.cancel is not None]
    left = max(after.close.terms.quantity - dealt - untold - covered_quantity(staying), ZERO)
    free = max(left - covered_quantity(waiting), ZERO)
    # A part that goes by itself is one open order more: it takes the place of one that ended.
    has_room = before is after or not waiting or _open(after.covers) < _open(before.covers)
    goes = min(free, max(room, ZERO)) if has_room else ZERO
    return ClosingStep(
        left=left,
        goes=goes,
        is_last=not waiting or left == goes,
        stays=frozenset(file.order.id for file in staying),
    )


def _open(covers: Iterable[OrderFile]) -> int:
    return sum(not file.order.state.is_terminal for file in covers)


def _filled(covers: Iterable[OrderFile]) -> Decimal:
    return sum((file.order.filled_quantity for file in covers), ZERO)


def _untold(order: Order, told: Mapping[OrderId, Decimal]) -> Decimal:
    return max(told.get(order.id, ZERO) - order.filled_quantity, ZERO) if order.state.is_terminal else ZERO


def _ended(file: OrderFile) -> OrderFile:
    return replace(file, order=replace(file.order, state=OrderState.CANCELED))


def _reserved(files: Iterable[OrderFile], side: Side) -> Decimal:
    return sum((quantity for (_, one), quantity in reserved_by_place(files).items() if one is side), ZERO)
