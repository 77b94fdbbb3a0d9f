"""What an order dealt, and where that puts it: fills, their corrections and busts."""

from datetime import datetime
from decimal import Decimal

from app.core.fix import OrderState, RequestOutcome
from app.core.ids import ExecutionKey
from app.core.messages import ExecutionReport, Fill
from app.core.money import ZERO
from app.core.records import replace
from app.orders.domain.draft import Draft
from app.orders.domain.journal import execution_details
from app.orders.domain.order import Execution
from app.orders.domain.told_terms import confirm_replace
from app.orders.events import OrderEventType

_ALL_BUSTED = "nothing of the order is filled any more"
_LOWERED = "the broker lowered what was filled; whether the rest works is not known"


def book(
    draft: Draft, revisions: tuple[Execution, ...], report: ExecutionReport, key: ExecutionKey, now: datetime
) -> None:
    """Books what was dealt, corrected or busted into the ledger and the order."""
    active = next((row for row in revisions if not row.is_superseded), None)
    is_stale = active is not None and active.revision > report.revision
    order = draft.order
    row = Execution(
        id=key,
        account_id=order.account_id,
        order_id=order.id,
        instrument_id=order.instrument_id,
        execution_id=report.execution_id,
        root=report.root,
        revision=report.revision,
        side=report.side,
        quantity=report.quantity,
        price=report.price,
        liquidity=report.liquidity,
        is_superseded=is_stale,
        executed_at=report.executed_at,
        recorded_at=now,
    )
    draft.executions.append(row)
    if is_stale:
        return
    if active is not None:
        draft.executions.append(replace(active, is_superseded=True))
        draft.is_restated = True
    else:
        draft.fills.append(
            Fill(
                instrument_id=order.instrument_id,
                signed_quantity=report.quantity * report.side.sign,
                price=report.price,
            )
        )
    _outgrow(draft, report.quantity - (active.quantity if active else ZERO))
    order = draft.order
    before_quantity = active.quantity if active else ZERO
    before_notional = active.quantity * active.price if active else ZERO
    filled = order.filled_quantity + report.quantity - before_quantity
    draft.put(
        replace(
            order,
            filled_quantity=filled,
            filled_notional=order.filled_notional + report.quantity * report.price - before_notional,
            overfilled_quantity=max(filled - order.terms.quantity, ZERO),
        )
    )
    _settle(draft, _execution_event(active, report), row)


def _outgrow(draft: Draft, dealt: Decimal) -> None:
    # More is dealt than the old terms allow, and no more than the modify asked for: the broker took the modify.
    request, filled = draft.file.replace, draft.order.filled_quantity + dealt
    if request is None or request.terms is None or request.sent_at is None or draft.order.state.is_terminal:
        return
    if draft.order.terms.quantity < filled <= request.terms.quantity:
        confirm_replace(draft, request.terms)


def _settle(draft: Draft, event_type: OrderEventType, row: Execution) -> None:
    details = execution_details(row, draft.order)
    order = draft.order
    if order.filled_quantity >= order.terms.quantity:
        draft.resolve_cancel(RequestOutcome.TOO_LATE)
        draft.resolve_replace(RequestOutcome.TOO_LATE)
        draft.move(event_type, OrderState.FILLED, details=details)
        return
    match order.state:
        case OrderState.ACCEPTED if order.filled_quantity > 0:
            draft.move(event_type, OrderState.PARTIALLY_FILLED, details=details)
        case OrderState.PARTIALLY_FILLED if order.filled_quantity == ZERO:
            # The broker restated the whole of it: by way of PENDING_REPLACE, as the table has it, it works anew.
            draft.move(event_type, OrderState.PENDING_REPLACE, details=details)
            draft.move(OrderEventType.ORDER_ACCEPTED, OrderState.ACCEPTED, reason=_ALL_BUSTED)
        case OrderState.FILLED if order.filled_quantity > 0:
            # Whether the rest works on is for a query to say.
            told = {**details, "inDoubt": True}
            draft.move(event_type, OrderState.PARTIALLY_FILLED, details=told, reason=_LOWERED, in_doubt=True)
        case OrderState.FILLED | OrderState.REJECTED:
            # A bust of all reopens nothing, and a fill proves that a rejected order lived and is over.
            draft.move(event_type, OrderState.CANCELED, details=details)
        case _:
            draft.move(event_type, order.state, details=details)


def _execution_event(active: Execution | None, report: ExecutionReport) -> OrderEventType:
    if report.quantity == Decimal(0):
        return OrderEventType.EXECUTION_BUSTED
    return OrderEventType.EXECUTION_BOOKED if active is None else OrderEventType.EXECUTION_CORRECTED
