"""The gate: how far an account's connection has come, and whether new orders may leave."""

import logging
from datetime import datetime

from app.brokers.domain import BrokerAccount, ConnectionStatus
from app.brokers.port import ConnectionChange
from app.connector.port import Store
from app.connector.restarts import RestartWindows
from app.core.clock import Clock
from app.core.errors import OmsError
from app.core.fix import ConnectionState

log = logging.getLogger(__name__)

_RESTARTING = "BROKER_RESTARTING: the gateway is about to restart or restarts; new orders wait"


class Gate:
    """Shut until the broker and the books agree, and shown at every turn. It outlives the account's sessions.

    `attempts` counts the tries to connect since the connection was last synchronised.
    """

    def __init__(
        self, account: BrokerAccount, store: Store, clock: Clock, restarts: RestartWindows, *, alarm_s: float
    ) -> None:
        self._account = account
        self._store = store
        self._clock = clock
        self._restarts = restarts
        self._alarm_s = alarm_s
        self._is_open = False
        self._outage: str | None = None
        self._outages = 0
        self._down_since: datetime | None = None
        self._shown: ConnectionStatus | None = None
        self.attempts = 0
        self.is_shut_for_restart = False
        """A synchronisation, or the window itself, shut the gate because of a restart: the next one opens it again."""

    @property
    def is_open(self) -> bool:
        """True while new orders may leave."""
        return self._is_open

    @property
    def is_restarting(self) -> bool:
        """True while a restart of the gateway is due."""
        return self._restarts.covers(self._clock.now())

    @property
    def outages(self) -> int:
        """How often the gateway has lost the broker."""
        return self._outages

    def was_whole(self, outages: int) -> bool:
        """True when the gateway has the broker, and lost it not once since it had so many outages."""
        return self._outage is None and outages == self._outages

    def shut(self) -> None:
        """Let no new orders leave, before that can be shown."""
        self._is_open = False

    async def show_connecting(self) -> None:
        """A session begins: of outages nothing is known."""
        self._outage = None
        await self._show(ConnectionState.CONNECTING)

    async def show_synchronizing(self) -> None:
        """The broker is asked for everything; the gate is shut until it has told."""
        self._is_open = False
        await self._show(ConnectionState.SYNCHRONIZING)

    async def show_synchronized(self, *, is_whole: bool) -> None:
        """The broker told everything: the gate opens unless a restart, an outage or a part left out forbids it."""
        self.attempts = 0
        self._down_since = None
        self.is_shut_for_restart = self.is_restarting
        if self.is_shut_for_restart:
            await self._show(ConnectionState.DEGRADED, error=_RESTARTING)
        elif self._outage is not None:
            await self._show(ConnectionState.DEGRADED, error=self._outage)
        elif is_whole:
            self._is_open = True
            await self._show(ConnectionState.CONNECTED)

    async def show_restarting(self) -> None:
        """A restart of the gateway is due: the gate is shut until it is over."""
        self.is_shut_for_restart = True
        self._is_open = False
        await self._show(ConnectionState.DEGRADED, error=_RESTARTING)

    async def show_outage(self, change: ConnectionChange) -> None:
        """The gateway lost the broker: the gate is shut."""
        self._outages += 1
        self._outage = words_of(change)
        self._is_open = False
        await self._show(ConnectionState.DEGRADED, error=self._outage)

    def end_outage(self) -> None:
        """The gateway has the broker again; the gate opens with the next synchronisation."""
        self._outage = None

    async def show_backing_off(self, error: OmsError) -> None:
        """A session ended with this error; alarmed when the account is down for long."""
        self._is_open = False
        self.attempts += 1
        await self._show(ConnectionState.BACKING_OFF, error=f"{error.code}: {error.message}")
        self._alarm()

    def _alarm(self) -> None:
        now = self._clock.now()
        if self._down_since is None or self._restarts.covers(now):
            self._down_since = now
            return
        down_s = (now - self._down_since).total_seconds()
        if down_s >= self._alarm_s:
            log.error("%s is not connected for %.0f s, and no restart is due", self._account.account_number, down_s)

    async def _show(self, state: ConnectionState, *, error: str | None = None) -> None:
        status = ConnectionStatus(
            state=state,
            is_gate_open=self._is_open,
            reconnect_attempts=self.attempts,
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


def words_of(change: ConnectionChange) -> str:
    """What the broker said of a change of the way to it."""
    return f"{change.broker_code} {change.detail}" if change.broker_code else change.detail
