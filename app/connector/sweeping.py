"""Sweeping: the broker is asked again, now and then, for orders that it should know and positions it should hold."""

import asyncio
import logging
from collections.abc import Sequence

from app.brokers.port import BrokerAdapter
from app.brokers.reconciling import Occasion
from app.connector.gate import Gate
from app.connector.inbox import Inbox
from app.connector.intake import Intake, monotonic
from app.connector.intervals import Intervals
from app.connector.port import Store
from app.connector.sweeps import Sweeps
from app.core.clock import Clock
from app.core.messages import WorkingStatus
from app.orders.domain.claiming import untold
from app.orders.domain.order import Order

log = logging.getLogger(__name__)

_AT_WORK = frozenset({WorkingStatus.PENDING, WorkingStatus.WORKING})


class Sweeper:
    """Sweeps within one session, while the gate is open. Who sends commands holds `sending` meanwhile."""

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
        sending: asyncio.Lock,
        clock: Clock,
        intervals: Intervals,
    ) -> None:
        self._account_number = account_number
        self._adapter = adapter
        self._inbox = inbox
        self._store = store
        self._gate = gate
        self._intake = intake
        self._sweeps = sweeps
        self._sending = sending
        self._clock = clock
        self._intervals = intervals

    async def run(self) -> None:
        """Sweep at the intervals, until cancelled."""
        round_at = unknown_at = positions_at = monotonic()
        while True:
            await asyncio.sleep(self._intervals.doubt_s)
            if not self._gate.is_open:
                continue
            now = monotonic()
            if now - unknown_at >= self._intervals.unknown_s:
                unknown_at = now
                self._sweeps.unknown.clear()
            is_round = now - round_at >= self._intervals.open_orders_s
            if is_round:
                round_at = now
            await self._sweep_orders(is_round=is_round)
            if now - positions_at >= self._intervals.positions_s or self._sweeps.unconfirmed:
                positions_at = now
                await self._sweep_positions()

    async def _sweep_orders(self, *, is_round: bool) -> None:
        sweeps = self._sweeps
        async with self._sending:
            # Whatever was claimed is in the adapter's hands before it is looked for.
            watched = await self._store.at_broker(only_in_doubt=not is_round and not sweeps.missed)
        doubted = {order.id for order in watched if order.in_doubt or order.id in sweeps.missed} - sweeps.unknown
        asks = is_round and sweeps.asks_for_commissions(monotonic(), self._intervals.commission_s)
        is_full = bool(doubted) or asks
        # Where we have no order at work others may: by hand, or by another client.
        if not is_full and not is_round:
            return
        async with self._intake.lock:
            # An order that waits for the pace is written after the question: its absence says nothing.
            await self._intake.empty(self._inbox)
            is_clean = self._adapter.unwritten() == 0 and self._gate.is_open
            told = await self._adapter.sweep(is_full=is_full)
            await self._intake.apply_again(told.reports)
            is_clean = is_clean and self._gate.is_open
            working = [one for one in told.open_orders if one.status in _AT_WORK]
            missing = untold(watched, working)
            sweeps.found(watched, missing)
            if not is_clean:
                sweeps.forget()
            elif not is_full:
                sweeps.suspect(missing)
            else:
                await self._conclude(missing)

    async def _conclude(self, missing: Sequence[Order]) -> None:
        gone = {order.id for order in missing} - self._sweeps.unknown
        if not gone:
            self._sweeps.conclude([], self._clock.now())
            return
        # What the sweep told, and what came beside it, may have ended some of them.
        await self._intake.empty(self._inbox)
        left = await self._store.at_broker(only_in_doubt=False)
        decided = self._sweeps.conclude([order for order in left if order.id in gone], self._clock.now())
        if decided:
            names = ", ".join(str(report.address.order_id) for report in decided)
            log.error("%s: the broker does not know %s", self._account_number, names)
            await self._store.apply(decided)

    async def _sweep_positions(self) -> None:
        async with self._intake.lock:
            await self._intake.empty(self._inbox)
            comparing = self._intake.comparing(Occasion.SWEEP)
            if self._sweeps.unconfirmed:
                # Real world: the fills of another client, or by hand, are told only to who asks for them.
                await self._intake.apply_again((await self._adapter.sweep(is_full=True)).reports)
            told = await self._adapter.positions()
            # What came until here is booked before the comparison, and its contracts are left for the next look.
            await self._intake.empty(self._inbox)
            if self._gate.is_open:
                await comparing.positions(told)
