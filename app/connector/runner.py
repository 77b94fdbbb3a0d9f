"""One account's connection: connect, synchronise, open the gate, carry commands out and reports in, and again."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from app.brokers.domain import BrokerAccount, ConnectionStatus, backoff_s
from app.brokers.errors import BrokerDisconnectedError, BrokerTimedOutError, LeaseLostError
from app.brokers.port import BrokerAdapter, BrokerSink, ConnectionChange, ConnectionEvent, Snapshot
from app.brokers.reconciling import Look, Occasion, Reconciled
from app.connector.comparing import Comparing
from app.connector.inbox import Inbox
from app.connector.restarts import RestartWindows
from app.connector.sweeps import Sweeps
from app.core.clock import Clock
from app.core.errors import OmsError
from app.core.fix import ConnectionState
from app.core.messages import AccountValues, BrokerReport, LaneCommand, WorkingStatus
from app.orders.domain.claiming import untold
from app.orders.domain.order import Order

log = logging.getLogger(__name__)

BATCH_MAX = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """How often the connector looks, in seconds."""

    poll_s: float = 0.25
    linger_s: float = 0.006
    full_s: float = 0.02
    probe_s: float = 1.0
    values_s: float = 1.0
    throttled_s: float = 1.0
    rest_s: float = 5.0
    unreadable_s: float = 1.0
    doubt_s: float = 2.0
    open_orders_s: float = 10.0
    unknown_s: float = 60.0
    commission_s: float = 10.0
    release_s: float = 1.0
    window_s: float = 1.0
    alarm_s: float = 60.0
    positions_s: float = 30.0
    settle_s: float = 2.0


class Store(Protocol):
    """What the connection needs of the database, for one account under one lease."""

    async def raise_next_order_id(self, at_least: int) -> int:
        """Store that the broker will not take an order id below this one."""
        ...

    async def show(self, status: ConnectionStatus) -> None:
        """Store how far the connection has come, and whether new orders may leave."""
        ...

    async def release_due(self) -> None:
        """Release the staged orders whose time has come."""
        ...

    async def beat(self, round_trip_ms: float) -> None:
        """Store a sign of life."""
        ...

    async def claim(self, limit: int) -> list[LaneCommand]:
        """Take commands off the lane: cancels first, whatever the limit, then others while the gate is open.

        Their intents are durable on return.
        """
        ...

    async def apply(self, reports: Sequence[BrokerReport]) -> None:
        """Store what the broker reported, in one transaction."""
        ...

    async def unsettled(self, told: Sequence[BrokerReport] | None) -> list[LaneCommand]:
        """After a complete and applied snapshot: what is to be written again, under the same order ids.

        told is the snapshot when nothing was written before it in this session: an order that it should name and does
        not is in doubt from here on.
        """
        ...

    async def at_broker(self, *, only_in_doubt: bool) -> list[Order]:
        """The claimed orders that are not over, or those of them that are in doubt."""
        ...

    async def save_values(self, values: AccountValues) -> None:
        """Store the account's figures."""
        ...

    async def reconcile(self, look: Look) -> Reconciled:
        """Compare what the broker said with what is stored, and store the breaks."""
        ...


class AccountRunner:
    """Keeps one account connected for as long as it runs."""

    def __init__(
        self,
        *,
        account: BrokerAccount,
        store: Store,
        make_adapter: Callable[[BrokerSink], BrokerAdapter],
        wake: asyncio.Event,
        clock: Clock,
        intervals: Intervals | None = None,
        restarts: RestartWindows | None = None,
    ) -> None:
        self._account = account
        self._store = store
        self._make_adapter = make_adapter
        self._wake = wake
        self._clock = clock
        self._intervals = intervals or Intervals()
        self._restarts = restarts or RestartWindows()
        self._down_since: datetime | None = None
        self._attempts = 0
        self._is_gate_open = False
        self._outage: str | None = None
        self._outages = 0
        self._is_settled = False
        self._is_throttled = False
        self._applying = asyncio.Lock()
        self._sending = asyncio.Lock()
        self._sweeps = Sweeps()
        self._shown: ConnectionStatus | None = None
        self._session: tuple[BrokerAdapter, Inbox] | None = None

    async def run(self) -> None:
        """Connect and work; whatever ends the session is logged, shown and followed by another try."""
        while True:
            error = await end_of(self._one_session())
            if isinstance(error, LeaseLostError):
                raise error
            self._is_gate_open = False
            self._attempts += 1
            await self._show(ConnectionState.BACKING_OFF, error=f"{error.code}: {error.message}")
            self._alarm()
            await asyncio.sleep(backoff_s(self._attempts, random.random()))

    async def reconcile(self) -> Reconciled:
        """Ask the broker for everything and compare it with the books now; trading goes on meanwhile.

        Raises BrokerDisconnectedError while the account is not synchronised, BrokerTimedOutError.
        """
        if self._session is None or not self._is_gate_open:
            raise BrokerDisconnectedError("the account is not connected and synchronised")
        adapter, inbox = self._session
        async with self._applying:
            await self._empty(inbox)
            comparing = self._comparing(Occasion.DEMAND)
            snapshot, is_whole = await self._ask_for_everything(adapter)
            await self._empty(inbox)
            if not is_whole:
                raise BrokerDisconnectedError("the gateway lost the broker meanwhile")
            return await comparing.snapshot(snapshot)

    async def _one_session(self) -> None:
        inbox = Inbox()
        self._outage = None
        self._is_settled = False
        self._is_throttled = False
        adapter = self._make_adapter(inbox)
        await self._show(ConnectionState.CONNECTING)
        try:
            opened = await adapter.connect()
            await self._store.raise_next_order_id(opened.next_order_id)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch_connection(adapter, inbox))
                group.create_task(self._probe(adapter))
                await self._synchronize(adapter, inbox, is_first=True)
                self._session = (adapter, inbox)
                group.create_task(self._carry_out(adapter))
                group.create_task(self._carry_in(inbox))
                group.create_task(self._carry_values(inbox))
                group.create_task(self._sweep(adapter, inbox))
                group.create_task(self._release_due())
                group.create_task(self._keep_windows(adapter, inbox))
        finally:
            self._is_gate_open = False
            self._session = None
            await adapter.close()
            await self._keep_rest(inbox)

    async def _synchronize(self, adapter: BrokerAdapter, inbox: Inbox, *, is_first: bool = False) -> None:
        self._is_gate_open = False
        self._sweeps.forget()
        await self._show(ConnectionState.SYNCHRONIZING)
        # What comes of itself meanwhile waits in the inbox: the snapshot is applied before it, and after what is older.
        async with self._applying:
            await self._empty(inbox)
            comparing = self._comparing(Occasion.CONNECT if is_first else Occasion.RECONNECT)
            snapshot, is_whole = await self._ask_for_everything(adapter)
            again = await self._settled(snapshot) if is_whole else ()
            await self._empty(inbox)
            if is_whole:
                await comparing.snapshot(snapshot)
        for command in again:
            adapter.send(command)
        self._attempts = 0
        self._down_since = None
        if self._restarts.covers(self._clock.now()):
            await self._show(ConnectionState.DEGRADED, error=_RESTARTING)
        elif self._outage is not None:
            await self._show(ConnectionState.DEGRADED, error=self._outage)
        elif is_whole:
            self._is_gate_open = True
            await self._show(ConnectionState.CONNECTED)

    async def _settled(self, snapshot: Snapshot) -> Sequence[LaneCommand]:
        told = None if self._is_settled else snapshot.reports
        self._is_settled = True
        return await self._store.unsettled(told)

    async def _ask_for_everything(self, adapter: BrokerAdapter) -> tuple[Snapshot, bool]:
        # Real world: a gateway that is cut off from the broker may leave out what it has not; the next one settles.
        outages = self._outages
        snapshot = await adapter.synchronize()
        if not snapshot.is_complete:
            raise BrokerTimedOutError(f"the broker did not finish telling: {', '.join(snapshot.missing)}")
        await self._apply_again(snapshot.reports)
        await self._store.save_values(snapshot.values)
        return snapshot, self._outage is None and outages == self._outages

    async def _sweep_positions(self, adapter: BrokerAdapter, inbox: Inbox) -> None:
        async with self._applying:
            await self._empty(inbox)
            comparing = self._comparing(Occasion.SWEEP)
            if self._sweeps.unconfirmed:
                # Real world: the fills of another client, or by hand, are told only to who asks for them.
                await self._apply_again((await adapter.sweep(is_full=True)).reports)
            told = await adapter.positions()
            # What came until here is booked before the comparison, and its contracts are left for the next look.
            await self._empty(inbox)
            if self._is_gate_open:
                await comparing.positions(told)

    async def _carry_out(self, adapter: BrokerAdapter) -> None:
        while True:
            self._wake.clear()
            limit = 0 if self._is_throttled else min(BATCH_MAX, adapter.capacity())
            # Nothing is claimed that could not be written at once: what waits here could no longer be halted.
            async with self._sending:
                commands = [] if self._is_throttled else await self._store.claim(limit)
                for command in commands:
                    adapter.send(command)
            if not limit:
                # Cancels alone were looked for: each new order wakes, and is not to cause a look of its own.
                await asyncio.sleep(self._intervals.full_s)
            if len(commands) < limit or not limit:
                await self._woken()

    async def _woken(self) -> None:
        try:
            async with asyncio.timeout(self._intervals.poll_s):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _carry_in(self, inbox: Inbox) -> None:
        while True:
            await inbox.arrival()
            # A fill comes with its acknowledgement, statuses and commission: one transaction for what belongs together.
            if inbox.waiting < BATCH_MAX:
                await asyncio.sleep(self._intervals.linger_s)
            async with self._applying:
                await self._apply(inbox.take_reports(BATCH_MAX))

    async def _empty(self, inbox: Inbox) -> None:
        while inbox.waiting:
            await self._apply(inbox.take_reports(BATCH_MAX))

    async def _apply(self, reports: Sequence[BrokerReport]) -> None:
        await self._store.apply(reports)
        self._sweeps.heard(reports, _monotonic())

    async def _apply_again(self, reports: Sequence[BrokerReport]) -> None:
        # What is told because it was asked for is mostly known.
        settling = timedelta(seconds=self._intervals.settle_s)
        for start in range(0, len(reports), BATCH_MAX):
            told = reports[start : start + BATCH_MAX]
            await self._store.apply(told)
            self._sweeps.heard(told, _monotonic(), dealt_after=self._clock.now() - settling)

    def _comparing(self, occasion: Occasion) -> Comparing:
        since = _monotonic() - self._intervals.settle_s
        return Comparing(self._store.reconcile, self._sweeps, self._clock, occasion, in_flight_since=since)

    async def _sweep(self, adapter: BrokerAdapter, inbox: Inbox) -> None:
        round_at = unknown_at = positions_at = _monotonic()
        while True:
            await asyncio.sleep(self._intervals.doubt_s)
            if not self._is_gate_open:
                continue
            now = _monotonic()
            if now - unknown_at >= self._intervals.unknown_s:
                unknown_at = now
                self._sweeps.unknown.clear()
            is_round = now - round_at >= self._intervals.open_orders_s
            if is_round:
                round_at = now
            await self._sweep_once(adapter, inbox, is_round=is_round)
            if now - positions_at >= self._intervals.positions_s or self._sweeps.unconfirmed:
                positions_at = now
                await self._sweep_positions(adapter, inbox)

    async def _sweep_once(self, adapter: BrokerAdapter, inbox: Inbox, *, is_round: bool) -> None:
        sweeps = self._sweeps
        async with self._sending:
            # Whatever was claimed is in the adapter's hands before it is looked for.
            watched = await self._store.at_broker(only_in_doubt=not is_round and not sweeps.missed)
        doubted = {order.id for order in watched if order.in_doubt or order.id in sweeps.missed} - sweeps.unknown
        asks = is_round and sweeps.asks_for_commissions(_monotonic(), self._intervals.commission_s)
        is_full = bool(doubted) or asks
        # Where we have no order at work others may: by hand, or by another client.
        if not is_full and not is_round:
            return
        async with self._applying:
            # An order that waits for the pace is written after the question: its absence says nothing.
            await self._empty(inbox)
            is_clean = adapter.unwritten() == 0 and self._is_gate_open
            told = await adapter.sweep(is_full=is_full)
            await self._apply_again(told.reports)
            is_clean = is_clean and self._is_gate_open
            working = [one for one in told.open_orders if one.status in _AT_WORK]
            missing = untold(watched, working)
            sweeps.found(watched, missing)
            if not is_clean:
                sweeps.forget()
            elif not is_full:
                sweeps.suspect(missing)
            else:
                await self._conclude(missing, inbox)

    async def _conclude(self, missing: Sequence[Order], inbox: Inbox) -> None:
        gone = {order.id for order in missing} - self._sweeps.unknown
        if not gone:
            self._sweeps.conclude([], self._clock.now())
            return
        # What the sweep told, and what came beside it, may have ended some of them.
        await self._empty(inbox)
        left = await self._store.at_broker(only_in_doubt=False)
        decided = self._sweeps.conclude([order for order in left if order.id in gone], self._clock.now())
        if decided:
            names = ", ".join(str(report.address.order_id) for report in decided)
            log.error("%s: the broker does not know %s", self._account.account_number, names)
            await self._store.apply(decided)

    async def _keep_rest(self, inbox: Inbox) -> None:
        # The broker told these before the session ended; the next snapshot would tell most of them again.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._intervals.rest_s), self._applying:
                while inbox.waiting:
                    await self._store.apply(inbox.take_reports(BATCH_MAX))

    async def _carry_values(self, inbox: Inbox) -> None:
        while True:
            await asyncio.sleep(self._intervals.values_s)
            values = inbox.take_values()
            if values is not None:
                await self._store.save_values(values)

    async def _release_due(self) -> None:
        while True:
            if self._is_gate_open:
                await self._store.release_due()
            await asyncio.sleep(self._intervals.release_s)

    async def _keep_windows(self, adapter: BrokerAdapter, inbox: Inbox) -> None:
        was_inside = self._restarts.covers(self._clock.now())
        while True:
            is_inside = self._restarts.covers(self._clock.now())
            if is_inside and not was_inside:
                self._is_gate_open = False
                await self._show(ConnectionState.DEGRADED, error=_RESTARTING)
            elif was_inside and not is_inside:
                await self._synchronize(adapter, inbox)
            was_inside = is_inside
            await asyncio.sleep(self._intervals.window_s)

    def _alarm(self) -> None:
        now = self._clock.now()
        if self._down_since is None or self._restarts.covers(now):
            self._down_since = now
            return
        down_s = (now - self._down_since).total_seconds()
        if down_s >= self._intervals.alarm_s:
            log.error("%s is not connected for %.0f s, and no restart is due", self._account.account_number, down_s)

    async def _probe(self, adapter: BrokerAdapter) -> None:
        while True:
            await self._store.beat(await adapter.probe())
            await asyncio.sleep(self._intervals.probe_s)

    async def _watch_connection(self, adapter: BrokerAdapter, inbox: Inbox) -> None:
        while True:
            change = await inbox.next_change()
            match change.event:
                case ConnectionEvent.LOST:
                    raise BrokerDisconnectedError(change.detail)
                case ConnectionEvent.UPSTREAM_LOST:
                    self._outages += 1
                    self._outage = _words(change)
                    self._is_gate_open = False
                    await self._show(ConnectionState.DEGRADED, error=self._outage)
                case ConnectionEvent.UPSTREAM_RESTORED | ConnectionEvent.UPSTREAM_RESET:
                    self._outage = None
                    await self._synchronize(adapter, inbox)
                case ConnectionEvent.UNREADABLE:
                    log.warning("%s: %s", self._account.account_number, _words(change))
                    await asyncio.sleep(self._intervals.unreadable_s)
                    await self._synchronize(adapter, inbox)
                case ConnectionEvent.THROTTLED:
                    log.error("%s: %s", self._account.account_number, _words(change))
                    self._is_throttled = True
                    await asyncio.sleep(self._intervals.throttled_s)
                    self._is_throttled = False
                case ConnectionEvent.FEED_DOWN:
                    # A farm's flap is about quotes: the order path stays as it is.
                    log.warning("%s: %s", self._account.account_number, _words(change))
                case ConnectionEvent.FEED_UP:
                    log.debug("%s: %s", self._account.account_number, _words(change))

    async def _show(self, state: ConnectionState, *, error: str | None = None) -> None:
        status = ConnectionStatus(
            state=state,
            is_gate_open=self._is_gate_open,
            reconnect_attempts=self._attempts,
            last_error=error,
        )
        if self._shown is None or self._shown.state is not state or self._shown.last_error != error:
            log.info(
                "%s at %s:%d is %s%s",
                self._account.account_number,
                self._account.host,
                self._account.port,
                state.value,
                f" ({error})" if error else "",
            )
        self._shown = status
        await self._store.show(status)


_RESTARTING = "BROKER_RESTARTING: the gateway is about to restart or restarts; new orders wait"
_AT_WORK = frozenset({WorkingStatus.PENDING, WorkingStatus.WORKING})


def _monotonic() -> float:
    return asyncio.get_running_loop().time()


def _words(change: ConnectionChange) -> str:
    return f"{change.broker_code} {change.detail}" if change.broker_code else change.detail


async def end_of(session: Coroutine[Any, Any, None]) -> OmsError:
    """Run a session to its end: the error that ended it. Other errors than ours are raised as they are.

    The session has a task of its own, because a task group that fails in the moment of its cancellation tells only
    the failure: whoever tries again after failures would then go on for ever.
    """
    task = asyncio.create_task(session)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
    error: OmsError | None = None
    try:
        task.result()
    except* OmsError as group:
        error = _first(group)
    assert error is not None, "a session ends with an error"
    return error


def _first(group: BaseExceptionGroup[OmsError]) -> OmsError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, OmsError)
    return error
