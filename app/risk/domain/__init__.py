"""The pure part of risk: limits, their conditions, and the chain that holds orders against them."""

from app.risk.domain.chain import (
    CHECKS,
    NO_LIMITS,
    Chain,
    at_rest,
    chain_of,
    evaluate,
    first_breach,
    is_breach,
    used,
)
from app.risk.domain.conditions import AccountMode, Conditions, conditions_of
from app.risk.domain.facts import AccountFigures, Activity, ExposureLine, Fact, Facts, Resting
from app.risk.domain.limits import RiskLimit, limit_problems
from app.risk.domain.markets import canceled_for
from app.risk.domain.proposal import (
    Exposure,
    Proposal,
    Reference,
    Step,
    adds_risk,
    only_reduces,
    price_of,
    worst_position,
)

__all__ = [
    "CHECKS",
    "NO_LIMITS",
    "AccountFigures",
    "AccountMode",
    "Activity",
    "Chain",
    "Conditions",
    "Exposure",
    "ExposureLine",
    "Fact",
    "Facts",
    "Proposal",
    "Reference",
    "Resting",
    "RiskLimit",
    "Step",
    "adds_risk",
    "at_rest",
    "canceled_for",
    "chain_of",
    "conditions_of",
    "evaluate",
    "first_breach",
    "is_breach",
    "limit_problems",
    "only_reduces",
    "price_of",
    "used",
    "worst_position",
]
