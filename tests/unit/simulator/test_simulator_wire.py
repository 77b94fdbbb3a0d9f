"""Frames and fields: what is written is read back, in any pieces, and nothing else is believed."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.simulator.requests import read_time
from app.simulator.wire import FRAME_BYTES_MAX, FieldError, FieldReader, FrameError, encode, take_frame

FIELD = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@given(st.lists(st.lists(FIELD, min_size=1, max_size=5), max_size=5), st.integers(min_value=1, max_value=7))
def test_frames_survive_any_cutting(frames: list[list[str]], piece: int) -> None:
    stream = b"".join(encode(*fields) for fields in frames)
    buffer = bytearray()
    seen: list[list[str]] = []

    for start in range(0, len(stream), piece):
        buffer += stream[start : start + piece]
        while (payload := take_frame(buffer)) is not None:
            reader = FieldReader(payload)
            seen.append([reader.text() for _ in range(payload.count(b"\0"))])

    assert seen == frames
    assert buffer == b""


def test_frame_beyond_the_bound_is_refused() -> None:
    with pytest.raises(FrameError):
        take_frame(bytearray((FRAME_BYTES_MAX + 1).to_bytes(4, "big")))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("", None),
        ("1.7976931348623157E308", None),
        ("1.7976931348623157e+308", None),
        ("187.42", Decimal("187.42")),
        ("100.0", Decimal(100)),
        ("5e-05", Decimal("0.00005")),
        ("-1", Decimal(-1)),
        ("0.0", Decimal(0)),
    ],
)
def test_number_fields(field: str, value: Decimal | None) -> None:
    assert FieldReader(f"{field}\0".encode()).decimal() == value


@pytest.mark.parametrize("field", ["NaN", "Infinity", "-Infinity", "1e99", "1e-99", "one", "1" * 41, "1,5"])
def test_what_is_no_number_is_refused(field: str) -> None:
    with pytest.raises(FieldError):
        FieldReader(f"{field}\0".encode()).decimal()


@pytest.mark.parametrize(("field", "value"), [("", 7), ("2147483647", 7), ("0", 0), ("-1", -1)])
def test_integer_fields(field: str, value: int) -> None:
    assert FieldReader(f"{field}\0".encode()).integer(7) == value


@pytest.mark.parametrize("field", ["1.5", "one", "2147483648", "-2147483649", "9" * 5_000])
def test_what_is_no_integer_is_refused(field: str) -> None:
    with pytest.raises(FieldError):
        FieldReader(f"{field}\0".encode()).integer()


def test_missing_field_is_refused() -> None:
    reader = FieldReader(b"one\0")
    reader.skip(1)

    with pytest.raises(FieldError, match="field 1 is missing"):
        reader.text()


@pytest.mark.parametrize(
    ("field", "hour"),
    [("20261120-15:30:00", 15), ("20261120 15:30:00", 15), ("20261120  15:30:00", 15)],
)
def test_time_without_a_zone_is_utc(field: str, hour: int) -> None:
    assert read_time(field) == datetime(2026, 11, 20, hour, 30, tzinfo=UTC)


def test_time_in_a_zone_is_turned_to_utc() -> None:
    assert read_time("20261120 15:30:00 US/Eastern") == datetime(2026, 11, 20, 20, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "field", ["", "20261120", "20261320 00:00:00", "20261120 15:30:00 Mars/Olympus", "20261120 15:30:00 US", "x y"]
)
def test_what_is_no_time_is_refused(field: str) -> None:
    with pytest.raises(FieldError):
        read_time(field)
