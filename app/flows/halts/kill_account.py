"""What a kill switch does in one account: cancels what is open, closes what is held, and waits for both to end."""

from datetime import timedelta
from typing import Final
from uuid import UUID, uuid5

from app.core.errors import OmsError
from app.core.fix import PositionAim
from app.core.ids import AccountId, InstrumentId, OrderId, TenantId
from app.core.messages import AccountKey, Aim
from app.core.records import replace
from app.core.trading_modes import HaltScope
from app.flows.halts.halt_news import halts_changed
from app.flows.hands import Hands
from app.flows.hints import LANES, OUTBOX, hint
from app.flows.orders.cancel_within import cancel_in
from app.flows.orders.close_position import aim_at
from app.identity.domain.access import system_principal
from app.infra.db import BatchSession
from app.infra.uow import begin_batch
from app.orders.errors import MEANING, OrderProblem
from app.orders.repository import account_books
from app.orders.repository.open_orders import OpenOrder, open_orders
from app.positions import batch as positions
from app.positions.domain import Position
from app.risk.halts import batch as halts
from app.risk.halts.domain import (
    CLOSE_ATTEMPTS_MAX,
    KILL_SWITCH,
    KILL_SWITCH_ACTOR,
    KillAccount,
    KillError,
    KillStep,
    KillSwitch,
    takes,
)

CANCELS_AT_ONCE: Final = 500
"""How many cancels one transaction asks for, so that the account's book is not locked for long."""
ERRORS_MAX: Final = 100
ASKED_AGAIN_AFTER: Final = timedelta(seconds=5)
"""When a cancel that the broker refused is asked for again."""
_OPEN_MAX: Final = 1_000_000


async def cancel_in_account(hands: Hands, tenant_id: TenantId, kill: KillSwitch, account_id: AccountId) -> None:
    """Asks for the cancels, or counts them in a drill, unless another process is at it. It may be done again."""
    key = AccountKey(tenant_id=tenant_id, account_id=account_id)
    if kill.is_drill:
        await _drill(hands, key, kill)
        return
    while await _cancel_some(hands, key, kill):
        pass


async def close_in_account(hands: Hands, tenant_id: TenantId, kill: KillSwitch, account_id: AccountId) -> None:
    """Closes what is to be closed, cancels what came up since, and tells when all has ended. It may be done again."""
    key = AccountKey(tenant_id=tenant_id, account_id=account_id)
    await _cancel_some(hands, key, kill)
    await _close_and_conclude(hands, key, kill)


async def _drill(hands: Hands, key: AccountKey, kill: KillSwitch) -> None:
    started_at = hands.clock.now()
    async with begin_batch(hands.database, key.tenant_id) as session:
        account = await halts.account_for_update(session, key, kill.id, waits=False)
        if account is None or account.step is KillStep.DONE:
            return
        found = await open_orders(session, key, _instrument(kill), _OPEN_MAX)
        held = await _held(session, key, kill)
        done = replace(
            account,
            step=KillStep.DONE,
            order_ids=tuple(one.id for one in found if one.is_managed),
            positions_closing=len(held) if kill.closes_positions else 0,
            errors=_with(account, _unmanaged(found)),
            started_at=started_at,
            asked_at=hands.clock.now(),
            finished_at=hands.clock.now(),
        )
        await halts.store_account(session, key.tenant_id, kill.id, done)


async def _cancel_some(hands: Hands, key: AccountKey, kill: KillSwitch) -> bool:
    # True when there may be more to cancel at once.
    now = hands.clock.now()
    async with begin_batch(hands.database, key.tenant_id) as session:
        account = await halts.account_for_update(session, key, kill.id, waits=False)
        if account is None or account.step is KillStep.DONE:
            return False
        # Behind the lock, so that whoever accepted an order before has committed.
        await account_books.books_for_update(session, [key])
        found = await open_orders(session, key, _instrument(kill), _OPEN_MAX)
        theirs = [one for one in found if one.placed_by != KILL_SWITCH_ACTOR]
        known = set(account.order_ids)
        is_again = account.asked_at is not None and now - account.asked_at >= ASKED_AGAIN_AFTER
        to_ask = [
            one.id for one in theirs if one.is_managed and not one.is_ending and (one.id not in known or is_again)
        ]
        asked = to_ask[:CANCELS_AT_ONCE]
        errors = _unmanaged(theirs)
        if asked:
            switch = system_principal(key.tenant_id, KILL_SWITCH)
            placements = await cancel_in(session, switch, asked, now=hands.clock.now(), ids=hands.ids)
            errors += [
                KillError(code=problem.code, message=problem.message, subject=order_id)
                for order_id, placement in placements.items()
                for problem in placement.problems
            ]
        ending = [one.id for one in theirs if one.is_ending]
        is_first = account.step is KillStep.WAITING
        has_all = len(to_ask) <= CANCELS_AT_ONCE
        after = replace(
            account,
            step=KillStep.CANCELING if has_all else account.step,
            order_ids=(*account.order_ids, *(one for one in (*asked, *ending) if one not in known)),
            errors=_with(account, errors),
            started_at=account.started_at or now,
            asked_at=now if asked or account.asked_at is None else account.asked_at,
        )
        if after != account:
            await halts.store_account(session, key.tenant_id, kill.id, after)
            if is_first and has_all:
                await session.write([halts_changed(key.tenant_id, now, kill_switches=[kill.id])])
    if asked:
        await hint(hands.redis, LANES, OUTBOX)
    return not has_all


async def _close_and_conclude(hands: Hands, key: AccountKey, kill: KillSwitch) -> None:
    async with begin_batch(hands.database, key.tenant_id) as session:
        account = await halts.account_for_update(session, key, kill.id, waits=False)
        if account is None or account.step is not KillStep.CANCELING:
            return
        found = await open_orders(session, key, _instrument(kill), _OPEN_MAX)
        ours = [one.id for one in found if one.placed_by == KILL_SWITCH_ACTOR]
        held = await _held(session, key, kill) if kill.closes_positions else []
        is_quiet = account.cancels_open == 0 and not ours
        closes = bool(held) and (account.attempts == 0 or (is_quiet and account.attempts < CLOSE_ATTEMPTS_MAX))
        if not closes:
            await _conclude(session, hands, key, kill, account, ours, held, is_over=is_quiet)
            return
    # Each in a transaction of its own, under a key of its own: taken twice it is one order.
    ids, errors = await _close(hands, key, kill, held, account.attempts)
    async with begin_batch(hands.database, key.tenant_id) as session:
        known = await halts.account_for_update(session, key, kill.id, waits=True)
        assert known is not None, "what was seen stays"
        if known.attempts > account.attempts:
            return
        after = replace(
            known,
            close_ids=tuple(dict.fromkeys((*known.close_ids, *ids))),
            positions_closing=max(known.positions_closing, len(held)),
            attempts=known.attempts + 1,
            errors=_with(known, errors),
        )
        await halts.store_account(session, key.tenant_id, kill.id, after)
        await session.write([halts_changed(key.tenant_id, hands.clock.now(), kill_switches=[kill.id])])
    await hint(hands.redis, LANES, OUTBOX)


async def _conclude(
    session: BatchSession,
    hands: Hands,
    key: AccountKey,
    kill: KillSwitch,
    account: KillAccount,
    ours: list[OrderId],
    held: list[Position],
    *,
    is_over: bool,
) -> None:
    now = hands.clock.now()
    left = [
        KillError(code="POSITION_NOT_CLOSED", message="The position is not flat.", subject=one.id)
        for one in held
        if is_over
    ]
    after = replace(
        account,
        step=KillStep.DONE if is_over else account.step,
        close_ids=tuple(dict.fromkeys((*account.close_ids, *ours))),
        errors=_with(account, left),
        finished_at=now if is_over else None,
    )
    if after != account:
        await halts.store_account(session, key.tenant_id, kill.id, after)
        await session.write([halts_changed(key.tenant_id, now, kill_switches=[kill.id])])


async def _close(
    hands: Hands, key: AccountKey, kill: KillSwitch, held: list[Position], attempt: int
) -> tuple[list[OrderId], list[KillError]]:
    principal = system_principal(key.tenant_id, KILL_SWITCH)
    ids: list[OrderId] = []
    errors: list[KillError] = []
    for position in held:
        name = f"kill/{uuid5(kill.id, f'{position.id}/{attempt}')}"
        try:
            placement = await aim_at(hands, principal, position, name, Aim(kind=PositionAim.CLOSE))
        except OmsError as error:
            errors.append(KillError(code=error.code, message=error.message, subject=position.id))
            continue
        if placement.order is not None and not placement.order.state.is_terminal:
            ids.append(placement.order.id)
        errors += [
            KillError(code=problem.code, message=problem.message, subject=position.id)
            for problem in placement.problems
            if problem.code != OrderProblem.NOTHING_TO_CLOSE
        ]
    return ids, errors


async def _held(session: BatchSession, key: AccountKey, kill: KillSwitch) -> list[Position]:
    found = await positions.positions_of_account(session, key)
    return [
        one
        for instrument_id, one in sorted(found.items())
        if one.quantity and takes(kill.target, key.account_id, instrument_id)
    ]


def _instrument(kill: KillSwitch) -> InstrumentId | None:
    if kill.target.scope is not HaltScope.INSTRUMENT:
        return None
    assert kill.target.target_id is not None, "an instrument is named"
    return InstrumentId(kill.target.target_id)


def _unmanaged(found: list[OpenOrder]) -> list[KillError]:
    code = OrderProblem.ORDER_NOT_MANAGED
    return [KillError(code=code.value, message=MEANING[code], subject=one.id) for one in found if not one.is_managed]


def _with(account: KillAccount, errors: list[KillError]) -> tuple[KillError, ...]:
    known: dict[tuple[str, UUID | None], KillError] = {(one.code, one.subject): one for one in account.errors}
    return tuple((known | {(one.code, one.subject): one for one in errors}).values())[:ERRORS_MAX]
