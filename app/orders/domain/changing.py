"""What a client may still ask of an order: whether a cancel or a modify can be taken, and what it leads to."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.core.errors import Problem
from app.core.fix import OrderState, RequestOutcome, TimeInForce
from app.core.ids import OrderId
from app.core.messages import Instrument, OrderTerms
from app.core.records import replace
from app.orders.domain.order import Order, OrderRequest
from app.orders.domain.order_file import OrderFile
from app.orders.domain.placing import grid_problems, problem, terms_problems
from app.orders.domain.told_terms import same_terms
from app.orders.domain.transitions import may_move
from app.orders.errors import OrderProblem

_UNSENT = frozenset({OrderState.NEW, OrderState.PENDING_APPROVAL, OrderState.HELD})
_SWAPPED = frozenset({TimeInForce.DAY, TimeInForce.GTC})
_WORKING = frozenset({OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChange:
    """A modify as a client asks for it: None leaves a term as it is."""

    order_id: OrderId
    expected_version: int | None = None
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_amount: Decimal | None = None
    time_in_force: TimeInForce | None = None


def is_unsent(order: Order) -> bool:
    """True when the broker cannot know the order, so that a cancel ends it here and now."""
    return order.state in _UNSENT or is_on_its_way(order)


def is_on_its_way(order: Order) -> bool:
    """True when the order waits in the lane, from where the connector takes it at any moment."""
    return order.state is OrderState.ROUTED and not order.was_claimed


def cancel_problem(file: OrderFile) -> Problem | None:
    """Why a cancel cannot be taken; None when it can. A repeated cancel answers the open one and is no problem."""
    if file.order.state.is_terminal:
        return problem(OrderProblem.ORDER_NOT_OPEN, "orderId")
    if not file.order.is_managed:
        return problem(OrderProblem.ORDER_NOT_MANAGED, "orderId")
    return None


def ended_unsent(order: Order, now: datetime) -> Order:
    """The order after the cancel of one that the broker cannot know: it is over."""
    return _moved(order, OrderState.CANCELED, now)


def cancel_asked(order: Order, now: datetime) -> Order:
    """The order while its cancel is on the way to the broker."""
    return _moved(order, OrderState.PENDING_CANCEL, now)


def replace_asked(order: Order, now: datetime) -> Order:
    """The order while its modify is on the way to the broker: live on its old terms."""
    return _moved(order, OrderState.PENDING_REPLACE, now)


def superseded(request: OrderRequest, now: datetime) -> OrderRequest:
    """A modify that never left, because a cancel of its order was taken meanwhile.

    One that was written to the socket goes on: the broker answers both.
    """
    return replace(request, outcome=RequestOutcome.SUPERSEDED, resolved_at=now)


def replace_refused(order: Order, now: datetime) -> Order:
    """The order after a modify of it was refused: it works on, on the terms that it has."""
    return _moved(order, OrderState.PARTIALLY_FILLED if order.filled_quantity else OrderState.ACCEPTED, now)


def _moved(order: Order, state: OrderState, now: datetime) -> Order:
    assert may_move(order.state, state, order.reject_origin), f"{order.state} does not become {state}"
    return replace(order, state=state, updated_at=now)


def changed_terms(order: Order, change: OrderChange) -> OrderTerms:
    """The terms that the modify asks for."""
    terms = order.terms
    return replace(
        terms,
        quantity=terms.quantity if change.quantity is None else change.quantity,
        limit_price=terms.limit_price if change.limit_price is None else change.limit_price,
        stop_price=terms.stop_price if change.stop_price is None else change.stop_price,
        trailing_amount=terms.trailing_amount if change.trailing_amount is None else change.trailing_amount,
        time_in_force=terms.time_in_force if change.time_in_force is None else change.time_in_force,
    )


def replace_problems(file: OrderFile, change: OrderChange, terms: OrderTerms, instrument: Instrument) -> list[Problem]:
    """Why a modify cannot be taken; empty when it can."""
    order = file.order
    if order.state.is_terminal:
        return [problem(OrderProblem.ORDER_NOT_OPEN, "orderId")]
    if not order.is_managed:
        return [problem(OrderProblem.ORDER_NOT_MANAGED, "orderId")]
    if change.expected_version is not None and change.expected_version != order.version:
        message = f"the order is at version {order.version}"
        return [problem(OrderProblem.VERSION_CONFLICT, "expectedVersion", message=message)]
    if file.cancel is not None:
        return [problem(OrderProblem.CANCEL_PENDING, "orderId")]
    if file.replace is not None:
        return [problem(OrderProblem.REPLACE_PENDING, "orderId")]
    if order.state not in _WORKING or order.in_doubt:
        return [problem(OrderProblem.ORDER_NOT_WORKING, "orderId")]
    if order.shares_reserve and terms.quantity != order.terms.quantity:
        return [problem(OrderProblem.LINKED_QUANTITY, "quantity")]
    if order.allocation is not None and order.allocation.percentage is not None and change.quantity is not None:
        message = "the broker works the quantity out of what the accounts hold"
        return [problem(OrderProblem.ALLOCATION_UNSUITED, "quantity", message=message)]
    problems = []
    asked, held = change.time_in_force, order.terms.time_in_force
    is_swap = asked in _SWAPPED and held not in (TimeInForce.GTD, TimeInForce.OPG)
    if asked is not None and asked is not held and not is_swap:
        problems.append(problem(OrderProblem.TIME_IN_FORCE_UNSUPPORTED, "timeInForce"))
        terms = replace(terms, time_in_force=held)
    problems += [*terms_problems(order.order_type, terms), *grid_problems(terms, instrument)]
    if not problems and terms.quantity <= order.filled_quantity:
        problems.append(problem(OrderProblem.QUANTITY_BELOW_FILLED, "quantity"))
    if not problems and same_terms(terms, order.terms):
        problems.append(problem(OrderProblem.NOTHING_TO_CHANGE, "orderId"))
    return problems
