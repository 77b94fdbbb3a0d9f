"""The query that looks ahead: what would become of an order."""

from decimal import Decimal

import strawberry

from app.brokers.what_if import WhatIfAnswer
from app.core.errors import Problem
from app.core.money import ZERO
from app.flows.orders import preview_order as flow
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.errors import UserError, problem_errors
from schema.base.permissions import scoped
from schema.orders.mutations import PlaceOrderInput, new_order
from schema.orders.types import RiskCheckResult


@strawberry.type(
    description="What would become of an order placed now. Nothing of it is stored or reserved, and the next moment "
    "may answer otherwise. Of a bracket this is the entry."
)
class OrderPreview:
    """What would become of an order placed now."""

    risk_checks: list[RiskCheckResult] = strawberry.field(
        description="What every limit says; empty where the order would be refused before the limits are asked."
    )
    would_be_accepted: bool = strawberry.field(description="True when errors is empty. The broker may yet refuse it.")
    would_need_approval: bool = strawberry.field(description="It would be accepted, and wait for a second person.")
    errors: list[UserError] = strawberry.field(
        description="Every reason to refuse it: all limits that it breaks, where placing it answers with the first."
    )
    currency: str | None = strawberry.field(description="The instrument's, of price and notional.")
    price: Decimal | None = strawberry.field(
        description="What a unit is valued at: the limit, else the newest quote of the side, or what a stop makes "
        "of it. The limits of money value it so too. Null where it is not known."
    )
    notional: Decimal = strawberry.field(
        description="Quantity x price x multiplier; 0 where notionalUnavailable is not null."
    )
    notional_unavailable: UserError | None = strawberry.field(
        description="Why there is no notional: PRICE_UNKNOWN without a fresh quote, NOT_PREVIEWED where the input "
        "names nothing that can be valued."
    )
    commission: Decimal | None = strawberry.field(description="As the broker estimates it, in commissionCurrency.")
    min_commission: Decimal | None = strawberry.field(description="Where the broker tells a range.")
    max_commission: Decimal | None = strawberry.field(description="Where the broker tells a range.")
    commission_currency: str | None
    initial_margin_change: Decimal | None = strawberry.field(
        description="The broker's estimate of what the order adds to the initial margin, in marginCurrency."
    )
    maintenance_margin_change: Decimal | None = strawberry.field(
        description="The broker's estimate of what the order adds to the maintenance margin, in marginCurrency."
    )
    margin_currency: str | None = strawberry.field(description="The account's base currency.")
    margin_unavailable: UserError | None = strawberry.field(
        description="Why the broker told no margin: it was not asked (NOT_PREVIEWED), cannot be asked "
        "(BROKER_DISCONNECTED, CONNECTOR_AWAY, BROKER_BUSY), was silent (BROKER_TIMED_OUT) or would not say "
        "(WHAT_IF_REFUSED). It says nothing about wouldBeAccepted."
    )
    broker_warning: str | None = strawberry.field(description="What the broker adds, in its words.")

    @classmethod
    def of(cls, preview: flow.OrderPreview) -> "OrderPreview":
        """The type of the value."""
        told = preview.answer or WhatIfAnswer()
        return cls(
            risk_checks=[RiskCheckResult.of(check) for check in preview.risk_checks],
            would_be_accepted=not preview.problems,
            would_need_approval=preview.would_need_approval,
            errors=problem_errors(preview.problems),
            currency=None if preview.instrument is None else preview.instrument.currency,
            price=preview.price,
            notional=ZERO if preview.notional is None else preview.notional,
            notional_unavailable=_one(preview.notional_problem),
            commission=told.commission,
            min_commission=told.commission_min,
            max_commission=told.commission_max,
            commission_currency=told.commission_currency,
            initial_margin_change=told.initial_margin_change,
            maintenance_margin_change=told.maintenance_margin_change,
            margin_currency=preview.margin_currency,
            margin_unavailable=_one(preview.margin_problem),
            broker_warning=told.warning,
        )


@strawberry.type
class PreviewQuery:
    """The query that looks ahead."""

    @strawberry.field(
        description="What placeOrder would answer to the same input at this moment, and what the broker says that the "
        "order would do to the account. It waits for the broker for two seconds at most.",
        extensions=scoped(Scope.PLACE_ORDERS),
    )
    async def preview_order(self, info: Info, input: PlaceOrderInput) -> OrderPreview:  # noqa: A002
        """What would become of an order."""
        new = new_order(input)
        if isinstance(new, Problem):
            return OrderPreview.of(flow.malformed(new))
        return OrderPreview.of(await flow.preview_order(info.context.desk, info.context.principal, new))


def _one(problem: Problem | None) -> UserError | None:
    return None if problem is None else problem_errors([problem])[0]
