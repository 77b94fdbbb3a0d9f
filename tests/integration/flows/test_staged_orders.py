"""Staged orders: checked and reserved at once, and gone once, when someone or the clock says so."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from app.core.clock import Clock
from app.core.fix import OrderState, RejectOrigin, RiskLimitType
from app.core.ids import OrderId
from app.flows.orders.cancel_orders import cancel_order
from app.flows.orders.release_orders import release_orders
from app.flows.orders.release_staged import release_due, release_staged
from app.infra.system import SystemIds
from app.infra.uow import begin_batch
from app.orders.domain.order import Order
from tests import factories
from tests.integration.flows.conftest import Trader


class Later(Clock):
    """A clock that runs ahead."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead


IN_AN_HOUR = Later(timedelta(hours=1, minutes=1))


async def staged(trader: Trader, **more: object) -> Order:
    placement = await trader.desk.intake.submit(
        trader.principal,
        replace(trader.order(limit_price="100"), is_staged=True, **more),  # type: ignore[arg-type]
    )
    assert placement.problems == ()
    assert placement.order is not None
    return placement.order


async def due(trader: Trader, clock: Clock = IN_AN_HOUR) -> int:
    desk = trader.desk
    return await release_due(desk.database, desk.redis, trader.key, clock=clock, ids=desk.ids)


async def open_gate(trader: Trader) -> int:
    await trader.gate(is_open=True)
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        return await release_orders(session, trader.key, now=trader.desk.clock.now(), ids=trader.desk.ids)


async def test_a_staged_order_reserves_and_stays(trader: Trader) -> None:
    order = await staged(trader)

    assert (order.state, order.is_staged) == (OrderState.HELD, True)
    assert await trader.claim() == []
    assert await open_gate(trader) == 0
    assert (await trader.position()).open_buy_quantity == 100
    assert await trader.open_orders() == 1


async def test_a_released_order_goes_out_once(trader: Trader) -> None:
    order = await staged(trader)

    answers = await asyncio.gather(*(release_staged(trader.desk, trader.principal, [order.id]) for _ in range(10)))

    told = [[one.code for one in answer.problems] for [answer] in answers]
    assert sorted(told) == [[], *[["ORDER_NOT_STAGED"]] * 9]
    assert [command.order_id for command in await trader.claim()] == [order.id]
    assert (await trader.stored(order)).is_staged is False
    assert [logged.event.type for logged in await trader.events()] == ["OrderHeld", "OrderRouted"]
    assert (await trader.position()).open_buy_quantity == 100


async def test_each_order_is_answered_on_its_own(trader: Trader) -> None:
    first, second = await staged(trader), await staged(trader)
    plain = await trader.placed(limit_price="100")
    unknown = OrderId(SystemIds().new())

    answers = await release_staged(trader.desk, trader.principal, [second.id, unknown, plain.id, first.id])

    assert [[one.code for one in answer.problems] for answer in answers] == [
        [],
        ["ORDER_NOT_FOUND"],
        ["ORDER_NOT_STAGED"],
        [],
    ]


async def test_a_release_behind_a_shut_gate_waits_for_it(trader: Trader) -> None:
    order = await staged(trader)
    await trader.gate(is_open=False)

    [answer] = await release_staged(trader.desk, trader.principal, [order.id])
    waiting = await trader.stored(order)

    assert answer.problems == ()
    assert (waiting.state, waiting.is_staged) == (OrderState.HELD, False)
    assert await open_gate(trader) == 1
    assert [command.order_id for command in await trader.claim()] == [order.id]


async def test_a_release_is_checked_again_and_a_breach_leaves_it_staged(trader: Trader) -> None:
    order = await staged(trader)
    await factories.make_limit(
        trader.desk.database, trader.key.tenant_id, RiskLimitType.MAX_ORDER_QUANTITY, Decimal(50)
    )

    [answer] = await release_staged(trader.desk, trader.principal, [order.id])

    assert [(one.code, one.path) for one in answer.problems] == [("RISK_MAX_ORDER_QUANTITY", ("orderIds",))]
    assert ((await trader.stored(order)).state, (await trader.stored(order)).is_staged) == (OrderState.HELD, True)
    assert await trader.claim() == []


async def test_its_own_reserve_does_not_stand_in_its_way(trader: Trader) -> None:
    for kind, value in ((RiskLimitType.MAX_POSITION_QUANTITY, 100), (RiskLimitType.MAX_OPEN_ORDERS, 1)):
        await factories.make_limit(trader.desk.database, trader.key.tenant_id, kind, Decimal(value))
    order = await staged(trader)

    [answer] = await release_staged(trader.desk, trader.principal, [order.id])

    assert answer.problems == ()


async def test_a_scheduled_order_goes_out_at_its_time_and_once(trader: Trader) -> None:
    order = await staged(trader, release_at=datetime.now(UTC) + timedelta(hours=1))

    early = await due(trader, Later(timedelta(minutes=59)))
    counts = await asyncio.gather(*(due(trader) for _ in range(5)))
    late = await due(trader)

    assert (early, late) == (0, 0)
    assert max(counts) == 1
    assert [command.order_id for command in await trader.claim()] == [order.id]
    assert [logged.event.actor for logged in await trader.events()][1:] == ["system:schedule"]


async def test_a_scheduled_order_that_breaches_a_limit_is_rejected_and_gives_its_reserve_back(trader: Trader) -> None:
    order = await staged(
        trader, release_at=datetime.now(UTC) + timedelta(hours=1), take_profit=Decimal(110), stop_loss=Decimal(90)
    )
    await factories.make_limit(
        trader.desk.database, trader.key.tenant_id, RiskLimitType.MAX_ORDER_QUANTITY, Decimal(50)
    )

    await due(trader)

    stored = await trader.stored(order)
    assert (stored.state, stored.reject_origin, stored.reject_code) == (
        OrderState.REJECTED,
        RejectOrigin.OMS,
        "RISK_MAX_ORDER_QUANTITY",
    )
    assert [child.state for child in await trader.children(order)] == [OrderState.CANCELED] * 2
    assert (await trader.position()).open_buy_quantity == 0
    assert await trader.open_orders() == 0
    assert await due(trader) == 0


async def test_a_staged_order_can_be_canceled(trader: Trader) -> None:
    order = await staged(trader, release_at=datetime.now(UTC) + timedelta(hours=1))

    await cancel_order(trader.desk, trader.principal, order.id)

    assert (await trader.stored(order)).state is OrderState.CANCELED
    assert await due(trader) == 0
    assert (await trader.position()).open_buy_quantity == 0


async def test_a_time_of_release_that_has_passed_is_refused(trader: Trader) -> None:
    new = replace(trader.order(limit_price="100"), is_staged=True, release_at=datetime.now(UTC))

    placement = await trader.desk.intake.submit(trader.principal, new)

    assert placement.order is None
    assert [(one.code, one.path) for one in placement.problems] == [("RELEASE_TIME_INVALID", ("releaseAt",))]


async def test_a_stranger_releases_nothing(trader: Trader) -> None:
    order = await staged(trader)
    stranger = await factories.make_principal(trader.desk.database, await factories.make_tenant(trader.desk.database))

    [answer] = await release_staged(trader.desk, stranger, [order.id])

    assert (answer.order, [one.code for one in answer.problems]) == (None, ["ORDER_NOT_FOUND"])
    assert (await trader.stored(order)).is_staged is True
