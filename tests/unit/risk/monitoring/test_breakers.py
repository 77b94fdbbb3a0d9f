"""What trips a circuit breaker, what never does, and what is wrong about one."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.ids import AccountId, BreakerId, HaltId, TripId
from app.core.records import replace
from app.core.trading_modes import TradingMode
from app.risk.monitoring.domain.breakers import (
    BreakerKind,
    BreakerProposal,
    CircuitBreaker,
    Trip,
    breaker_problems,
    counts_since,
    fallen,
    may_trip,
    proposal_document,
    proposal_of_document,
    reason_of,
    reject_rate,
    summed,
    trips,
)
from app.risk.monitoring.domain.counting import SPAN, Counts, Window
from app.risk.monitoring.domain.loosening import PROPOSAL_LASTS, is_confirmed, loosened

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
FIGURES = st.decimals(min_value=-(10**12), max_value=10**12, places=4)


def breaker(kind: str = "LOSS", threshold: str = "1000", **more: Any) -> CircuitBreaker:
    values: dict[str, Any] = {"account_id": AccountId(UUID(int=2)), "mode": TradingMode.HALTED, **more}
    return CircuitBreaker(id=BreakerId(UUID(int=1)), kind=BreakerKind(kind), threshold=Decimal(threshold), **values)


def trip(resumed_at: datetime | None = None) -> Trip:
    return Trip(
        id=TripId(UUID(int=3)),
        breaker_id=BreakerId(UUID(int=1)),
        breaker_version=1,
        kind=BreakerKind.LOSS,
        account_id=None,
        threshold=Decimal(1000),
        observed=Decimal(1000),
        reason="",
        halt_id=HaltId(UUID(int=4)),
        tripped_at=NOW - timedelta(hours=1),
        resumed_at=resumed_at,
    )


def codes(one: CircuitBreaker) -> list[tuple[str, tuple[str, ...]]]:
    return [(problem.code, problem.path) for problem in breaker_problems(one)]


def test_it_trips_at_its_threshold() -> None:
    assert [trips(breaker(), Decimal(one), None, NOW) for one in ("999.99", "1000", "1000.01")] == [False, True, True]


@pytest.mark.parametrize("observed", [None, Decimal("NaN"), Decimal("Infinity")], ids=["unknown", "nan", "infinite"])
def test_what_is_not_known_trips_nothing(observed: Decimal | None) -> None:
    assert not trips(breaker(), observed, None, NOW)


def test_one_that_is_off_does_not_trip() -> None:
    assert not trips(breaker(is_active=False), Decimal(5000), None, NOW)


@given(FIGURES, st.integers(0, 86_400), st.one_of(st.none(), st.integers(0, 200_000)))
def test_it_never_trips_while_its_halt_holds_or_cools_down(
    observed: Decimal, cooldown_s: int, resumed_s_ago: int | None
) -> None:
    one = breaker(cooldown_s=cooldown_s)
    last = trip(None if resumed_s_ago is None else NOW - timedelta(seconds=resumed_s_ago))

    may = resumed_s_ago is not None and resumed_s_ago >= cooldown_s

    assert may_trip(one, last, NOW) is may
    assert trips(one, observed, last, NOW) is (may and observed >= one.threshold)


@given(FIGURES, FIGURES)
def test_a_worse_figure_never_trips_less(one: Decimal, other: Decimal) -> None:
    better, worse = sorted((one, other))

    assert trips(breaker(), worse, None, NOW) >= trips(breaker(), better, None, NOW)


@given(st.integers(1, 3600), st.one_of(st.none(), st.integers(0, 7200)))
def test_a_window_does_not_reach_behind_a_release(window_s: int, resumed_s_ago: int | None) -> None:
    last = None if resumed_s_ago is None else trip(NOW - timedelta(seconds=resumed_s_ago))

    since = counts_since(breaker("MESSAGE_RATE", window_s=window_s), last, NOW)

    assert since >= NOW - timedelta(seconds=window_s)
    assert last is None or last.resumed_at is None or since >= last.resumed_at


def test_too_few_orders_tell_no_rate() -> None:
    assert reject_rate(5, 9, 10) is None
    assert reject_rate(5, 10, 10) == 50


def test_a_fall_is_a_part_of_the_peak() -> None:
    assert fallen(Decimal(900), Decimal(1000)) == 10
    assert fallen(Decimal(1100), Decimal(1000)) == 0
    assert fallen(None, Decimal(1000)) is None
    assert fallen(Decimal(5), Decimal(0)) is None


def test_a_sum_is_that_of_what_is_known() -> None:
    assert summed([Decimal(1), Decimal(2)]) == 3
    assert summed([Decimal(1), None]) == 1
    assert summed([None]) is None
    assert summed([]) is None


def test_it_says_why_with_figures() -> None:
    assert reason_of(breaker(), Decimal("1234.5"), "USD") == (
        "circuit breaker loss: the account has lost 1234.5 USD today, 1000 or more halts"
    )
    assert "3 times in 60 s" in reason_of(breaker("DISCONNECTS", "3"), Decimal(3), "")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (BreakerKind.LOSS, "loss"),
        (BreakerKind.DRAWDOWN, "drawdown"),
        (BreakerKind.REJECT_RATE, "reject rate"),
        (BreakerKind.DISCONNECTS, "disconnects"),
        (BreakerKind.MESSAGE_RATE, "message rate"),
    ],
)
def test_every_kind_says_why_in_words(kind: BreakerKind, words: str) -> None:
    assert reason_of(breaker(kind.value, "7"), Decimal(7), "USD").startswith(f"circuit breaker {words}: ")


@pytest.mark.parametrize(
    ("kind", "threshold"),
    [
        ("LOSS", "0"),
        ("LOSS", "-1"),
        ("LOSS", "NaN"),
        ("LOSS", "Infinity"),
        ("LOSS", "1e16"),
        ("LOSS", "0.00000000001"),
        ("DRAWDOWN", "100.1"),
        ("REJECT_RATE", "101"),
        ("DISCONNECTS", "1.5"),
        ("MESSAGE_RATE", "1000001"),
    ],
)
def test_absurd_thresholds_are_told(kind: str, threshold: str) -> None:
    assert codes(breaker(kind, threshold)) == [("BREAKER_THRESHOLD_INVALID", ("threshold",))]


def test_all_that_is_wrong_is_told_at_once() -> None:
    wrong = breaker("DRAWDOWN", "5", window_s=0, cooldown_s=-1, minimum=0, mode=TradingMode.ACTIVE, currency="USD")

    assert [code for code, _ in codes(wrong)] == [
        "BREAKER_WINDOW_INVALID",
        "BREAKER_COOLDOWN_INVALID",
        "BREAKER_MINIMUM_INVALID",
        "BREAKER_MODE_INVALID",
        "BREAKER_CURRENCY_INVALID",
    ]


@given(st.lists(st.tuples(st.integers(0, 4000), st.booleans(), st.booleans(), st.booleans()), max_size=60))
def test_a_window_counts_what_lies_within(events: list[tuple[int, bool, bool, bool]]) -> None:
    window = Window()
    events.sort(key=lambda one: -one[0])
    for ago, is_asked, is_rejected, is_message in events:
        at = NOW - timedelta(seconds=ago)
        window.count(at, is_asked=is_asked, is_rejected=is_rejected, is_message=is_message)
    window.forget(NOW)

    found = window.since(NOW - timedelta(seconds=60))

    within = [one for one in events if one[0] < 60]
    assert found == Counts(
        asked=sum(one[1] for one in within),
        rejected=sum(one[2] for one in within),
        messages=sum(one[3] for one in within),
    )
    assert all(at >= NOW - SPAN for at, *_ in window.entries)


@pytest.mark.parametrize(
    ("kind", "terms"),
    [
        ("REJECT_RATE", {"window_s": 30}),
        ("REJECT_RATE", {"window_s": 90}),
        ("REJECT_RATE", {"minimum": 21}),
        ("MESSAGE_RATE", {"window_s": 59}),
        ("DISCONNECTS", {"window_s": 59}),
        ("LOSS", {"threshold": Decimal(51)}),
        ("LOSS", {"currency": "EUR"}),
        ("LOSS", {"mode": TradingMode.REDUCE_ONLY}),
        ("LOSS", {"is_active": False}),
        ("LOSS", {"cooldown_s": 61}),
    ],
    ids=str,
)
def test_what_may_let_pass_what_was_halted_loosens(kind: str, terms: dict[str, Any]) -> None:
    before = breaker(kind, "50")

    assert loosened(before, replace(before, **terms)) != ()
    assert loosened(replace(before, is_active=False), replace(before, **terms)) == ()


@pytest.mark.parametrize(
    ("kind", "terms"),
    [
        ("MESSAGE_RATE", {"window_s": 61}),
        ("REJECT_RATE", {"minimum": 19}),
        ("LOSS", {"threshold": Decimal(49)}),
        ("LOSS", {"window_s": 5, "minimum": 500}),
        ("LOSS", {"cooldown_s": 59}),
    ],
    ids=str,
)
def test_what_halts_no_later_loosens_nothing(kind: str, terms: dict[str, Any]) -> None:
    before = breaker(kind, "50")

    assert loosened(before, replace(before, **terms)) == ()


def test_a_proposal_is_kept_and_read_as_it_was() -> None:
    before = breaker()
    wanted = replace(before, threshold=Decimal("2000.5"), currency="EUR", mode=TradingMode.REDUCE_ONLY, window_s=7)
    made = BreakerProposal(wanted=wanted, why=("so",), proposed_by="user:1", proposed_at=NOW)

    read = proposal_of_document(proposal_document(made), before)

    assert read == made
    assert is_confirmed(read, replace(wanted, version=9, updated_by="user:2"), NOW)
    assert not is_confirmed(read, replace(wanted, threshold=Decimal(2001)), NOW)
    assert not is_confirmed(read, None, NOW)
    assert not is_confirmed(read, wanted, NOW + PROPOSAL_LASTS)
