"""The rows of the transition table that the placing flow makes; the others are in tests/unit/orders."""

from decimal import Decimal

from app.brokers import repository as brokers
from app.brokers.domain import ConnectionStatus
from app.core.fix import ConnectionState, OrderState, RejectOrigin, RiskLimitType
from app.infra.uow import begin_batch
from app.orders.domain.order import Order
from tests import factories
from tests.integration.flows.conftest import Trader


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
