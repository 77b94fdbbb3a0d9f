"""What holds of an order whatever the broker says, in whatever order, however often."""

from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.fix import OrderState, RejectOrigin, RequestOutcome, TimeInForce
from app.core.messages import ExecutionReport, FaultClass, NotFoundReport, StatusReport, WorkingStatus
from app.core.money import ZERO
from app.orders.domain.order_file import OrderFile
from app.orders.domain.transitions import may_move
from tests.examples import examples
from tests.unit.orders.values import (
    Desk,
    Report,
    cancel_request,
    fault,
    fill,
    not_found,
    order,
    pending_both,
    pending_cancel,
    pending_replace,
    status,
    terms,
)

_S = OrderState
WANTED = terms("150", limit="11")
SHRUNK = terms("50", limit="11")
FILES = {
    "routed": OrderFile(order=order()),
    "routed-ioc": OrderFile(order=order(terms=terms(time_in_force=TimeInForce.IOC))),
    "accepted": OrderFile(order=order(_S.ACCEPTED)),
    "in-doubt": OrderFile(order=order(in_doubt=True)),
    "pending-cancel": pending_cancel(),
    "pending-replace": pending_replace(WANTED),
    "pending-shrink": pending_replace(SHRUNK),
    "pending-both": pending_both(WANTED),
}
files = st.sampled_from(list(FILES.values()))
prices = st.decimals(min_value=Decimal("0.01"), max_value=Decimal(1000), places=10)

executions = st.builds(
    lambda root, revision, quantity, price: fill(str(quantity), str(price), root=f"r{root}", revision=revision),
    st.integers(1, 4),
    st.integers(1, 3),
    st.one_of(st.just(ZERO), st.decimals(min_value=Decimal("0.0000000001"), max_value=Decimal(120), places=10)),
    prices,
)
statuses = st.builds(status, st.sampled_from(WorkingStatus), st.sampled_from([None, terms(), WANTED, SHRUNK]))
refusals = st.builds(fault, st.sampled_from(FaultClass), st.sampled_from([103, 110, 161, 201, 202, 321, 10148, 31337]))
reports: st.SearchStrategy[Report] = st.one_of(executions, statuses, refusals, st.just(not_found()))
streams = st.lists(reports, max_size=12)


@given(files, streams)
@settings(max_examples=examples(100, campaign=400))
def test_cumulative_is_the_sum_of_the_active_executions(file: OrderFile, stream: list[Report]) -> None:
    seen = Desk(file)

    for report in stream:
        seen.apply(report)

        now = seen.order
        assert now.filled_quantity == sum((row.quantity for row in seen.active), ZERO) >= ZERO
        assert now.filled_notional == sum((row.quantity * row.price for row in seen.active), ZERO)
        assert now.overfilled_quantity == max(now.filled_quantity - now.terms.quantity, ZERO)
        assert (now.state is _S.FILLED) is (now.filled_quantity >= now.terms.quantity)
        assert now.leaves_quantity == (
            ZERO if now.state.is_terminal else max(now.terms.quantity - now.filled_quantity, ZERO)
        )


@given(files, streams)
def test_the_highest_revision_alone_is_active(file: OrderFile, stream: list[Report]) -> None:
    seen = Desk(file)

    for report in stream:
        seen.apply(report)

    highest: dict[str, int] = {}
    for row in seen.ledger.values():
        highest[row.root] = max(row.revision, highest.get(row.root, 0))
    assert {row.root: row.revision for row in seen.active} == highest
    assert max(Counter(row.root for row in seen.active).values(), default=1) == 1


@given(files, streams)
@settings(max_examples=examples(100, campaign=400))
def test_only_moves_of_the_table_are_made_and_told_without_a_gap(file: OrderFile, stream: list[Report]) -> None:
    seen = Desk(file)

    for report in stream:
        before, version = seen.order, seen.order.version
        decision = seen.apply(report)

        assert decision.quarantine is None
        state, origin = before.state, before.reject_origin
        for event in decision.events:
            assert event.from_state is state
            assert may_move(state, event.to_state, origin)
            state, origin = event.to_state, seen.order.reject_origin
        assert state is seen.order.state
        assert seen.order.version - version in (0, 1)


@given(files, streams)
@settings(max_examples=examples(100, campaign=400))
def test_the_state_tells_which_requests_are_open(file: OrderFile, stream: list[Report]) -> None:
    seen = Desk(file)

    for report in stream:
        seen.apply(report)

        now = seen.file
        assert (now.order.state is _S.PENDING_CANCEL) is (now.cancel is not None)
        if now.order.state is _S.PENDING_REPLACE:
            assert now.replace is not None
        if now.order.state.is_terminal:
            assert now.replace is None
            assert not now.order.in_doubt
    resolved = Counter(one.kind for one in seen.requests if one.outcome is not RequestOutcome.PENDING)
    assert max(resolved.values(), default=1) == 1


@given(files, streams, st.one_of(executions, statuses, st.just(not_found())))
@settings(max_examples=examples(100, campaign=400))
def test_a_report_that_is_applied_twice_changes_nothing_the_second_time(
    file: OrderFile, stream: list[Report], twice: Report
) -> None:
    seen = Desk(file)
    for report in [*stream, twice]:
        seen.apply(report)
    before, ledger = seen.file, dict(seen.ledger)

    decision = seen.apply(twice)

    assert decision.file == before
    assert seen.ledger == ledger
    assert (decision.events, decision.requests, decision.executions, decision.fills) == ((), (), (), ())


@given(files, st.lists(executions, max_size=12))
def test_a_whole_ledger_that_is_replayed_changes_nothing(file: OrderFile, dealt: list[ExecutionReport]) -> None:
    seen = Desk(file)
    for report in dealt:
        seen.apply(report)
    before, ledger = seen.file, dict(seen.ledger)

    for report in dealt:
        seen.apply(report)

    assert seen.file == before
    assert seen.ledger == ledger


def _outcome(file: OrderFile, stream: list[Report]) -> tuple[object, ...]:
    seen = Desk(file)
    for report in stream:
        seen.apply(report)
    now = seen.order
    rows = frozenset(
        (row.root, row.revision, row.quantity, row.price, row.is_superseded) for row in seen.ledger.values()
    )
    return (now.state, now.filled_quantity, now.filled_notional, now.overfilled_quantity, now.in_doubt, rows)


def _unique(dealt: list[ExecutionReport]) -> list[ExecutionReport]:
    return list({(one.root, one.revision): one for one in dealt}.values())


first_revisions = st.lists(executions.filter(lambda one: one.revision == 1 and one.quantity > 0), max_size=4).map(
    _unique
)
all_revisions = st.lists(executions, max_size=5).map(_unique)
acknowledgements: st.SearchStrategy[list[StatusReport]] = st.lists(
    st.sampled_from([status(WorkingStatus.WORKING), status(WorkingStatus.PENDING), status(WorkingStatus.FILLED)]),
    min_size=1,
    max_size=3,
)


@given(
    st.data(), st.sampled_from(["routed", "accepted", "pending-cancel", "in-doubt"]), first_revisions, acknowledgements
)
@settings(max_examples=examples(75, campaign=300))
def test_acknowledgement_and_fills_end_alike_in_any_order(
    data: st.DataObject, start: str, dealt: list[ExecutionReport], told: list[StatusReport]
) -> None:
    stream: list[Report] = [*told, *dealt, status(WorkingStatus.WORKING)]
    shuffled = data.draw(st.permutations(stream))

    assert _outcome(FILES[start], shuffled) == _outcome(FILES[start], stream)


@given(
    st.data(),
    st.sampled_from(["routed", "routed-ioc", "accepted", "pending-cancel", "in-doubt"]),
    first_revisions,
    st.sampled_from([status(WorkingStatus.CANCELED), fault(FaultClass.CANCEL_CONFIRMED, 202)]),
)
@settings(max_examples=examples(75, campaign=300))
def test_acknowledgement_fills_and_cancel_confirmation_end_alike_in_any_order(
    data: st.DataObject, start: str, dealt: list[ExecutionReport], confirmation: Report
) -> None:
    stream: list[Report] = [status(WorkingStatus.WORKING), *dealt, confirmation]
    shuffled = data.draw(st.permutations(stream))

    outcome = _outcome(FILES[start], shuffled)

    assert outcome == _outcome(FILES[start], stream)
    filled = sum((one.quantity for one in dealt), ZERO)
    ended = _S.EXPIRED if start == "routed-ioc" else _S.CANCELED
    assert outcome[0] is (_S.FILLED if filled >= Decimal(100) else ended)


@given(st.data(), st.sampled_from(["routed", "accepted", "pending-cancel"]), all_revisions)
@settings(max_examples=examples(75, campaign=300))
def test_busts_and_corrections_of_a_canceled_order_end_alike_in_any_order(
    data: st.DataObject, start: str, dealt: list[ExecutionReport]
) -> None:
    over = status(WorkingStatus.CANCELED)
    stream: list[Report] = [status(WorkingStatus.WORKING), over, *dealt]
    shuffled = data.draw(st.permutations(stream))

    # A filled order that is lowered asks whether the rest works: the query answers once more that it is over.
    assert _outcome(FILES[start], [*shuffled, over]) == _outcome(FILES[start], [*stream, over])


@given(streams)
def test_nothing_moves_what_the_house_rejected(stream: list[Report]) -> None:
    refused = order(_S.REJECTED, reject_origin=RejectOrigin.OMS)
    seen = Desk(OrderFile(order=refused))

    for report in stream:
        seen.apply(report)

    assert seen.order == refused
    assert seen.ledger == {}
    assert seen.event_types == []


@given(st.sampled_from(["routed", "accepted", "pending-cancel", "pending-replace"]), streams)
def test_no_word_but_a_definitive_one_ends_an_order(start: str, stream: list[Report]) -> None:
    seen = Desk(FILES[start])
    for report in stream:
        before = seen.order.state
        seen.apply(report)
        if before.is_terminal or not seen.order.state.is_terminal:
            continue

        match seen.order.state:
            case _S.REJECTED:
                assert before is _S.ROUTED or isinstance(report, type(fault(FaultClass.UNKNOWN, 0)))
                assert report != fault(FaultClass.UNKNOWN, 31337)
            case _S.FILLED:
                assert seen.order.filled_quantity >= seen.order.terms.quantity
            case _ if isinstance(report, NotFoundReport):
                assert before is _S.PENDING_CANCEL
                assert seen.order.permanent_id is None
            case _:
                assert report == fault(FaultClass.CANCEL_CONFIRMED, getattr(report, "broker_code", 0)) or (
                    isinstance(report, StatusReport) and report.status is WorkingStatus.CANCELED
                )


@pytest.mark.parametrize("start", FILES)
def test_the_starting_files_are_sound(start: str) -> None:
    file = FILES[start]

    assert (file.cancel == cancel_request()) is (file.order.state is _S.PENDING_CANCEL)
