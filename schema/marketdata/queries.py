"""Queries of market data."""

import strawberry

from app.core.ids import InstrumentId
from app.core.messages import Instrument as InstrumentValue
from app.flows.read_quotes import want_markets
from app.flows.subscribe_market_data import list_subscriptions
from app.identity.domain import Scope
from app.instruments import service as instruments
from app.marketdata.subscriptions_batch import SUBSCRIPTIONS_MAX
from schema.base.context import Info
from schema.base.ids import bounded, storable
from schema.base.permissions import scoped
from schema.instruments.types import Instrument, Quote
from schema.marketdata.types import MarketDataSubscription


@strawberry.type
class MarketDataQuery:
    """Queries of market data."""

    @strawberry.field(
        description="The newest known quote; null before the first.", extensions=scoped(Scope.VIEW_MARKET_DATA)
    )
    async def quote(self, info: Info, symbol: str, exchange: str | None = None) -> Quote | None:
        """The newest known quote."""
        principal = info.context.principal
        async with info.context.desk.reading(principal) as session:
            meant = await instruments.named(session, principal.tenant_id, storable(symbol, "symbol"), exchange)
        found = await _quotes(info, [meant])
        return found[0] if found else None

    @strawberry.field(
        description="The newest known quotes; an instrument before its first has none.",
        extensions=scoped(Scope.VIEW_MARKET_DATA),
    )
    async def quotes(self, info: Info, symbols: list[str]) -> list[Quote]:
        """The newest known quotes."""
        principal = info.context.principal
        async with info.context.desk.reading(principal) as session:
            meant = await instruments.named_all(session, principal.tenant_id, bounded(symbols, "symbols"))
        return await _quotes(info, meant)

    @strawberry.field(
        description=f"The tenant's active subscriptions to market data, the oldest first; at most {SUBSCRIPTIONS_MAX}.",
        extensions=scoped(Scope.VIEW_MARKET_DATA),
    )
    async def market_data_subscriptions(self, info: Info) -> list[MarketDataSubscription]:
        """The tenant's active subscriptions."""
        found = await list_subscriptions(info.context.desk, info.context.principal)
        return [MarketDataSubscription.of(one) for one in found]


async def _quotes(info: Info, meant: list[InstrumentValue]) -> list[Quote]:
    await want_markets(info.context.desk, info.context.principal, [one.id for one in meant])
    ticks = await info.context.loaders.quotes.load_many([InstrumentId(one.id) for one in meant])
    now = info.context.desk.clock.now()
    return [Quote.of(tick, Instrument.of(one), now) for one, tick in zip(meant, ticks, strict=True) if tick is not None]
