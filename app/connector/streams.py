"""A tenant's streams over one session: what is followed is asked for, and what comes is told over Redis one by one."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

from app.brokers.streams import Streaming, StreamStand, ToldStreams
from app.core.clock import Clock
from app.core.errors import UnavailableError
from app.core.fix import LineState
from app.core.ids import Ids, InstrumentId, TenantId
from app.core.messages import Contract
from app.core.streaming import StreamKey, StreamWish
from app.infra.redis import REDIS_LOST, Redis
from app.marketdata.holds import give_telling, held_streams, publish_streams, take_telling, tell_streams
from app.marketdata.lines import LineStatus
from app.marketdata.streams import BEAT_S, StreamMessage, StreamNews

log = logging.getLogger(__name__)

_NOT_KNOWN: tuple[type[BaseException], ...] = (*REDIS_LOST, UnavailableError)
_NO_SESSION = StreamStand(state=LineState.STALE, detail="The connection to the gateway is down.")
_NO_CONTRACT = StreamStand(state=LineState.REFUSED, detail="No broker knows this instrument, or it has run out.")


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamIntervals:
    """How often it is looked who follows what, and what came is told, in seconds."""

    follow_s: float = 0.5
    contracts_s: float = 5.0
    window_s: float = 0.05


class StreamKeeper:
    """Serves the streams of a tenant while a session stands. Of several gateways of a tenant one tells at a time."""

    def __init__(
        self,
        *,
        tenant_id: TenantId,
        redis: Redis,
        clock: Clock,
        ids: Ids,
        contracts: Callable[[Collection[InstrumentId]], Awaitable[Mapping[InstrumentId, Contract]]],
        intervals: StreamIntervals | None = None,
    ) -> None:
        """`contracts` tells what the broker knows instruments by; those that are not traded any more are left out.

        It raises UnavailableError.
        """
        self._tenant_id = tenant_id
        self._redis = redis
        self._clock = clock
        self._ids = ids
        self._contracts = contracts
        self._intervals = intervals or StreamIntervals()
        self._standing: dict[StreamKey, LineStatus] = {}
        self._known: dict[InstrumentId, Contract | None] = {}
        self._known_at = float("-inf")
        self._unknown: dict[StreamKey, LineStatus] = {}
        self._teller = ""
        self._sequence = 0
        self._is_redis_up = True
        self.lines = 0
        """How many market data lines the streams take."""

    async def run(self, session: Streaming) -> None:
        """Serve until cancelled, which the end of the session brings; then followers learn that nothing comes."""
        self._teller, self._sequence = self._ids.new().hex, 0
        loop = asyncio.get_running_loop()
        looked_at = told_at = float("-inf")
        is_ours = False
        try:
            while True:
                now = loop.time()
                if now - looked_at >= self._intervals.follow_s:
                    looked_at = now
                    is_ours = await self._follow(session)
                    self.lines = session.stream_lines()
                told = session.take_streams()
                news = self._news(told)
                if is_ours and (news or now - told_at >= BEAT_S):
                    told_at = now
                    await self._tell(news)
                await asyncio.sleep(self._intervals.window_s)
        finally:
            self.lines = 0
            await self._leave()

    async def _follow(self, session: Streaming) -> bool:
        try:
            is_ours = await take_telling(self._redis, self._tenant_id, self._teller)
            wanted = await held_streams(self._redis, self._tenant_id, self._clock.now()) if is_ours else set()
            await self._learn({key.instrument_id for key in wanted})
        except _NOT_KNOWN as error:
            # What is open stays open: who follows it may still be there.
            log.warning("who follows streams is not known: %s", error)
            return bool(self._standing)
        self._standing = {key: status for key, status in self._standing.items() if key in wanted}
        wishes = []
        for key in sorted(wanted, key=str):
            contract = self._known[key.instrument_id]
            if contract is not None:
                wishes.append(StreamWish(key=key, contract=contract))
            elif (held := self._standing.get(key)) is None or held.reason != _NO_CONTRACT.detail:
                self._unknown[key] = self._status(_NO_CONTRACT)
        await session.follow(wishes)
        return is_ours

    async def _learn(self, instrument_ids: set[InstrumentId]) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._known_at >= self._intervals.contracts_s:
            # What has run out meanwhile is followed no more.
            self._known_at, self._known = now, {}
        self._known = {one: contract for one, contract in self._known.items() if one in instrument_ids}
        missing = instrument_ids - self._known.keys()
        if missing:
            found = await self._contracts(missing)
            self._known |= {one: found.get(one) for one in missing}

    def _news(self, told: ToldStreams) -> StreamNews:
        changed = {key: self._status(stand) for key, stand in told.stands.items()} | self._unknown
        self._unknown = {}
        self._standing |= changed
        return StreamNews(events=told.events, lines=changed, gaps=told.gaps)

    async def _tell(self, news: StreamNews) -> None:
        self._sequence += 1
        message = StreamMessage(teller=self._teller, sequence=self._sequence, news=news)
        try:
            if news.events and not news.lines:
                await tell_streams(self._redis, self._tenant_id, message)
            else:
                await publish_streams(self._redis, self._tenant_id, message, self._standing)
        except REDIS_LOST as error:
            # The sequence went on: whoever follows learns from the next message that something is missing.
            if self._is_redis_up:
                log.error("streams cannot be told: %s", error)
            self._is_redis_up = False
        else:
            self._is_redis_up = True

    async def _leave(self) -> None:
        down = self._status(_NO_SESSION)
        standing = dict.fromkeys(self._standing, down)
        self._standing = {}
        with contextlib.suppress(*REDIS_LOST):
            if standing:
                self._sequence += 1
                news = StreamNews(lines=standing, gaps=frozenset(standing))
                message = StreamMessage(teller=self._teller, sequence=self._sequence, news=news)
                await publish_streams(self._redis, self._tenant_id, message, standing)
            await give_telling(self._redis, self._tenant_id, self._teller)

    def _status(self, stand: StreamStand) -> LineStatus:
        return LineStatus(
            state=stand.state, reason=stand.detail, broker_code=stand.broker_code, since=self._clock.now()
        )
