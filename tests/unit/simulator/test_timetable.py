"""What comes to its time, and when: each order once, at the end that it has now."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from app.core.catalogue import CATALOGUE
from app.core.fix import Side
from app.simulator.config import SessionMode
from app.simulator.directory import Directory
from app.simulator.orders import OrderRequest, OrderStatus, SimulatedOrder
from app.simulator.timetable import Timetable

NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
CLOSE = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
AAPL = 265598


def timetable() -> Timetable:
    return Timetable(Directory(CATALOGUE, SessionMode.EXCHANGE), NOON)


def ending(perm_id: int, ends_at: datetime) -> SimulatedOrder:
    request = OrderRequest(order_id=perm_id, con_id=AAPL, side=Side.BUY, quantity=Decimal(1), order_type="LMT")
    return SimulatedOrder(
        perm_id=perm_id,
        client_id=1,
        request=request,
        status=OrderStatus.SUBMITTED,
        placed_at=NOON,
        ends_at=ends_at,
    )


def test_orders_come_to_their_end_once_and_in_its_order() -> None:
    times = timetable()
    for perm_id, ahead in ((1, 3), (2, 1), (3, 9)):
        times.note(ending(perm_id, NOON + timedelta(minutes=ahead)))

    early, late, again = (times.take_due(NOON + timedelta(minutes=minute)) for minute in (0, 3, 3))

    assert (early, late, again) == ([], [2, 1], [])


def test_an_end_that_was_put_off_counts_alone() -> None:
    times = timetable()
    order = ending(1, NOON + timedelta(minutes=1))
    times.note(order)

    order.ends_at = NOON + timedelta(minutes=5)
    times.note(order)

    assert times.take_due(NOON + timedelta(minutes=4)) == []
    assert times.take_due(NOON + timedelta(minutes=5)) == [1]


def test_orders_that_are_over_leave_nothing_behind() -> None:
    times = timetable()
    last = ending(30_000, CLOSE)
    times.note(last)

    for perm_id in range(1, 30_000):
        times.note(ending(perm_id, CLOSE))
        times.forget(perm_id)

    assert times.take_due(CLOSE) == [30_000]


def test_sessions_turn_once() -> None:
    times = timetable()

    before, at_close, again = times.take_turned(NOON), times.take_turned(CLOSE), times.take_turned(CLOSE)

    assert (before, again) == ({}, {})
    assert at_close[AAPL, False] is False
    assert (AAPL, True) not in at_close
    assert list(times.take_opened(CLOSE)) == []
