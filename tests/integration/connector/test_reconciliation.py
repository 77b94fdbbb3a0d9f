"""Our books against the simulator's: what is a break, what is none, what it freezes, and how it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from json import loads
from random import Random
from typing import Any

import asyncpg
import pytest

from app.brokers.errors import BreakActionUnsuitedError, BreakChangedError, BreakNotOpenError, OrderNotInDoubtError
from app.brokers.ib.session import Timeouts
from app.brokers.reconciling import Break, BreakAction, BreakKind, BreakState, Occasion, Reconciliation
from app.connector import serve
from app.connector.feed import FeedIntervals
from app.connector.intervals import Intervals
from app.connector.service import ConnectorIntervals
from app.core.errors import InputError
from app.core.fix import OrderState, OrderType, Side
from app.core.ids import BreakId, OrderId
from app.core.messages import NewOrder, OrderTerms
from app.flows.orders.placement import Placement
from app.flows.reconciliation.reconcile_now import reconcile_now
from app.flows.reconciliation.resolve_break import Resolution, declare_order_dead, resolve_break
from app.identity.domain.access import system_principal
from app.infra.settings import Settings
from app.simulator.accounts import Holding
from app.simulator.server import Simulator
from tests.contract.brokers.conftest import ACCOUNT
from tests.integration.connector.test_connector import Trading, settings, trading

__all__ = ["settings", "trading"]

FAST = ConnectorIntervals(
    discover_s=0.05,
    renew_s=0.3,
    runner=Intervals(
        poll_s=0.25,
        probe_s=0.1,
        values_s=0.1,
        doubt_s=0.05,
        open_orders_s=0.1,
        positions_s=0.05,
        settle_s=0.05,
        commission_s=0.1,
    ),
    feed=FeedIntervals(window_s=0.02, contracts_s=1.0, probe_s=0.2),
    timeouts=Timeouts(connect_s=2.0, part_s=3.0, probe_s=2.0),
)


@asynccontextmanager
async def connector(settings: Settings) -> AsyncIterator[None]:
    """A connector that looks often."""
    task = asyncio.create_task(serve(settings, intervals=FAST, ready=lambda: None))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def hold(simulator: Simulator, symbol: str, quantity: int, cost: str = "100") -> None:
    """The broker holds this much, and nobody was told why: an assignment overnight, a transfer."""
    con_id = next(entry.con_id for entry in simulator.venue.directory.entries.values() if entry.symbol == symbol)
    held = simulator.venue.exchange.accounts[ACCOUNT].holdings
    held[con_id] = Holding(quantity=Decimal(quantity), average_cost=Decimal(cost) if quantity else Decimal(0))


async def breaks(trading: Trading, *, kind: str = "POSITION_QUANTITY") -> list[Any]:
    return await trading.rows("SELECT * FROM reconciliation_breaks WHERE kind = $1 ORDER BY id", kind)


async def until_state(trading: Trading, state: BreakState, *, kind: str = "POSITION_QUANTITY", count: int = 1) -> Any:
    """The newest break of the kind, once `count` are in the state."""

    async def is_reached() -> bool:
        return len([row for row in await breaks(trading, kind=kind) if row["state"] == state]) == count

    await trading.until(is_reached)
    return (await breaks(trading, kind=kind))[-1]


async def reconcile(trading: Trading) -> Reconciliation:
    principal = system_principal(trading.house.tenant_id, "test")
    return await reconcile_now(trading.desk, principal, trading.house.account.id, "accountId")


async def resolve(trading: Trading, row: Any, action: BreakAction, reason: str = "seen at the broker") -> Break:
    asked = Resolution(break_id=BreakId(row["id"]), action=action, reason=reason)
    return await resolve_break(trading.desk, system_principal(trading.house.tenant_id, "test"), asked)


async def submit(trading: Trading, name: str, symbol: str, side: Side, quantity: int, limit: str) -> Placement:
    new = NewOrder(
        account_id=trading.house.account.id,
        client_order_id=name,
        side=side,
        order_type=OrderType.LIMIT,
        terms=OrderTerms(quantity=Decimal(quantity), limit_price=Decimal(limit)),
        symbol=symbol,
    )
    return await trading.desk.intake.submit(system_principal(trading.house.tenant_id, "test"), new)


async def held(trading: Trading, symbol: str = "AAPL") -> Decimal:
    rows = await trading.rows(
        "SELECT quantity FROM positions WHERE instrument_id = $1", trading.house.instruments[symbol]
    )
    return Decimal(0) if not rows else rows[0]["quantity"]


async def test_what_the_broker_holds_at_the_first_connect_opens_the_book(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    hold(simulator, "AAPL", 300, "150.5")
    hold(simulator, "MSFT", -40, "400")

    async with connector(settings):
        await trading.until_connected()

        [apple, microsoft] = await trading.rows("SELECT * FROM position_adjustments ORDER BY quantity DESC")
        assert (apple["type"], apple["quantity"], apple["price"]) == ("BALANCE", Decimal(300), Decimal("150.5"))
        assert (microsoft["quantity"], microsoft["adjusted_by"]) == (Decimal(-40), "system:reconciliation")
        assert (await held(trading), await held(trading, "MSFT")) == (Decimal(300), Decimal(-40))
        [first, *_] = await trading.rows("SELECT * FROM reconciliations ORDER BY id")
        assert (first["occasion"], first["breaks_open"], first["positions_checked"]) == ("CONNECT", 0, 2)
        assert await trading.rows("SELECT * FROM reconciliation_breaks") == []

        # From here on a difference is a break.
        hold(simulator, "AAPL", 200, "150.5")
        found = await until_state(trading, BreakState.OPEN)
        assert found["difference"] == "-100"
        assert await held(trading) == Decimal(300)


async def test_trading_alone_never_looks_like_a_break(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    random = Random(7)
    simulator.set_quote("MSFT", bid=Decimal("400.00"), ask=Decimal("400.02"))
    async with connector(settings):
        await trading.until_connected()

        async def trade(symbol: str, limit: str, offset: int) -> None:
            for number in range(60):
                side = random.choice(list(Side))
                placement = await submit(trading, f"{symbol}-{number}", symbol, side, random.randint(1, 40), limit)
                assert placement.problems == ()
                await asyncio.sleep(random.expovariate(150))

        async def look() -> list[Reconciliation]:
            return [await reconcile(trading) for _ in range(6)]

        _, _, asked = await asyncio.gather(trade("AAPL", "187.41", 0), trade("MSFT", "400.01", 1), look())
        for _ in range(3):
            simulator.set_quote("AAPL", bid=Decimal("187.41"), ask=Decimal("187.41"))
            simulator.set_quote("MSFT", bid=Decimal("400.01"), ask=Decimal("400.01"))
            await submit(trading, f"more-{_}", "AAPL", Side.BUY, 7, "188")
        await trading.until_states({"more-2": OrderState.FILLED})
        last = await reconcile(trading)

    assert await trading.rows("SELECT * FROM reconciliation_breaks") == []
    assert {one.occasion for one in asked} == {Occasion.DEMAND}
    assert last.breaks_open == 0
    executions = await trading.rows("SELECT count(*) AS n FROM executions")
    looks = await trading.rows("SELECT sum(looks) AS n FROM reconciliations")
    assert executions[0]["n"] > 10
    assert looks[0]["n"] > len(asked) + 1


async def test_a_break_freezes_its_instrument_alone_until_a_person_resolves_it(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    async with connector(settings):
        await trading.until_connected()
        await trading.place("first", quantity=100)
        await trading.until_states({"first": OrderState.FILLED})
        resting = await trading.place("resting", limit="150")
        await trading.until_states({"resting": OrderState.ACCEPTED})

        hold(simulator, "AAPL", 60, "187.43")
        found = await until_state(trading, BreakState.OPEN)

        assert (found["severity"], found["is_freezing"], found["difference"]) == ("CRITICAL", True, "-40")
        assert found["ours"]["quantity"] == "100"
        assert (found["broker"]["quantity"], found["broker"]["symbol"]) == ("60", "AAPL")
        refused = await submit(trading, "buy", "AAPL", Side.BUY, 1, "150")
        assert [one.code for one in refused.problems] == ["INSTRUMENT_FROZEN"]
        assert refused.order is not None
        assert refused.order.state is OrderState.REJECTED
        # Sixty are there on both sides, a hundred on ours alone.
        more = await submit(trading, "too-much", "AAPL", Side.SELL, 61, "150")
        assert [one.code for one in more.problems] == ["INSTRUMENT_FROZEN"]
        assert (await submit(trading, "less", "AAPL", Side.SELL, 10, "250")).problems == ()
        assert (await submit(trading, "other", "MSFT", Side.BUY, 1, "10")).problems == ()
        await trading.cancel(resting)
        await trading.until_states({"resting": OrderState.CANCELED, "other": OrderState.ACCEPTED})

        done = await resolve(trading, found, BreakAction.ADJUST, "  assigned overnight  ")

        assert (done.state, done.reason, done.resolved_by) == (BreakState.RESOLVED, "assigned overnight", "system:test")
        assert await held(trading) == Decimal(60)
        assert (await submit(trading, "again", "AAPL", Side.BUY, 1, "150")).problems == ()
        await trading.until_states({"again": OrderState.ACCEPTED})
        with pytest.raises(BreakNotOpenError):
            await resolve(trading, found, BreakAction.IGNORE)
        looks = (await reconcile(trading)).breaks_open
    assert looks == 0
    [audited] = await trading.rows("SELECT * FROM audit_log WHERE action = 'reconciliation.resolve'")
    assert (audited["resource_id"], audited["new_values"]["reason"]) == (str(found["id"]), "assigned overnight")
    [adjustment] = await trading.rows("SELECT * FROM position_adjustments WHERE id = $1", done.adjustment_id)
    assert (adjustment["quantity"], adjustment["type"]) == (Decimal(-40), "BALANCE")
    assert len(await breaks(trading)) == 1


async def test_the_same_break_is_one_row_and_one_that_vanishes_thaws(
    trading: Trading, settings: Settings, simulator: Simulator, database_url: str
) -> None:
    async with connector(settings):
        await trading.until_connected()
        await trading.place("first", quantity=100)
        await trading.until_states({"first": OrderState.FILLED})
        hold(simulator, "AAPL", 130)
        found = await until_state(trading, BreakState.OPEN)

        async def is_seen_again() -> bool:
            return bool((await breaks(trading))[0]["looks"] >= found["looks"] + 3)

        await trading.until(is_seen_again)
        [again] = await breaks(trading)
        assert again["last_seen_at"] > found["last_seen_at"]

        hold(simulator, "AAPL", 100, "187.43")
        gone = await until_state(trading, BreakState.VANISHED)

        assert (gone["id"], gone["is_freezing"]) == (found["id"], False)
        assert gone["ended_at"] is not None
        assert (await submit(trading, "again", "AAPL", Side.BUY, 1, "150")).problems == ()
    owner = await asyncpg.connect(database_url)
    channel = f"breaks:{trading.house.tenant_id}"
    told = await owner.fetch("SELECT payload FROM outbox WHERE channel = $1 ORDER BY id", channel)
    await owner.close()
    assert [one["state"] for row in told for one in loads(row["payload"])["breaks"]] == ["OPEN", "VANISHED"]


async def test_what_a_person_ignores_is_told_again_only_once_it_changes(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    async with connector(settings):
        await trading.until_connected()
        await trading.place("first", quantity=100)
        await trading.until_states({"first": OrderState.FILLED})
        hold(simulator, "AAPL", 90)
        found = await until_state(trading, BreakState.OPEN)
        with pytest.raises(InputError):
            await resolve(trading, found, BreakAction.IGNORE, "   ")

        await resolve(trading, found, BreakAction.IGNORE)
        await reconcile(trading)
        assert len(await breaks(trading)) == 1
        assert (await submit(trading, "again", "AAPL", Side.BUY, 1, "150")).problems == ()

        hold(simulator, "AAPL", 80)
        other = await until_state(trading, BreakState.OPEN)

    assert other["id"] != found["id"]
    assert other["difference"] == "-20"


async def test_an_instrument_that_we_do_not_know_is_told_and_freezes_nothing(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    await trading.rows("UPDATE instruments SET broker_contract_id = '1' WHERE symbol = 'MSFT' RETURNING id")
    hold(simulator, "MSFT", 5)
    async with connector(settings):
        found = await until_state(trading, BreakState.OPEN, kind="UNKNOWN_INSTRUMENT")

        assert (found["severity"], found["is_freezing"], found["broker"]["symbol"]) == ("WARNING", False, "MSFT")
        with pytest.raises(BreakActionUnsuitedError):
            await resolve(trading, found, BreakAction.ADJUST)


async def test_a_difference_met_at_a_reconnect_holds_back_what_waited_for_the_gate(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    async with connector(settings):
        await trading.until_connected()
        await trading.place("first", quantity=100)
        await trading.until_states({"first": OrderState.FILLED})
    assert (await submit(trading, "waits", "AAPL", Side.BUY, 5, "150")).problems == ()
    hold(simulator, "AAPL", 70)

    async with connector(settings):
        await trading.until_connected()
        [found] = await breaks(trading)
        assert (found["state"], found["looks"] >= 1) == ("OPEN", True)
        assert (await trading.states())["waits"] == OrderState.HELD

        await resolve(trading, found, BreakAction.ACCEPT_BROKER)
        await trading.until_states({"waits": OrderState.ACCEPTED})

    rows = await trading.rows("SELECT quantity, average_price FROM positions WHERE quantity <> 0")
    assert [(row["quantity"], row["average_price"]) for row in rows] == [(Decimal(70), Decimal(100))]


async def test_evidence_of_another_moment_is_not_booked(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    async with connector(settings):
        await trading.until_connected()
        await trading.place("first", quantity=100)
        await trading.until_states({"first": OrderState.FILLED})
        hold(simulator, "AAPL", 90)
        found = await until_state(trading, BreakState.OPEN)
    await trading.rows("UPDATE positions SET quantity = 101 WHERE quantity = 100 RETURNING id")

    with pytest.raises(BreakChangedError):
        await resolve(trading, found, BreakAction.ADJUST)

    assert await held(trading) == Decimal(101)
    [still] = await breaks(trading)
    assert still["state"] == "OPEN"


async def test_an_order_that_the_broker_lost_is_declared_dead_by_a_person_and_never_sent_again(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    person = system_principal(trading.house.tenant_id, "test")
    async with connector(settings):
        await trading.until_connected()
        order_id = await trading.place("lost", limit="150")
        await trading.until_states({"lost": OrderState.ACCEPTED})
        with pytest.raises(OrderNotInDoubtError):
            await declare_order_dead(trading.desk, person, order_id, "the gateway forgot it")

        forget(simulator, order_id)
        found = await until_state(trading, BreakState.OPEN, kind=BreakKind.ORDER_UNKNOWN_AT_BROKER)
        assert found["order_id"] == order_id
        order = await declare_order_dead(trading.desk, person, order_id, "the gateway forgot it")

        assert (order.state, order.in_doubt) == (OrderState.CANCELED, False)
        assert len(simulator.venue.exchange.orders) == 0
    [row] = await breaks(trading, kind=BreakKind.ORDER_UNKNOWN_AT_BROKER)
    assert (row["state"], row["action"]) == ("RESOLVED", "ACCEPT_BROKER")
    events = await trading.rows("SELECT * FROM order_events WHERE order_id = $1 ORDER BY sequence DESC", order_id)
    assert (events[0]["type"], events[0]["actor"]) == ("OrderCanceled", "system:test")
    assert events[0]["reason"] == "the gateway forgot it"
    [position] = await trading.rows("SELECT * FROM positions")
    assert position["open_buy_quantity"] == 0


def forget(simulator: Simulator, order_id: OrderId) -> None:
    """The broker loses an order without a word, as a gateway's restart may."""
    exchange = simulator.venue.exchange
    for number, order in list(exchange.orders.items()):
        if order.request.order_ref == str(order_id):
            del exchange.orders[number], exchange.ledger.working[number]
