"""The GraphQL types of instruments, with what their markets show."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

import strawberry
from strawberry.scalars import JSON

from app.core import messages
from app.core.fix import InstrumentType, LineState, OptionRight
from app.core.ids import InstrumentId
from app.core.paging import Page, Window
from app.identity.domain import Scope
from app.instruments.service import InstrumentKey
from app.marketdata.lines import LineStatus
from schema.base.context import Info
from schema.base.ids import parse_id
from schema.base.node import Node
from schema.base.pagination import Count, Counted, Cursors, page_info
from schema.base.permissions import scoped
from schema.instruments.contracts import PriceBand, TradingSession, sessions_of

QUOTE_AGE_MAX: Final = timedelta(seconds=60)
_CURSORS: Final = Cursors("instrument")


@strawberry.type(description="What may be traded, on what grid of price and quantity.")
class Instrument(Node):
    """What may be traded."""

    symbol: str = strawberry.field(description="The name a trader types, such as AAPL or EUR.USD.")
    name: str
    exchange: str
    currency: str
    instrument_type: InstrumentType
    multiplier: Decimal = strawberry.field(description="Worth of one unit per unit of price.")
    tick_size: Decimal = strawberry.field(description="The smallest step of price.")
    lot_size: Decimal = strawberry.field(description="The smallest step of quantity.")
    broker_contract_id: str | None
    contract_details: JSON
    is_active: bool
    expires_on: date | None = strawberry.field(description="The last day of an option or a future.")
    strike: Decimal | None
    option_right: OptionRight | None
    underlying_symbol: str | None = strawberry.field(description="What an option or a future is on.")
    underlying_contract_id: str | None
    described_at: datetime | None = strawberry.field(description="When the broker was last asked about it.")
    value: strawberry.Private[messages.Instrument]

    @strawberry.field(
        description="What prices are to be multiples of, by price; empty where tickSize holds for all of them."
    )
    def price_bands(self) -> list[PriceBand]:
        """What prices are to be multiples of."""
        return [PriceBand.of(band) for band in self.value.price_bands]

    @strawberry.field(description="The exchange's; null until the broker told its hours.")
    def time_zone(self) -> str | None:
        """The exchange's time zone."""
        return None if self.value.hours is None else self.value.hours.zone

    @strawberry.field(
        description="Sessions and closed days of some days past and ahead, as the broker told them last; empty until "
        "then."
    )
    def trading_sessions(self) -> list[TradingSession]:
        """Sessions and closed days."""
        return sessions_of(self.value.hours)

    @strawberry.field(
        description="The newest known quote; null before the first. Needs VIEW_MARKET_DATA.",
        extensions=scoped(Scope.VIEW_MARKET_DATA),
    )
    async def quote(self, info: Info) -> "Quote | None":
        """The newest known quote."""
        tick = await info.context.loaders.quotes.load(InstrumentId(parse_id(self.id)))
        return None if tick is None else Quote.of(tick, self, info.context.desk.clock.now())

    @classmethod
    def of(cls, instrument: messages.Instrument) -> "Instrument":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(instrument.id)),
            symbol=instrument.symbol,
            name=instrument.name,
            exchange=instrument.exchange,
            currency=instrument.currency,
            instrument_type=instrument.instrument_type,
            multiplier=instrument.multiplier,
            tick_size=instrument.tick_size,
            lot_size=instrument.lot_size,
            broker_contract_id=None if instrument.contract_id is None else str(instrument.contract_id),
            contract_details=JSON(instrument.details),
            is_active=instrument.is_active,
            expires_on=instrument.expires_on,
            strike=instrument.strike,
            option_right=instrument.option_right,
            underlying_symbol=instrument.underlying_symbol,
            underlying_contract_id=None
            if instrument.underlying_contract_id is None
            else str(instrument.underlying_contract_id),
            described_at=instrument.described_at,
            value=instrument,
        )


strawberry.enum(
    LineState,
    description="How live an instrument's market data is. NONE: no line is held. OPENING: one was asked for. FROZEN: "
    "the last values of a closed market. REFUSED: the broker does not tell, and says why. EXHAUSTED: one is wanted, "
    "and all of the gateway's are taken. STALE: data came, and stopped though it is wished for.",
)


@strawberry.type(description="How the market data line of an instrument stands.")
class MarketDataLine:
    """How a market data line stands."""

    state: LineState
    reason: str | None = strawberry.field(description="Why, in plain words, where it is not simply live.")
    broker_code: int | None = strawberry.field(description="The broker's number for the reason.")
    since: datetime | None

    @classmethod
    def of(cls, status: LineStatus) -> "MarketDataLine":
        """The type of the value."""
        return cls(state=status.state, reason=status.reason, broker_code=status.broker_code, since=status.since)


async def load_line(info: Info, instrument_id: InstrumentId) -> MarketDataLine:
    """How the line of an instrument stands."""
    return MarketDataLine.of(await info.context.loaders.lines.load(instrument_id))


@strawberry.type(description="The newest known state of an instrument's market.")
class Quote:
    """The newest known state of an instrument's market."""

    instrument: Instrument
    bid: Decimal | None
    bid_size: Decimal | None
    ask: Decimal | None
    ask_size: Decimal | None
    last: Decimal | None
    last_size: Decimal | None
    volume: Decimal | None
    high: Decimal | None
    low: Decimal | None
    previous_close: Decimal | None
    time: datetime = strawberry.field(description="When anything of it last changed.")
    is_stale: bool = strawberry.field(
        description=f"True when nothing changed for {QUOTE_AGE_MAX.seconds} seconds: no order is valued by it."
    )

    @strawberry.field(description="How its market data line stands: live, delayed, or why not.")
    async def line(self, info: Info) -> MarketDataLine:
        """How the line stands."""
        return await load_line(info, InstrumentId(parse_id(self.instrument.id)))

    @classmethod
    def of(cls, tick: messages.Tick, instrument: Instrument, now: datetime) -> "Quote":
        """The type of the value, as of now."""
        return cls(
            instrument=instrument,
            bid=tick.bid,
            bid_size=tick.bid_size,
            ask=tick.ask,
            ask_size=tick.ask_size,
            last=tick.last,
            last_size=tick.last_size,
            volume=tick.volume,
            high=tick.high,
            low=tick.low,
            previous_close=tick.previous_close,
            time=tick.time,
            is_stale=now - tick.time > QUOTE_AGE_MAX,
        )


@strawberry.type
class InstrumentEdge:
    """An instrument at its place in a list."""

    cursor: str
    node: Instrument


@strawberry.type(description="Instruments in the order of symbol and id.")
class InstrumentConnection(Counted):
    """A page of instruments."""

    edges: list[InstrumentEdge]

    @classmethod
    def of(cls, page: Page[messages.Instrument], window: Window[InstrumentKey], count: Count) -> "InstrumentConnection":
        """The page with its cursors."""
        edges = [
            InstrumentEdge(cursor=_CURSORS.write(f"{one.id}:{one.symbol}"), node=Instrument.of(one))
            for one in page.items
        ]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)


def read_cursor(cursor: str, path: str) -> InstrumentKey:
    """The key of a cursor. Raises InputError with the path."""
    key = _CURSORS.read(cursor, path)
    return key[37:], parse_id(key[:36], path)


async def load_instrument(info: Info, instrument_id: InstrumentId) -> Instrument:
    """The instrument that a row of the tenant refers to."""
    instrument = await info.context.loaders.instruments.load(instrument_id)
    assert instrument is not None, "a foreign key holds it"
    return Instrument.of(instrument)
