"""The query that explains: why the limits let an order, or a change of it, pass or refused it."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from app.core.ids import OrderId
from app.flows.orders import explain_order as flow
from app.flows.orders.explain_order import DecisionStep
from app.identity.domain import Scope
from app.orders.domain.placing import terms_document
from app.orders.errors import OrderUnknownError
from schema.base.context import Info
from schema.base.ids import parse_id
from schema.base.permissions import scoped
from schema.orders.types import Order, RiskCheckResult

strawberry.enum(
    DecisionStep,
    name="RiskDecisionStep",
    description="At which step of an order's life the limits were asked: when it was placed, at the approval or the "
    "release of one that had waited, or for a change of it.",
)


@strawberry.type(description="What the limits said at one step of an order's life: who asked, when, and every check.")
class RiskDecision:
    """What the limits said at one step."""

    step: DecisionStep
    asked_by: str
    decided_at: datetime
    request_id: strawberry.ID | None = strawberry.field(description="The change that was asked for; null otherwise.")
    terms: JSON = strawberry.field(description="What the change was to make of it; empty otherwise.")
    checks: list[RiskCheckResult] = strawberry.field(description="In the order in which they were asked.")
    breach: RiskCheckResult | None = strawberry.field(description="The first that refused; null where all let it pass.")
    counterfactual: str | None = strawberry.field(
        description="What would have let it pass the limits; of restricted lists, which are secret, it tells nothing."
    )
    duration_micros: int

    @classmethod
    def of(cls, decision: flow.RiskDecision) -> "RiskDecision":
        """The type of the value."""
        return cls(
            step=decision.step,
            asked_by=decision.asked_by,
            decided_at=decision.decided_at,
            request_id=None if decision.request_id is None else strawberry.ID(str(decision.request_id)),
            terms=JSON({} if decision.terms is None else terms_document(decision.terms)),
            checks=[RiskCheckResult.of(check) for check in decision.checks],
            breach=None if decision.breach is None else RiskCheckResult.of(decision.breach),
            counterfactual=decision.counterfactual,
            duration_micros=decision.duration_us,
        )


@strawberry.type(description="Why the limits let an order pass or refused it, as recorded when it was decided.")
class OrderExplanation:
    """Why the limits let an order pass or refused it."""

    order: Order
    checks: list[RiskCheckResult] = strawberry.field(
        description="What every limit said of the order, in the order in which they were asked; of one that waited for "
        "approval or release, each time. The first that FAILED is the reason."
    )
    limit_versions: JSON = strawberry.field(
        description="The version of each limit that was held against the order or a change of it, by the limit's id."
    )
    counterfactual: str | None = strawberry.field(
        description='What would have let it pass the limits with all else as it was, such as "passes at a quantity of '
        '420". Null for an order that passed, and where neither its quantity nor its limit alone would have done it. '
        "It speaks of the limits alone: a restricted list, which is secret, may refuse the order all the same."
    )
    decided_at: datetime
    duration_micros: int = strawberry.field(description="How long the checks took together, in microseconds.")
    decisions: list[RiskDecision] = strawberry.field(
        description="Each time that the limits were asked, the oldest first: when the order was placed, before its "
        "approval and its releases, and for each change of it, taken or refused."
    )

    @classmethod
    def of(cls, explanation: flow.Explanation) -> "OrderExplanation":
        """The type of the value."""
        return cls(
            order=Order.of(explanation.order),
            checks=[RiskCheckResult.of(check) for check in explanation.checks],
            limit_versions=JSON(dict(explanation.versions)),
            counterfactual=explanation.counterfactual,
            decided_at=explanation.decided_at,
            duration_micros=explanation.duration_us,
            decisions=[RiskDecision.of(one) for one in explanation.decisions],
        )


@strawberry.type
class ExplanationQuery:
    """The query that explains."""

    @strawberry.field(
        description="Why the limits let an order, and each change of it, pass or refused it: each check with what it "
        "was found from, the version of its limit and how long it took.",
        extensions=scoped(Scope.VIEW_ORDERS),
    )
    async def explain_order(self, info: Info, id: strawberry.ID) -> OrderExplanation:  # noqa: A002
        """Why the limits let the order pass or refused it."""
        order_id = OrderId(parse_id(id, "id"))
        order = await info.context.loaders.orders.load(order_id)
        if order is None:
            raise OrderUnknownError("id")
        requests = await info.context.loaders.requests_of.load(order_id)
        return OrderExplanation.of(flow.explain(order, requests or ()))
