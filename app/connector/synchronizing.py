"""Synchronisation: the broker is asked for everything, and the gate opens once the books hold it."""

from collections.abc import Sequence

from app.brokers.errors import BrokerTimedOutError
from app.brokers.port import BrokerAdapter, Snapshot
from app.brokers.reconciling import Occasion, Reconciled
from app.connector.freshness import fresh
from app.connector.gate import Gate
from app.connector.inbox import Inbox
from app.connector.intake import Intake, monotonic
from app.connector.port import Store
from app.connector.sweeps import Sweeps
from app.core.ids import OrderId
from app.core.messages import LaneCommand


class Synchronizer:
    """Brings the books up to the broker's word within one session."""

    def __init__(
        self, *, adapter: BrokerAdapter, inbox: Inbox, store: Store, gate: Gate, intake: Intake, sweeps: Sweeps
    ) -> None:
        self._adapter = adapter
        self._inbox = inbox
        self._store = store
        self._gate = gate
        self._intake = intake
        self._sweeps = sweeps
        self._is_settled = False
        self.written_again: set[OrderId] = set()
        """The orders whose commands a synchronisation of this session has written again: the broker may have them."""

    async def synchronize(self, occasion: Occasion) -> None:
        """Shut the gate, ask for everything, store it, write again what is owed, and open the gate if it may be.

        Raises BrokerTimedOutError when the broker did not finish telling.
        """
        self._sweeps.forget()
        await self._gate.show_synchronizing()
        # What comes of itself meanwhile waits in the inbox: the snapshot is applied before it, and after what is older.
        async with self._intake.lock:
            await self._intake.empty(self._inbox)
            comparing = self._intake.comparing(occasion)
            snapshot, is_whole = await self._ask_for_everything()
            again = await self._settled(snapshot) if is_whole else ()
            await self._intake.empty(self._inbox)
            if is_whole:
                await comparing.snapshot(snapshot)
        self.written_again |= {command.order_id for command in again}
        for command in await fresh(self._store, again, float("-inf"), monotonic, may_have_left=True):
            self._adapter.send(command)
        await self._gate.show_synchronized(is_whole=is_whole)

    async def reconcile(self) -> Reconciled | None:
        """Ask for everything and compare it with the books; trading goes on meanwhile.

        None, and nothing is compared, when the gateway lost the broker meanwhile. A failure ends the session: what was
        taken in and not stored, or comes too late, is told by the next one. Raises BrokerTimedOutError.
        """
        async with self._intake.lock:
            await self._intake.empty(self._inbox)
            comparing = self._intake.comparing(Occasion.DEMAND)
            snapshot, is_whole = await self._ask_for_everything()
            await self._intake.empty(self._inbox)
            return await comparing.snapshot(snapshot) if is_whole else None

    async def _settled(self, snapshot: Snapshot) -> Sequence[LaneCommand]:
        told = None if self._is_settled else snapshot.reports
        self._is_settled = True
        return await self._store.unsettled(told)

    async def _ask_for_everything(self) -> tuple[Snapshot, bool]:
        # Real world: a gateway that is cut off from the broker may leave out what it has not; the next one settles.
        outages = self._gate.outages
        snapshot = await self._adapter.synchronize()
        if not snapshot.is_complete:
            raise BrokerTimedOutError(f"the broker did not finish telling: {', '.join(snapshot.missing)}")
        await self._intake.apply_again(snapshot.reports)
        await self._store.save_values(snapshot.values)
        return snapshot, self._gate.was_whole(outages)
