"""One-cancels-all groups: which orders share what is left to deal, and by how much one's deal lowers the others."""

from collections import defaultdict
from decimal import ROUND_CEILING, Decimal

from app.simulator.orders import OrderStatus, SimulatedOrder

CANCEL_ALL = 1
"""The type whose first deal, however small, cancels the others. 2 and 3 lower them in proportion; 2 is taken for 0."""

_Name = tuple[str, int, str]


class OcaGroups:
    """The working orders of every group, and the groups that are over. A group is its client's, in one account."""

    def __init__(self) -> None:
        self._members: defaultdict[_Name, dict[int, SimulatedOrder]] = defaultdict(dict)
        self._done: set[_Name] = set()

    def join(self, order: SimulatedOrder) -> None:
        """Count an order in, where it names a group."""
        if order.request.oca_group and not order.status.is_terminal:
            self._members[_name(order)][order.perm_id] = order
        self.leave(order)

    def leave(self, order: SimulatedOrder) -> None:
        """Count an order that is over out; one that was filled ends its group."""
        if not order.request.oca_group or not order.status.is_terminal:
            return
        name = _name(order)
        self._members[name].pop(order.perm_id, None)
        if order.status is OrderStatus.FILLED:
            self._done.add(name)
        if not self._members[name]:
            del self._members[name]

    def is_done(self, order: SimulatedOrder) -> bool:
        """True when the order's group is over, so that it may not work."""
        return bool(order.request.oca_group) and _name(order) in self._done

    def others(self, order: SimulatedOrder) -> list[SimulatedOrder]:
        """The other working orders of the order's group."""
        if not order.request.oca_group:
            return []
        members = self._members.get(_name(order), {})
        return [member for member in members.values() if member is not order]


def lowered_quantity(order: SimulatedOrder, dealt: SimulatedOrder, quantity: Decimal, lot_size: Decimal) -> Decimal:
    """The quantity that the order keeps after another of its group dealt; its own filled quantity when nothing is left.

    What remains shrinks in the proportion in which what remained of the other did, up to the next lot: together they
    never deal more than the larger of them had left.
    """
    before = dealt.remaining + quantity
    if not dealt.remaining or dealt.request.oca_type == CANCEL_ALL:
        return order.filled
    lots = (order.remaining * dealt.remaining / before / lot_size).to_integral_value(rounding=ROUND_CEILING)
    return order.filled + lots * lot_size


def _name(order: SimulatedOrder) -> _Name:
    return order.request.account, order.client_id, order.request.oca_group
