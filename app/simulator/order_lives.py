"""The lives of orders: how each is admitted, deals and ends, and what its client is told of it."""

from decimal import Decimal

from app.core.clock import Clock
from app.core.matching import EndReason, OrderFilled
from app.simulator.clearing import Clearing
from app.simulator.events import ExchangeEvents
from app.simulator.ledger import Ledger
from app.simulator.oca import OcaGroups
from app.simulator.orders import OrderRequest, OrderStatus, SimulatedOrder
from app.simulator.rules import ORDER_CANCELLED, ORDER_REJECTED, Refusal
from app.simulator.timetable import Timetable


class OrderLives:
    """Takes orders from one status to the next, in the ledger, their groups and the timetable alike."""

    def __init__(
        self,
        clock: Clock,
        timetable: Timetable,
        groups: OcaGroups,
        ledger: Ledger,
        clearing: Clearing,
        events: ExchangeEvents,
    ) -> None:
        self._clock = clock
        self._timetable = timetable
        self._groups = groups
        self._ledger = ledger
        self._clearing = clearing
        self._events = events

    def admit(self, client_id: int, request: OrderRequest, status: OrderStatus) -> SimulatedOrder:
        """A new order, recorded and not told of yet."""
        order = SimulatedOrder(
            perm_id=self._ledger.take_perm_id(),
            client_id=client_id,
            request=request,
            status=status,
            trail_stop=request.trail_stop_price,
            placed_at=self._clock.now(),
        )
        if not status.is_terminal:
            order.ends_at = self._timetable.end_of(request, order.placed_at)
        self._record(order)
        return order

    def restore(self, order: SimulatedOrder) -> None:
        """Take back an order that an earlier process kept."""
        if order.ends_at is None and not order.status.is_terminal:
            # Kept by a version that did not say so.
            order.ends_at = self._timetable.end_of(order.request, order.placed_at)
        self._record(order)
        if order.status.is_terminal:
            self._complete(order)

    def refuse_new(self, client_id: int, request: OrderRequest, refusal: Refusal) -> None:
        """Tell that an order is not taken; some refusals leave an inactive order behind."""
        self._events.order_refused(client_id, request.order_id, refusal)
        if not refusal.is_recorded:
            return
        order = self.admit(client_id, request, OrderStatus.INACTIVE)
        order.completed_status = refusal.message
        self._finish(order, OrderStatus.INACTIVE)
        self.tell(order, has_new_terms=True)

    def tell(self, order: SimulatedOrder, *, has_new_terms: bool = False) -> None:
        """The order changed: keep it and tell its client."""
        self._ledger.note_order(order)
        self._events.order_changed(order, has_new_terms=has_new_terms)

    def deal(self, order: SimulatedOrder, fill: OrderFilled) -> None:
        """Book what the order dealt; it is over when nothing remains."""
        request = order.request
        order.last_price = fill.price
        execution = self._clearing.deal(order, fill.quantity, fill.price, is_maker=fill.is_maker)
        if not order.remaining:
            self._finish(order, OrderStatus.FILLED)
            order.completed_status = f"Filled Size: {request.quantity}"
        elif order.status is OrderStatus.PRE_SUBMITTED:
            order.status = OrderStatus.SUBMITTED
        self.tell(order, has_new_terms=order.status is OrderStatus.FILLED)
        self._clearing.settle(execution)

    def deal_after_end(self, order: SimulatedOrder, quantity: Decimal, price: Decimal) -> None:
        """Let an order deal that is over: the deal was made before its end reached the exchange."""
        execution = self._clearing.deal(order, quantity, price, is_maker=True)
        if not order.remaining:
            order.status = OrderStatus.FILLED
            order.completed_status = f"Filled Size: {order.request.quantity}"
        self.tell(order)
        self._clearing.settle(execution)

    def end(self, order: SimulatedOrder, reason: EndReason) -> None:
        """The order ends, and what remains of it does not deal."""
        self._finish(order, OrderStatus.CANCELLED)
        order.completed_status = "Expired" if reason is EndReason.EXPIRED else "Cancelled"
        self.tell(order)
        message = "Order Canceled - reason:" + ("Expired" if reason is EndReason.EXPIRED else "")
        self._events.order_refused(
            order.client_id, order.request.order_id, Refusal(code=ORDER_CANCELLED, message=message)
        )
        self._events.cancelled(order)

    def reject(self, order: SimulatedOrder, message: str) -> None:
        """The order, working until now, ends as refused after all."""
        order.completed_status = message
        self._finish(order, OrderStatus.INACTIVE)
        refusal = Refusal(code=ORDER_REJECTED, message=message)
        self._events.order_refused(order.client_id, order.request.order_id, refusal)
        self.tell(order, has_new_terms=True)

    def _record(self, order: SimulatedOrder) -> None:
        self._ledger.record(order)
        self._groups.join(order)
        if not order.status.is_terminal:
            self._timetable.note(order)

    def _finish(self, order: SimulatedOrder, status: OrderStatus) -> None:
        order.status = status
        order.completed_at = self._clock.now()
        if order.request.fa_group and order.filled:
            self._clearing.allocate(order)
        self._complete(order)

    def _complete(self, order: SimulatedOrder) -> None:
        self._groups.leave(order)
        self._timetable.forget(order.perm_id)
        self._ledger.complete(order)
