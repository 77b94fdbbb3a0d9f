"""Mutations of market data: standing wishes for an instrument's quotes."""

import strawberry

from app.core.errors import OmsError
from app.flows.marketdata.subscribe_market_data import subscribe_market_data, unsubscribe_market_data
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.errors import UserError, user_errors
from schema.base.ids import parse_id, storable
from schema.base.permissions import scoped
from schema.marketdata.types import MarketDataSubscription


@strawberry.input
class SubscribeMarketDataInput:
    """The instrument whose market is to be watched."""

    symbol: str
    exchange: str | None = strawberry.field(default=None, description="Where several instruments bear the symbol.")


@strawberry.input
class UnsubscribeMarketDataInput:
    """The subscription that is to end."""

    subscription_id: strawberry.ID


@strawberry.type
class MarketDataSubscriptionPayload:
    """The answer of subscribeMarketData and unsubscribeMarketData."""

    subscription: MarketDataSubscription | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class MarketDataMutation:
    """Mutations of market data."""

    @strawberry.mutation(
        description="Wishes for the market data of an instrument until unsubscribeMarketData; an instrument has one "
        "active subscription, and to ask again answers it.",
        extensions=scoped(Scope.VIEW_MARKET_DATA),
    )
    async def subscribe_market_data(
        self,
        info: Info,
        input: SubscribeMarketDataInput,  # noqa: A002
    ) -> MarketDataSubscriptionPayload:
        """Wishes for market data."""
        try:
            found = await subscribe_market_data(
                info.context.desk, info.context.principal, storable(input.symbol, "symbol"), input.exchange
            )
        except OmsError as error:
            return MarketDataSubscriptionPayload(errors=user_errors(error))
        return MarketDataSubscriptionPayload(subscription=MarketDataSubscription.of(found))

    @strawberry.mutation(
        description="Ends a subscription; one that has ended is answered as it is.",
        extensions=scoped(Scope.VIEW_MARKET_DATA),
    )
    async def unsubscribe_market_data(
        self,
        info: Info,
        input: UnsubscribeMarketDataInput,  # noqa: A002
    ) -> MarketDataSubscriptionPayload:
        """Ends a subscription."""
        try:
            found = await unsubscribe_market_data(
                info.context.desk, info.context.principal, parse_id(input.subscription_id, "subscriptionId")
            )
        except OmsError as error:
            return MarketDataSubscriptionPayload(errors=user_errors(error))
        return MarketDataSubscriptionPayload(subscription=MarketDataSubscription.of(found))
