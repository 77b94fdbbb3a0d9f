"""The paces of searches and historical data, by a clock of the test's own."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.brokers.ib.inquiry_pace import (
    HISTORY_INTERVAL_S,
    HISTORY_MAX,
    IDENTICAL_INTERVAL_S,
    OF_CONTRACT_INTERVAL_S,
    OF_CONTRACT_MAX,
    InquiryPace,
)

NEVER_TOO_LONG = 1e9


def test_searches_go_one_a_second_and_keep_their_places() -> None:
    pace = InquiryPace()

    assert [pace.reserve_search(10.0) for _ in range(3)] == [0.0, 1.0, 2.0]
    assert pace.reserve_search(14.0) == 0.0


def test_an_identical_request_waits_for_fifteen_seconds() -> None:
    pace = InquiryPace()

    assert pace.reserve_history(0.0, 1, "a", wait_s_max=0.0) == 0.0
    assert pace.reserve_history(1.0, 1, "b", wait_s_max=0.0) == 0.0
    assert pace.reserve_history(5.0, 1, "a", wait_s_max=4.0) is None
    assert pace.history_wait_s(5.0, 1, "a") == IDENTICAL_INTERVAL_S - 5.0
    assert pace.reserve_history(IDENTICAL_INTERVAL_S, 1, "a", wait_s_max=0.0) == 0.0


def test_five_of_one_contract_in_two_seconds_and_who_comes_later_stands_behind() -> None:
    pace = InquiryPace()

    waits = [pace.reserve_history(0.0, 1, number, wait_s_max=10.0) for number in range(7)]

    assert waits == [0.0] * OF_CONTRACT_MAX + [OF_CONTRACT_INTERVAL_S] * 2
    assert pace.history_wait_s(0.0, 2, "other") == OF_CONTRACT_INTERVAL_S


def test_the_sixty_first_in_ten_minutes_is_told_when_to_come_again() -> None:
    pace = InquiryPace()
    for number in range(HISTORY_MAX):
        assert pace.reserve_history(float(number), number, number, wait_s_max=0.0) == 0.0

    assert pace.reserve_history(100.0, 99, "next", wait_s_max=30.0) is None
    assert pace.history_wait_s(100.0, 99, "next") == HISTORY_INTERVAL_S - 100.0
    assert pace.reserve_history(HISTORY_INTERVAL_S, 99, "next", wait_s_max=0.0) == 0.0


def test_what_was_written_late_counts_from_then() -> None:
    pace = InquiryPace()
    for number in range(OF_CONTRACT_MAX):
        assert pace.reserve_history(0.0, 1, number, wait_s_max=0.0) == 0.0
        pace.wrote_history(0.7, 1, number)

    promised_s = pace.reserve_history(0.7, 1, "next", wait_s_max=10.0)

    assert promised_s == OF_CONTRACT_INTERVAL_S - 0.7
    assert pace.write_wait_s(0.7 + promised_s, 1, "next") == pytest.approx(0.7)
    assert pace.write_wait_s(0.7 + OF_CONTRACT_INTERVAL_S, 1, "next") == 0.0


GAPS = st.sampled_from([0.0, 0.0, 0.0, 0.3, 1.0, 20.0])
REQUESTS = st.lists(st.tuples(GAPS, st.integers(1, 3), st.integers(1, 40)), min_size=70, max_size=150)


@given(REQUESTS)
def test_no_window_ever_holds_more_than_its_limit(requests: list[tuple[float, int, int]]) -> None:
    pace, now = InquiryPace(), 0.0
    sent: list[tuple[float, int, int]] = []
    for after, contract_id, asked in requests:
        now += after
        wait_s = pace.reserve_history(now, contract_id, (contract_id, asked), wait_s_max=NEVER_TOO_LONG)
        assert wait_s is not None
        sent.append((now + wait_s, contract_id, asked))

    times = sorted(at for at, _, _ in sent)
    _assert_window(times, HISTORY_MAX, HISTORY_INTERVAL_S)
    of_contract, identical = defaultdict(list), defaultdict(list)
    for at, contract_id, asked in sent:
        of_contract[contract_id].append(at)
        identical[contract_id, asked].append(at)
    for listed in of_contract.values():
        _assert_window(sorted(listed), OF_CONTRACT_MAX, OF_CONTRACT_INTERVAL_S)
    for listed in identical.values():
        _assert_window(sorted(listed), 1, IDENTICAL_INTERVAL_S)


def _assert_window(times: list[float], count: int, interval_s: float) -> None:
    for earlier, later in zip(times, times[count:], strict=False):
        # Sums of floats differ in the last digits.
        assert later - earlier >= interval_s - 1e-6
