"""The pure part of risk: limits, their conditions, and the chain that holds orders against them."""

from app.risk.domain.chain import (
    EVALUATED,
    Exposure,
    Proposal,
    Reference,
    adds_risk,
    evaluate,
    first_breach,
    price_of,
    worst_position,
)
from app.risk.domain.conditions import Conditions, conditions_of
from app.risk.domain.limits import RiskLimit, limit_problems

__all__ = [
    "EVALUATED",
    "Conditions",
    "Exposure",
    "Proposal",
    "Reference",
    "RiskLimit",
    "adds_risk",
    "conditions_of",
    "evaluate",
    "first_breach",
    "limit_problems",
    "price_of",
    "worst_position",
]
