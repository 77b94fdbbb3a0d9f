"""Live tables over sockets: snapshot, deltas, heartbeats, RESET, and a Redis that loses what it was told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.core.fix import OrderState, Side
from app.core.messages import Tick
from app.flows.live import live_table
from app.flows.live.follow_live_orders import follow_live_orders
from app.flows.live.live_table import BatchKind
from app.identity.domain import Scope
from app.infra.uow import begin_batch
from app.marketdata import service as marketdata
from app.orders.domain.listing import OrderFilter
from schema.base.sharing import SharedAnswers
from tests.graphql.conftest import Broker, Firm, Socket

ORDERS = """
subscription Orders($filter: OrderFilter, $throttle: Int) {
  ordersChanged(filter: $filter, throttleMs: $throttle) {
    kind sequence hasMore serverTime removedIds upserts { id state filledQuantity }
  }
}
"""
POSITIONS = """
subscription Positions($accounts: [ID!], $throttle: Int) {
  positionsChanged(accountIds: $accounts, throttleMs: $throttle) {
    kind sequence hasMore removedIds upserts { id quantity marketPrice unrealizedPnl instrument { symbol } }
  }
}
"""
CANCEL = "mutation($id: ID!) { cancelOrder(input: {orderId: $id}) { order { state } errors { code } } }"


class Table:
    """A client's copy of a live table, kept as the documentation says."""

    def __init__(self, socket: Socket, field: str) -> None:
        self._socket = socket
        self._field = field
        self.rows: dict[str, dict[str, Any]] = {}
        self.kinds: list[str] = []
        self.sequence = 0
        self.is_complete = False

    async def read(self) -> dict[str, Any]:
        """The next batch, taken into the table."""
        async with asyncio.timeout(10):
            batch: dict[str, Any] = (await self._socket.next_data())[self._field]
        self.sequence += 1
        assert batch["sequence"] == self.sequence
        self.kinds.append(batch["kind"])
        if batch["kind"] == "RESET":
            self.rows.clear()
            self.is_complete = False
        if batch["kind"] == "SNAPSHOT":
            self.is_complete = not batch["hasMore"]
        for row in batch["upserts"]:
            self.rows[row["id"]] = row
        for one in batch["removedIds"]:
            self.rows.pop(one, None)
        return batch

    async def refusal(self) -> tuple[str, list[str]]:
        """Code and path of the error that ends the table."""
        return await self._socket.refusal()

    async def until(self, is_true: Any) -> None:
        """Reads until the table is so."""
        async with asyncio.timeout(20):
            while not (self.is_complete and is_true(self.rows)):
                await self.read()


@asynccontextmanager
async def opened_table(firm: Firm, document: str, field: str, **variables: Any) -> AsyncIterator[Table]:
    """A table whose snapshot was read."""
    async with firm.api.socket() as socket:
        await socket.subscribe(document, **variables)
        table = Table(socket, field)
        await table.until(lambda _: True)
        yield table


async def placed(firm: Firm, **terms: Any) -> str:
    """The id of a new order."""
    order_id: str = (await firm.api.place(**firm.order(**terms)))["order"]["id"]
    return order_id


async def stored_states(firm: Firm) -> dict[str, str]:
    """The orders as the database has them."""
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        rows = await session.fetch("SELECT id, state FROM orders WHERE tenant_id = $1", firm.key.tenant_id)
    return {str(row["id"]): row["state"] for row in rows}


@pytest.mark.usefixtures("relayed")
async def test_orders_begin_with_a_snapshot_and_follow_their_changes(firm: Firm, broker: Broker) -> None:
    first = await placed(firm)
    async with opened_table(firm, ORDERS, "ordersChanged", throttle=50) as table:
        assert list(table.rows) == [first]
        second = await placed(firm)
        await table.until(lambda rows: second in rows)
        await broker.claim()
        await broker.fill(first, "10", "187.4")
        await table.until(lambda rows: rows[first]["state"] == "FILLED")

    assert table.kinds[0] == "SNAPSHOT"
    assert set(table.kinds[1:]) == {"DELTA"}
    assert table.rows[first]["filledQuantity"] == "10"
    assert {one: row["state"] for one, row in table.rows.items()} == await stored_states(firm)


@pytest.mark.usefixtures("relayed")
async def test_an_order_that_leaves_the_filter_is_removed(firm: Firm, broker: Broker) -> None:
    order_id = await placed(firm)
    async with opened_table(firm, ORDERS, "ordersChanged", filter={"isOpen": True}, throttle=50) as table:
        assert list(table.rows) == [order_id]
        await broker.claim()
        await broker.fill(order_id, "10", "187.4")
        removed: list[str] = []
        while not removed:
            removed = (await table.read())["removedIds"]

    assert removed == [order_id]
    assert table.rows == {}


@pytest.mark.usefixtures("relayed")
async def test_what_does_not_fit_the_filter_is_not_told(firm: Firm, stranger: Firm) -> None:
    wanted: dict[str, Any] = {"symbols": ["AAPL"], "sides": ["BUY"], "accountIds": [str(firm.account_id)]}
    async with opened_table(firm, ORDERS, "ordersChanged", filter=wanted, throttle=50) as table:
        await placed(firm, symbol="MSFT")
        await placed(firm, side="SELL", limitPrice="500")
        await placed(stranger)
        fitting = await placed(firm)
        await table.until(lambda rows: rows)

    assert list(table.rows) == [fitting]
    assert table.kinds == ["SNAPSHOT", "DELTA"]


@pytest.mark.usefixtures("relayed")
async def test_a_long_snapshot_comes_in_pages_and_nothing_falls_between(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.flows.live.follow_live_orders.ROWS_MAX", 3)
    for _ in range(7):
        await placed(firm)
    async with firm.api.socket() as socket:
        await socket.subscribe(ORDERS, throttle=50)
        table = Table(socket, "ordersChanged")
        pages = [await table.read()]
        # While the snapshot is on its way.
        meanwhile = await placed(firm)
        while not table.is_complete:
            pages.append(await table.read())
        await table.until(lambda rows: meanwhile in rows)

    assert [len(page["upserts"]) for page in pages] == [3, 3, 1]
    assert [page["hasMore"] for page in pages] == [True, True, False]
    assert {one: row["state"] for one, row in table.rows.items()} == await stored_states(firm)


@pytest.mark.usefixtures("relayed")
async def test_what_changes_while_a_snapshot_is_read_follows_it(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.flows.live.follow_live_orders.ROWS_MAX", 1)
    wanted = OrderFilter(is_open=True)
    first, second = await placed(firm), await placed(firm)
    updates = follow_live_orders(firm.desk, firm.principal, wanted, None, 50)
    async with (
        opened_table(firm, ORDERS, "ordersChanged", filter={"isOpen": True}, throttle=50) as prompt,
        aclosing(updates),  # type: ignore[type-var]
    ):
        pages = [await anext(updates)]
        # The prompt reader has been handed all of it before the slow one reads on.
        await firm.api.data(CANCEL, id=second)
        third = await placed(firm)
        await prompt.until(lambda rows: third in rows and second not in rows)
        pages.append(await anext(updates))
        deltas = [await anext(updates), await anext(updates)]

    assert [(page.kind, page.has_more) for page in pages] == [(BatchKind.SNAPSHOT, True), (BatchKind.SNAPSHOT, False)]
    assert [str(row.id) for page in pages for row in page.changes.upserts] == [second, first]
    assert [delta.kind for delta in deltas] == [BatchKind.DELTA] * 2
    assert [[str(row.id) for row in delta.changes.upserts] for delta in deltas] == [[third], []]
    assert [[str(one) for one in delta.changes.removed_ids] for delta in deltas] == [[], [second]]


@pytest.mark.usefixtures("relayed")
async def test_a_window_holds_the_newest_state_of_each_order_once(firm: Firm) -> None:
    async with opened_table(firm, ORDERS, "ordersChanged", throttle=600) as table:
        order_ids = [await placed(firm) for _ in range(3)]
        await firm.api.data(CANCEL, id=order_ids[0])
        batch = await table.read()

    states = {row["id"]: row["state"] for row in batch["upserts"]}
    assert set(states) == set(order_ids)
    assert states == await stored_states(firm)
    assert states[order_ids[0]] != states[order_ids[1]]


async def test_quiet_tables_have_a_heartbeat(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_table, "HEARTBEAT_S", 0.05)
    async with opened_table(firm, ORDERS, "ordersChanged") as table:
        beats = [await table.read() for _ in range(3)]

    assert [(beat["kind"], beat["upserts"], beat["hasMore"]) for beat in beats] == [("HEARTBEAT", [], False)] * 3


@pytest.mark.parametrize(
    ("document", "variables", "code", "path"),
    [
        (ORDERS, {"throttle": 49}, "BAD_USER_INPUT", ["throttleMs"]),
        (ORDERS, {"throttle": 5001}, "BAD_USER_INPUT", ["throttleMs"]),
        (ORDERS, {"filter": {"accountIds": ["nonsense"]}}, "BAD_USER_INPUT", ["filter", "accountIds", "0"]),
        (POSITIONS, {"throttle": 49}, "BAD_USER_INPUT", ["throttleMs"]),
        (POSITIONS, {"accounts": ["nonsense"]}, "BAD_USER_INPUT", ["accountIds", "0"]),
    ],
)
async def test_a_table_that_cannot_be_followed_is_refused(
    firm: Firm, document: str, variables: dict[str, Any], code: str, path: list[str]
) -> None:
    async with firm.api.socket() as socket:
        await socket.subscribe(document, **variables)

        assert await socket.refusal() == (code, path)


async def test_another_tenants_rows_are_not_in_the_tables(firm: Firm, stranger: Firm) -> None:
    await placed(stranger)
    wanted = {"accountIds": [str(stranger.account_id)]}
    async with opened_table(firm, ORDERS, "ordersChanged", filter=wanted) as table:
        assert table.rows == {}
    async with firm.api.socket() as socket:
        await socket.subscribe(POSITIONS, accounts=[str(firm.account_id), str(stranger.account_id)])
        assert await socket.refusal() == ("ACCOUNT_NOT_FOUND", ["accountIds", "1"])


async def test_tables_need_their_scopes(firm: Firm) -> None:
    program = await firm.program(Scope.VIEW_MARKET_DATA)
    async with program.socket() as socket:
        for document in (ORDERS, POSITIONS):
            await socket.subscribe(document)

            assert (await socket.refusal())[0] == "FORBIDDEN"


@pytest.mark.usefixtures("relayed")
async def test_a_slow_reader_is_told_and_reads_the_table_anew(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_table, "DELTAS_MAX", 2)
    updates = follow_live_orders(firm.desk, firm.principal, OrderFilter(), None, 50)
    async with aclosing(updates):  # type: ignore[type-var]
        assert (await anext(updates)).kind is BatchKind.SNAPSHOT
        first = await placed(firm)
        assert [row.id for row in (await anext(updates)).changes.upserts] == [UUID(first)]

        # It reads no more, and each of these has a window of its own.
        async with follower_of(firm) as prompt:
            for _ in range(4):
                order_id = await placed(firm)
                await prompt.until(lambda rows, order_id=order_id: order_id in rows)
        reset = await anext(updates)
        snapshot = await anext(updates)

    assert (reset.kind, reset.sequence, reset.changes.upserts) == (BatchKind.RESET, 3, ())
    assert (snapshot.kind, snapshot.sequence, snapshot.has_more) == (BatchKind.SNAPSHOT, 4, False)
    assert {str(row.id) for row in snapshot.changes.upserts} == set(await stored_states(firm))


@pytest.mark.usefixtures("relayed")
async def test_a_client_that_does_not_read_its_socket_is_told_when_it_does(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_table, "DELTAS_MAX", 2)
    # Each batch fills what sockets hold: what is on the way ends, and the server waits for the reader.
    monkeypatch.setattr("app.flows.live.follow_live_orders.ROWS_MAX", 1)
    wide = " ".join(f"m{number}: metadata" for number in range(99))
    document = ORDERS.replace("upserts { id", f"upserts {{ {wide} id")
    async with firm.api.socket(max_queue=1) as socket, follower_of(firm) as prompt:
        await socket.subscribe(document, throttle=50)
        slow = Table(socket, "ordersChanged")
        await slow.until(lambda _: True)
        for _ in range(40):
            order_id = await placed(firm, metadata={"note": "x" * 4_000})
            await prompt.until(lambda rows, order_id=order_id: order_id in rows)
        async with asyncio.timeout(20):
            while "RESET" not in slow.kinds:
                await slow.read()
        await slow.until(lambda rows: order_id in rows)

    assert slow.kinds[slow.kinds.index("RESET") + 1] == "SNAPSHOT"
    assert {one: row["state"] for one, row in slow.rows.items()} == await stored_states(firm)


@asynccontextmanager
async def follower_of(firm: Firm) -> AsyncIterator[Table]:
    """A prompt reader of the same table as the slow one."""
    async with opened_table(firm, ORDERS, "ordersChanged", throttle=50) as table:
        yield table


@pytest.mark.usefixtures("relayed")
async def test_equal_subscriptions_are_executed_once_and_numbered_each(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    executed = 0
    frame = SharedAnswers._frame

    async def counted(self: SharedAnswers, telling: Any) -> Any:
        nonlocal executed
        executed += 1
        return await frame(self, telling)

    monkeypatch.setattr(SharedAnswers, "_frame", counted)
    async with (
        opened_table(firm, ORDERS, "ordersChanged", throttle=300) as one,
        opened_table(firm, ORDERS, "ordersChanged", throttle=300) as two,
        opened_table(firm, ORDERS.replace("filledQuantity", "side"), "ordersChanged", throttle=300) as other,
    ):
        await one.until(lambda _: True)
        late_order = await placed(firm)
        await one.until(lambda rows: late_order in rows)
        async with opened_table(firm, ORDERS, "ordersChanged", throttle=300) as late:
            last = await placed(firm)
            for table in (one, two, other, late):
                await table.until(lambda rows: last in rows)

    assert executed == 4
    assert one.rows == two.rows == late.rows
    assert (one.sequence, two.sequence, late.sequence) == (3, 3, 2)
    assert set(other.rows[last]) == {"id", "state", "side"}


@pytest.mark.usefixtures("relayed")
async def test_an_aliased_number_is_each_subscribers_own(firm: Firm) -> None:
    document = """
    subscription {
      live: ordersChanged(throttleMs: 50) { ...Numbers upserts { id version } }
    }
    fragment Numbers on OrderBatch { number: sequence again: sequence kind }
    """
    async with firm.api.socket() as early, firm.api.socket() as late:
        await early.subscribe(document)
        await early.next_data()
        await placed(firm)
        assert (await early.next_data())["live"]["number"] == 2
        await late.subscribe(document)
        await late.next_data()
        order_id = await placed(firm)
        seen = [(await socket.next_data())["live"] for socket in (early, late)]

    assert [(one["number"], one["again"], one["kind"]) for one in seen] == [(3, 3, "DELTA"), (2, 2, "DELTA")]
    assert [one["upserts"] for one in seen] == [[{"id": order_id, "version": 1}]] * 2


@pytest.mark.usefixtures("relayed")
async def test_positions_follow_fills_and_market_prices(firm: Firm, broker: Broker) -> None:
    bought = await placed(firm)
    await broker.claim()
    await broker.fill(bought, "10", "187.4")
    accounts = [str(firm.account_id)]
    async with opened_table(firm, POSITIONS, "positionsChanged", accounts=accounts, throttle=50) as table:
        (position,) = table.rows.values()
        assert (position["quantity"], position["marketPrice"], position["unrealizedPnl"]) == ("10", None, "0")

        tick = Tick(
            instrument_id=firm.instruments["AAPL"].id, symbol="AAPL", last=Decimal("188.4"), time=datetime.now(UTC)
        )
        await marketdata.publish_ticks(firm.desk.redis, firm.key.tenant_id, [tick])
        await table.until(lambda rows: rows[position["id"]]["unrealizedPnl"] == "10")
        other = replace(tick, instrument_id=firm.instruments["MSFT"].id, symbol="MSFT")
        await marketdata.publish_ticks(firm.desk.redis, firm.key.tenant_id, [other])

        sold = await placed(firm, side="SELL", limitPrice="188")
        await broker.claim()
        await broker.fill(sold, "4", "188.4", Side.SELL)
        await table.until(lambda rows: rows[position["id"]]["quantity"] == "6")
        await broker.fill(sold, "6", "188.4", Side.SELL)
        await table.until(lambda rows: not rows)

    assert table.kinds[0] == "SNAPSHOT"
    assert set(table.kinds[1:]) <= {"DELTA", "HEARTBEAT"}


async def test_tables_heal_when_the_bus_says_nothing(firm: Firm) -> None:
    # No relay runs: what is committed is never published.
    async with opened_table(firm, ORDERS, "ordersChanged", throttle=50) as table:
        order_id = await placed(firm)
        await table.until(lambda rows: order_id in rows)

    assert table.rows[order_id]["state"] == OrderState.ROUTED.value


async def test_each_execution_arrives_when_the_bus_says_nothing(firm: Firm, broker: Broker) -> None:
    order_id = await placed(firm)
    await broker.claim()
    async with firm.api.socket() as opened:
        await opened.subscribe("subscription { executions { executionId quantity } }")
        # What was asked later and takes many more looks at the database tells that the stream listens.
        await opened.subscribe("{ viewer { memberships { id } } orders { totalCount } }")
        await opened.next_data()
        assert (await opened.receive())["type"] == "complete"
        dealt = [await broker.fill(order_id, "4", "187.4"), await broker.fill(order_id, "6", "187.5")]
        async with asyncio.timeout(20):
            seen = [(await opened.next_data())["executions"]["executionId"] for _ in dealt]

    assert seen == dealt


async def test_a_table_that_hears_no_more_says_so(
    firm: Firm, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise ValueError

    monkeypatch.setattr("app.flows.live.follow_live_orders._OrderTable._touch", broken)
    async with opened_table(firm, ORDERS, "ordersChanged", throttle=50) as table:
        await placed(firm)
        assert (await table.read())["kind"] == "RESET"
        assert (await table.refusal())[0] == "UNAVAILABLE"
    assert "hears no more" in caplog.text

    monkeypatch.undo()
    async with opened_table(firm, ORDERS, "ordersChanged", throttle=50) as table:
        assert len(table.rows) == 1


async def test_a_tenant_follows_so_many_different_tables_and_no_more(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_table, "TABLES_MAX", 1)
    async with opened_table(firm, ORDERS, "ordersChanged"), firm.api.socket() as socket:
        await socket.subscribe(ORDERS, throttle=1000)
        assert await socket.refusal() == ("LIVE_TABLES_TOO_MANY", [])

        await socket.subscribe(ORDERS)
        assert (await socket.next_data())["ordersChanged"]["kind"] == "SNAPSHOT"


async def test_a_table_is_closed_when_its_last_follower_leaves(firm: Firm) -> None:
    before = len(firm.desk.tables)
    async with opened_table(firm, ORDERS, "ordersChanged"), opened_table(firm, ORDERS, "ordersChanged"):
        assert len(firm.desk.tables) == before + 1
    async with asyncio.timeout(10):
        while len(firm.desk.tables) > before:
            await asyncio.sleep(0.01)
