"""activateKillSwitch: halts a target, cancels its orders, closes its positions; a drill shows what it would do."""

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.audit import service as audit
from app.core.errors import UnavailableError
from app.core.ids import HaltId, KillSwitchId, TenantId
from app.core.records import replace
from app.core.trading_modes import HaltTarget, TradingMode
from app.flows.halts.halt_news import halts_changed
from app.flows.halts.halt_trading import bar, check_target, known_reason, store_halt
from app.flows.halts.kill_account import cancel_in_account, close_in_account
from app.flows.hands import Hands
from app.flows.hints import LANES, OUTBOX, hint
from app.identity.domain import Principal
from app.infra.db import CONNECTION_LOST, PUT_OFF, BatchSession
from app.infra.uow import begin_batch
from app.risk.halts import batch as halts
from app.risk.halts.domain import Halt, KillAccount, KillStep, KillSwitch

WITHIN_S: Final = 5.0
"""How long an activation asks for cancels itself; the worker goes on with what is left."""
_PAUSE_S: Final = 0.02
_AWAY: Final[tuple[type[BaseException], ...]] = (*CONNECTION_LOST, *PUT_OFF, TimeoutError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """What a person asks of the kill switch. A drill touches nothing and leaves a record of what it found."""

    target: HaltTarget
    reason: str
    closes_positions: bool = False
    is_drill: bool = False


async def activate_kill_switch(hands: Hands, principal: Principal, asked: Activation) -> tuple[KillSwitch, Halt | None]:
    """How far the kill switch has come, and the halt that it set; a drill has none.

    From the return on no order that the target covers is accepted, and its cancels are asked for as far as WITHIN_S
    let them; the rest goes on without the caller, whatever process dies. Asked again while one of the same target and
    extent runs, that one is answered. Raises HaltInvalidError, HaltTargetUnknownError, WholeTenantError, InputError for
    the reason, and UnavailableError when it is not known whether it was activated: look, or ask again.
    """
    asked = replace(asked, reason=known_reason(asked.reason))
    tenant_id = principal.tenant_id
    try:
        async with begin_batch(hands.database, tenant_id, accounts=principal.tradable) as session:
            await halts.put_in_line(session, tenant_id)
            await check_target(session, principal, asked.target)
            kill_id = await _running(session, tenant_id, asked) or await _begin(session, hands, principal, asked)
        await hint(hands.redis, LANES, OUTBOX)
        await _bar(hands, tenant_id, kill_id)
    except _AWAY as error:
        raise UnavailableError("the kill switch may not hold yet; look at it, or activate it again") from error
    # What is not done now is the worker's, which begins by itself.
    with contextlib.suppress(*_AWAY):
        async with asyncio.timeout(WITHIN_S):
            while True:
                if await advance(hands, tenant_id, kill_id, until=KillStep.CANCELING):
                    break
                await asyncio.sleep(_PAUSE_S)
            await advance(hands, tenant_id, kill_id)
    try:
        async with begin_batch(hands.database, tenant_id, accounts=principal.viewable) as session:
            kill = (await halts.kill_switches_by_ids(session, tenant_id, [kill_id]))[kill_id]
            set_halts = [] if kill.halt_id is None else [kill.halt_id]
            found = await halts.halts_by_ids(session, tenant_id, set_halts)
    except _AWAY as error:
        raise UnavailableError("the kill switch holds; look at how far it has come") from error
    return kill, None if kill.halt_id is None else found[kill.halt_id]


async def advance(hands: Hands, tenant_id: TenantId, kill_id: KillSwitchId, *, until: KillStep = KillStep.DONE) -> bool:
    """Goes on with a kill switch as far as it can now; True when every account is at the step, or past it.

    Any process may, several at once: each account is one's at a time, and what was done is not done twice.
    """
    await _bar(hands, tenant_id, kill_id)
    kill = await _read(hands, tenant_id, kill_id)
    if kill.finished_at is not None:
        return True
    # Cancels of all accounts come before closes in any.
    for account in kill.accounts:
        if account.step is KillStep.WAITING:
            await cancel_in_account(hands, tenant_id, kill, account.account_id)
    kill = await _read(hands, tenant_id, kill_id)
    if until is KillStep.CANCELING:
        return all(account.step is not KillStep.WAITING for account in kill.accounts)
    for account in kill.accounts:
        if account.step is KillStep.CANCELING:
            await close_in_account(hands, tenant_id, kill, account.account_id)
    return await _finish(hands, tenant_id, kill_id)


async def _running(session: BatchSession, tenant_id: TenantId, asked: Activation) -> KillSwitchId | None:
    running = await halts.running_of(session, tenant_id)
    # One whose halt was released meanwhile only waits for its cancels: it holds nothing back any more.
    standing = {None, *(one.id for one in await halts.in_force(session, tenant_id))}
    found = (await halts.kill_switches_by_ids(session, tenant_id, running)).values()
    known = [one for one in found if one.halt_id in standing]
    extent = (asked.target, asked.closes_positions, asked.is_drill)
    return next((one.id for one in known if (one.target, one.closes_positions, one.is_drill) == extent), None)


async def _begin(session: BatchSession, hands: Hands, principal: Principal, asked: Activation) -> KillSwitchId:
    tenant_id, now = principal.tenant_id, hands.clock.now()
    halt_id = None if asked.is_drill else await _halt(session, hands, principal, asked, now)
    keys = await halts.accounts_of(session, tenant_id, asked.target)
    kill = KillSwitch(
        id=KillSwitchId(hands.ids.new()),
        target=asked.target,
        reason=asked.reason,
        closes_positions=asked.closes_positions,
        is_drill=asked.is_drill,
        halt_id=halt_id,
        activated_by=principal.actor,
        activated_at=now,
        accounts=tuple(KillAccount(account_id=key.account_id) for key in keys),
    )
    await halts.insert_kill_switch(session, tenant_id, kill)
    entry = audit.entry(
        principal,
        "trading.kill_switch.drill" if asked.is_drill else "trading.kill_switch",
        "KillSwitch",
        kill.id,
        entry_id=hands.ids.new(),
        now=now,
        new={
            "scope": asked.target.scope.value,
            "targetId": None if asked.target.target_id is None else str(asked.target.target_id),
            "reason": asked.reason,
            "closePositions": asked.closes_positions,
            "haltId": None if halt_id is None else str(halt_id),
        },
    )
    await session.write([audit.record_batch([entry]), halts_changed(tenant_id, now, kill_switches=[kill.id])])
    return kill.id


async def _halt(session: BatchSession, hands: Hands, principal: Principal, asked: Activation, now: datetime) -> HaltId:
    for one in await halts.in_force(session, principal.tenant_id):
        if one.is_kill_switch and one.target == asked.target:
            return one.id
    halt = Halt(
        id=HaltId(hands.ids.new()),
        target=asked.target,
        mode=TradingMode.HALTED,
        reason=asked.reason,
        is_automatic=False,
        is_kill_switch=True,
        halted_by=principal.actor,
        halted_at=now,
    )
    await store_halt(session, hands, principal, halt)
    return halt.id


async def _bar(hands: Hands, tenant_id: TenantId, kill_id: KillSwitchId) -> None:
    kill = await _read(hands, tenant_id, kill_id)
    if kill.barred_at is not None:
        return
    if not kill.is_drill:
        await bar(hands.database, tenant_id, kill.target)
    async with begin_batch(hands.database, tenant_id) as session:
        await halts.set_barred(session, tenant_id, kill_id, hands.clock.now())


async def _read(hands: Hands, tenant_id: TenantId, kill_id: KillSwitchId) -> KillSwitch:
    async with begin_batch(hands.database, tenant_id) as session:
        return (await halts.kill_switches_by_ids(session, tenant_id, [kill_id]))[kill_id]


async def _finish(hands: Hands, tenant_id: TenantId, kill_id: KillSwitchId) -> bool:
    now = hands.clock.now()
    async with begin_batch(hands.database, tenant_id) as session:
        is_over = await halts.finish(session, tenant_id, kill_id, now)
        if is_over:
            await session.write([halts_changed(tenant_id, now, kill_switches=[kill_id])])
    if is_over:
        await hint(hands.redis, OUTBOX)
    return is_over
