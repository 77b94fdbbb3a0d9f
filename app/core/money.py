"""Exact numbers: what a price, a quantity or an amount may look like, and how it is rounded and written."""

import decimal
import re
from decimal import ROUND_HALF_EVEN, Decimal

INTEGER_DIGITS_MAX = 18
FRACTION_DIGITS_MAX = 10
_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,10})?", re.ASCII)
_STEP = Decimal(1).scaleb(-FRACTION_DIGITS_MAX)

ZERO = Decimal(0)

# Python's 28 digits cut off the product of a quantity and a price that each fit their column. A hundred hold quantity
# times price times multiplier whole; the default is for threads that start later.
ARITHMETIC_DIGITS = 100
decimal.DefaultContext.prec = ARITHMETIC_DIGITS
decimal.getcontext().prec = ARITHMETIC_DIGITS


def parse_decimal(text: str) -> Decimal:
    """The number that a plain notation such as "187.42" stands for.

    At most 18 digits before the point and 10 behind it, ASCII digits alone: NaN, infinities, exponents, leading
    zeros, signs other than "-", separators and blanks are refused, so what went in comes out digit for digit.

    Raises ValueError saying what is wrong.
    """
    if _PLAIN.fullmatch(text) is None:
        raise ValueError(
            f"needs a plain decimal number of at most {INTEGER_DIGITS_MAX} digits before the point and "
            f"{FRACTION_DIGITS_MAX} behind it"
        )
    return Decimal(text)


def plain(value: Decimal) -> str:
    """The number in plain notation, without an exponent and without trailing zeros behind the point."""
    text = str(value)
    if "E" in text:
        # Very small or very large, or made with an exponent.
        text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def rounded(value: Decimal) -> Decimal:
    """A computed amount at ten decimals, half to even: how it is stored."""
    return value.quantize(_STEP, rounding=ROUND_HALF_EVEN)


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """True when the value lies on the grid of the step, which is above zero."""
    return value % step == 0
