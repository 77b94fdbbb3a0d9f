"""An account's orders, reservations and positions as its event log alone tells them, event by event."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.core.fix import OrderState

ZERO = Decimal(0)
LINKS = "links"
_PLACED = frozenset({"OrderPlaced", "OrderHeld", "OrderRejected", "OrderImported"})
_EXECUTED = frozenset({"ExecutionBooked", "ExecutionCorrected", "ExecutionBusted"})
_EXITS = frozenset({"TAKE_PROFIT", "STOP_LOSS"})


@dataclass(slots=True, kw_only=True)
class ReplayedOrder:
    """An order as its events tell it; family is the name that it shares with those it hangs with."""

    instrument_id: str
    sign: int
    quantity: Decimal
    state: OrderState
    actor: str | None = None
    role: str | None = None
    family: str | None = None
    group: str | None = None
    group_quantity: Decimal | None = None
    asked: dict[str, Decimal] = field(default_factory=dict)
    cancels: set[str] = field(default_factory=set)
    filled: Decimal = ZERO
    version: int = 1

    @property
    def may_deal(self) -> Decimal:
        """What it may still add to its side: the worse of its live and its pending terms."""
        if self.state.is_terminal or (self.role in _EXITS and self.state is OrderState.HELD):
            return ZERO
        return max(max(self.quantity, *self.asked.values(), ZERO) - self.filled, ZERO)

    @property
    def is_open(self) -> bool:
        """Whether it may still deal at all."""
        return not self.state.is_terminal


@dataclass(slots=True, kw_only=True)
class ReplayedFamily:
    """An entry and its exits, or the legs of a pair, which have no entry."""

    entry: ReplayedOrder | None = None
    members: list[ReplayedOrder] = field(default_factory=list)

    @property
    def dealt(self) -> Decimal:
        """What the exits or legs have dealt together."""
        return sum((one.filled for one in self.members), ZERO)

    @property
    def whole(self) -> Decimal:
        """What they may deal together: what the entry has, or what the pair was asked for."""
        if self.entry is not None:
            return self.entry.filled
        return self.members[0].group_quantity or ZERO if self.members else ZERO

    @property
    def left(self) -> Decimal:
        """What they have yet to deal together."""
        return max(self.whole - self.dealt, ZERO)

    def reserved(self) -> dict[int, Decimal]:
        """What the members reserve on each side: one group once, by the worst of it, and never less than is left."""
        worst: dict[tuple[str | None, int], Decimal] = {}
        for one in self.members:
            waits = one.role in _EXITS and one.state is OrderState.HELD
            if not one.is_open or waits:
                continue
            amount = one.may_deal if one.cancels else max(one.may_deal, self.left)
            place = (one.group, one.sign)
            worst[place] = max(worst.get(place, ZERO), amount)
        sides = {1: ZERO, -1: ZERO}
        for (_, sign), amount in worst.items():
            sides[sign] += amount
        return sides


@dataclass(slots=True)
class Replay:
    """An account while its log is read."""

    orders: dict[str, ReplayedOrder] = field(default_factory=dict)
    families: dict[str, ReplayedFamily] = field(default_factory=dict)
    positions: dict[str, Decimal] = field(default_factory=dict)
    reserved: dict[tuple[str, int], Decimal] = field(default_factory=dict)
    spare: dict[tuple[str, int], Decimal] = field(default_factory=dict)
    """What of it the groups cannot deal, since less is left of them together."""
    open_orders: int = 0
    open_by_the_house: int = 0
    """Open orders that nobody asked for: exits that took the place of others, for which no limit is asked."""

    def apply(self, event: Mapping[str, Any]) -> str | None:
        """Read the next event; the instrument that it concerned, None for an order that the log never placed."""
        order_id, kind, details = str(event["order_id"]), event["type"], event["details"]
        order = self.orders.get(order_id)
        if order is None:
            if kind not in _PLACED:
                return None
            order = _placed(order_id, event)
        family = self._family(order)
        is_new = order_id not in self.orders
        before, was_open = _reserved_with(order, family, is_counted=not is_new), not is_new and order.is_open
        spare_before = _spare(family)
        if is_new:
            self.orders[order_id] = order
            if family is not None and order.role == "ENTRY":
                family.entry = order
            elif family is not None:
                family.members.append(order)
        else:
            order.state = OrderState(event["to_state"])
            self._read(order, kind, details)
        after, spare = _reserved_with(order, family, is_counted=True), _spare(family)
        for sign in (1, -1):
            place = (order.instrument_id, sign)
            self.reserved[place] = self.reserved.get(place, ZERO) + after[sign] - before[sign]
            self.spare[place] = self.spare.get(place, ZERO) + spare[sign] - spare_before[sign]
        self.open_orders += order.is_open - was_open
        self.open_by_the_house += (order.is_open - was_open) * (order.actor == LINKS)
        return order.instrument_id

    def worst(self, instrument_id: str) -> Decimal:
        """The largest position, sign aside, that the open orders of one side may lead to.

        The broker lets a group deal what is left together, and no more.
        """
        held = self.positions.get(instrument_id, ZERO)
        buys, sells = (instrument_id, 1), (instrument_id, -1)
        bought = held + self.reserved.get(buys, ZERO) - self.spare.get(buys, ZERO)
        sold = held - self.reserved.get(sells, ZERO) + self.spare.get(sells, ZERO)
        return max(abs(held), bought, -sold)

    def _family(self, order: ReplayedOrder) -> ReplayedFamily | None:
        return None if order.family is None else self.families.setdefault(order.family, ReplayedFamily())

    def _read(self, order: ReplayedOrder, kind: str, details: Mapping[str, Any]) -> None:
        for told in details.get("resolved", ()):
            if told["outcome"] != "PENDING":
                order.asked.pop(told["requestId"], None)
                order.cancels.discard(told["requestId"])
        if kind == "ReplaceRequested":
            order.asked[details["requestId"]] = Decimal(details["quantity"])
        elif kind == "CancelRequested":
            order.cancels.add(details["requestId"])
        elif kind == "OrderReplaced":
            order.quantity, order.version = Decimal(details["quantity"]), int(details["version"])
        if "orderQuantity" in details:
            order.quantity = Decimal(details["orderQuantity"])
        if kind in _EXECUTED:
            filled = Decimal(details["filledQuantity"])
            held = self.positions.get(order.instrument_id, ZERO)
            self.positions[order.instrument_id] = held + order.sign * (filled - order.filled)
            order.filled = filled


def _reserved_with(order: ReplayedOrder, family: ReplayedFamily | None, *, is_counted: bool) -> dict[int, Decimal]:
    reserved = {1: ZERO, -1: ZERO} if family is None else family.reserved()
    if is_counted and order.role in (None, "ENTRY"):
        reserved[order.sign] += order.may_deal
    return reserved


def _spare(family: ReplayedFamily | None) -> dict[int, Decimal]:
    if family is None:
        return {1: ZERO, -1: ZERO}
    return {sign: max(amount - family.left, ZERO) for sign, amount in family.reserved().items()}


def _placed(order_id: str, event: Mapping[str, Any]) -> ReplayedOrder:
    details, role = event["details"], event["details"].get("linkRole")
    group_quantity = details.get("groupQuantity")
    return ReplayedOrder(
        instrument_id=details["instrumentId"],
        sign=1 if details["side"] == "BUY" else -1,
        quantity=Decimal(details["quantity"]),
        state=OrderState(event["to_state"]),
        actor=event.get("actor"),
        role=role,
        family={"ENTRY": order_id, "OCO": details.get("ocaGroup"), None: None}.get(role, details.get("parentId")),
        group=details.get("ocaGroup"),
        group_quantity=None if group_quantity is None else Decimal(group_quantity),
    )
