"""haltTrading and resumeTrading: a person or the house stops orders, and another person lets them through again."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from app.audit import service as audit
from app.core.errors import InputError, UnavailableError
from app.core.ids import HaltId, TenantId
from app.core.messages import AccountKey
from app.core.records import replace
from app.core.texts import is_readable
from app.core.trading_modes import HaltScope, HaltTarget, TradingMode
from app.flows.halts.halt_news import halts_changed
from app.flows.hands import Hands
from app.flows.hints import LANES, OUTBOX, hint
from app.identity import batch as identity
from app.identity.domain import ROLE_SCOPES, Principal, Scope
from app.infra.db import CONNECTION_LOST, PUT_OFF, BatchSession, Database
from app.infra.uow import begin_batch
from app.orders.repository import account_books
from app.risk.halts import batch as halts
from app.risk.halts.domain import Halt, KillStep, may_release, needs_whole_tenant
from app.risk.halts.errors import (
    HaltInvalidError,
    HaltOverError,
    HaltTargetUnknownError,
    HaltUnknownError,
    KillSwitchRunsError,
    ReleaserIsHalterError,
    ReleaserNotAPersonError,
)

REASON_LENGTH_MAX: Final = 500
BOOKS_AT_ONCE: Final = 200
"""How many books the barrier locks in one transaction."""
_AWAY: Final[tuple[type[BaseException], ...]] = (*CONNECTION_LOST, *PUT_OFF, TimeoutError)


async def halt_trading(
    hands: Hands,
    principal: Principal,
    target: HaltTarget,
    mode: TradingMode,
    reason: str,
    *,
    is_automatic: bool = False,
) -> Halt:
    """The halt, in force: whoever accepts an order from the return on has read it.

    is_automatic is for what the house halts by itself, with a principal of the system. Several halts of a target stand
    side by side, each released by itself; the strictest holds. Orders that work at the broker go on; what waits in a
    lane is refused. Raises HaltInvalidError, HaltTargetUnknownError, WholeTenantError, InputError for the reason, and
    UnavailableError when it is not known whether the halt holds: ask for the halts in force, or halt again.
    """
    if mode is TradingMode.ACTIVE:
        raise HaltInvalidError("A halt is REDUCE_ONLY or HALTED; resumeTrading ends one.", path=["mode"])
    reason = known_reason(reason)
    tenant_id = principal.tenant_id
    halt = Halt(
        id=HaltId(hands.ids.new()),
        target=target,
        mode=mode,
        reason=reason,
        is_automatic=is_automatic,
        is_kill_switch=False,
        halted_by=principal.actor,
        halted_at=hands.clock.now(),
    )
    try:
        async with begin_batch(hands.database, tenant_id, accounts=principal.tradable) as session:
            await halts.put_in_line(session, tenant_id)
            await check_target(session, principal, target)
            await store_halt(session, hands, principal, halt)
        await bar(hands.database, tenant_id, target)
    except _AWAY as error:
        raise UnavailableError("the halt may not hold yet; look at the halts in force, or halt again") from error
    await hint(hands.redis, LANES, OUTBOX)
    return halt


async def resume_trading(hands: Hands, principal: Principal, halt_id: HaltId, reason: str) -> Halt:
    """The halt, released. What it refused stays refused.

    Raises HaltUnknownError, HaltOverError, KillSwitchRunsError, ReleaserIsHalterError, ReleaserNotAPersonError,
    WholeTenantError, InputError for the reason, UnavailableError.
    """
    reason = known_reason(reason)
    tenant_id = principal.tenant_id
    try:
        async with begin_batch(hands.database, tenant_id, accounts=principal.tradable) as session:
            await halts.put_in_line(session, tenant_id)
            halt = (await halts.halts_by_ids(session, tenant_id, [halt_id])).get(halt_id)
            if halt is None:
                raise HaltUnknownError("haltId")
            if needs_whole_tenant(halt.target):
                principal.require_whole_tenant()
            if not halt.is_in_force:
                raise HaltOverError("haltId")
            is_alone = await _check_releaser(session, principal, halt)
            await _check_reached(session, tenant_id, halt)
            done = await _release(session, hands, principal, halt, reason, is_alone=is_alone)
    except _AWAY as error:
        raise UnavailableError("the halt may still hold; look at it again") from error
    await hint(hands.redis, OUTBOX)
    return done


async def check_target(session: BatchSession, principal: Principal, target: HaltTarget) -> None:
    """Raises HaltInvalidError, WholeTenantError and HaltTargetUnknownError for what the principal cannot halt."""
    if (target.scope is HaltScope.TENANT) is not (target.target_id is None):
        raise HaltInvalidError("A target names an id, but for the scope TENANT.", path=["targetId"])
    if target.scope is HaltScope.STRATEGY:
        # A halt that covers nothing would look as if it held something back.
        raise HaltInvalidError("Orders of strategies cannot be told apart yet.", path=["scope"])
    if needs_whole_tenant(target):
        principal.require_whole_tenant()
    if not await halts.knows_target(session, principal.tenant_id, target):
        raise HaltTargetUnknownError("targetId")


async def store_halt(session: BatchSession, hands: Hands, principal: Principal, halt: Halt) -> None:
    """Stores a new halt with what is told and written down of it."""
    await halts.insert_halt(session, principal.tenant_id, halt)
    entry = audit.entry(
        principal,
        "trading.halt",
        "TradingHalt",
        halt.id,
        entry_id=hands.ids.new(),
        now=halt.halted_at,
        new=halt_document(halt),
    )
    told = halts_changed(principal.tenant_id, halt.halted_at, halts=[halt.id])
    await session.write([audit.record_batch([entry]), told])


async def bar(database: Database, tenant_id: TenantId, target: HaltTarget) -> None:
    """Waits for everybody who may accept an order without having read a halt that has committed.

    Who accepts locks the book first and reads the halts in a statement after that. So whoever has the lock now may not
    have read the halt, and is waited for; whoever gets it later reads the halt. An account that comes into being
    meanwhile is known to others after the halt only.
    """
    async with begin_batch(database, tenant_id) as session:
        keys = await halts.books_that_deal(session, tenant_id, target)
    for part in _parts(keys):
        async with begin_batch(database, tenant_id) as session:
            await account_books.books_for_update(session, part)


def known_reason(text: str) -> str:
    """The reason as it is kept. Raises InputError with the path."""
    reason = text.strip()
    if not is_readable(reason, REASON_LENGTH_MAX):
        raise InputError(f"A reason has 1 to {REASON_LENGTH_MAX} characters.", path=("reason",))
    return reason


def halt_document(halt: Halt) -> dict[str, Any]:
    """The halt as the audit log has it."""
    return {
        "scope": halt.target.scope.value,
        "targetId": None if halt.target.target_id is None else str(halt.target.target_id),
        "mode": halt.mode.value,
        "reason": halt.reason,
        "automatic": halt.is_automatic,
        "killSwitch": halt.is_kill_switch,
    }


def _parts(keys: list[AccountKey]) -> Iterator[list[AccountKey]]:
    for start in range(0, len(keys), BOOKS_AT_ONCE):
        yield keys[start : start + BOOKS_AT_ONCE]


async def _check_releaser(session: BatchSession, principal: Principal, halt: Halt) -> bool:
    # True where the halter releases, for want of anybody else.
    if principal.actor.startswith("system:"):
        return False
    tenant_id = principal.tenant_id
    people = await identity.people_behind(session, tenant_id, [halt.halted_by, principal.actor])
    person = people.get(principal.actor)
    if person is None:
        raise ReleaserNotAPersonError("haltId")
    halter = people.get(halt.halted_by)
    is_houses = halt.is_automatic or halt.halted_by.startswith("system:")
    roles = [role.value for role, scopes in ROLE_SCOPES.items() if Scope.MANAGE_RISK in scopes]
    account_id = halt.target.target_id if halt.target.scope is HaltScope.ACCOUNT else None
    others = await identity.people_with_scope(session, tenant_id, roles, Scope.MANAGE_RISK.value, account_id)
    if not may_release(halter, person, others, is_automatic=is_houses):
        raise ReleaserIsHalterError("haltId")
    return not is_houses and halter in (None, person)


async def _check_reached(session: BatchSession, tenant_id: TenantId, halt: Halt) -> None:
    running = await halts.running_of(session, tenant_id)
    for kill in (await halts.kill_switches_by_ids(session, tenant_id, running)).values():
        has_waiting = kill.barred_at is None or any(one.step is KillStep.WAITING for one in kill.accounts)
        if kill.halt_id == halt.id and has_waiting:
            raise KillSwitchRunsError("haltId")


async def _release(
    session: BatchSession, hands: Hands, principal: Principal, halt: Halt, reason: str, *, is_alone: bool
) -> Halt:
    now: datetime = hands.clock.now()
    done = replace(halt, resumed_by=principal.actor, resumed_at=now, resume_reason=reason)
    await halts.resume(session, principal.tenant_id, done)
    entry = audit.entry(
        principal,
        "trading.resume",
        "TradingHalt",
        halt.id,
        entry_id=hands.ids.new(),
        now=now,
        old=halt_document(halt),
        new={"reason": reason, "byHalter": is_alone},
    )
    await session.write([audit.record_batch([entry]), halts_changed(principal.tenant_id, now, halts=[halt.id])])
    return done
