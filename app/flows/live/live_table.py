"""A live table: what changed in a window is loaded once and handed to all who follow the same rows."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Generic, Protocol, TypeVar
from uuid import UUID

from app.core.clock import Clock
from app.core.errors import InputError, OmsError, UnavailableError
from app.core.ids import TenantId
from app.flows.desk import Desk
from app.infra.outages import known_as
from app.infra.sharing import end_task

log = logging.getLogger(__name__)

HEARTBEAT_S: Final = 5.0
THROTTLE_MS_MIN: Final = 50
THROTTLE_MS_MAX: Final = 5_000
# Rows of one batch: few enough that making an answer of them keeps nobody else waiting.
ROWS_MAX: Final = 100
REMOVED_MAX: Final = 1_000
# What a follower may be behind before it is told that it missed something.
DELTAS_MAX: Final = 256
# Fewer than DELTAS_MAX batches of ROWS_MAX.
CHANGED_MAX: Final = 20_000
# Different filters and windows that a tenant may follow at once in a process: each costs a query a window.
TABLES_MAX: Final = 200
# What may change in a window before the table is read anew.
DIRTY_MAX: Final = 20_000


class LiveTablesTooManyError(OmsError):
    """The tenant follows more different live tables than one process keeps."""

    code = "LIVE_TABLES_TOO_MANY"
    is_retryable = True

    def __init__(self) -> None:
        super().__init__(
            f"At most {TABLES_MAX} different live tables at once: use the same filter and window.", limit=TABLES_MAX
        )


class BatchKind(StrEnum):
    """What a batch of a live table is."""

    SNAPSHOT = "SNAPSHOT"
    DELTA = "DELTA"
    HEARTBEAT = "HEARTBEAT"
    RESET = "RESET"


class Row(Protocol):
    """A row of a live table."""

    @property
    def id(self) -> UUID:
        """Its id."""


RowT = TypeVar("RowT", bound=Row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes(Generic[RowT]):
    """Rows as they stand now, and the ids of those that are gone. All followers of a table get the same object."""

    server_time: datetime
    upserts: tuple[RowT, ...] = ()
    removed_ids: tuple[UUID, ...] = ()
    answers: dict[Hashable, Any] = field(default_factory=dict)
    """What the face has made of it, for each selection once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableUpdate(Generic[RowT]):
    """One batch of a live table, numbered from 1; has_more tells of a snapshot that goes on in the next batch."""

    kind: BatchKind
    sequence: int
    changes: Changes[RowT]
    has_more: bool = False


class Follower(Generic[RowT]):
    """What one follower has not read yet, bounded: while it reads a snapshot the ids that changed, then the deltas."""

    def __init__(self) -> None:
        self.changed: set[UUID] = set()
        self.deltas: deque[Changes[RowT]] = deque()
        self.is_live = False
        self.is_lost = False
        self._news = asyncio.Event()
        self._waits_since = 0.0
        self._beat: asyncio.TimerHandle | None = None

    def put(self, changes: Changes[RowT]) -> None:
        """Takes what changed; too much of it is forgotten, and the follower told so."""
        if self.is_lost:
            return
        if self.is_live:
            self.deltas.append(changes)
        else:
            self.changed.update(row.id for row in changes.upserts)
            self.changed.update(changes.removed_ids)
        if len(self.deltas) > DELTAS_MAX or len(self.changed) > CHANGED_MAX:
            self.lose()
        self._news.set()

    def lose(self) -> None:
        """Forgets what was not read: the follower reads the table anew."""
        self.changed.clear()
        self.deltas.clear()
        self.is_lost = True
        self._news.set()

    def begin_again(self) -> None:
        """Gathers what changes from now on."""
        self.changed.clear()
        self.deltas.clear()
        self.is_live = self.is_lost = False

    async def next(self, patience_s: float) -> Changes[RowT] | None:
        """The next delta; None when nothing came for so long, or when the follower is lost."""
        if not self.deltas and not self.is_lost:
            loop = asyncio.get_running_loop()
            self._waits_since = loop.time()
            if self._beat is None:
                self._beat = loop.call_later(patience_s, self._end_wait, patience_s)
            self._news.clear()
            await self._news.wait()
        return self.deltas.popleft() if self.deltas else None

    def leave(self) -> None:
        """Waits no more."""
        if self._beat is not None:
            self._beat.cancel()

    def _end_wait(self, patience_s: float) -> None:
        # One timer for many waits: it goes on for as long as the newest wait has left.
        loop = asyncio.get_running_loop()
        left = self._waits_since + patience_s - loop.time()
        if left > 0:
            self._beat = loop.call_later(left, self._end_wait, patience_s)
        else:
            self._beat = None
            self._news.set()


class LiveTable(ABC, Generic[RowT]):
    """Rows that several follow. Subclasses know where changes are heard and how rows are read.

    What is read and what is handed out go in turn, so that nobody sees an older row after a newer one.
    """

    def __init__(self, clock: Clock, window_s: float) -> None:
        self._clock = clock
        self._window_s = window_s
        self._followers: set[Follower[RowT]] = set()
        self._turn = asyncio.Lock()
        self._is_dirty = asyncio.Event()
        self._is_broken = False

    @abstractmethod
    async def listen(self, stack: AsyncExitStack) -> Sequence[Coroutine[Any, Any, None]]:
        """Subscribes to what tells of changes, and returns what reads it for ever, calling `mark` or `lose`."""

    @abstractmethod
    async def page(self, after: UUID | None) -> tuple[Sequence[RowT], bool]:
        """At most ROWS_MAX of the rows behind an id in the table's order, and whether others follow."""

    @abstractmethod
    async def rows(self, ids: Sequence[UUID]) -> Sequence[RowT]:
        """Those of the rows that are in the table now."""

    @abstractmethod
    async def changes(self) -> tuple[Sequence[RowT], Sequence[UUID]]:
        """What has changed since the last call: rows as they stand, and ids of those that left the table."""

    def mark(self) -> None:
        """Something changed: the window begins."""
        self._is_dirty.set()

    def lose(self) -> None:
        """Changes were missed: every follower reads the table anew."""
        for follower in self._followers:
            follower.lose()

    def hand_out(self, rows: Sequence[RowT], removed_ids: Iterable[UUID]) -> None:
        """Gives changes to every follower: each gets the same objects."""
        for batch in self._batches(rows, removed_ids):
            for follower in self._followers:
                follower.put(batch)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["LiveTable[RowT]"]:
        """The table at work while the block lasts."""
        async with AsyncExitStack() as stack:
            works = [*await self.listen(stack), self._hand_out_forever()]
            for work in works:
                task = asyncio.create_task(self._guarded(work), name=type(self).__name__)
                stack.push_async_callback(end_task, task)
            yield self

    async def follow(self) -> AsyncIterator[TableUpdate[RowT]]:
        """SNAPSHOTs, then DELTAs, a HEARTBEAT after five quiet seconds; RESET and SNAPSHOTs when behind too far.

        Raises UnavailableError when the table hears no more of changes.
        """
        sequence = 0

        def update(kind: BatchKind, changes: Changes[RowT] | None = None, *, has_more: bool = False) -> Any:
            nonlocal sequence
            sequence += 1
            changes = changes or Changes(server_time=self._clock.now())
            return TableUpdate(kind=kind, sequence=sequence, changes=changes, has_more=has_more)

        follower: Follower[RowT] = Follower()
        self._followers.add(follower)
        try:
            while True:
                if self._is_broken:
                    raise UnavailableError("changes are not heard of at the moment: subscribe again")
                async for rows, has_more in self._snapshot():
                    changes = Changes(server_time=self._clock.now(), upserts=tuple(rows))
                    yield update(BatchKind.SNAPSHOT, changes, has_more=has_more)
                await self._go_live(follower)
                while not follower.is_lost:
                    news = await follower.next(HEARTBEAT_S)
                    if news is not None:
                        yield update(BatchKind.DELTA, news)
                    elif not follower.is_lost:
                        yield update(BatchKind.HEARTBEAT)
                follower.begin_again()
                yield update(BatchKind.RESET)
        finally:
            self._followers.discard(follower)
            follower.leave()

    async def _snapshot(self) -> AsyncIterator[tuple[Sequence[RowT], bool]]:
        after: UUID | None = None
        has_more = True
        while has_more:
            async with self._turn:
                rows, has_more = await self.page(after)
            yield rows, has_more
            after = rows[-1].id if rows else None

    async def _go_live(self, follower: Follower[RowT]) -> None:
        # What changed while the snapshot was read is read once more: it may be newer or older than its page.
        async with self._turn:
            ids = list(follower.changed)
            rows: list[RowT] = []
            for place in range(0, len(ids), REMOVED_MAX):
                rows.extend(await self.rows(ids[place : place + REMOVED_MAX]))
            if not follower.is_lost:
                follower.is_live = True
                follower.changed.clear()
                follower.deltas.extend(self._batches(rows, set(ids) - {row.id for row in rows}))

    async def _hand_out_forever(self) -> None:
        while True:
            await self._is_dirty.wait()
            await asyncio.sleep(self._window_s)
            self._is_dirty.clear()
            try:
                async with self._turn:
                    self.hand_out(*await self.changes())
            except Exception as error:
                if known_as(error) is None:
                    log.error("a live table was not read", exc_info=error)
                self.lose()

    def _batches(self, rows: Sequence[RowT], removed_ids: Iterable[UUID]) -> list[Changes[RowT]]:
        now, gone = self._clock.now(), sorted(removed_ids)
        batches = [
            Changes(server_time=now, upserts=tuple(rows[place : place + ROWS_MAX]))
            for place in range(0, len(rows), ROWS_MAX)
        ]
        batches += [
            Changes(server_time=now, removed_ids=tuple(gone[place : place + REMOVED_MAX]))
            for place in range(0, len(gone), REMOVED_MAX)
        ]
        return batches

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            log.error("a live table hears no more", exc_info=error)
            self._is_broken = True
            self.lose()


@dataclass(frozen=True, slots=True, kw_only=True)
class TableKey:
    """What tells one live table from another."""

    tenant_id: TenantId
    kind: str
    wanted: Hashable
    throttle_ms: int


async def follow_table(
    desk: Desk, key: TableKey, table: Callable[[], LiveTable[RowT]]
) -> AsyncIterator[TableUpdate[RowT]]:
    """The updates of the table of this key, which all who follow it share.

    Raises LiveTablesTooManyError.
    """
    known = desk.tables.keys
    if key not in known:
        others = sum(isinstance(one, TableKey) and one.tenant_id == key.tenant_id for one in known)
        if others >= TABLES_MAX:
            raise LiveTablesTooManyError
    async with desk.tables.use(key, lambda: table().running()) as running:
        async for update in running.follow():
            yield update


def window_s(throttle_ms: int) -> float:
    """The window in seconds. Raises InputError when it is out of range."""
    if not THROTTLE_MS_MIN <= throttle_ms <= THROTTLE_MS_MAX:
        raise InputError(f"needs {THROTTLE_MS_MIN} to {THROTTLE_MS_MAX}", path=["throttleMs"])
    return throttle_ms / 1000
