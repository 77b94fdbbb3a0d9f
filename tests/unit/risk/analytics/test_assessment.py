"""Books held against their past: what is aligned, covered, left out, and why a figure is not told."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.fix import InstrumentType
from app.core.ids import InstrumentId
from app.risk.analytics.assessment import Assessment, assessed
from app.risk.analytics.book import Book
from app.risk.analytics.correlation import correlations
from app.risk.analytics.series import Closes, Floats, aligned, rate_history
from app.risk.analytics.terms import ClosesGap, RiskTerms
from tests.unit.risk.analytics.books import TODAY, book, call, holding, instrument

D = Decimal
LAST = (TODAY - date(1970, 1, 1)).days
TERMS = RiskTerms(confidence=D("0.95"), horizon_days=1, days=100, decay=None, risk_free_rate=D(0))


def walk(seed: int, count: int = 101, *, deviation: float = 0.01, until: int = LAST) -> Closes:
    """Closes of so many days in a row."""
    steps = np.random.default_rng(seed).normal(0, deviation, count)
    return Closes.of(range(until - count + 1, until + 1), (100 * np.cumprod(1 + steps)).tolist())


def returns(closes: Closes) -> Floats:
    """The returns from day to day."""
    found: Floats = closes.prices[1:] / closes.prices[:-1] - 1
    return found


def assess(
    held: Book,
    closes: dict[InstrumentId, Closes],
    pairs: dict[tuple[str, str], Closes] | None = None,
    terms: RiskTerms = TERMS,
) -> Assessment:
    """The figures of a book."""
    return assessed(held, closes, pairs or {}, terms, TODAY)


def test_one_share_by_hand() -> None:
    closes = walk(1)
    held = book([holding(1, "100", "50"), holding(1, "100", "50", of=2)])

    found = assess(held, {instrument(1): closes})

    worst = sorted(returns(closes))[:5]
    assert found.observations == 100
    assert (found.first_day, found.last_day) == (TODAY - timedelta(days=99), TODAY)
    assert found.historical.value_at_risk == round(D(float(-worst[-1] * 10_000)), 2)
    assert found.historical.expected_shortfall == round(D(float(-np.mean(worst) * 10_000)), 2)
    deviation = float(np.std(returns(closes), ddof=1)) * 10_000
    assert float(found.parametric.value_at_risk or 0) == pytest.approx(deviation * NormalDist().inv_cdf(0.95), abs=0.01)
    (contribution,) = found.contributions
    assert contribution.component_var == found.parametric.value_at_risk
    assert contribution.component_shortfall == found.historical.expected_shortfall


def test_a_hedge_has_a_component_below_zero() -> None:
    same = walk(1)
    held = book([holding(1, "100", "50"), holding(2, "-50", "50")])

    found = assess(held, {instrument(1): same, instrument(2): same})

    whole = float(found.parametric.value_at_risk or 0)
    components = {one.line.instrument_id: float(one.component_var or 0) for one in found.contributions}
    assert components == {
        instrument(1): pytest.approx(2 * whole, abs=0.02),
        instrument(2): pytest.approx(-whole, abs=0.02),
    }


def test_more_days_than_one_scale_by_the_root() -> None:
    held, closes = book([holding(1, "100", "50")]), {instrument(1): walk(1)}

    one, nine = assess(held, closes), assess(held, closes, terms=replace(TERMS, horizon_days=9))

    assert float(nine.historical.value_at_risk or 0) == pytest.approx(
        3 * float(one.historical.value_at_risk or 0), abs=0.02
    )


@pytest.mark.parametrize(
    ("closes", "gap", "days"),
    [
        (Closes.of((), ()), ClosesGap.NO_HISTORY, 0),
        (walk(2, 30), ClosesGap.TOO_SHORT, 30),
        (walk(2, 200, until=LAST - 11), ClosesGap.STALE, 200),
    ],
)
def test_a_position_without_history_is_left_out_and_named(closes: Closes, gap: ClosesGap, days: int) -> None:
    held = book([holding(1, "100", "50"), holding(2, "10", "50")])

    found = assess(held, {instrument(1): walk(1), instrument(2): closes})

    assert [(one.line.instrument_id, one.gap, one.days) for one in found.uncovered] == [(instrument(2), gap, days)]
    assert (found.gross, found.covered_gross) == (D(5500), D(5000))
    assert found.historical.value_at_risk is not None


def test_without_any_history_there_is_a_reason_and_no_figure() -> None:
    found = assess(book([holding(1, "100", "50")]), {})

    assert found.historical.value_at_risk is None
    assert found.historical.expected_shortfall is None
    assert found.historical.reason == "No position has closes of more than 30 days that reach to now."
    assert found.parametric.reason == found.historical.reason


def test_a_tail_needs_more_days_than_a_deviation() -> None:
    found = assess(
        book([holding(1, "100", "50")]),
        {instrument(1): walk(1, 61)},
        terms=replace(TERMS, confidence=D("0.99")),
    )

    assert found.historical.reason == "60 daily returns were found that all positions share, and 100 are needed."
    assert found.historical.value_at_risk is None
    assert found.parametric.value_at_risk is not None


def test_histories_that_hardly_meet_give_no_figure() -> None:
    held = book([holding(1, "100", "50"), holding(2, "100", "50")])

    found = assess(held, {instrument(1): walk(1, 60, until=LAST - 9), instrument(2): walk(2, 35)})

    assert found.observations < 30
    assert found.parametric.value_at_risk is None
    assert "are needed" in (found.parametric.reason or "")


def test_nothing_held_is_no_risk_and_what_cannot_be_valued_is_no_figure() -> None:
    nothing = assess(book([]), {})
    unvalued = assess(book([holding(1, "1", None)]), {})

    assert nothing.historical.value_at_risk == nothing.parametric.value_at_risk == 0
    assert unvalued.historical.value_at_risk is None
    assert unvalued.historical.reason == "No position has a price and an exchange rate."


def test_a_foreign_share_moves_with_its_currency() -> None:
    price, rate = walk(1), walk(2, deviation=0.005)
    held = book([holding(1, "100", "50", currency="EUR")], EURUSD="1.1")

    found = assess(held, {instrument(1): price}, {("EUR", "USD"): rate})
    constant = assess(held, {instrument(1): price})

    together = (1 + returns(price)) * (1 + returns(rate)) - 1
    assert float(found.historical.value_at_risk or 0) == pytest.approx(-sorted(together)[4] * 5500, abs=0.01)
    assert found.constant_currencies == ()
    assert float(constant.historical.value_at_risk or 0) == pytest.approx(-sorted(returns(price))[4] * 5500, abs=0.01)
    assert constant.constant_currencies == ("EUR",)


def test_a_future_is_not_exposed_to_its_currency_by_its_notional() -> None:
    flat, rate = Closes.of(range(LAST - 100, LAST + 1), [100.0] * 101), walk(2)
    future = holding(1, "1", "4000", currency="EUR", kind=InstrumentType.FUTURE, multiplier="10")

    found = assess(book([future], EURUSD="1.1"), {instrument(1): flat}, {("EUR", "USD"): rate})

    assert found.historical.value_at_risk == 0


def test_an_option_stands_for_its_delta_in_the_underlying() -> None:
    option = call(1, "10", "3.9817", spot="100", strike="100", expires_on=TODAY + timedelta(days=90))
    closes = walk(1)

    found = assess(book([option]), {instrument(900): closes})

    (contribution,) = found.contributions
    assert contribution.line.is_modelled
    assert contribution.line.factor_id == instrument(900)
    exposure = float(contribution.line.price_value)
    assert exposure == pytest.approx(51_990, abs=30)
    assert float(found.historical.value_at_risk or 0) == pytest.approx(-sorted(returns(closes))[4] * exposure, abs=0.01)


def test_a_day_that_most_have_is_filled_for_the_others() -> None:
    whole, gappy = walk(1), walk(2)
    gappy = Closes(np.delete(gappy.days, 50), np.delete(gappy.prices, 50))

    found = aligned({"a": whole, "b": walk(3), "c": gappy}, 100)

    assert (found.observations, found.filled) == (100, 1)
    assert found.returns[49, 2] == 0


def test_a_day_that_few_have_is_no_day() -> None:
    weekend = Closes.of(range(LAST - 150, LAST + 1), np.linspace(100, 120, 151).tolist())
    sparse = {name: walk(seed, 60) for seed, name in enumerate("abc")}

    found = aligned({**sparse, "w": weekend}, 100)

    assert found.observations == 59


def test_closes_that_have_no_return_are_left_out() -> None:
    found = Closes.of([1, 2, 3, 4, 5], [1.0, 0.0, -37.63, float("nan"), 2.0])

    assert found.days.tolist() == [1, 5]


def test_rates_of_the_past_come_straight_inverted_or_across() -> None:
    euro = Closes.of([1, 2, 3], [1.1, 1.2, 1.25])
    yen = Closes.of([2, 3, 4], [100.0, 110.0, 120.0])
    pairs = {("EUR", "USD"): euro, ("USD", "JPY"): yen}

    straight, inverse = rate_history(pairs, "EUR", "USD"), rate_history(pairs, "USD", "EUR")
    across = rate_history(pairs, "EUR", "JPY")

    assert straight is euro
    assert inverse is not None
    assert inverse.prices.tolist() == [1 / 1.1, 1 / 1.2, 1 / 1.25]
    assert across is not None
    assert (across.days.tolist(), across.prices.tolist()) == ([2, 3], [120.0, 137.5])
    assert rate_history(pairs, "GBP", "USD") is None


@given(st.integers(0, 1000))
def test_correlations_are_those_of_numpy(seed: int) -> None:
    gains = np.random.default_rng(seed).normal(size=(60, 4))

    found = np.array(correlations(gains), dtype=np.float64)

    assert found == pytest.approx(np.corrcoef(gains.T), abs=1e-9)


def test_what_does_not_move_goes_with_nothing() -> None:
    gains = np.column_stack([np.random.default_rng(1).normal(size=40), np.full(40, 0.1)])

    assert correlations(gains) == [[pytest.approx(1.0), None], [None, None]]
