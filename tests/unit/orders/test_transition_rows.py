"""The rows of the transition table, a test for each, driven by what brings the move about and never by setting a state.

Rows of a flow that needs the database are in tests/integration/flows/test_transition_rows.py.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from app.core.fix import OrderState, RejectOrigin, RequestOutcome, TimeInForce
from app.core.messages import FaultClass, WorkingStatus
from app.orders.domain.changing import cancel_asked, ended_unsent, is_unsent, replace_asked
from tests.unit.orders.values import (
    LATER,
    Desk,
    Report,
    cancel_request,
    desk,
    fault,
    fill,
    not_found,
    order,
    replace_request,
    status,
    terms,
)

_S = OrderState
WORKING = status(WorkingStatus.WORKING)
CANCELED = status(WorkingStatus.CANCELED)
REJECTION = fault(FaultClass.ORDER_REJECTED, 201)
IMMEDIATE = terms(time_in_force=TimeInForce.IOC)
WANTED = terms("200")


def routed(**changes: Any) -> Desk:
    """An order that was claimed and sent."""
    return desk(order(**changes))


def after(seen: Desk, *reports: Report) -> Desk:
    """The same desk after these reports."""
    for report in reports:
        seen.apply(report)
    return seen


def asked_to_cancel(seen: Desk, *, is_sent: bool = True) -> Desk:
    """A cancel was taken, and sent or not."""
    request = cancel_request() if is_sent else replace(cancel_request(), sent_at=None)
    seen.file = replace(seen.file, order=cancel_asked(seen.order, LATER), cancel=request)
    return seen


def asked_to_replace(seen: Desk, *, is_sent: bool = True) -> Desk:
    """A modify was taken, and sent or not."""
    request = replace_request(WANTED) if is_sent else replace(replace_request(WANTED), sent_at=None)
    seen.file = replace(seen.file, order=replace_asked(seen.order, LATER), replace=request)
    return seen


def accepted(**changes: Any) -> Desk:
    return after(routed(**changes), WORKING)


def partly_filled(**changes: Any) -> Desk:
    return after(accepted(**changes), fill("40"))


def moves(seen: Desk, move: Callable[[], object]) -> tuple[OrderState, OrderState]:
    """From where to where the move led; nothing of it was impossible."""
    before = seen.order.state
    move()
    assert seen.quarantined == []
    return before, seen.order.state


def told(seen: Desk, *reports: Report) -> tuple[OrderState, OrderState]:
    return moves(seen, lambda: after(seen, *reports))


def test_held_to_routed() -> None:
    held = order(_S.HELD, broker_client_id=None, broker_order_id=None)

    assert held.routed().state is _S.ROUTED


def test_held_to_canceled() -> None:
    held = order(_S.HELD, broker_client_id=None, broker_order_id=None)

    assert is_unsent(held)
    assert ended_unsent(held, LATER).state is _S.CANCELED


def test_routed_to_accepted() -> None:
    assert told(routed(), WORKING) == (_S.ROUTED, _S.ACCEPTED)


def test_routed_to_partially_filled() -> None:
    seen = routed()

    assert told(seen, fill("40")) == (_S.ROUTED, _S.PARTIALLY_FILLED)
    assert seen.event_types == ["OrderAccepted", "ExecutionBooked"]


def test_routed_to_filled() -> None:
    seen = routed()

    assert told(seen, fill("100")) == (_S.ROUTED, _S.FILLED)
    assert seen.event_types == ["OrderAccepted", "ExecutionBooked"]


def test_routed_to_rejected() -> None:
    assert told(routed(), REJECTION) == (_S.ROUTED, _S.REJECTED)
    assert told(routed(), not_found()) == (_S.ROUTED, _S.REJECTED)


def test_routed_to_canceled() -> None:
    assert told(routed(), CANCELED) == (_S.ROUTED, _S.CANCELED)
    on_its_way = order(broker_client_id=None, broker_order_id=None)
    assert ended_unsent(on_its_way, LATER).state is _S.CANCELED


def test_routed_to_expired() -> None:
    assert told(routed(terms=IMMEDIATE), CANCELED) == (_S.ROUTED, _S.EXPIRED)


def test_routed_to_pending_cancel() -> None:
    seen = routed()

    assert not is_unsent(seen.order)
    assert moves(seen, lambda: asked_to_cancel(seen)) == (_S.ROUTED, _S.PENDING_CANCEL)


def test_accepted_to_partially_filled() -> None:
    assert told(accepted(), fill("40")) == (_S.ACCEPTED, _S.PARTIALLY_FILLED)


def test_accepted_to_filled() -> None:
    assert told(accepted(), fill("100")) == (_S.ACCEPTED, _S.FILLED)


def test_accepted_to_pending_replace() -> None:
    seen = accepted()

    assert moves(seen, lambda: asked_to_replace(seen)) == (_S.ACCEPTED, _S.PENDING_REPLACE)


def test_accepted_to_pending_cancel() -> None:
    seen = accepted()

    assert moves(seen, lambda: asked_to_cancel(seen)) == (_S.ACCEPTED, _S.PENDING_CANCEL)


def test_accepted_to_canceled() -> None:
    assert told(accepted(), CANCELED) == (_S.ACCEPTED, _S.CANCELED)


def test_accepted_to_expired() -> None:
    dated = replace(terms(time_in_force=TimeInForce.GTD), expires_at=LATER)

    assert told(accepted(terms=IMMEDIATE), CANCELED) == (_S.ACCEPTED, _S.EXPIRED)
    assert told(accepted(terms=dated), CANCELED) == (_S.ACCEPTED, _S.EXPIRED)


def test_accepted_to_rejected() -> None:
    assert told(accepted(), REJECTION) == (_S.ACCEPTED, _S.REJECTED)


def test_partially_filled_to_filled() -> None:
    assert told(partly_filled(), fill("60", root="0002.01")) == (_S.PARTIALLY_FILLED, _S.FILLED)


def test_partially_filled_to_pending_replace() -> None:
    seen = partly_filled()

    assert moves(seen, lambda: asked_to_replace(seen)) == (_S.PARTIALLY_FILLED, _S.PENDING_REPLACE)


def test_partially_filled_to_pending_cancel() -> None:
    seen = partly_filled()

    assert moves(seen, lambda: asked_to_cancel(seen)) == (_S.PARTIALLY_FILLED, _S.PENDING_CANCEL)


def test_partially_filled_to_canceled() -> None:
    assert told(partly_filled(), CANCELED) == (_S.PARTIALLY_FILLED, _S.CANCELED)


def test_partially_filled_to_expired() -> None:
    assert told(partly_filled(terms=IMMEDIATE), CANCELED) == (_S.PARTIALLY_FILLED, _S.EXPIRED)


def test_pending_replace_to_accepted() -> None:
    confirmed, refused = asked_to_replace(accepted()), asked_to_replace(accepted())

    assert told(confirmed, status(WorkingStatus.WORKING, WANTED)) == (_S.PENDING_REPLACE, _S.ACCEPTED)
    assert (confirmed.order.terms, confirmed.order.version) == (WANTED, 2)
    assert told(refused, REJECTION) == (_S.PENDING_REPLACE, _S.ACCEPTED)
    assert (refused.order.terms, refused.order.version) == (terms(), 1)


def test_pending_replace_to_partially_filled() -> None:
    seen = asked_to_replace(partly_filled())

    assert told(seen, status(WorkingStatus.WORKING, WANTED)) == (_S.PENDING_REPLACE, _S.PARTIALLY_FILLED)


def test_pending_replace_to_pending_cancel() -> None:
    seen = asked_to_replace(accepted())

    assert moves(seen, lambda: asked_to_cancel(seen)) == (_S.PENDING_REPLACE, _S.PENDING_CANCEL)


def test_pending_replace_to_filled() -> None:
    seen = asked_to_replace(accepted())

    assert told(seen, fill("100")) == (_S.PENDING_REPLACE, _S.FILLED)
    assert [one.outcome for one in seen.requests] == [RequestOutcome.TOO_LATE]


def test_pending_replace_to_canceled() -> None:
    assert told(asked_to_replace(accepted()), CANCELED) == (_S.PENDING_REPLACE, _S.CANCELED)


def test_pending_replace_to_expired() -> None:
    assert told(asked_to_replace(accepted(terms=IMMEDIATE)), CANCELED) == (_S.PENDING_REPLACE, _S.EXPIRED)


def test_pending_replace_to_rejected() -> None:
    seen = asked_to_replace(accepted(), is_sent=False)

    assert told(seen, REJECTION) == (_S.PENDING_REPLACE, _S.REJECTED)


def test_pending_cancel_to_canceled() -> None:
    assert told(asked_to_cancel(accepted()), CANCELED) == (_S.PENDING_CANCEL, _S.CANCELED)
    assert told(asked_to_cancel(accepted()), fault(FaultClass.CANCEL_CONFIRMED, 202))[1] is _S.CANCELED


def test_pending_cancel_to_filled() -> None:
    seen = asked_to_cancel(accepted())

    assert told(seen, fill("100")) == (_S.PENDING_CANCEL, _S.FILLED)
    assert [one.outcome for one in seen.requests] == [RequestOutcome.TOO_LATE]


def test_pending_cancel_to_accepted() -> None:
    refusal = fault(FaultClass.CANCEL_REJECTED, 161)

    assert told(asked_to_cancel(accepted()), refusal) == (_S.PENDING_CANCEL, _S.ACCEPTED)


def test_pending_cancel_to_partially_filled() -> None:
    refusal = fault(FaultClass.CANCEL_REJECTED, 10148)

    assert told(asked_to_cancel(partly_filled()), refusal, WORKING) == (_S.PENDING_CANCEL, _S.PARTIALLY_FILLED)


def test_pending_cancel_to_expired() -> None:
    seen = asked_to_cancel(accepted(terms=IMMEDIATE), is_sent=False)

    assert told(seen, CANCELED) == (_S.PENDING_CANCEL, _S.EXPIRED)
    assert [one.outcome for one in seen.requests] == [RequestOutcome.TOO_LATE]


def test_pending_cancel_to_rejected() -> None:
    assert told(asked_to_cancel(routed()), REJECTION) == (_S.PENDING_CANCEL, _S.REJECTED)


def test_canceled_to_filled() -> None:
    assert told(after(accepted(), CANCELED), fill("100")) == (_S.CANCELED, _S.FILLED)


def test_expired_to_filled() -> None:
    assert told(after(routed(terms=IMMEDIATE), CANCELED), fill("100")) == (_S.EXPIRED, _S.FILLED)


def test_rejected_to_canceled() -> None:
    assert told(after(routed(), REJECTION), fill("40")) == (_S.REJECTED, _S.CANCELED)


def test_rejected_to_filled() -> None:
    seen = after(routed(), REJECTION)

    assert seen.order.reject_origin is RejectOrigin.BROKER
    assert told(seen, fill("100")) == (_S.REJECTED, _S.FILLED)


def test_filled_to_partially_filled_by_correction() -> None:
    seen = after(accepted(), fill("100"))

    assert told(seen, fill("90", revision=2)) == (_S.FILLED, _S.PARTIALLY_FILLED)
    assert seen.order.in_doubt


def test_filled_to_canceled_by_bust() -> None:
    seen = after(accepted(), fill("100"))

    assert told(seen, fill("0", "0", revision=2)) == (_S.FILLED, _S.CANCELED)
    assert seen.order.filled_quantity == Decimal(0)
