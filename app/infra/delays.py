"""Growing delays for those who try and fail: counted in Redis for all processes, in this one while Redis is away."""

import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final

from app.core.clock import Clock
from app.infra.redis import REDIS_LOST, Redis

LOCAL_MAX: Final = 20_000
AWAY_S: Final = 2.0
_DOUBLINGS_MAX: Final = 30
_log = logging.getLogger("oms.door")

# A try counts before it is known how it ends, so that a thousand at once are no more than a thousand one by one.
_ENTER: Final = """
local now, wait = tonumber(ARGV[1]), 0
for _, key in ipairs(KEYS) do
  wait = math.max(wait, tonumber(redis.call('HGET', key, 'until') or '0') - now)
end
if wait > 0 then return wait end
for place, key in ipairs(KEYS) do
  local free, first, most, kept = unpack(ARGV, place * 4 - 2, place * 4 + 1)
  local over = redis.call('HINCRBY', key, 'tries', 1) - tonumber(free)
  if over >= 0 then
    local delay = math.min(tonumber(most), tonumber(first) * 2 ^ math.min(over, 30))
    redis.call('HSET', key, 'until', string.format('%d', now + delay))
  end
  redis.call('PEXPIRE', key, kept)
end
return 0
"""
_TAKE_BACK: Final = """
for place, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then
    local left = redis.call('HINCRBY', key, 'tries', -1)
    if left <= 0 then redis.call('DEL', key)
    elseif left < tonumber(ARGV[place]) then redis.call('HDEL', key, 'until') end
  end
end
return 0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayRule:
    """After `free` tries each further one waits: first, then twice as long, and so on up to most.

    What was counted is forgotten when nothing was tried for `kept`, which is longer than most.
    """

    free: int
    first: timedelta = timedelta(seconds=1)
    most: timedelta = timedelta(minutes=15)
    kept: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Whose tries are counted together, by which rule. The subject is stored as a hash."""

    subject: str
    rule: DelayRule

    @property
    def key(self) -> str:
        """The name of the count."""
        return _key("tries", self.subject)


@dataclass(slots=True)
class _Count:
    tries: int
    until: float
    forgotten_at: float


class Delays:
    """Counts tries, and remembers who succeeded. redis None counts in this process alone."""

    def __init__(self, redis: Redis | None, clock: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._clock = clock
        self._local: OrderedDict[str, _Count] = OrderedDict()
        self._is_redis_up = True
        self._monotonic = monotonic
        self._away_until = 0.0

    async def enter(self, counted: Sequence[Counted]) -> int:
        """0, and the try counts for each; or the seconds, rounded up, until another may be made: then none counts."""
        now = _milliseconds(self._clock.now())
        rules = [
            figure
            for one in counted
            for figure in (
                one.rule.free,
                _figure(one.rule.first),
                _figure(one.rule.most),
                _figure(one.rule.kept),
            )
        ]
        answer = await self._ask(_ENTER, [one.key for one in counted], now, *rules)
        wait = self._enter_locally(counted, now) if answer is None else float(answer)
        return ceil(wait / 1000)

    async def take_back(self, counted: Sequence[Counted]) -> None:
        """Takes one try of each back, for it was none; a delay that it had caused ends."""
        keys = [one.key for one in counted]
        if await self._ask(_TAKE_BACK, keys, *(one.rule.free for one in counted)) is None:
            for one in counted:
                found = self._local.get(one.key)
                if found is None:
                    continue
                found.tries -= 1
                if found.tries <= 0:
                    del self._local[one.key]
                elif found.tries < one.rule.free:
                    found.until = 0

    async def forget(self, counted: Sequence[Counted]) -> None:
        """Makes as if none of them had ever tried."""
        keys = [one.key for one in counted]
        for key in keys:
            self._local.pop(key, None)
        await self._ask("return redis.call('DEL', unpack(KEYS))", keys)

    async def remember(self, subject: str, life: timedelta) -> None:
        """Remembers that the subject succeeded."""
        key = _key("known", subject)
        if await self._ask("redis.call('SET', KEYS[1], '1', 'PX', ARGV[1]) return 1", [key], _figure(life)) is None:
            self._keep(key, _Count(tries=1, until=0, forgotten_at=_milliseconds(self._clock.now()) + _figure(life)))

    async def remembers(self, subject: str) -> bool:
        """True when the subject succeeded within its life."""
        key = _key("known", subject)
        answer = await self._ask("return redis.call('EXISTS', KEYS[1])", [key])
        if answer is None:
            found = self._local.get(key)
            return found is not None and found.forgotten_at > _milliseconds(self._clock.now())
        return bool(answer)

    async def _ask(self, script: str, keys: Sequence[str], *arguments: int) -> Any:
        if self._redis is None or not keys or self._monotonic() < self._away_until:
            return None
        try:
            named = [self._redis.prefix + key for key in keys]
            answer = await self._redis.client.eval(script, len(named), *named, *map(str, arguments))
        except REDIS_LOST as error:
            if self._is_redis_up:
                _log.error("Redis is away: tries are counted in this process alone (%s)", type(error).__name__)
            # Whoever waits for a server that hangs waits once, not at every count.
            self._is_redis_up, self._away_until = False, self._monotonic() + AWAY_S
            return None
        self._is_redis_up = True
        return answer

    def _enter_locally(self, counted: Sequence[Counted], now: int) -> float:
        counts = []
        for one in counted:
            found = self._local.get(one.key)
            if found is None or found.forgotten_at <= now:
                found = _Count(tries=0, until=0, forgotten_at=0)
            counts.append(found)
        wait = max((found.until - now for found in counts), default=0.0)
        if wait > 0:
            return wait
        for one, found in zip(counted, counts, strict=True):
            found.tries += 1
            over = found.tries - one.rule.free
            if over >= 0:
                delay = _figure(one.rule.first) * 2 ** min(over, _DOUBLINGS_MAX)
                found.until = now + min(_figure(one.rule.most), delay)
            found.forgotten_at = now + _figure(one.rule.kept)
            self._keep(one.key, found)
        return 0.0

    def _keep(self, key: str, count: _Count) -> None:
        self._local[key] = count
        self._local.move_to_end(key)
        while len(self._local) > LOCAL_MAX:
            self._local.popitem(last=False)


def _key(kind: str, subject: str) -> str:
    # What people type by mistake into the field of the address is not kept as they typed it.
    return f"door:{kind}:{hashlib.sha256(subject.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _figure(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)
