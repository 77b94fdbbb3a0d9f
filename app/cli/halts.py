"""`oms risk kill`, `release` and `halts`: the work behind the commands."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from app.brokers import viewing
from app.cli.exits import ExitCode, fail
from app.core.errors import InputError, NotFoundError, UnavailableError
from app.core.ids import HaltId
from app.core.trading_modes import HaltScope, HaltTarget
from app.flows.halts.halt_trading import resume_trading
from app.flows.halts.kill_switch import Activation, activate_kill_switch, advance
from app.flows.hands import WorkerHands
from app.flows.orders.order_intake import OrderIntake
from app.identity.domain import Principal, system_principal
from app.infra.db import Database, DatabaseRole
from app.infra.reach import reachable_settings
from app.infra.redis import Redis, make_client
from app.infra.settings import load_settings
from app.infra.system import SystemClock, SystemIds
from app.infra.uow import Scope, begin_batch, begin_system, reading
from app.risk.halts import batch as halts
from app.risk.halts.domain import Halt, KillSwitch
from app.tenants import batch as tenants

AnswerT = TypeVar("AnswerT")
ACCOUNTS_MAX = 10_000
PAUSE_S = 0.25
NAME = "cli"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """The kill switch as typed."""

    tenant: str
    account: str | None
    instrument: str | None
    reason: str
    closes_positions: bool
    is_drill: bool
    waits_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    hands: WorkerHands
    system_database: Database

    async def principal(self, slug: str) -> Principal:
        async with begin_system(self.system_database) as session:
            found = await tenants.slugs(session, slug)
        if not found:
            raise NotFoundError(f"There is no tenant {slug}.")
        return system_principal(next(iter(found)), NAME)


def kill(asked: Kill, *, is_sure: bool, as_json: bool) -> ExitCode:
    """Activate the kill switch and wait for its end as long as was asked.

    Raises: InputError, NotFoundError, HaltTargetUnknownError.
    """
    if asked.account is not None and asked.instrument is not None:
        raise InputError("Either --account or --instrument.")
    if not asked.is_drill and not _is_confirmed(asked.tenant, is_sure=is_sure):
        return ExitCode.USAGE

    async def work(desk: _Desk) -> ExitCode:
        principal = await desk.principal(asked.tenant)
        activation = Activation(
            target=await _target(desk, principal, asked),
            reason=asked.reason,
            closes_positions=asked.closes_positions,
            is_drill=asked.is_drill,
        )
        done, _ = await activate_kill_switch(desk.hands, principal, activation)
        done = await _ended(desk, principal, done, asked.waits_s)
        print(json.dumps(_kill_document(done)) if as_json else _kill_lines(done))
        if done.finished_at is None:
            return fail("it goes on: look at it again, or at killSwitch", ExitCode.UNKNOWN)
        return ExitCode.ERROR if any(account.errors for account in done.accounts) else ExitCode.OK

    return _known(work)


def release(tenant: str, halt: str, reason: str, *, is_sure: bool, as_json: bool) -> ExitCode:
    """Release a halt. Raises: InputError, NotFoundError, HaltUnknownError, HaltOverError, KillSwitchRunsError."""
    halt_id = HaltId(_id(halt, "halt"))
    if not _is_confirmed(tenant, is_sure=is_sure):
        return ExitCode.USAGE

    async def work(desk: _Desk) -> ExitCode:
        done = await resume_trading(desk.hands, await desk.principal(tenant), halt_id, reason)
        print(json.dumps(_halt_document(done)) if as_json else _halt_line(done))
        return ExitCode.OK

    return _known(work)


def show_halts(tenant: str, *, has_all: bool, limit: int, as_json: bool) -> None:
    """Print halts, the newest first. Raises: NotFoundError, UnavailableError."""

    async def work(desk: _Desk) -> None:
        principal = await desk.principal(tenant)
        async with begin_batch(desk.hands.database, principal.tenant_id) as session:
            found = await halts.halts_listed(session, principal.tenant_id, None if has_all else True, None, limit)
        if as_json:
            print(json.dumps([_halt_document(one) for one in found]))
            return
        for one in found:
            print(_halt_line(one))

    _run(work)


def _is_confirmed(slug: str, *, is_sure: bool) -> bool:
    if is_sure:
        return True
    if not sys.stdin.isatty():
        fail("nothing was done: type the tenant's slug at a terminal, or give --yes", ExitCode.USAGE)
        return False
    print(f"Type {slug} to go on: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != slug:
        fail("nothing was done", ExitCode.USAGE)
        return False
    return True


async def _target(desk: _Desk, principal: Principal, asked: Kill) -> HaltTarget:
    if asked.instrument is not None:
        return HaltTarget(scope=HaltScope.INSTRUMENT, target_id=_id(asked.instrument, "instrument"))
    if asked.account is None:
        return HaltTarget(scope=HaltScope.TENANT)
    async with reading(desk.hands.database, Scope(tenant_id=principal.tenant_id)) as session:
        known = await viewing.accounts(session, principal.tenant_id, limit=ACCOUNTS_MAX)
    for one in known:
        if asked.account in (one.account_number, str(one.id)):
            return HaltTarget(scope=HaltScope.ACCOUNT, target_id=one.id)
    raise NotFoundError(f"There is no account {asked.account}.")


async def _ended(desk: _Desk, principal: Principal, kill: KillSwitch, waits_s: float) -> KillSwitch:
    # The worker goes on with it too; where none runs, this does.
    loop = asyncio.get_running_loop()
    until = loop.time() + waits_s
    while kill.finished_at is None:
        await advance(desk.hands, principal.tenant_id, kill.id)
        async with begin_batch(desk.hands.database, principal.tenant_id) as session:
            kill = (await halts.kill_switches_by_ids(session, principal.tenant_id, [kill.id]))[kill.id]
        if loop.time() >= until:
            break
        await asyncio.sleep(PAUSE_S)
    return kill


def _kill_lines(one: KillSwitch) -> str:
    head = f"{'drill' if one.is_drill else 'kill switch'} {one.id}: {_target_words(one.target)}"
    if one.halt_id is not None:
        head += f", halt {one.halt_id}"
    lines = [f"{head}, {'finished' if one.finished_at else 'goes on'}"]
    for account in one.accounts:
        lines.append(
            f"  account {account.account_id}: {account.step.value}, {len(account.order_ids)} orders canceled "
            f"({account.cancels_open} unconfirmed), {account.positions_closing} positions closing "
            f"({account.closes_open} open)"
        )
        lines += [f"    {error.code} {error.subject or ''}: {error.message}" for error in account.errors]
    return "\n".join(lines)


def _kill_document(one: KillSwitch) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "scope": one.target.scope.value,
        "targetId": None if one.target.target_id is None else str(one.target.target_id),
        "haltId": None if one.halt_id is None else str(one.halt_id),
        "drill": one.is_drill,
        "finished": one.finished_at is not None,
        "accounts": [
            {
                "accountId": str(account.account_id),
                "step": account.step.value,
                "ordersCancelled": len(account.order_ids),
                "cancelsUnconfirmed": account.cancels_open,
                "positionsClosing": account.positions_closing,
                "closesOpen": account.closes_open,
                "errors": [
                    {"code": error.code, "message": error.message, "subjectId": error.subject and str(error.subject)}
                    for error in account.errors
                ],
            }
            for account in one.accounts
        ],
    }


def _halt_line(one: Halt) -> str:
    until = "in force"
    if one.resumed_at is not None:
        until = f"released {one.resumed_at:%Y-%m-%d %H:%M:%SZ} by {one.resumed_by}"
    reason = "".join(letter if letter.isprintable() else "?" for letter in one.reason)
    return (
        f"{one.id}  {one.mode.value}  {_target_words(one.target)}  {one.halted_at:%Y-%m-%d %H:%M:%SZ} by "
        f"{one.halted_by}  {until}  {reason}"
    )


def _halt_document(one: Halt) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "scope": one.target.scope.value,
        "targetId": None if one.target.target_id is None else str(one.target.target_id),
        "mode": one.mode.value,
        "reason": one.reason,
        "automatic": one.is_automatic,
        "killSwitch": one.is_kill_switch,
        "haltedBy": one.halted_by,
        "haltedAt": one.halted_at.isoformat(),
        "resumedBy": one.resumed_by,
        "resumedAt": None if one.resumed_at is None else one.resumed_at.isoformat(),
    }


def _target_words(target: HaltTarget) -> str:
    return target.scope.value if target.target_id is None else f"{target.scope.value} {target.target_id}"


def _id(text: str, name: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise InputError(f"{text} is no id.", path=[name]) from error


def _known(work: Callable[[_Desk], Awaitable[ExitCode]]) -> ExitCode:
    try:
        return _run(work)
    except UnavailableError as error:
        return fail(error.message, ExitCode.UNKNOWN)


def _run(work: Callable[[_Desk], Awaitable[AnswerT]]) -> AnswerT:
    return asyncio.run(_within(work))


async def _within(work: Callable[[_Desk], Awaitable[AnswerT]]) -> AnswerT:
    async with _open() as desk:
        return await work(desk)


@asynccontextmanager
async def _open() -> AsyncIterator[_Desk]:
    settings = await reachable_settings(load_settings())
    assert settings.database_url is not None, "it was reached"
    assert settings.redis_url is not None, "it was reached"
    clock, ids = SystemClock(), SystemIds()
    async with AsyncExitStack() as stack:
        app, intake, system = (
            Database(settings.database_url, role, size=2)
            for role in (DatabaseRole.APP, DatabaseRole.INTAKE, DatabaseRole.SYSTEM)
        )
        for one in (app, intake, system):
            stack.push_async_callback(one.close)
            await one.open()
        redis = Redis(make_client(settings.redis_url), settings.redis_prefix)
        stack.push_async_callback(redis.close)
        hands = WorkerHands(
            database=app, redis=redis, intake=OrderIntake(intake, app, redis, clock, ids), clock=clock, ids=ids
        )
        yield _Desk(hands=hands, system_database=system)
