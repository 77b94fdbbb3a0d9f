"""Value at risk and expected shortfall against published examples, against numpy, and by what must always hold."""

import math
from decimal import Decimal
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.risk.analytics.series import Floats
from app.risk.analytics.terms import observations_needed
from app.risk.analytics.value_at_risk import historical, parametric, tail_count

D = Decimal
GAINS = arrays(np.float64, (120, 3), elements=st.floats(-1e6, 1e6, allow_subnormal=False))
CONFIDENCES = st.sampled_from([D("0.9"), D("0.95"), D("0.975"), D("0.99")])


def with_covariance(covariance: Floats, rows: int = 400) -> Floats:
    """Gains whose covariances are those given, to the last digit that matters."""
    drawn = np.random.default_rng(7).standard_normal((rows, len(covariance)))
    drawn -= drawn.mean(axis=0)
    whitened = drawn @ np.linalg.inv(np.linalg.cholesky(np.cov(drawn.T)).T)
    gains: Floats = whitened @ np.linalg.cholesky(covariance).T
    return gains


def of_positions(values: list[float], deviations: list[float], correlations: list[list[float]]) -> Floats:
    """Gains of positions whose returns have these deviations and correlations."""
    spread = np.array(values) * np.array(deviations)
    return with_covariance(np.outer(spread, spread) * np.array(correlations))


def test_historical_simulation_of_hull() -> None:
    # Source: Hull, Options, Futures, and Other Derivatives, 9th edition, tables 22.1 to 22.4: the worst of 500 losses
    # on four indices, in thousands of dollars. The value at risk of 99 % is the fifth of them.
    worst = [477.841, 345.435, 282.204, 277.041, 253.385, 217.974]
    losses = np.array([*worst, *np.linspace(200.0, -400.0, 494)])
    np.random.default_rng(1).shuffle(losses)

    found = historical(-losses[:, np.newaxis], D("0.99"), 1)

    assert found.value_at_risk == pytest.approx(253.385)
    assert found.expected_shortfall == pytest.approx(327.181, abs=0.0005)
    assert historical(-losses[:, np.newaxis], D("0.99"), 10).value_at_risk == pytest.approx(801.274, abs=0.001)


def test_the_model_building_approach_of_hull() -> None:
    # Source: the same, section 22.2 and table 22.6: 4, 3, 1 and 2 million on four indices, daily deviations of 1.11,
    # 1.42, 1.40 and 1.38 %. Told with three digits, they give the published 217,757 to half a per cent.
    rho = [
        [1, 0.489, 0.496, -0.062],
        [0.489, 1, 0.918, 0.201],
        [0.496, 0.918, 1, 0.211],
        [-0.062, 0.201, 0.211, 1],
    ]
    gains = of_positions([4e6, 3e6, 1e6, 2e6], [0.0111, 0.0142, 0.0140, 0.0138], rho)

    found = parametric(gains, D("0.99"), 1)

    assert found.value_at_risk == pytest.approx(217_757, rel=0.005)
    # The shortfall of a normal loss of the deviation 93.60 at 99 %, by Hull's formula (22.1 exercises): 2.665 times it.
    assert found.expected_shortfall / found.value_at_risk == pytest.approx(2.66521 / 2.32635, rel=1e-5)


def test_two_shares_of_hull() -> None:
    # Source: the same, section 22.4: 10 million in Microsoft and 5 million in AT&T, 2 % and 1 % a day, a correlation of
    # 0.3; ten days at 99 %: 1,622,657 by a quantile of 2.33.
    gains = of_positions([10e6, 5e6], [0.02, 0.01], [[1, 0.3], [0.3, 1]])

    found = parametric(gains, D("0.99"), 10)

    assert found.value_at_risk * 2.33 / NormalDist().inv_cdf(0.99) == pytest.approx(1_622_657, rel=1e-4)


def test_components_of_jorion() -> None:
    # Source: Jorion, Value at Risk, 3rd edition, section 7.2: 2 million of Canadian dollars and 1 million of euros, 5 %
    # and 12 %, not correlated; at 1.65 deviations 257,738, of which 105,630 and 152,108.
    gains = of_positions([2e6, 1e6], [0.05, 0.12], [[1, 0], [0, 1]])

    found = parametric(gains, D("0.95"), 1)
    scale = 1.65 / NormalDist().inv_cdf(0.95)

    assert found.value_at_risk * scale == pytest.approx(257_738, rel=1e-5)
    assert found.components * scale == pytest.approx([105_630, 152_108], rel=1e-4)


def test_exponential_weights_of_riskmetrics() -> None:
    # Source: RiskMetrics Technical Document, 4th edition, section 5.2: the recursion of equation 5.3.
    returns = np.random.default_rng(3).normal(0, 0.01, 300)
    variance = returns[0] ** 2
    for one in returns[1:]:
        variance = 0.94 * variance + 0.06 * one**2

    found = parametric(returns[:, np.newaxis], D("0.95"), 1, decay=D("0.94"))

    assert found.value_at_risk == pytest.approx(np.sqrt(variance) * NormalDist().inv_cdf(0.95), rel=1e-6)


@pytest.mark.parametrize(
    ("observations", "confidence", "count"),
    [(500, "0.99", 5), (250, "0.99", 2), (100, "0.99", 1), (99, "0.99", 0), (30, "0.95", 1), (1000, "0.999", 1)],
)
def test_how_many_days_lie_in_the_tail(observations: int, confidence: str, count: int) -> None:
    assert tail_count(observations, D(confidence)) == count
    assert (observations >= observations_needed(D(confidence))) is (count > 0)


@given(GAINS, CONFIDENCES)
def test_the_historical_figure_is_the_order_statistic(gains: Floats, confidence: Decimal) -> None:
    losses = sorted(-gains.sum(axis=1), reverse=True)
    count = tail_count(len(losses), confidence)

    found = historical(gains, confidence, 1)

    assert found.value_at_risk == losses[count - 1]
    assert found.expected_shortfall == pytest.approx(np.mean(losses[:count]), rel=1e-9, abs=1e-6)


@given(GAINS, CONFIDENCES, st.integers(1, 20))
def test_the_shortfall_is_never_below_the_value_at_risk(gains: Floats, confidence: Decimal, horizon: int) -> None:
    for found in (historical(gains, confidence, horizon), parametric(gains, confidence, horizon)):
        assert found.expected_shortfall >= found.value_at_risk - 1e-9 * abs(found.value_at_risk)


@given(GAINS, CONFIDENCES, st.sampled_from([0.5, 2.0, 8.0]))
def test_twice_the_book_is_twice_the_risk(gains: Floats, confidence: Decimal, times: float) -> None:
    for measured in (historical, parametric):
        once, more = measured(gains, confidence, 1), measured(gains * times, confidence, 1)

        assert more.value_at_risk == pytest.approx(once.value_at_risk * times, rel=1e-9, abs=1e-6)
        assert more.expected_shortfall == pytest.approx(once.expected_shortfall * times, rel=1e-9, abs=1e-6)


@given(GAINS, CONFIDENCES, st.none() | st.just(D("0.94")))
def test_components_sum_up(gains: Floats, confidence: Decimal, decay: Decimal | None) -> None:
    by_variance = parametric(gains, confidence, 1, decay=decay)
    by_history = historical(gains, confidence, 1)

    assert by_variance.components.sum() == pytest.approx(by_variance.value_at_risk, rel=1e-6, abs=1e-3)
    assert by_history.components.sum() == pytest.approx(by_history.expected_shortfall, rel=1e-6, abs=1e-3)


@given(GAINS, CONFIDENCES)
def test_the_parametric_figure_follows_from_the_covariances(gains: Floats, confidence: Decimal) -> None:
    covariance = np.cov(gains.T)
    variance = np.ones(3) @ covariance @ np.ones(3)

    found = parametric(gains, confidence, 1)

    scale = float(np.abs(gains).max()) + 1
    expected = math.sqrt(max(float(variance), 0.0)) * NormalDist().inv_cdf(float(confidence))
    assert found.value_at_risk == pytest.approx(expected, rel=1e-5, abs=1e-6 * scale)


@given(GAINS, CONFIDENCES)
def test_two_books_together_risk_no_more_than_apart(gains: Floats, confidence: Decimal) -> None:
    # Expected shortfall and a normal value at risk are subadditive; a historical value at risk is not.
    apart = [gains[:, [place]] for place in range(3)]

    together = historical(gains, confidence, 1).expected_shortfall
    assert together <= sum(historical(one, confidence, 1).expected_shortfall for one in apart) + 1e-3
    whole = parametric(gains, confidence, 1).value_at_risk
    assert whole <= sum(parametric(one, confidence, 1).value_at_risk for one in apart) + 1e-3


def test_a_book_that_never_moved_risks_nothing() -> None:
    found = parametric(np.zeros((40, 2)), D("0.99"), 1)

    assert (found.value_at_risk, found.expected_shortfall, found.components.tolist()) == (0, 0, [0, 0])
