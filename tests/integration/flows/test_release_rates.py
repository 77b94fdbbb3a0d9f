"""Orders that waited count when they leave: a release, by hand, by the clock or by an approval, is held to the rate."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from app.compliance.domain.restrictions import RestrictionKind
from app.core.clock import Clock
from app.core.fix import OrderState, RiskLimitType
from app.flows.approvals.decide_approval import Verdict, decide_approval
from app.flows.orders.order_intake import OrderIntake
from app.flows.orders.placement import Placement
from app.flows.orders.release_staged import release_due, release_staged
from app.infra.db import Database, DatabaseRole
from app.infra.uow import begin_batch
from app.orders.domain.order import Order
from app.orders.repository import watching
from tests import factories
from tests.integration.flows.conftest import Trader
from tests.integration.flows.test_restrictions import alerts, restrict
from tests.integration.flows.test_staged_orders import Later, staged

FULL = ["RISK_MAX_ORDERS_PER_MINUTE"]
TWO_MINUTES = Later(timedelta(minutes=2))


async def limited(trader: Trader, limit_type: RiskLimitType, value: int, **more: Any) -> None:
    await factories.make_limit(trader.desk.database, trader.key.tenant_id, limit_type, Decimal(value), **more)


async def rate(trader: Trader, value: int) -> None:
    await limited(trader, RiskLimitType.MAX_ORDERS_PER_MINUTE, value)


@asynccontextmanager
async def at(trader: Trader, url: str, clock: Clock = TWO_MINUTES) -> AsyncIterator[Trader]:
    """The trader in another process, which knows nothing of before, by another clock."""
    desk = trader.desk
    database = Database(url, DatabaseRole.INTAKE, size=1, keeps_plans=True)
    await database.open()
    async with OrderIntake(database, desk.database, desk.redis, clock, desk.ids) as intake:
        yield replace(trader, desk=replace(desk, clock=clock, intake=intake))
    await database.close()


async def due(trader: Trader, ahead: timedelta) -> int:
    desk = trader.desk
    return await release_due(desk.database, desk.redis, trader.key, clock=Later(ahead), ids=desk.ids)


def codes(placement: Placement) -> list[str]:
    return [str(one.code) for one in placement.problems]


async def test_what_was_staged_long_ago_counts_when_it_leaves(trader: Trader, database_url: str) -> None:
    orders = [await staged(trader) for _ in range(5)]
    await rate(trader, 3)

    async with at(trader, database_url) as one:
        answers = await release_staged(one.desk, one.principal, [order.id for order in orders])
        placed = await one.place(limit_price="100")

    assert [codes(answer) for answer in answers] == [[], [], [], FULL, FULL]
    assert answers[3].problems[0].path == ("orderIds",)
    assert codes(placed) == FULL
    kept = [await trader.stored(order) for order in orders[3:]]
    assert [(order.state, order.is_staged) for order in kept] == [(OrderState.HELD, True)] * 2
    assert len(await trader.claim()) == 3


async def test_what_did_not_fit_leaves_when_there_is_room(trader: Trader, database_url: str) -> None:
    orders = [await staged(trader) for _ in range(3)]
    await rate(trader, 2)
    async with at(trader, database_url) as one:
        await release_staged(one.desk, one.principal, [order.id for order in orders])

    async with at(trader, database_url, Later(timedelta(minutes=4))) as one:
        [answer] = await release_staged(one.desk, one.principal, [orders[2].id])

    assert codes(answer) == []


async def test_releases_at_one_instant_let_go_what_fits(trader: Trader, database_url: str) -> None:
    orders = [await staged(trader) for _ in range(12)]
    await rate(trader, 5)

    async with at(trader, database_url) as one, at(trader, database_url) as other:
        asked = [(one if place % 2 else other, order) for place, order in enumerate(orders)]
        calls = (release_staged(by.desk, by.principal, [order.id]) for by, order in asked)
        answers = await asyncio.gather(*calls)

    assert sum(not answer.problems for [answer] in answers) == 5
    assert len(await trader.claim()) == 5


async def test_releases_and_orders_share_one_rate(trader: Trader, database_url: str) -> None:
    waiting = [await staged(trader) for _ in range(8)]
    await rate(trader, 6)

    async with at(trader, database_url) as one, at(trader, database_url) as other:
        answers = await asyncio.gather(
            *(release_staged(one.desk, one.principal, [order.id]) for order in waiting),
            *(other.place(limit_price="100") for _ in range(8)),
        )

    assert len(answers) == 16
    assert len(await trader.claim()) == 6


async def test_an_order_that_is_staged_and_let_go_within_a_minute_counts_once(trader: Trader) -> None:
    await rate(trader, 2)
    first, second = await staged(trader), await staged(trader)

    answers = await release_staged(trader.desk, trader.principal, [first.id, second.id])
    placed = await trader.place(limit_price="100")

    assert [codes(answer) for answer in answers] == [[], []]
    assert codes(placed) == FULL


async def test_a_process_that_counted_on_before_and_one_that_begins_count_the_same(
    trader: Trader, database_url: str
) -> None:
    await rate(trader, 3)
    order = await staged(trader)
    async with at(trader, database_url) as one:
        await one.placed(limit_price="100")
        await release_staged(one.desk, one.principal, [order.id])
        await one.placed(limit_price="100")

        known = await one.place(limit_price="100")
    async with at(trader, database_url) as other:
        new = await other.place(limit_price="100")

    assert (codes(known), codes(new)) == (FULL, FULL)


async def test_scheduled_orders_leave_as_the_rate_has_room_and_once(trader: Trader) -> None:
    time = datetime.now(UTC) + timedelta(hours=1)
    orders = [await staged(trader, release_at=time + timedelta(seconds=place)) for place in range(5)]
    await rate(trader, 2)

    counts = [await due(trader, timedelta(hours=1, minutes=minutes)) for minutes in (1, 1, 3, 5, 7)]

    assert counts == [2, 0, 2, 1, 0]
    assert [command.order_id for command in await trader.claim()] == [order.id for order in orders]


async def test_a_scheduled_order_that_no_rate_lets_go_is_rejected(trader: Trader) -> None:
    order = await staged(trader, release_at=datetime.now(UTC) + timedelta(hours=1))
    await rate(trader, 0)

    count = await due(trader, timedelta(hours=2))

    stored = await trader.stored(order)
    assert (count, stored.state, stored.reject_code) == (1, OrderState.REJECTED, "RISK_MAX_ORDERS_PER_MINUTE")


async def test_a_scheduled_order_that_another_limit_refuses_too_does_not_wait_for_the_rate(trader: Trader) -> None:
    time = datetime.now(UTC) + timedelta(hours=1)
    orders = [await staged(trader, release_at=time) for _ in range(2)]
    await rate(trader, 1)
    await limited(trader, RiskLimitType.MAX_ORDER_QUANTITY, 50)

    await due(trader, timedelta(hours=2))

    assert [(await trader.stored(order)).state for order in orders] == [OrderState.REJECTED] * 2


async def test_a_scheduled_order_that_waits_for_the_rate_alarms_nobody_meanwhile(trader: Trader) -> None:
    time = datetime.now(UTC) + timedelta(hours=1)
    await staged(trader, release_at=time)
    await staged(trader, release_at=time)
    await rate(trader, 1)
    await restrict(trader, RestrictionKind.NOTIFY)

    for _ in range(5):
        await due(trader, timedelta(hours=2))

    assert len(await alerts(trader)) == 1


async def test_a_cooldown_holds_a_release_back(trader: Trader) -> None:
    order = await staged(trader)
    await limited(trader, RiskLimitType.COOLDOWN, 600, conditions={"after": ["FILL"]}, is_active=False)
    filled = await trader.placed(limit_price="100")
    await trader.claim()
    await trader.report(trader.execution(filled, "100", "100"))
    await limited(trader, RiskLimitType.COOLDOWN, 600, conditions={"after": ["FILL"]})

    [answer] = await release_staged(trader.desk, trader.principal, [order.id])

    assert codes(answer) == ["RISK_COOLDOWN"]
    assert (await trader.stored(order)).is_staged


async def approving(trader: Trader, count: int, **terms: Any) -> list[Order]:
    await factories.make_approval_policy(trader.desk.database, trader.key.tenant_id)
    orders = []
    for _ in range(count):
        placement = await trader.desk.intake.submit(trader.principal, replace(trader.order(limit_price="100"), **terms))
        assert placement.order is not None
        orders.append(placement.order)
    return orders


async def test_approvals_are_held_to_the_rate_and_the_order_waits_on(trader: Trader, database_url: str) -> None:
    first, second = await approving(trader, 2)
    await rate(trader, 1)
    approver = await factories.make_principal(trader.desk.database, trader.key.tenant_id)

    async with at(trader, database_url) as one:
        yes = [await decide_approval(one.desk, approver, _yes(order)) for order in (first, second)]
    async with at(trader, database_url, Later(timedelta(minutes=4))) as one:
        again = await decide_approval(one.desk, approver, _yes(second))

    assert [codes(answer) for answer in yes] == [[], FULL]
    assert yes[1].problems[0].path == ("orderId",)
    assert yes[1].order is not None
    assert yes[1].order.state is OrderState.PENDING_APPROVAL
    assert again.order is not None
    assert (codes(again), again.order.state) == ([], OrderState.ROUTED)


async def test_an_approved_order_that_is_staged_counts_at_its_release(trader: Trader, database_url: str) -> None:
    orders = await approving(trader, 2, is_staged=True)
    await rate(trader, 1)
    approver = await factories.make_principal(trader.desk.database, trader.key.tenant_id)

    async with at(trader, database_url) as one:
        yes = [await decide_approval(one.desk, approver, _yes(order)) for order in orders]
        answers = await release_staged(one.desk, one.principal, [order.id for order in orders])

    assert [codes(answer) for answer in yes] == [[], []]
    assert [codes(answer) for answer in answers] == [[], FULL]


async def test_a_breaker_of_messages_counts_a_staged_order_when_it_leaves(trader: Trader) -> None:
    order = await staged(trader)
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        before = await watching.events_behind(session, trader.key.tenant_id, {trader.account_id: 0})
    await release_staged(trader.desk, trader.principal, [order.id])

    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        after = await watching.events_behind(session, trader.key.tenant_id, {trader.account_id: 0})

    assert [one.is_message for one in before[trader.account_id]] == [False]
    assert [(one.is_asked, one.is_message) for one in after[trader.account_id]] == [(True, False), (False, True)]


def _yes(order: Order) -> Verdict:
    return Verdict(order_id=order.id, is_approved=True)
