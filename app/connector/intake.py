"""The intake: brings what the broker tells into the store, in its order, and compares it with what is stored."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta

from app.brokers.reconciling import Occasion
from app.connector.comparing import Comparing
from app.connector.inbox import Inbox
from app.connector.intervals import Intervals
from app.connector.port import Store
from app.connector.sweeps import Sweeps
from app.core.clock import Clock
from app.core.messages import BrokerReport

REPORTS_MAX = 256
"""How many reports go into one transaction."""


class Intake:
    """Applies reports for as long as the account is run. Who applies, or asks the broker, holds `lock` meanwhile."""

    def __init__(
        self, store: Store, sweeps: Sweeps, clock: Clock, intervals: Intervals, *, is_advised: bool = False
    ) -> None:
        """is_advised where an adviser's session books shares in the account beside this one."""
        self._store = store
        self._sweeps = sweeps
        self._clock = clock
        self._intervals = intervals
        self._is_advised = is_advised
        self.lock = asyncio.Lock()

    async def carry_in(self, inbox: Inbox) -> None:
        """Apply what comes of itself, until cancelled."""
        while True:
            await inbox.arrival()
            # A fill comes with its acknowledgement, statuses and commission: one transaction for what belongs together.
            if inbox.waiting < REPORTS_MAX:
                await asyncio.sleep(self._intervals.linger_s)
            async with self.lock:
                await self._apply(inbox.take_reports(REPORTS_MAX))

    async def empty(self, inbox: Inbox) -> None:
        """Apply all that waits. The caller holds the lock."""
        while inbox.waiting:
            await self._apply(inbox.take_reports(REPORTS_MAX))

    async def apply_again(self, reports: Sequence[BrokerReport]) -> None:
        """Apply what was told because it was asked for: it is mostly known. The caller holds the lock."""
        settling = timedelta(seconds=self._intervals.settle_s)
        for start in range(0, len(reports), REPORTS_MAX):
            told = reports[start : start + REPORTS_MAX]
            await self._store.apply(told)
            self._sweeps.heard(told, monotonic(), dealt_after=self._clock.now() - settling)

    async def keep_rest(self, inbox: Inbox) -> None:
        """Apply what an ended session left, as far as time allows: the next snapshot would tell most of it again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._intervals.rest_s), self.lock:
                while inbox.waiting:
                    await self._store.apply(inbox.take_reports(REPORTS_MAX))

    def comparing(self, occasion: Occasion) -> Comparing:
        """A comparison that begins now, before the broker is asked."""
        since = monotonic() - self._intervals.settle_s
        return Comparing(
            self._store.reconcile,
            self._sweeps,
            self._clock,
            occasion,
            in_flight_since=since,
            is_advised=self._is_advised,
        )

    async def _apply(self, reports: Sequence[BrokerReport]) -> None:
        await self._store.apply(reports)
        self._sweeps.heard(reports, monotonic())


def monotonic() -> float:
    """The running loop's time in seconds."""
    return asyncio.get_running_loop().time()
