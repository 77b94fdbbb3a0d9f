"""The simulator's server: the socket, the market's beat, the keeping of state, and control by whoever runs it."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from decimal import Decimal

from app.core.clock import Clock
from app.core.matching import MarketState
from app.infra.system import SystemClock
from app.simulator.clock import ControlledClock
from app.simulator.config import SimulatorConfig
from app.simulator.faults import FaultEngine
from app.simulator.handlers import HANDLERS
from app.simulator.replay import RecordedTick, Replay
from app.simulator.snapshot import SavedMarket, SavedWalk, Snapshot
from app.simulator.store import SavedState, StateFile, encode_state
from app.simulator.venue import Venue

POSITIONS_INTERVAL_S = 0.05
ACCOUNTS_INTERVAL_S = 1.0
SAVE_DELAY_S = 0.25

_log = logging.getLogger(__name__)


class Simulator:
    """A running simulator. Control methods act at once, in the loop that started it."""

    def __init__(self, config: SimulatorConfig, clock: Clock | None = None) -> None:
        self._config = config
        self._clock = ControlledClock(clock or SystemClock())
        self._changed = asyncio.Event()
        self._venue = self._new_venue()
        self._replay: Replay | None = None
        self._server: asyncio.Server | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._is_market_paused = False
        # One thread, so that the last save at the stop comes after one that is still being written.
        self._file = StateFile(config.state_path) if config.state_path else None
        self._is_file_behind = False
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="simulator-state")

    @property
    def port(self) -> int:
        """The port it listens on, known after start."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def venue(self) -> Venue:
        """The orders, accounts and quotes, for whoever checks them from inside."""
        return self._venue

    @property
    def clock(self) -> ControlledClock:
        """The clock that everything here goes by."""
        return self._clock

    @property
    def faults(self) -> FaultEngine:
        """The faults at work."""
        return self._venue.faults

    @property
    def replay(self) -> Replay | None:
        """The recorded ticks that are shown in place of the walk."""
        return self._replay

    @property
    def is_market_paused(self) -> bool:
        """True while prices stand."""
        return self._is_market_paused

    async def start(self) -> None:
        """Restore what was kept, open the market and listen.

        Raises OSError when the port is taken, SimulatorStateError when the kept state cannot be read.
        """
        loop = asyncio.get_running_loop()
        state = await loop.run_in_executor(self._writer, self._file.load) if self._file else None
        self._open(state)
        # The port comes first: whoever finds it taken must leave the other's state file alone.
        server = await loop.create_server(
            lambda: self._venue.connect(), self._config.host, self._config.port, start_serving=False
        )
        try:
            if self._file:
                await self._save_whole(self._file)
            await server.start_serving()
        except BaseException:
            server.close()
            raise
        self._server = server
        beats: list[Callable[[], object]] = [self._beat_market, self._beat_positions, self._beat_accounts]
        intervals = [self._config.market_interval_ms / 1_000, POSITIONS_INTERVAL_S, ACCOUNTS_INTERVAL_S]
        self._tasks = [
            loop.create_task(self._repeat(beat, interval), name=f"simulator {beat.__name__}")
            for beat, interval in zip(beats, intervals, strict=True)
        ]
        if self._file:
            self._tasks.append(loop.create_task(self._keep_saving(self._file), name="simulator saving"))

    async def stop(self) -> None:
        """Cut all connections, stop the market and keep the state."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        self._venue.faults.clear()
        self._venue.drop_connections()
        await server.wait_closed()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._file:
            await self._save_whole(self._file)
        self._writer.shutdown()

    def drop_connections(self) -> None:
        """Cut every client's connection, as a broken network does. They may come back at once."""
        self._venue.drop_connections()

    def pause_market(self) -> None:
        """Stop the walk of prices: quotes stand until they are set."""
        self._is_market_paused = True

    def resume_market(self) -> None:
        """Let prices walk again."""
        self._is_market_paused = False

    def step_market(self) -> None:
        """Move every instrument once and let orders and lines see it, paused or not."""
        now = self._clock.now()
        self._venue.market.step(now)
        self._show(self._venue.watched)

    def set_quote(
        self,
        symbol: str,
        *,
        bid: Decimal | None,
        ask: Decimal | None,
        bid_size: Decimal = Decimal(1_000),
        ask_size: Decimal = Decimal(1_000),
        last: Decimal | None = None,
        last_size: Decimal = Decimal(100),
    ) -> None:
        """Show this quote for a symbol of the catalogue; `last` stays what it was when not given.

        It stands until the market's next step, so pause the market first. Raises KeyError for an unknown symbol.
        """
        con_id = self._venue.directory.by_symbol(symbol).entry.con_id
        old = self._venue.market.quote(con_id).state
        state = MarketState(
            bid=bid,
            bid_size=bid_size,
            ask=ask,
            ask_size=ask_size,
            last=old.last if last is None else last,
            last_size=old.last_size if last is None else last_size,
        )
        self._venue.market.show(con_id, state, self._clock.now())
        self._show([con_id, *self._venue.derived_from(con_id)])

    def start_replay(self, ticks: Sequence[RecordedTick]) -> Replay:
        """Show these ticks from now on, in their own time by the simulator's clock; the walk stands."""
        self._replay = Replay(ticks, self._clock.now())
        self._show_recorded(self._replay)
        return self._replay

    def stop_replay(self) -> None:
        """Let prices walk again, from where they stood before the replay."""
        self._replay = None

    def pause_clock(self) -> None:
        """Let time stand, and the market with it."""
        self._clock.pause()

    def step_clock(self, seconds: float) -> None:
        """Move time on at once: what comes to its time is done, and the market moves once.

        Raises ClockError.
        """
        self._clock.step(seconds)
        self._move()

    def set_clock(self, moment: datetime) -> None:
        """Move time on to this instant. Raises ClockError for one that has passed."""
        self._clock.set(moment)
        self._move()

    def snapshot(self) -> Snapshot:
        """The whole of the simulator as it is now."""
        market, exchange = self._venue.market, self._venue.exchange
        middles = market.positions_of_walks()
        walks = {con_id: SavedWalk(middle=middles[con_id], dice=dice) for con_id, dice in market.dice().items()}
        return Snapshot(
            exchange=exchange.ledger.snapshot(),
            last_execution_number=exchange.ledger.last_execution_number,
            market=SavedMarket(quotes=market.quotes(), walks=walks, is_paused=self._is_market_paused),
            clock=self._clock.state,
        )

    async def restore(self, snapshot: Snapshot) -> None:
        """Be as the simulator was that was saved: every client is cut and finds that state when it is back."""
        self._venue.faults.clear()
        self._venue.drop_connections()
        self._replay = None
        self._clock.restore(snapshot.clock)
        self._is_market_paused = snapshot.market.is_paused
        self._venue = venue = self._new_venue()
        venue.market.open(self._clock.now())
        venue.market.restore({con_id: walk.middle for con_id, walk in snapshot.market.walks.items()})
        dice = {con_id: walk.dice for con_id, walk in snapshot.market.walks.items()}
        venue.market.restore_whole(snapshot.market.quotes, dice)
        venue.exchange.begin_day()
        venue.exchange.restore(snapshot.exchange)
        venue.exchange.ledger.last_execution_number = snapshot.last_execution_number
        self._show(venue.directory.entries)
        if self._file:
            await self._save_whole(self._file)

    def _new_venue(self) -> Venue:
        return Venue(self._config, self._clock, HANDLERS, self._changed.set, self._keep)

    def _move(self) -> None:
        if self._replay is not None:
            self._show_recorded(self._replay)
        elif not self._is_market_paused:
            self.step_market()
        self._venue.pass_time(self._clock.now())

    def _show_recorded(self, replay: Replay) -> None:
        now = self._clock.now()
        self._venue.pass_time(now)
        for tick in replay.due(now):
            con_id = self._venue.directory.by_symbol(tick.symbol).entry.con_id
            self._venue.market.show(con_id, tick.state, now)
            self._show([con_id])

    def _open(self, state: SavedState | None) -> None:
        venue = self._venue
        if state is not None:
            venue.market.restore(state.walks)
        venue.market.open(self._clock.now())
        venue.exchange.begin_day()
        if state is not None:
            venue.exchange.restore(state)
        self._show(venue.watched)

    def _show(self, con_ids: Iterable[int]) -> None:
        # What has come to its end deals no more.
        self._venue.pass_time(self._clock.now())
        for con_id in con_ids:
            self._venue.show_market(con_id)

    def _beat_market(self) -> None:
        if self._is_market_paused or self._clock.state.is_paused:
            self._venue.pass_time(self._clock.now())
        elif self._replay is not None:
            self._show_recorded(self._replay)
        else:
            self.step_market()

    def _beat_positions(self) -> None:
        self._venue.publish_positions()

    def _beat_accounts(self) -> None:
        self._venue.publish_accounts()

    async def _repeat(self, beat: Callable[[], object], interval_s: float) -> None:
        while True:
            # The market's beats are of the simulator's time: at ten times the speed there are ten times as many.
            speed = float(self._clock.state.speed) if beat == self._beat_market else 1.0
            await asyncio.sleep(interval_s / speed)
            try:
                beat()
            except Exception:
                # The edge of a background loop: one bad beat must not stop the market for good.
                _log.exception("a beat of the simulator failed")

    async def _keep_saving(self, file: StateFile) -> None:
        while True:
            await self._changed.wait()
            await asyncio.sleep(SAVE_DELAY_S)
            self._keep()
            if file.is_long or self._is_file_behind:
                try:
                    await self._save_whole(file)
                except OSError:
                    _log.exception("the simulator's state could not be kept")

    def _keep(self) -> None:
        if not self._file or not self._changed.is_set():
            return
        self._changed.clear()
        try:
            self._file.append(encode_state(self._venue.exchange.ledger.taken_changes()))
        except OSError:
            _log.exception("the simulator's state could not be kept")
            self._is_file_behind = True

    async def _save_whole(self, file: StateFile) -> None:
        self._is_file_behind = False
        file.begin_rewrite()
        line = encode_state(self._venue.exchange.ledger.whole_state())
        try:
            await asyncio.get_running_loop().run_in_executor(self._writer, file.rewrite, line)
        except OSError:
            self._is_file_behind = True
            raise


async def run(
    config: SimulatorConfig,
    on_ready: Callable[[], None],
    control: Callable[[Simulator], AbstractAsyncContextManager[None]] | None = None,
) -> None:
    """Serve until cancelled, then keep the state. `on_ready` is called once it listens.

    `control` is entered while it serves. Raises OSError when a port is taken, SimulatorStateError when the kept state
    cannot be read.
    """
    simulator = Simulator(config)
    await simulator.start()
    try:
        async with control(simulator) if control else nullcontext():
            on_ready()
            await asyncio.Event().wait()
    finally:
        await simulator.stop()
