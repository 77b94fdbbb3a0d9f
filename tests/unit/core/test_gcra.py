"""The bucket of a limit within one process."""

from hypothesis import given
from hypothesis import strategies as st

from app.core.gcra import Bucket, Limit

LIMIT = Limit(units_per_s=2, burst=4)


def test_asking_takes_nothing() -> None:
    bucket = Bucket()

    waits = [bucket.wait_s(LIMIT, 4, 100.0) for _ in range(3)]

    assert waits == [0, 0, 0]


def test_what_is_taken_flows_back() -> None:
    bucket = Bucket()

    bucket.take(LIMIT, 4, 100.0)

    assert bucket.wait_s(LIMIT, 1, 100.0) == 0.5
    assert bucket.wait_s(LIMIT, 1, 100.5) == 0
    assert bucket.wait_s(LIMIT, 4, 101.0) == 1.0
    assert bucket.wait_s(LIMIT, 4, 102.0) == 0


def test_who_keeps_the_limit_exactly_is_never_refused() -> None:
    bucket, limit = Bucket(), Limit(units_per_s=10, burst=5)
    times = [100.0] * 5 + [100.0 + tenth / 10 for tenth in range(1, 50)]
    waits = []

    for now in times:
        waits.append(bucket.wait_s(limit, 1, now))
        bucket.take(limit, 1, now)

    assert waits == [0.0] * 54


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 4)), max_size=60))
def test_never_more_than_a_burst_and_what_flowed_back(asked: list[tuple[float, int]]) -> None:
    bucket, now, taken = Bucket(), 50.0, 0

    for pause, units in asked:
        now += pause
        if bucket.wait_s(LIMIT, units, now) == 0:
            bucket.take(LIMIT, units, now)
            taken += units

    assert taken <= LIMIT.burst + (now - 50.0) * LIMIT.units_per_s + 0.1
