"""Execution quality over GraphQL."""

from datetime import datetime
from decimal import Decimal

import strawberry

from app.compliance.domain import execution_quality as domain
from app.compliance.domain.execution_quality import QualityGroup
from app.core.fix import OrderType
from app.flows.compliance.execution_quality import ORDERS_MAX, execution_quality
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.permissions import scoped
from schema.brokers.types import known_account

strawberry.enum(QualityGroup, name="ExecutionQualityGroup", description="What orders are put together by.")


@strawberry.type(
    description="How well orders in one currency were executed. Figures above zero were paid, below zero gained; "
    "slippages and the spread are weighed by what was dealt in money."
)
class ExecutionQuality:
    """How well orders were executed."""

    account_id: strawberry.ID | None
    instrument_id: strawberry.ID | None
    symbol: str | None
    order_type: OrderType | None
    route: str | None = strawberry.field(description="The primary exchange of the instrument.")
    currency: str
    orders: int
    filled: int = strawberry.field(description="How many have anything dealt.")
    measured: int = strawberry.field(description="How many have something dealt and a price of their arrival.")
    quantity: Decimal
    filled_quantity: Decimal
    fill_rate: Decimal = strawberry.field(description="Of the quantity, from 0 to 1.")
    arrival_slippage_bps: Decimal | None = strawberry.field(
        description="Against the price that it would have met: the ask for a buy, the bid for a sale, else the last."
    )
    mid_slippage_bps: Decimal | None = strawberry.field(description="Against the middle of the quote at arrival.")
    effective_spread_bps: Decimal | None = strawberry.field(description="Twice the slippage against the middle.")
    cost: Decimal | None = strawberry.field(description="The slippage against the arrival, in the currency.")
    median_seconds_to_first_fill: float | None
    median_seconds_to_last_fill: float | None

    @classmethod
    def of(cls, one: domain.GroupQuality) -> "ExecutionQuality":
        """The type of the value."""
        return cls(
            account_id=None if one.account_id is None else strawberry.ID(str(one.account_id)),
            instrument_id=None if one.instrument_id is None else strawberry.ID(str(one.instrument_id)),
            symbol=one.symbol,
            order_type=one.order_type,
            route=one.route,
            currency=one.currency,
            orders=one.orders,
            filled=one.filled,
            measured=one.measured,
            quantity=one.quantity,
            filled_quantity=one.filled_quantity,
            fill_rate=one.fill_rate,
            arrival_slippage_bps=one.arrival_slippage_bps,
            mid_slippage_bps=one.mid_slippage_bps,
            effective_spread_bps=one.effective_spread_bps,
            cost=one.cost,
            median_seconds_to_first_fill=one.median_first_fill_s,
            median_seconds_to_last_fill=one.median_last_fill_s,
        )


@strawberry.type
class ExecutionQualityQuery:
    """Queries of execution quality."""

    @strawberry.field(
        description="How well the orders were executed that were taken from `after` up to `before`, put together by "
        f"what is asked for, always by currency; at most {ORDERS_MAX} orders in a year. Orders that never left, and "
        "those placed outside, are not among them.",
        extensions=scoped(Scope.VIEW_ORDERS, cost=50),
    )
    async def execution_quality(
        self,
        info: Info,
        after: datetime,
        before: datetime,
        account_id: strawberry.ID | None = None,
        group_by: list[QualityGroup] | None = None,
    ) -> list[ExecutionQuality]:
        """How well orders were executed."""
        account = None if account_id is None else await known_account(info, account_id, "accountId")
        found = await execution_quality(
            info.context.desk,
            info.context.principal,
            account_id=account,
            after=after,
            before=before,
            by=group_by or (),
        )
        return [ExecutionQuality.of(one) for one in found]
