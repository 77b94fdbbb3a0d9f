"""The GraphQL types of live market data."""

from datetime import datetime
from decimal import Decimal

import strawberry

from app.core import bars, messages
from app.core.fix import BarInterval
from app.core.ids import InstrumentId
from app.flows.live.follow_ticks import TickUpdate
from app.flows.live.live_table import BatchKind
from app.marketdata import subscriptions_batch as subscriptions
from schema.base.context import Info
from schema.base.live import SEQUENCE
from schema.base.node import Node
from schema.instruments.types import Instrument, MarketDataLine, load_instrument, load_line


@strawberry.type(description="The newest known state of an instrument's market.")
class Tick:
    """The newest known state of an instrument's market."""

    instrument_id: strawberry.ID
    symbol: str
    bid: Decimal | None
    bid_size: Decimal | None
    ask: Decimal | None
    ask_size: Decimal | None
    last: Decimal | None
    last_size: Decimal | None
    volume: Decimal | None
    time: datetime

    @classmethod
    def of(cls, tick: messages.Tick) -> "Tick":
        """The type of the value."""
        return cls(
            instrument_id=strawberry.ID(str(tick.instrument_id)),
            symbol=tick.symbol,
            bid=tick.bid,
            bid_size=tick.bid_size,
            ask=tick.ask,
            ask_size=tick.ask_size,
            last=tick.last,
            last_size=tick.last_size,
            volume=tick.volume,
            time=tick.time,
        )


strawberry.enum(BarInterval, description="How long a bar lasts.")


@strawberry.type(description="What was dealt in an interval.")
class Bar:
    """What was dealt in an interval."""

    time: datetime = strawberry.field(description="Its beginning; of a day, midnight UTC of the trading date.")
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    @classmethod
    def of(cls, bar: bars.Bar) -> "Bar":
        """The type of the value."""
        return cls(time=bar.time, open=bar.open, high=bar.high, low=bar.low, close=bar.close, volume=bar.volume)


@strawberry.type(description="A standing wish for an instrument's market data, kept until it is ended.")
class MarketDataSubscription(Node):
    """A standing wish for market data."""

    is_active: bool
    created_at: datetime
    ended_at: datetime | None
    last_tick_at: datetime | None = strawberry.field(description="When the broker last told anything.")
    ticks_received: int = strawberry.field(description="The broker's messages since the subscription began.")
    gaps: int = strawberry.field(description="How often the data stopped while it was subscribed.")
    instrument_id: strawberry.Private[InstrumentId]

    @strawberry.field
    async def instrument(self, info: Info) -> Instrument:
        """Whose market it is."""
        return await load_instrument(info, self.instrument_id)

    @strawberry.field(description="How its market data line stands.")
    async def line(self, info: Info) -> MarketDataLine:
        """How the line stands."""
        return await load_line(info, self.instrument_id)

    @classmethod
    def of(cls, value: subscriptions.MarketDataSubscription) -> "MarketDataSubscription":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(value.id)),
            is_active=value.is_active,
            created_at=value.created_at,
            ended_at=value.ended_at,
            last_tick_at=value.last_tick_at,
            ticks_received=value.ticks_received,
            gaps=value.gaps,
            instrument_id=value.instrument_id,
        )


@strawberry.type
class TickBatch:
    """One message of a live table of ticks."""

    kind: BatchKind
    sequence: int = strawberry.field(description=SEQUENCE)
    server_time: datetime
    ticks: list[Tick]

    @classmethod
    def of(cls, update: TickUpdate) -> "TickBatch":
        """The type of the value."""
        return cls(
            kind=update.kind,
            sequence=update.sequence,
            server_time=update.server_time,
            ticks=[Tick.of(tick) for tick in update.ticks],
        )
