"""UUIDv7: the layout of RFC 9562, and ids that sort by the time they were made."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122

from hypothesis import given
from hypothesis import strategies as st

from app.core.ids import uuid7
from app.infra.system import SystemIds

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

instants = st.integers(0, 7_258_118_400_000).map(lambda ms: EPOCH + timedelta(milliseconds=ms))
randoms = st.integers(0, 2**74 - 1)


def test_the_example_of_the_rfc() -> None:
    at = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
    random_bits = 0xCC3 << 62 | 0x18C4DC0C0C07398F

    assert str(uuid7(at, random_bits)) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@given(instants, randoms)
def test_version_and_variant(at: datetime, random_bits: int) -> None:
    made = uuid7(at, random_bits)

    assert made.version == 7
    assert made.variant == RFC_4122


@given(instants, randoms)
def test_each_random_bit_counts(at: datetime, random_bits: int) -> None:
    made = {uuid7(at, random_bits ^ 1 << bit) for bit in range(74)}

    assert len(made - {uuid7(at, random_bits)}) == 74


@given(instants, st.integers(1, 10**9), randoms, randoms)
def test_a_later_millisecond_sorts_behind(at: datetime, later_ms: int, one: int, other: int) -> None:
    assert uuid7(at, one) < uuid7(at + timedelta(milliseconds=later_ms), other)


@given(instants, st.integers(0, 999), randoms)
def test_the_first_48_bits_are_the_whole_milliseconds(at: datetime, microseconds: int, random_bits: int) -> None:
    made = uuid7(at + timedelta(microseconds=microseconds), random_bits)

    assert made.int >> 80 == (at - EPOCH) // timedelta(milliseconds=1)


@given(instants, randoms)
def test_random_bits_beyond_74_are_cut_off(at: datetime, random_bits: int) -> None:
    assert uuid7(at, random_bits | 1 << 74) == uuid7(at, random_bits)


def test_the_systems_ids_are_new_each_time() -> None:
    ids = SystemIds()

    assert len({ids.new() for _ in range(1000)}) == 1000
