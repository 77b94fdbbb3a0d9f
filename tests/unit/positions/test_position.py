"""How a position moves: average price, flips through zero, profit and loss."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.ids import AccountId, InstrumentId, PositionId
from app.core.messages import Fill
from app.core.money import ZERO
from app.positions.domain import Position, apply_fill, market_value, unrealized_pnl

ONE = Decimal(1)
INSTRUMENT = InstrumentId(UUID(int=3))
FLAT = Position(
    id=PositionId(UUID(int=1)),
    account_id=AccountId(UUID(int=2)),
    instrument_id=INSTRUMENT,
    updated_at=datetime(2026, 3, 2, tzinfo=UTC),
)


def dealt(quantity: str | Decimal, price: str | Decimal) -> Fill:
    return Fill(instrument_id=INSTRUMENT, signed_quantity=Decimal(quantity), price=Decimal(price))


def after(*fills: Fill, multiplier: Decimal = ONE) -> Position:
    position = FLAT
    for fill in fills:
        position, _ = apply_fill(position, fill, multiplier)
    return position


@pytest.mark.parametrize(
    ("fills", "quantity", "average", "realized"),
    [
        ([dealt("100", "10")], "100", "10", "0"),
        ([dealt("-100", "10")], "-100", "10", "0"),
        ([dealt("100", "10"), dealt("100", "12")], "200", "11", "0"),
        ([dealt("-100", "10"), dealt("-300", "12")], "-400", "11.5", "0"),
        ([dealt("100", "10"), dealt("-40", "12")], "60", "10", "80"),
        ([dealt("-100", "10"), dealt("40", "12")], "-60", "10", "-80"),
        ([dealt("100", "10"), dealt("-100", "9")], "0", "0", "-100"),
        ([dealt("-100", "10"), dealt("100", "9")], "0", "0", "100"),
        ([dealt("100", "10"), dealt("-150", "12")], "-50", "12", "200"),
        ([dealt("-100", "10"), dealt("150", "12")], "50", "12", "-200"),
        ([dealt("3", "10"), dealt("3", "10.0000000001")], "6", "10", "0"),
        ([dealt("100", "10"), dealt("-150", "12"), dealt("50", "11")], "0", "0", "250"),
        ([dealt("0", "0"), dealt("100", "10"), dealt("0", "99")], "100", "10", "0"),
        ([dealt("-100", "10"), dealt("0", "99")], "-100", "10", "0"),
    ],
)
def test_a_course_of_fills(fills: list[Fill], quantity: str, average: str, realized: str) -> None:
    position = after(*fills)

    assert position.quantity == Decimal(quantity)
    assert position.average_price == Decimal(average)
    assert position.realized_pnl == Decimal(realized)


def test_the_multiplier_weighs_profit_and_value_but_not_the_average_price() -> None:
    multiplier = Decimal(50)

    position = after(dealt("2", "4000"), dealt("-1", "4010"), multiplier=multiplier)

    assert position.average_price == Decimal(4000)
    assert position.realized_pnl == Decimal(500)
    assert unrealized_pnl(position, Decimal(3990), multiplier) == Decimal(-500)
    assert market_value(position, Decimal(3990), multiplier) == Decimal(199500)


def test_a_short_position_has_a_value_below_zero_and_gains_when_the_price_falls() -> None:
    position = after(dealt("-100", "10"))

    assert market_value(position, Decimal(9), ONE) == Decimal(-900)
    assert unrealized_pnl(position, Decimal(9), ONE) == Decimal(100)


def test_a_fill_answers_with_what_it_realized_alone() -> None:
    held = after(dealt("100", "10"), dealt("-10", "11"))

    moved, realized = apply_fill(held, dealt("-10", "12"), ONE)

    assert realized == Decimal(20)
    assert moved.realized_pnl == Decimal(30)


quantities = st.decimals(min_value=Decimal("-100000"), max_value=Decimal("100000"), places=4)
prices = st.decimals(min_value=Decimal("0.0001"), max_value=Decimal("100000"), places=4)
courses = st.lists(st.builds(dealt, quantities, prices), max_size=12)
multipliers = st.sampled_from([ONE, Decimal("0.1"), Decimal(50), Decimal(1000)])


@given(courses, multipliers)
def test_quantity_is_the_sum_of_the_signed_fills(fills: list[Fill], multiplier: Decimal) -> None:
    assert after(*fills, multiplier=multiplier).quantity == sum((fill.signed_quantity for fill in fills), ZERO)


@given(courses, prices, multipliers)
def test_profit_and_loss_are_what_the_cash_says(fills: list[Fill], price: Decimal, multiplier: Decimal) -> None:
    position = after(*fills, multiplier=multiplier)

    told = position.realized_pnl + unrealized_pnl(position, price, multiplier)

    cash = -sum((Fraction(fill.signed_quantity) * Fraction(fill.price) for fill in fills), Fraction(0))
    worth = Fraction(position.quantity) * Fraction(price)
    # Each average is rounded by at most half a step, and each amount once more.
    turned_over = sum((abs(Fraction(fill.signed_quantity)) for fill in fills), Fraction(0))
    bound = Fraction(len(fills) + 2, 10**10) * (turned_over * Fraction(multiplier) + 1)
    assert abs(Fraction(told) - (cash + worth) * Fraction(multiplier)) <= bound


@given(courses)
def test_the_average_price_lies_between_the_prices_dealt(fills: list[Fill]) -> None:
    position = after(*fills)

    if position.quantity == ZERO:
        assert position.average_price == ZERO
    else:
        assert min(fill.price for fill in fills) <= position.average_price <= max(fill.price for fill in fills)


@given(courses, multipliers)
def test_going_flat_at_the_mark_realizes_what_was_unrealized(fills: list[Fill], multiplier: Decimal) -> None:
    position, mark = after(*fills, multiplier=multiplier), Decimal("123.4567")

    closed, realized = apply_fill(position, dealt(-position.quantity, mark), multiplier)

    assert closed.quantity == ZERO
    assert realized == unrealized_pnl(position, mark, multiplier)


@given(
    st.decimals(min_value=Decimal("0.0000000001"), max_value=Decimal(10**9), places=10),
    st.decimals(min_value=Decimal("0.0000000001"), max_value=Decimal(10**8), places=10),
)
def test_the_largest_order_that_is_taken_can_be_booked_and_valued(quantity: Decimal, price: Decimal) -> None:
    position = after(dealt(quantity, price), multiplier=Decimal(1000))

    assert position.average_price == price
    assert unrealized_pnl(position, price, Decimal(1000)) == ZERO
    assert market_value(position, price, Decimal(1000)) >= ZERO
