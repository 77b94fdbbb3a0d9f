"""A preview over the whole way: the flow, Redis, a connector at work, the simulator's socket, and back."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import asyncpg
import pytest

from app.core.fix import OrderState, OrderType, Side
from app.core.ids import AccountId
from app.core.messages import NewOrder, OrderTerms
from app.flows.orders.preview_order import OrderPreview, preview_order
from app.identity.domain.access import system_principal
from app.infra.settings import Settings
from app.simulator.config import AccountSeed, SimulatorConfig
from app.simulator.server import Simulator
from tests.contract.brokers.conftest import ACCOUNT
from tests.integration.connector.test_connector import LOOK_S, Trading, connector, settings, trading

__all__ = ["settings", "trading"]


OTHER = "DU1000002"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """A simulator with two accounts whose market stands still."""
    accounts = (AccountSeed(account_id=ACCOUNT), AccountSeed(account_id=OTHER, cash=Decimal(50_000)))
    running = Simulator(SimulatorConfig(port=0, accounts=accounts))
    await running.start()
    running.pause_market()
    running.set_quote("AAPL", bid=Decimal("187.40"), ask=Decimal("187.42"))
    yield running
    await running.stop()


async def preview(trading: Trading, name: str, account_id: AccountId | None = None) -> OrderPreview:
    """What would become of an order of a hundred shares."""
    return await preview_order(
        trading.desk,
        system_principal(trading.house.tenant_id, "test"),
        NewOrder(
            account_id=account_id or trading.house.account.id,
            client_order_id=name,
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            terms=OrderTerms(quantity=Decimal(100), limit_price=Decimal("180")),
            symbol="AAPL",
        ),
    )


async def until_answered(trading: Trading, account_id: AccountId | None = None) -> OrderPreview:
    """The first preview that the broker answers: its connection is another than that of orders, and may come later."""
    async with asyncio.timeout(10):
        while (told := await preview(trading, "ahead", account_id)).answer is None:
            assert told.margin_problem is not None
            assert told.margin_problem.code == "BROKER_DISCONNECTED"
            await asyncio.sleep(LOOK_S)
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


async def test_accounts_at_one_gateway_share_the_connection_that_is_asked_and_it_outlives_the_first(
    trading: Trading, settings: Settings, database_url: str
) -> None:
    tenant_id, other = trading.house.tenant_id, AccountId(trading.desk.ids.new())
    owner = await asyncpg.connect(database_url)
    await owner.execute(
        """
        INSERT INTO broker_accounts (tenant_id, id, broker, account_number, account_type, base_currency, host, port,
          client_id, is_active, is_paper, created_at)
        SELECT tenant_id, $2, broker, $3, account_type, base_currency, host, port, 8, true, is_paper, created_at
        FROM broker_accounts WHERE tenant_id = $1
        """,
        tenant_id,
        other,
        OTHER,
    )
    await owner.execute("INSERT INTO account_books VALUES ($1, $2, 0, 0)", tenant_id, other)

    async def are_open() -> bool:
        rows = await trading.rows("SELECT FROM broker_connections WHERE is_gate_open")
        return len(rows) == 2

    async with connector(settings):
        await trading.until(are_open)
        first, second = await until_answered(trading), await until_answered(trading, other)
        await owner.execute("UPDATE broker_accounts SET is_active = false WHERE id = $1", trading.house.account.id)
        await owner.close()

        async def is_gone() -> bool:
            rows = await trading.rows("SELECT FROM broker_connections WHERE leased_by IS NULL")
            return len(rows) == 1

        await trading.until(is_gone)
        alone = await until_answered(trading, other)
        closed = await preview(trading, "ahead")

    assert first.answer is not None
    assert first.answer == second.answer == alone.answer
    assert [problem.code for problem in closed.problems] == ["ACCOUNT_INACTIVE"]
