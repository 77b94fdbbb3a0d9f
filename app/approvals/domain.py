"""When an order needs a second person: policies held against one order, and the requests that follow."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from app.core.fix import Side
from app.core.ids import AccountId, OrderId, PolicyId, StrategyId, TenantId, UserId
from app.core.money import ZERO, plain

EXPIRY_S_MIN: Final = 10
EXPIRY_S_MAX: Final = 7 * 24 * 3600
WINDOWS_MAX: Final = 28
MINUTES_OF_DAY: Final = 24 * 60
REASON_LENGTH_MAX: Final = 500
EVERY_DAY: Final = (1, 2, 3, 4, 5, 6, 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyWindow:
    """Hours of the day within which orders need nobody: minutes since midnight, from `opens` up to before `closes`.

    days are ISO weekdays, 1 for Monday up to 7 for Sunday. A window does not cross midnight.
    """

    opens: int
    closes: int
    days: tuple[int, ...] = EVERY_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The hours of a time zone of the IANA database. Clock changes follow that zone."""

    time_zone: str
    windows: tuple[DailyWindow, ...]

    def holds(self, at: datetime) -> bool:
        """True when the instant lies within a window."""
        local = at.astimezone(ZoneInfo(self.time_zone))
        minute = local.hour * 60 + local.minute
        return any(
            local.isoweekday() in window.days and window.opens <= minute < window.closes for window in self.windows
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalPolicy:
    """Which orders need a second person. With neither notional nor hours, each order that it covers does.

    It covers the orders of an account or of a strategy where it names one. With both conditions either suffices.
    notional is in `currency`, and an order above it needs approval; expiry_s is how long an order waits.
    """

    id: PolicyId
    account_id: AccountId | None = None
    strategy_id: StrategyId | None = None
    notional: Decimal | None = None
    currency: str | None = None
    hours: Hours | None = None
    expiry_s: int
    is_active: bool = True
    version: int = 1
    author: str = ""
    reason: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An order as policies see it. notional is in `currency`, None where no fresh price is known to value it by."""

    account_id: AccountId
    strategy_id: StrategyId | None = None
    notional: Decimal | None
    currency: str
    at: datetime


class ApprovalDecision(StrEnum):
    """How a request for approval ended. CANCELED: the order was taken back before anybody decided."""

    APPROVED = "APPROVED"
    REFUSED = "REFUSED"
    EXPIRED = "EXPIRED"
    CANCELED = "CANCELED"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderApproval:
    """A policy that an order met: why, until when it waits, and how it ended.

    decision is None while the order waits; decider is the person who decided, by themselves or by an API key.
    """

    tenant_id: TenantId
    order_id: OrderId
    policy_id: PolicyId
    policy_version: int
    reasons: tuple[str, ...]
    requested_at: datetime
    expires_at: datetime
    decision: ApprovalDecision | None = None
    decided_by: str | None = None
    decider: UserId | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """How the requests of one order ended, all of them at once."""

    tenant_id: TenantId
    order_id: OrderId
    decision: ApprovalDecision
    by: str
    person: UserId | None = None
    at: datetime
    reason: str | None = None


def met_policies(
    policies: Iterable[ApprovalPolicy], candidate: Candidate
) -> list[tuple[ApprovalPolicy, tuple[str, ...]]]:
    """The policies that the order meets, each with its reasons. What cannot be judged is met: it fails closed."""
    met = ((policy, tuple(_reasons(policy, candidate))) for policy in policies if _covers(policy, candidate))
    return [(policy, reasons) for policy, reasons in met if reasons]


def requests(
    met: Iterable[tuple[ApprovalPolicy, tuple[str, ...]]],
    *,
    tenant_id: TenantId,
    order_id: OrderId,
    now: datetime,
) -> list[OrderApproval]:
    """The requests of an order that met policies."""
    return [
        OrderApproval(
            tenant_id=tenant_id,
            order_id=order_id,
            policy_id=policy.id,
            policy_version=policy.version,
            reasons=reasons,
            requested_at=now,
            expires_at=now + timedelta(seconds=policy.expiry_s),
        )
        for policy, reasons in met
    ]


def approvals_document(approvals: Iterable[OrderApproval]) -> list[dict[str, Any]]:
    """The requests of an order as its event tells them."""
    return [
        {
            "policyId": str(one.policy_id),
            "policyVersion": one.policy_version,
            "reasons": list(one.reasons),
            "expiresAt": one.expires_at.isoformat(),
        }
        for one in approvals
    ]


def only_reduces(side: Side, quantity: Decimal, *, position: Decimal, open_buy: Decimal, open_sell: Decimal) -> bool:
    """True when the order can only make the position smaller, whatever else of its side is dealt before it.

    position is signed; the open quantities are those of the other open orders.
    """
    if side is Side.SELL:
        return position > ZERO and open_sell + quantity <= position
    return position < ZERO and open_buy + quantity <= -position


def policy_from_document(document: Mapping[str, Any]) -> ApprovalPolicy:
    """The policy of the document that the intake reads along with an account."""
    return ApprovalPolicy(
        id=PolicyId(UUID(document["id"])),
        account_id=None if document["accountId"] is None else AccountId(UUID(document["accountId"])),
        strategy_id=None if document["strategyId"] is None else StrategyId(UUID(document["strategyId"])),
        notional=None if document["notional"] is None else Decimal(document["notional"]),
        currency=document["currency"],
        hours=hours_from_document(document["hours"]),
        expiry_s=document["expirySeconds"],
        version=document["version"],
    )


def hours_document(hours: Hours | None) -> dict[str, Any] | None:
    """The hours as stored."""
    if hours is None:
        return None
    return {
        "timeZone": hours.time_zone,
        "windows": [
            {"opens": window.opens, "closes": window.closes, "days": list(window.days)} for window in hours.windows
        ],
    }


def hours_from_document(document: Mapping[str, Any] | None) -> Hours | None:
    """The hours of a stored document."""
    if document is None:
        return None
    return Hours(
        time_zone=document["timeZone"],
        windows=tuple(
            DailyWindow(opens=window["opens"], closes=window["closes"], days=tuple(window["days"]))
            for window in document["windows"]
        ),
    )


def policy_document(policy: ApprovalPolicy) -> dict[str, Any]:
    """The policy as the audit log keeps it."""
    return {
        "accountId": None if policy.account_id is None else str(policy.account_id),
        "strategyId": None if policy.strategy_id is None else str(policy.strategy_id),
        "notional": None if policy.notional is None else plain(policy.notional),
        "currency": policy.currency,
        "hours": hours_document(policy.hours),
        "expirySeconds": policy.expiry_s,
        "isActive": policy.is_active,
        "version": policy.version,
        "reason": policy.reason,
    }


def is_time_zone(name: str) -> bool:
    """True for a zone of the IANA database."""
    return name in available_timezones()


def _covers(policy: ApprovalPolicy, candidate: Candidate) -> bool:
    return (
        policy.is_active
        and (policy.account_id is None or policy.account_id == candidate.account_id)
        and (policy.strategy_id is None or policy.strategy_id == candidate.strategy_id)
    )


def _reasons(policy: ApprovalPolicy, candidate: Candidate) -> Iterator[str]:
    if policy.notional is None and policy.hours is None:
        yield "every order that the policy covers needs approval"
    if policy.notional is not None:
        yield from _notional_reasons(policy.notional, policy.currency, candidate)
    if policy.hours is not None and not policy.hours.holds(candidate.at):
        yield f"outside the hours of {policy.hours.time_zone} that the policy names"


def _notional_reasons(limit: Decimal, currency: str | None, candidate: Candidate) -> Iterator[str]:
    if currency != candidate.currency:
        yield f"no rate from {candidate.currency} to {currency} to value the order by"
    elif candidate.notional is None:
        yield "no fresh price to value the order by"
    elif candidate.notional > limit:
        yield f"notional {plain(candidate.notional)} {currency} is above {plain(limit)}"
