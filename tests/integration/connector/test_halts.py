"""The connector against the simulator while trading is halted: what it sends, and what it leaves."""

from decimal import Decimal

from app.core.fix import OrderState, Side
from app.core.trading_modes import HaltScope, HaltTarget, TradingMode
from app.flows.halts.halt_trading import halt_trading
from app.flows.halts.kill_switch import Activation, activate_kill_switch, advance
from app.identity.domain.access import system_principal
from app.infra.settings import Settings
from app.simulator.server import Simulator
from tests.integration.connector.test_connector import Trading, connector, settings, trading

__all__ = ["settings", "trading"]

TENANT = HaltTarget(scope=HaltScope.TENANT)


async def test_a_kill_switch_cancels_at_the_broker_closes_there_and_finishes(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    house = trading.house
    asked = Activation(target=TENANT, reason="test", closes_positions=True)
    async with connector(settings):
        await trading.until_connected()
        await trading.place("held", quantity=10)
        await trading.until_states({"held": OrderState.FILLED})
        await trading.place("resting", quantity=10, limit="150.00")
        await trading.until_states({"resting": OrderState.ACCEPTED})

        kill, _ = await activate_kill_switch(trading.desk, system_principal(house.tenant_id, "test"), asked)

        async def is_over() -> bool:
            return await advance(trading.desk, house.tenant_id, kill.id)

        await trading.until(is_over)

    held = simulator.venue.exchange.accounts[house.account.account_number]
    assert [one.quantity for one in held.holdings.values() if one.quantity] == []
    assert list(simulator.venue.exchange.open_orders()) == []
    states = await trading.states()
    assert states["resting"] == OrderState.CANCELED
    [close] = [state for name, state in states.items() if name.startswith("kill/")]
    assert close == OrderState.FILLED


async def test_a_restarted_connector_writes_nothing_that_a_halt_keeps_out(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    async with connector(settings):
        await trading.until_connected()
    # A connector that died between its claim and its write leaves this behind; the halt came after.
    await trading.place("claimed")
    await trading.rows(
        "UPDATE orders SET state = 'ROUTED', broker_order_id = 77, broker_client_id = $1, claimed_generation = 1",
        trading.house.account.client_id,
    )
    await trading.rows("UPDATE broker_connections SET next_order_id = 78")
    principal = system_principal(trading.house.tenant_id, "test")
    await halt_trading(trading.desk, principal, TENANT, TradingMode.HALTED, "test")

    async with connector(settings):
        await trading.until_states({"claimed": OrderState.REJECTED})

    assert list(simulator.venue.exchange.open_orders()) == []
    assert await trading.rows("SELECT 1 FROM executions") == []
    [position] = await trading.rows("SELECT quantity, open_buy_quantity FROM positions")
    assert (position["quantity"], position["open_buy_quantity"]) == (0, 0)


async def test_orders_that_waited_for_the_gate_are_refused_when_it_opens_under_a_halt(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    async with connector(settings):
        await trading.until_connected()
    await trading.place("waits", side=Side.BUY)
    principal = system_principal(trading.house.tenant_id, "test")
    await halt_trading(trading.desk, principal, TENANT, TradingMode.HALTED, "test")

    async with connector(settings):
        await trading.until_states({"waits": OrderState.REJECTED})

    [order] = await trading.rows("SELECT reject_code, reject_origin, broker_order_id FROM orders")
    assert (order["reject_code"], order["reject_origin"], order["broker_order_id"]) == ("TRADING_HALTED", "OMS", None)
    assert simulator.venue.exchange.accounts[trading.house.account.account_number].cash["USD"] == Decimal(1_000_000)
