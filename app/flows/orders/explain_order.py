"""explainOrder: why the limits let an order pass or refused it, as it was recorded when it was decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from app.core.messages import RiskCheck
from app.orders.domain.order import Order
from app.risk.domain import is_breach
from app.risk.domain.counterfactual import PASSES_AT, words

NANOSECONDS_IN_A_MICROSECOND = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """An order with what every limit said of it. versions are those of the limits, by their ids.

    counterfactual is what would have let it pass; None for an order that passed, and where no change of its quantity
    or its limit alone would have.
    """

    order: Order
    versions: Mapping[str, int]
    counterfactual: str | None
    decided_at: datetime
    duration_us: int

    @property
    def checks(self) -> tuple[RiskCheck, ...]:
        """What the limits said, in the order in which they were asked; of an order that waited, each time."""
        return self.order.risk_checks


def explain(order: Order) -> Explanation:
    """Why the order was taken or refused."""
    checks = order.risk_checks
    refused = (one for one in checks if is_breach(one) and PASSES_AT in one.inputs)
    breach = next(refused, None)
    return Explanation(
        order=order,
        versions={str(one.limit_id): one.limit_version for one in checks if one.limit_id and one.limit_version},
        counterfactual=None if breach is None else words(breach.inputs[PASSES_AT]),
        decided_at=order.created_at,
        duration_us=ceil(sum(one.nanoseconds for one in checks) / NANOSECONDS_IN_A_MICROSECOND),
    )
