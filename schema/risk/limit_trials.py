"""Limits on trial over GraphQL: drills, and what a shadow would have blocked."""

from datetime import datetime
from decimal import Decimal

import strawberry

from app.core.errors import OmsError
from app.core.ids import LimitId
from app.flows.risk.drill_risk_limits import DrillDesk, drill_risk_limits
from app.flows.risk.review_shadow_limit import ShadowReport, review_shadow_limit
from app.identity.domain import Scope
from app.risk.keeping.domain.replaying import Source
from schema.base.context import Info
from schema.base.errors import UserError
from schema.base.ids import parse_id, parse_ids
from schema.base.permissions import scoped
from schema.orders.types import Order
from schema.risk.limits import RiskLimit, limit_errors

DRILL_COST = 50
REPORT_COST = 100
DAYS = 5

strawberry.enum(
    Source,
    name="ShadowSource",
    description="Where an answer comes from: RECORDED with the order, or REPLAYED from facts that were.",
)


@strawberry.input
class DrillRiskLimitsInput:
    """Which limits are drilled."""

    limit_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Active limits; null for all of them."
    )


@strawberry.type
class DrillRiskLimitsPayload:
    """The answer of a drill."""

    risk_limits: list[RiskLimit] = strawberry.field(
        default_factory=list, description="Each with what its drill found: see lastDrillOutcome."
    )
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="An order that a limit said no to, or would have.")
class ShadowBlockedOrder:
    """An order that a limit said no to."""

    order: Order
    source: Source
    observed: Decimal | None
    message: str


@strawberry.type(description="Why orders could not be replayed.")
class ShadowGap:
    """Why orders could not be replayed."""

    reason: str
    orders: int


@strawberry.type(
    description="What a limit would have blocked of the orders that were taken. An order that was changed is replayed "
    "with its last terms."
)
class RiskShadowReport:
    """What a limit would have blocked."""

    risk_limit: RiskLimit
    since: datetime
    orders: int = strawberry.field(description="Orders that were looked at, the newest first, at most 5000.")
    is_whole: bool = strawberry.field(description="False where there were more.")
    refused_anyway: int = strawberry.field(description="Refused by other limits.")
    not_covered: int = strawberry.field(description="The limit is not held against them.")
    recorded: int = strawberry.field(description="The limit was there in its present version, and spoke.")
    replayed: int = strawberry.field(description="Answered from the facts that were recorded with the order.")
    not_replayable: int = strawberry.field(description="Nothing is known of them: see gaps.")
    gaps: list[ShadowGap]
    blocked: int = strawberry.field(description="Of those recorded and replayed.")
    blocked_orders: list[ShadowBlockedOrder] = strawberry.field(description="The newest of them, at most 200.")

    @classmethod
    def of(cls, report: ShadowReport) -> "RiskShadowReport":
        """The type of the value."""
        return cls(
            risk_limit=RiskLimit.of(report.kept),
            since=report.since,
            orders=report.orders,
            is_whole=report.is_whole,
            refused_anyway=report.refused_anyway,
            not_covered=report.not_covered,
            recorded=report.recorded,
            replayed=report.replayed,
            not_replayable=report.not_replayable,
            gaps=[ShadowGap(reason=reason, orders=count) for reason, count in sorted(report.why_not.items())],
            blocked=report.blocked,
            blocked_orders=[
                ShadowBlockedOrder(
                    order=Order.of(one.order),
                    source=one.answer.source,
                    observed=one.answer.observed,
                    message=one.answer.message,
                )
                for one in report.shown
            ],
        )


@strawberry.type
class RiskTrialQuery:
    """Queries of limits on trial."""

    @strawberry.field(
        description="What a limit, above all a shadow, would have blocked of the orders of the last days, at most 30.",
        extensions=scoped(Scope.MANAGE_RISK, cost=REPORT_COST),
    )
    async def risk_shadow_report(self, info: Info, limit_id: strawberry.ID, days: int | None = 5) -> RiskShadowReport:
        """What a limit would have blocked."""
        limit = LimitId(parse_id(limit_id, "limitId"))
        report = await review_shadow_limit(
            info.context.desk, info.context.principal, limit, days=DAYS if days is None else days
        )
        return RiskShadowReport.of(report)


@strawberry.type
class RiskTrialMutation:
    """Mutations of limits on trial."""

    @strawberry.mutation(
        description="Proves active limits able to refuse: an order just beyond each, made from an account's own "
        "figures, is held against it by the chain that orders pass. It is never stored and never sent. The worker "
        "does the same once a day.",
        extensions=scoped(Scope.MANAGE_RISK, cost=DRILL_COST),
    )
    async def drill_risk_limits(self, info: Info, input: DrillRiskLimitsInput) -> DrillRiskLimitsPayload:  # noqa: A002
        """Drills limits."""
        desk = info.context.desk
        drilling = DrillDesk(database=desk.database, redis=desk.redis, clock=desk.clock, ids=desk.ids)
        try:
            asked = parse_ids(input.limit_ids, "limitIds")
            wanted = None if asked is None else [LimitId(one) for one in asked]
            found = await drill_risk_limits(drilling, info.context.principal, wanted)
        except OmsError as error:
            return DrillRiskLimitsPayload(errors=limit_errors(error))
        return DrillRiskLimitsPayload(risk_limits=[RiskLimit.of(one) for one in found])
