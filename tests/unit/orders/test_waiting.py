"""Whether the way of an order that waits for others is free."""

import pytest

from app.core.fix import OrderState
from app.orders.domain.order_file import OrderFile
from app.orders.domain.waiting import Way, way_past
from tests.unit.orders.values import order, pending_cancel

OVER = [state for state in OrderState if state.is_terminal]
STANDING = [state for state in OrderState if not state.is_terminal]


@pytest.mark.parametrize("state", OVER)
def test_however_it_ended_it_is_in_nobodys_way(state: OrderState) -> None:
    over = OrderFile(order=order(state))

    assert way_past([over]) is Way.FREE
    assert way_past([over, pending_cancel()]) is Way.TAKEN
    assert way_past([over, OrderFile(order=order(OrderState.ACCEPTED))]) is Way.BARRED


@pytest.mark.parametrize("state", STANDING)
def test_what_stands_is_waited_for_as_long_as_its_cancel_is_open(state: OrderState) -> None:
    canceled = pending_cancel()
    standing = OrderFile(order=order(state), cancel=canceled.cancel)

    assert way_past([standing]) is Way.TAKEN
    assert way_past([OrderFile(order=order(state))]) is Way.BARRED
    assert way_past([standing, OrderFile(order=order(state))]) is Way.BARRED


def test_the_way_of_one_that_waits_for_nothing_is_free() -> None:
    assert way_past([]) is Way.FREE
