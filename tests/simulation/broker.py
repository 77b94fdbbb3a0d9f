"""A broker in memory that behaves as badly as the schedule wants, and the adapter that speaks to it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import Any, TypeVar

from app.brokers.errors import BrokerClientIdTakenError, BrokerDisconnectedError, BrokerTimedOutError
from app.brokers.ib.codes import meaning_of
from app.brokers.port import (
    BrokerSink,
    ConnectionChange,
    ConnectionEvent,
    SessionOpened,
    Snapshot,
    Sweep,
)
from app.brokers.what_if import WhatIf, WhatIfAnswer
from app.core.fix import Side, TimeInForce
from app.core.ids import OrderId
from app.core.messages import (
    AccountValues,
    BrokerPosition,
    BrokerReport,
    CommissionReport,
    Contract,
    ExecutionReport,
    FaultReport,
    LaneCommand,
    LaneKind,
    OrderAddress,
    OrderTerms,
    StatusReport,
    Tick,
    WorkingStatus,
)
from app.core.money import ZERO
from tests.simulation.house import CLIENT_ID, CONTRACT
from tests.simulation.loop import VirtualClock

COMMISSION = Decimal("0.35")
ANSWER_S = 8.0


@dataclass(slots=True, kw_only=True)
class Placed:
    """An order as the broker holds it."""

    order_id: OrderId
    number: int
    permanent_id: int
    side: Side
    terms: OrderTerms
    status: WorkingStatus = WorkingStatus.WORKING
    shown_at: float = 0.0
    """Until then the broker takes the id as this order, and does not tell of it."""
    executions: dict[str, ExecutionReport] = field(default_factory=dict)
    """The highest revision of each root."""

    @property
    def is_over(self) -> bool:
        return self.status in {WorkingStatus.CANCELED, WorkingStatus.FILLED}

    @property
    def filled(self) -> Decimal:
        return sum((one.quantity for one in self.executions.values()), ZERO)

    @property
    def address(self) -> OrderAddress:
        return OrderAddress(
            order_id=self.order_id,
            permanent_id=self.permanent_id,
            client_id=CLIENT_ID,
            broker_order_id=self.number,
        )


class Socket:
    """One connection: in order both ways, and cut anywhere when it is lost."""

    def __init__(self, loop: asyncio.AbstractEventLoop, random: Random) -> None:
        self._loop = loop
        self._random = random
        self._arrivals = [0.0, 0.0]
        self._in_flight: list[list[tuple[asyncio.TimerHandle, Callable[[], None]]]] = [[], []]
        self.is_open = True

    def carry(self, way: int, deliver: Callable[[], None], *, slow: float = 1.0) -> None:
        """Deliver later, after everything that was carried that way before. Ways: 0 to the broker, 1 from it."""
        if not self.is_open:
            return
        at = max(self._arrivals[way], self._loop.time() + self._random.expovariate(40) * slow)
        self._arrivals[way] = at
        queue = self._in_flight[way]

        def arrive() -> None:
            queue.pop(0)
            deliver()

        queue.append((self._loop.call_at(at, arrive), deliver))

    def cut(self) -> None:
        """Of what is in flight some arrives yet and the rest never does."""
        if not self.is_open:
            return
        self.is_open = False
        for way, queue in enumerate(self._in_flight):
            waiting = list(queue)
            queue.clear()
            arrives = self._random.randint(0, len(waiting)) if way == 0 else 0
            for place, (timer, deliver) in enumerate(waiting):
                timer.cancel()
                if place < arrives:
                    deliver()


class FakeBroker:
    """The ledger against which the house is held, and the faults on the way to it."""

    def __init__(self, clock: VirtualClock, random: Random) -> None:
        self.clock = clock
        self.random = random
        self.orders: dict[int, Placed] = {}
        self.created: Counter[OrderId] = Counter()
        self.sink: BrokerSink | None = None
        self.socket: Socket | None = None
        self.is_hostile = True
        self.told: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._execution_count = 0
        self._commissions: dict[str, CommissionReport] = {}
        self._history: list[ExecutionReport] = []
        self._numbers_used = 0

    def chance(self, probability: float) -> bool:
        """True as often as that, while the broker is hostile."""
        return self.is_hostile and self.random.random() < probability

    def connect(self, sink: BrokerSink) -> Socket:
        """A session. Raises BrokerClientIdTakenError while another stands."""
        if self.socket is not None and self.socket.is_open:
            raise BrokerClientIdTakenError("the client id is in use")
        self.socket = Socket(asyncio.get_running_loop(), self.random)
        self.sink = sink
        return self.socket

    def drop(self) -> None:
        """The socket is lost."""
        if self.socket is not None and self.socket.is_open:
            sink, socket = self.sink, self.socket
            socket.cut()
            if sink is not None:
                sink.changed(ConnectionChange(event=ConnectionEvent.LOST, detail="reset", occurred_at=self.clock.now()))

    def next_order_id(self) -> int:
        """Its own opinion, rolled back now and then."""
        return 1 if self.chance(0.3) else self._numbers_used + 1

    def receive(self, command: LaneCommand) -> None:
        """A command arrived."""
        number = command.broker_order_id
        self._numbers_used = max(self._numbers_used, number)
        known = self.orders.get(number)
        if command.kind is LaneKind.CANCEL:
            self._cancel(number, known)
        elif known is None:
            self._create(command)
        elif known.is_over:
            self._refuse(number, 103 if command.kind is LaneKind.PLACE else 104)
        elif command.terms != known.terms:
            self._start(self._modify(known, command.terms))
        else:
            self._tell_status(known)

    def open_statuses(self) -> tuple[StatusReport, ...]:
        """The orders that it works."""
        now = asyncio.get_running_loop().time()
        return tuple(
            self._status(one, with_terms=True)
            for one in self.orders.values()
            if not one.is_over and one.shown_at <= now
        )

    def finished_statuses(self) -> tuple[StatusReport, ...]:
        """The orders that are over; they bear no order id."""
        return tuple(
            replace(self._status(one), address=replace(one.address, client_id=None, broker_order_id=None))
            for one in self.orders.values()
            if one.is_over
        )

    def dealt(self) -> tuple[ExecutionReport | CommissionReport, ...]:
        """All executions with their commissions."""
        told: list[ExecutionReport | CommissionReport] = []
        for execution in self._history:
            told.append(execution)
            if execution.execution_id in self._commissions:
                told.append(self._commissions[execution.execution_id])
        return tuple(told)

    def positions(self) -> tuple[BrokerPosition, ...]:
        """What the account holds."""
        dealt = [one for placed in self.orders.values() for one in placed.executions.values()]
        quantity = sum((one.quantity * one.side.sign for one in dealt), ZERO)
        cost = Decimal(10)
        told = BrokerPosition(
            contract_id=CONTRACT.contract_id, symbol=CONTRACT.symbol, quantity=quantity, average_cost=cost
        )
        return (told,)

    def _create(self, command: LaneCommand) -> None:
        if self.chance(0.04):
            self._refuse(command.broker_order_id, self.random.choice([201, 110, 321]))
            return
        if self.chance(0.03):
            return  # Lost inside: the order never was.
        self.created[command.order_id] += 1
        placed = Placed(
            order_id=command.order_id,
            number=command.broker_order_id,
            permanent_id=1_000_000 + len(self.orders),
            side=command.side,
            terms=command.terms,
        )
        self.orders[placed.number] = placed
        self._start(self._live(placed))

    async def _live(self, placed: Placed) -> None:
        if self.chance(0.2):
            hidden_s = self.random.uniform(0.1, 2.0)
            placed.shown_at = asyncio.get_running_loop().time() + hidden_s
            await asyncio.sleep(hidden_s)
        if self.chance(0.2):
            self._report(replace(self._status(placed), status=WorkingStatus.PENDING))
        if not self.chance(0.3):
            self._tell_status(placed)
        rests = self.random.random() < 0.3
        for _ in range(self.random.randint(0, 3)):
            await asyncio.sleep(self.random.expovariate(1.5))
            if placed.is_over:
                return
            left = placed.terms.quantity - placed.filled
            self._deal(placed, Decimal(self.random.randint(1, int(left))))
        if placed.terms.time_in_force is TimeInForce.IOC and not placed.is_over:
            placed.status = WorkingStatus.CANCELED
            self._tell_status(placed)
        elif not rests and not placed.is_over:
            await asyncio.sleep(self.random.expovariate(1))
            if not placed.is_over:
                self._deal(placed, placed.terms.quantity - placed.filled)

    def _deal(self, placed: Placed, quantity: Decimal) -> None:
        self._execution_count += 1
        root = f"e{self._execution_count}"
        execution = self._execution(placed, root, 1, quantity, Decimal(self.random.randint(8, 12)))
        if placed.filled >= placed.terms.quantity:
            placed.status = WorkingStatus.FILLED
        says_first = self.chance(0.4)
        if says_first:
            self._tell_status(placed)
        early = self.chance(0.2)
        if early:
            self._report(self._commissions[execution.execution_id])
        self._report(execution)
        if self.chance(0.15):
            self._report(execution)
        if not early and not self.chance(0.2):
            self._report(self._commissions[execution.execution_id])
        if not says_first and not self.chance(0.3):
            self._tell_status(placed)
        if self.chance(0.06):
            self._start(self._restate(placed, execution))

    async def _restate(self, placed: Placed, dealt: ExecutionReport) -> None:
        await asyncio.sleep(self.random.expovariate(0.5))
        quantity = self.random.choice([ZERO, dealt.quantity, max(dealt.quantity - 1, Decimal(1))])
        self._report(self._execution(placed, dealt.root, 2, quantity, dealt.price + 1 if quantity else ZERO))

    def _execution(
        self, placed: Placed, root: str, revision: int, quantity: Decimal, price: Decimal
    ) -> ExecutionReport:
        execution = ExecutionReport(
            address=placed.address,
            execution_id=f"{root}.{revision:02d}",
            root=root,
            revision=revision,
            contract_id=CONTRACT.contract_id,
            side=placed.side,
            quantity=quantity,
            price=price,
            liquidity=None,
            executed_at=self.clock.now(),
        )
        placed.executions[root] = execution
        self._history.append(execution)
        if revision == 1:
            self._commissions[execution.execution_id] = CommissionReport(
                execution_id=execution.execution_id,
                root=root,
                commission=COMMISSION,
                currency="USD",
                realized_pnl=None,
            )
        return execution

    async def _modify(self, placed: Placed, terms: OrderTerms) -> None:
        if self.chance(0.25):
            self._refuse(placed.number, self.random.choice([201, 110, 321, 104]))
            if self.chance(0.5):
                self._refuse(placed.number, 201)
            return
        await asyncio.sleep(self.random.expovariate(3))
        if placed.is_over:
            return
        if placed.filled >= terms.quantity:
            self._refuse(placed.number, 201)
            return
        placed.terms = terms
        self._tell_status(placed)

    def _cancel(self, number: int, placed: Placed | None) -> None:
        if placed is None:
            self._refuse(number, 10147)
        elif placed.is_over:
            self._refuse(number, 10148)
        elif self.chance(0.1):
            self._refuse(number, self.random.choice([161, 10148]))
        else:
            self._start(self._end(placed))

    async def _end(self, placed: Placed) -> None:
        await asyncio.sleep(self.random.expovariate(3))
        if placed.is_over:
            return
        placed.status = WorkingStatus.CANCELED
        if not self.chance(0.3):
            self._refuse(placed.number, 202)
        self._tell_status(placed)

    def _refuse(self, number: int, code: int) -> None:
        self._report(
            FaultReport(
                address=OrderAddress(client_id=CLIENT_ID, broker_order_id=number),
                fault=meaning_of(code).fault,
                broker_code=code,
                message="refused",
                occurred_at=self.clock.now(),
            )
        )

    def _tell_status(self, placed: Placed) -> None:
        self._report(self._status(placed, with_terms=True))
        if self.chance(0.2):
            self._report(self._status(placed))

    def _status(self, placed: Placed, *, with_terms: bool = False) -> StatusReport:
        return StatusReport(
            address=placed.address,
            status=placed.status,
            filled=placed.filled,
            terms=placed.terms if with_terms else None,
            occurred_at=self.clock.now(),
        )

    def _report(self, report: BrokerReport) -> None:
        sink, socket = self.sink, self.socket
        self.told[type(report).__name__] += 1
        if socket is not None and sink is not None:
            socket.carry(1, lambda: sink.reported(report))

    def _start(self, life: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(life)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


AnswerT = TypeVar("AnswerT")


class FakeAdapter:
    """The BrokerAdapter of the fake broker; `step` is where its process may be stopped."""

    def __init__(self, broker: FakeBroker, sink: BrokerSink, step: Callable[[], Awaitable[None]]) -> None:
        self._broker = broker
        self._sink = sink
        self._step = step
        self._socket: Socket | None = None

    async def connect(self) -> SessionOpened:
        await self._step()
        self._socket = self._broker.connect(self._sink)
        return SessionOpened(next_order_id=self._broker.next_order_id(), accounts=("DU1",), server_version=178)

    async def synchronize(self) -> Snapshot:
        await self._step()
        open_orders = await self._ask(self._broker.open_statuses)
        finished = await self._ask(self._broker.finished_statuses)
        dealt = await self._ask(self._broker.dealt)
        held = await self._ask(self._broker.positions)
        return Snapshot(reports=(*dealt, *finished, *open_orders), positions=held, values=AccountValues())

    async def sweep(self, *, is_full: bool) -> Sweep:
        await self._step()
        open_orders = await self._ask(self._broker.open_statuses)
        if not is_full:
            return Sweep(open_orders=open_orders)
        finished = await self._ask(self._broker.finished_statuses)
        return Sweep(open_orders=open_orders, finished=finished, executions=await self._ask(self._broker.dealt))

    async def positions(self) -> tuple[BrokerPosition, ...]:
        await self._step()
        return await self._ask(self._broker.positions)

    def unwritten(self) -> int:
        return 0

    def capacity(self) -> int:
        return 100 if self._socket is not None and self._socket.is_open else 0

    def send(self, command: LaneCommand) -> None:
        socket = self._socket
        if socket is None or not socket.is_open:
            raise BrokerDisconnectedError("the session is over")
        socket.carry(0, lambda: self._broker.receive(command))

    def take_back(self, older_than_s: float) -> list[LaneCommand]:
        return []

    def watch(self, contracts: Sequence[Contract]) -> None:
        raise AssertionError("orders only")

    def take_ticks(self) -> list[Tick]:
        raise AssertionError("orders only")

    async def what_if(self, asked: WhatIf, account: str) -> WhatIfAnswer:
        raise AssertionError("orders only")

    async def probe(self) -> float:
        await self._step()
        await self._ask(lambda: ())
        return 1.0

    async def close(self) -> None:
        if self._socket is not None:
            self._socket.cut()

    async def _ask(self, answer: Callable[[], tuple[AnswerT, ...]]) -> tuple[AnswerT, ...]:
        socket = self._socket
        if socket is None or not socket.is_open:
            raise BrokerDisconnectedError("the session is over")
        told: asyncio.Future[tuple[AnswerT, ...]] = asyncio.get_running_loop().create_future()

        def back(words: tuple[AnswerT, ...]) -> None:
            if not told.done():
                told.set_result(words)

        def asked() -> None:
            words = answer()
            socket.carry(1, lambda: back(words))

        socket.carry(0, asked)
        try:
            async with asyncio.timeout(ANSWER_S):
                return await told
        except TimeoutError as error:
            raise BrokerTimedOutError("no answer") from error
