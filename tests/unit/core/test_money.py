"""Exact numbers: what is taken, what is refused, how it is written and rounded."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.money import is_multiple, parse_decimal, plain, rounded

exact = st.decimals(
    min_value=Decimal("-999999999999999999"), max_value=Decimal("999999999999999999"), places=10, allow_nan=False
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", Decimal(0)),
        ("-0", Decimal(0)),
        ("187.42", Decimal("187.42")),
        ("-0.0000000001", Decimal("-0.0000000001")),
        ("0.10", Decimal("0.1")),
        ("999999999999999999.9999999999", Decimal("999999999999999999.9999999999")),
    ],
)
def test_plain_notation_is_taken(text: str, value: Decimal) -> None:
    assert parse_decimal(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " 1",
        "1 ",
        "1\n",
        "\t1",
        "+1",
        "--1",
        "-",
        ".",
        ".5",
        "1.",
        "01",
        "-01",
        "00",
        "1_000",
        "1,000",
        "1.000,5",
        "1.2.3",
        "NaN",
        "nan",
        "sNaN",
        "-NaN",
        "Infinity",
        "-Infinity",
        "inf",
        "1E+999",
        "1e5",
        "1E-5",
        "0x10",
        "１２３",
        "١٢٣",
        "1２",
        "½",
        "1\x00",
        "−1",
        "9999999999999999999",
        "0.12345678901",
        "1e999999999",
        "9" * 100_000,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="plain decimal number"):
        parse_decimal(text)


@given(exact)
def test_what_goes_in_comes_out(value: Decimal) -> None:
    assert parse_decimal(plain(value)) == value


@given(exact)
def test_plain_notation_is_canonical(value: Decimal) -> None:
    written = plain(value)

    assert "E" not in written
    assert written == plain(Decimal(written))
    assert not written.endswith(".")
    assert "." not in written or not written.endswith("0")
    assert written != "-0"


@given(st.text(max_size=40))
def test_what_is_taken_is_finite_ascii_and_bounded(text: str) -> None:
    try:
        value = parse_decimal(text)
    except ValueError:
        return

    assert value.is_finite()
    assert text.isascii()
    assert abs(value) < 10**18
    assert value == rounded(value)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("1E+3"), "1000"),
        (Decimal("1.500"), "1.5"),
        (Decimal("100"), "100"),
        (Decimal("-0"), "0"),
        (Decimal("-0.00"), "0"),
        (Decimal("1E-10"), "0.0000000001"),
        (Decimal("0E-20"), "0"),
    ],
)
def test_numbers_are_written_without_exponent_and_trailing_zeros(value: Decimal, written: str) -> None:
    assert plain(value) == written


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (Decimal("0.00000000005"), Decimal("0E-10")),
        (Decimal("0.00000000015"), Decimal("0.0000000002")),
        (Decimal("0.00000000025"), Decimal("0.0000000002")),
        (Decimal("-0.00000000015"), Decimal("-0.0000000002")),
        (Decimal(1) / Decimal(3), Decimal("0.3333333333")),
    ],
)
def test_amounts_are_rounded_half_to_even_at_ten_decimals(value: Decimal, stored: Decimal) -> None:
    assert rounded(value) == stored


@given(exact)
def test_rounding_twice_is_rounding_once(value: Decimal) -> None:
    assert rounded(rounded(value)) == rounded(value)


@given(exact, exact)
def test_a_product_of_two_admitted_numbers_is_exact(one: Decimal, other: Decimal) -> None:
    assert Fraction(one * other) == Fraction(one) * Fraction(other)


@given(exact, exact)
def test_a_rounded_product_lies_within_half_a_step(one: Decimal, other: Decimal) -> None:
    assert abs(Fraction(rounded(one * other)) - Fraction(one) * Fraction(other)) <= Fraction(1, 2 * 10**10)


def test_arithmetic_is_exact_in_other_threads_too() -> None:
    with ThreadPoolExecutor(1) as pool:
        product = pool.submit(lambda: Decimal("123456789.1234567891") * Decimal("12345.6789012345")).result()

    assert product == Decimal("1524157876695.61738242652739614395")


@given(
    st.integers(-(10**9), 10**9),
    st.sampled_from([Decimal("0.00005"), Decimal("0.01"), Decimal("0.25"), Decimal(1), Decimal(100)]),
)
def test_every_step_lies_on_the_grid_and_half_a_step_does_not(steps: int, step: Decimal) -> None:
    assert is_multiple(steps * step, step)
    assert not is_multiple(steps * step + step / 2, step)
