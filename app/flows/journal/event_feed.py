"""The events of a tenant as they are committed: read once in a process, complete and in order for each account."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Final, Self

import orjson

from app.core.ids import AccountId, TenantId
from app.core.messages import AccountKey
from app.infra.bus import Bus, Gap, Stream
from app.infra.db import Database
from app.infra.outages import known_as
from app.infra.sharing import Sharing, end_task
from app.infra.uow import begin_batch, begin_intake
from app.orders.domain.journal import event_from_document, events_channel
from app.orders.domain.order import LoggedEvent
from app.orders.repository import account_books, event_log

log = logging.getLogger(__name__)

PAGE: Final = 500
WATCH_S: Final = 1.0
FOLLOWER_BATCHES_MAX: Final = 250

EventBatch = tuple[LoggedEvent, ...]
"""Events of one account, by one in their sequences."""


class EventFeeds:
    """The feeds of the tenants that somebody in this process follows.

    Redis is only a hint: once a second one query over all these tenants tells where each log ends, and what does not
    come over the bus is read from the log.
    """

    def __init__(self, bus: Bus, database: Database, books: Database, *, watch_s: float = WATCH_S) -> None:
        """`database` is of the role APP, `books` of the role INTAKE."""
        self._bus = bus
        self._database = database
        self._books = books
        self._watch_s = watch_s
        self._sharing = Sharing()
        self._feeds: dict[TenantId, _Feed] = {}
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._watch = asyncio.create_task(self._watch_forever(), name="event feeds' watch")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watch is not None:
            await end_task(self._watch)

    @asynccontextmanager
    async def follow(self, tenant_id: TenantId) -> AsyncIterator[Stream[EventBatch]]:
        """The events of all accounts of the tenant from now on; GAP where the reader was too slow.

        What is committed after the block was entered comes, for each account in order and without a gap; a reader that
        meets GAP reads the log from where it stands, and then goes on.
        """
        async with self._sharing.use(tenant_id, lambda: self._open(tenant_id)) as feed:
            stream: Stream[EventBatch] = Stream(FOLLOWER_BATCHES_MAX)
            feed.streams.add(stream)
            try:
                yield stream
            finally:
                feed.streams.discard(stream)

    @asynccontextmanager
    async def _open(self, tenant_id: TenantId) -> AsyncIterator["_Feed"]:
        async with self._bus.subscribe(events_channel(tenant_id)) as messages:
            feed = _Feed(self._database, tenant_id)
            await feed.start()
            self._feeds[tenant_id] = feed
            reader = asyncio.create_task(feed.read(messages), name=f"events of {tenant_id}")
            try:
                yield feed
            finally:
                if self._feeds.get(tenant_id) is feed:
                    del self._feeds[tenant_id]
                await end_task(reader)

    async def _watch_forever(self) -> None:
        while True:
            await asyncio.sleep(self._watch_s)
            feeds = dict(self._feeds)
            if not feeds:
                continue
            try:
                async with begin_intake(self._books, feeds) as session:
                    ends = await account_books.ends_of(session, feeds)
                await asyncio.gather(*(feed.compare(ends.get(tenant_id, {})) for tenant_id, feed in feeds.items()))
            except Exception as error:
                _tell("the ends of the event logs were not read", error)


class _Feed:
    def __init__(self, database: Database, tenant_id: TenantId) -> None:
        self._database = database
        self._tenant_id = tenant_id
        self._taking = asyncio.Lock()
        self._ends: dict[AccountId, int] = {}
        self._late: dict[AccountId, int] = {}
        self.streams: set[Stream[EventBatch]] = set()

    async def start(self) -> None:
        self._ends = await self._read_ends()

    async def read(self, messages: Stream[bytes]) -> None:
        async for message in messages:
            # What fails here is mended by the watch: the ends stand where the followers are.
            try:
                async with self._taking:
                    if isinstance(message, Gap):
                        await self._catch_up(await self._read_ends())
                    else:
                        await self._take([event_from_document(one) for one in orjson.loads(message)])
            except Exception as error:
                _tell("events were not taken from the bus", error)

    async def compare(self, ends: Mapping[AccountId, int]) -> None:
        # What is on its way over the bus is given until the next look.
        late = {one: end for one, end in self._late.items() if self._ends.get(one, 0) < end}
        self._late = {one: end for one, end in ends.items() if self._ends.get(one, 0) < end}
        if late:
            async with self._taking:
                await self._catch_up(late)

    async def _take(self, events: Sequence[LoggedEvent]) -> None:
        account_id = events[0].event.account_id
        end = self._ends.get(account_id, 0)
        news = tuple(logged for logged in events if logged.sequence > end)
        if news and news[0].sequence > end + 1:
            await self._catch_up({account_id: news[-1].sequence})
        elif news:
            self._give(news)

    async def _catch_up(self, ends: Mapping[AccountId, int]) -> None:
        for account_id, end in ends.items():
            key = AccountKey(tenant_id=self._tenant_id, account_id=account_id)
            while (known := self._ends.get(account_id, 0)) < end:
                page = await events_page(self._database, key, known)
                if not page:
                    break
                self._give(tuple(page))

    def _give(self, events: EventBatch) -> None:
        self._ends[events[-1].event.account_id] = events[-1].sequence
        for stream in self.streams:
            stream.put(events)

    async def _read_ends(self) -> dict[AccountId, int]:
        async with begin_batch(self._database, self._tenant_id) as session:
            return await account_books.last_sequences(session, self._tenant_id)


async def events_page(database: Database, key: AccountKey, after: int) -> list[LoggedEvent]:
    """The next events of an account's log behind a sequence: fewer than PAGE where the log ends."""
    async with begin_batch(database, key.tenant_id) as session:
        return await event_log.events_after(session, key, after, PAGE)


def _tell(what: str, error: Exception) -> None:
    known = known_as(error)
    if known is None:
        log.error("%s", what, exc_info=error)
    else:
        log.warning("%s: %s", what, known.message)
