"""The question what an order would do to its account at the broker, and its answer. Nothing of it is an order."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from app.core.allocation import Allocation
from app.core.fix import OrderType, Side
from app.core.messages import Contract, OrderTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """An order as the broker is asked about it."""

    contract: Contract
    side: Side
    order_type: OrderType
    terms: OrderTerms
    outside_regular_hours: bool = False
    allocation: Allocation | None = None
    kind: Literal["WHAT_IF"] = "WHAT_IF"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfAnswer:
    """What the broker says of an order; None for a figure that it does not tell.

    Margins are changes, in the account's base currency. A broker that cannot tell the commission may tell its bounds.
    warning is in the broker's words.
    """

    initial_margin_change: Decimal | None = None
    maintenance_margin_change: Decimal | None = None
    commission: Decimal | None = None
    commission_min: Decimal | None = None
    commission_max: Decimal | None = None
    commission_currency: str | None = None
    warning: str | None = None
    kind: Literal["WHAT_IF_ANSWER"] = "WHAT_IF_ANSWER"
