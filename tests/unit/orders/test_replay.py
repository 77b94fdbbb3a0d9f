"""The fold of an order's events: whatever happened, they tell it, and what cannot be read breaks nothing."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.fix import OrderState, RequestKind, RequestOutcome
from app.core.ids import RequestId
from app.core.messages import OrderTerms, StatusReport, WorkingStatus
from app.orders.domain.changing import OrderChange, cancel_problem, changed_terms, replace_problems
from app.orders.domain.journal import event_document, event_from_document, placement_details, request_details
from app.orders.domain.order import LoggedEvent, OrderEvent, OrderRequest
from app.orders.domain.order_file import Decision, OrderFile
from app.orders.domain.replay import NotVerifiable, OrderHistory, replay_order
from app.orders.events import OrderEventType
from tests.examples import examples
from tests.factories import instrument
from tests.unit.orders.test_report_properties import executions, refusals, statuses
from tests.unit.orders.values import ADDRESS, AT, LATER, Desk, Report, fill, not_found, order

Step = Report | OrderChange | str

nameless = st.builds(
    lambda report: replace(report, address=replace(ADDRESS, permanent_id=None)), st.one_of(executions, statuses)
)
changes = st.builds(
    lambda quantity, limit: OrderChange(order_id=order().id, quantity=Decimal(quantity), limit_price=Decimal(limit)),
    st.sampled_from(["50", "100", "150"]),
    st.sampled_from(["10", "11"]),
)
steps: st.SearchStrategy[Step] = st.one_of(
    executions, statuses, refusals, st.just(not_found()), nameless, changes, st.just("cancel"), st.just("confirm")
)


class JournaledDesk(Desk):
    """A desk that keeps what is told, with the requests of clients besides the reports of the broker."""

    def __init__(self) -> None:
        placed = order(metadata={"book": "pairs"}, outside_regular_hours=True)
        unsent = replace(placed, broker_client_id=None, broker_order_id=None)
        super().__init__(OrderFile(order=placed))
        self.told: list[LoggedEvent] = []
        self.asked: dict[RequestId, OrderRequest] = {}
        self.log(OrderEventType.ORDER_PLACED, OrderState.NEW, OrderState.ROUTED, placement_details(unsent))

    def step(self, step: Step) -> None:
        if isinstance(step, OrderChange):
            self.ask_replace(step)
        elif step == "cancel":
            self.ask_cancel()
        elif step == "confirm":
            held = self.file.pending_terms or self.order.terms
            self.apply(
                StatusReport(
                    address=ADDRESS, status=WorkingStatus.WORKING, filled=Decimal(0), terms=held, occurred_at=LATER
                )
            )
        else:
            assert not isinstance(step, str)
            self.apply(step)

    def _apply_one(self, report: Report) -> Decision:
        decision = super()._apply_one(report)
        for event in decision.events:
            self.keep(event)
        self.asked |= {request.id: request for request in decision.requests}
        return decision

    def ask_cancel(self) -> None:
        if cancel_problem(self.file) is None and self.file.cancel is None:
            self.ask(RequestKind.CANCEL, OrderState.PENDING_CANCEL, OrderEventType.CANCEL_REQUESTED, None)

    def ask_replace(self, change: OrderChange) -> None:
        terms = changed_terms(self.order, change)
        if not replace_problems(self.file, change, terms, instrument()):
            self.ask(RequestKind.REPLACE, OrderState.PENDING_REPLACE, OrderEventType.REPLACE_REQUESTED, terms)

    def ask(self, kind: RequestKind, state: OrderState, event_type: OrderEventType, terms: OrderTerms | None) -> None:
        before = self.order
        request = OrderRequest(
            id=RequestId(UUID(int=100 + len(self.asked))),
            order_id=before.id,
            kind=kind,
            outcome=RequestOutcome.PENDING,
            terms=terms,
            reason=None,
            requested_by="user:test",
            requested_at=LATER,
        )
        self.asked[request.id] = request
        self.file = replace(self.file, order=replace(before, state=state)).with_request(request)
        self.log(event_type, before.state, state, request_details(request, before))

    def log(self, kind: OrderEventType, before: OrderState, after: OrderState, details: dict[str, Any]) -> None:
        self.keep(
            OrderEvent(
                type=kind.value,
                order_id=self.order.id,
                account_id=self.order.account_id,
                from_state=before,
                to_state=after,
                actor="user:test",
                details=details,
                occurred_at=LATER if self.told else AT,
            )
        )

    def keep(self, event: OrderEvent) -> None:
        place = len(self.told) + 1
        logged = LoggedEvent(sequence=place, event=event, recorded_at=AT + timedelta(seconds=place - 1))
        # As it comes back from the log: a document.
        self.told.append(event_from_document(event_document(logged)))


@given(st.lists(steps, max_size=25))
@settings(max_examples=examples(125, campaign=500))
def test_a_replay_gives_the_order_its_requests_and_its_executions(stream: list[Step]) -> None:
    seen = JournaledDesk()

    for step in stream:
        seen.step(step)

        told = replay_order(seen.order.tenant_id, seen.told)
        assert isinstance(told, OrderHistory), told
        is_claim_told = seen.order.state is not OrderState.ROUTED
        assert told.order == replace(
            seen.order,
            terms_hash=b"",
            broker_client_id=1 if is_claim_told else None,
            broker_order_id=7 if is_claim_told else None,
            updated_at=seen.told[-1].recorded_at,
        )
        assert (told.file.cancel, told.file.replace) == (seen.file.cancel, seen.file.replace)
        assert told.requests == seen.asked
        assert _rows(told.active) == _rows(seen.active)
    assert seen.quarantined == []


def _rows(rows: Any) -> set[Any]:
    return {(row.id, row.root, row.revision, row.side, row.quantity, row.price, row.executed_at) for row in rows}


@given(st.lists(steps, max_size=12), st.data())
def test_every_prefix_of_the_log_replays_to_what_was_then(stream: list[Step], data: st.DataObject) -> None:
    seen = JournaledDesk()
    states = [seen.order]
    lengths = [len(seen.told)]
    for step in stream:
        seen.step(step)
        states.append(seen.order)
        lengths.append(len(seen.told))

    place = data.draw(st.integers(0, len(stream)))

    told = replay_order(seen.order.tenant_id, seen.told[: lengths[place]])
    assert isinstance(told, OrderHistory)
    assert (told.order.state, told.order.filled_quantity, told.order.version, told.order.in_doubt) == (
        states[place].state,
        states[place].filled_quantity,
        states[place].version,
        states[place].in_doubt,
    )


documents = st.dictionaries(
    st.sampled_from(["quantity", "origin", "requestId", "resolved", "executionId", "commission", "version", "side"]),
    st.one_of(
        st.none(),
        st.sampled_from(["", "x", "1", "NaN", "Infinity"]),
        st.integers(-2, 2),
        st.lists(st.integers(), max_size=2),
        st.booleans(),
    ),
)
garbage = st.builds(
    lambda kind, before, after, details: OrderEvent(
        type=kind,
        order_id=order().id,
        account_id=order().account_id,
        from_state=before,
        to_state=after,
        actor="broker",
        details=details,
        occurred_at=LATER,
    ),
    st.one_of(st.sampled_from([kind.value for kind in OrderEventType]), st.just("OrderSharded")),
    st.one_of(st.none(), st.sampled_from(OrderState)),
    st.sampled_from(OrderState),
    documents,
)


@given(st.lists(steps, max_size=4), st.lists(garbage, min_size=1, max_size=4))
@settings(max_examples=examples(75, campaign=300))
def test_events_that_cannot_be_read_are_told_and_break_nothing(stream: list[Step], junk: list[OrderEvent]) -> None:
    seen = JournaledDesk()
    for step in stream:
        seen.step(step)

    for event in junk:
        seen.told.append(LoggedEvent(sequence=len(seen.told) + 1, event=event, recorded_at=LATER))
        told = replay_order(seen.order.tenant_id, seen.told)

        assert isinstance(told, OrderHistory | NotVerifiable)
    assert isinstance(replay_order(seen.order.tenant_id, seen.told[-len(junk) :]), NotVerifiable)


@pytest.mark.parametrize(("lost", "is_old"), [("origin", True), ("instrumentId", False)])
def test_an_order_of_before_is_told_from_a_log_at_fault(lost: str, is_old: bool) -> None:
    seen = JournaledDesk()
    placed = seen.told[0]
    kept = {name: value for name, value in placed.event.details.items() if name != lost}

    told = replay_order(seen.order.tenant_id, [replace(placed, event=replace(placed.event, details=kept))])

    assert isinstance(told, NotVerifiable)
    assert (told.order_id, told.is_old) == (seen.order.id, is_old)


def test_a_log_with_a_hole_is_told() -> None:
    seen = JournaledDesk()
    seen.step("confirm")
    seen.step("cancel")

    told = replay_order(seen.order.tenant_id, [seen.told[0], *seen.told[2:]])

    assert isinstance(told, NotVerifiable)
    assert "comes from ACCEPTED" in told.reason


@pytest.mark.parametrize(("execution_id", "keys"), [("0001.01.01", set()), ("other", {"root", "revision"})])
def test_root_and_revision_are_told_where_the_id_does_not_tell_them(execution_id: str, keys: set[str]) -> None:
    seen = JournaledDesk()

    seen.step(replace(fill("10"), execution_id=execution_id))

    assert seen.told[-1].event.details.keys() & {"root", "revision"} == keys
    told = replay_order(seen.order.tenant_id, seen.told)
    assert isinstance(told, OrderHistory)
    assert [(row.execution_id, row.root, row.revision) for row in told.active] == [(execution_id, "0001.01", 1)]


def test_an_order_without_an_event_is_nothing() -> None:
    assert replay_order(order().tenant_id, []) is None
