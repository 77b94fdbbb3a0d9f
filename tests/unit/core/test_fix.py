"""The words of the field."""

import inspect
from enum import StrEnum

import pytest

from app.core import fix
from app.core.fix import TERMINAL_STATES, OrderState, Side

ENUMERATIONS = [
    member
    for _, member in inspect.getmembers(fix, inspect.isclass)
    if issubclass(member, StrEnum) and member is not StrEnum
]


def test_a_buy_adds_and_a_sell_takes() -> None:
    assert Side.BUY.sign == 1
    assert Side.SELL.sign == -1


def test_a_side_deals_with_its_opposite() -> None:
    assert [side.opposite for side in Side] == [Side.SELL, Side.BUY]


@pytest.mark.parametrize("state", OrderState)
def test_a_state_knows_whether_it_is_terminal(state: OrderState) -> None:
    assert state.is_terminal is (state in TERMINAL_STATES)


def test_four_states_are_terminal() -> None:
    assert {"FILLED", "CANCELED", "EXPIRED", "REJECTED"} == TERMINAL_STATES


@pytest.mark.parametrize("enumeration", ENUMERATIONS, ids=lambda one: one.__name__)
def test_values_are_spelled_like_their_names(enumeration: type[StrEnum]) -> None:
    # The value is what GraphQL, the database and clients hold; a name that differs would be a second spelling.
    assert [member.value for member in enumeration] == [member.name for member in enumeration]
