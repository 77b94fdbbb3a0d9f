"""Bars of five seconds and single ticks as subscriptions."""

from collections.abc import AsyncGenerator
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

import strawberry

from app.core.fix import StreamKind
from app.core.streaming import LiveBar, LiveTick
from app.flows.live.follow_streams import SYMBOLS_MAX, StreamUpdate, follow_streams
from app.flows.live.live_table import BatchKind
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.ids import storable
from schema.base.live import SEQUENCE
from schema.base.permissions import scoped
from schema.instruments.types import MarketDataLine

_LINES: Final = (
    "The streams that stand otherwise than told before, all of them in a SNAPSHOT. IB tells streams live or not at "
    "all: OPENING waits, for the first data or for the broker's pace; STALE: what comes is not known to be whole."
)
_MISSING: Final = (
    "Nothing is conflated or left out unsaid: RESET, and a SNAPSHOT of how the streams stand, where data is missing, "
    "because this reader was too slow or the gateway, the connector or the broker's data was away."
)


@strawberry.enum(
    description="Single ticks of a kind. LAST: trades. ALL_LAST: combinations, derivatives and average price trades "
    "too. BID_ASK: changes of the best bid and ask. MID_POINT: changes of the middle of both."
)
class TickByTickType(StrEnum):
    """A kind of single ticks."""

    LAST = "LAST"
    ALL_LAST = "ALL_LAST"
    BID_ASK = "BID_ASK"
    MID_POINT = "MID_POINT"


@strawberry.type(description="How a stream of an instrument stands.")
class StreamLine:
    """How a stream stands."""

    instrument_id: strawberry.ID
    symbol: str
    line: MarketDataLine


@strawberry.type(description="Five seconds of a market. Without trades, as of pairs of currencies, there is no volume.")
class RealTimeBar:
    """Five seconds of a market."""

    instrument_id: strawberry.ID
    symbol: str
    time: datetime = strawberry.field(description="Its beginning.")
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None
    average_price: Decimal | None = strawberry.field(description="Weighted by volume.")
    trade_count: int | None

    @classmethod
    def of(cls, bar: LiveBar, symbol: str) -> "RealTimeBar":
        """The type of the value."""
        return cls(
            instrument_id=strawberry.ID(str(bar.key.instrument_id)),
            symbol=symbol,
            time=bar.time,
            open=bar.open,
            high=bar.high,
            low=bar.low,
            close=bar.close,
            volume=bar.volume,
            average_price=bar.average,
            trade_count=bar.count,
        )


@strawberry.type(
    description="A trade (price, size, exchange, conditions), a change of the best bid and ask, or of their middle "
    "(price)."
)
class TickByTick:
    """A single tick."""

    instrument_id: strawberry.ID
    symbol: str
    time: datetime = strawberry.field(description="By the broker's clock, in whole seconds.")
    price: Decimal | None
    size: Decimal | None
    bid: Decimal | None
    bid_size: Decimal | None
    ask: Decimal | None
    ask_size: Decimal | None
    exchange: str | None
    conditions: str | None = strawberry.field(description="The exchange's own words about the trade.")

    @classmethod
    def of(cls, tick: LiveTick, symbol: str) -> "TickByTick":
        """The type of the value."""
        return cls(
            instrument_id=strawberry.ID(str(tick.key.instrument_id)),
            symbol=symbol,
            time=tick.time,
            price=tick.price,
            size=tick.size,
            bid=tick.bid,
            bid_size=tick.bid_size,
            ask=tick.ask,
            ask_size=tick.ask_size,
            exchange=tick.exchange,
            conditions=tick.conditions,
        )


@strawberry.type
class RealTimeBarBatch:
    """One message of realTimeBars."""

    kind: BatchKind
    sequence: int = strawberry.field(description=SEQUENCE)
    server_time: datetime
    bars: list[RealTimeBar] = strawberry.field(description="In the order of their coming.")
    lines: list[StreamLine] = strawberry.field(description=_LINES)


@strawberry.type
class TickByTickBatch:
    """One message of tickByTick."""

    kind: BatchKind
    sequence: int = strawberry.field(description=SEQUENCE)
    server_time: datetime
    ticks: list[TickByTick] = strawberry.field(description="In the order of their coming.")
    lines: list[StreamLine] = strawberry.field(description=_LINES)


@strawberry.type
class StreamSubscription:
    """Subscriptions that tell a market one by one."""

    @strawberry.subscription(
        description=f"Bars of five seconds of at most {SYMBOLS_MAX} instruments, each when it is over, in all hours in "
        f"which they are dealt. {_MISSING}",
        extensions=scoped(Scope.VIEW_MARKET_DATA),
    )
    async def real_time_bars(self, info: Info, symbols: list[str]) -> AsyncGenerator[RealTimeBarBatch, None]:
        """Bars of five seconds."""
        asked = [storable(symbol, "symbols", str(place)) for place, symbol in enumerate(symbols)]
        context = info.context
        async for update in follow_streams(context.desk, context.principal, asked, StreamKind.REAL_TIME_BARS):
            yield RealTimeBarBatch(
                kind=update.kind,
                sequence=update.sequence,
                server_time=update.server_time,
                bars=[
                    RealTimeBar.of(one, update.instruments[one.key].symbol)
                    for one in update.events
                    if isinstance(one, LiveBar)
                ],
                lines=_lines(update),
            )

    @strawberry.subscription(
        description=f"Every single tick of a kind, of at most {SYMBOLS_MAX} instruments. A gateway has few of such "
        f"streams (OMS_IB_TICK_STREAMS), and takes one request for an instrument in fifteen seconds. {_MISSING}",
        extensions=scoped(Scope.VIEW_MARKET_DATA),
    )
    async def tick_by_tick(
        self,
        info: Info,
        symbols: list[str],
        type: TickByTickType,  # noqa: A002
    ) -> AsyncGenerator[TickByTickBatch, None]:
        """Single ticks."""
        asked = [storable(symbol, "symbols", str(place)) for place, symbol in enumerate(symbols)]
        context = info.context
        async for update in follow_streams(context.desk, context.principal, asked, StreamKind(type.value)):
            yield TickByTickBatch(
                kind=update.kind,
                sequence=update.sequence,
                server_time=update.server_time,
                ticks=[
                    TickByTick.of(one, update.instruments[one.key].symbol)
                    for one in update.events
                    if isinstance(one, LiveTick)
                ],
                lines=_lines(update),
            )


def _lines(update: StreamUpdate) -> list[StreamLine]:
    return [
        StreamLine(
            instrument_id=strawberry.ID(str(key.instrument_id)),
            symbol=update.instruments[key].symbol,
            line=MarketDataLine.of(status),
        )
        for key, status in update.lines.items()
    ]
