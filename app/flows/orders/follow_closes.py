"""Closes that wait for the exits of their position go as these end, in the transaction that stores their end."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.core.fix import OrderState, Side
from app.core.ids import OrderId
from app.core.messages import AccountKey, LaneKind
from app.core.money import ZERO, plain
from app.core.records import replace
from app.flows.orders.booking import Booking
from app.infra.db import BatchSession
from app.orders.domain.closing import CLOSES, Closing, next_step
from app.orders.domain.journal import placement_details
from app.orders.domain.order import Order
from app.orders.domain.order_file import OrderFile
from app.orders.events import OrderEventType
from app.orders.repository import closes, order_requests
from app.orders.repository.lanes import LaneEntry
from app.risk.halts.domain import KILL_SWITCH_ACTOR


@dataclass(slots=True, kw_only=True)
class Closes:
    """The closes of one account that wait, as they were before a transaction changed the orders they wait for."""

    key: AccountKey
    before: list[Closing] = field(default_factory=list)

    @classmethod
    async def of(cls, session: BatchSession, key: AccountKey, close_ids: Collection[OrderId]) -> "Closes":
        """Those of the closes that still wait, with the orders that make way for them. The book is locked."""
        found = await closes.closes_with_covers(session, key.tenant_id, close_ids) if close_ids else {}
        files = {one.id: OrderFile(order=one) for members in found.values() for one in members}
        if files:
            for request in await order_requests.open_requests(session, key.tenant_id, files):
                files[request.order_id] = files[request.order_id].with_request(request)
        return cls(
            key=key,
            before=[
                Closing(
                    close=files[close_id].order,
                    covers=tuple(files[one.id] for one in members if one.id != close_id),
                )
                for close_id, members in found.items()
            ],
        )

    async def settle(
        self,
        session: BatchSession,
        changed: Mapping[OrderId, OrderFile],
        booking: Booking,
        told: Mapping[OrderId, Decimal] | None = None,
    ) -> None:
        """Books what follows for each close from what became of the orders that changed.

        told is what the broker said that orders have filled.
        """
        for before in self.before:
            after = before
            if any(file.order.id in changed for file in before.covers):
                covers = tuple(_newest(changed.get(file.order.id, file), booking) for file in before.covers)
                after = replace(before, covers=covers)
            step = next_step(before, after, told or {}, self._room(before.close, booking))
            if step.stays:
                # By itself: what a booking writes in one round trip may not touch a row twice.
                await session.write([closes.make_way(self.key.tenant_id, step.stays, None)])
            if step.is_last:
                self._end(before.close, step.goes, booking)
                continue
            if step.goes > ZERO:
                self._send_part(before.close, step.goes, booking)
            self._resize(before.close, step.left - step.goes, booking)

    def _room(self, close: Order, booking: Booking) -> Decimal:
        position = booking.position(self.key, close.instrument_id)
        if not close.closes_position:
            return close.terms.quantity
        if close.side is Side.SELL:
            return position.quantity - position.open_sell_quantity
        return -position.quantity - position.open_buy_quantity

    def _end(self, close: Order, quantity: Decimal, booking: Booking) -> None:
        if quantity <= ZERO:
            booking.count_open(self.key, -1)
            over = replace(close, state=OrderState.CANCELED)
            self._book(OrderEventType.ORDER_CANCELED, close, over, booking, reason="nothing is left to close")
            return
        gone = _sized(replace(close, state=OrderState.ROUTED), quantity)
        booking.reserve(self.key, close.instrument_id, close.side, quantity)
        booking.lane.append(LaneEntry(key=self.key, kind=LaneKind.PLACE, order_id=close.id))
        self._book(OrderEventType.ORDER_ROUTED, close, gone, booking)

    def _send_part(self, close: Order, quantity: Decimal, booking: Booking) -> None:
        order_id = OrderId(booking.ids.new())
        part = replace(
            _sized(close, quantity),
            id=order_id,
            # Made of its own id, which nobody can have taken.
            client_order_id=f"{order_id}/close",
            # The kill switch's own stays its own: nothing else leaves while trading is halted.
            placed_by=close.placed_by if close.placed_by == KILL_SWITCH_ACTOR else CLOSES,
            state=OrderState.ROUTED,
            close_id=None,
            created_at=booking.now,
            updated_at=booking.now,
        )
        booking.put_new(part)
        booking.count_open(self.key, 1)
        booking.reserve(self.key, part.instrument_id, part.side, quantity)
        booking.lane.append(LaneEntry(key=self.key, kind=LaneKind.PLACE, order_id=part.id))
        details = {**placement_details(part), "partOf": str(close.id)}
        event = booking.followed(OrderEventType.ORDER_PLACED, part, OrderState.NEW, by=CLOSES, details=details)
        booking.log(self.key, [event])

    def _resize(self, close: Order, quantity: Decimal, booking: Booking) -> None:
        if quantity != close.terms.quantity:
            self._book(OrderEventType.ORDER_RESIZED, close, _sized(close, quantity), booking)

    def _book(
        self, event_type: OrderEventType, before: Order, after: Order, booking: Booking, *, reason: str | None = None
    ) -> None:
        booking.put_order(after)
        details: dict[str, Any] = {}
        if before.terms.quantity != after.terms.quantity:
            details["orderQuantity"] = plain(after.terms.quantity)
        event = booking.followed(event_type, after, before.state, by=CLOSES, details=details, reason=reason)
        booking.log(self.key, [event])


def _newest(file: OrderFile, booking: Booking) -> OrderFile:
    return replace(file, order=booking.changed_orders.get(file.order.id, file.order))


def _sized(order: Order, quantity: Decimal) -> Order:
    return replace(order, terms=replace(order.terms, quantity=quantity))
