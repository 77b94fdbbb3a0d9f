"""What a gateway tells in answer to one question, collected until it has told all."""

from collections.abc import Callable
from dataclasses import dataclass, field

from app.brokers.errors import BrokerTimedOutError
from app.brokers.ib import callbacks as parts
from app.brokers.ib.library import Client, Library
from app.brokers.ib.pacing import Priority
from app.brokers.ib.session import IbSession
from app.core.messages import BrokerPosition, BrokerReport, CommissionReport, ExecutionReport, StatusReport

EXECUTIONS_REQUEST = 1_900_000_000


@dataclass(slots=True)
class Collected:
    """The parts of an answer as they came; of executions, commissions and positions the newest under each id."""

    statuses: list[StatusReport] = field(default_factory=list)
    completed: list[StatusReport] = field(default_factory=list)
    executions: dict[str, ExecutionReport] = field(default_factory=dict)
    commissions: dict[str, CommissionReport] = field(default_factory=dict)
    positions: dict[int, BrokerPosition] = field(default_factory=dict)

    def reports(self) -> tuple[BrokerReport, ...]:
        """All that is about orders, in the order in which it is to be stored: what was dealt comes first."""
        return (*self.dealt(), *self.completed, *self.statuses)

    def dealt(self) -> tuple[ExecutionReport | CommissionReport, ...]:
        """The executions in the order of their time, each with what it cost."""
        ordered: list[ExecutionReport | CommissionReport] = []
        for execution in sorted(self.executions.values(), key=lambda one: (one.executed_at, one.execution_id)):
            ordered.append(execution)
            commission = self.commissions.get(execution.execution_id)
            if commission is not None:
                ordered.append(commission)
        return tuple(ordered)


class Collector:
    """Asks for what the gateway knows, a part after the other, and takes what comes meanwhile as the answer.

    `takes_…` say whether a message was part of it; another one is news.
    """

    def __init__(self, session: IbSession, library: Library, part_s: float) -> None:
        """part_s: how long each part may take, in seconds."""
        self._session = session
        self._library = library
        self._part_s = part_s
        self._collected: Collected | None = None
        self._is_collecting_orders = False

    @property
    def is_collecting(self) -> bool:
        """True while something is asked for."""
        return self._collected is not None

    async def everything(self) -> tuple[Collected, tuple[str, ...]]:
        """Orders, executions, positions and values, and the parts that did not come to their end in time.

        Raises BrokerDisconnectedError.
        """
        account = self._session.address.account
        requests: dict[str, Callable[[Client], None]] = {
            **self._order_requests(),
            parts.POSITIONS: lambda client: client.reqPositions(),
            parts.ACCOUNT_VALUES: lambda client: client.reqAccountUpdates(True, account),
        }
        collected = self._collected = Collected()
        missing = []
        try:
            for part, write in requests.items():
                try:
                    await self._ask(part, write, Priority.SYNC)
                except BrokerTimedOutError:
                    missing.append(part)
        finally:
            self._collected = None
        return collected, tuple(missing)

    async def orders(self, *, is_full: bool) -> Collected:
        """The open orders, and where it is full completed orders and executions as well.

        Ahead of new orders: what is in doubt is risk. Raises BrokerTimedOutError, BrokerDisconnectedError.
        """
        collected = self._collected = Collected()
        try:
            for part, write in self._order_requests().items():
                if is_full or part == parts.OPEN_ORDERS:
                    await self._ask(part, write, Priority.MODIFY)
        finally:
            self._collected = None
        return collected

    async def positions(self) -> tuple[BrokerPosition, ...]:
        """All positions. Raises BrokerTimedOutError, BrokerDisconnectedError."""
        collected = self._collected = Collected()
        try:
            await self._ask(parts.POSITIONS, lambda client: client.reqPositions(), Priority.SYNC)
        finally:
            self._collected = None
        return tuple(collected.positions.values())

    def takes_status(self, report: StatusReport) -> bool:
        """An answer to reqAllOpenOrders looks like a live message; told once more, either is harmless."""
        if self._collected is None or not self._is_collecting_orders:
            return False
        self._collected.statuses.append(report)
        return True

    def take_completed(self, report: StatusReport) -> None:
        """An order that is over: told to who asks alone."""
        if self._collected is not None:
            self._collected.completed.append(report)

    def takes_execution(self, report: ExecutionReport, request_id: int) -> bool:
        """A deal, told under the request of executions."""
        if self._collected is None or request_id != EXECUTIONS_REQUEST:
            return False
        self._collected.executions[report.execution_id] = report
        return True

    def takes_commission(self, report: CommissionReport) -> bool:
        """What a deal cost that was asked for too."""
        if self._collected is None or report.execution_id not in self._collected.executions:
            return False
        self._collected.commissions[report.execution_id] = report
        return True

    def takes_position(self, position: BrokerPosition) -> bool:
        """A position."""
        if self._collected is None:
            return False
        self._collected.positions[position.contract_id] = position
        return True

    def _order_requests(self) -> dict[str, Callable[[Client], None]]:
        asked = self._library.execution_filter(self._session.address.account)
        return {
            parts.OPEN_ORDERS: lambda client: client.reqAllOpenOrders(),
            parts.COMPLETED_ORDERS: lambda client: client.reqCompletedOrders(False),
            parts.EXECUTIONS: lambda client: client.reqExecutions(EXECUTIONS_REQUEST, asked),
        }

    async def _ask(self, part: str, write: Callable[[Client], None], priority: Priority) -> None:
        self._is_collecting_orders = part == parts.OPEN_ORDERS
        try:
            await self._session.ask(part, write, priority=priority, timeout_s=self._part_s)
        finally:
            self._is_collecting_orders = False
