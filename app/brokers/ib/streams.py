"""Bars of five seconds and ticks one by one of a session: which are asked for, what came, and how each stands."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from app.brokers.ib.history import shown_of
from app.brokers.ib.inquiry_pace import InquiryPace
from app.brokers.ib.library import Client, Library
from app.brokers.ib.line_words import stand_of_stream
from app.brokers.ib.pacing import Priority
from app.brokers.ib.session import IbSession
from app.brokers.ib.stream_pace import StreamPace
from app.brokers.ib.translate import contract_fields, exact, known
from app.brokers.streams import StreamStand, ToldStreams
from app.core.fix import LineState, StreamKind
from app.core.streaming import LiveBar, LiveEvent, LiveTick, StreamKey, StreamWish

log = logging.getLogger(__name__)

FIRST_STREAM_REQUEST: Final = 1_200_000_000
BAR_S: Final = 5
QUIET_S: Final = 16.0
"""Three bars that did not come."""

AGAIN_S: Final = 60.0
PACED_AGAIN_S: Final = 16.0
EVENTS_MAX: Final = 50_000

_TICK_TYPES: Final = {
    StreamKind.LAST: "Last",
    StreamKind.ALL_LAST: "AllLast",
    StreamKind.BID_ASK: "BidAsk",
    StreamKind.MID_POINT: "MidPoint",
}
_COMPETING: Final = 10197
_BUST: Final = 10225
_OPENING: Final = StreamStand(state=LineState.OPENING)
_QUIET: Final = StreamStand(
    state=LineState.STALE,
    detail="No bar has come for fifteen seconds: the market is closed, or the broker's data stopped.",
)


@dataclass(slots=True)
class _Stream:
    wish: StreamWish
    stand: StreamStand = _OPENING
    number: int | None = None
    heard_at: float = 0.0
    not_before: float = 0.0


@dataclass(slots=True)
class _News:
    events: list[LiveEvent] = field(default_factory=list)
    stands: dict[StreamKey, StreamStand] = field(default_factory=dict)
    gaps: set[StreamKey] = field(default_factory=set)


class Streams:
    """The streams of one session, within the bounds of its gateway. All times are those of the event loop."""

    def __init__(
        self, session: IbSession, library: Library, history: InquiryPace, pace: StreamPace, *, lines_max: int
    ) -> None:
        """Streams may take half of the lines: quotes of what is traded come first."""
        self._session = session
        self._library = library
        self._history = history
        self._pace = pace
        self._bars_max = max(lines_max // 2, 1)
        self._next = FIRST_STREAM_REQUEST
        self._streams: dict[StreamKey, _Stream] = {}
        self._by_number: dict[int, _Stream] = {}
        self._news = _News()
        self._has_turn = False

    @property
    def lines(self) -> int:
        """How many market data lines the open streams take."""
        return len(self._by_number)

    async def follow(self, wishes: Sequence[StreamWish]) -> None:
        """Close what is not wished for, and ask for what is, as far as the bounds go: call again for what waits."""
        wanted = {wish.key: wish for wish in wishes}
        for key in [key for key in self._streams if key not in wanted]:
            self._close(self._streams.pop(key))
            self._news.stands.pop(key, None)
            # References get lost with Redis: whoever follows all the same is to learn that nothing came meanwhile.
            self._news.gaps.add(key)
        for key, wish in wanted.items():
            if key not in self._streams:
                self._streams[key] = _Stream(wish)
                self._news.stands[key] = _OPENING
        now = _now()
        for stream in self._streams.values():
            if stream.number is not None:
                self._look(stream, now)
            elif now >= stream.not_before and self._session.is_open:
                await self._open(stream, now)

    def take(self) -> ToldStreams:
        """What was told since the last call."""
        news, self._news = self._news, _News()
        return ToldStreams(events=tuple(news.events), stands=news.stands, gaps=frozenset(news.gaps))

    def heard_bar(self, number: int, fields: tuple[int, float, float, float, float, float, float, int]) -> None:
        """A bar ended."""
        stream = self._by_number.get(number)
        if stream is None:
            return
        seconds, opened, high, low, close, volume, average, count = fields
        has_trades = volume >= 0
        self._heard(
            stream,
            LiveBar(
                key=stream.wish.key,
                time=datetime.fromtimestamp(seconds, UTC),
                open=exact(opened),
                high=exact(high),
                low=exact(low),
                close=exact(close),
                volume=known(volume) if has_trades else None,
                average=known(average) if has_trades and average > 0 else None,
                count=count if has_trades and count >= 0 else None,
            ),
        )

    def heard_trade(self, number: int, seconds: int, price: float, size: float, exchange: str, conditions: str) -> None:
        """A trade came."""
        stream = self._by_number.get(number)
        if stream is not None:
            self._heard(
                stream,
                LiveTick(
                    key=stream.wish.key,
                    time=datetime.fromtimestamp(seconds, UTC),
                    price=known(price),
                    size=known(size),
                    exchange=exchange or None,
                    conditions=conditions or None,
                ),
            )

    def heard_touch(self, number: int, seconds: int, bid: float, ask: float, bid_size: float, ask_size: float) -> None:
        """Bid or ask changed; what there is none of is told as zero or less."""
        stream = self._by_number.get(number)
        if stream is not None:
            self._heard(
                stream,
                LiveTick(
                    key=stream.wish.key,
                    time=datetime.fromtimestamp(seconds, UTC),
                    bid=known(bid) if bid_size else None,
                    bid_size=known(bid_size),
                    ask=known(ask) if ask_size else None,
                    ask_size=known(ask_size),
                ),
            )

    def heard_middle(self, number: int, seconds: int, price: float) -> None:
        """The middle of bid and ask changed."""
        stream = self._by_number.get(number)
        if stream is not None:
            at = datetime.fromtimestamp(seconds, UTC)
            self._heard(stream, LiveTick(key=stream.wish.key, time=at, price=known(price)))

    def refused(self, number: int, code: int, message: str) -> None:
        """The broker told an error about a stream."""
        stream = self._by_number.get(number)
        stand = stand_of_stream(code, message)
        if stream is None or stand is None:
            log.debug("stream %d: %d %s", number, code, message)
            return
        if code == _BUST:
            # IB switches such a stream off and asks to subscribe again.
            self._news.gaps.add(stream.wish.key)
        self._end(stream)
        if code == _COMPETING:
            self._write_cancel(stream, number)
        self._stand(stream, stand)
        waits_s = {LineState.OPENING: PACED_AGAIN_S}.get(stand.state, AGAIN_S)
        stream.not_before = 0.0 if code == _BUST else _now() + waits_s

    def interrupted(self, detail: str) -> None:
        """What the gateway hears of markets stopped: until something comes, nothing is known."""
        for stream in self._by_number.values():
            self._news.gaps.add(stream.wish.key)
            self._stand(stream, StreamStand(state=LineState.STALE, detail=detail))

    def reset(self) -> None:
        """The broker lost its subscriptions: each is asked for anew."""
        for number, stream in list(self._by_number.items()):
            self._news.gaps.add(stream.wish.key)
            self._end(stream)
            # A gateway that kept it after all would tell everything twice.
            self._write_cancel(stream, number)
            self._stand(
                stream, StreamStand(state=LineState.OPENING, detail="The broker lost it: it is asked for anew.")
            )

    def close(self) -> None:
        """The session ended."""
        for stream in list(self._by_number.values()):
            self._end(stream)
        self._pass_turn()

    async def _open(self, stream: _Stream, now: float) -> None:
        contract_id = stream.wish.contract.contract_id
        if stream.wish.key.kind.is_of_ticks:
            if not self._pace.has_room:
                self._stand(stream, _all_taken(f"{self._pace.tick_streams_max} streams of single ticks"))
                return
            wait_s = self._pace.wait_s(now, contract_id)
            if wait_s > 0:
                self._stand(stream, _waits("one request for single ticks of an instrument in 15 seconds"))
                return
            self._ask(stream, self._ticks_of(stream, contract_id))
            self._pace.took((self, stream.number), now, contract_id)
            return
        if sum(not one.wish.key.kind.is_of_ticks for one in self._by_number.values()) >= self._bars_max:
            self._stand(stream, _all_taken(f"{self._bars_max} market data lines that bars may take"))
            return
        wait_s = await self._take_turn(contract_id)
        if wait_s > 0:
            self._stand(stream, _waits("60 requests for bars and history in ten minutes"))
            return
        self._ask(stream, self._bars_of(stream, contract_id))

    async def _take_turn(self, contract_id: int) -> float:
        # Who writes history has the turn until it is written; meanwhile this one waits for the next look.
        history, now = self._history, _now()
        asked = (contract_id, StreamKind.REAL_TIME_BARS)
        if history.turn.locked():
            return 1.0
        wait_s = max(history.history_wait_s(now, contract_id, asked), history.write_wait_s(now, contract_id, asked))
        if wait_s > 0:
            return wait_s
        await history.turn.acquire()
        self._has_turn = True
        history.reserve_history(now, contract_id, asked, wait_s_max=0.0)
        return 0.0

    def _bars_of(self, stream: _Stream, contract_id: int) -> Callable[[Client, int], None]:
        contract = self._library.contract(contract_fields(stream.wish.contract))
        shown = shown_of(stream.wish.contract.instrument_type)

        def write(client: Client, number: int) -> None:
            self._history.wrote_history(_now(), contract_id, (contract_id, StreamKind.REAL_TIME_BARS))
            self._pass_turn()
            client.reqRealTimeBars(number, contract, BAR_S, shown, False, [])

        return write

    def _ticks_of(self, stream: _Stream, contract_id: int) -> Callable[[Client, int], None]:
        contract = self._library.contract(contract_fields(stream.wish.contract))
        name = _TICK_TYPES[stream.wish.key.kind]

        def write(client: Client, number: int) -> None:
            self._pace.wrote(_now(), contract_id)
            client.reqTickByTickData(number, contract, name, 0, False)

        return write

    def _ask(self, stream: _Stream, write: Callable[[Client, int], None]) -> None:
        number, self._next = self._next, self._next + 1
        stream.number, stream.heard_at = number, _now()
        self._by_number[number] = stream
        self._stand(stream, _OPENING)
        self._session.submit(Priority.MARKET_DATA, lambda client: write(client, number), key=("stream", number))

    def _close(self, stream: _Stream) -> None:
        number = stream.number
        self._end(stream)
        if number is not None:
            # One that waits for the pace still is written before its end: the broker sees both.
            self._write_cancel(stream, number)

    def _end(self, stream: _Stream) -> None:
        if stream.number is not None:
            del self._by_number[stream.number]
            self._pace.gave((self, stream.number))
            stream.number = None

    def _write_cancel(self, stream: _Stream, number: int) -> None:
        if not self._session.is_open:
            return
        if stream.wish.key.kind.is_of_ticks:
            self._session.submit(Priority.MARKET_DATA, lambda client: client.cancelTickByTickData(number))
        else:
            self._session.submit(Priority.MARKET_DATA, lambda client: client.cancelRealTimeBars(number))

    def _look(self, stream: _Stream, now: float) -> None:
        is_of_bars = not stream.wish.key.kind.is_of_ticks
        if is_of_bars and stream.stand.state is LineState.LIVE and now - stream.heard_at > QUIET_S:
            self._stand(stream, _QUIET)

    def _heard(self, stream: _Stream, event: LiveEvent) -> None:
        stream.heard_at = _now()
        self._stand(stream, StreamStand(state=LineState.LIVE))
        if len(self._news.events) >= EVENTS_MAX:
            # Nobody took them for long: what follows is told to have a hole.
            self._news.gaps.update(one.key for one in self._news.events)
            self._news.events.clear()
        self._news.events.append(event)

    def _stand(self, stream: _Stream, stand: StreamStand) -> None:
        if stream.stand != stand:
            stream.stand = stand
            self._news.stands[stream.wish.key] = stand

    def _pass_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            self._history.turn.release()


def _all_taken(what: str) -> StreamStand:
    return StreamStand(state=LineState.EXHAUSTED, detail=f"All of the gateway's are taken: {what}.")


def _waits(rule: str) -> StreamStand:
    return StreamStand(state=LineState.OPENING, detail=f"It waits for the broker's pace: {rule}.")


def _now() -> float:
    return asyncio.get_running_loop().time()
