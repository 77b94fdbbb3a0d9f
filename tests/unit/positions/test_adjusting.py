"""Typed adjustments, and courses of executions and adjustments in the order of their time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.ids import AccountId, InstrumentId, PositionId
from app.core.messages import Fill
from app.core.money import ZERO
from app.positions.domain import (
    Adjusting,
    AdjustmentTerms,
    AdjustmentType,
    Dealing,
    Move,
    Position,
    adjustment_problem,
    after_all,
    apply_adjustment,
    form_problem,
    realized_in_base,
    replay,
)

T = AdjustmentType
START = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
INSTRUMENT = InstrumentId(UUID(int=3))
FLAT = Position(
    id=PositionId(UUID(int=1)), account_id=AccountId(UUID(int=2)), instrument_id=INSTRUMENT, updated_at=START
)


def held(quantity: str, average: str = "10") -> Position:
    return replace(FLAT, quantity=Decimal(quantity), average_price=Decimal(average))


def terms(
    kind: AdjustmentType, quantity: str | None = None, price: str | None = None, ratio: str | None = None
) -> AdjustmentTerms:
    return AdjustmentTerms(
        account_id=FLAT.account_id,
        instrument_id=INSTRUMENT,
        type=kind,
        quantity=None if quantity is None else Decimal(quantity),
        price=None if price is None else Decimal(price),
        ratio=None if ratio is None else Decimal(ratio),
        effective_at=START,
        reason="test",
        idempotency_key="test",
    )


@pytest.mark.parametrize(
    ("before", "asked", "quantity", "average", "realized"),
    [
        # A short call's premium is earned, and its stock is delivered at the strike.
        (held("-2", "3"), terms(T.ASSIGNMENT, "2", "0"), "0", "0", "600"),
        (held("200", "50"), terms(T.ASSIGNMENT, "-200", "55"), "0", "0", "100000"),
        # A long call's premium is spent, and its stock comes in at the strike.
        (held("2", "3"), terms(T.EXERCISE, "-2", "0"), "0", "0", "-600"),
        (held("0", "0"), terms(T.EXERCISE, "200", "55"), "200", "55", "0"),
        (held("5", "3"), terms(T.EXPIRY), "0", "0", "-1500"),
        (held("-5", "3"), terms(T.EXPIRY, "2"), "-3", "3", "600"),
        (held("5", "3"), terms(T.EXPIRY, "-5", "4.5"), "0", "0", "750"),
        (held("100", "30"), terms(T.SPLIT, ratio="3"), "300", "10", "0"),
        (held("-100", "10"), terms(T.SPLIT, ratio="0.1"), "-10", "100", "0"),
        (held("7", "10"), terms(T.SPLIT, ratio="1.5"), "10.5", "6.6666666667", "0"),
        (held("100", "10"), terms(T.TRANSFER, "50", "13"), "150", "11", "0"),
        (held("100", "10"), terms(T.TRANSFER, "-40"), "60", "10", "0"),
        (held("100", "10"), terms(T.TRANSFER, "-100", "99"), "0", "0", "0"),
        (held("-100", "10"), terms(T.TRANSFER, "40", "99"), "-60", "10", "0"),
        (held("0", "0"), terms(T.TRANSFER, "-10", "7"), "-10", "7", "0"),
        (held("100", "10"), terms(T.BALANCE, "5"), "105", "10", "0"),
        (held("100", "10"), terms(T.BALANCE, "-5", "9"), "95", "9", "0"),
        (held("100", "10"), terms(T.BALANCE, "-100"), "0", "0", "0"),
        (held("100", "10"), terms(T.BALANCE, "-130", "12"), "-30", "12", "0"),
    ],
)
def test_what_each_type_does(
    before: Position, asked: AdjustmentTerms, quantity: str, average: str, realized: str
) -> None:
    after, told = apply_adjustment(before, asked, Decimal(100))

    assert form_problem(asked, START) is None
    assert adjustment_problem(before, after, asked) is None
    assert (after.quantity, after.average_price) == (Decimal(quantity), Decimal(average))
    assert told == after.realized_pnl == Decimal(realized)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (terms(T.SPLIT), "ratio"),
        (terms(T.SPLIT, ratio="0"), "ratio"),
        (terms(T.SPLIT, "5", ratio="2"), "quantity"),
        (terms(T.BALANCE, "5", ratio="2"), "ratio"),
        (terms(T.BALANCE), "quantity"),
        (terms(T.TRANSFER, "0", "1"), "quantity"),
        (terms(T.EXPIRY, "0"), "quantity"),
        (terms(T.TRANSFER, "5", "-1"), "price"),
        (terms(T.EXERCISE, "5"), "price"),
        (terms(T.ASSIGNMENT, "5"), "price"),
        (replace(terms(T.BALANCE, "5", "1"), effective_at=START + timedelta(seconds=1)), "effectiveAt"),
    ],
)
def test_terms_that_are_wrong_by_themselves(asked: AdjustmentTerms, field: str) -> None:
    problem = form_problem(asked, START)

    assert problem is not None
    assert problem[0] == field


@pytest.mark.parametrize(
    ("before", "asked", "field"),
    [
        (FLAT, terms(T.EXPIRY), "instrumentId"),
        (held("5"), terms(T.EXPIRY, "5"), "quantity"),
        (held("5"), terms(T.EXPIRY, "-6"), "quantity"),
        (FLAT, terms(T.SPLIT, ratio="2"), "instrumentId"),
        (held("1"), terms(T.SPLIT, ratio="0.00000000001"), "ratio"),
        (held("100000000000000000"), terms(T.SPLIT, ratio="10"), "ratio"),
        (held("5"), terms(T.TRANSFER, "-6", "1"), "quantity"),
        (held("5"), terms(T.TRANSFER, "6"), "price"),
        (FLAT, terms(T.BALANCE, "6"), "price"),
        (held("5"), terms(T.BALANCE, "-6"), "price"),
    ],
)
def test_terms_that_a_position_cannot_take(before: Position, asked: AdjustmentTerms, field: str) -> None:
    after, _ = apply_adjustment(before, asked, Decimal(1))

    problem = adjustment_problem(before, after, asked)

    assert problem is not None
    assert problem[0] == field


def test_an_expiry_that_was_booked_closes_no_more_than_is_left_when_replayed() -> None:
    after, _ = apply_adjustment(held("3"), terms(T.EXPIRY, "-5"), Decimal(1))

    assert after.quantity == ZERO


def test_a_move_without_a_rate_leaves_base_currency_unknown_and_counts_itself() -> None:
    opened = dealing(0, "10", "5", rate=None)
    closed = dealing(1, "-10", "7", rate=None)

    opening, closing = replay(FLAT, [opened, closed], Decimal(1))

    # To open realizes nothing, which is nothing in any currency.
    assert (opening.realized_base, opening.after.unconverted_pnl) == (ZERO, 0)
    assert (closing.realized, closing.realized_base, closing.after.unconverted_pnl) == (Decimal(20), None, 1)
    assert realized_in_base(closing.after) is None


def dealing(second: int, quantity: str | Decimal, price: str | Decimal, *, rate: str | None = "1.25") -> Dealing:
    return Dealing(
        id=UUID(int=1000 + second),
        at=START + timedelta(seconds=second),
        recorded_at=START,
        fill=Fill(instrument_id=INSTRUMENT, signed_quantity=Decimal(quantity), price=Decimal(price)),
        base_rate=None if rate is None else Decimal(rate),
    )


quantities = st.decimals(min_value=Decimal(-1000), max_value=Decimal(1000), places=2)
amounts = st.decimals(min_value=Decimal("0.01"), max_value=Decimal(1000), places=4)
dealt_types = st.sampled_from([T.ASSIGNMENT, T.EXERCISE, T.BALANCE, T.TRANSFER])
texts_of_quantities, texts_of_amounts = quantities.map(str), amounts.map(str)
asked_terms = st.one_of(
    st.builds(terms, dealt_types, texts_of_quantities, texts_of_amounts),
    st.builds(terms, st.just(T.EXPIRY), st.none() | texts_of_quantities, st.none() | texts_of_amounts),
    st.builds(terms, st.just(T.SPLIT), ratio=st.sampled_from(["2", "3", "0.1", "1.5"])),
)
rates = st.sampled_from([None, Decimal("1.1"), Decimal("0.006666666666666667")])


@st.composite
def courses(draw: st.DrawFn) -> list[Move]:
    moves: list[Move] = []
    for place in range(draw(st.integers(0, 10))):
        at = START + timedelta(seconds=draw(st.integers(0, 6)))
        if draw(st.booleans()):
            fill = Fill(instrument_id=INSTRUMENT, signed_quantity=draw(quantities), price=draw(amounts))
            moves.append(Dealing(id=UUID(int=place), at=at, recorded_at=START, fill=fill, base_rate=draw(rates)))
        else:
            asked = replace(draw(asked_terms), effective_at=at)
            moves.append(Adjusting(id=UUID(int=place), at=at, recorded_at=START, terms=asked, base_rate=draw(rates)))
    return moves


multipliers = st.sampled_from([Decimal(1), Decimal("0.1"), Decimal(100)])


@given(courses(), multipliers, st.randoms(use_true_random=False))
def test_the_order_in_which_moves_become_known_does_not_matter(
    moves: list[Move], multiplier: Decimal, chance: Random
) -> None:
    known = list(moves)
    chance.shuffle(known)

    assert replay(FLAT, known, multiplier) == replay(FLAT, moves, multiplier)


@given(courses(), multipliers, st.integers(0, 6))
def test_a_replay_from_a_checkpoint_is_the_whole_replay(moves: list[Move], multiplier: Decimal, second: int) -> None:
    boundary = START + timedelta(seconds=second)
    before = [move for move in moves if move.at <= boundary]
    behind = [move for move in moves if move.at > boundary]

    checkpoint = after_all(FLAT, replay(FLAT, before, multiplier))

    assert after_all(checkpoint, replay(checkpoint, behind, multiplier)) == after_all(
        FLAT, replay(FLAT, moves, multiplier)
    )


@given(courses(), multipliers)
@settings(max_examples=200)
def test_what_moves_realized_adds_up_to_the_position(moves: list[Move], multiplier: Decimal) -> None:
    done = replay(FLAT, moves, multiplier)
    position = after_all(FLAT, done)

    assert position.realized_pnl == sum((one.realized for one in done), ZERO)
    assert position.realized_pnl_base == sum((one.realized_base for one in done if one.realized_base is not None), ZERO)
    assert position.unconverted_pnl == sum(one.realized_base is None for one in done)


@given(asked_terms, quantities, amounts)
def test_transfers_splits_and_balances_realize_nothing(
    asked: AdjustmentTerms, quantity: Decimal, price: Decimal
) -> None:
    before = replace(FLAT, quantity=quantity, average_price=price if quantity else ZERO)

    after, realized = apply_adjustment(before, asked, Decimal(100))

    if asked.type in {T.TRANSFER, T.SPLIT, T.BALANCE}:
        assert realized == ZERO
        assert after.realized_pnl == before.realized_pnl
    if asked.type is T.SPLIT and quantity:
        # The cost stays what it was, but for the rounding of quantity and average.
        slack = abs(after.quantity) / 10**10 + after.average_price / 10**10
        assert abs(after.quantity * after.average_price - quantity * price) <= slack
