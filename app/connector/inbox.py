"""Where a broker adapter puts what it hears, until the connector has time for it."""

import asyncio
import logging
from collections import deque

from app.brokers.port import ConnectionChange, ConnectionEvent, LineChange, told_after
from app.core.ids import InstrumentId
from app.core.messages import AccountValues, BrokerPosition, BrokerReport

log = logging.getLogger(__name__)

BACKLOG_ALARM = 50_000


class Inbox:
    """A BrokerSink: reports in their order, of figures and positions only the newest.

    Facts from a broker are never refused, so the queue has no bound; a backlog is alarmed.
    """

    def __init__(self) -> None:
        self._reports: deque[BrokerReport] = deque()
        self._arrived = asyncio.Event()
        self._alarm_at = BACKLOG_ALARM
        self._changes: asyncio.Queue[ConnectionChange] = asyncio.Queue()
        self._is_unreadable_waiting = False
        self._values: AccountValues | None = None
        self._positions: dict[int, BrokerPosition] = {}
        self._lines: dict[InstrumentId, LineChange] = {}

    def reported(self, report: BrokerReport) -> None:
        """The broker reported on an order."""
        self._reports.append(report)
        self._arrived.set()
        if len(self._reports) >= self._alarm_at:
            log.error("%d reports of the broker wait to be stored", len(self._reports))
            self._alarm_at *= 2

    def changed(self, change: ConnectionChange) -> None:
        """The way to the broker changed. Of unreadable messages one is enough to ask for everything again."""
        is_unreadable = change.event is ConnectionEvent.UNREADABLE
        if is_unreadable and self._is_unreadable_waiting:
            return
        self._is_unreadable_waiting = self._is_unreadable_waiting or is_unreadable
        self._changes.put_nowait(change)

    def valued(self, values: AccountValues) -> None:
        """The broker told the account's figures."""
        self._values = values

    def held(self, position: BrokerPosition) -> None:
        """The broker told a position."""
        self._positions[position.contract_id] = position

    def lined(self, change: LineChange) -> None:
        """A market data line changed its state: of each line the newest counts, with the reason told before it."""
        instrument_id = change.contract.instrument_id
        self._lines[instrument_id] = told_after(self._lines.get(instrument_id), change)
        if change.broker_code is not None:
            log.warning(
                "market data of %s is %s: %s %s",
                change.contract.symbol,
                change.state.value,
                change.broker_code,
                change.detail,
            )

    @property
    def waiting(self) -> int:
        """How many reports wait."""
        return len(self._reports)

    async def arrival(self) -> None:
        """Wait until at least one report is here."""
        await self._arrived.wait()

    def take_reports(self, limit: int) -> list[BrokerReport]:
        """The oldest reports, at most `limit`."""
        taken = [self._reports.popleft() for _ in range(min(limit, len(self._reports)))]
        if not self._reports:
            self._arrived.clear()
            self._alarm_at = BACKLOG_ALARM
        return taken

    async def next_change(self) -> ConnectionChange:
        """Wait for the next change of the way to the broker."""
        change = await self._changes.get()
        if change.event is ConnectionEvent.UNREADABLE:
            self._is_unreadable_waiting = False
        return change

    def take_values(self) -> AccountValues | None:
        """The newest figures, when there are any that were not taken yet."""
        values, self._values = self._values, None
        return values

    def take_positions(self) -> list[BrokerPosition]:
        """The newest positions that were not taken yet."""
        positions = list(self._positions.values())
        self._positions.clear()
        return positions

    def take_lines(self) -> list[LineChange]:
        """The newest states of lines that were not taken yet."""
        lines = list(self._lines.values())
        self._lines.clear()
        return lines
