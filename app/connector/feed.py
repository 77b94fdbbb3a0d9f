"""A tenant's market data from one gateway to Redis, over a connection of its own so that orders never wait for it.

What is asked of the broker without being an order goes the same way.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import asyncpg

from app.brokers.domain import FEED_OFFSET, BrokerAccount, backoff_s
from app.brokers.errors import BrokerBusyError, BrokerDisconnectedError, BrokerTimedOutError
from app.brokers.inquiries import Inquired
from app.brokers.port import BrokerAdapter, BrokerSink, ConnectionEvent, LineChange, told_after
from app.brokers.questions import Answer, Asked
from app.brokers.streams import Streaming
from app.connector.ends import end_of
from app.connector.inbox import Inbox
from app.connector.streams import StreamIntervals, StreamKeeper
from app.core.clock import Clock
from app.core.errors import UnavailableError
from app.core.fix import LineState
from app.core.ids import InstrumentId
from app.core.messages import Contract, Tick
from app.infra.db import CONNECTION_LOST
from app.infra.redis import REDIS_LOST, Redis
from app.marketdata.lines import LineCounts, LineLedger, LineStatus, WatchList
from app.marketdata.service import publish_ticks, show_lines

log = logging.getLogger(__name__)

_NO_LINE_LEFT = "All market data lines of the gateway are taken by instruments that weigh more."
_NO_SESSION = "The connection to the gateway is down."
_SILENT = frozenset({LineState.REFUSED, LineState.EXHAUSTED})
_INTERRUPTIONS = frozenset(
    {
        ConnectionEvent.LOST,
        ConnectionEvent.UPSTREAM_LOST,
        ConnectionEvent.UPSTREAM_RESET,
        ConnectionEvent.FEED_DOWN,
    }
)
_NOT_STORED: tuple[type[BaseException], ...] = (*CONNECTION_LOST, asyncpg.PostgresError, TimeoutError)
_NOT_RENEWED: tuple[type[BaseException], ...] = (BrokerTimedOutError, BrokerBusyError, *_NOT_STORED)


class FeedAdapter(BrokerAdapter, Inquired, Streaming, Protocol):
    """A session that shows markets, follows them one by one and answers questions."""

    async def answer(self, asked: Asked, account: str) -> Answer:
        """The broker's answer."""
        ...

    def take_counts(self) -> dict[InstrumentId, int]:
        """How many messages came for each watched market since the last call."""
        ...


CLIENT_ID_OFFSET = FEED_OFFSET
"""What is added to the account's client id for its market data connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedIntervals:
    """How often the feed acts, in seconds. Within a window only the newest state of a market is told."""

    window_s: float = 0.05
    contracts_s: float = 5.0
    rates_s: float = 5.0
    renew_s: float = 30.0
    counts_s: float = 5.0
    probe_s: float = 1.0
    streams: StreamIntervals = field(default_factory=StreamIntervals)


class FeedRunner:
    """Keeps the market data of a tenant's instruments flowing for as long as it runs."""

    def __init__(
        self,
        *,
        account: BrokerAccount,
        make_adapter: Callable[[BrokerSink], FeedAdapter],
        watch_list: Callable[[], Awaitable[WatchList]],
        count: Callable[[dict[InstrumentId, LineCounts]], Awaitable[object]],
        keep_rates: Callable[[], Awaitable[object]],
        renewals: Sequence[Callable[[Inquired], Awaitable[object]]],
        redis: Redis,
        clock: Clock,
        streams: StreamKeeper | None = None,
        intervals: FeedIntervals | None = None,
    ) -> None:
        """`watch_list` tells what to watch; `keep_rates` stores what quotes say of exchange rates, `count` what came.

        `renewals` ask, each by itself, for what was not asked for long: what instruments are, what days are missing.
        `streams` serves what is followed one by one.
        """
        self._account = account
        self._make_adapter = make_adapter
        self._watch_list = watch_list
        self._count = count
        self._ledger = LineLedger()
        self._lines: dict[InstrumentId, LineStatus] = {}
        self._keep_rates = keep_rates
        self._renewals = renewals
        self._redis = redis
        self._clock = clock
        self._streams = streams
        self._intervals = intervals or FeedIntervals()
        self._attempts = 0
        self._adapter: FeedAdapter | None = None

    async def answer(self, asked: Asked, account: str) -> Answer:
        """The broker's answer. An order is asked about here, where order ids are not those of orders.

        Raises WhatIfRefusedError, InquiryRefusedError, HistoryPacedError, BrokerBusyError, BrokerTimedOutError,
        BrokerDisconnectedError.
        """
        if self._adapter is None:
            raise BrokerDisconnectedError("there is no session with the gateway")
        return await self._adapter.answer(asked, account)

    @property
    def lines(self) -> int:
        """How many market data lines are taken: of quotes, and of streams."""
        quotes = sum(1 for line in self._lines.values() if line.state is not LineState.EXHAUSTED)
        return quotes + (0 if self._streams is None else self._streams.lines)

    async def run(self) -> None:
        """Connect and tell; whatever ends the session is logged and followed by another try."""
        while True:
            error = await end_of(self._one_session())
            self._attempts += 1
            log.warning("market data of %s stopped: %s", self._account.account_number, error.message)
            await asyncio.sleep(backoff_s(self._attempts, random.random()))

    async def _one_session(self) -> None:
        inbox = Inbox()
        adapter = self._make_adapter(inbox)
        try:
            await adapter.connect()
            self._adapter = adapter
            self._attempts = 0
            log.info("market data of %s is open", self._account.account_number)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch_connection(inbox))
                group.create_task(self._watch_contracts(adapter))
                group.create_task(self._publish(adapter, inbox))
                group.create_task(self._store_counts())
                group.create_task(self._store_rates())
                for renew in self._renewals:
                    group.create_task(self._renew(adapter, renew))
                group.create_task(self._probe(adapter))
                if self._streams is not None:
                    group.create_task(self._streams.run(adapter))
        finally:
            self._adapter = None
            self._ledger.interrupted()
            await adapter.close()
            await self._show_down()

    async def _show_down(self) -> None:
        now, lines = self._clock.now(), self._lines
        self._lines = {}
        with contextlib.suppress(*REDIS_LOST):
            down = LineStatus(state=LineState.NONE, reason=_NO_SESSION, since=now)
            await show_lines(self._redis, self._account.tenant_id, dict.fromkeys(lines, down))

    async def _watch_connection(self, inbox: Inbox) -> None:
        while True:
            change = await inbox.next_change()
            log.log(
                logging.DEBUG if change.event is ConnectionEvent.FEED_UP else logging.WARNING,
                "market data of %s: %s %s",
                self._account.account_number,
                change.event.value,
                change.detail,
            )
            if change.event in _INTERRUPTIONS:
                self._ledger.interrupted()
            if change.event is ConnectionEvent.LOST:
                raise BrokerDisconnectedError(change.detail)

    async def _watch_contracts(self, adapter: BrokerAdapter) -> None:
        while True:
            try:
                wanted = await self._watch_list()
                adapter.watch(wanted.contracts)
                await self._show_watched(wanted)
            except UnavailableError as error:
                # The lines that are open stay open: quotes do not need the database.
                log.warning("market data of %s: %s", self._account.account_number, error.message)
            except REDIS_LOST as error:
                log.warning("how lines stand cannot be told: %s", error)
            await asyncio.sleep(self._intervals.contracts_s)

    async def _show_watched(self, wanted: WatchList) -> None:
        now = self._clock.now()
        left_out = LineStatus(state=LineState.EXHAUSTED, reason=_NO_LINE_LEFT, since=now)
        before = self._lines
        self._lines = {}
        for contract in wanted.contracts:
            held = before.get(contract.instrument_id)
            is_new = held is None or held.reason == _NO_LINE_LEFT
            self._lines[contract.instrument_id] = (
                LineStatus(state=LineState.OPENING, since=now) if held is None or is_new else held
            )
        for contract in wanted.left_out:
            held = before.get(contract.instrument_id)
            has_waited = held is not None and held.reason == _NO_LINE_LEFT
            self._lines[contract.instrument_id] = held if held is not None and has_waited else left_out
        closed = before.keys() - self._lines.keys()
        self._ledger.closed([*closed, *(one.instrument_id for one in wanted.left_out)])
        news = {one: status for one, status in self._lines.items() if before.get(one) != status}
        await show_lines(self._redis, self._account.tenant_id, news, closed=closed)

    async def _publish(self, adapter: FeedAdapter, inbox: Inbox) -> None:
        is_redis_up = True
        while True:
            await asyncio.sleep(self._intervals.window_s)
            ticks = adapter.take_ticks()
            for instrument_id, number in adapter.take_counts().items():
                self._ledger.told(instrument_id, number, self._clock.now())
            stands = self._heard_lines(inbox, ticks)
            try:
                await publish_ticks(self._redis, self._account.tenant_id, ticks)
                await show_lines(self._redis, self._account.tenant_id, stands)
            except REDIS_LOST as error:
                # Quotes are replaced by the next ones anyway: nothing is kept for later.
                if is_redis_up:
                    log.error("quotes cannot be stored: %s", error)
                is_redis_up = False
            else:
                is_redis_up = True

    def _heard_lines(self, inbox: Inbox, ticks: Sequence[Tick]) -> dict[InstrumentId, LineStatus]:
        now, news = self._clock.now(), {}
        for told in inbox.take_lines():
            instrument_id = told.contract.instrument_id
            held = self._lines.get(instrument_id)
            change = told if held is None else told_after(_as_told(told.contract, held), told)
            stands = (change.state, change.detail, change.broker_code)
            if held is not None and (held.state, held.reason, held.broker_code) != stands:
                news[instrument_id] = LineStatus(
                    state=change.state, reason=change.detail, broker_code=change.broker_code, since=now
                )
            if change.state in _SILENT:
                self._ledger.interrupted([instrument_id])
        for tick in ticks:
            held = news.get(tick.instrument_id) or self._lines.get(tick.instrument_id)
            if held is not None and held.state is LineState.OPENING:
                # Whatever comes before the broker says which data it is, is live.
                news[tick.instrument_id] = LineStatus(state=LineState.LIVE, since=now)
        self._lines |= news
        return news

    async def _store_counts(self) -> None:
        while True:
            await asyncio.sleep(self._intervals.counts_s)
            counts = self._ledger.take()
            if not counts:
                continue
            try:
                await self._count(counts)
            except _NOT_STORED as error:
                self._ledger.give_back(counts)
                log.warning("what came over lines cannot be counted: %s", error)

    async def _store_rates(self) -> None:
        while True:
            await asyncio.sleep(self._intervals.rates_s)
            try:
                await self._keep_rates()
            except _NOT_STORED as error:
                # The rates known last still convert, and their time shows how old they are.
                log.warning("exchange rates cannot be stored: %s", error)

    async def _renew(self, adapter: FeedAdapter, renew: Callable[[Inquired], Awaitable[object]]) -> None:
        while True:
            try:
                await renew(adapter)
            except _NOT_RENEWED as error:
                # What is known serves until the next try.
                log.warning(
                    "what is known of instruments of %s was not renewed: %s", self._account.account_number, error
                )
            await asyncio.sleep(self._intervals.renew_s)

    async def _probe(self, adapter: BrokerAdapter) -> None:
        while True:
            await adapter.probe()
            await asyncio.sleep(self._intervals.probe_s)


def _as_told(contract: Contract, held: LineStatus) -> LineChange:
    return LineChange(contract=contract, state=held.state, detail=held.reason, broker_code=held.broker_code)
