"""Bars of five seconds and single ticks over the whole way: a connector, the simulator's socket, Redis, a follower."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import pytest

from app.brokers.ib import stream_pace
from app.core.fix import LineState, StreamKind
from app.core.ids import InstrumentId
from app.core.streaming import LiveBar, LiveTick, StreamKey
from app.flows.desk import open_desk
from app.flows.live.follow_streams import StreamUpdate, follow_streams
from app.flows.live.live_table import BatchKind
from app.identity.domain.access import system_principal
from app.infra.settings import Settings
from app.infra.sharing import end_task
from app.marketdata import holds
from app.marketdata.lines import LineStatus
from app.marketdata.streams import StreamMessage, StreamNews, encode_message
from app.simulator import history_pacing
from app.simulator.config import DataRight
from app.simulator.server import Simulator
from app.simulator.streams import BarStream, TickStream
from tests.integration.connector.test_connector import Trading, connector, settings, trading

__all__ = ["settings", "trading"]

WAIT_S = 20.0


@dataclass
class Followed:
    """What one follower was told."""

    updates: list[StreamUpdate] = field(default_factory=list)
    lines: dict[str, LineStatus] = field(default_factory=dict)
    _heard: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, update: StreamUpdate) -> None:
        """Take an update in."""
        self.updates.append(update)
        for key, line in update.lines.items():
            self.lines[update.instruments[key].symbol] = line
        self._heard.set()

    @property
    def kinds(self) -> list[BatchKind]:
        """The kinds of the updates, without heartbeats."""
        return [one.kind for one in self.updates if one.kind is not BatchKind.HEARTBEAT]

    @property
    def ticks(self) -> list[LiveTick]:
        """All ticks."""
        return [event for one in self.updates for event in one.events if isinstance(event, LiveTick)]

    @property
    def bars(self) -> list[LiveBar]:
        """All bars."""
        return [event for one in self.updates for event in one.events if isinstance(event, LiveBar)]

    def state(self, symbol: str) -> LineState | None:
        """How a stream stands."""
        line = self.lines.get(symbol)
        return None if line is None else line.state

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for the condition, looking whenever something was told."""
        async with asyncio.timeout(WAIT_S):
            while not condition():
                self._heard.clear()
                await self._heard.wait()


@asynccontextmanager
async def following(trading: Trading, kind: StreamKind, *symbols: str) -> AsyncIterator[Followed]:
    """A follower while the block lasts."""
    told = Followed()
    who = system_principal(trading.house.tenant_id, "test")

    async def follow() -> None:
        async for update in follow_streams(trading.desk, who, symbols, kind):
            told.hear(update)

    task = asyncio.create_task(follow())
    try:
        yield told
        assert not task.done(), task.exception()
    finally:
        await end_task(task)


async def until(condition: Callable[[], object]) -> None:
    """Wait for the condition."""
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.02)


def open_streams(simulator: Simulator) -> list[BarStream | TickStream]:
    """The streams that the simulator serves."""
    return list(simulator.venue.streams._streams.values())


def deal(simulator: Simulator, *prices: str) -> None:
    """Trade AAPL at these prices."""
    for price in prices:
        last = Decimal(price)
        simulator.set_quote("AAPL", bid=last - Decimal("0.01"), ask=last + Decimal("0.01"), last=last)


async def test_every_single_trade_comes_in_its_order(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    async with connector(settings), following(trading, StreamKind.LAST, "AAPL") as told:
        await until(lambda: open_streams(simulator))
        prices = [str(Decimal(187) + Decimal(number) / 100) for number in range(300)]
        deal(simulator, *prices)
        await told.until(lambda: len(told.ticks) == 300)

    assert [one.price for one in told.ticks] == [Decimal(price) for price in prices]
    assert [one.sequence for one in told.updates] == list(range(1, len(told.updates) + 1))
    assert told.state("AAPL") is LineState.LIVE
    assert BatchKind.RESET not in told.kinds


@pytest.mark.parametrize("kind", [StreamKind.ALL_LAST, StreamKind.BID_ASK, StreamKind.MID_POINT])
async def test_each_kind_of_single_ticks_is_served(
    trading: Trading, settings: Settings, simulator: Simulator, kind: StreamKind
) -> None:
    async with connector(settings), following(trading, kind, "AAPL") as told:
        await until(lambda: open_streams(simulator))
        deal(simulator, "188.00")
        await told.until(
            lambda: [one for one in told.ticks if Decimal(188) in (one.price, (one.bid or 0) + Decimal("0.01"))]
        )

    last = told.ticks[-1]
    if kind is StreamKind.BID_ASK:
        assert (last.bid, last.ask, last.price) == (Decimal("187.99"), Decimal("188.01"), None)
    else:
        assert (last.price, last.bid) == (Decimal(188), None)


@pytest.mark.parametrize("library", ["ib_insync", "ib_async"])
async def test_bars_of_five_seconds_come_when_they_are_over(
    trading: Trading, settings: Settings, simulator: Simulator, library: str
) -> None:
    chosen = settings.model_copy(update={"ib_library": library})
    async with connector(chosen), following(trading, StreamKind.REAL_TIME_BARS, "AAPL", "EUR.USD") as told:
        await until(lambda: len(open_streams(simulator)) == 2)
        deal(simulator, "188.00", "189.00")
        now = simulator.venue.clock.now()
        simulator.venue.streams.pass_time(now + timedelta(seconds=6))
        apple, euro = (trading.house.instruments[symbol] for symbol in ("AAPL", "EUR.USD"))

        def bars_of(instrument_id: InstrumentId) -> list[LiveBar]:
            return [bar for bar in told.bars if bar.key.instrument_id == instrument_id]

        # Five seconds may have passed before the deals: then a bar without them comes first.
        await told.until(lambda: bars_of(euro) and [bar for bar in bars_of(apple) if bar.close == Decimal(189)])

    stock = next(bar for bar in bars_of(apple) if bar.close == Decimal(189))
    pair = bars_of(euro)[0]
    assert (stock.low, stock.close) == (Decimal(188), Decimal(189))
    assert stock.volume is not None
    assert pair.volume is None
    assert stock.time.second % 5 == 0


async def test_a_stream_has_one_line_for_all_who_follow_and_ends_with_the_last(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    async with connector(settings):
        async with following(trading, StreamKind.LAST, "AAPL") as one:
            await until(lambda: open_streams(simulator))
            async with following(trading, StreamKind.LAST, "AAPL") as other:
                deal(simulator, "188.00")
                await one.until(lambda: one.ticks)
                await other.until(lambda: other.ticks)
                opened = len(open_streams(simulator))
            deal(simulator, "188.10")
            await one.until(lambda: len(one.ticks) == 2)
        await until(lambda: not open_streams(simulator))

    assert opened == 1


async def test_the_references_of_a_process_that_was_killed_run_out(
    trading: Trading, settings: Settings, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holds, "REFERENCE_S", 1.5)
    async with connector(settings):
        # A desk that never lets go and never renews: what a killed process leaves behind.
        async with open_desk(settings) as killed:
            key_of = trading.house.instruments["AAPL"]
            await holds.hold(killed.redis, trading.house.tenant_id, "killed", [_key(key_of)], killed.clock.now())
        await until(lambda: open_streams(simulator))
        await until(lambda: not open_streams(simulator))


async def test_after_the_gateway_came_back_the_stream_goes_on_and_the_hole_is_told(
    trading: Trading, settings: Settings, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The broker takes one request for an instrument in fifteen seconds: here in two.
    monkeypatch.setattr(history_pacing, "IDENTICAL_WINDOW", timedelta(seconds=2))
    monkeypatch.setattr(stream_pace, "SAME_INSTRUMENT_S", 2.5)
    async with connector(settings), following(trading, StreamKind.BID_ASK, "AAPL") as told:
        await until(lambda: open_streams(simulator))
        deal(simulator, "188.00")
        await told.until(lambda: told.ticks)

        simulator.drop_connections()
        await told.until(lambda: told.state("AAPL") is LineState.STALE)
        down = told.lines["AAPL"]
        await told.until(lambda: BatchKind.RESET in told.kinds)
        await told.until(lambda: "pace" in (told.lines["AAPL"].reason or ""))
        await until(lambda: open_streams(simulator))
        deal(simulator, "189.00")
        await told.until(lambda: told.ticks[-1].bid == Decimal("188.99"))

    assert down.reason == "The connection to the gateway is down."
    assert told.state("AAPL") is LineState.LIVE


async def test_of_few_streams_those_left_out_are_told_why(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    few = settings.model_copy(update={"ib_tick_streams": 1})
    async with connector(few), following(trading, StreamKind.LAST, "AAPL", "MSFT") as told:
        await told.until(lambda: LineState.EXHAUSTED in {line.state for line in told.lines.values()})
        await until(lambda: len(open_streams(simulator)) == 1)

    [left_out] = [line for line in told.lines.values() if line.state is LineState.EXHAUSTED]
    assert "1 streams of single ticks" in (left_out.reason or "")


@pytest.mark.parametrize("kind", [StreamKind.LAST, StreamKind.REAL_TIME_BARS])
async def test_a_market_that_is_not_subscribed_is_refused_in_the_brokers_words(
    trading: Trading, settings: Settings, simulator: Simulator, kind: StreamKind
) -> None:
    simulator.venue.lines.set_right("AAPL", DataRight.NONE)
    async with connector(settings), following(trading, kind, "AAPL", "MSFT") as told:
        await told.until(lambda: told.state("AAPL") is LineState.REFUSED)
        await until(lambda: len(open_streams(simulator)) == 1)

    line = told.lines["AAPL"]
    assert line.broker_code == {StreamKind.LAST: 10189, StreamKind.REAL_TIME_BARS: 420}[kind]
    assert "No market data permissions" in (line.reason or "")
    assert told.state("MSFT") is not LineState.REFUSED


async def test_a_farm_that_is_lost_makes_the_stream_stale_until_something_comes(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    async with connector(settings), following(trading, StreamKind.LAST, "AAPL") as told:
        await until(lambda: open_streams(simulator))
        deal(simulator, "188.00")
        await told.until(lambda: told.state("AAPL") is LineState.LIVE)

        simulator.faults.inject("farm-flap", {})
        await told.until(lambda: told.state("AAPL") is LineState.STALE)
        reason = told.lines["AAPL"].reason
        deal(simulator, "188.20")
        await told.until(lambda: told.state("AAPL") is LineState.LIVE)

    assert reason is not None
    assert "farm" in reason
    assert BatchKind.RESET in told.kinds


async def test_a_connector_that_is_gone_is_told(
    trading: Trading, settings: Settings, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.flows.live.follow_streams.SILENCE_S", 1.0)
    monkeypatch.setattr("app.flows.live.follow_streams.HEARTBEAT_S", 1.0)

    async with following(trading, StreamKind.LAST, "AAPL") as told:
        await told.until(lambda: told.state("AAPL") is LineState.STALE)
        silent = told.lines["AAPL"].reason
        async with connector(settings):
            await told.until(lambda: told.state("AAPL") is LineState.OPENING)

    assert told.updates[0].kind is BatchKind.SNAPSHOT
    assert silent == "The connector to the broker tells nothing at the moment."


async def test_a_follower_who_is_too_slow_is_told_that_something_is_missing(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    who = system_principal(trading.house.tenant_id, "test")
    async with connector(settings):
        reading = follow_streams(trading.desk, who, ["AAPL"], StreamKind.LAST)
        await anext(reading)
        await until(lambda: open_streams(simulator))
        for number in range(1_100):
            await trading.desk.redis.publish([(f"streams:{trading.house.tenant_id}", _beat("flood", number))])
        kinds = await _kinds_until(reading, BatchKind.RESET)
        await reading.aclose()  # type: ignore[attr-defined]

    assert kinds[-1] is BatchKind.RESET


async def _kinds_until(reading: AsyncIterator[StreamUpdate], kind: BatchKind) -> Sequence[BatchKind]:
    kinds: list[BatchKind] = []
    async with asyncio.timeout(WAIT_S):
        async for update in reading:
            kinds.append(update.kind)
            if update.kind is kind:
                break
    return kinds


def _beat(teller: str, sequence: int) -> bytes:
    return encode_message(StreamMessage(teller=teller, sequence=sequence, news=StreamNews()))


def _key(instrument_id: InstrumentId) -> StreamKey:
    return StreamKey(instrument_id=instrument_id, kind=StreamKind.LAST)
