"""One account's connection, kept up: a session after the other, with a pause that grows while none succeeds."""

import asyncio
import random
from collections.abc import Callable

from app.brokers.domain import BrokerAccount, backoff_s
from app.brokers.errors import BrokerDisconnectedError, LeaseLostError
from app.brokers.port import BrokerAdapter, BrokerSink
from app.brokers.reconciling import Reconciled
from app.connector.ends import end_of
from app.connector.gate import Gate
from app.connector.inbox import Inbox
from app.connector.intake import Intake
from app.connector.intervals import Intervals
from app.connector.port import Store
from app.connector.restarts import RestartWindows
from app.connector.session import AccountSession
from app.connector.sweeps import Sweeps
from app.core.clock import Clock


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
        self._sweeps = Sweeps()
        self._gate = Gate(account, store, clock, restarts or RestartWindows(), alarm_s=self._intervals.alarm_s)
        is_advised = account.adviser_id is not None
        self._intake = Intake(store, self._sweeps, clock, self._intervals, is_advised=is_advised)
        self._session: AccountSession | None = None

    async def run(self) -> None:
        """Connect and work; whatever ends the session is logged, shown and followed by another try."""
        while True:
            error = await end_of(self._one_session())
            if isinstance(error, LeaseLostError):
                raise error
            await self._gate.show_backing_off(error)
            await asyncio.sleep(backoff_s(self._gate.attempts, random.random()))

    async def reconcile(self) -> Reconciled:
        """Ask the broker for everything and compare it with the books now; trading goes on meanwhile.

        Raises BrokerDisconnectedError while the account is not synchronised, BrokerTimedOutError.
        """
        if self._session is None:
            raise BrokerDisconnectedError("the account is not connected and synchronised")
        return await self._session.reconcile()

    async def _one_session(self) -> None:
        inbox = Inbox()
        adapter = self._make_adapter(inbox)
        await self._gate.show_connecting()
        try:
            self._session = AccountSession(
                account_number=self._account.account_number,
                adapter=adapter,
                inbox=inbox,
                store=self._store,
                gate=self._gate,
                intake=self._intake,
                sweeps=self._sweeps,
                wake=self._wake,
                clock=self._clock,
                intervals=self._intervals,
            )
            await self._session.run()
        finally:
            self._gate.shut()
            self._session = None
            await adapter.close()
            await self._intake.keep_rest(inbox)
