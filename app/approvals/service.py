"""Setting, deleting and reading policies of approval."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from app.approvals import repository
from app.approvals.domain import (
    EXPIRY_S_MAX,
    EXPIRY_S_MIN,
    MINUTES_OF_DAY,
    REASON_LENGTH_MAX,
    WINDOWS_MAX,
    ApprovalPolicy,
    Hours,
    OrderApproval,
    is_time_zone,
    policy_document,
)
from app.approvals.errors import (
    ApprovalPoliciesTooManyError,
    ApprovalPolicyInvalidError,
    ApprovalPolicyMovedError,
    ApprovalPolicyUnknownError,
)
from app.audit import service as audit
from app.core.ids import AccountId, Ids, OrderId, PolicyId, StrategyId, TenantId
from app.core.money import ZERO
from app.core.paging import Page, Window
from app.core.records import replace
from app.identity.domain import Principal
from app.infra.db import ReadSession, WriteSession

POLICIES_MAX: Final = 200
"""A bound on what the intake reads along with each account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySetting:
    """A policy as it is asked for: new without an id, else the whole of what the policy is to be from now on."""

    id: PolicyId | None = None
    expected_version: int | None = None
    account_id: AccountId | None = None
    strategy_id: StrategyId | None = None
    notional: Decimal | None = None
    currency: str | None = None
    hours: Hours | None = None
    expiry_s: int
    is_active: bool = True
    reason: str | None = None


async def set_policy(
    session: WriteSession, principal: Principal, setting: PolicySetting, *, ids: Ids, now: datetime
) -> ApprovalPolicy:
    """The policy as stored. Orders that wait already keep the terms under which they were asked to wait.

    Raises ApprovalPolicyInvalidError, ApprovalPolicyUnknownError, ApprovalPolicyMovedError,
    ApprovalPoliciesTooManyError.
    """
    _check(setting)
    tenant_id = principal.tenant_id
    known = None
    if setting.id is not None:
        known = await _known(session, tenant_id, setting.id, setting.expected_version)
    elif await repository.count_policies(session, tenant_id) >= POLICIES_MAX:
        raise ApprovalPoliciesTooManyError(POLICIES_MAX)
    policy = ApprovalPolicy(
        id=PolicyId(ids.new()) if known is None else known.id,
        account_id=setting.account_id,
        strategy_id=setting.strategy_id,
        notional=setting.notional,
        currency=setting.currency,
        hours=setting.hours,
        expiry_s=setting.expiry_s,
        is_active=setting.is_active,
        version=1 if known is None else known.version + 1,
        author=principal.actor,
        reason=setting.reason,
        created_at=now if known is None else known.created_at,
        updated_at=now,
    )
    if known is None:
        await repository.add_policy(session, tenant_id, policy)
    else:
        await repository.store_policy(session, tenant_id, policy)
    await audit.record(
        session,
        principal,
        "approval_policy.set",
        "ApprovalPolicy",
        policy.id,
        entry_id=ids.new(),
        now=now,
        old=None if known is None else policy_document(known),
        new=policy_document(policy),
    )
    return policy


async def delete_policy(
    session: WriteSession,
    principal: Principal,
    policy_id: PolicyId,
    *,
    expected_version: int | None,
    reason: str | None,
    ids: Ids,
    now: datetime,
) -> ApprovalPolicy:
    """The policy that was taken away. Orders that wait for approval under it still do.

    Raises ApprovalPolicyUnknownError, ApprovalPolicyMovedError, ApprovalPolicyInvalidError.
    """
    _check_reason(reason)
    known = await _known(session, principal.tenant_id, policy_id, expected_version)
    await repository.drop_policy(session, principal.tenant_id, policy_id)
    await audit.record(
        session,
        principal,
        "approval_policy.delete",
        "ApprovalPolicy",
        policy_id,
        entry_id=ids.new(),
        now=now,
        old=policy_document(known),
        new={"reason": reason},
    )
    return replace(known, is_active=False)


async def page(session: ReadSession, tenant_id: TenantId, window: Window[UUID]) -> Page[ApprovalPolicy]:
    """The policies of the window, the newest first."""
    return await repository.policies_page(session, tenant_id, window)


async def count(session: ReadSession, tenant_id: TenantId) -> int:
    """How many policies the tenant has."""
    return await repository.count_policies(session, tenant_id)


async def approvals_of(
    session: ReadSession, tenant_id: TenantId, order_ids: Sequence[OrderId]
) -> dict[OrderId, list[OrderApproval]]:
    """The requests for approval of each of the orders."""
    return await repository.approvals_of_orders(session, tenant_id, order_ids)


async def _known(
    session: WriteSession, tenant_id: TenantId, policy_id: PolicyId, expected_version: int | None
) -> ApprovalPolicy:
    known = await repository.policy_for_update(session, tenant_id, policy_id)
    if known is None:
        raise ApprovalPolicyUnknownError("id")
    if expected_version is not None and expected_version != known.version:
        raise ApprovalPolicyMovedError(known.version, "expectedVersion")
    return known


def _check(setting: PolicySetting) -> None:
    if (setting.notional is None) != (setting.currency is None):
        raise ApprovalPolicyInvalidError("A notional and its currency come together.", path=["currency"])
    if setting.notional is not None and setting.notional < ZERO:
        raise ApprovalPolicyInvalidError("A notional is not below zero.", path=["notional"])
    if setting.currency is not None and not _is_currency(setting.currency):
        raise ApprovalPolicyInvalidError("A currency is three capital letters.", path=["currency"])
    if not EXPIRY_S_MIN <= setting.expiry_s <= EXPIRY_S_MAX:
        message = f"An order waits from {EXPIRY_S_MIN} to {EXPIRY_S_MAX} seconds."
        raise ApprovalPolicyInvalidError(message, path=["expirySeconds"])
    if setting.hours is not None:
        _check_hours(setting.hours)
    _check_reason(setting.reason)


def _check_hours(hours: Hours) -> None:
    if not is_time_zone(hours.time_zone):
        raise ApprovalPolicyInvalidError("There is no such time zone.", path=["hours", "timeZone"])
    if not 0 < len(hours.windows) <= WINDOWS_MAX:
        message = f"Hours have from 1 to {WINDOWS_MAX} windows."
        raise ApprovalPolicyInvalidError(message, path=["hours", "windows"])
    for index, window in enumerate(hours.windows):
        path = ["hours", "windows", str(index)]
        if not 0 <= window.opens < window.closes <= MINUTES_OF_DAY:
            message = "A window opens before it closes, on the same day."
            raise ApprovalPolicyInvalidError(message, path=[*path, "closes"])
        if not window.days or not all(1 <= day <= 7 for day in window.days) or len(set(window.days)) < len(window.days):
            message = "Days are ISO weekdays, 1 for Monday up to 7 for Sunday, each once."
            raise ApprovalPolicyInvalidError(message, path=[*path, "days"])


def _check_reason(reason: str | None) -> None:
    if reason is not None and len(reason) > REASON_LENGTH_MAX:
        message = f"A reason has at most {REASON_LENGTH_MAX} characters."
        raise ApprovalPolicyInvalidError(message, path=["reason"])


def _is_currency(text: str) -> bool:
    return len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()
