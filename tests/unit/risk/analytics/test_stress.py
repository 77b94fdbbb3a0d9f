"""Books in scenarios: prices, currencies, volatilities, and falls of the past."""

import math
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.fix import InstrumentType, OptionRight
from app.risk.analytics.black_scholes import OptionTerms, greeks_of
from app.risk.analytics.book import Book
from app.risk.analytics.options import ModelGap, OptionModel, book_greeks, model_gaps, model_of
from app.risk.analytics.scenarios import FALLS, PastFall, past_scenario
from app.risk.analytics.stress import Scenario, StressMethod, stressed
from tests.unit.risk.analytics.books import TODAY, ZERO_RATE, book, call, holding, instrument

D = Decimal
SHOCKS = st.decimals(min_value=-1, max_value=10, places=4)
EXPIRY = TODAY + timedelta(days=90)


def pnl(held: Book, scenario: Scenario) -> Decimal:
    """What the book gains or loses."""
    return stressed(held, scenario, TODAY, ZERO_RATE).pnl


def test_all_prices_fall() -> None:
    held = book([holding(1, "100", "50"), holding(2, "-10", "200")])

    assert pnl(held, Scenario(name="fall", price=D("-0.2"))) == D(-600)


def test_the_narrowest_shock_holds() -> None:
    held = book(
        [
            holding(1, "1", "100", sector="Technology"),
            holding(2, "1", "100", sector="Technology"),
            holding(3, "1", "100", sector="Energy"),
        ]
    )
    scenario = Scenario(
        name="mixed",
        price=D("-0.1"),
        by_sector={"Technology": D("-0.3")},
        by_instrument={instrument(2): D("0.5")},
    )

    result = stressed(held, scenario, TODAY, ZERO_RATE)

    assert {line.held.holding.instrument_id: line.pnl for line in result.lines} == {
        instrument(1): D(-30),
        instrument(2): D(50),
        instrument(3): D(-10),
    }
    assert [line.pnl for line in result.lines] == [D(50), D(-30), D(-10)]


def test_a_foreign_share_moves_by_its_price_and_its_currency() -> None:
    held = book([holding(1, "10", "100", currency="EUR")], EURUSD="1.1")
    scenario = Scenario(name="both", price=D("-0.1"), by_currency={"EUR": D("0.05")})

    # 1,100 become 10 x 90 x 1.155.
    assert pnl(held, scenario) == D("-60.5")


def test_the_currency_of_the_book_may_move_too() -> None:
    held = book([holding(1, "10", "100", currency="EUR")], EURUSD="1.1")

    assert pnl(held, Scenario(name="dollar", by_currency={"USD": D("0.25")})) == D(-220)


def test_of_a_future_only_the_change_of_its_price_is_won_or_lost() -> None:
    future = holding(1, "1", "4000", currency="EUR", kind=InstrumentType.FUTURE, multiplier="10")
    held = book([future], EURUSD="1.1")

    assert pnl(held, Scenario(name="currency", by_currency={"EUR": D("0.1")})) == D(0)
    assert pnl(held, Scenario(name="both", price=D("-0.1"), by_currency={"EUR": D("0.1")})) == D(-4840)


def test_a_pair_moves_by_its_currencies_and_not_with_shares() -> None:
    held = book([holding(1, "1000", "1.1", kind=InstrumentType.FOREX, base_currency="EUR")])

    assert pnl(held, Scenario(name="shares", price=D("-0.5"), by_sector={"x": D(-1)})) == D(0)
    assert pnl(held, Scenario(name="euro", by_currency={"EUR": D("0.1")})) == D(110)
    assert pnl(held, Scenario(name="dollar", by_currency={"USD": D("0.1")})) == D(-100)


def test_an_option_is_valued_again_by_its_model() -> None:
    # The model's value of 91 days at 20 %.
    held = book([call(1, "10", "3.9817", spot="100", strike="100", expires_on=EXPIRY)])
    model = model_of(held.valued[0], TODAY, ZERO_RATE)
    assert isinstance(model, OptionModel)
    scenario = Scenario(name="fall", price=D("-0.1"), volatility=D("0.5"))

    (line,) = stressed(held, scenario, TODAY, ZERO_RATE).lines

    assert model.volatility == pytest.approx(0.2, abs=1e-4)
    assert line.method is StressMethod.REVALUED
    assert float(line.pnl) == pytest.approx((model.value_at(90.0, model.volatility * 1.5) - 3.9817) * 1000, abs=0.01)


def test_the_whole_of_a_long_option_is_lost_when_its_underlying_is() -> None:
    held = book([call(1, "10", "3.9817", spot="100", strike="100", expires_on=EXPIRY)])

    assert float(pnl(held, Scenario(name="ruin", price=D(-1)))) == pytest.approx(-3981.7, abs=0.001)


@pytest.mark.parametrize("spot", ["0", "1e-9"])
def test_a_put_on_what_is_worth_nothing_is_worth_its_strike_at_its_end(spot: str) -> None:
    terms = OptionTerms(right=OptionRight.PUT, spot=100.0, strike=80.0, years=2.0, rate=0.05)
    # Far from the money the delta of a put is next to nothing.
    model = OptionModel(
        underlying_id=instrument(900), terms=terms, volatility=0.01, greeks=replace(greeks_of(terms, 0.01), delta=-0.0)
    )

    assert model.value_at(float(spot), 0.2) == pytest.approx(80 * math.exp(-0.1))


@pytest.mark.parametrize(
    ("price", "spot", "days", "gap"),
    [
        ("3.98", None, 90, ModelGap.NO_UNDERLYING),
        ("3.98", "100", -1, ModelGap.EXPIRED),
        ("120", "100", 90, ModelGap.NO_VOLATILITY),
    ],
)
def test_an_option_without_a_model_moves_by_its_own_price_and_says_so(
    price: str, spot: str | None, days: int, gap: ModelGap
) -> None:
    option = holding(1, "10", price, kind=InstrumentType.OPTION, multiplier="100")
    if spot is not None:
        option = call(1, "10", price, spot=spot, strike="100", expires_on=TODAY + timedelta(days=days))
    held = book([option])

    (line,) = stressed(held, Scenario(name="fall", price=D("-0.1"), volatility=D(1)), TODAY, ZERO_RATE).lines

    assert (line.method, line.gap) == (StressMethod.DELTA_ONE, gap)
    assert line.pnl == held.valued[0].value * D("-0.1")
    assert model_gaps(held, TODAY, ZERO_RATE) == {instrument(1): gap}
    assert book_greeks(held, TODAY, ZERO_RATE) == []


def test_greeks_add_up_by_underlying_in_the_currency_of_the_book() -> None:
    held = book(
        [
            call(1, "10", "3.9817", spot="100", strike="100", expires_on=EXPIRY),
            call(2, "-10", "3.9817", spot="100", strike="100", expires_on=EXPIRY),
            call(3, "1", "3.9817", spot="100", strike="100", expires_on=EXPIRY),
        ],
        currency="EUR",
        USDEUR="0.5",
    )

    (found,) = book_greeks(held, TODAY, ZERO_RATE)

    # Half of a hundred units, in euros: delta 0.5199 x 100 x 100 x 0.5.
    assert found.underlying_id == instrument(900)
    assert float(found.delta) == pytest.approx(2599.5, abs=1)
    assert float(found.gamma) == pytest.approx(199.4, abs=1)
    assert float(found.vega) == pytest.approx(9.95, abs=0.05)
    assert float(found.theta) == pytest.approx(-1.09, abs=0.02)


@given(SHOCKS, SHOCKS)
def test_what_is_linear_scales_with_the_shock(one: Decimal, other: Decimal) -> None:
    held = book([holding(1, "100", "50"), holding(2, "-7", "13.37")])

    together = pnl(held, Scenario(name="sum", price=one + other))

    assert together == pnl(held, Scenario(name="one", price=one)) + pnl(held, Scenario(name="other", price=other))


@given(st.decimals(min_value=-1, max_value=3, places=3), st.decimals(min_value="-0.9", max_value=3, places=3))
def test_a_long_option_loses_no_more_than_it_is_worth(price: Decimal, volatility: Decimal) -> None:
    held = book([call(1, "1", "3.9817", spot="100", strike="100", expires_on=EXPIRY)])

    assert pnl(held, Scenario(name="any", price=price, volatility=volatility)) >= D("-398.171")


@pytest.mark.parametrize(
    ("fall", "price", "volatility"),
    [
        (PastFall.BLACK_MONDAY_1987, "-0.2047", "0"),
        (PastFall.DOT_COM_2000, "-0.4915", "0"),
        (PastFall.SEPTEMBER_2001, "-0.116", "0"),
        (PastFall.LEHMAN_2008, "-0.3989", "2.1512"),
        (PastFall.COVID_2020, "-0.3392", "3.283"),
        (PastFall.RATES_2022, "-0.2543", "1.0223"),
    ],
)
def test_falls_of_the_past_are_what_the_index_did(fall: PastFall, price: str, volatility: str) -> None:
    scenario = past_scenario(fall)

    assert (scenario.price, scenario.volatility) == (D(price), D(volatility))
    assert str(FALLS[fall].last) in (scenario.source or "")
