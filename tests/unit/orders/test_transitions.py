"""The table of transitions, row by row, against the table of the order design written out once more."""

from itertools import product

import pytest

from app.core.fix import OrderState, RejectOrigin
from app.orders.domain.transitions import TRANSITIONS, may_move

TABLE = {
    "NEW": "PENDING_APPROVAL HELD ROUTED REJECTED CANCELED",
    "PENDING_APPROVAL": "HELD ROUTED REJECTED CANCELED EXPIRED",
    "HELD": "ROUTED REJECTED CANCELED EXPIRED",
    "ROUTED": "ACCEPTED PARTIALLY_FILLED FILLED REJECTED CANCELED EXPIRED PENDING_CANCEL",
    "ACCEPTED": "PARTIALLY_FILLED FILLED PENDING_REPLACE PENDING_CANCEL CANCELED EXPIRED REJECTED",
    "PARTIALLY_FILLED": "FILLED PENDING_REPLACE PENDING_CANCEL CANCELED EXPIRED",
    "PENDING_REPLACE": "ACCEPTED PARTIALLY_FILLED PENDING_CANCEL FILLED CANCELED EXPIRED REJECTED",
    "PENDING_CANCEL": "CANCELED FILLED ACCEPTED PARTIALLY_FILLED EXPIRED REJECTED",
    "CANCELED": "FILLED",
    "EXPIRED": "FILLED",
    "REJECTED": "CANCELED FILLED",
    "FILLED": "PARTIALLY_FILLED CANCELED",
}
ALLOWED = [(OrderState(before), OrderState(after)) for before, row in TABLE.items() for after in row.split()]
REFUSED = [
    (before, after)
    for before, after in product(OrderState, OrderState)
    if before != after and (before, after) not in ALLOWED
]


@pytest.mark.parametrize(("before", "after"), ALLOWED, ids=lambda state: state.value)
def test_allowed(before: OrderState, after: OrderState) -> None:
    assert may_move(before, after, RejectOrigin.BROKER)


@pytest.mark.parametrize(("before", "after"), REFUSED, ids=lambda state: state.value)
def test_refused(before: OrderState, after: OrderState) -> None:
    assert not may_move(before, after, RejectOrigin.BROKER)


@pytest.mark.parametrize("state", OrderState)
def test_staying_is_no_move(state: OrderState) -> None:
    assert may_move(state, state)
    assert state not in TRANSITIONS[state]


@pytest.mark.parametrize("origin", [RejectOrigin.OMS, None])
@pytest.mark.parametrize("after", [state for state in OrderState if state is not OrderState.REJECTED])
def test_what_the_house_rejected_never_moves(origin: RejectOrigin | None, after: OrderState) -> None:
    assert not may_move(OrderState.REJECTED, after, origin)


def test_every_state_has_a_row() -> None:
    assert set(TRANSITIONS) == set(OrderState)
    assert len(ALLOWED) + len(REFUSED) == 12 * 11
