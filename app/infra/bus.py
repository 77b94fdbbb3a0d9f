"""The bus: messages between processes over Redis pub/sub, each channel subscribed once in a process."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar, cast

from broadcaster import Broadcast, BroadcastBackend, Event
from redis.asyncio.client import PubSub

from app.infra.redis import REDIS_LOST, make_client

QUEUE_MAX = 1_000
BACKOFF_S_MIN = 0.05
BACKOFF_S_MAX = 2.0
CONFIRM_TIMEOUT_S = 3.0
SILENCE_S = 10.0


class Gap:
    """Stands in a stream where messages may be missing: look again at the truth, then read on."""

    def __repr__(self) -> str:
        return "GAP"


GAP: Final = Gap()


ItemT = TypeVar("ItemT")


class Stream(Generic[ItemT]):
    """What one subscriber reads: messages in order, or GAP where it was too slow or Redis was away."""

    def __init__(self, size: int) -> None:
        self._queue: asyncio.Queue[ItemT | Gap] = asyncio.Queue(size)

    def put(self, item: ItemT | Gap) -> None:
        """Takes an item; a full queue is emptied and marked with a gap, so that memory stays bounded."""
        if self._queue.full():
            while not self._queue.empty():
                self._queue.get_nowait()
            item = GAP
        self._queue.put_nowait(item)

    @property
    def waiting(self) -> int:
        """How many items were not read yet."""
        return self._queue.qsize()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ItemT | Gap:
        return await self._queue.get()


class Bus:
    """Subscriptions of a process. One hub for each channel feeds the bounded queue of each subscriber."""

    def __init__(self, url: str, prefix: str) -> None:
        self._backend = RedisBackend(url)
        self._broadcast = Broadcast(backend=self._backend)
        self._prefix = prefix
        self._streams: dict[str, set[Stream[bytes]]] = {}
        self._hubs: dict[str, asyncio.Task[None]] = {}
        self._changing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._broadcast.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for hub in self._hubs.values():
            hub.cancel()
        await asyncio.gather(*self._hubs.values(), return_exceptions=True)
        self._hubs.clear()
        await self._broadcast.disconnect()

    @asynccontextmanager
    async def subscribe(self, channel: str, *, size: int = QUEUE_MAX) -> AsyncIterator[Stream[bytes]]:
        """The messages of a channel from now on: once the block is entered, none published later is missed unsaid."""
        stream: Stream[bytes] = Stream(size)
        name = self._prefix + channel
        async with self._changing:
            if name not in self._streams:
                ready = asyncio.Event()
                self._streams[name] = set()
                self._hubs[name] = asyncio.create_task(self._run_hub(name, ready), name=f"hub {name}")
                await ready.wait()
            self._streams[name].add(stream)
        try:
            yield stream
        finally:
            await asyncio.shield(self._leave(name, stream))

    async def _leave(self, name: str, stream: Stream[bytes]) -> None:
        async with self._changing:
            streams = self._streams.get(name)
            if streams is None:
                return
            streams.discard(stream)
            if not streams:
                del self._streams[name]
                hub = self._hubs.pop(name, None)
                if hub is not None:
                    hub.cancel()
                    await asyncio.gather(hub, return_exceptions=True)

    async def _run_hub(self, name: str, ready: asyncio.Event) -> None:
        try:
            async with self._broadcast.subscribe(name) as subscriber:
                ready.set()
                while True:
                    message: Any = (await subscriber.get()).message
                    for stream in tuple(self._streams.get(name, ())):
                        stream.put(message)
        finally:
            ready.set()


class RedisBackend(BroadcastBackend):
    """broadcaster's backend over redis-py: reconnects for ever, subscribes anew, says where messages may be lost."""

    def __init__(self, url: str) -> None:
        self._client = make_client(url, timeout_s=None)
        self._channels: set[str] = set()
        self._confirmed: dict[str, asyncio.Event] = {}
        self._published: asyncio.Queue[Event] = asyncio.Queue()
        self._pubsub: PubSub | None = None
        self._listener: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Starts to listen; a server that is away is waited for."""
        self._listener = asyncio.create_task(self._listen(), name="bus listener")

    async def disconnect(self) -> None:
        """Stops listening."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        await self._client.aclose()

    async def subscribe(self, channel: str) -> None:
        """Listens to a channel; returns when the server has confirmed, or after a while when it is away."""
        self._channels.add(channel)
        confirmed = self._confirmed.setdefault(channel, asyncio.Event())
        if self._pubsub is not None:
            with contextlib.suppress(*REDIS_LOST):
                await self._pubsub.subscribe(channel)
        with contextlib.suppress(TimeoutError):
            # Python 3.11's wait_for loses a cancellation that comes in the moment of the confirmation.
            async with asyncio.timeout(CONFIRM_TIMEOUT_S):
                await confirmed.wait()

    async def unsubscribe(self, channel: str) -> None:
        """Listens to the channel no more."""
        self._channels.discard(channel)
        self._confirmed.pop(channel, None)
        if self._pubsub is not None:
            with contextlib.suppress(*REDIS_LOST):
                await self._pubsub.unsubscribe(channel)

    async def publish(self, channel: str, message: Any) -> None:
        """Publishes one message."""
        await self._client.publish(channel, message)

    async def next_published(self) -> Event:
        """The next message of any channel listened to."""
        return await self._published.get()

    async def _listen(self) -> None:
        backoff_s = BACKOFF_S_MIN
        was_lost = False
        while True:
            pubsub = self._client.pubsub()
            try:
                # A channel of our own keeps the connection subscribed, so that reading may start before clients come.
                asked = frozenset(self._channels)
                await pubsub.subscribe("oms:bus", *asked)
                self._pubsub = pubsub
                # A channel that came during the round trip found no connection to be asked for on.
                if missed := self._channels - asked:
                    await pubsub.subscribe(*missed)
                if was_lost:
                    for channel in self._channels:
                        self._published.put_nowait(Event(channel, cast(Any, GAP)))
                backoff_s = BACKOFF_S_MIN
                await self._read(pubsub)
            except REDIS_LOST:
                was_lost = True
            finally:
                self._pubsub = None
                with contextlib.suppress(*REDIS_LOST):
                    await pubsub.aclose()  # type: ignore[no-untyped-call]
            for confirmed in self._confirmed.values():
                confirmed.clear()
            await asyncio.sleep(backoff_s * (1 + random.random()))
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    async def _read(self, pubsub: PubSub) -> None:
        is_asked = False
        while True:
            message = await pubsub.get_message(timeout=SILENCE_S)
            if message is None:
                # A way that broke unsaid is as silent as channels without news: ask, and take no answer for a loss.
                if is_asked:
                    raise TimeoutError("Redis does not answer on the connection of the subscriptions")
                await pubsub.ping()
                is_asked = True
                continue
            is_asked = False
            if message["type"] == "pong":
                continue
            channel = message["channel"].decode()
            if message["type"] == "subscribe":
                confirmed = self._confirmed.get(channel)
                if confirmed is not None:
                    confirmed.set()
            elif message["type"] == "message" and channel in self._channels:
                self._published.put_nowait(Event(channel, message["data"]))
