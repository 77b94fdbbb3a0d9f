"""The port of the house to a broker: what every adapter can do, and what it tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from app.brokers.what_if import WhatIf, WhatIfAnswer
from app.core.fix import LineState
from app.core.messages import (
    AccountValues,
    BrokerPosition,
    BrokerReport,
    CommissionReport,
    Contract,
    ExecutionReport,
    LaneCommand,
    StatusReport,
    Tick,
)
from app.core.records import replace


class ConnectionEvent(StrEnum):
    """What happened to the way to the broker.

    LOST: our own session ended. UPSTREAM_LOST: the gateway lost the broker, the session stays and new orders wait.
    UPSTREAM_RESTORED: it is back, resynchronise. UPSTREAM_RESET: it is back and every market data line is to be
    renewed as well. FEED_DOWN, FEED_UP: market data alone. UNREADABLE: a message could not be decoded, so that what
    we know may have a hole: resynchronise. THROTTLED: the gateway says that we send too much.
    """

    LOST = "LOST"
    UPSTREAM_LOST = "UPSTREAM_LOST"
    UPSTREAM_RESTORED = "UPSTREAM_RESTORED"
    UPSTREAM_RESET = "UPSTREAM_RESET"
    FEED_DOWN = "FEED_DOWN"
    FEED_UP = "FEED_UP"
    UNREADABLE = "UNREADABLE"
    THROTTLED = "THROTTLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionChange:
    """One change of the way to the broker; broker_code is the broker's own number for it, where it gave one."""

    event: ConnectionEvent
    detail: str
    broker_code: int | None = None
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChange:
    """A market data line changed its state; detail says why in plain words, where there is something to say."""

    contract: Contract
    state: LineState
    detail: str | None
    broker_code: int | None


PARTLY: Final = frozenset({10090, 10091})
"""Codes that say of a line that part of its market is missing, whatever kind of data the rest is."""


def told_after(before: LineChange | None, change: LineChange) -> LineChange:
    """How a line stands after a change: of what kind its data is comes without a reason, which stays as it was told."""
    if before is None or before.broker_code is None or change.broker_code is not None:
        return change
    if before.state is change.state:
        return before
    if before.broker_code in PARTLY:
        return replace(change, detail=before.detail, broker_code=before.broker_code)
    return change


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOpened:
    """A session stands: not yet synchronised. next_order_id is the broker's own opinion and may have rolled back."""

    next_order_id: int
    accounts: tuple[str, ...]
    server_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that the broker says of an account: reports of executions, finished and open orders in its order of time.

    missing names the parts that did not end in time; only a snapshot without any opens the gate.
    """

    reports: tuple[BrokerReport, ...]
    positions: tuple[BrokerPosition, ...]
    values: AccountValues
    missing: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """True when every part was told to its end."""
        return not self.missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What the broker told when it was asked again while the session goes on, each part to its end.

    open_orders are the orders that it works, for each at least one status; finished those that are over, told by a
    full sweep alone, and executions what was dealt and what it cost.
    """

    open_orders: tuple[StatusReport, ...]
    finished: tuple[StatusReport, ...] = ()
    executions: tuple[ExecutionReport | CommissionReport, ...] = ()

    @property
    def reports(self) -> tuple[BrokerReport, ...]:
        """All of it in the order in which it is applied."""
        return (*self.executions, *self.finished, *self.open_orders)


class BrokerSink(Protocol):
    """Where an adapter puts what it hears: synchronous, in the broker's order, and never refusing."""

    def reported(self, report: BrokerReport) -> None:
        """The broker reported on an order."""
        ...

    def changed(self, change: ConnectionChange) -> None:
        """The way to the broker changed."""
        ...

    def valued(self, values: AccountValues) -> None:
        """The broker told the account's figures."""
        ...

    def held(self, position: BrokerPosition) -> None:
        """The broker told a position."""
        ...

    def lined(self, change: LineChange) -> None:
        """A market data line changed its state."""
        ...


class BrokerAdapter(Protocol):
    """One account's session with its broker. Reports go to the sink that the adapter was made with."""

    async def connect(self) -> SessionOpened:
        """Open the session; once for each adapter.

        Raises BrokerUnreachableError, BrokerClientIdTakenError, BrokerAccountUnknownError, BrokerTimedOutError.
        """
        ...

    async def synchronize(self) -> Snapshot:
        """Ask for everything there is. Reports that come of themselves meanwhile go to the sink as ever.

        Raises BrokerDisconnectedError when the session ends meanwhile.
        """
        ...

    async def sweep(self, *, is_full: bool) -> Sweep:
        """Ask for the open orders, at the cost of one message; a full sweep for all of orders, of three.

        Reports that come of themselves meanwhile go to the sink as ever. Raises BrokerTimedOutError when a part does
        not end, and BrokerDisconnectedError.
        """
        ...

    async def positions(self) -> tuple[BrokerPosition, ...]:
        """Ask for all positions of the account, to the end; one that is not told is flat.

        Reports that come of themselves meanwhile go to the sink as ever. Raises BrokerTimedOutError and
        BrokerDisconnectedError.
        """
        ...

    def unwritten(self) -> int:
        """How many orders wait for the pace before they are written."""
        ...

    def capacity(self) -> int:
        """How many new orders would be written at once; claim no more than these."""
        ...

    def send(self, command: LaneCommand) -> None:
        """Write a claimed command to the socket as soon as the pace allows.

        Raises BrokerDisconnectedError when there is no session.
        """
        ...

    def take_back(self, older_than_s: float) -> list[LaneCommand]:
        """Commands that still wait for the pace, in the order of their sending, and are not written any more.

        None unless one of them waits longer than that; then all, so that what belongs together stays in order.
        """
        ...

    def watch(self, contracts: Sequence[Contract]) -> None:
        """Hold a market data line open for exactly these."""
        ...

    def take_ticks(self) -> list[Tick]:
        """The newest state of every watched market that changed since the last call."""
        ...

    async def what_if(self, asked: WhatIf, account: str) -> WhatIfAnswer:
        """Ask what an order would do to that account of the broker's; nothing is ordered.

        Only on a session that sends no orders: its order ids are the questions' own. Raises WhatIfRefusedError with
        the broker's words, BrokerBusyError, BrokerTimedOutError, BrokerDisconnectedError.
        """
        ...

    async def probe(self) -> float:
        """Ask for a sign of life; milliseconds until it came.

        Raises BrokerTimedOutError, BrokerDisconnectedError.
        """
        ...

    async def close(self) -> None:
        """End the session. Nothing reaches the sink afterwards."""
        ...
