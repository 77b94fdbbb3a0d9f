"""Connecting: the whole synchronisation of both libraries, ids, taken client ids, dropped connections."""

import asyncio
import socket

import pytest

from app.simulator.config import AccountSeed, SimulatorConfig
from app.simulator.server import Simulator
from tests.contract.simulator.clients import Desk, until


async def test_library_synchronises_unmodified(desk: Desk) -> None:
    versions = {"ib_insync": 176, "ib_async": 178}

    assert desk.ib.isConnected()
    assert desk.ib.client.serverVersion() == versions[desk.library.__name__]
    assert desk.ib.managedAccounts() == ["DU1000001"]
    assert desk.ib.client.getReqId() >= 1
    values = {(value.tag, value.currency): value.value for value in desk.ib.accountValues("DU1000001")}
    assert values["NetLiquidation", "USD"] == "1000000"
    assert values["TotalCashValue", "USD"] == "1000000"
    assert values["CashBalance", "USD"] == "1000000"
    assert values["BuyingPower", "USD"] == "4000000"
    assert desk.ib.positions() == []
    assert desk.codes() == []


async def test_client_id_in_use_is_refused_with_326(desk: Desk, simulator: Simulator) -> None:
    second = Desk(desk.library, simulator.port)

    with pytest.raises((TimeoutError, asyncio.TimeoutError, ConnectionError)):
        await second.ib.connectAsync("127.0.0.1", simulator.port, clientId=1, timeout=0.3)

    assert second.codes()[0] == 326
    assert desk.ib.isConnected()


async def test_client_id_is_free_again_after_its_client_went(desk: Desk, simulator: Simulator) -> None:
    desk.ib.disconnect()
    await until(lambda: not simulator.venue.has_clients, "the first client to be gone")

    await desk.connect(client_id=1)

    assert desk.ib.isConnected()


async def test_dropped_client_sees_its_resting_order_when_it_is_back(desk: Desk, simulator: Simulator) -> None:
    trade = desk.place(desk.library.LimitOrder("BUY", 10, 200.0, orderRef="kept"))
    await until(lambda: trade.orderStatus.status == "Submitted", "the order to rest")
    gone = asyncio.Event()
    desk.ib.disconnectedEvent += gone.set

    simulator.drop_connections()
    await asyncio.wait_for(gone.wait(), 5)
    again = Desk(desk.library, simulator.port)
    await again.connect(client_id=1)

    (found,) = again.ib.openTrades()
    assert (found.order.orderRef, found.order.lmtPrice, found.order.permId) == ("kept", 200.0, trade.order.permId)
    assert again.ib.client.getReqId() > trade.order.orderId
    again.ib.disconnect()


async def test_next_order_id_is_kept_for_each_client(desk: Desk, simulator: Simulator) -> None:
    order = desk.library.LimitOrder("BUY", 1, 200.0)
    order.orderId = 500
    trade = desk.place(order)
    await until(lambda: trade.orderStatus.status == "Submitted", "the order to rest")
    other = Desk(desk.library, simulator.port)
    await other.connect(client_id=2)

    assert simulator.venue.exchange.next_order_id(1) == 501
    assert simulator.venue.exchange.next_order_id(2) == 1
    other.ib.disconnect()


async def test_orders_of_other_clients_are_seen_only_when_all_are_asked_for(desk: Desk, simulator: Simulator) -> None:
    other = Desk(desk.library, simulator.port)
    await other.connect(client_id=2)
    trade = other.place(desk.library.LimitOrder("BUY", 1, 200.0, orderRef="theirs"))
    await until(lambda: trade.orderStatus.status == "Submitted", "the order to rest")

    own = await desk.ib.reqOpenOrdersAsync()
    everyone = await desk.ib.reqAllOpenOrdersAsync()

    assert own == []
    assert [(found.order.orderRef, found.order.clientId) for found in everyone] == [("theirs", 2)]
    other.ib.disconnect()


async def test_current_time_is_the_servers(desk: Desk, simulator: Simulator) -> None:
    told = await desk.ib.reqCurrentTimeAsync()

    assert abs((told - simulator.venue.clock.now()).total_seconds()) < 5


async def test_taken_port_is_an_error_of_the_system() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        second = Simulator(SimulatorConfig(port=taken.getsockname()[1]))

        with pytest.raises(OSError, match="address already in use"):
            await second.start()


async def test_every_configured_account_is_managed(desk: Desk) -> None:
    accounts = (AccountSeed(account_id="DU2"), AccountSeed(account_id="DU3", base_currency="EUR"))
    server = Simulator(SimulatorConfig(accounts=accounts))
    await server.start()
    client = Desk(desk.library, server.port)
    await client.connect()

    summary = {(value.account, value.tag): value for value in await client.ib.accountSummaryAsync()}
    assert client.ib.managedAccounts() == ["DU2", "DU3"]
    assert summary["DU3", "NetLiquidation"].currency == "EUR"
    client.ib.disconnect()
    await server.stop()
