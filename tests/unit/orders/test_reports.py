"""What a broker's report does to an order, rule by rule."""

from dataclasses import replace
from decimal import Decimal

import pytest

from app.core.fix import OrderState, RejectOrigin, RequestKind, RequestOutcome, Side, TimeInForce
from app.core.messages import FaultClass, OrderAddress, OrderTerms, StatusReport, WorkingStatus
from app.core.money import ZERO
from app.orders.domain.order import reserved_quantity
from app.orders.domain.reports import same_terms
from tests.unit.orders.values import (
    LATER,
    Report,
    cancel_request,
    desk,
    fault,
    fill,
    not_found,
    order,
    pending_both,
    pending_cancel,
    pending_replace,
    replace_request,
    status,
    terms,
)

_S = OrderState
WORKING = status(WorkingStatus.WORKING)
CANCELED = status(WorkingStatus.CANCELED)
LIVE = [_S.ROUTED, _S.ACCEPTED, _S.PARTIALLY_FILLED]


class TestStatus:
    def test_an_acknowledgement_accepts(self) -> None:
        seen = desk(order(), WORKING)

        assert seen.order.state is _S.ACCEPTED
        assert seen.event_types == ["OrderAccepted"]

    def test_a_pending_word_moves_nothing(self) -> None:
        seen = desk(order(permanent_id=900), status(WorkingStatus.PENDING))

        assert seen.order.state is _S.ROUTED
        assert seen.event_types == []

    def test_what_no_other_event_carries_is_told_by_itself(self) -> None:
        seen = desk(order(), status(WorkingStatus.PENDING))

        assert seen.event_types == ["OrderConfirmed"]
        assert seen.order.state is _S.ROUTED

    def test_the_permanent_id_is_learnt_once(self) -> None:
        seen = desk(order(), WORKING)

        other = StatusReport(
            address=OrderAddress(permanent_id=901), status=WorkingStatus.WORKING, filled=ZERO, occurred_at=LATER
        )
        seen.apply(other)

        assert seen.order.permanent_id == 900

    def test_filled_without_executions_creates_no_quantity(self) -> None:
        seen = desk(order(), status(WorkingStatus.FILLED, filled="100"))

        assert seen.order.state is _S.ACCEPTED
        assert seen.order.filled_quantity == ZERO
        assert seen.ledger == {}

    @pytest.mark.parametrize("state", [*LIVE, _S.HELD])
    def test_canceled_ends_the_order_with_what_it_has(self, state: OrderState) -> None:
        seen = desk(order(state, filled_quantity=Decimal(40), filled_notional=Decimal(400)), CANCELED)

        assert seen.order.state is _S.CANCELED
        assert seen.order.filled_quantity == Decimal(40)
        assert seen.order.leaves_quantity == ZERO
        assert seen.event_types == ["OrderCanceled"]

    @pytest.mark.parametrize("time_in_force", [TimeInForce.IOC, TimeInForce.FOK])
    def test_an_immediate_order_that_ends_unasked_is_expired(self, time_in_force: TimeInForce) -> None:
        seen = desk(order(terms=terms(time_in_force=time_in_force)), CANCELED)

        assert seen.order.state is _S.EXPIRED
        assert seen.event_types == ["OrderExpired"]

    def test_an_immediate_order_that_was_asked_to_end_is_canceled(self) -> None:
        seen = desk(pending_cancel(terms=terms(time_in_force=TimeInForce.IOC)), CANCELED)

        assert seen.order.state is _S.CANCELED

    @pytest.mark.parametrize("state", [_S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REJECTED])
    @pytest.mark.parametrize("word", WorkingStatus)
    def test_no_word_moves_an_order_that_is_over(self, state: OrderState, word: WorkingStatus) -> None:
        origin = RejectOrigin.BROKER if state is _S.REJECTED else None

        seen = desk(order(state, reject_origin=origin, permanent_id=900), status(word))

        assert seen.order.state is state
        assert seen.event_types == []
        assert seen.quarantined == []

    @pytest.mark.parametrize("word", [WorkingStatus.WORKING, WorkingStatus.FILLED, WorkingStatus.CANCELED])
    def test_a_clear_word_ends_the_doubt(self, word: WorkingStatus) -> None:
        assert not desk(order(in_doubt=True), status(word)).order.in_doubt

    def test_a_pending_word_leaves_the_doubt(self) -> None:
        assert desk(order(in_doubt=True), status(WorkingStatus.PENDING)).order.in_doubt


class TestExecutions:
    def test_a_partial_fill(self) -> None:
        seen = desk(order(_S.ACCEPTED), fill("40", "9.5"))

        assert seen.order.state is _S.PARTIALLY_FILLED
        assert seen.order.filled_quantity == Decimal(40)
        assert seen.order.leaves_quantity == Decimal(60)
        assert seen.order.average_fill_price == Decimal("9.5")
        assert seen.event_types == ["ExecutionBooked"]

    def test_the_average_price_weighs_by_quantity(self) -> None:
        seen = desk(order(_S.ACCEPTED), fill("25", "10"), fill("75", "9", root="0002.01"))

        assert seen.order.state is _S.FILLED
        assert seen.order.average_fill_price == Decimal("9.25")

    def test_a_fill_before_its_acknowledgement_first_tells_the_acceptance(self) -> None:
        seen = desk(order(), fill("100"))

        assert seen.event_types == ["OrderAccepted", "ExecutionBooked"]
        assert seen.order.state is _S.FILLED

    def test_the_decision_tells_the_position_what_was_dealt(self) -> None:
        seen = desk(order(_S.ACCEPTED))

        decision = seen.apply(fill("40", "9.5"))

        [dealt] = decision.fills
        assert (dealt.signed_quantity, dealt.price) == (Decimal(40), Decimal("9.5"))
        assert not decision.is_restated

    def test_a_sell_takes_from_the_position(self) -> None:
        seen = desk(order(_S.ACCEPTED, side=Side.SELL))

        [dealt] = seen.apply(fill("40", side=Side.SELL)).fills

        assert dealt.signed_quantity == Decimal(-40)
        assert seen.order.filled_quantity == Decimal(40)

    def test_a_repeated_execution_changes_nothing(self) -> None:
        seen = desk(order(_S.ACCEPTED), fill("40"))
        before = seen.file

        decision = seen.apply(fill("40"))

        assert seen.file == before
        assert (decision.executions, decision.fills, decision.events) == ((), (), ())

    @pytest.mark.parametrize("state", [_S.CANCELED, _S.EXPIRED])
    def test_late_fill_after_cancel(self, state: OrderState) -> None:
        seen = desk(order(state), fill("40"))

        assert seen.order.state is state
        assert seen.order.filled_quantity == Decimal(40)
        assert seen.event_types == ["ExecutionBooked"]

    @pytest.mark.parametrize("state", [_S.CANCELED, _S.EXPIRED])
    def test_late_fill_after_cancel_that_completes(self, state: OrderState) -> None:
        seen = desk(order(state), fill("100"))

        assert seen.order.state is _S.FILLED

    @pytest.mark.parametrize(("quantity", "state"), [("40", _S.CANCELED), ("100", _S.FILLED)])
    def test_a_fill_proves_that_an_order_lived_which_the_broker_rejected(
        self, quantity: str, state: OrderState
    ) -> None:
        seen = desk(order(_S.REJECTED, reject_origin=RejectOrigin.BROKER), fill(quantity))

        assert seen.order.state is state
        assert seen.order.filled_quantity == Decimal(quantity)

    def test_an_execution_of_an_order_that_never_left_is_quarantined(self) -> None:
        refused = order(_S.REJECTED, reject_origin=RejectOrigin.OMS)

        seen = desk(refused, fill("40"))

        assert seen.order == refused
        assert seen.ledger == {}
        assert seen.quarantined == ["an execution of an order that never left"]

    def test_an_overfill_is_booked_and_told(self) -> None:
        seen = desk(order(_S.ACCEPTED), fill("100"), fill("30", root="0002.01"))

        assert seen.order.state is _S.FILLED
        assert seen.order.filled_quantity == Decimal(130)
        assert seen.order.overfilled_quantity == Decimal(30)
        assert len(seen.active) == 2

    def test_a_bust_takes_the_quantity_back(self) -> None:
        seen = desk(order(_S.ACCEPTED), fill("60"), fill("40", root="0002.01"), fill("0", "0", revision=2))

        assert seen.order.filled_quantity == Decimal(40)
        assert seen.order.state is _S.CANCELED
        assert seen.event_types[-1] == "ExecutionBusted"

    def test_a_bust_of_a_working_order_leaves_it_working(self) -> None:
        seen = desk(order(_S.ACCEPTED), fill("60"), fill("10", root="0002.01"), fill("0", "0", revision=2))

        assert seen.order.state is _S.PARTIALLY_FILLED
        assert seen.order.leaves_quantity == Decimal(90)

    def test_a_bust_of_everything_leaves_no_average_price(self) -> None:
        seen = desk(order(_S.ACCEPTED), fill("60", "9.87"), fill("0", "0", revision=2))

        assert seen.order.filled_quantity == ZERO
        assert seen.order.filled_notional == ZERO
        assert seen.order.average_fill_price is None

    def test_a_bust_of_an_overfill_leaves_the_order_filled(self) -> None:
        seen = desk(
            order(_S.ACCEPTED), fill("100"), fill("30", root="0002.01"), fill("0", "0", root="0002.01", revision=2)
        )

        assert seen.order.state is _S.FILLED
        assert seen.order.overfilled_quantity == ZERO

    def test_a_correction_of_the_price_restates(self) -> None:
        seen = desk(order(_S.ACCEPTED), fill("100", "9"))

        decision = seen.apply(fill("100", "9.5", revision=2))

        assert decision.is_restated
        assert decision.fills == ()
        assert seen.order.average_fill_price == Decimal("9.5")
        assert seen.order.state is _S.FILLED
        assert [row.revision for row in seen.active] == [2]
        assert seen.event_types[-1] == "ExecutionCorrected"

    def test_a_correction_of_the_quantity_restates(self) -> None:
        seen = desk(order(_S.ACCEPTED), fill("60"), fill("50", revision=2))

        assert seen.order.filled_quantity == Decimal(50)
        assert len(seen.ledger) == 2

    def test_an_older_revision_that_comes_late_is_kept_and_counts_nothing(self) -> None:
        seen = desk(order(_S.ACCEPTED), fill("50", revision=2), fill("60", revision=1))

        assert seen.order.filled_quantity == Decimal(50)
        assert {row.revision: row.is_superseded for row in seen.ledger.values()} == {2: False, 1: True}

    def test_a_bust_that_comes_before_its_execution_wins(self) -> None:
        seen = desk(order(_S.ACCEPTED), fill("0", "0", revision=2), fill("60", revision=1))

        assert seen.order.filled_quantity == ZERO
        assert seen.order.state is _S.ACCEPTED

    def test_an_execution_ends_the_doubt(self) -> None:
        assert not desk(order(in_doubt=True), fill("40")).order.in_doubt


class TestCancel:
    @pytest.mark.parametrize("confirmation", [CANCELED, fault(FaultClass.CANCEL_CONFIRMED, 202)])
    def test_a_confirmed_cancel(self, confirmation: Report) -> None:
        seen = desk(pending_cancel(), confirmation)

        assert seen.order.state is _S.CANCELED
        assert [(one.kind, one.outcome) for one in seen.requests] == [(RequestKind.CANCEL, RequestOutcome.ACCEPTED)]
        assert seen.file.cancel is None

    def test_partial_fill_then_cancel_is_canceled(self) -> None:
        seen = desk(pending_cancel(), fill("40"), CANCELED)

        assert seen.order.state is _S.CANCELED
        assert seen.order.filled_quantity == Decimal(40)

    def test_a_partial_fill_keeps_the_cancel_pending(self) -> None:
        seen = desk(pending_cancel(), fill("40"))

        assert seen.order.state is _S.PENDING_CANCEL
        assert seen.order.filled_quantity == Decimal(40)
        assert seen.file.cancel is not None

    def test_completion_wins_over_a_cancel(self) -> None:
        seen = desk(pending_cancel(), fill("100"))

        assert seen.order.state is _S.FILLED
        assert [one.outcome for one in seen.requests] == [RequestOutcome.TOO_LATE]

    def test_an_acknowledgement_keeps_the_cancel_pending(self) -> None:
        assert desk(pending_cancel(), WORKING).order.state is _S.PENDING_CANCEL

    @pytest.mark.parametrize("code", [161, 10147, 10148])
    def test_a_refused_cancel_leads_to_a_query(self, code: int) -> None:
        seen = desk(pending_cancel(), fault(FaultClass.CANCEL_REJECTED, code))

        assert seen.order.in_doubt
        assert not seen.order.state.is_terminal

    @pytest.mark.parametrize(("filled", "state"), [("0", _S.ACCEPTED), ("40", _S.PARTIALLY_FILLED)])
    def test_an_order_that_cannot_be_canceled_works_on(self, filled: str, state: OrderState) -> None:
        seen = desk(pending_cancel(filled_quantity=Decimal(filled)), fault(FaultClass.CANCEL_REJECTED, 161))

        assert seen.order.state is state
        assert [one.outcome for one in seen.requests] == [RequestOutcome.REJECTED]
        assert seen.event_types == ["CancelRefused", "OrderInDoubt"]

    @pytest.mark.parametrize("code", [10147, 10148])
    def test_a_cancel_that_may_have_come_too_late_stays_open_until_the_query_answers(self, code: int) -> None:
        seen = desk(pending_cancel(), fault(FaultClass.CANCEL_REJECTED, code))

        assert seen.order.state is _S.PENDING_CANCEL
        assert seen.file.cancel is not None
        assert seen.requests == []

    def test_an_order_that_neither_a_sweep_nor_its_cancel_found_never_arrived(self) -> None:
        report = fault(FaultClass.CANCEL_REJECTED, 10147)
        unseen = replace(report, address=replace(report.address, permanent_id=None))

        seen = desk(pending_cancel(in_doubt=True), unseen)

        assert seen.order.state is _S.CANCELED
        assert not seen.order.in_doubt
        assert [one.outcome for one in seen.requests] == [RequestOutcome.ACCEPTED]

    def test_an_acknowledged_order_that_its_cancel_does_not_find_stays_in_doubt(self) -> None:
        seen = desk(pending_cancel(in_doubt=True, permanent_id=900), fault(FaultClass.CANCEL_REJECTED, 10147))

        assert seen.order.state is _S.PENDING_CANCEL
        assert seen.order.in_doubt

    def test_an_order_that_cannot_be_canceled_while_a_replace_is_open_works_on(self) -> None:
        seen = desk(pending_both(terms("200")), fault(FaultClass.CANCEL_REJECTED, 161))

        assert seen.quarantined == []
        assert seen.order.state is _S.ACCEPTED
        assert seen.file.replace is not None

    def test_a_refused_cancel_of_an_order_that_is_over_says_nothing(self) -> None:
        seen = desk(order(_S.FILLED), fault(FaultClass.CANCEL_REJECTED, 10148))

        assert seen.order == order(_S.FILLED, permanent_id=900)


class TestReplace:
    def test_a_confirmed_replace_brings_the_new_terms_and_a_new_version(self) -> None:
        seen = desk(pending_replace(terms("200", limit="11")), status(WorkingStatus.WORKING, terms("200", limit="11")))

        assert seen.order.state is _S.ACCEPTED
        assert seen.order.terms == terms("200", limit="11")
        assert seen.order.version == 2
        assert [(one.kind, one.outcome) for one in seen.requests] == [(RequestKind.REPLACE, RequestOutcome.ACCEPTED)]
        assert seen.event_types == ["OrderReplaced"]

    @pytest.mark.parametrize(
        "held",
        [
            None,
            terms(),
            terms("200", limit="10.5"),
            terms("150", limit="11"),
            terms("200", limit="11", time_in_force=TimeInForce.GTC),
        ],
    )
    def test_other_terms_confirm_nothing(self, held: OrderTerms | None) -> None:
        seen = desk(pending_replace(terms("200", limit="11")), status(WorkingStatus.WORKING, held))

        assert seen.order.state is _S.PENDING_REPLACE
        assert seen.order.terms == terms()
        assert seen.order.version == 1

    @pytest.mark.parametrize("refusal", [
        fault(FaultClass.REPLACE_REJECTED, 104),
        fault(FaultClass.REJECTED_BY_STATE, 110),
        fault(FaultClass.ORDER_REJECTED, 201),
    ])  # fmt: skip
    @pytest.mark.parametrize(("filled", "state"), [("0", _S.ACCEPTED), ("40", _S.PARTIALLY_FILLED)])
    def test_a_refused_replace_leaves_the_order_live_on_its_old_terms(
        self, refusal: Report, filled: str, state: OrderState
    ) -> None:
        seen = desk(pending_replace(terms("200"), filled_quantity=Decimal(filled)), refusal)

        assert seen.order.state is state
        assert seen.order.terms == terms()
        assert seen.order.version == 1
        assert not seen.order.in_doubt
        assert [one.outcome for one in seen.requests] == [RequestOutcome.REJECTED]

    def test_a_partial_fill_keeps_the_replace_pending(self) -> None:
        seen = desk(pending_replace(terms("200")), fill("40"))

        assert seen.order.state is _S.PENDING_REPLACE
        assert seen.order.filled_quantity == Decimal(40)

    def test_completion_wins_over_a_replace(self) -> None:
        seen = desk(pending_replace(terms("200")), fill("100"))

        assert seen.order.state is _S.FILLED
        assert [one.outcome for one in seen.requests] == [RequestOutcome.TOO_LATE]

    def test_a_replace_down_to_what_is_filled_completes(self) -> None:
        seen = desk(pending_replace(terms("40")), fill("40"), status(WorkingStatus.WORKING, terms("40")))

        assert seen.order.state is _S.FILLED
        assert seen.order.terms.quantity == Decimal(40)

    def test_a_replace_below_what_is_filled_tells_the_overfill(self) -> None:
        seen = desk(pending_replace(terms("40")), fill("60"), status(WorkingStatus.WORKING, terms("40")))

        assert seen.order.state is _S.FILLED
        assert seen.order.overfilled_quantity == Decimal(20)

    def test_a_replace_above_what_was_overfilled_leaves_no_overfill(self) -> None:
        file = replace(
            pending_replace(
                terms("200"),
                filled_quantity=Decimal(90),
                overfilled_quantity=ZERO,
            )
        )

        seen = desk(file, status(WorkingStatus.WORKING, terms("200")), fill("120"))

        assert seen.order.overfilled_quantity == Decimal(10)

    def test_a_confirmed_replace_under_a_cancel_keeps_the_cancel_pending(self) -> None:
        seen = desk(pending_both(terms("200")), status(WorkingStatus.WORKING, terms("200")))

        assert seen.order.state is _S.PENDING_CANCEL
        assert seen.order.version == 2
        assert seen.file.cancel is not None

    def test_a_refused_replace_under_a_cancel_keeps_the_cancel_pending(self) -> None:
        seen = desk(pending_both(terms("200")), fault(FaultClass.REPLACE_REJECTED, 104))

        assert seen.order.state is _S.PENDING_CANCEL
        assert seen.file.cancel is not None
        assert seen.file.replace is None

    def test_the_end_of_an_order_is_too_late_for_its_replace(self) -> None:
        seen = desk(pending_replace(terms("200")), CANCELED)

        assert seen.order.state is _S.CANCELED
        assert [one.outcome for one in seen.requests] == [RequestOutcome.TOO_LATE]


class TestFaults:
    @pytest.mark.parametrize("code", [103, 109, 111, 200, 201, 460])
    def test_a_definitive_refusal_rejects_a_routed_order(self, code: int) -> None:
        seen = desk(order(), fault(FaultClass.ORDER_REJECTED, code, "no such thing"))

        assert seen.order.state is _S.REJECTED
        assert seen.order.reject_origin is RejectOrigin.BROKER
        assert (seen.order.reject_code, seen.order.reject_reason) == (str(code), "no such thing")
        assert seen.event_types == ["OrderRejected"]

    def test_a_refusal_by_state_rejects_while_routed(self) -> None:
        assert desk(order(), fault(FaultClass.REJECTED_BY_STATE, 110)).order.state is _S.REJECTED

    def test_a_refusal_by_state_of_a_working_order_leads_to_a_query(self) -> None:
        seen = desk(order(_S.ACCEPTED), fault(FaultClass.REJECTED_BY_STATE, 110))

        assert seen.order.state is _S.ACCEPTED
        assert seen.order.in_doubt

    def test_a_working_order_may_be_rejected(self) -> None:
        assert desk(order(_S.ACCEPTED), fault(FaultClass.ORDER_REJECTED, 201)).order.state is _S.REJECTED

    def test_a_partly_filled_order_is_not_rejected_but_asked_about(self) -> None:
        seen = desk(order(_S.PARTIALLY_FILLED, filled_quantity=Decimal(40)), fault(FaultClass.ORDER_REJECTED, 201))

        assert seen.order.state is _S.PARTIALLY_FILLED
        assert seen.order.in_doubt

    @pytest.mark.parametrize("state", [_S.ACCEPTED, _S.PARTIALLY_FILLED])
    def test_a_reused_id_leaves_the_order_that_holds_it_alone(self, state: OrderState) -> None:
        seen = desk(order(state), fault(FaultClass.ORDER_REJECTED, 103))

        assert seen.order == order(state, permanent_id=900)

    def test_a_reused_id_leaves_an_open_replace_alone(self) -> None:
        seen = desk(pending_replace(terms("200")), fault(FaultClass.ORDER_REJECTED, 103))

        assert seen.order.state is _S.PENDING_REPLACE
        assert seen.file.replace is not None

    def test_a_rejection_is_too_late_for_open_requests(self) -> None:
        seen = desk(pending_cancel(), fault(FaultClass.ORDER_REJECTED, 201))

        assert seen.order.state is _S.REJECTED
        assert [one.outcome for one in seen.requests] == [RequestOutcome.TOO_LATE]

    @pytest.mark.parametrize("kind", [FaultClass.INFORMATION, FaultClass.CONNECTIVITY])
    @pytest.mark.parametrize("code", [399, 2104, 1100])
    @pytest.mark.parametrize("state", LIVE)
    def test_information_and_connectivity_change_no_state(self, kind: FaultClass, code: int, state: OrderState) -> None:
        seen = desk(order(state, permanent_id=900), fault(kind, code))

        assert seen.order == order(state, permanent_id=900)
        assert seen.event_types == []

    @pytest.mark.parametrize("state", [*LIVE, _S.PENDING_CANCEL, _S.PENDING_REPLACE])
    def test_an_unknown_code_leads_to_a_query_never_to_a_cancel(self, state: OrderState) -> None:
        seen = desk(order(state), fault(FaultClass.UNKNOWN, 31337, "what is this"))

        assert seen.order.state is state
        assert seen.order.in_doubt
        assert seen.event_types == ["OrderInDoubt"]

    @pytest.mark.parametrize("kind", FaultClass)
    @pytest.mark.parametrize("state", [_S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REJECTED])
    def test_no_fault_moves_an_order_that_is_over(self, kind: FaultClass, state: OrderState) -> None:
        over = order(state, reject_origin=RejectOrigin.BROKER if state is _S.REJECTED else None, permanent_id=900)

        assert desk(over, fault(kind, 201)).order == over


class TestNotFound:
    def test_an_order_that_was_never_acknowledged_is_rejected(self) -> None:
        seen = desk(order(in_doubt=True), not_found())

        assert seen.order.state is _S.REJECTED
        assert seen.order.reject_code == "NOT_FOUND"
        assert not seen.order.in_doubt

    @pytest.mark.parametrize("state", [_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.PENDING_CANCEL, _S.PENDING_REPLACE])
    def test_any_other_order_stays_in_doubt(self, state: OrderState) -> None:
        seen = desk(order(state), not_found())

        assert seen.order.state is state
        assert seen.order.in_doubt

    @pytest.mark.parametrize("state", [_S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REJECTED])
    def test_an_order_that_is_over_is_not_missed(self, state: OrderState) -> None:
        seen = desk(order(state, permanent_id=900), not_found())

        assert seen.order == order(state, permanent_id=900)


class TestWhatTheHouseRejected:
    @pytest.mark.parametrize(
        "report",
        [
            *(status(word) for word in WorkingStatus),
            *(fault(kind, 201) for kind in FaultClass),
            fill("40"),
            fill("100"),
            fill("0", "0"),
            not_found(),
        ],
    )
    def test_never_moves(self, report: Report) -> None:
        refused = order(_S.REJECTED, reject_origin=RejectOrigin.OMS, reject_code="RISK_MAX_ORDER_QUANTITY")

        seen = desk(refused, report)

        assert seen.order == refused
        assert seen.ledger == {}
        assert seen.event_types == []


class TestReserved:
    def test_what_may_still_be_dealt(self) -> None:
        assert reserved_quantity(order(_S.ACCEPTED, filled_quantity=Decimal(30)), None) == Decimal(70)

    @pytest.mark.parametrize(("wanted", "reserved"), [("200", "170"), ("50", "70")])
    def test_the_worse_of_old_and_new_terms(self, wanted: str, reserved: str) -> None:
        working = order(_S.PENDING_REPLACE, filled_quantity=Decimal(30))

        assert reserved_quantity(working, terms(wanted)) == Decimal(reserved)

    def test_nothing_once_the_order_is_over(self) -> None:
        assert reserved_quantity(order(_S.CANCELED, filled_quantity=Decimal(30)), terms("200")) == ZERO

    def test_never_below_zero(self) -> None:
        assert reserved_quantity(order(_S.PENDING_CANCEL, filled_quantity=Decimal(130)), None) == ZERO


@pytest.mark.parametrize(
    ("held", "are_same"),
    [
        (terms(), True),
        (replace(terms(), quantity=Decimal("100.000")), True),
        (replace(terms(), stop_price=Decimal(9)), False),
        (terms("101"), False),
        (terms(limit="10.01"), False),
        (terms(time_in_force=TimeInForce.GTC), False),
    ],
)
def test_terms_are_the_same_when_the_market_could_not_tell_them_apart(held: OrderTerms, are_same: bool) -> None:
    assert same_terms(held, terms()) is are_same


def test_requests_are_resolved_at_the_time_of_the_report() -> None:
    seen = desk(pending_cancel(), CANCELED)

    assert seen.requests == [replace(cancel_request(), outcome=RequestOutcome.ACCEPTED, resolved_at=LATER)]
    assert replace_request(terms()).kind is RequestKind.REPLACE
