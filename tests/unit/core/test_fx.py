"""Exchange rates: straight, inverted, crossed, and never made up."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.core.fx import RATE_AGE_MAX, FxRate, FxRates

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
CURRENCIES = ("EUR", "USD", "GBP", "JPY")


def rate(pair: str, value: str | Decimal, *, age_s: int = 0) -> FxRate:
    base, quote = pair.split(".")
    return FxRate(base=base, quote=quote, rate=Decimal(value), at=NOW - timedelta(seconds=age_s))


def found(rates: FxRates, base: str, quote: str) -> Decimal | None:
    one = rates.find(base, quote, NOW)
    return None if one is None else one.rate


def test_a_quoted_pair_and_its_inverse() -> None:
    rates = FxRates([rate("EUR.USD", "1.25")])

    assert found(rates, "EUR", "USD") == Decimal("1.25")
    assert found(rates, "USD", "EUR") == Decimal("0.8")


def test_an_inverse_that_does_not_end_is_rounded_to_eighteen_decimals() -> None:
    assert found(FxRates([rate("USD.JPY", "150")]), "JPY", "USD") == Decimal("0.006666666666666667")


def test_a_cross_goes_through_a_third_currency_in_any_direction() -> None:
    rates = FxRates([rate("EUR.USD", "1.25", age_s=7), rate("USD.JPY", "160", age_s=3)])

    assert rates.find("EUR", "JPY", NOW) == rate("EUR.JPY", "200", age_s=7)
    assert found(rates, "JPY", "EUR") == Decimal("0.005")


def test_of_several_crosses_the_one_with_the_newest_older_leg() -> None:
    rates = FxRates(
        [
            rate("EUR.USD", "1.2", age_s=100),
            rate("GBP.USD", "1.5", age_s=1),
            rate("EUR.JPY", "160", age_s=5),
            rate("GBP.JPY", "200", age_s=5),
        ]
    )

    assert found(rates, "EUR", "GBP") == Decimal("0.8")
    assert rates.find("EUR", "GBP", NOW) == rate("EUR.GBP", "0.8", age_s=5)


def test_a_missing_rate_is_missing_and_not_one() -> None:
    rates = FxRates([rate("EUR.USD", "1.25")])

    assert rates.find("GBP", "USD", NOW) is None
    assert FxRates().find("EUR", "USD", NOW) is None


def test_a_currency_in_itself_needs_no_quote_and_is_never_stale() -> None:
    same = FxRates().find("EUR", "EUR", NOW)

    assert same is not None
    assert same.rate == 1
    assert not same.is_stale(NOW + timedelta(days=1))


def test_the_newer_of_two_quotes_holds() -> None:
    old, new = rate("EUR.USD", "1.1", age_s=9), rate("EUR.USD", "1.2", age_s=1)

    assert found(FxRates([old, new]), "EUR", "USD") == found(FxRates([new, old]), "EUR", "USD") == Decimal("1.2")


@pytest.mark.parametrize(("age", "is_stale"), [(RATE_AGE_MAX, False), (RATE_AGE_MAX + timedelta(seconds=1), True)])
def test_staleness_begins_behind_its_bound(age: timedelta, is_stale: bool) -> None:
    assert FxRate(base="EUR", quote="USD", rate=Decimal(1), at=NOW - age).is_stale(NOW) is is_stale


def test_a_rate_that_is_not_above_zero_is_no_rate() -> None:
    assert FxRates([rate("EUR.USD", "0"), rate("GBP.USD", "-1")]).quoted == []


worths = st.fixed_dictionaries(
    {one: st.decimals(min_value=Decimal("0.01"), max_value=Decimal(100), places=4) for one in CURRENCIES}
)
quoted = st.sets(st.sampled_from(list(permutations(CURRENCIES, 2))), min_size=1)


@given(worths, quoted)
def test_whatever_is_quoted_of_consistent_worths_every_way_gives_the_same(
    worth: dict[str, Decimal], pairs: set[tuple[str, str]]
) -> None:
    rates = FxRates(
        FxRate(base=base, quote=quote, rate=worth[base] / worth[quote], at=NOW) for base, quote in sorted(pairs)
    )

    told = {(base, quote): found(rates, base, quote) for base, quote in permutations(CURRENCIES, 2)}

    assume(any(one is not None for one in told.values()))
    for (base, quote), value in told.items():
        if value is not None:
            exact = worth[base] / worth[quote]
            assert abs(value - exact) <= exact * Decimal("1e-11") + Decimal("1e-12") * 10**6
        assert (value is None) == (told[quote, base] is None)
