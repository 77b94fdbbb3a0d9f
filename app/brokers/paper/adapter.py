"""The broker port towards the paper broker: commands and quotes in one order, stored before anything is told."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Sequence

from app.brokers.errors import (
    BrokerDisconnectedError,
    BrokerTimedOutError,
    InquiryRefusedError,
    WhatIfRefusedError,
)
from app.brokers.paper.ledger import PaperLedger, PaperQuotes
from app.brokers.paper.orders import PaperOrder, PaperStatus
from app.brokers.paper.rules import PaperTerms, Refusal
from app.brokers.paper.venue import PaperVenue
from app.brokers.port import BrokerSink, ConnectionChange, ConnectionEvent, SessionOpened, Snapshot, Sweep
from app.brokers.questions import Answer, Asked
from app.brokers.what_if import WhatIf, WhatIfAnswer
from app.core.clock import Clock
from app.core.errors import OmsError
from app.core.ids import InstrumentId
from app.core.messages import (
    AccountValues,
    BrokerPosition,
    CommissionReport,
    Contract,
    ExecutionReport,
    LaneCommand,
    StatusReport,
    Tick,
)

log = logging.getLogger(__name__)

CAPACITY = 256
WINDOWS_MAX = 1_000
BEAT_S = 1.0
RATES_S = 5.0
PROBE_S = 5.0
SERVER_VERSION = 1


class PaperAdapter:
    """One account's session with the paper broker: BrokerAdapter."""

    def __init__(
        self,
        *,
        account_number: str,
        client_id: int,
        ledger: PaperLedger,
        quotes: PaperQuotes,
        sink: BrokerSink,
        clock: Clock,
        terms: PaperTerms | None = None,
        beat_s: float = BEAT_S,
    ) -> None:
        """`beat_s` is how often it looks at the time when nothing else happens."""
        self._account_number = account_number
        self._client_id = client_id
        self._ledger = ledger
        self._quotes = quotes
        self._sink = sink
        self._clock = clock
        self._terms = terms or PaperTerms()
        self._beat_s = beat_s
        self._venue: PaperVenue | None = None
        self._commands: deque[LaneCommand] = deque()
        self._waiting_since = 0.0
        self._windows: deque[list[Tick]] = deque(maxlen=WINDOWS_MAX)
        self._has_gap = False
        self._asked: set[InstrumentId] = set()
        self._wake = asyncio.Event()
        self._working = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._told: AccountValues | None = None
        self._is_open = False

    async def connect(self) -> SessionOpened:
        """Open the account's books and begin to deal.

        Raises BrokerAccountUnknownError, BrokerUnreachableError.
        """
        state = await self._ledger.open()
        venue = self._venue = PaperVenue(state, self._terms, client_id=self._client_id, now=self._clock.now())
        self._is_open = True
        self._tasks = [
            asyncio.create_task(work(), name=f"paper {self._account_number}")
            for work in (self._run, self._listen, self._renew_rates)
        ]
        return SessionOpened(
            next_order_id=venue.next_order_id, accounts=(self._account_number,), server_version=SERVER_VERSION
        )

    async def synchronize(self) -> Snapshot:
        """All that the books hold: the late executions, the orders that ended lately, the open ones.

        Raises BrokerDisconnectedError.
        """
        async with self._settled() as venue:
            finished = [venue.status_of(order) for order in _by_end(venue) if not order.is_open]
            working = [venue.status_of(order) for order in venue.orders if order.is_open]
            return Snapshot(
                reports=(*venue.dealt_reports(), *finished, *working),
                positions=venue.positions(),
                values=venue.values(),
            )

    async def sweep(self, *, is_full: bool) -> Sweep:
        """The open orders; a full sweep tells what is over as well.

        Raises BrokerDisconnectedError.
        """
        async with self._settled() as venue:
            told = [venue.status_of(order) for order in venue.orders if order.is_open]
            over = [one for one in _by_end(venue) if not one.is_open and one.status is not PaperStatus.REJECTED]
            finished = [venue.status_of(order) for order in over]
            dealt = venue.dealt_reports()
            return Sweep(
                open_orders=tuple(one for one in told if isinstance(one, StatusReport)),
                finished=tuple(one for one in finished if is_full and isinstance(one, StatusReport)),
                executions=tuple(
                    one for one in dealt if is_full and isinstance(one, ExecutionReport | CommissionReport)
                ),
            )

    async def positions(self) -> tuple[BrokerPosition, ...]:
        """All that the account holds.

        Raises BrokerDisconnectedError.
        """
        async with self._settled() as venue:
            return venue.positions()

    def unwritten(self) -> int:
        """How many commands wait for their turn."""
        return len(self._commands)

    def capacity(self) -> int:
        """How many new orders would be taken at once."""
        return max(0, CAPACITY - len(self._commands)) if self._is_open else 0

    def send(self, command: LaneCommand) -> None:
        """Take a claimed command. What comes of it is told when it is stored.

        Raises BrokerDisconnectedError when there is no session.
        """
        if not self._is_open:
            raise BrokerDisconnectedError("there is no session with the paper broker")
        if not self._commands:
            self._waiting_since = asyncio.get_running_loop().time()
        self._commands.append(command)
        self._wake.set()

    def take_back(self, older_than_s: float) -> list[LaneCommand]:
        """The commands that nothing came of yet, when the first of them waits longer than that."""
        if not self._commands or asyncio.get_running_loop().time() - self._waiting_since <= older_than_s:
            return []
        held = list(self._commands)
        self._commands.clear()
        return held

    def watch(self, contracts: Sequence[Contract]) -> None:
        """The paper broker has no quotes of its own: it deals on those of the house."""

    def take_ticks(self) -> list[Tick]:
        """Nothing: see watch."""
        return []

    async def answer(self, asked: Asked, account: str) -> Answer:
        """What an order would do; of contracts and their past the house's own broker has nothing to tell.

        Raises WhatIfRefusedError, InquiryRefusedError.
        """
        if isinstance(asked, WhatIf):
            return await self.what_if(asked, account)
        raise InquiryRefusedError("A paper account tells nothing of contracts: ask over an account at a broker.")

    async def what_if(self, asked: WhatIf, account: str) -> WhatIfAnswer:
        """What an order would do; nothing is stored.

        Raises WhatIfRefusedError, BrokerDisconnectedError.
        """
        if account != self._account_number:
            raise WhatIfRefusedError(f"321 there is no account {account} here")
        found = await self._ledger.instruments([asked.contract.instrument_id])
        instrument = found.get(asked.contract.instrument_id)
        if instrument is None:
            raise WhatIfRefusedError("200 there is no such instrument")
        async with self._settled() as venue:
            await self._look_up(venue, {instrument.id})
            answer = venue.preview(asked, instrument, self._clock.now())
        if isinstance(answer, Refusal):
            raise WhatIfRefusedError(f"{answer.code} {answer.message}")
        return answer

    async def probe(self) -> float:
        """Milliseconds until the session has done what it was told before.

        Raises BrokerTimedOutError, BrokerDisconnectedError.
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            async with asyncio.timeout(PROBE_S), self._settled():
                return max((loop.time() - begun) * 1000, 0.001)
        except TimeoutError as error:
            raise BrokerTimedOutError("the paper broker's books cannot be written") from error

    async def close(self) -> None:
        """End the session. Nothing reaches the sink afterwards, and working orders rest until the next one."""
        self._is_open = False
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def _settled(self) -> AsyncIterator[PaperVenue]:
        async with self._working:
            if not self._is_open or self._venue is None:
                raise BrokerDisconnectedError("there is no session with the paper broker")
            await self._step(self._venue)
            if not self._is_open:
                raise BrokerDisconnectedError("the session with the paper broker ended")
            yield self._venue

    async def _run(self) -> None:
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._beat_s):
                        await self._wake.wait()
                async with self._settled() as venue:
                    self._tell_values(venue)
        except OmsError as error:
            self._lose(error.message)
        except Exception:
            # The edge of a task of its own: a floor in an unknown state deals no more.
            log.exception("the paper broker of %s stopped", self._account_number)
            self._lose("the paper broker stopped unexpectedly")

    async def _step(self, venue: PaperVenue) -> None:
        self._wake.clear()
        commands = [self._commands.popleft() for _ in range(min(CAPACITY, len(self._commands)))]
        windows, has_gap = list(self._windows), self._has_gap
        self._windows.clear()
        self._has_gap = False
        if self._commands:
            self._wake.set()
        try:
            instruments = (
                await self._ledger.instruments({one.contract.instrument_id for one in commands}) if commands else {}
            )
            wanted = venue.instruments_in_use | set(instruments)
            await self._look_up(venue, wanted if has_gap else wanted - self._asked)
            now = self._clock.now()
            venue.pass_time(now)
            for window in windows:
                for tick in window:
                    if tick.instrument_id in self._asked:
                        venue.see(tick, now)
            for command in commands:
                venue.take(command, instruments.get(command.contract.instrument_id), now)
            outcome = venue.taken()
            if outcome.changes is not None:
                await self._ledger.save(outcome.changes)
        except BaseException as error:
            # What the floor did and the books do not have must never be told: the next session reads the books.
            self._lose(f"a step was not stored: {error}")
            raise
        if not self._is_open:
            return
        for report in outcome.reports:
            self._sink.reported(report)
        for position in outcome.positions:
            self._sink.held(position)

    async def _look_up(self, venue: PaperVenue, ids: set[InstrumentId]) -> None:
        if not ids:
            return
        self._asked |= ids
        ticks = await self._quotes.newest(ids)
        now = self._clock.now()
        for tick in ticks:
            venue.see(tick, now)

    async def _listen(self) -> None:
        try:
            async with self._quotes.stream() as windows:
                # What was told before the stream began is looked up once more.
                self._has_gap = True
                self._wake.set()
                async for window in windows:
                    if window is None or len(self._windows) == WINDOWS_MAX:
                        self._has_gap = True
                    if window is not None:
                        self._windows.append(window)
                    self._wake.set()
        except Exception:
            # Without quotes nothing deals; the next session tries again.
            log.exception("the quotes of the paper account %s ended", self._account_number)
            self._lose("the stream of quotes ended")

    async def _renew_rates(self) -> None:
        while True:
            await asyncio.sleep(RATES_S)
            try:
                rates = await self._ledger.rates()
            except OmsError as error:
                log.warning("exchange rates of the paper account %s: %s", self._account_number, error.message)
                continue
            if self._venue is not None:
                self._venue.take_rates(rates)

    def _tell_values(self, venue: PaperVenue) -> None:
        values = venue.values()
        if self._is_open and values != self._told:
            self._told = values
            self._sink.valued(values)

    def _lose(self, detail: str) -> None:
        if not self._is_open:
            return
        self._is_open = False
        self._sink.changed(ConnectionChange(event=ConnectionEvent.LOST, detail=detail, occurred_at=self._clock.now()))


def _by_end(venue: PaperVenue) -> list[PaperOrder]:
    return sorted(venue.orders, key=lambda order: (order.ended_at or order.placed_at, order.permanent_id))
