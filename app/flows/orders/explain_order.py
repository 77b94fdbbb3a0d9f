"""explainOrder: why the limits let an order or a change of it pass or refused it, as recorded when it was decided."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from math import ceil

from app.core.ids import RequestId
from app.core.messages import LookStep, OrderTerms, RiskCheck
from app.orders.domain.order import Order, OrderRequest
from app.risk.domain import first_breach, is_breach
from app.risk.domain.counterfactual import PASSES_AT, words

NANOSECONDS_IN_A_MICROSECOND = 1_000


class DecisionStep(StrEnum):
    """At which step the limits were asked."""

    PLACEMENT = "PLACEMENT"
    APPROVAL = "APPROVAL"
    RELEASE = "RELEASE"
    CHANGE = "CHANGE"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskDecision:
    """What the limits said at one step of an order's life, who asked, and when.

    request_id and terms are of a change: which request, and what it was to become.
    """

    step: DecisionStep
    asked_by: str
    decided_at: datetime
    checks: tuple[RiskCheck, ...]
    request_id: RequestId | None = None
    terms: OrderTerms | None = None

    @property
    def breach(self) -> RiskCheck | None:
        """The first check that refused; None where all let it pass."""
        return first_breach(self.checks)

    @property
    def counterfactual(self) -> str | None:
        """What would have let it pass, with all else as it was; None for what passed, and where nothing is known."""
        return counterfactual_of(self.checks)

    @property
    def duration_us(self) -> int:
        """How long the checks took together, in microseconds."""
        return _duration_us(self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """An order with what every limit said of it. versions are those of the limits, by their ids.

    counterfactual is what would have let it pass; None for an order that passed, and where no change of its quantity
    or its limit alone would have. decisions are all looks at it and at its changes, the oldest first.
    """

    order: Order
    versions: Mapping[str, int]
    counterfactual: str | None
    decided_at: datetime
    duration_us: int
    decisions: tuple[RiskDecision, ...]

    @property
    def checks(self) -> tuple[RiskCheck, ...]:
        """What the limits said, in the order in which they were asked; of an order that waited, each time."""
        return self.order.risk_checks


def explain(order: Order, requests: Sequence[OrderRequest] = ()) -> Explanation:
    """Why the order was taken or refused, and each change of it that is among its requests."""
    checks = order.risk_checks
    decisions = (*_looks(order), *_changes(requests))
    every = [check for decision in decisions for check in decision.checks]
    return Explanation(
        order=order,
        versions={str(one.limit_id): one.limit_version for one in every if one.limit_id and one.limit_version},
        counterfactual=counterfactual_of(checks),
        decided_at=order.created_at,
        duration_us=_duration_us(checks),
        decisions=tuple(sorted(decisions, key=lambda one: one.decided_at)),
    )


def counterfactual_of(checks: Iterable[RiskCheck]) -> str | None:
    """What would have let pass what these checks refused, in words; None where nothing is known."""
    breach = next((one for one in checks if is_breach(one) and PASSES_AT in one.inputs), None)
    return None if breach is None else words(breach.inputs[PASSES_AT])


def _looks(order: Order) -> list[RiskDecision]:
    found = []
    for look, checks in groupby(order.risk_checks, lambda check: check.look):
        found.append(
            RiskDecision(
                step=DecisionStep.PLACEMENT if look is None else _STEPS[look.step],
                asked_by=order.placed_by if look is None else look.by,
                decided_at=order.created_at if look is None else look.at,
                checks=tuple(checks),
            )
        )
    return found


_STEPS = {LookStep.APPROVAL: DecisionStep.APPROVAL, LookStep.RELEASE: DecisionStep.RELEASE}


def _changes(requests: Iterable[OrderRequest]) -> list[RiskDecision]:
    return [
        RiskDecision(
            step=DecisionStep.CHANGE,
            asked_by=request.requested_by,
            decided_at=request.requested_at,
            checks=request.risk_checks,
            request_id=request.id,
            terms=request.terms,
        )
        for request in requests
        if request.risk_checks
    ]


def _duration_us(checks: Iterable[RiskCheck]) -> int:
    return ceil(sum(one.nanoseconds for one in checks) / NANOSECONDS_IN_A_MICROSECOND)
