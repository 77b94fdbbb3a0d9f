"""A store in memory: what a runner reads and writes, without a database."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.brokers.domain import ConnectionStatus
from app.brokers.reconciling import Look, Reconciled
from app.core.fix import ConnectionState
from app.core.ids import ReconciliationId
from app.core.messages import AccountValues, BrokerReport, ExecutionReport, LaneCommand
from app.infra.system import SystemIds
from app.orders.domain.order import Order

WAIT_S = 10.0


@dataclass
class MemoryStore:
    """Keeps everything in order, and lets a test wait for it."""

    lane: deque[LaneCommand] = field(default_factory=deque)
    again: list[LaneCommand] = field(default_factory=list)
    reports: list[BrokerReport] = field(default_factory=list)
    statuses: list[ConnectionStatus] = field(default_factory=list)
    values: list[AccountValues] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    unconfirmed: dict[str, str] = field(default_factory=dict)
    synchronisations: int = 0
    beats: list[float] = field(default_factory=list)
    next_order_id: int = 1
    is_halted: bool = False
    claims_anyway: bool = False
    looks_for_halts: list[tuple[int, bool]] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def raise_next_order_id(self, at_least: int) -> int:
        self.next_order_id = max(self.next_order_id, at_least)
        return self.next_order_id

    async def show(self, status: ConnectionStatus) -> None:
        self.statuses.append(status)
        self._changed.set()

    async def release_due(self) -> None:
        return

    async def beat(self, round_trip_ms: float) -> None:
        self.beats.append(round_trip_ms)
        self._changed.set()

    async def claim(self, limit: int) -> list[LaneCommand]:
        if not self.statuses[-1].is_gate_open:
            return []
        room = len(self.lane) if self.claims_anyway else limit
        return [self.lane.popleft() for _ in range(min(room, len(self.lane)))]

    async def still_wanted(self, commands: Sequence[LaneCommand], *, may_have_left: bool) -> list[LaneCommand]:
        self.looks_for_halts.append((len(commands), may_have_left))
        self._changed.set()
        return [] if self.is_halted else list(commands)

    async def apply(self, reports: Sequence[BrokerReport]) -> None:
        self.reports.extend(reports)
        self._changed.set()

    async def unsettled(self, told: Sequence[BrokerReport] | None) -> list[LaneCommand]:
        self.synchronisations += 1
        again, self.again = self.again, []
        return again

    async def at_broker(self, *, only_in_doubt: bool) -> list[Order]:
        return [order for order in self.orders if order.in_doubt or not only_in_doubt]

    async def reconcile(self, look: Look) -> Reconciled:
        self.looks.append(look)
        self._changed.set()
        return Reconciled(
            id=ReconciliationId(SystemIds().new()), open_breaks=0, new_breaks=0, unconfirmed=self.unconfirmed
        )

    async def save_values(self, values: AccountValues) -> None:
        self.values.append(values)
        self._changed.set()

    @property
    def state(self) -> ConnectionState | None:
        """The state that was shown last."""
        return self.statuses[-1].state if self.statuses else None

    @property
    def executions(self) -> list[ExecutionReport]:
        """All executions, in the order of their coming."""
        return [report for report in self.reports if isinstance(report, ExecutionReport)]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for the condition, looking whenever something was stored."""
        async with asyncio.timeout(WAIT_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()
