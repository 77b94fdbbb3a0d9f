"""The terms that a broker tells: a modify that was done, and terms that nobody here asked for."""

from datetime import datetime

from app.core.fix import OrderOrigin, OrderState, RequestOutcome, TimeInForce
from app.core.messages import OrderTerms, StatusReport, WorkingStatus
from app.core.money import ZERO
from app.core.records import replace
from app.orders.domain.draft import Draft
from app.orders.domain.placing import terms_document
from app.orders.events import OrderEventType


def confirm_replace(draft: Draft, terms: OrderTerms | None) -> None:
    """Takes the open modify for done where the broker tells its terms."""
    wanted = draft.file.pending_terms
    if terms is None or wanted is None or not same_terms(terms, wanted):
        return
    draft.resolve_replace(RequestOutcome.ACCEPTED)
    _take_terms(draft, wanted)


def adopt(draft: Draft, terms: OrderTerms | None) -> None:
    """Takes terms that the broker holds and that nobody here asked for."""
    order = draft.order
    if terms is None or order.state.is_terminal or same_terms(terms, order.terms):
        return
    if order.origin is OrderOrigin.EXTERNAL and terms.quantity < order.filled_quantity:
        return
    if draft.file.replace is None:
        # The broker holds other terms than we do and nothing is asked of it: a modify that was written twice,
        # refused once and taken once, or one by hand.
        _take_terms(draft, _merged(order.terms, terms))
    elif order.oca_group is not None and order.filled_quantity < terms.quantity != order.terms.quantity:
        # Within its group the broker lowers an order by what another of the group deals.
        _take_terms(draft, replace(order.terms, quantity=terms.quantity))


def revive(draft: Draft, report: StatusReport) -> None:
    """A filled order that the broker works on holds larger terms there, and lives again."""
    # Filled on its old terms, while the broker took a larger quantity and deals on.
    terms = report.terms
    is_alive = draft.order.state is OrderState.FILLED and report.status is WorkingStatus.WORKING
    if is_alive and terms is not None and terms.quantity > draft.order.filled_quantity:
        _take_terms(draft, _merged(draft.order.terms, terms))


def _take_terms(draft: Draft, wanted: OrderTerms) -> None:
    order = draft.order
    is_done = order.filled_quantity >= wanted.quantity
    state = OrderState.FILLED if is_done else draft.working_state()
    if is_done:
        draft.clear_doubt()
        draft.resolve_cancel(RequestOutcome.TOO_LATE)
    draft.move(
        OrderEventType.ORDER_REPLACED,
        state,
        details={"version": order.version + 1, **terms_document(wanted)},
        terms=wanted,
        version=order.version + 1,
        overfilled_quantity=max(order.filled_quantity - wanted.quantity, ZERO),
    )


def same_terms(held: OrderTerms, wanted: OrderTerms) -> bool:
    """True when the broker holds what was asked for; what it does not tell is not compared."""
    return (
        held.quantity == wanted.quantity
        and held.limit_price == wanted.limit_price
        and held.stop_price == wanted.stop_price
        and held.trailing_amount == wanted.trailing_amount
        and held.time_in_force is wanted.time_in_force
        and (
            held.expires_at is None
            or wanted.expires_at is None
            or to_second(held.expires_at) == to_second(wanted.expires_at)
        )
    )


def to_second(moment: datetime) -> datetime:
    """The instant as the broker holds it: IB knows whole seconds."""
    return moment.replace(microsecond=0)


def _merged(ours: OrderTerms, told: OrderTerms) -> OrderTerms:
    return replace(
        ours,
        quantity=told.quantity,
        limit_price=told.limit_price,
        stop_price=told.stop_price,
        trailing_amount=told.trailing_amount,
        time_in_force=told.time_in_force,
        expires_at=(told.expires_at or ours.expires_at) if told.time_in_force is TimeInForce.GTD else None,
    )
