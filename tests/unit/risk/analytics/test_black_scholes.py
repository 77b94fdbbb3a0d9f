"""The option model against the worked examples of Hull, Options, Futures, and Other Derivatives, 9th edition."""

import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.fix import OptionRight
from app.risk.analytics.black_scholes import (
    OptionTerms,
    greeks_of,
    implied_volatility,
    value_of,
    years_until,
)

RIGHTS = st.sampled_from(OptionRight)


def terms(
    right: OptionRight = OptionRight.CALL,
    *,
    spot: float = 49.0,
    strike: float = 50.0,
    years: float = 0.3846,
    rate: float = 0.05,
) -> OptionTerms:
    """Hull's option of chapter 19."""
    return OptionTerms(right=right, spot=spot, strike=strike, years=years, rate=rate)


def test_values_of_example_15_6() -> None:
    call = terms(spot=42, strike=40, years=0.5, rate=0.1)
    put = terms(OptionRight.PUT, spot=42, strike=40, years=0.5, rate=0.1)

    assert value_of(call, 0.2) == pytest.approx(4.76, abs=0.005)
    assert value_of(put, 0.2) == pytest.approx(0.81, abs=0.005)


def test_greeks_of_chapter_19() -> None:
    # Examples 19.1, 19.2, 19.4, 19.6 and 19.7.
    found = greeks_of(terms(), 0.2)

    assert value_of(terms(), 0.2) == pytest.approx(2.40, abs=0.005)
    assert found.delta == pytest.approx(0.522, abs=0.0005)
    assert found.theta == pytest.approx(-4.31, abs=0.005)
    assert found.gamma == pytest.approx(0.066, abs=0.0005)
    assert found.vega == pytest.approx(12.1, abs=0.05)
    assert found.rho == pytest.approx(8.91, abs=0.005)


def test_the_implied_volatility_of_section_15_11() -> None:
    # A call on 21 at 20, a rate of ten per cent, three months, at 1.875: 23.5 per cent.
    found = implied_volatility(terms(spot=21, strike=20, years=0.25, rate=0.1), 1.875)

    assert found == pytest.approx(0.235, abs=0.0005)


@given(
    right=RIGHTS,
    spot=st.floats(50, 150),
    years=st.floats(0.05, 3),
    rate=st.floats(-0.02, 0.1),
    volatility=st.floats(0.1, 1.5),
)
def test_greeks_are_the_derivatives(
    right: OptionRight, spot: float, years: float, rate: float, volatility: float
) -> None:
    def worth(*, up: float = 0, vol: float = 0, later: float = 0, higher: float = 0) -> float:
        moved = OptionTerms(right=right, spot=spot + up, strike=100, years=years - later, rate=rate + higher)
        return value_of(moved, volatility + vol)

    found = greeks_of(OptionTerms(right=right, spot=spot, strike=100, years=years, rate=rate), volatility)
    step = 1e-4

    assert found.delta == pytest.approx((worth(up=step) - worth(up=-step)) / (2 * step), abs=1e-5)
    assert found.gamma == pytest.approx((worth(up=0.01) - 2 * worth() + worth(up=-0.01)) / 1e-4, abs=1e-5)
    assert found.vega == pytest.approx((worth(vol=step) - worth(vol=-step)) / (2 * step), abs=1e-3)
    assert found.theta == pytest.approx((worth(later=step) - worth(later=-step)) / (2 * step), abs=1e-2)
    assert found.rho == pytest.approx((worth(higher=step) - worth(higher=-step)) / (2 * step), abs=1e-3)


@given(spot=st.floats(50, 150), years=st.floats(0.01, 3), rate=st.floats(-0.05, 0.2), volatility=st.floats(0.01, 3))
def test_put_and_call_are_in_parity(spot: float, years: float, rate: float, volatility: float) -> None:
    call = OptionTerms(right=OptionRight.CALL, spot=spot, strike=100, years=years, rate=rate)
    put = OptionTerms(right=OptionRight.PUT, spot=spot, strike=100, years=years, rate=rate)

    between = value_of(call, volatility) - value_of(put, volatility)

    assert between == pytest.approx(spot - 100 * math.exp(-rate * years), abs=1e-9)


@given(right=RIGHTS, spot=st.floats(80, 120), years=st.floats(0.25, 2), volatility=st.floats(0.3, 2))
def test_a_value_implies_the_volatility_that_it_came_from(
    right: OptionRight, spot: float, years: float, volatility: float
) -> None:
    option = OptionTerms(right=right, spot=spot, strike=100, years=years, rate=0.03)

    found = implied_volatility(option, value_of(option, volatility))

    assert found == pytest.approx(volatility, rel=1e-4)


@pytest.mark.parametrize("price", [0.0, -1.0, 1.0, 50.0, float("nan"), float("inf")])
def test_a_price_outside_the_bounds_implies_nothing(price: float) -> None:
    # Worth at least 9 as it stands, and never more than the 49 that it is on.
    assert implied_volatility(terms(strike=40, rate=0), price) is None


def test_an_option_lives_to_the_end_of_its_last_day() -> None:
    day = date(2026, 11, 20)

    assert years_until(day, day) == pytest.approx(1 / 365)
    assert years_until(day, date(2026, 11, 21)) == 0
