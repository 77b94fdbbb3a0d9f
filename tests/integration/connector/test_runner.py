"""An account's connection against the simulator's socket, with a store in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from uuid import UUID

import pytest

from app.brokers.domain import BrokerAccount
from app.brokers.errors import BrokerDisconnectedError, BrokerTimedOutError
from app.brokers.ib.adapter import IbAdapter
from app.brokers.ib.library import Library
from app.brokers.ib.pacing import Pacer, Priority
from app.brokers.ib.session import GatewayAddress, Timeouts
from app.brokers.port import BrokerAdapter, BrokerSink, ConnectionChange, ConnectionEvent
from app.connector.ends import end_of
from app.connector.intervals import Intervals
from app.connector.runner import AccountRunner
from app.core.errors import UnavailableError
from app.core.fix import BrokerKind, ConnectionState
from app.core.ids import AccountId, TenantId
from app.core.messages import AccountValues, BrokerReport, LaneCommand, OrderAddress, StatusReport, WorkingStatus
from app.infra.system import SystemClock
from app.simulator.config import SimulatorConfig
from app.simulator.server import Simulator
from tests.contract.brokers.conftest import ACCOUNT, place
from tests.integration.connector.fakes import MemoryStore

INTERVALS = Intervals(poll_s=0.02, probe_s=0.05, values_s=0.05, throttled_s=0.05, unreadable_s=0.01)


class Line:
    """Makes the runner's adapters, and lets a test say what the gateway would."""

    def __init__(self, port: int, limit: int | None = None) -> None:
        self.address = GatewayAddress(host="127.0.0.1", port=port, client_id=5, account=ACCOUNT)
        self.library = Library("ib_async")
        self.pacer = Pacer(limit, asyncio.get_running_loop())
        self.sink: BrokerSink | None = None
        self.runner: AccountRunner | None = None
        self.part_s = 2.0

    def __call__(self, sink: BrokerSink) -> BrokerAdapter:
        self.sink = sink
        return IbAdapter(
            library=self.library,
            address=self.address,
            tenant="tenant",
            sink=sink,
            pacer=self.pacer,
            clock=SystemClock(),
            timeouts=Timeouts(connect_s=2.0, part_s=self.part_s, probe_s=1.0),
        )

    def say_status(self) -> None:
        assert self.sink is not None
        address = OrderAddress(permanent_id=4711)
        self.sink.reported(
            StatusReport(
                address=address, status=WorkingStatus.WORKING, filled=Decimal(0), occurred_at=SystemClock().now()
            )
        )

    def say(self, event: ConnectionEvent) -> None:
        assert self.sink is not None
        self.sink.changed(ConnectionChange(event=event, detail=event.value, occurred_at=SystemClock().now()))


@asynccontextmanager
async def running(
    store: MemoryStore, line: Line, *, adviser_id: AccountId | None = None
) -> AsyncIterator[asyncio.Event]:
    """A runner at work; the event wakes it."""
    account = BrokerAccount(
        tenant_id=TenantId(UUID(int=1)),
        id=AccountId(UUID(int=2)),
        broker=BrokerKind.INTERACTIVE_BROKERS,
        account_number=ACCOUNT,
        base_currency="USD",
        host=line.address.host,
        port=line.address.port,
        client_id=line.address.client_id,
        is_paper=True,
        adviser_id=adviser_id,
    )
    wake = asyncio.Event()
    line.runner = runner = AccountRunner(
        account=account, store=store, make_adapter=line, wake=wake, clock=SystemClock(), intervals=INTERVALS
    )
    task = asyncio.create_task(runner.run())
    try:
        yield wake
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def is_filled(store: MemoryStore, quantity: int) -> Callable[[], bool]:
    return lambda: sum(execution.quantity for execution in store.executions) == quantity


async def test_the_gate_opens_only_after_the_snapshot(simulator: Simulator) -> None:
    store = MemoryStore()

    async with running(store, Line(simulator.port)):
        await store.until(lambda: store.state is ConnectionState.CONNECTED)

    states = [status.state for status in store.statuses]
    assert states[:3] == [ConnectionState.CONNECTING, ConnectionState.SYNCHRONIZING, ConnectionState.CONNECTED]
    assert [status.is_gate_open for status in store.statuses[:3]] == [False, False, True]
    assert store.synchronisations == 1
    assert store.values[0].cash == Decimal(1_000_000)


async def test_commands_go_out_and_executions_come_in(simulator: Simulator) -> None:
    store = MemoryStore()

    async with running(store, Line(simulator.port)) as wake:
        await store.until(lambda: store.state is ConnectionState.CONNECTED)
        store.lane.extend(place(store.next_order_id + number, quantity=10) for number in range(20))
        wake.set()
        await store.until(is_filled(store, 200))

    assert len({execution.address.order_id for execution in store.executions}) == 20


async def test_nothing_is_claimed_before_the_gate_is_open(simulator: Simulator) -> None:
    store = MemoryStore()
    line = Line(simulator.port)

    async with running(store, line) as wake:
        await store.until(lambda: store.state is ConnectionState.CONNECTED)
        line.say(ConnectionEvent.UPSTREAM_LOST)
        await store.until(lambda: store.state is ConnectionState.DEGRADED)
        store.lane.append(place(store.next_order_id))
        wake.set()
        beats = len(store.beats)
        await store.until(lambda: len(store.beats) > beats + 2)
        waiting = len(store.lane)
        line.say(ConnectionEvent.UPSTREAM_RESTORED)
        await store.until(is_filled(store, 100))

    assert waiting == 1
    assert store.synchronisations == 2


async def test_nothing_is_concluded_from_a_snapshot_that_an_outage_fell_into(simulator: Simulator) -> None:
    line = Line(simulator.port)
    settled_after: list[int] = []

    class Interrupted(MemoryStore):
        async def save_values(self, values: AccountValues) -> None:
            if not self.values:
                # The broker is away and back before the snapshot is taken in.
                line.say(ConnectionEvent.UPSTREAM_LOST)
                line.say(ConnectionEvent.UPSTREAM_RESTORED)
                await self.until(lambda: self.state is ConnectionState.SYNCHRONIZING and len(self.statuses) >= 4)
            await super().save_values(values)

        async def unsettled(self, told: Sequence[BrokerReport] | None) -> list[LaneCommand]:
            settled_after.append(len(self.values))
            return await super().unsettled(told)

    store = Interrupted()
    async with running(store, line):
        await store.until(lambda: store.state is ConnectionState.CONNECTED)

    # After the second snapshot, and nothing was compared with the first.
    assert settled_after == [2]
    assert len(store.looks) == 1
    opened = [status.is_gate_open for status in store.statuses]
    assert opened.index(True) == len(opened) - 1


async def test_a_comparison_on_demand_that_an_outage_fell_into_is_not_made(simulator: Simulator) -> None:
    line = Line(simulator.port)

    class Interrupted(MemoryStore):
        async def save_values(self, values: AccountValues) -> None:
            if self.looks:
                line.say(ConnectionEvent.UPSTREAM_LOST)
                await self.until(lambda: self.state is ConnectionState.DEGRADED)
            await super().save_values(values)

    store = Interrupted()
    async with running(store, line):
        await store.until(lambda: store.state is ConnectionState.CONNECTED)
        assert line.runner is not None
        with pytest.raises(BrokerDisconnectedError):
            await line.runner.reconcile()

    assert len(store.looks) == 1


async def test_a_comparison_on_demand_that_loses_what_it_took_in_ends_the_session(simulator: Simulator) -> None:
    line = Line(simulator.port)

    class Failing(MemoryStore):
        is_away = False

        async def apply(self, reports: Sequence[BrokerReport]) -> None:
            if self.is_away:
                self.is_away = False
                raise UnavailableError("the database is away")
            await super().apply(reports)

    store = Failing()
    async with running(store, line):
        await store.until(lambda: store.state is ConnectionState.CONNECTED)
        assert line.runner is not None
        store.is_away = True
        line.say_status()
        with pytest.raises(UnavailableError):
            await line.runner.reconcile()
        await store.until(lambda: store.synchronisations == 2 and store.state is ConnectionState.CONNECTED)

    assert ConnectionState.BACKING_OFF in [status.state for status in store.statuses]


async def test_no_answer_of_a_comparison_that_took_too_long_is_taken_for_that_of_the_next(
    simulator: Simulator,
) -> None:
    store = MemoryStore()
    line = Line(simulator.port)
    line.part_s = 0.2

    async with running(store, line):
        await store.until(lambda: store.state is ConnectionState.CONNECTED)
        assert line.runner is not None
        simulator.faults.inject("unanswered", {"part": "positionEnd", "times": 1})
        with pytest.raises(BrokerTimedOutError):
            await line.runner.reconcile()
        await store.until(lambda: store.synchronisations == 2 and store.state is ConnectionState.CONNECTED)


async def test_who_stops_waiting_for_a_comparison_does_not_stop_it(simulator: Simulator) -> None:
    line = Line(simulator.port)
    saving, going_on = asyncio.Event(), asyncio.Event()

    class Slow(MemoryStore):
        async def save_values(self, values: AccountValues) -> None:
            if self.looks:
                saving.set()
                await going_on.wait()
            await super().save_values(values)

    store = Slow()
    async with running(store, line):
        await store.until(lambda: store.state is ConnectionState.CONNECTED)
        assert line.runner is not None
        asked = asyncio.create_task(line.runner.reconcile())
        await saving.wait()
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        going_on.set()
        await store.until(lambda: len(store.looks) == 2)

    assert ConnectionState.BACKING_OFF not in [status.state for status in store.statuses]


async def test_who_waits_for_a_comparison_learns_that_the_session_ended(simulator: Simulator) -> None:
    line = Line(simulator.port)
    saving = asyncio.Event()

    class Stuck(MemoryStore):
        async def save_values(self, values: AccountValues) -> None:
            if len(self.looks) == 1:
                saving.set()
                await asyncio.Event().wait()
            await super().save_values(values)

    store = Stuck()
    async with running(store, line):
        await store.until(lambda: store.state is ConnectionState.CONNECTED)
        assert line.runner is not None
        asked = [asyncio.create_task(line.runner.reconcile()) for _ in range(2)]
        await saving.wait()
        line.say(ConnectionEvent.LOST)
        async with asyncio.timeout(5):
            ends = await asyncio.gather(*asked, return_exceptions=True)

    assert [type(end) for end in ends] == [BrokerDisconnectedError] * 2


async def test_a_difference_of_an_account_whose_shares_another_session_books_is_looked_at_twice(
    simulator: Simulator,
) -> None:
    store, line = MemoryStore(unconfirmed={"POSITION_QUANTITY contract:1": "5"}), Line(simulator.port)

    async with running(store, line, adviser_id=AccountId(UUID(int=3))):
        await store.until(lambda: store.state is ConnectionState.CONNECTED)
        assert line.runner is not None
        await line.runner.reconcile()

    assert [look.seen_before for look in store.looks] == [{}, store.unconfirmed]


@pytest.mark.parametrize("event", [ConnectionEvent.UPSTREAM_RESET, ConnectionEvent.UNREADABLE])
async def test_a_hole_in_what_is_known_asks_for_everything_again(simulator: Simulator, event: ConnectionEvent) -> None:
    store = MemoryStore()
    line = Line(simulator.port)

    async with running(store, line):
        await store.until(lambda: store.state is ConnectionState.CONNECTED)
        line.say(event)
        await store.until(lambda: store.synchronisations == 2 and store.state is ConnectionState.CONNECTED)

    assert store.statuses[-1].is_gate_open


async def test_a_lost_connection_is_made_again_and_tells_what_was_missed(simulator: Simulator) -> None:
    store = MemoryStore()
    line = Line(simulator.port)

    async with running(store, line) as wake:
        await store.until(lambda: store.state is ConnectionState.CONNECTED)
        resting = place(store.next_order_id, limit="150")
        store.lane.append(resting)
        wake.set()
        await store.until(lambda: any(isinstance(one, StatusReport) for one in store.reports))
        simulator.drop_connections()
        simulator.set_quote("AAPL", bid=Decimal("149.90"), ask=Decimal("149.95"))
        await store.until(lambda: store.synchronisations == 2 and store.state is ConnectionState.CONNECTED)

    assert ConnectionState.BACKING_OFF in {status.state for status in store.statuses}
    assert {execution.address.order_id for execution in store.executions} == {resting.order_id}
    assert any(isinstance(one, StatusReport) and one.status is WorkingStatus.FILLED for one in store.reports)


async def test_a_gateway_that_is_away_is_tried_until_it_is_back() -> None:
    away = Simulator(SimulatorConfig(port=0))
    await away.start()
    port = away.port
    await away.stop()
    store = MemoryStore()

    async with running(store, Line(port)):
        await store.until(lambda: bool(store.statuses) and store.statuses[-1].reconnect_attempts >= 2)
        back = Simulator(SimulatorConfig(port=port))
        await back.start()
        await store.until(lambda: store.state is ConnectionState.CONNECTED)
        await back.stop()

    failed = next(status for status in store.statuses if status.state is ConnectionState.BACKING_OFF)
    assert failed.last_error is not None
    assert failed.last_error.startswith("BROKER_UNREACHABLE")
    connected = next(status for status in store.statuses if status.state is ConnectionState.CONNECTED)
    assert connected.reconnect_attempts == 0


async def test_what_was_claimed_and_not_written_is_written_again_under_its_id(simulator: Simulator) -> None:
    store = MemoryStore()
    unwritten = place(1)
    store.again = [unwritten]

    async with running(store, Line(simulator.port)):
        await store.until(is_filled(store, 100))

    assert {execution.address.broker_order_id for execution in store.executions} == {1}


async def test_what_a_halt_keeps_out_is_not_written_again_after_a_restart(simulator: Simulator) -> None:
    store = MemoryStore(is_halted=True)
    store.again = [place(1)]

    async with running(store, Line(simulator.port)) as wake:
        await store.until(lambda: store.state is ConnectionState.CONNECTED)
        store.lane.append(place(2, quantity=1))
        wake.set()
        await store.until(is_filled(store, 1))

    assert store.looks_for_halts[0] == (1, True)
    assert {execution.address.broker_order_id for execution in store.executions} == {2}


async def test_what_waits_long_for_the_pace_is_looked_at_again_and_dropped_under_a_halt(simulator: Simulator) -> None:
    store = MemoryStore()
    line = Line(simulator.port, limit=40)

    async with running(store, line) as wake:
        await store.until(lambda: store.state is ConnectionState.CONNECTED)
        # Another account of the gateway uses the pace up between the look for room and the write.
        for _ in range(60):
            line.pacer.submit(Priority.NEW, lambda: None, owner="another")
        store.lane.extend(place(store.next_order_id + number, quantity=1, limit="150") for number in range(20))
        store.claims_anyway = True
        store.is_halted = True
        wake.set()
        await store.until(lambda: bool(store.looks_for_halts))

    assert store.looks_for_halts[0][0] > 0
    assert list(simulator.venue.exchange.open_orders()) == []


async def test_no_more_is_claimed_than_the_pace_lets_through(simulator: Simulator) -> None:
    store = MemoryStore()
    line = Line(simulator.port, limit=40)

    async with running(store, line) as wake:
        await store.until(lambda: store.state is ConnectionState.CONNECTED)
        store.lane.extend(place(store.next_order_id + number, quantity=1) for number in range(60))
        wake.set()
        await store.until(lambda: len(store.executions) >= 20)
        waiting = line.pacer.waiting()
        await store.until(is_filled(store, 60))

    assert waiting == 0


async def test_a_session_that_fails_while_it_is_cancelled_is_not_tried_again() -> None:
    is_failing = asyncio.Event()

    async def fail() -> None:
        is_failing.set()
        raise BrokerDisconnectedError("the gateway closed the connection")

    async def session() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())

    task = asyncio.create_task(end_of(session()))
    await is_failing.wait()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
