"""Reports are decided before the book is locked: whatever is placed or canceled meanwhile, nothing is counted wrong."""

import asyncio
from decimal import Decimal

from app.core.fix import OrderState
from app.core.messages import CommissionReport
from app.flows.orders.cancel_orders import cancel_order
from app.infra.uow import begin_batch
from app.orders.domain.order import Order, reserved_quantity
from app.orders.repository import account_books
from app.positions.domain import Position
from tests.integration.flows.conftest import Trader

ROUNDS = 8
ORDERS = 8


async def books_hold(trader: Trader, orders: list[Order]) -> Position:
    """The position, whose reservations and whose account's count of open orders are those of the orders."""
    stored = [await trader.stored(order) for order in orders]
    position = await trader.position()
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        book = (await account_books.books_for_update(session, [trader.key]))[trader.key]
    assert position.open_buy_quantity == sum((reserved_quantity(order, None) for order in stored), Decimal(0))
    assert book.open_orders == sum(not order.state.is_terminal for order in stored)
    assert book.last_sequence == len(await trader.events())
    return position


async def test_fills_meet_new_orders_and_cancels(trader: Trader) -> None:
    orders: list[Order] = []
    for _ in range(ROUNDS):
        placed = [await trader.placed(quantity="10", limit_price="10.00") for _ in range(ORDERS)]
        orders += placed
        await trader.claim()

        async with asyncio.TaskGroup() as group:
            for order in placed[: ORDERS // 2]:
                group.create_task(trader.report(trader.execution(order, "4", "10.00")))
                group.create_task(trader.report(trader.execution(order, "6", "10.00")))
            for order in placed[ORDERS // 4 :]:
                group.create_task(cancel_order(trader.desk, trader.principal, order.id))
            new = [group.create_task(trader.placed(quantity="3", limit_price="9.00")) for _ in range(ORDERS)]
        orders += [task.result() for task in new]

        for order in placed[: ORDERS // 2]:
            assert (await trader.stored(order)).state is OrderState.FILLED
    position = await books_hold(trader, orders)

    assert position.quantity == ROUNDS * (ORDERS // 2) * 10
    sequences = [logged.sequence for logged in await trader.events()]
    assert sequences == list(range(1, len(sequences) + 1))


async def test_a_commission_that_comes_just_before_its_execution_is_booked(trader: Trader) -> None:
    order = await trader.placed(quantity="10", limit_price="10.00")
    await trader.claim()
    execution = trader.execution(order, "10", "10.00")
    commission = CommissionReport(
        execution_id=execution.execution_id,
        root=execution.root,
        commission=Decimal("1.25"),
        currency="USD",
        realized_pnl=None,
    )

    await trader.report(commission, execution)

    assert (await trader.stored(order)).commission == Decimal("1.25")
    assert (await trader.position()).commission == Decimal("1.25")


async def test_a_commission_that_came_long_before_its_execution_is_booked_once(trader: Trader) -> None:
    order = await trader.placed(quantity="10", limit_price="10.00")
    await trader.claim()
    first, second = trader.execution(order, "4", "10.00"), trader.execution(order, "6", "10.00")
    commission = CommissionReport(
        execution_id=first.execution_id,
        root=first.root,
        commission=Decimal("1.25"),
        currency="USD",
        realized_pnl=None,
    )
    await trader.report(commission)
    assert (await trader.stored(order)).commission == 0

    await trader.report(first)
    await trader.report(second, commission)

    assert (await trader.stored(order)).commission == Decimal("1.25")
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        kept = await session.fetch("SELECT 1 FROM early_commissions WHERE tenant_id = $1", trader.key.tenant_id)
    assert kept == []
