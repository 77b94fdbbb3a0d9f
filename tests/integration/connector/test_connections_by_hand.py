"""Accounts that are connected, left, moved and valued, over a connector at work and the simulator's socket."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from app.brokers import viewing
from app.brokers.domain import NewAccount
from app.brokers.viewing import AccountView
from app.core.fix import BrokerKind, ConnectionState, OrderState
from app.core.ids import AccountId
from app.flows.brokers.connect_broker import connect_broker, disconnect_broker
from app.flows.brokers.create_broker_account import create_broker_account
from app.flows.brokers.follow_connections import follow_connections
from app.flows.brokers.update_broker_account import AccountChange, update_broker_account
from app.flows.desk import open_desk
from app.flows.positions.compare_pnl import compare_pnl
from app.identity.domain.access import system_principal
from app.infra.settings import Settings
from app.simulator.config import AccountSeed, SimulatorConfig
from app.simulator.server import Simulator
from tests.contract.brokers.conftest import ACCOUNT
from tests.contract.brokers.test_gateway_probe import held
from tests.graphql.conftest import relaying
from tests.integration.connector.conftest import House
from tests.integration.connector.test_connector import WAIT_S, Trading, connector

SECOND = "DU1000002"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """A simulator with two accounts whose market stands still."""
    accounts = (AccountSeed(account_id=ACCOUNT), AccountSeed(account_id=SECOND, cash=Decimal(50_000)))
    running = Simulator(SimulatorConfig(port=0, accounts=accounts))
    await running.start()
    running.pause_market()
    running.set_quote("AAPL", bid=Decimal("187.40"), ask=Decimal("187.42"))
    yield running
    await running.stop()


@pytest.fixture
def settings(database_url: str, redis_url: str, redis_prefix: str, simulator: Simulator) -> Settings:
    return Settings(
        environment="test",
        database_url=database_url,
        redis_url=redis_url,
        redis_prefix=redis_prefix,
        simulator_port=simulator.port,
    )


@pytest.fixture
async def trading(house: House, settings: Settings) -> AsyncIterator[Trading]:
    async with open_desk(settings) as desk:
        yield Trading(desk, house)


def asked(settings: Settings, **terms: Any) -> NewAccount:
    told: dict[str, Any] = {
        "broker": BrokerKind.INTERACTIVE_BROKERS,
        "account_number": SECOND,
        "account_type": "MARGIN",
        "base_currency": "USD",
        "host": settings.simulator_host,
        "port": settings.simulator_port,
        "client_id": 55,
        "is_paper": True,
        "is_connection_wanted": False,
        **terms,
    }
    return NewAccount(**told)


async def until_state(trading: Trading, account_id: AccountId, wanted: ConnectionState) -> Any:
    found = None

    async def is_reached() -> bool:
        nonlocal found
        rows = await trading.rows("SELECT * FROM broker_connections WHERE account_id = $1", account_id)
        found = rows[0]
        return bool(found["state"] == wanted.value)

    await trading.until(is_reached)
    return found


async def test_a_new_account_is_connected_when_it_is_asked_for(trading: Trading, settings: Settings) -> None:
    principal = system_principal(trading.house.tenant_id, "test")
    key = await create_broker_account(
        trading.desk, principal, asked(settings), owns_manual_orders=False, credentials=None
    )
    async with connector(settings):
        await trading.until_connected()
        [still] = await trading.rows("SELECT state FROM broker_connections WHERE account_id = $1", key.account_id)

        await connect_broker(trading.desk, principal, key.account_id)
        row = await until_state(trading, key.account_id, ConnectionState.CONNECTED)

    assert still["state"] == "DISCONNECTED"
    assert row["is_gate_open"] is True


async def test_disconnecting_leaves_open_orders_at_the_broker_and_connecting_finds_them(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    principal = system_principal(trading.house.tenant_id, "test")
    account = trading.house.account
    async with connector(settings):
        await trading.until_connected()
        await trading.place("rest", limit="150")
        await trading.until_states({"rest": OrderState.ACCEPTED})

        await disconnect_broker(trading.desk, principal, account.id)
        [left] = await trading.rows("SELECT * FROM broker_connections")
        await trading.place("meanwhile", quantity=10)
        await asyncio.wait_for(_until_left(simulator), WAIT_S)
        states = await trading.states()
        [still] = await trading.rows("SELECT * FROM broker_connections")
        await connect_broker(trading.desk, principal, account.id)
        await trading.until_states({"meanwhile": OrderState.FILLED, "rest": OrderState.ACCEPTED})

    assert (left["state"], left["is_gate_open"]) == ("DISCONNECTED", False)
    assert (still["state"], still["is_gate_open"]) == ("DISCONNECTED", False)
    assert states == {"rest": "ACCEPTED", "meanwhile": "HELD"}
    assert await trading.rows("SELECT 1 FROM orders WHERE in_doubt") == []


async def test_an_account_moves_to_another_gateway_while_it_is_connected(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    principal = system_principal(trading.house.tenant_id, "test")
    other = Simulator(SimulatorConfig(port=0, accounts=(AccountSeed(account_id=ACCOUNT),)))
    await other.start()
    opened = settings.model_copy(update={"gateway_hosts": f"127.0.0.1:{other.port}"})
    try:
        async with open_desk(opened) as desk, connector(settings):
            await trading.until_connected()
            before = await trading.connection()

            change = AccountChange(port=other.port, client_id=9)
            await update_broker_account(desk, principal, trading.house.account.id, change)
            await trading.until_connected(generation=before["generation"] + 2)
            await asyncio.wait_for(_until_left(simulator), WAIT_S)
            await trading.place("there", limit="1.5")
            await trading.until_states({"there": OrderState.ACCEPTED})
            [order] = await trading.rows("SELECT broker_client_id FROM orders")
    finally:
        await other.stop()

    assert order["broker_client_id"] == 9


async def test_connections_are_told_as_they_change(trading: Trading, settings: Settings) -> None:
    principal = system_principal(trading.house.tenant_id, "test")
    heard: list[tuple[AccountView, str, bool]] = []

    async def follow() -> None:
        async for account in follow_connections(trading.desk, principal):
            async with trading.desk.reading(principal) as session:
                stands = (await viewing.connections(session, principal.tenant_id, [account.id])).get(account.id)
            if stands is not None:
                heard.append((account, stands.state.value, stands.is_gate_open))

    following = asyncio.create_task(follow())
    try:
        async with relaying(settings, trading.desk):
            async with connector(settings):
                await _until_heard(heard, "CONNECTED")
                # The heartbeat is told too, though nothing else changes.
                beats = len(heard)
                async with asyncio.timeout(WAIT_S):
                    while len(heard) == beats:
                        await asyncio.sleep(0.01)
            await _until_heard(heard, "DISCONNECTED")
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)

    assert any(state == "CONNECTED" and is_open for _, state, is_open in heard)


async def test_a_client_id_that_another_program_has_is_kept_and_told(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    account = trading.house.account
    async with held(simulator, client_id=account.client_id), connector(settings):

        async def is_told() -> bool:
            row = await trading.connection()
            return row is not None and row["state"] == "BACKING_OFF" and row["last_error"] is not None

        await trading.until(is_told)
        told = await trading.connection()

    assert told["last_error"].startswith("BROKER_CLIENT_ID_TAKEN")
    assert told["is_gate_open"] is False
    [stored] = await trading.rows("SELECT client_id FROM broker_accounts")
    assert stored["client_id"] == account.client_id


async def test_the_brokers_figures_stand_by_currency_and_its_earnings_beside_ours(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    principal = system_principal(trading.house.tenant_id, "test")
    account_id = trading.house.account.id
    async with connector(settings):
        await trading.until_connected()
        await trading.place("one")
        await trading.until_states({"one": OrderState.FILLED})
        simulator.set_quote("AAPL", bid=Decimal("188.40"), ask=Decimal("188.42"))
        simulator.venue.publish_accounts()

        async def is_told() -> bool:
            rows = await trading.rows("SELECT * FROM account_balances")
            return bool(rows) and rows[0]["daily_pnl"] not in {None, Decimal(0)}

        await trading.until(is_told)
        async with trading.desk.reading(principal) as session:
            told = (await viewing.balances(session, principal.tenant_id, [account_id]))[account_id]
            ledger = (await viewing.currencies(session, principal.tenant_id, [account_id]))[account_id]
        compared = (await compare_pnl(trading.desk, principal, [account_id]))[account_id]

    assert told.excess_liquidity is not None
    assert told.available_funds is not None
    assert told.gross_position_value is not None
    assert told.cushion is not None
    assert 0 < told.cushion <= 1
    dollars = next(one for one in ledger if one.currency == "USD")
    assert dollars.cash is not None
    assert dollars.cash < Decimal(1_000_000)
    assert dollars.exchange_rate == Decimal(1)
    assert told.pnl_at is not None
    assert told.daily_pnl is not None
    assert compared.daily.broker == told.daily_pnl
    assert compared.daily.ours is not None
    assert compared.daily.difference == told.daily_pnl - compared.daily.ours
    assert compared.unrealized.broker == told.unrealized_pnl
    assert compared.unrealized.ours is not None


async def _until_heard(heard: list[tuple[AccountView, str, bool]], state: str) -> None:
    async with asyncio.timeout(WAIT_S):
        while not heard or heard[-1][1] != state:
            await asyncio.sleep(0.01)


async def _until_left(simulator: Simulator) -> None:
    while simulator.venue.has_clients:
        await asyncio.sleep(0.01)
