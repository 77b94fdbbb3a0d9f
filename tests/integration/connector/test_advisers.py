"""An adviser's blocks over the socket: placed, divided by the broker, and booked to the accounts as they are there."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.brokers.domain import BrokerAccount
from app.core.allocation import Allocation, AllocationMethod
from app.core.fix import BrokerKind, OrderState, OrderType, Side
from app.core.ids import AccountId, OrderId
from app.core.messages import NewOrder, OrderTerms
from app.flows.journal.verify_journal import differences
from app.flows.orders.cancel_orders import cancel_order
from app.flows.orders.replace_order import replace_order
from app.identity.domain.access import system_principal
from app.infra.settings import Settings
from app.infra.system import SystemClock, SystemIds
from app.orders.domain.changing import OrderChange
from app.simulator.advisers import AccountGroup
from app.simulator.config import AccountSeed, SimulatorConfig
from app.simulator.server import Simulator
from tests.contract.brokers.conftest import ACCOUNT
from tests.contract.simulator.clients import Desk as Client
from tests.contract.simulator.clients import load
from tests.integration.connector.conftest import House
from tests.integration.connector.pathologies import SWIFT
from tests.integration.connector.test_connector import Trading, connector, trading

__all__ = ["trading"]

D = Decimal
MASTER, ONE, TWO, STRANGE = "DF1000000", ACCOUNT, "DU1000002", "DU1000003"
AAPL = 265598
ROOT = Path(__file__).parents[3]
OFTEN = replace(
    SWIFT,
    runner=replace(SWIFT.runner, positions_s=0.4, settle_s=0.2, probe_s=0.5, doubt_s=0.3),
    groups_s=0.4,
)
"""A connector that asks for groups and compares positions all the time."""


@pytest.fixture
def settings(database_url: str, redis_url: str, redis_prefix: str) -> Settings:
    """Without a pace: three sessions and their feed share one gateway here and look all the time."""
    return Settings(
        environment="test",
        database_url=database_url,
        redis_url=redis_url,
        redis_prefix=redis_prefix,
        ib_messages_per_second=0,
    )


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """An adviser's login over three accounts, one of which is worth twice the others; its market stands still."""
    running = Simulator(
        SimulatorConfig(
            accounts=(
                AccountSeed(account_id=ONE, cash=D(1_000_000)),
                AccountSeed(account_id=TWO, cash=D(500_000)),
                AccountSeed(account_id=STRANGE, cash=D(500_000)),
            ),
            adviser_id=MASTER,
            account_groups=(
                AccountGroup(name="both", method="EqualQuantity", account_ids=(ONE, TWO)),
                AccountGroup(name="ratio", method="Ratio", account_ids=(ONE, TWO), amounts=(D(3), D(1))),
                AccountGroup(name="wide", method="EqualQuantity", account_ids=(ONE, TWO, STRANGE)),
            ),
        )
    )
    await running.start()
    running.pause_market()
    running.set_quote("AAPL", bid=D("187.40"), ask=D("187.42"))
    yield running
    await running.stop()


@dataclass(kw_only=True)
class Advised:
    """A tenant whose orders go through an adviser's account, and the simulator that they go to."""

    trading: Trading
    simulator: Simulator
    master: AccountId
    keys: dict[str, AccountId]

    async def place(self, name: str, allocation: Allocation | None, *, quantity: int = 100, **terms: Any) -> OrderId:
        limit = terms.pop("limit", None)
        placement = await self.trading.desk.intake.submit(
            system_principal(self.trading.house.tenant_id, "test"),
            NewOrder(
                account_id=terms.pop("account_id", self.master),
                client_order_id=name,
                side=terms.pop("side", Side.BUY),
                order_type=OrderType.MARKET if limit is None else OrderType.LIMIT,
                terms=OrderTerms(quantity=D(quantity), limit_price=None if limit is None else D(limit)),
                symbol="AAPL",
                allocation=allocation,
                **terms,
            ),
        )
        assert placement.order is not None, placement.problems
        assert placement.problems == ()
        return placement.order.id

    async def until_ready(self) -> None:
        """All three accounts are connected, and the groups are told."""

        async def is_ready() -> bool:
            gates = await self.trading.rows("SELECT is_gate_open FROM broker_connections")
            told = await self.trading.rows("SELECT FROM broker_accounts WHERE groups_told_at IS NOT NULL")
            return len(gates) == 3 and all(row["is_gate_open"] for row in gates) and len(told) == 1

        await self.trading.until(is_ready)

    async def ours(self) -> dict[str, Decimal]:
        """What each account holds by our books."""
        numbers = {account_id: number for number, account_id in self.keys.items()}
        rows = await self.trading.rows("SELECT account_id, quantity FROM positions WHERE quantity <> 0")
        return {numbers[row["account_id"]]: row["quantity"] for row in rows}

    def theirs(self) -> dict[str, Decimal]:
        """What each of the tenant's accounts holds at the broker."""
        accounts = self.simulator.venue.exchange.accounts
        held = {number: accounts[number].holdings for number in self.keys}
        return {
            number: holdings[AAPL].quantity
            for number, holdings in held.items()
            if AAPL in holdings and holdings[AAPL].quantity
        }

    async def until_agreed(self, wanted: Callable[[dict[str, Decimal]], bool] = lambda held: bool(held)) -> None:
        """Our books are the broker's, with what each share cost."""

        async def agree() -> bool:
            held = await self.ours()
            if held != self.theirs() or not wanted(held):
                return False
            uncharged = await self.trading.rows("SELECT FROM executions WHERE commission IS NULL AND quantity > 0")
            return not uncharged

        await self.trading.until(agree)

    async def sound(self) -> None:
        """No break, nothing in quarantine, and every log tells what its tables hold."""
        assert (
            await self.trading.rows("SELECT kind, ours, broker FROM reconciliation_breaks WHERE state = 'OPEN'") == []
        )
        assert await self.trading.rows("SELECT FROM quarantined_reports") == []
        for account_id in self.keys.values():
            assert await differences(self.trading.desk.database, self.trading.house.tenant_id, account_id) == []

    async def until_compared(self) -> None:
        """Each account has been compared with the broker's once more than so far."""

        async def looks() -> dict[AccountId, int]:
            rows = await self.trading.rows(
                "SELECT account_id, sum(looks)::int AS looks FROM reconciliations GROUP BY account_id"
            )
            return {row["account_id"]: row["looks"] for row in rows}

        before = await looks()

        async def has_looked() -> bool:
            now = await looks()
            return all(now.get(account_id, 0) > before.get(account_id, 0) + 1 for account_id in self.keys.values())

        await self.trading.until(has_looked)


async def add_account(house: House, owner: asyncpg.Connection, account: BrokerAccount) -> None:
    await owner.execute(
        """
        INSERT INTO broker_accounts (tenant_id, id, broker, account_number, account_type, base_currency, host, port,
          client_id, is_active, is_paper, created_at, is_adviser, adviser_id)
        VALUES ($1, $2, 'INTERACTIVE_BROKERS', $3, 'MARGIN', 'USD', $4, $5, $6, true, true, $7, $8, $9)
        """,
        house.tenant_id,
        account.id,
        account.account_number,
        account.host,
        account.port,
        account.client_id,
        SystemClock().now(),
        account.is_adviser,
        account.adviser_id,
    )
    await owner.execute("INSERT INTO account_books VALUES ($1, $2, 0, 0)", house.tenant_id, account.id)


@pytest.fixture
async def advised(trading: Trading, simulator: Simulator, database_url: str) -> Advised:
    """The house's account and another one under an adviser's account."""
    house, ids = trading.house, SystemIds()
    master, two = AccountId(ids.new()), AccountId(ids.new())
    owner = await asyncpg.connect(database_url)
    shared: dict[str, Any] = {
        "tenant_id": house.tenant_id,
        "broker": BrokerKind.INTERACTIVE_BROKERS,
        "base_currency": "USD",
        "host": "127.0.0.1",
        "port": simulator.port,
        "is_paper": True,
    }
    await add_account(
        house, owner, BrokerAccount(id=master, account_number=MASTER, client_id=20, is_adviser=True, **shared)
    )
    await add_account(
        house, owner, BrokerAccount(id=two, account_number=TWO, client_id=30, adviser_id=master, **shared)
    )
    await owner.execute("UPDATE broker_accounts SET adviser_id = $2 WHERE id = $1", house.account.id, master)
    await owner.close()
    return Advised(
        trading=trading, simulator=simulator, master=master, keys={MASTER: master, ONE: house.account.id, TWO: two}
    )


def filled(advised: Advised, *names: str) -> dict[str, OrderState]:
    return dict.fromkeys(names, OrderState.FILLED)


@pytest.mark.parametrize("library", ["ib_insync", "ib_async"])
async def test_a_block_is_divided_by_each_method_and_booked_as_the_broker_has_it(
    advised: Advised, settings: Settings, library: str
) -> None:
    trading = advised.trading
    blocks = {
        "equal": Allocation(group="both"),
        "worth": Allocation(group="both", method=AllocationMethod.NET_LIQUIDATION),
        "available": Allocation(group="both", method=AllocationMethod.AVAILABLE_EQUITY),
        "ratio": Allocation(group="ratio"),
    }
    amounts = [AllocationMethod.PERCENT, AllocationMethod.CONTRACTS_OR_SHARES, AllocationMethod.MONETARY_AMOUNT]
    if library == "ib_async":
        blocks |= {method.value: Allocation(group="ratio", method=method) for method in amounts}
    else:
        # At 176 groups are told without amounts, so that no method goes by them.
        del blocks["ratio"]
    async with connector(settings.model_copy(update={"ib_library": library}), intervals=OFTEN):
        await advised.until_ready()

        for name, allocation in blocks.items():
            await advised.place(name, allocation)
        await trading.until_states(filled(advised, *blocks))
        await advised.until_agreed(lambda held: sum(held.values()) == 100 * len(blocks))
        change = Allocation(group="both", method=AllocationMethod.PERCENT_CHANGE, percentage=D(50))
        await advised.place("change", change, side=Side.SELL, quantity=100 * len(blocks))
        await advised.until_agreed(lambda held: sum(held.values()) == 50 * len(blocks))
        await trading.until_states(filled(advised, "change"))
        await advised.until_compared()

    by_name = {
        row["client_order_id"]: row
        for row in await trading.rows(
            "SELECT o.*, (SELECT jsonb_object_agg(a.account_number, s.filled_quantity::text) FROM orders s"
            " JOIN broker_accounts a ON a.id = s.account_id WHERE s.block_id = o.id) AS shares"
            " FROM orders o WHERE allocation IS NOT NULL"
        )
    }
    assert {name: {one: int(D(part)) for one, part in row["shares"].items()} for name, row in by_name.items()} == {
        name: {ONE: 75, TWO: 25} if allocation.group == "ratio" else advised_shares(name)
        for name, allocation in blocks.items()
    } | {"change": {one: int(D(part)) for one, part in by_name["change"]["shares"].items()}}
    assert by_name["change"]["quantity"] == 50 * len(blocks)
    assert by_name["equal"]["average_fill_price"] == D("187.42")
    await advised.sound()


def advised_shares(name: str) -> dict[str, int]:
    return {ONE: 50, TWO: 50} if name == "equal" else {ONE: 67, TWO: 33}


async def test_a_block_that_fills_in_parts_is_shared_at_its_average_price(
    advised: Advised, settings: Settings, simulator: Simulator
) -> None:
    trading = advised.trading
    simulator.set_quote("AAPL", bid=D("187.40"), ask=D("187.42"), ask_size=D(60))
    async with connector(settings, intervals=OFTEN):
        await advised.until_ready()
        await advised.place("parts", Allocation(group="both"), limit="190")
        await trading.until_states({"parts": OrderState.PARTIALLY_FILLED})
        before = await advised.ours()

        simulator.set_quote("AAPL", bid=D("187.50"), ask=D("187.52"), ask_size=D(60))
        await trading.until_states(filled(advised, "parts"))
        await advised.until_agreed()
        await advised.until_compared()

    assert before == {}
    [block] = await trading.rows("SELECT * FROM orders WHERE allocation IS NOT NULL")
    shares = await trading.rows("SELECT * FROM orders WHERE block_id = $1", block["id"])
    assert [(row["filled_quantity"], row["average_fill_price"]) for row in shares] == [
        (D(50), block["average_fill_price"])
    ] * 2
    assert sum(row["commission"] for row in shares) == block["commission"]
    await advised.sound()


async def test_a_working_block_keeps_its_group_over_a_modify_and_shares_what_it_dealt_when_it_is_canceled(
    advised: Advised, settings: Settings, simulator: Simulator
) -> None:
    trading = advised.trading
    principal = system_principal(trading.house.tenant_id, "test")
    simulator.set_quote("AAPL", bid=D("187.40"), ask=D("187.42"), ask_size=D(30))
    async with connector(settings, intervals=OFTEN):
        await advised.until_ready()
        order_id = await advised.place("modified", Allocation(group="both"), limit="187.42")
        await trading.until_states({"modified": OrderState.PARTIALLY_FILLED})

        await replace_order(trading.desk, principal, OrderChange(order_id=order_id, limit_price=D("187.30")))

        async def is_replaced() -> bool:
            [row] = await trading.rows("SELECT version FROM orders WHERE id = $1", order_id)
            return bool(row["version"] == 2)

        await trading.until(is_replaced)
        [at_broker] = simulator.venue.exchange.open_orders()
        told = (at_broker.request.fa_group, at_broker.request.account, at_broker.request.limit_price)
        await cancel_order(trading.desk, principal, order_id)
        await trading.until_states({"modified": OrderState.CANCELED})
        await advised.until_agreed()

    assert told == ("both", MASTER, D("187.30"))
    assert await advised.ours() == {ONE: D(15), TWO: D(15)}
    await advised.sound()


async def test_an_order_for_one_account_goes_to_that_account_alone(advised: Advised, settings: Settings) -> None:
    async with connector(settings, intervals=OFTEN):
        await advised.until_ready()

        await advised.place("own", None, account_id=advised.keys[TWO], through=advised.master, quantity=10)
        await advised.trading.until_states(filled(advised, "own"))
        await advised.until_agreed()
        await advised.until_compared()

    assert await advised.ours() == {TWO: D(10)}
    await advised.sound()


async def test_a_share_of_an_account_that_the_tenant_has_not_does_not_hold_up_the_others(
    advised: Advised, settings: Settings
) -> None:
    async with connector(settings, intervals=OFTEN):
        await advised.until_ready()

        await advised.place("wide", Allocation(group="wide"), quantity=90)
        await advised.trading.until_states(filled(advised, "wide"))
        await advised.until_agreed()

    assert await advised.ours() == {ONE: D(30), TWO: D(30)}
    told = await advised.trading.rows("SELECT details FROM order_events WHERE type = 'OrderAllocated'")
    assert {row["details"]["accountNumber"]: row["details"]["shareOfAccountId"] for row in told} == {
        ONE: str(advised.keys[ONE]),
        TWO: str(advised.keys[TWO]),
        STRANGE: None,
    }
    await advised.sound()


async def test_a_block_that_another_client_places_is_shared_as_well(
    advised: Advised, settings: Settings, simulator: Simulator
) -> None:
    client = Client(load("ib_async"), simulator.port)
    await client.connect(client_id=99)
    async with connector(settings, intervals=OFTEN):
        await advised.until_ready()

        client.place(client.library.MarketOrder("BUY", 100, faGroup="both"))
        await advised.until_agreed()
        await advised.until_compared()
    client.ib.disconnect()

    assert await advised.ours() == {ONE: D(50), TWO: D(50)}
    await advised.sound()


async def test_what_was_dealt_and_divided_while_the_connector_was_away_is_booked_when_it_is_back(
    advised: Advised, settings: Settings, simulator: Simulator
) -> None:
    trading = advised.trading
    simulator.set_quote("AAPL", bid=D("187.40"), ask=D("187.42"), ask_size=D(60))
    async with connector(settings, intervals=OFTEN):
        await advised.until_ready()
        await advised.place("away", Allocation(group="both"), limit="190")
        await trading.until_states({"away": OrderState.PARTIALLY_FILLED})

    simulator.set_quote("AAPL", bid=D("187.50"), ask=D("187.52"), ask_size=D(60))
    assert advised.theirs() == {ONE: D(50), TWO: D(50)}
    async with connector(settings, intervals=OFTEN):
        await trading.until_states(filled(advised, "away"))
        await advised.until_agreed()
        await advised.until_compared()

    await advised.sound()


@pytest.mark.campaign
async def test_a_connector_that_is_killed_in_the_midst_of_blocks_leaves_none_half_booked(
    advised: Advised, simulator: Simulator, database_url: str, redis_url: str, redis_prefix: str
) -> None:
    trading = advised.trading
    simulator.set_quote("AAPL", bid=D("187.40"), ask=D("187.42"), ask_size=D(100_000))
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMS_ENVIRONMENT": "test",
        "OMS_DATABASE_URL": database_url,
        "OMS_REDIS_URL": redis_url,
        "OMS_REDIS_PREFIX": redis_prefix,
    }

    async def started() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app.cli", "connector"),
            env=environment,
            cwd=ROOT,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def some_are_filled() -> bool:
        rows = await trading.rows("SELECT FROM orders WHERE allocation IS NOT NULL AND state = 'FILLED'")
        return len(rows) >= 3

    process = await started()
    names = [f"block-{place}" for place in range(20)]
    try:
        await advised.until_ready()
        for name in names:
            await advised.place(name, Allocation(group="both"), quantity=10)
        await trading.until(some_are_filled)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        process = await started()
        await trading.until_states(filled(advised, *names))
        await advised.until_agreed(lambda held: held == {ONE: D(100), TWO: D(100)})
    finally:
        process.terminate()
        await process.wait()

    assert len(await trading.rows("SELECT FROM orders WHERE block_id IS NOT NULL")) == 40
    await advised.sound()
