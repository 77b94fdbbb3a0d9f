"""A preview over the whole way: the flow, Redis, a connector at work, the simulator's socket, and back."""

import asyncio
from decimal import Decimal

import pytest

from app.core.fix import OrderState, OrderType, Side
from app.core.messages import NewOrder, OrderTerms
from app.flows.preview_order import OrderPreview, preview_order
from app.identity.domain.access import system_principal
from app.infra.settings import Settings
from app.simulator.server import Simulator
from tests.integration.connector.test_connector import Trading, connector, settings, trading

__all__ = ["settings", "trading"]


async def preview(trading: Trading, name: str) -> OrderPreview:
    """What would become of an order of a hundred shares."""
    return await preview_order(
        trading.desk,
        system_principal(trading.house.tenant_id, "test"),
        NewOrder(
            account_id=trading.house.account.id,
            client_order_id=name,
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            terms=OrderTerms(quantity=Decimal(100), limit_price=Decimal("180")),
            symbol="AAPL",
        ),
    )


async def until_answered(trading: Trading) -> OrderPreview:
    """The first preview that the broker answers: its connection is another than that of orders, and may come later."""
    async with asyncio.timeout(10):
        while (told := await preview(trading, "ahead")).answer is None:
            assert told.margin_problem is not None
            assert told.margin_problem.code == "BROKER_DISCONNECTED"
    return told


@pytest.mark.parametrize("library", ["ib_insync", "ib_async"])
async def test_a_connector_asks_the_broker_and_orders_go_on_under_their_own_ids(
    trading: Trading, settings: Settings, simulator: Simulator, library: str
) -> None:
    async with connector(settings.model_copy(update={"ib_library": library})):
        await trading.until_connected()
        await trading.place("one")
        await trading.until_states({"one": OrderState.FILLED})

        first = await until_answered(trading)
        second = await preview(trading, "ahead")
        await trading.place("two")
        await trading.until_states({"two": OrderState.FILLED})

    assert first.answer is not None
    assert first.answer.initial_margin_change is not None
    assert first.answer.initial_margin_change > 0
    assert (first.margin_currency, first.answer.commission) == ("USD", Decimal(1))
    assert second.answer == first.answer
    numbers = [row["broker_order_id"] for row in await trading.rows("SELECT * FROM orders ORDER BY id")]
    assert numbers == [1, 2]
    assert len(simulator.venue.exchange.orders) == 2
    assert await trading.rows("SELECT * FROM quarantined_reports") == []


async def test_previews_go_on_when_the_gateway_came_back(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    async with connector(settings):
        await trading.until_connected()
        before = await until_answered(trading)

        simulator.drop_connections()
        await trading.until_connected()
        after = await until_answered(trading)

    assert after.answer == before.answer
