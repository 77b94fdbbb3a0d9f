"""What of a market is followed one by one: which data of which instrument, and what comes of it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.core.fix import StreamKind
from app.core.ids import InstrumentId
from app.core.messages import Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamKey:
    """One kind of data of one instrument."""

    instrument_id: InstrumentId
    kind: StreamKind

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.instrument_id}"


def parse_key(text: str) -> StreamKey:
    """The key that was written as this text."""
    kind, _, instrument_id = text.partition(":")
    return StreamKey(instrument_id=InstrumentId(UUID(instrument_id)), kind=StreamKind(kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamWish:
    """A stream that somebody follows, and the contract whose market it is."""

    key: StreamKey
    contract: Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveBar:
    """Five seconds of a market; time is their beginning. Without trades, as of pairs, there is no volume."""

    key: StreamKey
    time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None = None
    average: Decimal | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTick:
    """One trade (price, size), one change of the touch (bid, ask) or of its middle (price); IB's whole seconds."""

    key: StreamKey
    time: datetime
    price: Decimal | None = None
    size: Decimal | None = None
    bid: Decimal | None = None
    bid_size: Decimal | None = None
    ask: Decimal | None = None
    ask_size: Decimal | None = None
    exchange: str | None = None
    conditions: str | None = None


LiveEvent = LiveBar | LiveTick
