"""The rows of the transition table that the placing flow makes; the others are in tests/unit/orders."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from app.brokers import repository as brokers
from app.brokers.domain import ConnectionStatus
from app.core.fix import ConnectionState, OrderState, RejectOrigin, RiskLimitType, TimeInForce
from app.flows.approvals.expire_approvals import expire_approvals
from app.flows.orders.cancel_orders import cancel_order
from app.flows.orders.release_orders import release_orders
from app.infra.db import Database
from app.infra.uow import begin_batch
from app.orders.domain.order import Order
from tests import factories
from tests.integration.flows.conftest import Trader
from tests.integration.flows.test_approvals import Pair, pair
from tests.integration.flows.test_staged_orders import due, staged

__all__ = ["pair"]


async def only_move(trader: Trader, order: Order) -> tuple[OrderState | None, OrderState]:
    [logged] = await trader.events()
    assert logged.event.order_id == order.id
    assert (await trader.stored(order)).state is order.state
    return logged.event.from_state, logged.event.to_state


async def test_new_to_routed(trader: Trader) -> None:
    order = await trader.placed()

    assert await only_move(trader, order) == (OrderState.NEW, OrderState.ROUTED)


async def test_new_to_held(trader: Trader) -> None:
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        await brokers.set_status(session, trader.lease, ConnectionStatus(state=ConnectionState.SYNCHRONIZING))

    order = await trader.placed()

    assert await only_move(trader, order) == (OrderState.NEW, OrderState.HELD)


async def test_new_to_rejected(trader: Trader) -> None:
    await factories.make_limit(
        trader.desk.database, trader.key.tenant_id, RiskLimitType.MAX_ORDER_QUANTITY, Decimal(10)
    )

    placement = await trader.place(quantity="11")

    assert placement.order is not None
    assert placement.order.reject_origin is RejectOrigin.OMS
    assert await only_move(trader, placement.order) == (OrderState.NEW, OrderState.REJECTED)


async def last_move(trader: Trader, order: Order) -> tuple[OrderState | None, OrderState]:
    logged = (await trader.events())[-1]
    assert logged.event.order_id == order.id
    assert (await trader.stored(order)).state is logged.event.to_state
    return logged.event.from_state, logged.event.to_state


async def test_new_to_pending_approval(pair: Pair) -> None:
    order = await pair.trader.placed()

    assert await last_move(pair.trader, order) == (OrderState.NEW, OrderState.PENDING_APPROVAL)


async def test_pending_approval_to_routed(pair: Pair) -> None:
    order = await pair.trader.placed()

    await pair.decide(order)

    assert await last_move(pair.trader, order) == (OrderState.PENDING_APPROVAL, OrderState.ROUTED)


async def test_pending_approval_to_held(pair: Pair) -> None:
    order = await pair.trader.placed()
    async with begin_batch(pair.trader.desk.database, pair.trader.key.tenant_id) as session:
        await brokers.set_status(session, pair.trader.lease, ConnectionStatus(state=ConnectionState.SYNCHRONIZING))

    await pair.decide(order)

    assert await last_move(pair.trader, order) == (OrderState.PENDING_APPROVAL, OrderState.HELD)


async def test_pending_approval_to_rejected(pair: Pair) -> None:
    order = await pair.trader.placed()

    await pair.decide(order, approve=False)

    assert await last_move(pair.trader, order) == (OrderState.PENDING_APPROVAL, OrderState.REJECTED)


async def test_pending_approval_to_canceled(pair: Pair) -> None:
    order = await pair.trader.placed()

    await cancel_order(pair.trader.desk, pair.trader.principal, order.id)

    assert await last_move(pair.trader, order) == (OrderState.PENDING_APPROVAL, OrderState.CANCELED)


async def test_pending_approval_to_expired(pair: Pair, system_database: Database) -> None:
    order = await pair.trader.placed()
    desk = pair.trader.desk

    await expire_approvals(desk.database, system_database, now=desk.clock.now() + timedelta(hours=2), ids=desk.ids)

    assert await last_move(pair.trader, order) == (OrderState.PENDING_APPROVAL, OrderState.EXPIRED)


async def test_held_to_rejected_at_its_release(trader: Trader) -> None:
    order = await staged(trader, release_at=trader.desk.clock.now() + timedelta(hours=1))
    await factories.make_limit(trader.desk.database, trader.key.tenant_id, RiskLimitType.MAX_ORDER_QUANTITY, Decimal(5))

    await due(trader)

    assert await last_move(trader, order) == (OrderState.HELD, OrderState.REJECTED)


async def test_held_to_expired_behind_a_closed_gate(trader: Trader) -> None:
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        await brokers.set_status(session, trader.lease, ConnectionStatus(state=ConnectionState.SYNCHRONIZING))
    now = trader.desk.clock.now()
    new = trader.order(quantity="10", limit_price="100")
    terms = replace(new.terms, time_in_force=TimeInForce.GTD, expires_at=now + timedelta(minutes=5))
    placed = await trader.desk.intake.submit(trader.principal, replace(new, terms=terms))
    assert placed.order is not None

    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        later = now + timedelta(minutes=6)
        assert await release_orders(session, trader.key, now=later, ids=trader.desk.ids) == 0

    assert await last_move(trader, placed.order) == (OrderState.HELD, OrderState.EXPIRED)
    assert (await trader.position()).open_buy_quantity == 0
    assert await trader.claim() == []
