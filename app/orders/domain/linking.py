"""Orders whose fills adjust each other: an entry with its exits, the two legs of an OCO, and what each must become."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

from app.core.fix import LinkRole, OrderState, OrderType, Side, TimeInForce
from app.core.ids import Ids, InstrumentId, OrderId
from app.core.messages import NewOrder, OrderTerms
from app.core.money import ZERO
from app.core.records import replace
from app.orders.domain.changing import is_unsent
from app.orders.domain.order import Order, reserved_quantity
from app.orders.domain.order_file import OrderFile

LINKS = "links"
"""The actor of what the house itself does to linked orders."""

_SUFFIXES = {LinkRole.TAKE_PROFIT: "/tp", LinkRole.STOP_LOSS: "/sl", LinkRole.OCO: "/oco"}
_CLIENT_ORDER_ID_LENGTH_MAX = 64
_DIGEST_LENGTH = 16
_WORKING = frozenset({OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED})


class AdjustmentKind(StrEnum):
    """What is to be done with a linked order.

    RELEASE: the exit takes its place in the lane. RESIZE: it has not left, so it just changes. REPLACE and CANCEL are
    asked of the broker. END: it ends here. RENEW: an exit that is over gets a successor.
    """

    RELEASE = "RELEASE"
    RESIZE = "RESIZE"
    REPLACE = "REPLACE"
    CANCEL = "CANCEL"
    END = "END"
    RENEW = "RENEW"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """One step: what becomes of the order, and the quantity (OrderQty, 38) that it is to have then."""

    kind: AdjustmentKind
    file: OrderFile
    quantity: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """An entry with all the exits that it ever had, or the legs of an OCO, whose entry is None. Oldest first."""

    entry: OrderFile | None
    members: tuple[OrderFile, ...]

    @property
    def quantity(self) -> Decimal:
        """What the members have yet to deal together: what the entry opened and no exit closed; never below zero."""
        dealt = sum((member.order.filled_quantity for member in self.members), ZERO)
        whole = self.entry.order.filled_quantity if self.entry else self.members[0].order.group_quantity or ZERO
        return max(whole - dealt, ZERO)

    @property
    def done_groups(self) -> frozenset[str | None]:
        """The groups that one of their orders completed: the broker lets no other of them work on."""
        return frozenset(member.order.oca_group for member in self.members if member.order.state is OrderState.FILLED)


def families_of(files: Iterable[OrderFile]) -> dict[str, Family]:
    """The families among these orders by a name of each; every order of a family must be there."""
    entries: dict[str, OrderFile] = {}
    members: dict[str, list[OrderFile]] = {}
    for file in sorted(files, key=lambda file: _place(file.order)):
        order = file.order
        if order.link_role is LinkRole.ENTRY:
            entries[str(order.id)] = file
        elif order.is_exit:
            members.setdefault(str(order.parent_id), []).append(file)
        elif order.link_role is LinkRole.OCO:
            members.setdefault(str(order.oca_group), []).append(file)
    return {name: Family(entry=entries.get(name), members=tuple(legs)) for name, legs in members.items()}


def in_family_order(orders: Iterable[Order]) -> list[Order]:
    """The orders of a family, the oldest first and the take profit before the stop loss."""
    return sorted(orders, key=_place)


def _place(order: Order) -> tuple[datetime, bool, bool, OrderId]:
    # Those that were made together have ids in no order.
    is_second = order.client_order_id.endswith(_SUFFIXES[LinkRole.OCO])
    return order.created_at, order.link_role is LinkRole.STOP_LOSS, is_second, order.id


def reserved_together(family: Family) -> dict[Side, Decimal]:
    """What the exits or legs may still add to each side of the position; the entry reserves for itself.

    The orders of one group on one side cannot all be needed: the broker lowers each by what another deals, so the
    worst of them counts, by its live or its pending terms. It is never less than what they are to deal next, even
    where the broker has not heard of that yet. Exits that wait for their entry add nothing: each of their units comes
    with a unit of the entry's.
    """
    worst: dict[tuple[str | None, Side], Decimal] = {}
    for member in family.members:
        order = member.order
        if order.state.is_terminal or (order.is_exit and order.state is OrderState.HELD):
            continue
        may_deal = reserved_quantity(order, member.pending_terms)
        if member.cancel is None:
            may_deal = max(may_deal, family.quantity)
        place = (order.oca_group, order.side)
        worst[place] = max(worst.get(place, ZERO), may_deal)
    sides: dict[Side, Decimal] = {}
    for (_, side), quantity in worst.items():
        sides[side] = sides.get(side, ZERO) + quantity
    return sides


def reserved_by_place(files: Iterable[OrderFile]) -> dict[tuple[InstrumentId, Side], Decimal]:
    """What orders may still add to each side of each position; of a family all orders must be there."""
    known = list(files)
    reserved: dict[tuple[InstrumentId, Side], Decimal] = {}
    for file in known:
        if not file.order.shares_reserve:
            place = (file.order.instrument_id, file.order.side)
            reserved[place] = reserved.get(place, ZERO) + reserved_quantity(file.order, file.pending_terms)
    for family in families_of(known).values():
        for side, quantity in reserved_together(family).items():
            place = (family.members[0].order.instrument_id, side)
            reserved[place] = reserved.get(place, ZERO) + quantity
    return reserved


def adjustments(before: Family | None, family: Family, withdrawn: frozenset[OrderId]) -> tuple[Adjustment, ...]:
    """What must follow from how the family stands now, and stood before; empty when all is as it should be.

    withdrawn are the exits that a client cancelled: they get no successor. An order that cannot be changed at this
    moment, because it is unacknowledged, in doubt or has a request open, is left until it can. What the broker just
    refused is not asked again at once.
    """
    return tuple(_adjustments(before, family, withdrawn))


def _adjustments(before: Family | None, family: Family, withdrawn: frozenset[OrderId]) -> Iterator[Adjustment]:
    earlier = {member.order.id: member for member in before.members} if before else {}
    for member in family.members:
        if not member.order.state.is_terminal and member.cancel is None:
            yield from _adjusted(family, member, earlier.get(member.order.id))
    if family.entry is not None and family.quantity > ZERO:
        has_grown = before is not None and family.quantity > before.quantity
        yield from _renewed(family, withdrawn, has_grown=has_grown)


def _adjusted(family: Family, member: OrderFile, earlier: OrderFile | None) -> Iterator[Adjustment]:
    order, quantity = member.order, family.quantity
    wanted = order.filled_quantity + quantity
    if order.state is OrderState.PENDING_APPROVAL:
        # A pair waits as one: it is canceled as one.
        if any(other.order.state.is_terminal for other in family.members):
            yield Adjustment(kind=AdjustmentKind.END, file=member)
        return
    if order.is_exit and order.state is OrderState.HELD:
        assert family.entry is not None, "an exit has an entry"
        if quantity > ZERO:
            yield Adjustment(kind=AdjustmentKind.RELEASE, file=member, quantity=quantity)
        elif family.entry.order.state.is_terminal:
            yield Adjustment(kind=AdjustmentKind.END, file=member)
    elif quantity == ZERO or order.oca_group in family.done_groups:
        if is_unsent(order):
            yield Adjustment(kind=AdjustmentKind.END, file=member)
        elif earlier is None or earlier.cancel is None:
            yield Adjustment(kind=AdjustmentKind.CANCEL, file=member)
    elif wanted == order.terms.quantity:
        return
    elif is_unsent(order):
        yield Adjustment(kind=AdjustmentKind.RESIZE, file=member, quantity=wanted)
    elif order.state in _WORKING and member.replace is None and not order.in_doubt and not _refused(member, earlier):
        yield Adjustment(kind=AdjustmentKind.REPLACE, file=member, quantity=wanted)


def _refused(member: OrderFile, earlier: OrderFile | None) -> bool:
    return earlier is not None and earlier.replace is not None and earlier.order.version == member.order.version


def _renewed(family: Family, withdrawn: frozenset[OrderId], *, has_grown: bool) -> Iterator[Adjustment]:
    latest = {member.order.link_role: member for member in family.members}
    for member in latest.values():
        order = member.order
        is_done = order.oca_group in family.done_groups
        is_over = is_done or order.state.is_terminal or member.cancel is not None
        is_wanted = order.id not in withdrawn and order.state is not OrderState.REJECTED and not _is_withdrawn(member)
        # An exit that the broker ended of itself is not forced upon it again before there is more to protect.
        if is_over and is_wanted and (is_done or has_grown):
            yield Adjustment(kind=AdjustmentKind.RENEW, file=member, quantity=family.quantity)


def _is_withdrawn(member: OrderFile) -> bool:
    return member.cancel is not None and member.cancel.requested_by != LINKS


def derived_client_order_id(client_order_id: str, role: LinkRole) -> str:
    """The client order id of a linked order: the client's own and a suffix, shortened by a digest where it is long."""
    suffix = _SUFFIXES[role]
    if len(client_order_id) + len(suffix) <= _CLIENT_ORDER_ID_LENGTH_MAX:
        return client_order_id + suffix
    digest = sha256(client_order_id.encode()).hexdigest()[:_DIGEST_LENGTH]
    kept = _CLIENT_ORDER_ID_LENGTH_MAX - len(suffix) - _DIGEST_LENGTH - 1
    return f"{client_order_id[:kept]}~{digest}{suffix}"


def linked_roles(new: NewOrder) -> tuple[LinkRole, ...]:
    """What orders come with this one."""
    if new.oco is not None:
        return (LinkRole.OCO,)
    prices = ((LinkRole.TAKE_PROFIT, new.take_profit), (LinkRole.STOP_LOSS, new.stop_loss))
    return tuple(role for role, price in prices if price is not None)


def linked_client_order_ids(new: NewOrder) -> tuple[str, ...]:
    """The client order ids of the orders that come with this one."""
    return tuple(derived_client_order_id(new.client_order_id, role) for role in linked_roles(new))


def link_first(order: Order, new: NewOrder) -> Order:
    """The order as the first of its family, where others come with it."""
    if new.oco is not None:
        return replace(order, link_role=LinkRole.OCO, oca_group=_group(order.id, 1), group_quantity=new.terms.quantity)
    return replace(order, link_role=LinkRole.ENTRY) if linked_roles(new) else order


def linked_orders(first: Order, new: NewOrder, ids: Ids) -> tuple[Order, ...]:
    """The orders that come with the first: exits that wait for its fills, or the other leg, which goes with it."""
    if new.oco is not None:
        leg = replace(
            first,
            id=OrderId(ids.new()),
            client_order_id=derived_client_order_id(first.client_order_id, LinkRole.OCO),
            side=new.oco.side,
            order_type=new.oco.order_type,
            terms=new.oco.terms,
        )
        return (leg,)
    return tuple(_exit_of(first, new, role, ids) for role in linked_roles(new))


def successor(template: Order, family: Family, quantity: Decimal, ids: Ids) -> Order:
    """The exit that takes the place of one that is over, on its way to the broker.

    Its client order id is made of its own id, which nobody can have taken.
    """
    assert family.entry is not None, "only exits are renewed"
    assert template.link_role is not None, "only exits are renewed"
    open_groups = [
        member.order.oca_group
        for member in family.members
        if not member.order.state.is_terminal
        and member.cancel is None
        and member.order.oca_group not in family.done_groups
    ]
    generation = len({member.order.oca_group for member in family.members}) + 1
    order_id = OrderId(ids.new())
    return replace(
        template,
        id=order_id,
        client_order_id=derived_client_order_id(str(order_id), template.link_role),
        terms=replace(template.terms, quantity=quantity),
        placed_by=LINKS,
        oca_group=open_groups[-1] if open_groups else _group(family.entry.order.id, generation),
        state=OrderState.ROUTED,
        filled_quantity=ZERO,
        filled_notional=ZERO,
        commission=ZERO,
        overfilled_quantity=ZERO,
        reject_origin=None,
        reject_code=None,
        reject_reason=None,
        in_doubt=False,
        version=1,
        broker_client_id=None,
        broker_order_id=None,
        permanent_id=None,
    )


def _exit_of(entry: Order, new: NewOrder, role: LinkRole, ids: Ids) -> Order:
    is_profit = role is LinkRole.TAKE_PROFIT
    return replace(
        entry,
        id=OrderId(ids.new()),
        client_order_id=derived_client_order_id(entry.client_order_id, role),
        side=entry.side.opposite,
        order_type=OrderType.LIMIT if is_profit else OrderType.STOP,
        # What protects a position must not end with the day of the order that opened it.
        terms=OrderTerms(
            quantity=entry.terms.quantity,
            limit_price=new.take_profit if is_profit else None,
            stop_price=None if is_profit else new.stop_loss,
            time_in_force=TimeInForce.GTC,
        ),
        post_only=False,
        parent_id=entry.id,
        link_role=role,
        oca_group=_group(entry.id, 1),
        is_staged=False,
        release_at=None,
        risk_checks=(),
        state=OrderState.HELD,
    )


def _group(order_id: OrderId, generation: int) -> str:
    return f"{order_id}/{generation}"
