"""Bars of five seconds and single ticks, one by one: nothing is left out unsaid."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from app.core.errors import InputError
from app.core.fix import StreamKind
from app.core.messages import Instrument
from app.core.streaming import LiveEvent, StreamKey
from app.flows.desk import Desk
from app.flows.live.live_table import HEARTBEAT_S, BatchKind
from app.identity.domain import Principal
from app.infra.bus import GAP, Gap, Stream
from app.infra.redis import REDIS_LOST
from app.infra.uow import begin_batch
from app.instruments import batch as instruments
from app.instruments.errors import ContractMissingError, InstrumentUnknownError
from app.marketdata.holds import stream_lines
from app.marketdata.lines import LineStatus
from app.marketdata.streams import (
    NOT_KEPT,
    SILENCE_S,
    SILENT,
    Continuity,
    StreamNews,
    decode_message,
    streams_channel,
)

SYMBOLS_MAX: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamUpdate:
    """One batch: numbered from 1, events in their order, and the streams that stand otherwise than told before."""

    kind: BatchKind
    sequence: int
    server_time: datetime
    events: tuple[LiveEvent, ...] = ()
    lines: Mapping[StreamKey, LineStatus] = field(default_factory=dict)
    instruments: Mapping[StreamKey, Instrument] = field(default_factory=dict)


async def follow_streams(
    desk: Desk, principal: Principal, symbols: Sequence[str], kind: StreamKind
) -> AsyncIterator[StreamUpdate]:
    """SNAPSHOT of how the streams stand, then DELTAs with every event, a HEARTBEAT after five quiet seconds.

    RESET, and a SNAPSHOT again, where events are missing: this reader was too slow, the gateway or the connector was
    away, or the broker's data stopped. Raises InputError, InstrumentUnknownError, ContractMissingError.
    """
    found = await _instruments(desk, principal, symbols)
    wanted = {StreamKey(instrument_id=one.id, kind=kind): one for one in found}
    telling = _Telling(desk, principal, wanted)
    async with (
        desk.bus.subscribe(streams_channel(principal.tenant_id)) as stream,
        desk.markets.hold(principal.tenant_id, wanted),
    ):
        yield await telling.snapshot()
        hearing = _Hearing(stream)
        while True:
            news = await hearing.next(telling.told_at + HEARTBEAT_S)
            for update in await telling.updates(news):
                yield update


class _Telling:
    """What one follower was told so far."""

    def __init__(self, desk: Desk, principal: Principal, wanted: Mapping[StreamKey, Instrument]) -> None:
        self._desk = desk
        self._tenant_id = principal.tenant_id
        self._wanted = wanted
        self._lines: dict[StreamKey, LineStatus] = {}
        self._sequence = 0
        self.told_at = 0.0
        """When the last batch was made, by the loop's clock."""

    async def snapshot(self) -> StreamUpdate:
        """How all streams stand."""
        self._lines = await self._standing()
        return self._update(BatchKind.SNAPSHOT, lines=self._lines)

    async def updates(self, news: "StreamNews | _Silence | Gap") -> list[StreamUpdate]:
        """What the follower is told of the news."""
        match news:
            case Gap():
                return [self._update(BatchKind.RESET), await self.snapshot()]
            case _Silence(is_long=is_long):
                silent = dict.fromkeys(self._wanted, SILENT) if is_long else {}
                return [self._update(BatchKind.HEARTBEAT, lines=self._changed(silent))]
            case StreamNews():
                return await self._of_news(news)

    async def _of_news(self, news: StreamNews) -> list[StreamUpdate]:
        updates = []
        mine = {key: line for key, line in news.lines.items() if key in self._wanted}
        if news.gaps & self._wanted.keys():
            self._lines = {**await self._standing(), **mine}
            updates = [self._update(BatchKind.RESET), self._update(BatchKind.SNAPSHOT, lines=self._lines)]
        elif SILENT in self._lines.values():
            mine = {**await self._standing(), **mine}
        lines = self._changed(mine)
        events = tuple(event for event in news.events if event.key in self._wanted)
        if events or lines:
            updates.append(self._update(BatchKind.DELTA, events, lines))
        return updates

    def _changed(self, lines: Mapping[StreamKey, LineStatus]) -> dict[StreamKey, LineStatus]:
        changed = {key: line for key, line in lines.items() if self._lines.get(key) != line}
        self._lines |= changed
        return changed

    async def _standing(self) -> dict[StreamKey, LineStatus]:
        with contextlib.suppress(*REDIS_LOST):
            return await stream_lines(self._desk.redis, self._tenant_id, self._wanted)
        return dict.fromkeys(self._wanted, NOT_KEPT)

    def _update(
        self, kind: BatchKind, events: tuple[LiveEvent, ...] = (), lines: Mapping[StreamKey, LineStatus] | None = None
    ) -> StreamUpdate:
        self._sequence += 1
        self.told_at = asyncio.get_running_loop().time()
        return StreamUpdate(
            kind=kind,
            sequence=self._sequence,
            server_time=self._desk.clock.now(),
            events=events,
            lines=dict(lines or {}),
            instruments=self._wanted,
        )


@dataclass(frozen=True, slots=True)
class _Silence:
    is_long: bool


class _Hearing:
    """Reads the channel: messages that follow each other, gaps where one is missing, silences."""

    def __init__(self, stream: Stream[bytes]) -> None:
        self._stream = stream
        self._continuity = Continuity()
        self._heard_at = asyncio.get_running_loop().time()
        self._waiting: StreamNews | None = None

    async def next(self, deadline: float) -> StreamNews | _Silence | Gap:
        """The next news, which may be empty; silence when none came until the deadline."""
        if self._waiting is not None:
            news, self._waiting = self._waiting, None
            return news
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(deadline):
                payload = await anext(self._stream)
        except TimeoutError:
            return _Silence(loop.time() - self._heard_at >= SILENCE_S)
        self._heard_at = loop.time()
        if isinstance(payload, Gap):
            self._continuity = Continuity()
            return payload
        message = decode_message(payload)
        if self._continuity.follows(message):
            return message.news
        self._waiting = message.news
        return GAP


async def _instruments(desk: Desk, principal: Principal, symbols: Sequence[str]) -> list[Instrument]:
    if not 0 < len(symbols) <= SYMBOLS_MAX:
        raise InputError(f"needs 1 to {SYMBOLS_MAX} symbols", path=["symbols"])
    for place, symbol in enumerate(symbols):
        if "\x00" in symbol:
            raise InstrumentUnknownError(symbol, "symbols", str(place))
    tenant_id = principal.tenant_id
    async with begin_batch(desk.database, tenant_id) as session:
        found = await instruments.find(session, symbols=[(tenant_id, symbol) for symbol in symbols])
    known = {instrument.symbol: instrument for _, instrument in found}
    for place, symbol in enumerate(symbols):
        if symbol not in known:
            raise InstrumentUnknownError(symbol, "symbols", str(place))
        if known[symbol].contract_id is None:
            raise ContractMissingError("symbols", str(place))
    return list(known.values())
