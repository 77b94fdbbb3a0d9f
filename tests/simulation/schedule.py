"""A seeded schedule: clients, connectors, a broker and faults; then quiet, and all is held against the broker."""

import asyncio
import contextlib
import logging
import random as global_random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from uuid import UUID

from app.brokers.domain import BrokerAccount, ConnectionStatus
from app.brokers.errors import LeaseLostError
from app.brokers.port import BrokerAdapter, BrokerSink
from app.brokers.reconciling import Look, Reconciled
from app.connector.intervals import Intervals
from app.connector.port import Store
from app.connector.runner import AccountRunner
from app.core.errors import UnavailableError
from app.core.fix import BrokerKind, OrderState, RejectOrigin, Side, TimeInForce
from app.core.ids import OrderId, ReconciliationId
from app.core.messages import AccountValues, BrokerReport, LaneCommand, WorkingStatus
from app.core.money import ZERO
from app.orders.domain.order import Order
from app.orders.domain.transitions import may_move
from tests.simulation.broker import COMMISSION, FakeAdapter, FakeBroker
from tests.simulation.house import ACCOUNT, CLIENT_ID, TENANT, House, limit_terms
from tests.simulation.loop import VirtualClock, VirtualLoop

FAULTS_S = 14.0
QUIET_S = 40.0
INTERVALS = Intervals(
    poll_s=1.0,
    probe_s=4.0,
    values_s=30.0,
    doubt_s=2.0,
    open_orders_s=6.0,
    commission_s=4.0,
    positions_s=4.0,
    settle_s=1.0,
)
ACCOUNT_AT_BROKER = BrokerAccount(
    tenant_id=TENANT,
    id=ACCOUNT,
    broker=BrokerKind.INTERACTIVE_BROKERS,
    account_number="DU1",
    base_currency="USD",
    host="127.0.0.1",
    port=4002,
    client_id=CLIENT_ID,
    is_paper=True,
)


class Process:
    """A connector's process: it may be killed or frozen at any of its steps to the outside."""

    def __init__(self, random: Random, *, dies_at: int | None = None, freezes_at: int | None = None) -> None:
        self._random = random
        self._dies_at = dies_at
        self._freezes_at = freezes_at
        self._steps = 0
        self.is_dead = asyncio.Event()

    async def step(self) -> None:
        """One round trip's half: a little time, or the end."""
        if self.is_dead.is_set():
            raise asyncio.CancelledError
        self._steps += 1
        if self._steps == self._dies_at:
            self.is_dead.set()
            raise asyncio.CancelledError
        pause_s = self._random.expovariate(200)
        if self._steps == self._freezes_at:
            pause_s = self._random.uniform(3.0, 12.0)
        await asyncio.sleep(pause_s)
        if self.is_dead.is_set():
            raise asyncio.CancelledError


class MemoryStore:
    """The Store of a runner over the house in memory: each call may die before its commit or after it."""

    def __init__(self, house: House, generation: int, process: Process, broker: FakeBroker) -> None:
        self.house = house
        self.generation = generation
        self.process = process
        self.broker = broker

    async def raise_next_order_id(self, at_least: int) -> int:
        await self.process.step()
        raised = self.house.raise_next_order_id(self.generation, at_least)
        await self.process.step()
        return raised

    async def show(self, status: ConnectionStatus) -> None:
        await self.process.step()
        self.house.set_gate(self.generation, is_open=status.is_gate_open)
        await self.process.step()

    async def release_due(self) -> None:
        # No order of a schedule is staged.
        return

    async def beat(self, round_trip_ms: float) -> None:
        await self.process.step()

    async def claim(self, limit: int) -> list[LaneCommand]:
        if not self.house.lane:
            return []
        await self.process.step()
        if self.broker.chance(0.02):
            raise UnavailableError("the database is away")
        commands = self.house.claim(self.generation, limit)
        if self.broker.chance(0.02):
            raise UnavailableError("nobody knows whether the claim was kept")
        await self.process.step()
        return commands

    async def still_wanted(self, commands: Sequence[LaneCommand], *, may_have_left: bool) -> list[LaneCommand]:
        return list(commands)

    async def apply(self, reports: Sequence[BrokerReport]) -> None:
        if not reports:
            return
        await self.process.step()
        self.house.apply(reports)
        await self.process.step()

    async def unsettled(self, told: Sequence[BrokerReport] | None) -> list[LaneCommand]:
        await self.process.step()
        commands = self.house.resent(self.generation, told)
        await self.process.step()
        return commands

    async def at_broker(self, *, only_in_doubt: bool) -> list[Order]:
        await self.process.step()
        return self.house.at_broker(only_in_doubt=only_in_doubt)

    async def save_values(self, values: AccountValues) -> None:
        await self.process.step()

    async def reconcile(self, look: Look) -> Reconciled:
        await self.process.step()
        ledger = self.house.compare(look)
        await self.process.step()
        return Reconciled(
            id=ReconciliationId(UUID(int=0)),
            open_breaks=0,
            new_breaks=len(ledger.new),
            unconfirmed=ledger.unconfirmed,
        )


MakeStore = Callable[[House, int, Process, FakeBroker], Store]


@dataclass(slots=True)
class Outcome:
    """What a schedule ended in: its size, and what it violated."""

    seed: int
    orders: int = 0
    faults: int = 0
    violations: list[str] = field(default_factory=list)


class Schedule:
    """Everything of one seed."""

    def __init__(self, seed: int, loop: VirtualLoop, make_store: MakeStore = MemoryStore) -> None:
        self.random = Random(seed)
        self.clock = VirtualClock(loop)
        self.house = House(self.clock)
        self.broker = FakeBroker(self.clock, self.random)
        self.outcome = Outcome(seed)
        self.make_store = make_store
        self.is_quiet = False
        self.wake = asyncio.Event()

    async def run(self) -> Outcome:
        """Trouble, then quiet, then the reckoning."""
        connectors = [asyncio.create_task(self._connector()) for _ in range(2)]
        trouble = [asyncio.create_task(self._clients()), asyncio.create_task(self._drops())]
        await asyncio.sleep(FAULTS_S)
        self.is_quiet = True
        self.broker.is_hostile = False
        await asyncio.sleep(QUIET_S)
        for task in [*trouble, *connectors]:
            task.cancel()
        ends = await asyncio.gather(*trouble, *connectors, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end
        self.outcome.orders = len(self.house.orders)
        self._check()
        return self.outcome

    async def _clients(self) -> None:
        random, house = self.random, self.house
        while not self.is_quiet:
            await asyncio.sleep(random.expovariate(2))
            self.wake.set()
            known = list(house.orders)
            match random.choice("ppcm") if known else "p":
                case "p" if len(known) < 8:
                    force = TimeInForce.IOC if random.random() < 0.15 else TimeInForce.DAY
                    house.place(random.choice(list(Side)), limit_terms(random.randint(2, 20), time_in_force=force))
                case "c" if known:
                    house.cancel(random.choice(known))
                case "m" if known:
                    order_id = random.choice(known)
                    asked = limit_terms(random.randint(2, 30), random.choice(["10", "11"]))
                    house.modify(order_id, asked)

    async def _drops(self) -> None:
        while not self.is_quiet:
            await asyncio.sleep(self.random.expovariate(0.25))
            if not self.is_quiet:
                self.outcome.faults += 1
                self.broker.drop()

    async def _connector(self) -> None:
        random, house = self.random, self.house
        while True:
            await asyncio.sleep(random.uniform(0.1, 1.0))
            generation = house.take_lease()
            if generation is None:
                continue
            fault = None if self.is_quiet else random.choice([None, "dies", "freezes"])
            at = random.randint(1, 60)
            process = Process(
                random, dies_at=at if fault == "dies" else None, freezes_at=at if fault == "freezes" else None
            )
            self.outcome.faults += fault is not None
            await self._hold(generation, process)
            if not process.is_dead.is_set():
                house.give(generation)

    async def _hold(self, generation: int, process: Process) -> None:
        adapters: list[FakeAdapter] = []

        def make_adapter(sink: BrokerSink) -> BrokerAdapter:
            adapters.append(FakeAdapter(self.broker, sink, process.step))
            return adapters[-1]

        runner = AccountRunner(
            account=ACCOUNT_AT_BROKER,
            store=self.make_store(self.house, generation, process, self.broker),
            make_adapter=make_adapter,
            wake=self.wake,
            clock=self.clock,
            intervals=INTERVALS,
        )
        tasks = [
            asyncio.create_task(runner.run()),
            asyncio.create_task(self._renew(generation, process)),
            asyncio.create_task(_true(process.is_dead)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if process.is_dead.is_set():
                for adapter in adapters:
                    await adapter.close()
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception) and not isinstance(end, LeaseLostError):
                raise end

    async def _renew(self, generation: int, process: Process) -> None:
        while True:
            await asyncio.sleep(2.0)
            await process.step()
            self.house.renew(generation)

    def _check(self) -> None:
        for order in self.house.orders.values():
            self._check_order(order)
        self._check_events()
        self._check_account()

    def _check_order(self, order: Order) -> None:
        found = [one for one in self.broker.orders.values() if one.order_id == order.id]
        name = f"order {order.id.int} {order.state}"
        if self.broker.created[order.id] > 1:
            self._wrong(f"G2 {name}: {self.broker.created[order.id]} times at the broker")
        held = sum((one.filled for one in found), ZERO)
        if order.filled_quantity != held:
            self._wrong(f"G3 {name}: {order.filled_quantity} booked, {held} dealt")
        if order.in_doubt and any(one.status is WorkingStatus.FILLED and not one.filled for one in found):
            # Said to be filled, and every execution busted: nobody but a person can tell, so the doubt stays visible.
            return
        if order.in_doubt:
            self._wrong(f"G2 {name}: still in doubt")
        is_working = any(not one.is_over for one in found)
        if is_working and order.state.is_terminal:
            self._wrong(f"G2 {name}: works at the broker")
        if not is_working and not order.state.is_terminal:
            self._wrong(f"G2 {name}: does not work at the broker, {len(found)} known")
        if order.state in {OrderState.PENDING_CANCEL, OrderState.PENDING_REPLACE, OrderState.ROUTED}:
            self._wrong(f"G2 {name}: still outstanding")
        if is_working and [one.terms for one in found] != [order.terms]:
            self._wrong(f"G2 {name}: other terms at the broker")
        if any(one.status is WorkingStatus.FILLED and one.filled == order.terms.quantity for one in found):
            if order.state is not OrderState.FILLED:
                self._wrong(f"G2 {name}: filled at the broker")
        elif order.state is OrderState.FILLED and held < order.terms.quantity:
            self._wrong(f"G2 {name}: not filled at the broker")

    def _check_events(self) -> None:
        states: dict[OrderId, OrderState] = {}
        for event in self.house.events:
            before = states.get(event.order_id, OrderState.NEW)
            if event.from_state is not before:
                self._wrong(f"G14 order {event.order_id.int}: {event.from_state} told, {before} was")
            if not may_move(before, event.to_state, RejectOrigin.BROKER):
                self._wrong(f"G14 order {event.order_id.int}: {before} to {event.to_state}")
            states[event.order_id] = event.to_state
        for order in self.house.orders.values():
            if states[order.id] is not order.state:
                self._wrong(f"G14 order {order.id.int}: {states[order.id]} told, {order.state} is")

    def _check_account(self) -> None:
        house, position = self.house, self.house.position
        dealt = sum((one.filled * one.side.sign for one in self.broker.orders.values()), ZERO)
        if position.quantity != dealt:
            self._wrong(f"G3 position {position.quantity}, dealt {dealt}")
        for one in house.breaks:
            self._wrong(f"G3 a break: ours {one.ours}, the broker's {one.broker}")
        if (position.open_buy_quantity, position.open_sell_quantity) != house.reserved():
            self._wrong("G8 reservations are not those of the open orders")
        if house.open_orders != sum(not order.state.is_terminal for order in house.orders.values()):
            self._wrong("G8 open orders are miscounted")
        firsts = sum(row.revision == 1 for row in house.ledger.values())
        if position.commission != COMMISSION * Decimal(firsts) or house.early:
            self._wrong(f"G3 commissions {position.commission} of {firsts} executions")
        for reason in house.quarantined.values():
            self._wrong(f"G14 quarantined: {reason}")

    def _wrong(self, what: str) -> None:
        self.outcome.violations.append(what)


async def _true(event: asyncio.Event) -> None:
    await event.wait()


def run_schedule(seed: int, make_store: MakeStore = MemoryStore) -> Outcome:
    """The outcome of a seed: the same each time."""
    # Back-off draws from the module's own generator.
    global_random.seed(seed)
    logging.disable(logging.CRITICAL)
    loop = VirtualLoop()
    try:

        async def run() -> Outcome:
            return await Schedule(seed, loop, make_store).run()

        return loop.run_until_complete(run())
    finally:
        with contextlib.suppress(RuntimeError):
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        logging.disable(logging.NOTSET)
