"""Looks at the limits after an order was placed, before an approval or a release: kept with its first checks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from app.core.messages import Look, LookStep, RiskCheck
from app.core.records import replace
from app.orders.domain.order import Order

LOOKS_KEPT_MAX: Final = 20
"""Of more than so many later looks at one order, the oldest go: a staged order may be asked for any number of times."""


def looked_again(
    order: Order, checks: Sequence[RiskCheck], step: LookStep, by: str, at: datetime
) -> tuple[RiskCheck, ...]:
    """What the limits have said of the order, with what they say now at its end."""
    look = Look(step=step, by=by, at=at)
    known = list(dict.fromkeys(one.look for one in order.risk_checks if one.look is not None))
    gone = frozenset(known[: max(len(known) + 1 - LOOKS_KEPT_MAX, 0)])
    kept = (one for one in order.risk_checks if one.look is None or one.look not in gone)
    return (*kept, *(replace(one, look=look) for one in checks))
