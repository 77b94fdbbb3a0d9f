"""The kinds of faults, how each is done, and the seeded schedule of a campaign."""

import asyncio
import contextlib
import itertools
import os
import random
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from redis.exceptions import RedisError

from tests.faults.proxy import Proxy, Side
from tests.faults.stage import Stage, flush_redis

# The connector holds an account for six seconds without a sign of its own life.
BEYOND_LEASE_S = 8.5
Act = Callable[[Stage, random.Random], Awaitable[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """A kind of fault. act does one and tells whether there was anything to do it to."""

    name: str
    act: Act
    is_short: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault at its place in the schedule; pause_s is waited before it."""

    number: int
    kind: FaultKind
    pause_s: float
    dice: random.Random


def schedule(seed: int, kinds: Sequence[FaultKind], pause_s: float) -> Iterator[Fault]:
    """Faults without end: every kind in turn, in an order that the seed shuffles anew each time."""
    dice = random.Random(f"{seed}/faults")
    deck: list[FaultKind] = []
    for number in itertools.count(1):
        if not deck:
            deck = list(kinds)
            dice.shuffle(deck)
        yield Fault(
            number=number,
            kind=deck.pop(),
            pause_s=dice.uniform(0.2, 2 * pause_s),
            dice=random.Random(f"{seed}/fault/{number}"),
        )


def _kill(service: str) -> Act:
    async def act(stage: Stage, dice: random.Random) -> bool:
        return _signal(stage.pids(service), dice, signal.SIGKILL)

    return act


def _freeze(service: str, seconds: float) -> Act:
    async def act(stage: Stage, dice: random.Random) -> bool:
        pids = stage.pids(service)
        return await _frozen([dice.choice(pids)] if pids else [], seconds)

    return act


async def _kill_postmaster(stage: Stage, _: random.Random) -> bool:
    pid = stage.postmaster()
    return _signal([pid] if pid else [], random.Random(0), signal.SIGKILL)


async def _kill_backend(stage: Stage, dice: random.Random) -> bool:
    return _signal(stage.backends(), dice, signal.SIGKILL)


async def _freeze_postgres(stage: Stage, dice: random.Random) -> bool:
    return await _frozen(stage.backends(), dice.uniform(1, 3))


async def _kill_redis(stage: Stage, _: random.Random) -> bool:
    pid = stage.redis_server()
    return _signal([pid] if pid else [], random.Random(0), signal.SIGKILL)


async def _freeze_redis(stage: Stage, dice: random.Random) -> bool:
    pid = stage.redis_server()
    return await _frozen([pid] if pid else [], dice.uniform(2, 5))


async def _flush_redis(stage: Stage, _: random.Random) -> bool:
    try:
        await flush_redis(stage)
    except (OSError, RedisError):
        return False
    return True


def _gateway(break_it: Callable[[Proxy, random.Random], Awaitable[None]]) -> Act:
    async def act(stage: Stage, dice: random.Random) -> bool:
        return await _broken(dice.choice(stage.accounts).gateway, break_it, dice)

    return act


def _database(break_it: Callable[[Proxy, random.Random], Awaitable[None]]) -> Act:
    async def act(stage: Stage, dice: random.Random) -> bool:
        return await _broken(stage.database_wire, break_it, dice)

    return act


def _redis(break_it: Callable[[Proxy, random.Random], Awaitable[None]]) -> Act:
    async def act(stage: Stage, dice: random.Random) -> bool:
        return await _broken(stage.redis_wire, break_it, dice)

    return act


async def _reset(proxy: Proxy, _: random.Random) -> None:
    proxy.reset()


async def _reset_after(proxy: Proxy, dice: random.Random) -> None:
    await proxy.reset_after(dice.randint(100, 20_000), dice.uniform(1, 3))


async def _half_open(proxy: Proxy, dice: random.Random) -> None:
    await proxy.half_open(dice.choice(list(Side)), dice.uniform(2, 8))


async def _stall(proxy: Proxy, dice: random.Random) -> None:
    await proxy.stall(dice.uniform(1, 7))


async def _delay(proxy: Proxy, dice: random.Random) -> None:
    await proxy.delay(dice.uniform(0.01, 0.2), dice.uniform(2, 5))


KINDS: tuple[FaultKind, ...] = (
    FaultKind(name="kill -9 a web process", act=_kill("serve"), is_short=True),
    FaultKind(name="kill -9 a connector", act=_kill("connector"), is_short=True),
    FaultKind(name="kill -9 a relay", act=_kill("relay"), is_short=True),
    FaultKind(name="kill -9 a worker", act=_kill("worker")),
    FaultKind(name="kill -9 a simulator", act=_kill("simulator"), is_short=True),
    FaultKind(name="kill -9 PostgreSQL", act=_kill_postmaster, is_short=True),
    FaultKind(name="kill -9 a PostgreSQL backend", act=_kill_backend),
    FaultKind(name="kill -9 Redis", act=_kill_redis, is_short=True),
    FaultKind(name="FLUSHALL", act=_flush_redis, is_short=True),
    FaultKind(name="freeze a web process", act=_freeze("serve", 3)),
    FaultKind(name="freeze a connector beyond its lease", act=_freeze("connector", BEYOND_LEASE_S), is_short=True),
    FaultKind(name="freeze a relay", act=_freeze("relay", 3)),
    FaultKind(name="freeze a simulator", act=_freeze("simulator", 6)),
    FaultKind(name="freeze PostgreSQL's backends", act=_freeze_postgres),
    FaultKind(name="freeze Redis", act=_freeze_redis),
    FaultKind(name="gateway socket: reset", act=_gateway(_reset)),
    FaultKind(name="gateway socket: reset within a message", act=_gateway(_reset_after), is_short=True),
    FaultKind(name="gateway socket: half-open", act=_gateway(_half_open)),
    FaultKind(name="gateway socket: stall", act=_gateway(_stall)),
    FaultKind(name="gateway socket: delay", act=_gateway(_delay)),
    FaultKind(name="PostgreSQL socket: reset", act=_database(_reset)),
    FaultKind(name="PostgreSQL socket: reset within a message", act=_database(_reset_after), is_short=True),
    FaultKind(name="PostgreSQL socket: half-open", act=_database(_half_open)),
    FaultKind(name="PostgreSQL socket: stall", act=_database(_stall)),
    FaultKind(name="Redis socket: reset within a message", act=_redis(_reset_after)),
    FaultKind(name="Redis socket: half-open", act=_redis(_half_open)),
    FaultKind(name="Redis socket: stall", act=_redis(_stall)),
)


def _signal(pids: Sequence[int], dice: random.Random, number: signal.Signals) -> bool:
    if not pids:
        return False
    try:
        os.kill(dice.choice(list(pids)), number)
    except ProcessLookupError:
        return False
    return True


async def _frozen(pids: Sequence[int], seconds: float) -> bool:
    frozen = []
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            frozen.append(pid)
    try:
        await asyncio.sleep(seconds)
    finally:
        for pid in frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    return bool(frozen)


async def _broken(
    proxy: Proxy, break_it: Callable[[Proxy, random.Random], Awaitable[None]], dice: random.Random
) -> bool:
    if not proxy.wires:
        return False
    await break_it(proxy, dice)
    return True
