"""A campaign from its start to its verdict: stage, load, faults, rest, evidence, checks."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import asyncpg

from tests.faults.checks import Verdict, judge
from tests.faults.equality import Compared
from tests.faults.evidence import gather
from tests.faults.faults import KINDS, Fault, FaultKind, schedule
from tests.faults.followers import Follower
from tests.faults.load import Journal, Load, clients
from tests.faults.soak import Person, clear_all, compared
from tests.faults.stage import Stage, staged

OVERLAP_MAX = 2
RECOVER_S_MAX = 120.0
REST_S_MAX = 90.0
QUIET_S = 2.0
CANCELED_SHARE = 0.7
_PAUSE_S = 0.5

_INTERNAL = " failed at ["

_RESTLESS = """
SELECT (SELECT count(*) FROM orders WHERE state IN ('NEW', 'HELD', 'ROUTED', 'PENDING_CANCEL', 'PENDING_REPLACE')
          AND NOT in_doubt AND NOT (state = 'HELD' AND parent_id IS NOT NULL))
     + (SELECT count(*) FROM lane_commands) + (SELECT count(*) FROM outbox)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of everything, and for how long at most.

    soak_s is for how long there are faults, in place of how many; the books are compared then.
    """

    seed: int
    faults: int
    orders: int
    kinds: Sequence[FaultKind] = KINDS
    clients: int = 32
    accounts: int = 4
    client_pause_s: float = 0.6
    crowd_pause_s: float = 12.0
    fault_pause_s: float = 2.5
    seconds_max: float = 1_500.0
    overlap_max: int = OVERLAP_MAX
    soak_s: float | None = None


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a campaign did and found."""

    plan: Plan
    faults: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    orders: int = 0
    seconds: float = 0.0
    fire_ended_at: float = 0.0
    """Wall-clock time at which the clients were told to stop, in seconds since the epoch."""
    recovered: bool = False
    rested: bool = False
    internal_errors: int = 0
    journal: Journal
    verdict: Verdict | None = None
    settled: int = 0
    """Breaks that a person settled."""

    declared: int = 0
    """Of them, orders in doubt that the broker did not have, and whose end is the person's word."""
    compared: Compared | None = None

    @property
    def is_clean(self) -> bool:
        """Whether as much was done as was planned, no promise was broken, and no book differs."""
        return (
            self.verdict is not None
            and not self.verdict.violations
            and (self.plan.soak_s is None or (self.compared is not None and not self.compared.differences))
            and self.recovered
            and self.rested
            and self.faults.total() >= self.plan.faults
            and self.orders >= self.plan.orders
        )


async def campaign(plan: Plan, evidence: Path) -> Outcome:
    """Runs the plan; what it was like is kept in the folder."""
    begun = time.monotonic()
    async with AsyncExitStack() as stack:
        journal = Journal(stack.enter_context((evidence / "clients.jsonl").open("w")))
        outcome = Outcome(plan=plan, journal=journal)
        stage = await stack.enter_async_context(staged(evidence, accounts=plan.accounts))
        load = await stack.enter_async_context(clients(stage, journal, plan.seed))
        followers = [Follower(stage=stage, account_id=account.id) for account in stage.accounts]
        following = [asyncio.create_task(follower.follow()) for follower in followers]
        person = await _person(plan, stage, load)
        try:
            await _under_fire(plan, stage, load, outcome, person)
            outcome.recovered = await _recovered(plan, stage)
            await load.wind_down(CANCELED_SHARE)
            outcome.rested = await _rest(stage, followers)
            if person is not None:
                await person.settle_all()
                outcome.rested = await _rest(stage, followers) and outcome.rested
        finally:
            for task in following:
                task.cancel()
            ended = await asyncio.gather(*following, return_exceptions=True)
        for end in ended:
            if not isinstance(end, asyncio.CancelledError):
                raise AssertionError("a follower ended by itself") from end
        told = [follower.told() for follower in followers]
        found = await gather(stage, journal.asked, journal.answered, told)
        outcome.orders, outcome.seconds = load.orders, time.monotonic() - begun
        outcome.internal_errors = found.log.count(_INTERNAL)
        outcome.verdict = judge(found)
        if plan.soak_s is not None:
            outcome.compared = await compared(stage, found)
            outcome.settled = 0 if person is None else person.resolved
            outcome.declared = 0 if person is None else person.declared
    return outcome


async def _person(plan: Plan, stage: Stage, load: Load) -> Person | None:
    person = Person(stage=stage, http=load.http)
    return person if plan.soak_s is not None and await person.can_settle() else None


async def _recovered(plan: Plan, stage: Stage) -> bool:
    is_clear = plan.soak_s is None or await clear_all(stage)
    return await stage.recovered(RECOVER_S_MAX) and is_clear


async def _under_fire(plan: Plan, stage: Stage, load: Load, outcome: Outcome, person: Person | None) -> None:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        if person is not None:
            group.create_task(person.keep_settling(stop))
        for number in range(plan.clients):
            group.create_task(load.client(number, plan.client_pause_s, stop))
        group.create_task(load.crowd(plan.crowd_pause_s, stop))
        try:
            async with asyncio.timeout(plan.seconds_max):
                await _faults(plan, stage, outcome)
                while load.orders < plan.orders:
                    await asyncio.sleep(_PAUSE_S)
        except TimeoutError:
            return
        finally:
            outcome.fire_ended_at = time.time()
            stop.set()


async def _faults(plan: Plan, stage: Stage, outcome: Outcome) -> None:
    room = asyncio.Semaphore(plan.overlap_max)
    ends_at = None if plan.soak_s is None else time.monotonic() + plan.soak_s
    with (stage.evidence / "faults.jsonl").open("w") as log:

        async def do(fault: Fault) -> None:
            begun = time.time()
            try:
                was_done = await fault.kind.act(stage, fault.dice)
            finally:
                room.release()
            if was_done:
                outcome.faults[fault.kind.name] += 1
            else:
                outcome.skipped += 1
            record = {"number": fault.number, "kind": fault.kind.name, "at": begun, "seconds": time.time() - begun}
            log.write(json.dumps({**record, "done": was_done}) + "\n")
            log.flush()

        async with asyncio.TaskGroup() as group:
            planned = schedule(plan.seed, plan.kinds, plan.fault_pause_s)
            # What finds nothing to break, since that is down already, counts for nothing: another takes its place.
            while outcome.faults.total() < plan.faults if ends_at is None else time.monotonic() < ends_at:
                fault = next(planned)
                await asyncio.sleep(fault.pause_s)
                await room.acquire()
                group.create_task(do(fault))


async def _rest(stage: Stage, followers: Sequence[Follower]) -> bool:
    """Waits until nothing is under way and the followers have heard it all; False when that does not come in time."""
    last, since = -1, time.monotonic()
    try:
        async with asyncio.timeout(REST_S_MAX):
            while True:
                await asyncio.sleep(_PAUSE_S)
                restless, sequences = await _movement(stage)
                heard = {follower.account_id: follower.last for follower in followers}
                behind = any(heard[account_id] < sequence for account_id, sequence in sequences.items())
                total = sum(sequences.values())
                if restless or behind or total != last:
                    last, since = total, time.monotonic()
                elif time.monotonic() - since > QUIET_S:
                    return True
    except TimeoutError:
        return False


async def _movement(stage: Stage) -> tuple[int, dict[UUID, int]]:
    connection: asyncpg.Connection = await stage.connect()
    try:
        rows = await connection.fetch("SELECT account_id, last_sequence FROM account_books")
        restless = int(await connection.fetchval(_RESTLESS))
    finally:
        await connection.close()
    return restless, {row["account_id"]: row["last_sequence"] for row in rows}
