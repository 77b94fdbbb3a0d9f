"""The whole way: an order is placed, claimed, written to the simulator's socket, filled, and booked."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from app.brokers import repository as brokers
from app.brokers.domain import ConnectionStatus
from app.brokers.ib.session import Timeouts
from app.connector import serve
from app.connector.feed import FeedIntervals
from app.connector.intervals import Intervals
from app.connector.service import ConnectorIntervals
from app.core.clock import Clock
from app.core.fix import ConnectionState, OrderState, OrderType, Side
from app.core.ids import OrderId
from app.core.messages import NewOrder, OrderTerms
from app.flows.desk import Desk, open_desk
from app.flows.orders.cancel_orders import cancel_order
from app.flows.orders.claim_orders import claim_orders
from app.flows.orders.replace_order import replace_order
from app.identity.domain.access import system_principal
from app.infra.settings import Settings
from app.infra.system import SystemClock, SystemIds
from app.infra.uow import begin_batch
from app.orders.domain.changing import OrderChange
from app.simulator.config import SimulatorConfig
from app.simulator.server import Simulator
from tests.integration.connector.conftest import House

WAIT_S = 15.0
LOOK_S = 0.01
LOOK_AGAIN_MAX_S = 0.06
INTERVALS = ConnectorIntervals(
    discover_s=0.05,
    lease_s=2.0,
    renew_s=0.3,
    runner=Intervals(poll_s=0.25, probe_s=0.1, values_s=0.1),
    feed=FeedIntervals(window_s=0.02, contracts_s=0.3, probe_s=0.2, renew_s=0.5, counts_s=0.1),
    timeouts=Timeouts(connect_s=2.0, part_s=3.0, probe_s=2.0),
)


@dataclass
class Trading:
    """A house whose orders are placed through the flows, and how it looks in the database."""

    desk: Desk
    house: House

    async def place(
        self, name: str, *, quantity: int = 100, side: Side = Side.BUY, limit: str | None = None
    ) -> OrderId:
        placement = await self.desk.intake.submit(
            system_principal(self.house.tenant_id, "test"),
            NewOrder(
                account_id=self.house.account.id,
                client_order_id=name,
                side=side,
                order_type=OrderType.MARKET if limit is None else OrderType.LIMIT,
                terms=OrderTerms(quantity=Decimal(quantity), limit_price=None if limit is None else Decimal(limit)),
                symbol="AAPL",
            ),
        )
        assert placement.order is not None, placement.problems
        assert placement.order.state in {OrderState.ROUTED, OrderState.HELD}, placement.problems
        return placement.order.id

    async def cancel(self, order_id: OrderId) -> None:
        placement = await cancel_order(self.desk, system_principal(self.house.tenant_id, "test"), order_id)
        assert placement.problems == ()

    async def rows(self, sql: str, *parameters: Any) -> list[Any]:
        async with begin_batch(self.desk.database, self.house.tenant_id) as session:
            return await session.fetch(sql, *parameters)

    async def states(self) -> dict[str, str]:
        return {row["client_order_id"]: row["state"] for row in await self.rows("SELECT * FROM orders")}

    async def connection(self) -> Any:
        rows = await self.rows("SELECT * FROM broker_connections")
        return rows[0] if rows else None

    async def until(self, condition: Callable[[], Any]) -> None:
        """Look at the database until the condition, a coroutine function, is true."""
        async with asyncio.timeout(WAIT_S):
            pause = LOOK_S
            while not await condition():
                await asyncio.sleep(pause)
                # What is not there at once comes after some interval of the connector: each look costs it time.
                pause = min(pause * 1.5, LOOK_AGAIN_MAX_S)

    async def until_connected(self, *, generation: int | None = None) -> None:
        async def is_connected() -> bool:
            row = await self.connection()
            return row is not None and row["is_gate_open"] and generation in {None, row["generation"]}

        await self.until(is_connected)

    async def until_states(self, wanted: dict[str, OrderState]) -> None:
        async def are_reached() -> bool:
            states = await self.states()
            return all(states.get(name) == state for name, state in wanted.items())

        await self.until(are_reached)


@pytest.fixture
def settings(database_url: str, redis_url: str, redis_prefix: str) -> Settings:
    return Settings(environment="test", database_url=database_url, redis_url=redis_url, redis_prefix=redis_prefix)


@pytest.fixture
async def trading(house: House, settings: Settings) -> AsyncIterator[Trading]:
    async with open_desk(settings) as desk:
        yield Trading(desk, house)


@asynccontextmanager
async def connector(
    settings: Settings, clock: Clock | None = None, intervals: ConnectorIntervals = INTERVALS
) -> AsyncIterator[asyncio.Task[None]]:
    """A connector at work; stopped in order in the end."""
    task = asyncio.create_task(serve(settings, intervals=intervals, ready=lambda: None, clock=clock))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("library", ["ib_insync", "ib_async"])
async def test_an_order_is_placed_claimed_filled_and_booked(trading: Trading, settings: Settings, library: str) -> None:
    async with connector(settings.model_copy(update={"ib_library": library})):
        await trading.until_connected()

        order_id = await trading.place("one")
        await trading.until_states({"one": OrderState.FILLED})

        async def has_commission() -> bool:
            rows = await trading.rows("SELECT commission FROM executions")
            return len(rows) == 1 and rows[0]["commission"] is not None

        await trading.until(has_commission)

    [order] = await trading.rows("SELECT * FROM orders")
    assert order["id"] == order_id
    assert (order["filled_quantity"], order["average_fill_price"]) == (Decimal(100), Decimal("187.42"))
    assert order["broker_order_id"] is not None
    assert order["permanent_id"] is not None
    [execution] = await trading.rows("SELECT * FROM executions")
    assert (execution["quantity"], execution["price"]) == (Decimal(100), Decimal("187.42"))
    assert execution["commission"] == Decimal(1)
    [position] = await trading.rows("SELECT * FROM positions")
    assert position["quantity"] == Decimal(100)
    events = await trading.rows("SELECT sequence, type FROM order_events ORDER BY sequence")
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["type"] == "OrderPlaced"
    assert await trading.rows("SELECT 1 FROM quarantined_reports") == []


async def test_a_hundred_orders_are_filled_and_agree_with_the_broker(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    simulator.set_quote(
        "AAPL", bid=Decimal("187.40"), ask=Decimal("187.42"), bid_size=Decimal(100_000), ask_size=Decimal(100_000)
    )
    async with connector(settings):
        await trading.until_connected()

        await asyncio.gather(*(trading.place(f"order-{number}", quantity=10) for number in range(100)))
        await trading.until_states({f"order-{number}": OrderState.FILLED for number in range(100)})

    numbers = [row["broker_order_id"] for row in await trading.rows("SELECT broker_order_id FROM orders")]
    assert len(set(numbers)) == 100
    [position] = await trading.rows("SELECT quantity FROM positions")
    assert position["quantity"] == Decimal(1_000)
    held = simulator.venue.exchange.accounts[trading.house.account.account_number]
    assert [one.quantity for one in held.holdings.values()] == [Decimal(1_000)]


async def test_a_resting_order_is_canceled(trading: Trading, settings: Settings) -> None:
    async with connector(settings):
        await trading.until_connected()
        order_id = await trading.place("rest", limit="150")
        await trading.until_states({"rest": OrderState.ACCEPTED})

        await trading.cancel(order_id)
        await trading.until_states({"rest": OrderState.CANCELED})

    assert await trading.rows("SELECT 1 FROM executions") == []


async def test_an_order_that_waited_for_the_gate_goes_out_when_it_opens(trading: Trading, settings: Settings) -> None:
    await trading.place("early")
    before = await trading.states()

    async with connector(settings):
        await trading.until_states({"early": OrderState.FILLED})

    assert before == {"early": OrderState.HELD}


async def test_the_connector_comes_back_after_the_simulator_and_books_what_it_missed(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    async with connector(settings):
        await trading.until_connected()
        await trading.place("rest", limit="150")
        await trading.until_states({"rest": OrderState.ACCEPTED})

        simulator.drop_connections()
        simulator.set_quote("AAPL", bid=Decimal("149.90"), ask=Decimal("149.95"))
        await trading.until_states({"rest": OrderState.FILLED})
        await trading.until_connected()
        simulator.set_quote("AAPL", bid=Decimal("187.40"), ask=Decimal("187.42"))
        await trading.place("after")
        await trading.until_states({"after": OrderState.FILLED})

    [position] = await trading.rows("SELECT quantity FROM positions")
    assert position["quantity"] == Decimal(200)
    assert len(await trading.rows("SELECT 1 FROM executions")) == 2


async def test_a_simulator_that_is_restarted_is_found_again(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    port = simulator.port

    async def is_lost() -> bool:
        row = await trading.connection()
        return row["state"] == "BACKING_OFF" and not row["is_gate_open"] and row["last_error"] is not None

    async with connector(settings):
        await trading.until_connected()
        await simulator.stop()
        await trading.until(is_lost)
        again = Simulator(SimulatorConfig(port=port))
        await again.start()
        again.pause_market()
        again.set_quote("AAPL", bid=Decimal("187.40"), ask=Decimal("187.42"))
        try:
            await trading.until_connected()
            await trading.place("after")
            await trading.until_states({"after": OrderState.FILLED})
        finally:
            await again.stop()


@pytest.mark.parametrize("is_sent", [True, False])
async def test_an_order_that_the_broker_forgot_is_in_doubt_and_its_open_replace_is_not_placed_anew(
    trading: Trading, settings: Settings, simulator: Simulator, is_sent: bool
) -> None:
    async with connector(settings):
        await trading.until_connected()
        for name in ("kept", "changed"):
            await trading.place(name, limit="150")
        await trading.until_states({"kept": OrderState.ACCEPTED, "changed": OrderState.ACCEPTED})
    port = simulator.port
    await simulator.stop()
    [changed] = await trading.rows("SELECT id FROM orders WHERE client_order_id = 'changed'")
    change = OrderChange(order_id=changed["id"], limit_price=Decimal(151))
    placement = await replace_order(trading.desk, system_principal(trading.house.tenant_id, "test"), change)
    assert placement.problems == ()
    if is_sent:
        # As a connector leaves it that dies when it has sent the request.
        await trading.rows("UPDATE order_requests SET sent_at = now()")
        await trading.rows("DELETE FROM lane_commands")

    async def is_lane_empty() -> bool:
        return await trading.rows("SELECT 1 FROM lane_commands") == []

    forgetful = Simulator(SimulatorConfig(port=port))
    await forgetful.start()
    try:
        async with connector(settings):
            await trading.until_connected()
            await trading.until(is_lane_empty)
    finally:
        await forgetful.stop()

    orders = await trading.rows("SELECT in_doubt FROM orders")
    assert [order["in_doubt"] for order in orders] == [True, True]
    assert list(forgetful.venue.exchange.open_orders()) == []


async def test_an_order_that_was_claimed_never_sent_and_then_canceled_ends(
    trading: Trading, settings: Settings
) -> None:
    house = trading.house
    async with begin_batch(trading.desk.database, house.tenant_id) as session:
        lease = await brokers.take_lease(session, house.tenant_id, house.account.id, "dies", 0.01)
        assert lease is not None
        status = ConnectionStatus(
            state=ConnectionState.CONNECTED, is_gate_open=True, reconnect_attempts=0, last_error=None
        )
        await brokers.set_status(session, lease, status)
    order_id = await trading.place("lost")
    async with begin_batch(trading.desk.database, house.tenant_id) as session:
        claimed = await claim_orders(session, lease, 7, limit=10, now=SystemClock().now(), ids=SystemIds())
    await trading.cancel(order_id)

    async with connector(settings):
        await trading.until_states({"lost": OrderState.CANCELED})

    assert [command.order_id for command in claimed] == [order_id]
    [position] = await trading.rows("SELECT quantity, open_buy_quantity FROM positions")
    assert (position["quantity"], position["open_buy_quantity"]) == (0, 0)
    assert await trading.rows("SELECT 1 FROM executions") == []


async def test_a_second_connector_does_not_get_the_lease_until_the_first_is_gone(
    trading: Trading, settings: Settings
) -> None:
    async with connector(settings) as first:
        await trading.until_connected()
        held_by = (await trading.connection())["leased_by"]
        async with connector(settings):
            await trading.place("during")
            await trading.until_states({"during": OrderState.FILLED})
            still_held_by = (await trading.connection())["leased_by"]
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            await trading.until_connected(generation=2)
            await trading.place("after")
            await trading.until_states({"after": OrderState.FILLED})
            now_held_by = (await trading.connection())["leased_by"]

    assert still_held_by == held_by
    assert now_held_by not in {None, held_by}


async def test_an_order_that_was_claimed_and_never_written_is_sent_once(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    async with connector(settings):
        await trading.until_connected()
    # A connector that died between its claim and its write leaves this behind.
    order_id = await trading.place("claimed")
    await trading.rows(
        "UPDATE orders SET state = 'ROUTED', broker_order_id = 77, broker_client_id = $1, claimed_generation = 1",
        trading.house.account.client_id,
    )
    await trading.rows("UPDATE broker_connections SET next_order_id = 78")

    async with connector(settings):
        await trading.until_states({"claimed": OrderState.FILLED})
        await trading.place("next")
        await trading.until_states({"next": OrderState.FILLED})

    rows = {row["client_order_id"]: row["broker_order_id"] for row in await trading.rows("SELECT * FROM orders")}
    assert rows == {"claimed": 77, "next": 78}
    assert len(await trading.rows("SELECT 1 FROM executions WHERE order_id = $1", order_id)) == 1
    held = simulator.venue.exchange.accounts[trading.house.account.account_number]
    assert [one.quantity for one in held.holdings.values()] == [Decimal(200)]


async def test_the_brokers_figures_are_kept(trading: Trading, settings: Settings) -> None:
    async with connector(settings):
        await trading.until_connected()

        async def has_figures() -> bool:
            rows = await trading.rows("SELECT cash FROM account_balances")
            return bool(rows) and rows[0]["cash"] == Decimal(1_000_000)

        await trading.until(has_figures)

        async def has_beat() -> bool:
            return (await trading.connection())["round_trip_ms"] is not None

        await trading.until(has_beat)


async def test_a_connector_that_stops_gives_its_lease_back(trading: Trading, settings: Settings) -> None:
    async with connector(settings):
        await trading.until_connected()

    row = await trading.connection()
    assert (row["state"], row["is_gate_open"], row["leased_by"], row["lease_until"]) == (
        "DISCONNECTED",
        False,
        None,
        None,
    )
