"""What the event log alone tells: an order with its requests and executions, folded from its events.

Every change of what is derived is told by some event, so that the fold gives what the tables hold. Left out are what
never changes and is not of the order's life (the hash of its terms, what the limits said), the send intent (the
names at the broker are told once an order leaves ROUTED; when a request was sent is not), and revisions that were
outdated when they came.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from app.core.allocation import allocation_from_document
from app.core.arrival import arrival_from_document
from app.core.fix import LinkRole, OrderOrigin, OrderState, OrderType, RejectOrigin, RequestKind, RequestOutcome, Side
from app.core.ids import ExecutionKey, InstrumentId, OrderId, RequestId, TenantId
from app.core.messages import OrderTerms
from app.core.money import ZERO, rounded
from app.core.records import replace
from app.orders.domain.journal import revision_of
from app.orders.domain.order import Execution, LoggedEvent, Order, OrderRequest
from app.orders.domain.order_file import OrderFile
from app.orders.domain.placing import terms_from_document
from app.orders.events import OrderEventType

OPENING = frozenset(
    {
        OrderEventType.ORDER_PLACED,
        OrderEventType.ORDER_HELD,
        OrderEventType.ORDER_APPROVAL_REQUESTED,
        OrderEventType.ORDER_REJECTED,
        OrderEventType.ORDER_IMPORTED,
    }
)
"""The events that an order's life may begin with; the first one has all that it was placed with."""

MALFORMED: Final = (LookupError, ValueError, TypeError, ArithmeticError, AttributeError)
"""What reading an event raises that does not tell what it should."""


@dataclass(slots=True, kw_only=True)
class OrderHistory:
    """An order while its events are read: with its open requests, all requests by id, all executions by ExecID."""

    file: OrderFile
    requests: dict[RequestId, OrderRequest] = field(default_factory=dict)
    executions: dict[str, Execution] = field(default_factory=dict)
    holding: dict[str, str] = field(default_factory=dict)
    """The ExecID that holds, by root."""

    @property
    def order(self) -> Order:
        """The order as it stands behind the events."""
        return self.file.order

    @property
    def active(self) -> list[Execution]:
        """The executions that hold."""
        return [self.executions[execution_id] for execution_id in self.holding.values()]

    def change(self, **changes: Any) -> None:
        """Changes the order."""
        self.file = replace(self.file, order=replace(self.order, **changes))


@dataclass(frozen=True, slots=True, kw_only=True)
class NotVerifiable:
    """Why an order cannot be replayed.

    is_old tells that it was placed before its events told all that a replay needs; otherwise the log is at fault.
    """

    order_id: OrderId
    reason: str
    is_old: bool


def replay_order(tenant_id: TenantId, events: Iterable[LoggedEvent]) -> OrderHistory | NotVerifiable | None:
    """The order that all its events, in their sequence, amount to; None without an event."""
    history: OrderHistory | None = None
    is_old = False
    for logged in events:
        try:
            if history is None:
                is_old = "origin" not in logged.event.details
                history = _opened(tenant_id, logged)
            else:
                read(history, logged)
        except MALFORMED as error:
            reason = f"{logged.event.type} at {logged.sequence}: {error!r}"
            return NotVerifiable(order_id=logged.event.order_id, reason=reason, is_old=is_old)
    return history


def read(history: OrderHistory, logged: LoggedEvent) -> None:
    """Takes the order behind its next event. Raises one of MALFORMED for an event that cannot be read."""
    event, details = logged.event, logged.event.details
    if event.from_state is not history.order.state:
        raise ValueError(f"comes from {event.from_state}, the order is {history.order.state}")
    _note(history, logged)
    match OrderEventType(event.type):
        case (
            OrderEventType.ORDER_PLACED
            | OrderEventType.ORDER_ROUTED
            | OrderEventType.ORDER_HELD
            | OrderEventType.ORDER_APPROVAL_REQUESTED
            | OrderEventType.ORDER_APPROVED
            | OrderEventType.ORDER_ACCEPTED
            | OrderEventType.ORDER_CONFIRMED
            | OrderEventType.ORDER_RESIZED
            | OrderEventType.ORDER_EXPIRED
            | OrderEventType.CANCEL_REFUSED
            | OrderEventType.REPLACE_REFUSED
            | OrderEventType.ORDER_ALLOCATED
        ):
            pass
        case OrderEventType.ORDER_IMPORTED:
            raise ValueError("an order is imported once")
        case OrderEventType.ORDER_CLAIMED:
            history.change(placed_by=event.actor, metadata=details["metadata"])
        case OrderEventType.ORDER_IN_DOUBT:
            history.change(in_doubt=True)
        case OrderEventType.ORDER_REJECTED:
            history.change(
                in_doubt=False,
                reject_origin=RejectOrigin(details["rejectOrigin"]),
                reject_code=details["code"],
                reject_reason=event.reason,
            )
        case OrderEventType.ORDER_CANCELED:
            # One that the broker could not know is over at once, and its cancel with it.
            if "requestId" in details:
                _ask(history, logged, RequestKind.CANCEL, None, is_done=True)
        case OrderEventType.CANCEL_REQUESTED:
            _ask(history, logged, RequestKind.CANCEL, None)
        case OrderEventType.REPLACE_REQUESTED:
            _ask(history, logged, RequestKind.REPLACE, terms_from_document(details))
        case OrderEventType.ORDER_REPLACED:
            history.change(terms=terms_from_document(details), version=int(details["version"]))
            _sum(history, ZERO, ZERO)
        case OrderEventType.EXECUTION_BOOKED | OrderEventType.EXECUTION_CORRECTED | OrderEventType.EXECUTION_BUSTED:
            _deal(history, logged)
        case OrderEventType.COMMISSION_BOOKED:
            _charge(history, details)


def execution_of(logged: LoggedEvent, instrument_id: InstrumentId, side: Side) -> Execution:
    """The row of the ledger that an execution's event tells of; the side is that of its order."""
    event, details = logged.event, logged.event.details
    told = (details["root"], int(details["revision"])) if "root" in details else revision_of(details["executionId"])
    if told is None:
        raise ValueError("has neither root nor revision")
    realized = Decimal(details["realizedPnl"]) if "realizedPnl" in details else None
    rate = Decimal(details["baseRate"]) if details.get("baseRate") is not None else None
    return Execution(
        id=ExecutionKey(UUID(details["executionKey"])),
        account_id=event.account_id,
        order_id=event.order_id,
        instrument_id=instrument_id,
        execution_id=details["executionId"],
        root=told[0],
        revision=told[1],
        side=Side(details["side"]) if "side" in details else side,
        quantity=Decimal(details["quantity"]),
        price=Decimal(details["price"]),
        liquidity=details.get("liquidity"),
        base_rate=rate,
        realized_pnl=realized,
        realized_pnl_base=None if realized is None or rate is None else rounded(realized * rate),
        executed_at=event.occurred_at,
        recorded_at=logged.recorded_at,
    )


def _opened(tenant_id: TenantId, logged: LoggedEvent) -> OrderHistory:
    event, details = logged.event, logged.event.details
    if OrderEventType(event.type) not in OPENING or event.from_state is not OrderState.NEW:
        raise ValueError("no order begins so")
    origin = details.get("rejectOrigin")
    return OrderHistory(
        file=OrderFile(
            order=Order(
                id=event.order_id,
                tenant_id=tenant_id,
                account_id=event.account_id,
                instrument_id=InstrumentId(UUID(details["instrumentId"])),
                client_order_id=details["clientOrderId"],
                terms_hash=b"",
                side=Side(details["side"]),
                order_type=OrderType(details["orderType"]),
                terms=terms_from_document(details),
                post_only=details.get("postOnly", False),
                outside_regular_hours=details.get("outsideRegularHours", False),
                origin=OrderOrigin(details["origin"]),
                metadata=details.get("metadata", {}),
                placed_by=event.actor,
                parent_id=OrderId(UUID(details["parentId"])) if details.get("parentId") else None,
                link_role=LinkRole(details["linkRole"]) if "linkRole" in details else None,
                oca_group=details.get("ocaGroup"),
                group_quantity=Decimal(details["groupQuantity"]) if details.get("groupQuantity") else None,
                closes_position=details.get("closesPosition", False),
                is_staged=details.get("staged", False),
                release_at=datetime.fromisoformat(details["releaseAt"]) if details.get("releaseAt") else None,
                close_id=OrderId(UUID(details["closeId"])) if "closeId" in details else None,
                waits_for=tuple(OrderId(UUID(one)) for one in details.get("waitsFor", ())),
                allocation=allocation_from_document(details["allocation"]) if "allocation" in details else None,
                block_id=OrderId(UUID(details["blockId"])) if "blockId" in details else None,
                arrival=arrival_from_document(details["arrival"]) if "arrival" in details else None,
                state=event.to_state,
                reject_origin=None if origin is None else RejectOrigin(origin),
                reject_code=details.get("code"),
                reject_reason=event.reason if origin is not None else None,
                broker_client_id=details.get("brokerClientId"),
                broker_order_id=details.get("brokerOrderId"),
                permanent_id=details.get("permanentId"),
                created_at=logged.recorded_at,
                updated_at=logged.recorded_at,
            )
        )
    )


def _note(history: OrderHistory, logged: LoggedEvent) -> None:
    # What any event may tell besides its own: what was learned, and what became of requests.
    event, details = logged.event, logged.event.details
    order = history.order
    history.change(state=event.to_state, updated_at=logged.recorded_at)
    if "orderQuantity" in details:
        history.change(terms=replace(order.terms, quantity=Decimal(details["orderQuantity"])))
    if "staged" in details:
        history.change(is_staged=bool(details["staged"]))
    if "inDoubt" in details:
        history.change(in_doubt=bool(details["inDoubt"]))
    if "permanentId" in details:
        history.change(permanent_id=int(details["permanentId"]))
    if "brokerOrderId" in details:
        history.change(broker_client_id=details.get("brokerClientId"), broker_order_id=int(details["brokerOrderId"]))
    for told in details.get("resolved", ()):
        request = history.requests[RequestId(UUID(told["requestId"]))]
        outcome = RequestOutcome(told["outcome"])
        # A cancel that is refused and for a query to decide has its reason, and stays open.
        is_open = outcome is RequestOutcome.PENDING
        history.requests[request.id] = replace(
            request,
            outcome=outcome,
            reason=told.get("reason", request.reason),
            resolved_at=None if is_open else event.occurred_at,
        )
        if is_open:
            history.file = history.file.with_request(history.requests[request.id])
        elif request.kind is RequestKind.CANCEL:
            history.file = replace(history.file, cancel=None)
        else:
            history.file = replace(history.file, replace=None)


def _ask(
    history: OrderHistory, logged: LoggedEvent, kind: RequestKind, terms: OrderTerms | None, *, is_done: bool = False
) -> None:
    event = logged.event
    request = OrderRequest(
        id=RequestId(UUID(event.details["requestId"])),
        order_id=event.order_id,
        kind=kind,
        outcome=RequestOutcome.ACCEPTED if is_done else RequestOutcome.PENDING,
        terms=terms,
        reason=None,
        requested_by=event.actor,
        requested_at=event.occurred_at,
        resolved_at=event.occurred_at if is_done else None,
    )
    history.requests[request.id] = request
    if not is_done:
        history.file = history.file.with_request(request)


def _deal(history: OrderHistory, logged: LoggedEvent) -> None:
    row = execution_of(logged, history.order.instrument_id, history.order.side)
    quantity, notional = row.quantity, row.quantity * row.price
    known = history.holding.get(row.root)
    if known is not None:
        held = history.executions[known]
        history.executions[known] = replace(held, is_superseded=True)
        quantity, notional = quantity - held.quantity, notional - held.quantity * held.price
    history.executions[row.execution_id] = row
    history.holding[row.root] = row.execution_id
    _sum(history, quantity, notional)


def _charge(history: OrderHistory, details: Mapping[str, Any]) -> None:
    change = Decimal(details["commission"])
    history.change(commission=history.order.commission + change)
    row = history.executions.get(details["executionId"])
    if row is not None:
        history.executions[row.execution_id] = replace(
            row,
            commission=Decimal(details["told"]) if "told" in details else (row.commission or ZERO) + change,
            commission_currency=details["currency"],
        )


def _sum(history: OrderHistory, quantity: Decimal, notional: Decimal) -> None:
    order = history.order
    filled = order.filled_quantity + quantity
    history.change(
        filled_quantity=filled,
        filled_notional=order.filled_notional + notional,
        overfilled_quantity=max(filled - order.terms.quantity, ZERO),
    )
