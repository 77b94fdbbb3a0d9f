"""One session of an account: from the connection to its loss, commands carried out and reports carried in."""

import asyncio
import logging

from app.brokers.errors import BrokerDisconnectedError
from app.brokers.port import BrokerAdapter, ConnectionEvent
from app.brokers.reconciling import Occasion, Reconciled
from app.connector.freshness import FRESH_S, fresh
from app.connector.gate import Gate, words_of
from app.connector.inbox import Inbox
from app.connector.intake import Intake, monotonic
from app.connector.intervals import Intervals
from app.connector.port import Store
from app.connector.sweeping import Sweeper
from app.connector.sweeps import Sweeps
from app.connector.synchronizing import Synchronizer
from app.core.clock import Clock
from app.core.errors import OmsError

log = logging.getLogger(__name__)

COMMANDS_MAX = 256
"""How many commands are claimed at once."""


class AccountSession:
    """What is done beside each other while an account is connected."""

    def __init__(
        self,
        *,
        account_number: str,
        adapter: BrokerAdapter,
        inbox: Inbox,
        store: Store,
        gate: Gate,
        intake: Intake,
        sweeps: Sweeps,
        wake: asyncio.Event,
        clock: Clock,
        intervals: Intervals,
    ) -> None:
        self._account_number = account_number
        self._adapter = adapter
        self._inbox = inbox
        self._store = store
        self._gate = gate
        self._intake = intake
        self._wake = wake
        self._sweeps = sweeps
        self._intervals = intervals
        self._is_throttled = False
        self._is_working = False
        self._sending = asyncio.Lock()
        self._demands: asyncio.Queue[asyncio.Future[Reconciled]] = asyncio.Queue()
        self._demanded: asyncio.Future[Reconciled] | None = None
        self._synchronizer = Synchronizer(
            adapter=adapter, inbox=inbox, store=store, gate=gate, intake=intake, sweeps=sweeps
        )
        self._sweeper = Sweeper(
            account_number=account_number,
            adapter=adapter,
            inbox=inbox,
            store=store,
            gate=gate,
            intake=intake,
            sweeps=sweeps,
            sending=self._sending,
            clock=clock,
            intervals=intervals,
        )

    async def run(self) -> None:
        """Connect, synchronise and work until something ends it: it ends with an error alone."""
        try:
            await self._work()
        finally:
            self._is_working = False
            self._end_demands()

    async def reconcile(self) -> Reconciled:
        """Ask the broker for everything and compare it with the books now; trading goes on meanwhile.

        The session does it, and goes on when nobody waits any more. Raises BrokerDisconnectedError while the account
        is not synchronised and when the session ends, and what ends it: BrokerTimedOutError, UnavailableError.
        """
        if not self._is_working or not self._gate.is_open:
            raise BrokerDisconnectedError("the account is not connected and synchronised")
        demand: asyncio.Future[Reconciled] = asyncio.get_running_loop().create_future()
        self._demands.put_nowait(demand)
        return await demand

    async def _work(self) -> None:
        opened = await self._adapter.connect()
        await self._store.raise_next_order_id(opened.next_order_id)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_connection())
            group.create_task(self._probe())
            await self._synchronizer.synchronize(Occasion.CONNECT)
            self._is_working = True
            group.create_task(self._carry_out())
            group.create_task(self._take_back())
            group.create_task(self._intake.carry_in(self._inbox))
            group.create_task(self._carry_values())
            group.create_task(self._sweeper.run())
            group.create_task(self._release_due())
            group.create_task(self._keep_windows())
            group.create_task(self._reconcile_on_demand())

    async def _reconcile_on_demand(self) -> None:
        while True:
            demand = self._demanded = await self._demands.get()
            if demand.done():
                continue
            try:
                done = await self._synchronizer.reconcile()
            except OmsError as error:
                _tell(demand, error)
                raise
            _tell(demand, done or BrokerDisconnectedError("the gateway lost the broker meanwhile"))

    def _end_demands(self) -> None:
        ended = BrokerDisconnectedError("the session with the gateway ended")
        if self._demanded is not None:
            _tell(self._demanded, ended)
        while not self._demands.empty():
            _tell(self._demands.get_nowait(), ended)

    async def _carry_out(self) -> None:
        while True:
            self._wake.clear()
            limit = 0 if self._is_throttled else min(COMMANDS_MAX, self._adapter.capacity())
            # Nothing is claimed that could not be written at once: what waits here could no longer be halted.
            async with self._sending:
                looked_at = monotonic()
                claimed = [] if self._is_throttled else await self._store.claim(limit)
                for command in await fresh(self._store, claimed, looked_at, monotonic):
                    self._adapter.send(command)
            if not limit:
                # Cancels alone were looked for: each new order wakes, and is not to cause a look of its own.
                await asyncio.sleep(self._intervals.full_s)
            if len(claimed) < limit or not limit:
                await self._woken()

    async def _take_back(self) -> None:
        # Real world: accounts that share a gateway share its pace, and what is written again after a reconnect has no
        # room of its own: it waits, and is to be looked at again like what waits in the lane.
        while True:
            await asyncio.sleep(FRESH_S / 2)
            async with self._sending:
                again = self._synchronizer.written_again
                held = self._adapter.take_back(FRESH_S / 2)
                if held:
                    # Nor is it at the broker meanwhile: what a sweep misses of it says nothing.
                    self._sweeps.forget()
                old = [one for one in held if one.order_id in again]
                new = [one for one in held if one.order_id not in again]
                for command in (
                    *await fresh(self._store, old, float("-inf"), monotonic, may_have_left=True),
                    *await fresh(self._store, new, float("-inf"), monotonic),
                ):
                    self._adapter.send(command)

    async def _woken(self) -> None:
        try:
            async with asyncio.timeout(self._intervals.poll_s):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _carry_values(self) -> None:
        while True:
            await asyncio.sleep(self._intervals.values_s)
            values = self._inbox.take_values()
            if values is not None:
                await self._store.save_values(values)

    async def _release_due(self) -> None:
        while True:
            if self._gate.is_open:
                await self._store.release_due()
            await asyncio.sleep(self._intervals.release_s)

    async def _keep_windows(self) -> None:
        while True:
            if self._gate.is_restarting and not self._gate.is_shut_for_restart:
                await self._gate.show_restarting()
            elif self._gate.is_shut_for_restart and not self._gate.is_restarting:
                await self._synchronizer.synchronize(Occasion.RECONNECT)
            await asyncio.sleep(self._intervals.window_s)

    async def _probe(self) -> None:
        while True:
            await self._store.beat(await self._adapter.probe())
            await asyncio.sleep(self._intervals.probe_s)

    async def _watch_connection(self) -> None:
        while True:
            change = await self._inbox.next_change()
            match change.event:
                case ConnectionEvent.LOST:
                    raise BrokerDisconnectedError(change.detail)
                case ConnectionEvent.UPSTREAM_LOST:
                    await self._gate.show_outage(change)
                case ConnectionEvent.UPSTREAM_RESTORED | ConnectionEvent.UPSTREAM_RESET:
                    self._gate.end_outage()
                    await self._synchronizer.synchronize(Occasion.RECONNECT)
                case ConnectionEvent.UNREADABLE:
                    log.warning("%s: %s", self._account_number, words_of(change))
                    await asyncio.sleep(self._intervals.unreadable_s)
                    await self._synchronizer.synchronize(Occasion.RECONNECT)
                case ConnectionEvent.THROTTLED:
                    log.error("%s: %s", self._account_number, words_of(change))
                    self._is_throttled = True
                    await asyncio.sleep(self._intervals.throttled_s)
                    self._is_throttled = False
                case ConnectionEvent.FEED_DOWN:
                    # A farm's flap is about quotes: the order path stays as it is.
                    log.warning("%s: %s", self._account_number, words_of(change))
                case ConnectionEvent.FEED_UP:
                    log.debug("%s: %s", self._account_number, words_of(change))


def _tell(demand: asyncio.Future[Reconciled], done: Reconciled | OmsError) -> None:
    # Whoever asked may have gone.
    if demand.done():
        return
    if isinstance(done, OmsError):
        demand.set_exception(done)
    else:
        demand.set_result(done)
