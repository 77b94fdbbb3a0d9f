"""Accounts at the paper broker: orders through the house and its connector, dealt on quotes, booked as told."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.brokers.domain import BrokerAccount, NewAccount
from app.brokers.errors import BrokerAccountUnknownError, BrokerDisconnectedError
from app.brokers.paper.orders import PaperChanges
from app.connector.paper import PaperBooks
from app.core.fix import BrokerKind, OrderState, Side
from app.core.ids import InstrumentId
from app.core.messages import Tick
from app.flows.brokers.open_account import open_account
from app.flows.desk import open_desk
from app.infra.db import Database
from app.infra.redis import Redis
from app.infra.settings import Settings
from app.infra.system import SystemClock, SystemIds
from app.infra.uow import begin_batch
from app.marketdata.service import publish_ticks
from tests import factories
from tests.command_line import Running, servers_of, started
from tests.graphql.conftest import Api, relaying, serve, token_of
from tests.integration.connector.conftest import House
from tests.integration.connector.test_connector import Trading, connector

CASH = Decimal(500_000)


@pytest.fixture
def settings(database_url: str, redis_url: str, redis_prefix: str) -> Settings:
    """A paper broker that deals at all hours, so that the tests do."""
    return Settings(
        environment="test",
        database_url=database_url,
        redis_url=redis_url,
        redis_prefix=redis_prefix,
        paper_sessions="always",
    )


@pytest.fixture
async def trading(database: Database, database_url: str, settings: Settings) -> AsyncIterator[Trading]:
    """A tenant with one account at the paper broker, the only one that a connector finds to be connected."""
    owner = await asyncpg.connect(database_url)
    await owner.execute("UPDATE broker_accounts SET is_active = false WHERE is_active")
    tenant_id = await factories.make_tenant(database)
    instruments = await factories.make_instruments(database, tenant_id)
    new = NewAccount(
        broker=BrokerKind.PAPER,
        account_number="PAPER1",
        account_type="MARGIN",
        base_currency="USD",
        host="paper",
        port=1,
        client_id=7,
        is_paper=True,
        starting_cash=CASH,
    )
    async with begin_batch(database, tenant_id) as session:
        account = await open_account(session, tenant_id, new, now=SystemClock().now(), ids=SystemIds())
    house = House(
        tenant_id=tenant_id,
        account=BrokerAccount(
            tenant_id=tenant_id,
            id=account.key.account_id,
            broker=BrokerKind.PAPER,
            account_number="PAPER1",
            base_currency="USD",
            host="paper",
            port=1,
            client_id=7,
            is_paper=True,
        ),
        instruments={symbol: one.id for symbol, one in instruments.items()},
    )
    async with open_desk(settings) as desk:
        yield Trading(desk, house)
    await owner.execute("UPDATE broker_accounts SET is_active = false WHERE tenant_id = $1", tenant_id)
    await owner.close()


async def quote(trading: Trading, redis: Redis, bid: str, ask: str, *, size: int = 1_000, age_s: float = 0) -> None:
    """What a market data connection would tell of AAPL."""
    tick = Tick(
        instrument_id=InstrumentId(trading.house.instruments["AAPL"]),
        symbol="AAPL",
        bid=Decimal(bid),
        bid_size=Decimal(size),
        ask=Decimal(ask),
        ask_size=Decimal(size),
        last=Decimal(bid),
        last_size=Decimal(100),
        time=datetime.now(UTC) - timedelta(seconds=age_s),
    )
    await publish_ticks(redis, trading.house.tenant_id, [tick])


async def is_equal_to_the_books(trading: Trading) -> bool:
    """True when our orders, executions and positions are those of the paper broker. Asserts that none is twice."""
    ours = await trading.rows(
        "SELECT order_id, execution_root AS root, side, quantity, price, commission FROM executions ORDER BY root"
    )
    theirs = await trading.rows(
        """
        SELECT order_id, 'P' || lpad(number::text, 10, '0') AS root, side, quantity, price, commission
        FROM paper_executions ORDER BY root
        """
    )
    positions = await trading.rows("SELECT instrument_id, quantity FROM positions WHERE quantity <> 0 ORDER BY 1")
    held = await trading.rows("SELECT instrument_id, quantity FROM paper_positions WHERE quantity <> 0 ORDER BY 1")
    filled = await trading.rows("SELECT id, filled_quantity FROM orders WHERE broker_order_id IS NOT NULL ORDER BY id")
    dealt = await trading.rows("SELECT order_id AS id, filled AS filled_quantity FROM paper_orders ORDER BY 1")
    assert len({row["root"] for row in ours}) == len(ours)
    return [[dict(row) for row in rows] for rows in (ours, positions, filled)] == [
        [dict(row) for row in rows] for rows in (theirs, held, dealt)
    ]


async def working(trading: Trading) -> int:
    """How many orders the broker has acknowledged and not ended."""
    [row] = await trading.rows("SELECT count(*) FROM orders WHERE state IN ('ACCEPTED', 'PARTIALLY_FILLED')")
    return int(row["count"])


async def test_an_order_waits_for_a_quote_deals_on_it_and_is_booked_as_the_books_say(
    trading: Trading, settings: Settings, redis: Redis
) -> None:
    async with connector(settings):
        await trading.until_connected()
        await trading.place("one")
        await trading.until_states({"one": OrderState.ACCEPTED})

        await quote(trading, redis, "187.40", "187.42")
        await trading.until_states({"one": OrderState.FILLED})
        await trading.until(lambda: is_equal_to_the_books(trading))

        async def has_figures() -> bool:
            [row] = await trading.rows("SELECT * FROM account_balances")
            return bool(row["cash"] == CASH - 18_742 - 1 and row["initial_margin"] == 9_370)

        await trading.until(has_figures)

    [execution] = await trading.rows("SELECT * FROM executions")
    assert (execution["price"], execution["quantity"], execution["commission"]) == (Decimal("187.42"), 100, 1)


async def test_an_old_quote_deals_nothing_and_a_displayed_size_deals_once(
    trading: Trading, settings: Settings, redis: Redis
) -> None:
    await quote(trading, redis, "187.40", "187.42", age_s=60)
    async with connector(settings):
        await trading.until_connected()
        await trading.place("one", quantity=30)
        await trading.until_states({"one": OrderState.ACCEPTED})

        await quote(trading, redis, "187.41", "187.43", size=20)
        await trading.until_states({"one": OrderState.PARTIALLY_FILLED})
    # The same quote is the newest in Redis when the next connector comes.
    async with connector(settings):
        await trading.until_connected(generation=2)
        await trading.place("two", quantity=5)
        await trading.until_states({"two": OrderState.ACCEPTED})
        await quote(trading, redis, "187.42", "187.44", size=20)
        await trading.until_states({"one": OrderState.FILLED, "two": OrderState.FILLED})
        await trading.until(lambda: is_equal_to_the_books(trading))

    executions = await trading.rows("SELECT quantity, price FROM paper_executions ORDER BY number")
    assert [(row["quantity"], row["price"]) for row in executions] == [
        (20, Decimal("187.43")),
        (10, Decimal("187.44")),
        (5, Decimal("187.44")),
    ]


async def test_what_was_acknowledged_survives_a_kill_and_deals_once(
    trading: Trading, settings: Settings, redis: Redis, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(connector_process(settings, tmp_path))
        await trading.until_connected()
        for number in range(12):
            await trading.place(f"buy-{number}", quantity=10, limit="187.00")
        await trading.place("stays", limit="150")

        async def are_working() -> bool:
            return await working(trading) == 13

        await trading.until(are_working)
        dealing = asyncio.create_task(quote(trading, redis, "186.90", "186.95", size=50))
        await dealing

        async def has_dealt() -> bool:
            return bool(await trading.rows("SELECT FROM paper_executions"))

        await trading.until(has_dealt)
        first.send_signal(signal.SIGKILL)
        await first.wait()
        # Nobody deals while nobody is there.
        await quote(trading, redis, "186.80", "186.85", size=30)
        before = await trading.rows("SELECT sum(quantity) FROM paper_executions")

        await stack.enter_async_context(connector_process(settings, tmp_path))
        await trading.until_connected(generation=2)
        await quote(trading, redis, "186.70", "186.75", size=500)
        await trading.until_states({f"buy-{number}": OrderState.FILLED for number in range(12)})
        await trading.until(lambda: is_equal_to_the_books(trading))

    assert before[0]["sum"] <= 50
    assert (await trading.states())["stays"] == OrderState.ACCEPTED
    [position] = await trading.rows("SELECT quantity FROM paper_positions")
    assert position["quantity"] == 120
    assert await trading.rows("SELECT FROM paper_orders WHERE status = 'OPEN'") != []
    [cash] = await trading.rows("SELECT amount FROM paper_cash")
    [dealt] = await trading.rows("SELECT sum(quantity * price + commission) AS value FROM paper_executions")
    assert cash["amount"] == CASH - dealt["value"]


@pytest.mark.campaign
async def test_kills_in_the_midst_of_dealing_lose_nothing_and_deal_nothing_twice(
    trading: Trading, settings: Settings, redis: Redis, tmp_path: Path
) -> None:
    names = [f"order-{number}" for number in range(60)]

    async def dealt() -> Decimal:
        [row] = await trading.rows("SELECT coalesce(sum(quantity), 0) AS dealt FROM paper_executions")
        return Decimal(row["dealt"])

    async def stream() -> None:
        # Each quote is another price, and shows seven.
        number = 0
        while True:
            number += 1
            await quote(trading, redis, "187.00", f"187.{10 + number % 80}", size=7)
            await asyncio.sleep(0.005)

    for name in names:
        await trading.place(name, quantity=25, limit="188")
    streaming = asyncio.create_task(stream())
    try:
        for kill in range(3):
            async with connector_process(settings, tmp_path) as process:
                goal = Decimal(300 * (kill + 1))

                async def is_reached(goal: Decimal = goal) -> bool:
                    return await dealt() >= goal

                await trading.until(is_reached)
                process.send_signal(signal.SIGKILL)
                await process.wait()
        async with connector_process(settings, tmp_path):
            await trading.until_states(dict.fromkeys(names, OrderState.FILLED))
            await trading.until(lambda: is_equal_to_the_books(trading))
    finally:
        streaming.cancel()
        await asyncio.gather(streaming, return_exceptions=True)

    assert await dealt() == 60 * 25
    rows = await trading.rows("SELECT quoted_at, sum(quantity) FROM paper_executions GROUP BY quoted_at")
    assert max(row["sum"] for row in rows) <= 7
    [cash] = await trading.rows("SELECT amount FROM paper_cash")
    [value] = await trading.rows("SELECT sum(quantity * price + commission) AS spent FROM paper_executions")
    assert cash["amount"] == CASH - value["spent"]


@asynccontextmanager
async def connector_process(settings: Settings, folder: Path) -> AsyncIterator[Running]:
    """A connector in a process of its own."""
    variables = {**servers_of(settings), "OMS_PAPER_SESSIONS": settings.paper_sessions}
    async with started("connector", folder=folder, **variables) as process:
        yield process
        process.send_signal(signal.SIGTERM)
        await process.wait()


async def test_only_the_latest_session_writes_the_books(trading: Trading, database: Database) -> None:
    first, second = (PaperBooks(database, trading.house.account) for _ in range(2))
    state = await first.open()
    await second.open()
    changes = PaperChanges(
        orders=(),
        executions=(),
        positions=(),
        cash={},
        last_permanent_id=state.last_permanent_id + 1,
        last_execution_number=0,
        next_order_id=9,
    )

    with pytest.raises(BrokerDisconnectedError):
        await first.save(changes)

    [row] = await trading.rows("SELECT * FROM paper_accounts")
    assert (row["session"], row["next_order_id"], row["last_permanent_id"]) == (2, 1, 0)


async def test_an_account_of_another_tenant_has_no_books_here(trading: Trading, database: Database) -> None:
    other = await factories.make_tenant(database)
    account = trading.house.account
    strange = BrokerAccount(
        tenant_id=other,
        id=account.id,
        broker=account.broker,
        account_number=account.account_number,
        base_currency="USD",
        host="paper",
        port=1,
        client_id=7,
        is_paper=True,
    )

    with pytest.raises(BrokerAccountUnknownError):
        await PaperBooks(database, strange).open()


PLACE = """
mutation Place($input: PlaceOrderInput!) {
  placeOrder(input: $input) { order { id state } errors { code message path } }
}
"""
CANCEL = "mutation Cancel($id: ID!) { cancelOrder(input: {orderId: $id}) { order { state } errors { code } } }"
PREVIEW = """
query Preview($input: PlaceOrderInput!) {
  previewOrder(input: $input) {
    wouldBeAccepted initialMarginChange maintenanceMarginChange commission marginUnavailable { code }
  }
}
"""
LOOK = "{ brokerAccounts { id cash connection { state } } }"
SEE = """
query See($id: ID!) {
  order(id: $id) { state filledQuantity averageFillPrice executions { quantity price commission } }
  positions { quantity }
}
"""
CREATE = """
mutation Create($input: CreateBrokerAccountInput!) {
  createBrokerAccount(input: $input) { brokerAccount { id } errors { code message path } }
}
"""
CONNECT = "mutation Connect($id: ID!) { connectBroker(input: {accountId: $id}) { errors { code } } }"
NEW_ACCOUNT = {
    "broker": "PAPER",
    "accountNumber": "PAPER2",
    "accountType": "MARGIN",
    "baseCurrency": "USD",
    "host": "paper",
    "port": 1,
    "clientId": 8,
    "isPaper": True,
}


async def test_a_client_brings_in_a_paper_account_and_trades_on_it_over_http(
    trading: Trading, settings: Settings, redis: Redis
) -> None:
    desk, tenant_id = trading.desk, trading.house.tenant_id
    token = token_of(desk, await factories.make_principal(desk.database, tenant_id))
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(serve(desk, settings))
        await stack.enter_async_context(relaying(settings, desk))
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=10))
        api = Api(http=http, address=address, bearer=token)
        await stack.enter_async_context(connector(settings))

        created = (await api.data(CREATE, input={**NEW_ACCOUNT, "startingCash": "50000"}))["createBrokerAccount"]
        account_id = created["brokerAccount"]["id"]
        await api.data(CONNECT, id=account_id)

        async def is_connected() -> bool:
            [account] = [one for one in (await api.data(LOOK))["brokerAccounts"] if one["id"] == account_id]
            return bool(account["connection"]["state"] == "CONNECTED" and account["cash"] == "50000")

        await trading.until(is_connected)
        terms = {"accountId": account_id, "symbol": "AAPL", "side": Side.BUY.value, "quantity": "10"}
        market = {**terms, "orderType": "MARKET"}
        placed = await api.data(PLACE, input={**market, "clientOrderId": "a"})
        resting = await api.data(
            PLACE, input={**terms, "orderType": "LIMIT", "limitPrice": "150", "clientOrderId": "b"}
        )
        await trading.until_states({"a": OrderState.ACCEPTED, "b": OrderState.ACCEPTED})
        await quote(trading, redis, "187.40", "187.42")
        await trading.until_states({"a": OrderState.FILLED})
        preview = (await api.data(PREVIEW, input={**market, "clientOrderId": "p"}))["previewOrder"]
        await api.data(PLACE, input={**market, "quantity": "1000", "clientOrderId": "c"})
        await api.data(CANCEL, id=resting["placeOrder"]["order"]["id"])
        await trading.until_states({"b": OrderState.CANCELED, "c": OrderState.REJECTED})
        await trading.until(lambda: is_equal_to_the_books(trading))
        seen: dict[str, Any] = await api.data(SEE, id=placed["placeOrder"]["order"]["id"])

    assert created["errors"] == []
    assert preview == {
        "wouldBeAccepted": True,
        "initialMarginChange": "937",
        "maintenanceMarginChange": "468.5",
        "commission": "1",
        "marginUnavailable": None,
    }
    assert seen["order"] == {
        "state": "FILLED",
        "filledQuantity": "10",
        "averageFillPrice": "187.42",
        "executions": [{"quantity": "10", "price": "187.42", "commission": "1"}],
    }
    assert seen["positions"] == [{"quantity": "10"}]


async def test_only_a_paper_account_takes_starting_cash_and_not_any(trading: Trading, settings: Settings) -> None:
    desk = trading.desk
    token = token_of(desk, await factories.make_principal(desk.database, trading.house.tenant_id))
    real = {**NEW_ACCOUNT, "broker": "INTERACTIVE_BROKERS", "accountNumber": "DU7654321", "startingCash": "1"}
    async with serve(desk, settings) as address, httpx.AsyncClient(timeout=10) as http:
        api = Api(http=http, address=address, bearer=token)

        answers = [
            (await api.data(CREATE, input=asked))["createBrokerAccount"]
            for asked in (real, {**NEW_ACCOUNT, "startingCash": "-1"}, {**NEW_ACCOUNT, "startingCash": "1000000000001"})
        ]

    assert [one["brokerAccount"] for one in answers] == [None] * 3
    assert [one["errors"][0]["path"] for one in answers] == [["startingCash"]] * 3
    assert [row["account_number"] for row in await trading.rows("SELECT * FROM broker_accounts")] == ["PAPER1"]
