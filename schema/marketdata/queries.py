"""Queries of market data."""

from datetime import datetime
from typing import Final

import strawberry

from app.core.fix import BarInterval
from app.core.ids import InstrumentId
from app.core.messages import Instrument as InstrumentValue
from app.flows.marketdata.read_history import read_bars, read_ticks, take_snapshot
from app.flows.marketdata.read_quotes import want_markets
from app.flows.marketdata.subscribe_market_data import list_subscriptions
from app.identity.domain import Scope
from app.instruments import service as instruments
from app.marketdata.bars import BARS_MAX
from app.marketdata.subscriptions_batch import SUBSCRIPTIONS_MAX
from schema.base.context import Info
from schema.base.ids import bounded, storable
from schema.base.permissions import scoped
from schema.instruments.types import Instrument, Quote
from schema.marketdata.types import Bar, MarketDataSubscription, Tick


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

    @strawberry.field(
        description="The market of an instrument at this moment, asked of the broker: for what no line is held for. It "
        "takes some seconds where a market is quiet.",
        extensions=scoped(Scope.VIEW_MARKET_DATA),
    )
    async def quote_snapshot(self, info: Info, symbol: str, exchange: str | None = None) -> Quote:
        """The market at this moment."""
        desk = info.context.desk
        meant, tick = await take_snapshot(desk, info.context.principal, storable(symbol, "symbol"), exchange)
        return Quote.of(tick, Instrument.of(meant), desk.clock.now())

    @strawberry.field(
        description=f"The bars that begin from start on and before end, of a range of at most {BARS_MAX} of them; the "
        "newest may not be whole yet. Shares and options by their regular hours; pairs of currencies by the middle of "
        "their quotes, without a volume. HISTORY_PACED when the broker's pace is used up: retryAfter says how long.",
        extensions=scoped(Scope.VIEW_MARKET_DATA),
    )
    async def bars(self, info: Info, symbol: str, interval: BarInterval, start: datetime, end: datetime) -> list[Bar]:
        """Bars of the past."""
        context = info.context
        found = await read_bars(context.desk, context.principal, storable(symbol, "symbol"), interval, start, end)
        return [Bar.of(bar) for bar in found]

    @strawberry.field(
        description="Single trades of the past as the broker tells them, of a pair of currencies its quotes: the first "
        "from `after` on, else the last before `before` or now. Times are whole seconds.",
        extensions=scoped(Scope.VIEW_MARKET_DATA),
    )
    async def ticks(
        self,
        info: Info,
        symbol: str,
        after: datetime | None = None,
        before: datetime | None = None,
        first: int | None = 500,
    ) -> list[Tick]:
        """Single trades or quotes of the past."""
        context, count = info.context, TICKS if first is None else first
        name = storable(symbol, "symbol")
        found = await read_ticks(context.desk, context.principal, name, after=after, before=before, count=count)
        return [Tick.of(tick) for tick in found]


TICKS: Final = 500


async def _quotes(info: Info, meant: list[InstrumentValue]) -> list[Quote]:
    await want_markets(info.context.desk, info.context.principal, [one.id for one in meant])
    ticks = await info.context.loaders.quotes.load_many([InstrumentId(one.id) for one in meant])
    now = info.context.desk.clock.now()
    return [Quote.of(tick, Instrument.of(one), now) for one, tick in zip(meant, ticks, strict=True) if tick is not None]
