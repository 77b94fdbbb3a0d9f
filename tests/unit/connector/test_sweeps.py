"""What a connection concludes from sweeps that miss an order or a commission."""

from datetime import timedelta
from decimal import Decimal

from app.connector.sweeps import COMMISSION_ASKS_MAX, Sweeps
from app.core.messages import CommissionReport
from tests.unit.orders.values import LATER, fill, order

EXECUTION = fill("40")
COMMISSION = CommissionReport(
    execution_id=EXECUTION.execution_id, root=EXECUTION.root, commission=Decimal(1), currency="USD", realized_pnl=None
)


def test_two_clean_full_sweeps_that_miss_an_order_make_it_unknown() -> None:
    sweeps, sent = Sweeps(), order()
    sweeps.suspect([sent])

    first, second = sweeps.conclude([sent], LATER), sweeps.conclude([sent], LATER)

    assert first == []
    assert [report.address.order_id for report in second] == [sent.id]
    assert second[0].is_certain


def test_an_order_that_is_told_between_begins_anew() -> None:
    sweeps, sent = Sweeps(), order()
    sweeps.conclude([sent], LATER)

    sweeps.found([sent], [])

    assert sweeps.conclude([sent], LATER) == []


def test_an_unstable_connection_begins_anew() -> None:
    sweeps, sent = Sweeps(), order()
    sweeps.conclude([sent], LATER)

    sweeps.forget()

    assert sweeps.conclude([sent], LATER) == []


def test_what_stays_in_doubt_is_looked_for_once_more_and_then_seldom() -> None:
    sweeps, sent = Sweeps(), order()
    for _ in range(2):
        sweeps.conclude([sent], LATER)

    assert sweeps.conclude([sent], LATER) == []
    assert sweeps.unknown == {sent.id}
    sweeps.suspect([sent])
    assert sweeps.missed == {}


def test_a_missing_commission_is_asked_for_a_few_times() -> None:
    sweeps = Sweeps()
    sweeps.heard([EXECUTION], 0.0)

    assert not sweeps.asks_for_commissions(9.0, 10.0)
    assert [sweeps.asks_for_commissions(10.0, 10.0) for _ in range(COMMISSION_ASKS_MAX + 1)] == [
        *([True] * COMMISSION_ASKS_MAX),
        False,
    ]


def test_a_commission_that_came_is_not_asked_for() -> None:
    sweeps = Sweeps()

    sweeps.heard([EXECUTION, COMMISSION], 0.0)

    assert not sweeps.asks_for_commissions(100.0, 10.0)


def test_what_was_dealt_lately_is_in_flight_and_then_forgotten() -> None:
    sweeps = Sweeps()
    sweeps.heard([EXECUTION], 10.0)

    assert sweeps.in_flight(since=10.0) == {EXECUTION.contract_id}
    assert sweeps.in_flight(since=10.1) == frozenset()
    assert sweeps.dealt == {}


def test_an_old_execution_that_is_told_again_is_not_in_flight() -> None:
    sweeps = Sweeps()

    sweeps.heard([EXECUTION], 10.0, dealt_after=EXECUTION.executed_at + timedelta(seconds=1))
    assert sweeps.in_flight(since=0.0) == frozenset()

    sweeps.heard([EXECUTION], 10.0, dealt_after=EXECUTION.executed_at)
    assert sweeps.in_flight(since=0.0) == {EXECUTION.contract_id}


def test_a_commission_that_was_asked_for_in_vain_is_remembered_until_it_comes() -> None:
    sweeps = Sweeps()
    sweeps.heard([EXECUTION], 0.0)
    for _ in range(COMMISSION_ASKS_MAX):
        assert sweeps.given_up == set()
        sweeps.asks_for_commissions(10.0, 10.0)

    assert sweeps.given_up == {EXECUTION.execution_id}
    sweeps.heard([COMMISSION], 11.0)
    assert sweeps.given_up == set()
