"""European options by Black, Scholes and Merton without dividends: value, greeks, the volatility that a price implies.

Source: John C. Hull, Options, Futures, and Other Derivatives, 9th edition, chapters 15 and 19.
"""

import math
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist
from typing import Final

from app.core.fix import OptionRight

DAYS_PER_YEAR: Final = 365.0
VOLATILITY_MIN: Final = 1e-4
VOLATILITY_MAX: Final = 10.0
_STEPS: Final = 80
# A price carries no volatility where it is its bound: less of the price than this is time value.
_TIME_VALUE_MIN: Final = 1e-6
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionTerms:
    """An option on one unit. spot, strike in money; years until it expires, above zero; rate per year, continuous."""

    right: OptionRight
    spot: float
    strike: float
    years: float
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeks:
    """Of one unit: delta and gamma per unit of price, vega per 1.00 of volatility, theta and rho per year and 1.00."""

    delta: float
    gamma: float
    vega: float
    theta: float
    rho: float


def years_until(expires_on: date, today: date) -> float:
    """The time to the end of the last day, in years; at or below zero once that day is over."""
    return ((expires_on - today).days + 1) / DAYS_PER_YEAR


def value_of(terms: OptionTerms, volatility: float) -> float:
    """The value at a volatility per year, above zero."""
    d1, d2 = _d(terms, volatility)
    sign = _sign(terms.right)
    discounted = terms.strike * math.exp(-terms.rate * terms.years)
    return sign * (terms.spot * _NORMAL.cdf(sign * d1) - discounted * _NORMAL.cdf(sign * d2))


def greeks_of(terms: OptionTerms, volatility: float) -> Greeks:
    """How the value changes with its inputs, at a volatility per year, above zero."""
    d1, d2 = _d(terms, volatility)
    sign = _sign(terms.right)
    density, root = _NORMAL.pdf(d1), math.sqrt(terms.years)
    discounted = terms.strike * math.exp(-terms.rate * terms.years)
    carried = sign * terms.rate * discounted * _NORMAL.cdf(sign * d2)
    return Greeks(
        delta=sign * _NORMAL.cdf(sign * d1),
        gamma=density / (terms.spot * volatility * root),
        vega=terms.spot * density * root,
        theta=-terms.spot * density * volatility / (2 * root) - carried,
        rho=sign * terms.years * discounted * _NORMAL.cdf(sign * d2),
    )


def implied_volatility(terms: OptionTerms, price: float) -> float | None:
    """The volatility at which the option is worth the price; None where none within the bounds is.

    By bisection: the value grows with the volatility, and where vega is next to nothing Newton's steps run away.
    """
    low, high = VOLATILITY_MIN, VOLATILITY_MAX
    lowest = value_of(terms, low)
    if not lowest + _TIME_VALUE_MIN * terms.spot < price < value_of(terms, high):
        return None
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if value_of(terms, middle) < price:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _d(terms: OptionTerms, volatility: float) -> tuple[float, float]:
    spread = volatility * math.sqrt(terms.years)
    drift = (terms.rate + volatility * volatility / 2) * terms.years
    d1 = (math.log(terms.spot / terms.strike) + drift) / spread
    return d1, d1 - spread


def _sign(right: OptionRight) -> int:
    return 1 if right is OptionRight.CALL else -1
