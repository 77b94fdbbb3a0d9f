"""Halts and kill switches as values: who stopped what, and how far the cancels and closes have come."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.core.ids import AccountId, HaltId, InstrumentId, KillSwitchId, OrderId, UserId
from app.core.trading_modes import HaltScope, HaltTarget, TradingMode

KILL_SWITCH: Final = "kill-switch"
"""The name that the house cancels and closes under when a kill switch was activated."""
KILL_SWITCH_ACTOR: Final = f"system:{KILL_SWITCH}"
CLOSE_ATTEMPTS_MAX: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """A halt with who set it and who released it. halted_by and resumed_by are actors; is_automatic: no person's."""

    id: HaltId
    target: HaltTarget
    mode: TradingMode
    reason: str
    is_automatic: bool
    is_kill_switch: bool
    halted_by: str
    halted_at: datetime
    resumed_by: str | None = None
    resumed_at: datetime | None = None
    resume_reason: str | None = None

    @property
    def is_in_force(self) -> bool:
        """True until it is released."""
        return self.resumed_at is None


class KillStep(StrEnum):
    """How far a kill switch has come with an account.

    WAITING: nothing was done. CANCELING: cancels are asked for, and closes if they were wanted; some are not confirmed.
    DONE: every cancel is confirmed, every close filled or refused.
    """

    WAITING = "WAITING"
    CANCELING = "CANCELING"
    DONE = "DONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class KillError:
    """What a kill switch could not do. subject is the order or the position that it is about."""

    code: str
    message: str
    subject: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KillAccount:
    """A kill switch in one account.

    order_ids are the orders whose cancel it asked for, close_ids its closing orders; in a drill those that it would
    cancel, and no closes. positions_closing counts the positions that it closes, or would. cancels_open and
    closes_open count those without an end yet. attempts counts the rounds of closes.
    """

    account_id: AccountId
    step: KillStep = KillStep.WAITING
    order_ids: tuple[OrderId, ...] = ()
    close_ids: tuple[OrderId, ...] = ()
    positions_closing: int = 0
    attempts: int = 0
    errors: tuple[KillError, ...] = ()
    started_at: datetime | None = None
    asked_at: datetime | None = None
    finished_at: datetime | None = None
    cancels_open: int = 0
    closes_open: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KillSwitch:
    """One activation of the kill switch. A drill halts and touches nothing, and so has no halt.

    barred_at is when every process that could still have accepted an order without seeing the halt was waited for.
    """

    id: KillSwitchId
    target: HaltTarget
    reason: str
    closes_positions: bool
    is_drill: bool
    halt_id: HaltId | None
    activated_by: str
    activated_at: datetime
    barred_at: datetime | None = None
    finished_at: datetime | None = None
    accounts: tuple[KillAccount, ...] = field(default=())


def takes(target: HaltTarget, account_id: AccountId, instrument_id: InstrumentId) -> bool:
    """True when orders and positions of the account in the instrument are the target's."""
    return target.covers((account_id,), instrument_id)


def needs_whole_tenant(target: HaltTarget) -> bool:
    """True when the target reaches over all accounts of the tenant."""
    return target.scope is not HaltScope.ACCOUNT


def may_release(halter: UserId | None, releaser: UserId, others: Iterable[UserId], *, is_automatic: bool) -> bool:
    """True when the person may release the halt; others are the active people who may release halts.

    What the house halted by itself any of them releases. What a person halted is another's to release; where nobody
    else is left who could, the same person may, for a halt that nobody can end is no control but an outage.
    A halter who is not known any more (a key that is gone) cannot be told apart from the releaser.
    """
    if is_automatic:
        return True
    if halter is not None and halter != releaser:
        return True
    return not any(other != releaser for other in others)
