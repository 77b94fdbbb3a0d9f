"""What is asked of a book's past, with its bounds; nothing here needs the library that the answer takes."""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Final

from app.core.money import ZERO

DAYS_MAX: Final = 1_000
OBSERVATIONS_MIN: Final = 30
"""Fewer daily returns say too little to estimate from."""
STALE_DAYS: Final = 10
"""A history that ends longer before the newest day of all tells nothing of now."""
CONFIDENCE_MIN: Final = Decimal("0.8")
CONFIDENCE_MAX: Final = Decimal("0.999")
DEFAULT_CONFIDENCE: Final = Decimal("0.99")
DEFAULT_DAYS: Final = 500
HORIZON_MAX: Final = 60
DECAY_MIN: Final = Decimal("0.5")
DECAY_MAX: Final = Decimal("0.9999")
RATE_MAX: Final = Decimal("0.5")
"""A rate per year that is higher, or as far below zero, is a slip of the pen."""
NAMES_MAX: Final = 50
_CENT: Final = Decimal("0.01")
_RATIO: Final = Decimal("0.000001")


class ClosesGap(StrEnum):
    """Why the closes of a thing are not used."""

    NO_HISTORY = "NO_HISTORY"
    TOO_SHORT = "TOO_SHORT"
    STALE = "STALE"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskTerms:
    """What is asked: the confidence, the horizon in trading days, and over how many past days at most.

    decay below one weighs newer days more in the parametric figure. The rate is per year, for the models of options.
    """

    confidence: Decimal
    horizon_days: int
    days: int
    decay: Decimal | None
    risk_free_rate: Decimal


def observations_needed(confidence: Decimal) -> int:
    """The fewest days of which one lies in the tail."""
    return math.ceil(1 / (1 - confidence))


def first_close_day(today: date, days: int) -> date:
    """From when closes are read: trading days are at most five of seven, and holidays come on top."""
    return today - timedelta(days=days * 3 // 2 + 30)


def money(value: float) -> Decimal:
    """An estimate as an amount, at two decimals."""
    return Decimal(repr(value)).quantize(_CENT, rounding=ROUND_HALF_EVEN) + ZERO


def ratio(value: float) -> Decimal:
    """An estimate without a unit, at six decimals."""
    return Decimal(repr(value)).quantize(_RATIO, rounding=ROUND_HALF_EVEN) + ZERO
