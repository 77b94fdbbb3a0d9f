"""Value at risk and expected shortfall, from what past days would have done to what is held now.

Losses are above zero. Source: John C. Hull, Options, Futures, and Other Derivatives, 9th edition, chapter 22;
J.P. Morgan/Reuters, RiskMetrics Technical Document, 4th edition, 1996; Philippe Jorion, Value at Risk, chapter 7.
"""

import math
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from statistics import NormalDist
from typing import Final

import numpy as np

from app.risk.analytics.series import Floats

_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Tail:
    """A figure and what each column adds to it: the parts sum up to the whole."""

    value_at_risk: float
    expected_shortfall: float
    components: Floats


def tail_count(observations: int, confidence: Decimal) -> int:
    """How many of the worst days lie at or beyond the value at risk: of 500 at 99 % five; 0 where none does."""
    return int((observations * (1 - confidence)).to_integral_value(ROUND_FLOOR))


def historical(gains: Floats, confidence: Decimal, horizon_days: int) -> Tail:
    """By historical simulation, from the gains of each day (rows) and each position (columns).

    The value at risk is the loss of the day with the rank of `tail_count`, the expected shortfall the mean loss of the
    days up to it; the components are the means of those same days. More days than one scale both by the root of them.
    Needs as many rows as `observations_needed` says.
    """
    total = gains.sum(axis=1)
    count = tail_count(len(total), confidence)
    assert count > 0, "there are enough days"
    worst = np.argsort(total, kind="stable")[:count]
    scale = math.sqrt(horizon_days)
    components: Floats = -gains[worst].mean(axis=0) * scale
    return Tail(
        value_at_risk=float(-total[worst[-1]]) * scale,
        expected_shortfall=float(-total[worst].mean()) * scale,
        components=components,
    )


def parametric(gains: Floats, confidence: Decimal, horizon_days: int, *, decay: Decimal | None = None) -> Tail:
    """By variance and covariance, from the same gains, as if they were normal with a mean of zero.

    The covariances are those of the sample, or with a decay below one weighted by it, the newest day most, about zero
    (RiskMetrics: 0.94). The components are those of the value at risk: each position's covariance with the whole over
    the standard deviation of the whole, times the quantile.
    """
    weights = _weights(len(gains), decay)
    centred = gains if decay is not None else gains - gains.mean(axis=0)
    total = centred.sum(axis=1)
    with_total: Floats = (centred * total[:, np.newaxis] * weights[:, np.newaxis]).sum(axis=0)
    deviation = math.sqrt(max(float((total * total * weights).sum()), 0.0))
    level = float(confidence)
    quantile, scale = _NORMAL.inv_cdf(level), math.sqrt(horizon_days)
    components: Floats = np.zeros_like(with_total)
    if deviation > 0:
        components = with_total / deviation * quantile * scale
    return Tail(
        value_at_risk=deviation * quantile * scale,
        expected_shortfall=deviation * _NORMAL.pdf(quantile) / (1 - level) * scale,
        components=components,
    )


def _weights(count: int, decay: Decimal | None) -> Floats:
    if decay is None:
        return np.full(count, 1.0 / max(count - 1, 1))
    powers: Floats = float(decay) ** np.arange(count - 1, -1, -1, dtype=np.float64)
    scaled: Floats = powers / powers.sum()
    return scaled
