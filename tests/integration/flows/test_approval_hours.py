"""Orders outside the hours of a policy wait for a second person; within them they go."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from app.approvals.domain import DailyWindow, Hours
from app.core.fix import OrderState
from app.flows.orders.order_intake import OrderIntake
from app.flows.orders.replace_order import replace_order
from app.infra.db import Database, DatabaseRole
from app.orders.domain.changing import OrderChange
from app.orders.domain.order import Order
from tests import factories
from tests.fakes import SetClock
from tests.integration.flows.conftest import Trader

EXCHANGE = Hours(
    time_zone="America/New_York",
    windows=(DailyWindow(opens=9 * 60 + 30, closes=16 * 60, days=(1, 2, 3, 4, 5)),),
)


@asynccontextmanager
async def at(trader: Trader, database_url: str, moment: datetime) -> AsyncIterator[Trader]:
    """The trader at an instant, at a desk of that time."""
    clock = SetClock(moment)
    database = Database(database_url, DatabaseRole.INTAKE, size=2)
    await database.open()
    async with OrderIntake(database, trader.desk.database, trader.desk.redis, clock, trader.desk.ids) as intake:
        yield replace(trader, desk=replace(trader.desk, clock=clock, intake=intake))
    await database.close()


@pytest.fixture
async def guarded(trader: Trader) -> Trader:
    """A trader whose orders outside the hours of the exchange need a second person."""
    await factories.make_approval_policy(trader.desk.database, trader.key.tenant_id, hours=EXCHANGE)
    return trader


async def placed_at(trader: Trader, database_url: str, moment: datetime) -> Order:
    async with at(trader, database_url, moment) as now:
        return await now.placed(limit_price="100")


@pytest.mark.parametrize(
    ("moment", "state"),
    [
        # A Friday in winter, five hours behind UTC.
        (datetime(2026, 3, 6, 14, 29, 59, tzinfo=UTC), OrderState.PENDING_APPROVAL),
        (datetime(2026, 3, 6, 14, 30, tzinfo=UTC), OrderState.ROUTED),
        (datetime(2026, 3, 6, 20, 59, 59, tzinfo=UTC), OrderState.ROUTED),
        (datetime(2026, 3, 6, 21, 0, tzinfo=UTC), OrderState.PENDING_APPROVAL),
        (datetime(2026, 3, 7, 15, 0, tzinfo=UTC), OrderState.PENDING_APPROVAL),
        # The Monday after the clocks went forward.
        (datetime(2026, 3, 9, 13, 29, 59, tzinfo=UTC), OrderState.PENDING_APPROVAL),
        (datetime(2026, 3, 9, 13, 30, tzinfo=UTC), OrderState.ROUTED),
        (datetime(2026, 3, 9, 20, 0, tzinfo=UTC), OrderState.PENDING_APPROVAL),
    ],
)
async def test_an_order_waits_outside_the_hours(
    guarded: Trader, database_url: str, moment: datetime, state: OrderState
) -> None:
    order = await placed_at(guarded, database_url, moment)

    assert order.state is state
    assert order.created_at == moment


async def test_asked_again_at_another_hour_it_is_the_same_order(guarded: Trader, database_url: str) -> None:
    order = guarded.order(limit_price="100", client_order_id="late")
    async with at(guarded, database_url, datetime(2026, 3, 6, 22, tzinfo=UTC)) as now:
        first = await now.desk.intake.submit(now.principal, order)
    async with at(guarded, database_url, datetime(2026, 3, 9, 15, tzinfo=UTC)) as now:
        again = await now.desk.intake.submit(now.principal, order)

    assert first.order is not None
    assert again.order is not None
    assert (again.order.id, again.order.state) == (first.order.id, OrderState.PENDING_APPROVAL)


async def test_a_change_for_more_is_refused_outside_the_hours_and_taken_within_them(
    guarded: Trader, database_url: str
) -> None:
    order = await placed_at(guarded, database_url, datetime(2026, 3, 6, 15, tzinfo=UTC))
    await guarded.claim()
    await guarded.report(guarded.acknowledged(order))
    more = OrderChange(order_id=order.id, quantity=Decimal(200))

    async with at(guarded, database_url, datetime(2026, 3, 6, 22, tzinfo=UTC)) as late:
        refused = await replace_order(late.desk, late.principal, more)
    async with at(guarded, database_url, datetime(2026, 3, 9, 14, tzinfo=UTC)) as in_time:
        taken = await replace_order(in_time.desk, in_time.principal, more)

    assert [one.code for one in refused.problems] == ["APPROVAL_REQUIRED"]
    assert taken.problems == ()
