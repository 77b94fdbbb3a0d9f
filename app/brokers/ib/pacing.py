"""The pace of a gateway: one rolling window for all messages, the urgent ones first, and fair within a priority."""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from app.brokers.vitals import PacePriority, PaceQueue, PaceUse

INTERVAL_S = 1.0
MARGIN_S = 0.1
"""The way to the gateway takes now more, now less time: what leaves at the edge of a second may arrive within it."""

CANCEL_RESERVE = 10
ORDER_RESERVE = 15
PATIENCE_S = 0.5
DUE_MAX = 5
"""Of the tokens that are kept back for orders, how many of a second go to a synchronisation or a what-if that waited
longer than PATIENCE_S: a press of orders would starve them, and the silence of the first ends the session."""

WAITS_KEPT_S = 10.0
"""How long it is remembered at least how long a message waited."""


class Priority(IntEnum):
    """Who goes first. CANCEL may also use the tokens that are kept back from all others, MODIFY and NEW those that are
    kept back from what follows them."""

    CANCEL = 0
    MODIFY = 1
    NEW = 2
    SYNC = 3
    WHAT_IF = 4
    MARKET_DATA = 5
    HISTORY = 6


_NOT_STARVED = frozenset({Priority.SYNC, Priority.WHAT_IF})


class RollingWindow:
    """Counts what was sent within the last second. `limit` None: no bound."""

    def __init__(self, limit: int | None, interval_s: float = INTERVAL_S) -> None:
        self._limit = limit
        self._interval_s = interval_s
        self._sent: deque[float] = deque()

    def free(self, now: float, reserve: int = 0) -> int:
        """How many may be sent now, when `reserve` of them are kept back."""
        if self._limit is None:
            return UNBOUNDED
        self._forget(now)
        return max(self._limit - reserve - len(self._sent), 0)

    def take(self, now: float) -> None:
        """Count one that is sent now."""
        if self._limit is not None:
            self._sent.append(now)

    def used(self, now: float) -> int:
        """How many were sent within the last second; of what has no bound nobody counts."""
        return sum(now - at < INTERVAL_S for at in self._sent)

    def free_at(self, now: float, reserve: int = 0) -> float:
        """The moment from which at least one more may be sent."""
        if self._limit is None or self.free(now, reserve) > 0:
            return now
        oldest_to_leave = len(self._sent) - (self._limit - reserve)
        return self._sent[oldest_to_leave] + self._interval_s

    def _forget(self, now: float) -> None:
        # A message counts until a whole interval has passed, at whichever instant the gateway's own window begins.
        while self._sent and now - self._sent[0] >= self._interval_s:
            self._sent.popleft()


UNBOUNDED = 1_000_000


class Timer(Protocol):
    """A call that will be made later."""

    def cancel(self) -> None:
        """Do not make it."""
        ...


class Scheduler(Protocol):
    """Monotonic time in seconds, and calls at a time: an event loop is one."""

    def time(self) -> float:
        """Now."""
        ...

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Call back at that moment."""
        ...


@dataclass(slots=True, kw_only=True)
class _Message:
    write: Callable[[], None]
    owner: Hashable
    key: Hashable | None
    since: float


class _LongestWait:
    """The longest wait of the last ten to twenty seconds."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._longest = self._before = 0.0

    def note(self, now: float, waited_s: float) -> None:
        if now - self._since >= WAITS_KEPT_S:
            self._turn(now)
        if waited_s > self._longest:
            self._longest = waited_s

    def longest(self, now: float) -> float:
        if now - self._since >= WAITS_KEPT_S:
            self._turn(now)
        return max(self._longest, self._before)

    def _turn(self, now: float) -> None:
        self._before = self._longest if now - self._since < 2 * WAITS_KEPT_S else 0.0
        self._longest, self._since = 0.0, now


class Pacer:
    """Lets messages through to one gateway, so that no second ever holds more than its limit, nor does it there.

    A message goes at once when the window allows and nothing as urgent waits; else it waits in its priority's queue,
    where the groups (tenants) take turns. Of two waiting messages with the same key the newer takes the older's place.
    """

    def __init__(self, limit: int | None, scheduler: Scheduler) -> None:
        self._limit = limit
        self._window = RollingWindow(limit, INTERVAL_S + MARGIN_S)
        # A limit too small to keep ten back still keeps a quarter for cancels.
        self._reserve = 0 if limit is None else min(CANCEL_RESERVE, limit // 4)
        # New orders wait in their lanes, not here: without room of their own what waits here would always be first.
        self._order_reserve = 0 if limit is None else min(ORDER_RESERVE, limit // 3)
        self._due = RollingWindow(None if limit is None else min(DUE_MAX, max(limit // 8, 1)), INTERVAL_S + MARGIN_S)
        self._scheduler = scheduler
        self._queues: dict[Priority, OrderedDict[Hashable, deque[_Message]]] = {p: OrderedDict() for p in Priority}
        self._timer: Timer | None = None
        self._written = 0
        self._waits = _LongestWait(scheduler.time())
        self._counted = (scheduler.time(), 0)

    def use(self) -> PaceUse:
        """How much of the pace is used now, and what waits for it."""
        now = self._scheduler.time()
        return PaceUse(
            used=self._window.used(now) if self._limit is not None else self._rate(now),
            limit=self._limit,
            queues=tuple(
                PaceQueue(
                    priority=PacePriority[priority.name],
                    waiting=sum(len(queue) for queue in groups.values()),
                    longest_s=round(now - min(queue[0].since for queue in groups.values()), 3),
                )
                for priority, groups in self._queues.items()
                if groups
            ),
            longest_wait_s=round(self._waits.longest(now), 3),
        )

    def capacity(self, priority: Priority) -> int:
        """How many messages of this priority would go at once."""
        if any(self._queues[other] for other in Priority if other <= priority):
            return 0
        return self._window.free(self._scheduler.time(), self._reserve_for(priority))

    def waiting(self) -> int:
        """How many messages wait."""
        return sum(len(queue) for groups in self._queues.values() for queue in groups.values())

    def submit(
        self,
        priority: Priority,
        write: Callable[[], None],
        *,
        owner: Hashable,
        group: Hashable = None,
        key: Hashable | None = None,
    ) -> None:
        """Write now or as soon as the pace allows. `owner` is the session that `forget` will name."""
        queue = self._queues[priority].setdefault(group, deque())
        if key is not None:
            for waiting in queue:
                if waiting.key == key and waiting.owner == owner:
                    waiting.write = write
                    return
        queue.append(_Message(write=write, owner=owner, key=key, since=self._scheduler.time()))
        self._drain()

    def forget(self, owner: Hashable, *, key: Hashable | None = None) -> int:
        """Drop what a session still has waiting, for it ended, or its message with the key. How many were dropped."""
        dropped = 0
        for groups in self._queues.values():
            for group, queue in list(groups.items()):
                kept = deque(one for one in queue if one.owner != owner or (key is not None and one.key != key))
                dropped += len(queue) - len(kept)
                if kept:
                    groups[group] = kept
                else:
                    del groups[group]
        return dropped

    def _rate(self, now: float) -> int:
        since, written = self._counted
        if now - since < INTERVAL_S:
            return round((self._written - written) / INTERVAL_S)
        self._counted = now, self._written
        return round((self._written - written) / (now - since))

    def _reserve_for(self, priority: Priority) -> int:
        if priority is Priority.CANCEL:
            return 0
        return self._reserve if priority <= Priority.NEW else self._reserve + self._order_reserve

    def _drain(self) -> None:
        for priority in Priority:
            groups = self._queues[priority]
            while groups:
                now = self._scheduler.time()
                group, queue = next(iter(groups.items()))
                goes_at = self._goes_at(priority, queue[0], now)
                if goes_at > now:
                    self._wake_at(goes_at)
                    return
                if self._window.free(now, self._reserve_for(priority)) == 0:
                    self._due.take(now)
                message = queue.popleft()
                groups.move_to_end(group)
                if not queue:
                    del groups[group]
                self._window.take(now)
                self._written += 1
                self._waits.note(now, now - message.since)
                message.write()

    def _goes_at(self, priority: Priority, message: _Message, now: float) -> float:
        in_turn = self._window.free_at(now, self._reserve_for(priority))
        if priority not in _NOT_STARVED or in_turn <= now:
            return in_turn
        is_due_at = max(message.since + PATIENCE_S, self._due.free_at(now), self._window.free_at(now, self._reserve))
        return min(in_turn, is_due_at)

    def _wake_at(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._scheduler.call_at(moment, self._woken)

    def _woken(self) -> None:
        self._timer = None
        self._drain()
