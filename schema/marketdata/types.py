"""The GraphQL types of live market data."""

from datetime import datetime
from decimal import Decimal

import strawberry

from app.core import messages
from app.flows.follow_ticks import TickUpdate
from app.flows.live_table import BatchKind
from schema.base.live import SEQUENCE


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
