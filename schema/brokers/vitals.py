"""How hard a connection is used: the pace of its gateway, market data lines, and the efficiency of its orders."""

from datetime import date, datetime
from decimal import Decimal

import strawberry

from app.brokers.vitals import EFFICIENCY_RATIO_MAX, OrderActivity, PacePriority, PaceUse

strawberry.enum(
    PacePriority, description="What a message to a gateway is, the most urgent first: cancels go before all others."
)


@strawberry.type(description="Messages of one priority that wait for a gateway's pace.")
class PacingQueue:
    """Messages that wait."""

    priority: PacePriority
    waiting: int
    longest_seconds: float = strawberry.field(description="How long the oldest of them has waited.")


@strawberry.type(
    description="How much of a gateway's pace is used, by all sessions of all who share the gateway, as it was told "
    "last: about every five seconds."
)
class Pacing:
    """How much of a gateway's pace is used."""

    messages_per_second: int = strawberry.field(description="Sent within the last second.")
    messages_per_second_max: int | None = strawberry.field(
        description="What the connector sends at most (OMS_IB_MESSAGES_PER_SECOND); null without a bound."
    )
    waiting: list[PacingQueue] = strawberry.field(description="By priority; empty while nothing waits.")
    longest_wait_seconds: float = strawberry.field(
        description="How long a message waited at most of those sent in the last ten to twenty seconds."
    )
    at: datetime

    @classmethod
    def of(cls, use: PaceUse, at: datetime) -> "Pacing":
        """The type of the value."""
        return cls(
            messages_per_second=use.used,
            messages_per_second_max=use.limit,
            waiting=[
                PacingQueue(priority=one.priority, waiting=one.waiting, longest_seconds=one.longest_s)
                for one in use.queues
            ],
            longest_wait_seconds=use.longest_wait_s,
            at=at,
        )


@strawberry.type(description="Market data lines of the gateway's user: quotes and streams together.")
class MarketDataLineUse:
    """How many market data lines are used."""

    used: int
    limit: int = strawberry.field(
        description="The tenant's part of OMS_IB_MARKET_DATA_LINES: who shares a gateway shares them evenly."
    )


@strawberry.type(
    description="Interactive Brokers' order efficiency ratio of the day, by what this house sent: (submissions + "
    f"revisions + cancellations) / (executed orders + 1). Above {EFFICIENCY_RATIO_MAX} IB holds it for excessive and "
    "may restrict trading. The day is that of OMS_TRADING_TIMEZONE."
)
class OrderEfficiency:
    """The order efficiency ratio."""

    day: date
    submissions: int
    revisions: int
    cancellations: int
    executed_orders: int = strawberry.field(description="Orders that were dealt, wholly or in part, each once.")
    ratio: Decimal
    ratio_max: int = strawberry.field(description="Above it the ratio is excessive.")
    is_excessive: bool

    @classmethod
    def of(cls, activity: OrderActivity) -> "OrderEfficiency":
        """The type of the value."""
        return cls(
            day=activity.day,
            submissions=activity.submissions,
            revisions=activity.revisions,
            cancellations=activity.cancellations,
            executed_orders=activity.executed_orders,
            ratio=activity.ratio,
            ratio_max=EFFICIENCY_RATIO_MAX,
            is_excessive=activity.is_excessive,
        )
