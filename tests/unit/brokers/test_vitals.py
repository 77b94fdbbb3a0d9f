"""The order efficiency ratio as IB defines it, and what a pacer tells of its use."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from app.brokers.ib.pacing import INTERVAL_S, MARGIN_S, Pacer, Priority
from app.brokers.vitals import (
    DayOfOrders,
    GatewayUse,
    OrderActivity,
    PacePriority,
    PaceQueue,
    PaceUse,
    Vitals,
    decode_vitals,
    encode_vitals,
)
from app.core.fix import Side
from app.core.ids import OrderId
from app.core.messages import ExecutionReport, LaneKind, OrderAddress
from app.core.records import replace
from app.infra.system import SystemIds
from tests.contract.brokers.conftest import place
from tests.unit.brokers.test_pacing import VirtualLoop

NEW_YORK = ZoneInfo("America/New_York")
NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
DAY = date(2026, 11, 20)


def dealt(order_id: OrderId | None, at: datetime = NOON) -> ExecutionReport:
    """An execution of an order of ours, or of nobody's."""
    return ExecutionReport(
        address=OrderAddress(order_id=order_id, permanent_id=7),
        execution_id=f"{SystemIds().new().hex}.01",
        root="r",
        revision=1,
        contract_id=1,
        side=Side.BUY,
        quantity=Decimal(1),
        price=Decimal(1),
        liquidity="ADDED",
        executed_at=at,
    )


def ours() -> OrderId:
    """An order of ours."""
    return OrderId(SystemIds().new())


@pytest.mark.parametrize(
    ("counts", "ratio", "is_excessive"),
    [
        ((0, 0, 0, 0), "0", False),
        ((20, 0, 0, 0), "20", False),
        ((20, 1, 0, 0), "21", True),
        ((200, 0, 190, 9), "39", True),
        ((200, 0, 0, 10), "18.18", False),
    ],
)
def test_the_ratio_is_all_that_was_sent_for_each_dealt_order_and_one_more(
    counts: tuple[int, int, int, int], ratio: str, is_excessive: bool
) -> None:
    submissions, revisions, cancellations, executed = counts

    activity = OrderActivity(
        day=DAY,
        submissions=submissions,
        revisions=revisions,
        cancellations=cancellations,
        executed_orders=executed,
    )

    assert activity.ratio == Decimal(ratio)
    assert activity.is_excessive is is_excessive


def test_an_order_that_is_dealt_in_parts_or_told_twice_counts_once() -> None:
    day, mine = DayOfOrders(NEW_YORK), ours()
    order = place(1)

    day.sent([order, replace(order, kind=LaneKind.REPLACE), replace(order, kind=LaneKind.CANCEL)], NOON)
    day.heard([dealt(mine), dealt(mine), dealt(ours()), dealt(None), dealt(ours(), NOON - timedelta(days=1))], NOON)

    assert day.activity(NOON) == OrderActivity(day=DAY, submissions=1, revisions=1, cancellations=1, executed_orders=2)


def test_a_day_goes_on_after_a_restart_and_ends_at_midnight_of_the_trading_zone() -> None:
    first = DayOfOrders(NEW_YORK)
    first.sent([place(1), place(2)], NOON)
    first.heard([dealt(ours())], NOON)

    second = DayOfOrders(NEW_YORK)
    second.sent([place(3)], NOON)
    second.resume(first.activity(NOON), NOON)
    same_day = second.activity(NOON + timedelta(hours=11))
    next_day = second.activity(NOON + timedelta(hours=13))
    late = DayOfOrders(NEW_YORK)
    late.resume(first.activity(NOON), NOON + timedelta(days=1))

    assert (same_day.submissions, same_day.executed_orders) == (3, 1)
    assert next_day == OrderActivity(day=date(2026, 11, 21))
    assert late.activity(NOON + timedelta(days=1)).submissions == 0


def test_a_pacer_tells_what_is_used_and_what_waits_by_priority() -> None:
    loop = VirtualLoop()
    pacer = Pacer(8, loop)
    for _ in range(9):
        pacer.submit(Priority.NEW, lambda: None, owner="s", group="a")
    pacer.submit(Priority.HISTORY, lambda: None, owner="s")

    loop.advance(0.4)
    busy = pacer.use()
    loop.advance(1.0)
    later = pacer.use()
    loop.advance(30.0)
    idle = pacer.use()

    assert (busy.used, busy.limit) == (6, 8)
    assert busy.queues == (
        PaceQueue(priority=PacePriority.NEW, waiting=3, longest_s=0.4),
        PaceQueue(priority=PacePriority.HISTORY, waiting=1, longest_s=0.4),
    )
    assert (later.queues, later.longest_wait_s) == ((), INTERVAL_S + MARGIN_S)
    assert idle == PaceUse(used=0, limit=8)


def test_without_a_bound_what_is_used_is_counted_as_well() -> None:
    loop = VirtualLoop()
    pacer = Pacer(None, loop)
    for _ in range(40):
        pacer.submit(Priority.NEW, lambda: None, owner="s")

    loop.advance(2.0)

    assert pacer.use() == PaceUse(used=20, limit=None)


def test_vitals_travel_whole() -> None:
    queue = PaceQueue(priority=PacePriority.CANCEL, waiting=3, longest_s=0.25)
    vitals = Vitals(
        at=NOON,
        use=GatewayUse(
            pace=PaceUse(used=45, limit=None, queues=(queue,), longest_wait_s=1.5), lines_used=7, lines_max=100
        ),
        activity=OrderActivity(day=DAY, submissions=4, revisions=3, cancellations=2, executed_orders=1),
    )

    assert decode_vitals(encode_vitals(vitals)) == vitals
