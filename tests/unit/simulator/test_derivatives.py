"""Contract ids of futures and options say what they are, and prices follow what they are derived from."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.simulator.derivatives import Derivatives, option_expiries
from app.simulator.instruments import FUTURE_FAMILIES, LISTED, FutureEntry, OptionEntry
from app.simulator.pricing import greeks_of, value_of

DAYS = st.dates(date(2021, 1, 1), date(2040, 12, 31))
DERIVATIVES = Derivatives(LISTED)


@given(day=DAYS)
def test_every_listed_contract_is_found_under_its_id(day: date) -> None:
    listed: list[OptionEntry | FutureEntry] = [
        *DERIVATIVES.options("AAPL", day)[::17],
        *DERIVATIVES.options("IWM", day)[::17],
        *(entry for family in FUTURE_FAMILIES for entry in DERIVATIVES.futures(family.symbol, day)),
    ]

    assert [DERIVATIVES.entry(entry.con_id) for entry in listed] == listed
    assert len({entry.con_id for entry in listed}) == len(listed)
    assert all(entry.expiry >= day for entry in listed)
    assert max(entry.con_id for entry in listed) < 2**31 - 1


@given(day=DAYS)
def test_expiries_are_fridays_ahead(day: date) -> None:
    expiries = option_expiries(day)

    assert expiries == sorted(set(expiries))
    assert all(expiry >= day and expiry.weekday() == 4 for expiry in expiries)
    assert len(expiries) == 5


@pytest.mark.parametrize("con_id", [265598, 699_999_999, 750_000_000, 800_000_001, 2_000_000_000])
def test_other_ids_are_nothing(con_id: int) -> None:
    assert DERIVATIVES.entry(con_id) is None


def pair(day: date) -> tuple[OptionEntry, OptionEntry]:
    expiry = option_expiries(day)[-1]
    call, put = (
        next(
            one
            for one in DERIVATIVES.options("AAPL", day)
            if (one.expiry, one.strike, one.right) == (expiry, Decimal(230), right)
        )
        for right in "CP"
    )
    return call, put


@given(day=DAYS, cents=st.integers(18_000, 28_000))
def test_calls_rise_and_puts_fall_with_their_share_and_are_worth_what_exercise_brings(day: date, cents: int) -> None:
    call, put = pair(day)
    spot = Decimal(cents) / 100

    assert value_of(call, day)(spot) <= value_of(call, day)(spot + 1)
    assert value_of(put, day)(spot) >= value_of(put, day)(spot + 1)
    assert value_of(call, day)(spot) >= spot - 230 - Decimal("0.05")
    assert value_of(put, day)(spot) >= 230 - spot - Decimal("0.05")
    assert 0 <= greeks_of(call, spot, day).delta <= 1
    assert -1 <= greeks_of(put, spot, day).delta <= 0


def test_option_is_worth_its_exercise_after_the_expiry() -> None:
    call, put = pair(date(2026, 11, 20))
    later = call.expiry + timedelta(days=1)

    assert value_of(call, later)(Decimal(241)) == 11
    assert value_of(put, later)(Decimal(241)) == 0
