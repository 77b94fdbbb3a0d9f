"""Orders that were placed outside: imported as they work, counted, watched, claimed, and ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from app.brokers.reconciling import BreakState
from app.core.fix import OrderState
from app.core.ids import OrderId
from app.flows.journal.verify_journal import Difference, differences
from app.flows.orders.cancel_orders import cancel_order
from app.flows.reconciliation.claim_external import Claim, Claimed, claim_external
from app.identity.domain.access import system_principal
from app.infra.settings import Settings
from app.simulator.server import Simulator
from tests.contract.simulator.clients import Desk as Client
from tests.contract.simulator.clients import load
from tests.integration.connector.test_connector import Trading, settings, trading
from tests.integration.connector.test_reconciliation import connector, held, until_state

__all__ = ["settings", "trading"]

OURS = 7


@asynccontextmanager
async def client(simulator: Simulator, client_id: int) -> AsyncIterator[Client]:
    """Another program at the same gateway."""
    desk = Client(load("ib_async"), simulator.port)
    await desk.connect(client_id)
    try:
        yield desk
    finally:
        desk.ib.disconnect()


async def imported(trading: Trading, state: OrderState = OrderState.ACCEPTED) -> Any:
    """The one order that was placed outside, once it is in the state."""

    async def is_there() -> bool:
        rows = await trading.rows("SELECT state FROM orders WHERE origin = 'EXTERNAL'")
        return [row["state"] for row in rows] == [state]

    await trading.until(is_there)
    [order] = await trading.rows("SELECT * FROM orders WHERE origin = 'EXTERNAL'")
    return order


async def claim(trading: Trading, order_id: OrderId, **metadata: str) -> Claimed:
    person = system_principal(trading.house.tenant_id, "test")
    return await claim_external(
        trading.desk, person, Claim(order_id=order_id, note="placed by phone", metadata=metadata)
    )


async def journal_differences(trading: Trading) -> list[Difference]:
    """Where the tables are not what the events amount to."""
    return await differences(trading.desk.database, trading.house.tenant_id, trading.house.account.id)


async def test_an_order_of_another_client_counts_from_the_moment_it_works_and_is_watched_to_its_end(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    async with connector(settings), client(simulator, 3) as other:
        await trading.until_connected()
        trade = other.place(other.library.LimitOrder("BUY", 30, 150.25))
        order = await imported(trading)

        assert (order["order_type"], order["side"], order["limit_price"]) == ("LIMIT", "BUY", Decimal("150.25"))
        assert (order["quantity"], order["broker_client_id"], order["placed_by"]) == (Decimal(30), 3, "broker")
        [position] = await trading.rows("SELECT * FROM positions")
        assert (position["quantity"], position["open_buy_quantity"]) == (Decimal(0), Decimal(30))
        [book] = await trading.rows("SELECT open_orders FROM account_books")
        assert book["open_orders"] == 1
        told = await until_state(trading, BreakState.OPEN, kind="EXTERNAL_ORDER")
        assert (told["severity"], told["is_freezing"], told["order_id"]) == ("NOTICE", False, order["id"])

        person = system_principal(trading.house.tenant_id, "test")
        refused = await cancel_order(trading.desk, person, order["id"])
        assert [one.code for one in refused.problems] == ["ORDER_NOT_MANAGED"]
        claimed = await claim(trading, order["id"], strategy="income")
        assert claimed.order is not None
        assert (claimed.order.placed_by, claimed.order.metadata["strategy"]) == ("system:test", "income")
        assert claimed.unmanaged_because is not None
        assert claimed.unmanaged_because.startswith("Client 3 submitted the order")
        assert [one.code for one in (await claim(trading, order["id"])).problems] == ["ORDER_CLAIMED"]
        assert (await until_state(trading, BreakState.RESOLVED, kind="EXTERNAL_ORDER"))["reason"] == "placed by phone"

        other.ib.cancelOrder(trade.order)
        ended = await imported(trading, OrderState.CANCELED)

    assert ended["order_metadata"]["strategy"] == "income"
    [position] = await trading.rows("SELECT * FROM positions")
    assert position["open_buy_quantity"] == 0
    events = await trading.rows("SELECT type, actor, reason FROM order_events ORDER BY sequence")
    assert [event["type"] for event in events][:2] == ["OrderImported", "OrderClaimed"]
    assert (events[1]["actor"], events[1]["reason"]) == ("system:test", "placed by phone")
    assert await journal_differences(trading) == []


async def test_fills_of_another_client_move_the_position_and_are_no_break(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    async with connector(settings), client(simulator, 3) as other:
        await trading.until_connected()
        for _ in range(3):
            other.place(other.library.MarketOrder("BUY", 20))

        async def is_booked() -> bool:
            return await held(trading) == Decimal(60)

        await trading.until(is_booked)
        await asyncio.sleep(0.3)

    assert await trading.rows("SELECT * FROM reconciliation_breaks WHERE kind = 'POSITION_QUANTITY'") == []
    states = await trading.rows("SELECT DISTINCT state, origin FROM orders")
    assert [(row["state"], row["origin"]) for row in states] == [("FILLED", "EXTERNAL")]
    assert await journal_differences(trading) == []


async def test_an_order_of_our_own_client_id_is_managed_once_it_is_claimed(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    async with client(simulator, OURS) as before:
        before.place(before.library.LimitOrder("SELL", 10, 250.5))
        async with asyncio.timeout(5):
            while not list(simulator.venue.exchange.open_orders()):
                await asyncio.sleep(0.01)
    async with connector(settings):
        await trading.until_connected()
        order = await imported(trading)

        claimed = await claim(trading, order["id"])
        assert claimed.unmanaged_because is None
        await trading.cancel(order["id"])
        await imported(trading, OrderState.CANCELED)

    assert list(simulator.venue.exchange.open_orders()) == []
    assert await journal_differences(trading) == []
