"""Rate limits over all processes: GCRA in Redis, of which each process takes small slices ahead.

Asked for by each request, Redis would cost each request a round trip. Instead a process takes units ahead in slices: as
many as the requests that wait now need, and three quarters of what was spent in the window before (a quarter of a
second), at most a sixteenth of the burst. Whoever finds enough in the slice goes on at once; whoever does not waits for
one script call, together with all who came meanwhile, over all their limits. A slice lasts one window, counted from
before it was asked for; what is left of it then is not spent any more.

Why the limit still holds within one burst, however many processes there are: the script gives out what GCRA allows, by
Redis's own clock, and a slice is paid for when it is taken. So what all slices hold at an instant left the bucket
within the window before it, and in that window no more than the window's share of the rate flowed back: bucket and
slices together never hold more than burst + units_per_s * window. Over any t seconds no more is spent than that and
what flows back within: burst + units_per_s * (t + window). The excess over GCRA is a quarter of a second of the rate,
with the default burst of ten seconds a fortieth of one burst. (Those whom a slow answer kept waiting are served by it:
the window is longer then, by TIMEOUT_S at most.)

What a slice did not spend is given back with the next call, less what has flowed back since it was taken: the bucket
would hold that much more at the least, had it never been taken, so the bound stands. What is lost with a process or an
answer was paid for, which errs on the safe side. FLUSHALL fills every bucket once.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from app.core.gcra import Bucket, Limit, Standing
from app.infra.batching import Batcher
from app.infra.redis import REDIS_LOST, Redis
from app.infra.sharing import end_task

WINDOW_S: Final = 0.25
AHEAD_OF_BURST: Final = 16
TIMEOUT_S: Final = 1.0
PROBE_EVERY_S: Final = 1.0
BELIEVED_EMPTY_S: Final = 1.0
KNOWN_MAX: Final = 20_000
_log = logging.getLogger("oms.rates")

# KEYS are buckets; of each: units needed, wished for and given back, microseconds a unit takes, the burst. What is
# stored is the instant at which the bucket will be full. Answers of each: units given, units left, microseconds until
# it is full.
_SCRIPT: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local answer = {}
for place, key in ipairs(KEYS) do
  local first = (place - 1) * 4
  local wished, returned = tonumber(ARGV[first + 1]), tonumber(ARGV[first + 2])
  local interval, burst = tonumber(ARGV[first + 3]), tonumber(ARGV[first + 4])
  local full_at = tonumber(redis.call('GET', key) or '0') - returned * interval
  if full_at < now then full_at = now end
  local left = math.max(0, math.floor((now - full_at) / interval + burst + 0.001))
  local given = math.min(wished, left)
  full_at = full_at + given * interval
  if full_at > now then
    redis.call('SET', key, string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
  else
    redis.call('DEL', key)
  end
  answer[#answer + 1] = given
  answer[#answer + 1] = left - given
  answer[#answer + 1] = math.floor(full_at - now)
end
return answer
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What one limit is asked for: units of the bucket of a key, such as "tenant:…"; units are at least 1."""

    key: str
    limit: Limit
    units: int


class _Slice:
    """What this process holds of a bucket, and what it last heard of the rest."""

    __slots__ = ("before", "began", "ends_at", "full_in_s", "heard_at", "left", "spent", "units")

    def __init__(self) -> None:
        self.units = 0
        self.ends_at = 0.0
        self.left = 0
        self.full_in_s = 0.0
        self.heard_at = -math.inf
        # What was spent in the window that began then, and in the one before it.
        self.began = -math.inf
        self.spent = 0
        self.before = 0

    def held(self, now: float) -> int:
        return self.units if now < self.ends_at else 0

    def spend(self, units: int, now: float) -> None:
        self.units -= units
        self._turn(now)
        self.spent += units

    def ahead(self, limit: Limit, now: float) -> int:
        self._turn(now)
        # Not all that is expected: then it is spent before it ends, and who keeps a limit exactly is not overcharged.
        return min(max(self.before, self.spent) * 3 // 4, limit.burst // AHEAD_OF_BURST)

    def give_back(self, limit: Limit, now: float) -> int:
        flowed_back = (now - self.ends_at + WINDOW_S) * limit.units_per_s
        unspent, self.units = self.units, 0
        return max(0, math.floor(unspent - flowed_back))

    def believed(self, limit: Limit, now: float) -> float:
        # At least what the bucket holds, unless others give back; infinite where nothing was heard of it lately.
        if now - self.heard_at > BELIEVED_EMPTY_S:
            return math.inf
        return self.left + (now - self.heard_at) * limit.units_per_s

    def _turn(self, now: float) -> None:
        passed = now - self.began
        if passed >= WINDOW_S:
            self.before = self.spent if passed < 2 * WINDOW_S else 0
            self.spent = 0
            self.began = now


class RateLimiter:
    """Charges limits that all processes on the Redis share.

    While Redis is away, each process limits by itself what does not open: then the bound holds in each process, not
    over all of them. Nobody waits for Redis again before a probe beside them has found it.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        timeout_s: float = TIMEOUT_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = redis
        self._timeout_s = timeout_s
        self._monotonic = monotonic
        self._script = redis.client.register_script(_SCRIPT)
        self._slices: OrderedDict[str, _Slice] = OrderedDict()
        self._locals: OrderedDict[str, Bucket] = OrderedDict()
        self._probe: asyncio.Task[None] | None = None
        self._batcher: Batcher[tuple[Sequence[Charge], bool], Standing | None] = Batcher(self._settle)
        self.calls = 0
        """How often Redis was asked."""

    async def __aenter__(self) -> Self:
        with contextlib.suppress(*REDIS_LOST):
            await self._redis.client.script_load(_SCRIPT)
        await self._batcher.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._batcher.__aexit__(kind, error, trace)
        if self._probe is not None:
            await end_task(self._probe)

    async def charge(self, charges: Sequence[Charge], *, opens: bool) -> Standing | None:
        """How the tightest limit stands after all were charged; where one refuses, none was.

        None without charges, and while Redis is away where `opens`. Units beyond a burst count as the burst.
        """
        if not charges:
            return None
        now = self._monotonic()
        if self._is_alone:
            return None if opens else self._locally(charges, now)
        standing = self._from_slices(charges, now)
        if standing is not None:
            return standing
        return await self._batcher.submit((charges, opens))

    @property
    def _is_alone(self) -> bool:
        return self._probe is not None and not self._probe.done()

    async def _until_found(self) -> None:
        while True:
            await asyncio.sleep(PROBE_EVERY_S)
            with contextlib.suppress(*REDIS_LOST):
                async with asyncio.timeout(self._timeout_s):
                    await self._redis.ping()
                return

    def _from_slices(self, charges: Sequence[Charge], now: float) -> Standing | None:
        """The standing where the slices tell it: enough is held, or too little is there; None where Redis must tell."""
        is_known = True
        for one in charges:
            held = self._slice(one.key)
            units = min(one.units, one.limit.burst)
            if (lacking := units - held.held(now)) > 0:
                is_known = False
                believed = held.believed(one.limit, now)
                if believed < lacking:
                    return _refusal(one, held, (lacking - believed) * one.limit.interval_s)
        if not is_known:
            return None
        for one in charges:
            self._slice(one.key).spend(min(one.units, one.limit.burst), now)
        return self._tightest(charges, now)

    def _tightest(self, charges: Sequence[Charge], now: float) -> Standing:
        found: Standing | None = None
        for one in charges:
            held = self._slice(one.key)
            believed = held.believed(one.limit, now)
            remaining = min(one.limit.burst, int(held.held(now) + (held.left if math.isinf(believed) else believed)))
            if found is None or remaining * found.limit.burst < found.remaining * one.limit.burst:
                full_in_s = (one.limit.burst - remaining) * one.limit.interval_s
                found = Standing(key=one.key, limit=one.limit, remaining=remaining, full_in_s=full_in_s)
        assert found is not None, "there are charges"
        return found

    async def _settle(self, batch: Sequence[tuple[Sequence[Charge], bool]]) -> list[Standing | None]:
        now = self._monotonic()
        if not self._is_alone:
            try:
                await self._take_ahead([one for charges, _ in batch for one in charges], now)
            except REDIS_LOST as error:
                # The values of statements are in no message of Redis's; its address may be.
                _log.warning("Redis does not answer (%s): limits are each process's own", type(error).__name__)
                self._probe = asyncio.create_task(self._until_found(), name="rates: Redis")
        return [self._settled(charges, opens, now) for charges, opens in batch]

    def _settled(self, charges: Sequence[Charge], opens: bool, asked_at: float) -> Standing | None:
        if self._is_alone:
            return None if opens else self._locally(charges, asked_at)
        # As of when it was asked: a slice that ended on its way still serves those who waited for it.
        standing = self._from_slices(charges, asked_at)
        assert standing is not None, "what was needed was given, or what is left is known to be too little"
        return standing

    async def _take_ahead(self, charges: Sequence[Charge], now: float) -> None:
        needed: dict[str, int] = {}
        limits: dict[str, Limit] = {}
        for one in charges:
            needed[one.key] = needed.get(one.key, 0) + min(one.units, one.limit.burst)
            limits[one.key] = one.limit
        arguments: list[float] = []
        for key, limit in limits.items():
            held = self._slice(key)
            returned = held.give_back(limit, now)
            wished = needed[key] + held.ahead(limit, now)
            arguments += [wished, returned, limit.interval_s * 1_000_000, limit.burst]
        self.calls += 1
        async with asyncio.timeout(self._timeout_s):
            answer = await self._script(
                keys=[f"{self._redis.prefix}rate:{key}" for key in limits], args=[repr(one) for one in arguments]
            )
        for place, key in enumerate(limits):
            held = self._slice(key)
            held.units, held.left, full_in_us = answer[3 * place : 3 * place + 3]
            held.full_in_s = full_in_us / 1_000_000
            held.ends_at = now + WINDOW_S
            held.heard_at = now

    def _locally(self, charges: Sequence[Charge], now: float) -> Standing | None:
        # Of several limits all give, or none does.
        buckets: list[Bucket] = []
        for one in charges:
            bucket = self._locals.setdefault(one.key, Bucket())
            self._locals.move_to_end(one.key)
            wait = bucket.wait_s(one.limit, min(one.units, one.limit.burst), now)
            if wait > 0:
                return Standing(key=one.key, limit=one.limit, remaining=0, full_in_s=wait, wait_s=wait)
            buckets.append(bucket)
        for one, bucket in zip(charges, buckets, strict=True):
            bucket.take(one.limit, min(one.units, one.limit.burst), now)
        while len(self._locals) > KNOWN_MAX:
            self._locals.popitem(last=False)
        return None

    def _slice(self, key: str) -> _Slice:
        held = self._slices.get(key)
        if held is None:
            held = self._slices[key] = _Slice()
            if len(self._slices) > KNOWN_MAX:
                self._slices.popitem(last=False)
        else:
            self._slices.move_to_end(key)
        return held


def _refusal(charge: Charge, held: _Slice, wait_s: float) -> Standing:
    return Standing(key=charge.key, limit=charge.limit, remaining=0, full_in_s=held.full_in_s, wait_s=wait_s)
