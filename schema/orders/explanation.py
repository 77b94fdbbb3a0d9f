"""The query that explains: why the limits let an order pass or refused it."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from app.core.ids import OrderId
from app.flows.orders import explain_order as flow
from app.identity.domain import Scope
from app.orders.errors import OrderUnknownError
from schema.base.context import Info
from schema.base.ids import parse_id
from schema.base.permissions import scoped
from schema.orders.types import Order, RiskCheckResult


@strawberry.type(description="Why the limits let an order pass or refused it, as recorded when it was decided.")
class OrderExplanation:
    """Why the limits let an order pass or refused it."""

    order: Order
    checks: list[RiskCheckResult] = strawberry.field(
        description="What every limit said, in the order in which they were asked; of an order that waited for "
        "approval, each time. The first that FAILED is the reason."
    )
    limit_versions: JSON = strawberry.field(
        description="The version of each limit that was held against the order, by the limit's id."
    )
    counterfactual: str | None = strawberry.field(
        description='What would have let it pass with all else as it was, such as "passes at a quantity of 420". Null '
        "for an order that passed, and where neither its quantity nor its limit alone would have done it."
    )
    decided_at: datetime
    duration_micros: int = strawberry.field(description="How long the checks took together, in microseconds.")

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
        )


@strawberry.type
class ExplanationQuery:
    """The query that explains."""

    @strawberry.field(
        description="Why the limits let an order pass or refused it: each check with what it was found from, the "
        "version of its limit and how long it took.",
        extensions=scoped(Scope.VIEW_ORDERS),
    )
    async def explain_order(self, info: Info, id: strawberry.ID) -> OrderExplanation:  # noqa: A002
        """Why the limits let the order pass or refused it."""
        order = await info.context.loaders.orders.load(OrderId(parse_id(id, "id")))
        if order is None:
            raise OrderUnknownError("id")
        return OrderExplanation.of(flow.explain(order))
