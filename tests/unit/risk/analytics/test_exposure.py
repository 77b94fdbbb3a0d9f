"""Exposure and concentration of books, with what cannot be told."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.fix import InstrumentType
from app.risk.analytics.book import ValuationGap
from app.risk.analytics.concentration import concentration_of
from app.risk.analytics.exposure import Exposure, exposure_of
from tests.unit.risk.analytics.books import account, book, holding, instrument

D = Decimal
MONEY = st.decimals(min_value=-1_000_000, max_value=1_000_000, places=2)


def test_long_and_short_are_told_apart_and_in_one_currency() -> None:
    held = book(
        [
            holding(1, "100", "50", sector="Technology"),
            holding(2, "-10", "200", sector="Energy", currency="EUR"),
            holding(1, "-20", "50", sector="Technology", of=2),
        ],
        EURUSD="1.1",
    )

    found = exposure_of(held)

    assert found.total == Exposure(long=D(5000), short=D(3200), positions=3)
    assert (found.total.gross, found.total.net) == (D(8200), D(1800))
    assert found.by_currency == {
        "USD": Exposure(long=D(5000), short=D(1000), positions=2),
        "EUR": Exposure(short=D(2200), positions=1),
    }
    assert list(found.by_sector) == ["Technology", "Energy"]
    assert found.by_instrument[instrument(1)] == Exposure(long=D(5000), short=D(1000), positions=2)
    assert found.by_account == {
        account(1): Exposure(long=D(5000), short=D(2200), positions=2),
        account(2): Exposure(short=D(1000), positions=1),
    }


def test_a_multiplier_counts_and_a_future_stands_for_its_notional() -> None:
    found = exposure_of(book([holding(1, "2", "5000", kind=InstrumentType.FUTURE, multiplier="50")]))

    assert found.total.net == D(500_000)


def test_a_currency_pair_is_long_in_one_currency_and_short_in_the_other() -> None:
    pair = holding(1, "1000", "1.1", kind=InstrumentType.FOREX, base_currency="EUR")

    found = exposure_of(book([pair]))

    assert found.total == Exposure(long=D(1100), positions=1)
    assert found.by_currency == {
        "EUR": Exposure(long=D(1100), positions=1),
        "USD": Exposure(short=D(1100), positions=1),
    }


def test_what_lacks_a_price_or_a_rate_is_said_and_in_no_sum() -> None:
    held = book([holding(1, "1", None), holding(2, "1", "10", currency="JPY"), holding(3, "1", "10")], EURUSD="1.1")

    found = exposure_of(held)

    assert [(one.holding.instrument_id, one.gap) for one in held.unvalued] == [
        (instrument(1), ValuationGap.NO_PRICE),
        (instrument(2), ValuationGap.NO_RATE),
    ]
    assert found.total == Exposure(long=D(10), positions=1)


def test_a_rate_is_crossed_over_a_third_currency() -> None:
    held = book([holding(1, "1", "100", currency="GBP")], currency="JPY", GBPUSD="1.25", USDJPY="150")

    assert held.valued[0].value == D(18750)


@given(st.lists(MONEY, max_size=20))
def test_gross_is_at_least_net_and_both_follow_from_long_and_short(values: list[Decimal]) -> None:
    total = Exposure()
    for value in values:
        total = total.adding(value)

    assert total.gross == sum(map(abs, values), D(0))
    assert total.net == sum(values, D(0))
    assert min(total.long, total.short) >= 0


def test_herfindahl_of_the_departments_own_example() -> None:
    # Source: US Department of Justice: a market of shares 30, 30, 20 and 20 per cent has an index of 2,600.
    found = concentration_of({"a": D(30), "b": D(30), "c": D(-20), "d": D(20)})

    assert found.herfindahl == D("0.26")
    assert found.effective_names == D("3.846154")
    assert found.largest is not None
    assert (found.largest.key, found.largest.share) == ("a", D("0.3"))


def test_nothing_has_no_concentration() -> None:
    assert concentration_of({"a": D(0)}).herfindahl is None
    assert concentration_of({}).largest is None


@given(st.dictionaries(st.integers(), MONEY.filter(bool), min_size=1, max_size=20))
def test_the_index_lies_between_one_over_n_and_one(values: dict[int, Decimal]) -> None:
    found = concentration_of(values)

    assert found.herfindahl is not None
    assert D(1) / len(values) - D("0.000001") <= found.herfindahl <= 1
    assert sum((one.share for one in found.shares), D(0)) == pytest.approx(1, abs=1e-4)
