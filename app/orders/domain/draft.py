"""An order on its way from one report to what follows: the moves that the table allows, and the words for them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.core.fix import OrderState, RejectOrigin, RequestOutcome
from app.core.messages import Fill, OrderAddress
from app.core.records import replace
from app.core.sessions import TradingDay
from app.orders.domain.journal import broker_names, resolution
from app.orders.domain.order import Execution, Order, OrderEvent, OrderRequest
from app.orders.domain.order_file import Decision, OrderFile
from app.orders.domain.transitions import may_move
from app.orders.events import OrderEventType

BROKER = "broker"
_UNSENT = frozenset({OrderState.NEW, OrderState.PENDING_APPROVAL, OrderState.HELD})


@dataclass(slots=True)
class Draft:
    """The file as it changes, with what is to be stored and told so far; at is when the broker says it happened."""

    file: OrderFile
    at: datetime
    day: TradingDay | None = None
    events: list[OrderEvent] = field(default_factory=list)
    requests: list[OrderRequest] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    is_restated: bool = False
    quarantine: str | None = None
    untold: dict[str, Any] = field(default_factory=dict)
    before: Order = field(init=False)

    def __post_init__(self) -> None:
        self.before = self.file.order

    @property
    def order(self) -> Order:
        """The order as it stands now."""
        return self.file.order

    @property
    def never_left(self) -> bool:
        """True when the broker cannot know the order: it was not sent."""
        return self.order.reject_origin is RejectOrigin.OMS or self.order.state in _UNSENT

    def decision(self) -> Decision:
        """What follows, once all is said."""
        if self.untold:
            self.say(OrderEventType.ORDER_CONFIRMED, self.order.state)
        return Decision(
            file=self.file,
            events=tuple(self.events),
            requests=tuple(self.requests),
            executions=tuple(self.executions),
            fills=tuple(self.fills),
            is_restated=self.is_restated,
            quarantine=self.quarantine,
        )

    def quarantined(self, reason: str) -> Decision:
        """What follows from a report that fits nowhere: it is kept, and nothing moves."""
        self.quarantine = reason
        return self.decision()

    def learn(self, address: OrderAddress) -> None:
        """Takes the broker's own names for the order."""
        order = self.order
        if order.permanent_id is None and address.permanent_id:
            self.put(replace(order, permanent_id=address.permanent_id))
            self.untold["permanentId"] = address.permanent_id

    def put(self, order: Order) -> None:
        """Takes the order as it is to stand."""
        self.file = replace(self.file, order=order)

    def say(
        self,
        event_type: OrderEventType,
        before: OrderState | None,
        *,
        reason: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        """Tells what happened to the order, which was in the state `before`."""
        order = self.order
        told = {**(details or {}), **self.untold}
        self.untold = {}
        if before is OrderState.ROUTED and order.state is not before:
            told |= broker_names(order)
        self.events.append(
            OrderEvent(
                type=event_type.value,
                order_id=order.id,
                account_id=order.account_id,
                from_state=before,
                to_state=order.state,
                actor=BROKER,
                reason=reason,
                details=told,
                occurred_at=self.at,
            )
        )

    def move(
        self,
        event_type: OrderEventType,
        state: OrderState,
        *,
        reason: str | None = None,
        details: dict[str, Any] | None = None,
        **changes: Any,
    ) -> None:
        """Makes a move of the table and tells of it."""
        before = self.order.state
        if not may_move(before, state, self.order.reject_origin):
            self.quarantine = f"{before} does not become {state}"
            return
        self.put(replace(self.order, state=state, **changes))
        self.say(event_type, before, reason=reason, details=details)

    def clear_doubt(self) -> None:
        """The broker knows the order: whatever was in doubt is not any more."""
        if self.order.in_doubt:
            self.put(replace(self.order, in_doubt=False))
            self.untold["inDoubt"] = False

    def doubt(self, reason: str) -> None:
        """Marks the order as one whose fate is not known."""
        if self.order.state.is_terminal or self.order.in_doubt:
            return
        self.move(OrderEventType.ORDER_IN_DOUBT, self.order.state, reason=reason, in_doubt=True)

    def accept(self) -> None:
        """The broker has the order."""
        if self.order.state is OrderState.ROUTED:
            self.move(OrderEventType.ORDER_ACCEPTED, OrderState.ACCEPTED)

    def working_state(self) -> OrderState:
        """The state of a working order with what it has filled."""
        if self.file.cancel is not None:
            return OrderState.PENDING_CANCEL
        return OrderState.PARTIALLY_FILLED if self.order.filled_quantity > 0 else OrderState.ACCEPTED

    def resolve_cancel(self, outcome: RequestOutcome, reason: str | None = None) -> None:
        """Settles the open cancel."""
        if self.file.cancel is not None:
            self.resolve(self.file.cancel, outcome, reason)
            self.file = replace(self.file, cancel=None)

    def resolve_replace(self, outcome: RequestOutcome, reason: str | None = None) -> None:
        """Settles the open modify."""
        if self.file.replace is not None:
            self.resolve(self.file.replace, outcome, reason)
            self.file = replace(self.file, replace=None)

    def resolve(self, request: OrderRequest, outcome: RequestOutcome, reason: str | None) -> None:
        """Settles a request."""
        done = replace(request, outcome=outcome, reason=reason or request.reason, resolved_at=self.at)
        self.requests.append(done)
        self.untold.setdefault("resolved", []).append(resolution(done))
