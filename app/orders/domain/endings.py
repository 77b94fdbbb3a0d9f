"""How an order ends by the broker's word: canceled, expired, or refused."""

from decimal import Decimal

from app.core.fix import OrderState, RejectOrigin, RequestOutcome, TimeInForce
from app.core.money import ZERO
from app.orders.domain.draft import Draft
from app.orders.domain.told_terms import to_second
from app.orders.events import OrderEventType


def end(draft: Draft) -> None:
    """The order is over: canceled, or expired where its time in force had ended."""
    # A cancel that never left cannot be why the order ended.
    was_asked = draft.file.cancel is not None and draft.file.cancel.sent_at is not None
    is_expired = not was_asked and _life_is_over(draft)
    draft.resolve_cancel(RequestOutcome.TOO_LATE if is_expired else RequestOutcome.ACCEPTED)
    draft.resolve_replace(RequestOutcome.TOO_LATE)
    if is_expired:
        draft.move(OrderEventType.ORDER_EXPIRED, OrderState.EXPIRED)
    else:
        draft.move(OrderEventType.ORDER_CANCELED, OrderState.CANCELED)


def _life_is_over(draft: Draft) -> bool:
    before, terms = draft.before, draft.order.terms
    match terms.time_in_force:
        case TimeInForce.IOC | TimeInForce.FOK:
            return True
        case TimeInForce.OPG:
            # One that never rested did not come to an opening.
            return before.state is not OrderState.ROUTED
        case TimeInForce.DAY:
            # What happened to an order in doubt does not prove that it lived then.
            alive_at = before.created_at if before.in_doubt else before.updated_at
            is_extended = before.outside_regular_hours
            return draft.day is not None and draft.day.is_over(alive_at=alive_at, at=draft.at, is_extended=is_extended)
        case _:
            return terms.expires_at is not None and draft.at >= to_second(terms.expires_at)


def end_as_told(draft: Draft, filled: Decimal) -> None:
    """Ends an order in doubt of which the broker has dealt exactly what the ledger holds, and that works no longer."""
    order = draft.order
    is_short = ZERO < order.filled_quantity < order.terms.quantity
    if order.in_doubt and is_short and filled == order.filled_quantity and draft.file.replace is None:
        draft.clear_doubt()
        end(draft)


def reject(draft: Draft, code: str, reason: str) -> None:
    """The broker refused the order."""
    draft.resolve_cancel(RequestOutcome.TOO_LATE)
    draft.resolve_replace(RequestOutcome.TOO_LATE)
    draft.move(
        OrderEventType.ORDER_REJECTED,
        OrderState.REJECTED,
        reason=reason,
        details={"rejectOrigin": RejectOrigin.BROKER.value, "code": code},
        reject_origin=RejectOrigin.BROKER,
        reject_code=code,
        reject_reason=reason,
        in_doubt=False,
    )
