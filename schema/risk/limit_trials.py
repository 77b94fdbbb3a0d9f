"""Limits on trial over GraphQL: drills, and what a shadow would have blocked."""

import strawberry

from app.core.errors import OmsError
from app.core.ids import LimitId
from app.flows.drill_risk_limits import DrillDesk, drill_risk_limits
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.errors import UserError
from schema.base.ids import parse_ids
from schema.base.permissions import scoped
from schema.risk.limits import RiskLimit, limit_errors

DRILL_COST = 50


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
