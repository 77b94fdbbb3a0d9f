"""The GraphQL types of policies and requests for approval."""

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import strawberry

from app.approvals import domain
from app.approvals.domain import ApprovalDecision
from app.core.paging import Page, Window
from schema.base.errors import UserError
from schema.base.node import Node
from schema.base.pagination import Count, Counted, Cursors, page_info

POLICY_CURSORS: Final = Cursors("approvalPolicy")

strawberry.enum(ApprovalDecision, description="How a request for approval ended. CANCELED: the order was taken back.")


@strawberry.type(description="Hours of a day. Within them orders need nobody.")
class ApprovalWindow:
    """Hours of a day."""

    opens: str = strawberry.field(description="HH:MM.")
    closes: str = strawberry.field(description="HH:MM, exclusive; 24:00 for the end of the day.")
    days: list[int] = strawberry.field(description="ISO weekdays, 1 for Monday up to 7 for Sunday.")


@strawberry.type(description="Hours of a time zone; outside them an order needs approval.")
class ApprovalHours:
    """Hours of a time zone."""

    time_zone: str = strawberry.field(description="A name of the IANA database.")
    windows: list[ApprovalWindow]

    @classmethod
    def of(cls, hours: domain.Hours) -> "ApprovalHours":
        """The type of the value."""
        windows = [
            ApprovalWindow(opens=_clock(one.opens), closes=_clock(one.closes), days=list(one.days))
            for one in hours.windows
        ]
        return cls(time_zone=hours.time_zone, windows=windows)


@strawberry.type(
    description="Which orders need a second person. With neither notional nor hours, every order that it covers; with "
    "both, either suffices."
)
class ApprovalPolicy(Node):
    """Which orders need a second person."""

    account_id: strawberry.ID | None
    strategy_id: strawberry.ID | None
    notional: Decimal | None = strawberry.field(description="An order worth more than this needs approval.")
    currency: str | None
    hours: ApprovalHours | None
    expiry_seconds: int = strawberry.field(description="How long an order waits before it ends EXPIRED.")
    is_active: bool
    version: int
    author: str
    reason: str | None
    created_at: datetime | None
    updated_at: datetime | None

    @classmethod
    def of(cls, policy: domain.ApprovalPolicy) -> "ApprovalPolicy":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(policy.id)),
            account_id=None if policy.account_id is None else strawberry.ID(str(policy.account_id)),
            strategy_id=None if policy.strategy_id is None else strawberry.ID(str(policy.strategy_id)),
            notional=policy.notional,
            currency=policy.currency,
            hours=None if policy.hours is None else ApprovalHours.of(policy.hours),
            expiry_seconds=policy.expiry_s,
            is_active=policy.is_active,
            version=policy.version,
            author=policy.author,
            reason=policy.reason,
            created_at=policy.created_at,
            updated_at=policy.updated_at,
        )


@strawberry.type(description="A policy that an order met, and what became of the request.")
class OrderApproval:
    """A policy that an order met."""

    policy_id: strawberry.ID
    policy_version: int
    reasons: list[str]
    decision: ApprovalDecision | None = strawberry.field(description="Null while the order waits.")
    by: str | None
    at: datetime | None
    reason: str | None
    requested_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, approval: domain.OrderApproval) -> "OrderApproval":
        """The type of the value."""
        return cls(
            policy_id=strawberry.ID(str(approval.policy_id)),
            policy_version=approval.policy_version,
            reasons=list(approval.reasons),
            decision=approval.decision,
            by=approval.decided_by,
            at=approval.decided_at,
            reason=approval.decision_reason,
            requested_at=approval.requested_at,
            expires_at=approval.expires_at,
        )


@strawberry.type
class ApprovalPolicyEdge:
    """A policy at its place in a list."""

    cursor: str
    node: ApprovalPolicy


@strawberry.type(description="Policies of approval, the newest first.")
class ApprovalPolicyConnection(Counted):
    """A page of policies."""

    edges: list[ApprovalPolicyEdge]

    @classmethod
    def of(cls, page: Page[domain.ApprovalPolicy], window: Window[UUID], count: Count) -> "ApprovalPolicyConnection":
        """The page with its cursors."""
        edges = [
            ApprovalPolicyEdge(cursor=POLICY_CURSORS.write(str(one.id)), node=ApprovalPolicy.of(one))
            for one in page.items
        ]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)


@strawberry.type(description="The policy as it stands, or why it could not be changed.")
class ApprovalPolicyPayload:
    """The answer of setApprovalPolicy and deleteApprovalPolicy."""

    policy: ApprovalPolicy | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
