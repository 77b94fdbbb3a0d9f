"""What a broker's report does to an order, rule by rule."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.core.fix import OrderState, OrderType, RejectOrigin, RequestKind, RequestOutcome, Side, TimeInForce
from app.core.messages import FaultClass, FaultReport, OrderAddress, OrderTerms, StatusReport, WorkingStatus
from app.core.money import ZERO
from app.core.sessions import US_SHARES, TradingDay
from app.orders.domain.order import Order, reserved_quantity
from app.orders.domain.order_file import OrderFile
from app.orders.domain.told_terms import same_terms
from tests.unit.orders.values import (
    AT,
    LATER,
    Desk,
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
CLOSE = datetime(2026, 3, 2, 21, tzinfo=UTC)
US_DAY = TradingDay(hours=US_SHARES, zone=ZoneInfo("America/New_York"))
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

    @pytest.mark.parametrize("state", LIVE)
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

    def test_an_immediate_order_whose_cancel_never_left_is_expired(self) -> None:
        file = pending_cancel(terms=terms(time_in_force=TimeInForce.IOC))
        unsent = replace(file, cancel=replace(cancel_request(), sent_at=None))

        seen = desk(unsent, CANCELED)

        assert seen.order.state is _S.EXPIRED
        assert [one.outcome for one in seen.requests] == [RequestOutcome.TOO_LATE]

    @pytest.mark.parametrize(
        ("expires_at", "state"), [(LATER, _S.EXPIRED), (LATER + timedelta(seconds=1), _S.CANCELED)]
    )
    def test_a_dated_order_expires_at_its_date(self, expires_at: datetime, state: OrderState) -> None:
        dated = replace(terms(time_in_force=TimeInForce.GTD), expires_at=expires_at)

        assert desk(order(_S.ACCEPTED, terms=dated), CANCELED).order.state is state

    @pytest.mark.parametrize(("at", "state"), [(CLOSE, _S.EXPIRED), (CLOSE - timedelta(seconds=1), _S.CANCELED)])
    @pytest.mark.parametrize("told", [CANCELED, fault(FaultClass.CANCEL_CONFIRMED, 202)])
    def test_a_day_order_expires_with_its_session(
        self, told: StatusReport | FaultReport, at: datetime, state: OrderState
    ) -> None:
        working = Desk(OrderFile(order=order(_S.PARTIALLY_FILLED, filled_quantity=Decimal(40))), US_DAY)

        working.apply(replace(told, occurred_at=at))

        assert working.order.state is state
        assert working.order.filled_quantity == Decimal(40)

    def test_a_day_order_that_works_outside_the_session_expires_with_the_evening(self) -> None:
        working = OrderFile(order=order(_S.ACCEPTED, outside_regular_hours=True))

        early, late = Desk(working, US_DAY), Desk(working, US_DAY)
        early.apply(replace(CANCELED, occurred_at=CLOSE))
        late.apply(replace(CANCELED, occurred_at=CLOSE + timedelta(hours=4)))

        assert (early.order.state, late.order.state) == (_S.CANCELED, _S.EXPIRED)

    def test_a_day_order_that_was_asked_to_end_is_canceled_after_the_close_too(self) -> None:
        asked = Desk(pending_cancel(), US_DAY)

        asked.apply(replace(CANCELED, occurred_at=CLOSE))

        assert asked.order.state is _S.CANCELED

    @pytest.mark.parametrize(("days_ago", "state"), [(0, _S.CANCELED), (1, _S.EXPIRED)])
    def test_a_day_order_of_which_nothing_was_heard_since_an_earlier_day_is_expired(
        self, days_ago: int, state: OrderState
    ) -> None:
        heard_at = AT - timedelta(days=days_ago + 3)
        silent = order(_S.ACCEPTED, created_at=heard_at - timedelta(days=1), updated_at=heard_at)

        told = Desk(OrderFile(order=silent), US_DAY)
        told.apply(replace(CANCELED, occurred_at=AT - timedelta(days=3) + timedelta(minutes=1)))

        assert told.order.state is state

    def test_what_befell_an_order_in_doubt_does_not_prove_that_it_lived(self) -> None:
        doubted = order(_S.ACCEPTED, in_doubt=True, created_at=AT, updated_at=CLOSE + timedelta(minutes=1))

        told = Desk(OrderFile(order=doubted), US_DAY)
        told.apply(replace(CANCELED, occurred_at=CLOSE + timedelta(minutes=2)))

        assert told.order.state is _S.EXPIRED

    def test_a_good_till_cancel_order_never_expires(self) -> None:
        working = Desk(OrderFile(order=order(_S.ACCEPTED, terms=terms(time_in_force=TimeInForce.GTC))), US_DAY)

        working.apply(replace(CANCELED, occurred_at=CLOSE))

        assert working.order.state is _S.CANCELED

    @pytest.mark.parametrize(
        ("before", "state"),
        [(_S.ROUTED, _S.CANCELED), (_S.ACCEPTED, _S.EXPIRED), (_S.PARTIALLY_FILLED, _S.EXPIRED)],
    )
    def test_an_opening_order_expires_once_it_rested(self, before: OrderState, state: OrderState) -> None:
        opening = order(before, terms=terms(time_in_force=TimeInForce.OPG))

        assert desk(opening, CANCELED).order.state is state

    def test_a_trailing_distance_and_a_date_that_the_broker_holds_are_adopted_once(self) -> None:
        ours = OrderTerms(quantity=Decimal(100), trailing_amount=Decimal(1), time_in_force=TimeInForce.DAY)
        told = replace(ours, trailing_amount=Decimal(2), time_in_force=TimeInForce.GTD, expires_at=CLOSE)
        trailing = order(_S.ACCEPTED, order_type=OrderType.TRAILING_STOP, terms=ours)

        seen = desk(trailing, status(WorkingStatus.WORKING, told), status(WorkingStatus.WORKING, told))

        assert (seen.order.terms, seen.order.version) == (told, 2)

    @pytest.mark.parametrize("state", [_S.NEW, _S.PENDING_APPROVAL, _S.HELD])
    @pytest.mark.parametrize("report", [WORKING, CANCELED, fill("100"), fault(FaultClass.ORDER_REJECTED, 201)])
    def test_what_was_never_sent_is_not_moved_by_the_broker(self, state: OrderState, report: Report) -> None:
        unsent = order(state, broker_client_id=None, broker_order_id=None)

        seen = desk(unsent, report)

        assert seen.order == unsent
        assert seen.ledger == {}
        assert len(seen.quarantined) == 1

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

    @pytest.mark.parametrize("word", [WorkingStatus.WORKING, WorkingStatus.CANCELED])
    def test_a_clear_word_ends_the_doubt(self, word: WorkingStatus) -> None:
        assert not desk(order(in_doubt=True), status(word)).order.in_doubt

    def test_filled_without_executions_leaves_the_doubt(self) -> None:
        assert desk(order(in_doubt=True), status(WorkingStatus.FILLED, filled="100")).order.in_doubt

    @pytest.mark.parametrize(("told", "state"), [("40", _S.CANCELED), ("100", _S.PARTIALLY_FILLED)])
    def test_an_order_in_doubt_is_over_when_the_broker_has_dealt_what_the_ledger_holds(
        self, told: str, state: OrderState
    ) -> None:
        seen = desk(order(_S.ACCEPTED), fill("60"), fill("40", root="0002.01"), fill("0", "0", revision=2))

        seen.apply(status(WorkingStatus.FILLED, filled=told))

        assert seen.order.state is state
        assert seen.order.in_doubt is (state is _S.PARTIALLY_FILLED)

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

    @pytest.mark.parametrize(("left", "type_"), [("0", "ExecutionBusted"), ("50", "ExecutionCorrected")])
    def test_a_filled_order_that_is_lowered_is_in_doubt(self, left: str, type_: str) -> None:
        seen = desk(order(_S.ACCEPTED), fill("60"), fill("40", root="0002.01"), fill(left, left, revision=2))

        assert seen.order.filled_quantity == Decimal(40) + Decimal(left)
        assert seen.order.state is _S.PARTIALLY_FILLED
        assert seen.order.in_doubt
        assert seen.event_types[-1] == type_

    @pytest.mark.parametrize(
        ("word", "state"), [(WorkingStatus.WORKING, _S.PARTIALLY_FILLED), (CANCELED.status, _S.CANCELED)]
    )
    def test_the_query_tells_whether_the_rest_of_a_lowered_order_works(
        self, word: WorkingStatus, state: OrderState
    ) -> None:
        seen = desk(order(_S.ACCEPTED), fill("100"), fill("90", revision=2), status(word))

        assert seen.order.state is state
        assert not seen.order.in_doubt

    def test_a_bust_of_all_of_a_filled_order_reopens_nothing(self) -> None:
        seen = desk(order(_S.ACCEPTED), fill("100"), fill("0", "0", revision=2))

        assert seen.order.state is _S.CANCELED
        assert seen.order.filled_quantity == ZERO

    def test_a_working_order_whose_only_execution_is_busted_works_anew(self) -> None:
        seen = desk(order(_S.ACCEPTED), fill("60"), fill("0", "0", revision=2))

        assert seen.order.state is _S.ACCEPTED
        assert seen.order.leaves_quantity == Decimal(100)
        assert seen.event_types[-2:] == ["ExecutionBusted", "OrderAccepted"]

    @pytest.mark.parametrize("file", [pending_cancel(), pending_replace(terms("200"))])
    def test_a_bust_of_all_while_a_request_is_open_keeps_it_open(self, file: OrderFile) -> None:
        seen = desk(file, fill("60"), fill("0", "0", revision=2))

        assert seen.order.state is file.order.state
        assert seen.order.filled_quantity == ZERO

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
        assert [one.outcome for one in seen.requests] == [RequestOutcome.PENDING]
        assert [one.reason for one in seen.requests] == [f"{code}: the broker's words"]

    @pytest.mark.parametrize(
        ("answer", "state", "outcome"),
        [
            (WORKING, _S.ACCEPTED, RequestOutcome.REJECTED),
            (CANCELED, _S.CANCELED, RequestOutcome.ACCEPTED),
            (fill("100"), _S.FILLED, RequestOutcome.TOO_LATE),
        ],
    )
    def test_the_query_after_a_refused_cancel_decides(
        self, answer: Report, state: OrderState, outcome: RequestOutcome
    ) -> None:
        seen = desk(pending_cancel(), fault(FaultClass.CANCEL_REJECTED, 10148), answer)

        assert seen.order.state is state
        assert seen.requests[-1].outcome is outcome
        assert not seen.order.in_doubt
        assert seen.file.cancel is None

    def test_a_refused_cancel_that_is_told_twice_ends_nothing(self) -> None:
        report = fault(FaultClass.CANCEL_REJECTED, 10147)
        unseen = replace(report, address=replace(report.address, permanent_id=None))

        seen = desk(pending_cancel(), unseen, unseen)

        assert seen.order.state is _S.PENDING_CANCEL
        assert seen.order.in_doubt

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
        assert seen.order.state is _S.PENDING_REPLACE
        assert seen.event_types == ["CancelRefused", "CancelRefused", "OrderInDoubt"]
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

    @pytest.mark.parametrize("code", [201, 110])
    def test_a_refused_modify_that_is_told_twice_leaves_the_order_alone(self, code: int) -> None:
        refusal = fault(FaultClass.ORDER_REJECTED if code == 201 else FaultClass.REJECTED_BY_STATE, code)

        seen = desk(pending_replace(terms("200")), refusal, refusal)

        assert seen.order.state is _S.ACCEPTED
        assert not seen.order.in_doubt
        assert seen.event_types == ["ReplaceRefused"]

    def test_another_rejection_after_a_refused_modify_leads_to_a_query(self) -> None:
        seen = desk(
            pending_replace(terms("200")),
            fault(FaultClass.ORDER_REJECTED, 201, "margin"),
            fault(FaultClass.ORDER_REJECTED, 201, "another matter"),
        )

        assert seen.order.state is _S.ACCEPTED
        assert seen.order.in_doubt

    def test_a_rejection_before_the_modify_left_is_about_the_order(self) -> None:
        file = replace(pending_replace(terms("200")), replace=replace(replace_request(terms("200")), sent_at=None))

        seen = desk(file, fault(FaultClass.ORDER_REJECTED, 201))

        assert seen.order.state is _S.REJECTED
        assert [one.outcome for one in seen.requests] == [RequestOutcome.TOO_LATE]

    @pytest.mark.parametrize("file", [pending_cancel(), pending_replace(terms("200"))])
    def test_what_was_dealt_in_part_is_never_rejected(self, file: OrderFile) -> None:
        unsent = replace(file, replace=None)

        seen = desk(unsent, fill("40"), fault(FaultClass.ORDER_REJECTED, 201))

        assert seen.order.state is file.order.state
        assert seen.order.in_doubt

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

    def test_one_snapshot_that_misses_an_order_ends_nothing(self) -> None:
        seen = desk(order(), not_found(is_certain=False))

        assert seen.order.state is _S.ROUTED
        assert seen.order.in_doubt

    def test_an_order_that_was_asked_to_end_and_never_acknowledged_is_canceled(self) -> None:
        seen = desk(pending_cancel(), not_found())

        assert seen.order.state is _S.CANCELED
        assert [one.outcome for one in seen.requests] == [RequestOutcome.ACCEPTED]

    @pytest.mark.parametrize(
        "state", [_S.ROUTED, _S.ACCEPTED, _S.PARTIALLY_FILLED, _S.PENDING_CANCEL, _S.PENDING_REPLACE]
    )
    def test_an_acknowledged_order_stays_in_doubt(self, state: OrderState) -> None:
        seen = desk(order(state, permanent_id=900), not_found())

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


@pytest.mark.parametrize(
    ("changes", "are_same"),
    [
        ({}, True),
        ({"trailing_amount": Decimal("0.50")}, True),
        ({"trailing_amount": Decimal("0.51")}, False),
        ({"expires_at": CLOSE + timedelta(microseconds=1)}, True),
        ({"expires_at": CLOSE + timedelta(seconds=1)}, False),
        # What the broker does not tell.
        ({"expires_at": None}, True),
    ],
)
def test_a_trailing_distance_and_a_date_make_terms_differ(changes: dict[str, Any], are_same: bool) -> None:
    asked = OrderTerms(
        quantity=Decimal(100),
        trailing_amount=Decimal("0.5"),
        time_in_force=TimeInForce.GTD,
        expires_at=CLOSE,
    )

    assert same_terms(replace(asked, **changes), asked) is are_same


def test_requests_are_resolved_at_the_time_of_the_report() -> None:
    seen = desk(pending_cancel(), CANCELED)

    assert seen.requests == [replace(cancel_request(), outcome=RequestOutcome.ACCEPTED, resolved_at=LATER)]
    assert replace_request(terms()).kind is RequestKind.REPLACE


class TestTermsOfTheBroker:
    def test_more_than_the_old_terms_allow_proves_that_the_modify_was_taken(self) -> None:
        seen = desk(pending_replace(terms("200", limit="11")), fill("60"), fill("60", root="0002.01"))

        assert seen.order.state is _S.PARTIALLY_FILLED
        assert (seen.order.terms, seen.order.version) == (terms("200", limit="11"), 2)
        assert seen.order.overfilled_quantity == ZERO
        assert [one.outcome for one in seen.requests] == [RequestOutcome.ACCEPTED]

    def test_more_than_both_terms_allow_is_an_overfill(self) -> None:
        seen = desk(pending_replace(terms("110")), fill("60"), fill("60", root="0002.01"))

        assert seen.order.state is _S.FILLED
        assert seen.order.overfilled_quantity == Decimal(20)
        assert [one.outcome for one in seen.requests] == [RequestOutcome.TOO_LATE]

    def test_a_filled_order_that_the_broker_works_on_larger_terms_works_on(self) -> None:
        seen = desk(pending_replace(terms("200")), fill("100"), status(WorkingStatus.WORKING, terms("200")))

        assert seen.order.state is _S.PARTIALLY_FILLED
        assert seen.order.leaves_quantity == Decimal(100)
        assert seen.order.version == 2

    def test_a_filled_order_is_not_moved_by_a_word_of_its_own_terms(self) -> None:
        seen = desk(order(), fill("100"), status(WorkingStatus.WORKING, terms("100")))

        assert seen.order.state is _S.FILLED

    @pytest.mark.parametrize("file", [order(_S.ACCEPTED), pending_cancel()])
    def test_other_terms_that_nobody_here_asked_for_are_those_of_the_order(self, file: OrderFile | Order) -> None:
        seen = desk(file, status(WorkingStatus.WORKING, terms("150", limit="11")))
        again = seen.apply(status(WorkingStatus.WORKING, terms("150", limit="11")))

        assert seen.order.terms == terms("150", limit="11")
        assert seen.order.version == 2
        assert seen.event_types[-1] == "OrderReplaced"
        assert again.events == ()

    def test_a_second_copy_of_a_refused_modify_may_yet_be_taken(self) -> None:
        seen = desk(
            pending_replace(terms("150")),
            fault(FaultClass.REJECTED_BY_STATE, 321),
            status(WorkingStatus.WORKING, terms("150")),
        )

        assert [one.outcome for one in seen.requests] == [RequestOutcome.REJECTED]
        assert seen.order.terms == terms("150")
