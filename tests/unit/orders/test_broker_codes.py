"""What each of Interactive Brokers' codes does to an order, line by line and in each state that it may meet."""

import pytest

from app.brokers.ib.codes import CODES, EFFECTS
from app.core.fix import OrderState, RejectOrigin, RequestOutcome
from app.core.messages import FaultClass, FaultReport
from app.orders.domain.order_file import Decision, OrderFile
from app.orders.domain.reports import apply_fault
from tests.unit.orders.values import ADDRESS, LATER, order, pending_cancel, pending_replace, terms

DUPLICATE_ID = 103
NOT_CANCELLABLE = {136, 161}
LINES = [pytest.param(code, fault, id=str(code)) for code, (fault, _) in sorted(CODES.items())]
UNTOUCHED = {FaultClass.INFORMATION, FaultClass.CONNECTIVITY}


def told(file: OrderFile, code: int, fault: FaultClass) -> Decision:
    return apply_fault(
        file,
        FaultReport(address=ADDRESS, fault=fault, broker_code=code, message="words", occurred_at=LATER),
    )


@pytest.mark.parametrize(("code", "fault"), LINES)
def test_code_of_a_new_order(code: int, fault: FaultClass) -> None:
    after = told(OrderFile(order=order(OrderState.ROUTED)), code, fault).file.order

    match fault:
        case FaultClass.ORDER_REJECTED | FaultClass.REJECTED_BY_STATE:
            assert (after.state, after.reject_origin) == (OrderState.REJECTED, RejectOrigin.BROKER)
            assert after.reject_reason is not None
        case FaultClass.CANCEL_CONFIRMED:
            assert after.state is OrderState.CANCELED
        case FaultClass.REPLACE_REJECTED | FaultClass.CANCEL_REJECTED | FaultClass.UNKNOWN:
            # About something that was not asked: the broker knows more than we do.
            assert (after.state, after.in_doubt) == (OrderState.ROUTED, True)
        case _:
            assert (after.state, after.in_doubt) == (OrderState.ROUTED, False)


@pytest.mark.parametrize(("code", "fault"), LINES)
def test_code_of_an_order_that_works_in_part(code: int, fault: FaultClass) -> None:
    working = order(OrderState.PARTIALLY_FILLED, permanent_id=900, filled_quantity=terms("40").quantity)

    after = told(OrderFile(order=working), code, fault).file.order

    assert after.filled_quantity == working.filled_quantity
    match fault:
        case FaultClass.CANCEL_CONFIRMED:
            assert after.state is OrderState.CANCELED
        case FaultClass.INFORMATION | FaultClass.CONNECTIVITY:
            assert (after.state, after.in_doubt) == (OrderState.PARTIALLY_FILLED, False)
        case _:
            # No error alone ends what was dealt in part: the broker is asked.
            assert (after.state, after.in_doubt) == (OrderState.PARTIALLY_FILLED, code != DUPLICATE_ID)


@pytest.mark.parametrize(("code", "fault"), LINES)
def test_code_while_a_modify_is_outstanding(code: int, fault: FaultClass) -> None:
    file = pending_replace(terms("80"), permanent_id=900)

    decision = told(file, code, fault)

    outcomes = [request.outcome for request in decision.requests]
    match fault:
        case FaultClass.CANCEL_CONFIRMED:
            assert decision.file.order.state is OrderState.CANCELED
            assert outcomes == [RequestOutcome.TOO_LATE]
        case FaultClass.REPLACE_REJECTED | FaultClass.ORDER_REJECTED | FaultClass.REJECTED_BY_STATE if (
            code != DUPLICATE_ID
        ):
            assert decision.file.order.state is OrderState.ACCEPTED
            assert decision.file.order.terms == file.order.terms
            assert outcomes == [RequestOutcome.REJECTED]
        case _:
            assert (decision.file.order.state, outcomes) == (OrderState.PENDING_REPLACE, [])


@pytest.mark.parametrize(("code", "fault"), LINES)
def test_code_while_a_cancel_is_outstanding(code: int, fault: FaultClass) -> None:
    decision = told(pending_cancel(permanent_id=900), code, fault)

    outcomes = [request.outcome for request in decision.requests]
    match fault:
        case FaultClass.CANCEL_CONFIRMED:
            assert decision.file.order.state is OrderState.CANCELED
            assert outcomes == [RequestOutcome.ACCEPTED]
        case FaultClass.CANCEL_REJECTED if code in NOT_CANCELLABLE:
            assert decision.file.order.state is OrderState.ACCEPTED
            assert outcomes == [RequestOutcome.REJECTED]
        case FaultClass.CANCEL_REJECTED:
            # Never a guess: the request stays open with the broker's words until a query decides.
            assert decision.file.order.state is OrderState.PENDING_CANCEL
            assert outcomes == [RequestOutcome.PENDING]
        case _ if fault in UNTOUCHED:
            assert (decision.file.order.state, outcomes) == (OrderState.PENDING_CANCEL, [])
        case _:
            assert decision.file.order.state in {OrderState.PENDING_CANCEL, OrderState.REJECTED}


def test_every_class_has_its_effect_written_down() -> None:
    assert set(EFFECTS) == set(FaultClass)
