"""The GraphQL types of contracts at the broker: what a search finds, what a contract is, the options on another."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Final

import strawberry

from app.brokers import inquiries
from app.core import messages
from app.core.fix import InstrumentType, OptionRight
from app.core.paging import Page, Window
from app.core.sessions import ToldHours
from app.flows.marketdata import find_contracts as flow
from schema.base.pagination import Counted, Cursors, page_info

strawberry.enum(InstrumentType, description="What kind of instrument: SecurityType (167).")
strawberry.enum(OptionRight, description="What an option gives the right to: PutOrCall (201).")
_CURSORS: Final = Cursors("options")


@strawberry.type(description="From the price `lowest` on, up to the next band, prices are multiples of `increment`.")
class PriceBand:
    """A band of prices."""

    lowest: Decimal
    increment: Decimal

    @classmethod
    def of(cls, band: messages.PriceBand) -> "PriceBand":
        """The type of the value."""
        return cls(lowest=band.lowest, increment=band.increment)


@strawberry.enum(description="REGULAR and EXTENDED sessions overlap; a CLOSED day has neither.")
class TradingSessionKind(Enum):
    """What a session is."""

    REGULAR = "REGULAR"
    EXTENDED = "EXTENDED"
    CLOSED = "CLOSED"


@strawberry.type(
    description="A session of an exchange's day as the broker told it, or a day without one, such as a holiday. The "
    "date is that of the close, in the exchange's time zone."
)
class TradingSession:
    """A session, or a day without one."""

    date: date
    kind: TradingSessionKind
    opens_at: datetime | None
    closes_at: datetime | None


def sessions_of(hours: ToldHours | None) -> list[TradingSession]:
    """The sessions of told hours, by date, the regular ones first."""
    if hours is None:
        return []
    told = [
        TradingSession(date=one.day, kind=kind, opens_at=one.opens_at, closes_at=one.closes_at)
        for kind, listed in ((TradingSessionKind.REGULAR, hours.regular), (TradingSessionKind.EXTENDED, hours.extended))
        for one in listed
    ]
    told += [
        TradingSession(date=day, kind=TradingSessionKind.CLOSED, opens_at=None, closes_at=None)
        for day in hours.closed_days
    ]
    # Python sorts stably: the regular sessions of a day stay before the others.
    return sorted(told, key=lambda one: one.date)


@strawberry.type(description="A contract that a search found, as far as the search tells of it.")
class ContractHit:
    """A contract that a search found."""

    contract_id: str = strawberry.field(description="The broker's id of it: addInstrument takes it.")
    symbol: str
    name: str
    instrument_type: InstrumentType | None = strawberry.field(description="Null for a kind that is not served.")
    security_type: str = strawberry.field(description="The kind in the broker's word.")
    exchange: str = strawberry.field(description="Its primary exchange.")
    currency: str
    derivatives: list[str] = strawberry.field(description="Kinds of derivatives on it, in the broker's words.")

    @classmethod
    def of(cls, hit: inquiries.ContractHit) -> "ContractHit":
        """The type of the value."""
        return cls(
            contract_id=str(hit.contract_id),
            symbol=hit.symbol,
            name=hit.name,
            instrument_type=hit.instrument_type,
            security_type=hit.security_type,
            exchange=hit.exchange,
            currency=hit.currency,
            derivatives=list(hit.derivatives),
        )


@strawberry.type(description="A contract with all that the broker says of it. It need not be an instrument of yours.")
class BrokerContract:
    """A contract at the broker."""

    contract_id: str
    symbol: str = strawberry.field(description="The name that it has, or would have, as an instrument.")
    name: str
    instrument_type: InstrumentType
    exchange: str
    primary_exchange: str
    currency: str
    multiplier: Decimal = strawberry.field(description="Worth of one unit per unit of price.")
    tick_size: Decimal = strawberry.field(description="The smallest step of any price.")
    lot_size: Decimal
    price_bands: list[PriceBand] = strawberry.field(description="By the market rule of its own exchange.")
    expires_on: date | None
    strike: Decimal | None
    option_right: OptionRight | None
    underlying_symbol: str | None
    underlying_contract_id: str | None
    trading_class: str
    valid_exchanges: list[str]
    order_types: list[str]
    time_zone: str | None
    trading_sessions: list[TradingSession]

    @classmethod
    def of(cls, told: inquiries.ToldContract) -> "BrokerContract":
        """The type of the value."""
        description = flow.description_of(told)
        underlying = told.underlying_contract_id
        return cls(
            contract_id=str(told.contract_id),
            symbol=description.symbol,
            name=told.name,
            instrument_type=told.instrument_type,
            exchange=told.exchange,
            primary_exchange=told.primary_exchange,
            currency=told.currency,
            multiplier=told.multiplier,
            tick_size=told.tick_size,
            lot_size=told.lot_size,
            price_bands=[PriceBand.of(band) for band in told.price_bands],
            expires_on=told.expires_on,
            strike=told.strike,
            option_right=told.option_right,
            underlying_symbol=told.underlying_symbol,
            underlying_contract_id=None if underlying is None else str(underlying),
            trading_class=told.trading_class,
            valid_exchanges=list(told.valid_exchanges),
            order_types=list(told.order_types),
            time_zone=told.zone,
            trading_sessions=sessions_of(description.hours),
        )


@strawberry.type(description="What the broker deals that answers a query.")
class BrokerContracts:
    """The contracts that answer a query."""

    contracts: list[BrokerContract]
    is_cut: bool = strawberry.field(description=f"True when there are more than these {inquiries.CONTRACTS_MAX}.")


@strawberry.type(
    description="The options of one class at one exchange that run out on one day: each strike may be a call and a "
    "put, though not each need be listed."
)
class OptionExpiry:
    """Options that run out on one day."""

    exchange: str
    trading_class: str
    multiplier: Decimal
    expires_on: date
    strikes: list[Decimal]


@strawberry.type
class OptionExpiryEdge:
    """An expiry at its place in a chain."""

    cursor: str
    node: OptionExpiry


@strawberry.type(description="The options on an instrument, in the order of exchange, class and expiry.")
class OptionChain(Counted):
    """A page of the options on an instrument."""

    edges: list[OptionExpiryEdge]

    @classmethod
    def of(cls, entries: list[flow.ChainEntry], window: Window[flow.ChainKey]) -> "OptionChain":
        """The page of all entries, which are in their order."""
        after = [one for one in entries if window.after is None or flow.chain_key(one) > window.after]
        page = Page(items=tuple(after[: window.size]), has_more=len(after) > window.size)

        async def count() -> int:
            return len(entries)

        edges = [
            OptionExpiryEdge(
                cursor=_CURSORS.write("|".join(flow.chain_key(one))),
                node=OptionExpiry(
                    exchange=one.exchange,
                    trading_class=one.trading_class,
                    multiplier=one.multiplier,
                    expires_on=one.expires_on,
                    strikes=list(one.strikes),
                ),
            )
            for one in page.items
        ]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)


def read_chain_cursor(cursor: str, path: str) -> flow.ChainKey:
    """The key of a cursor. Raises InputError with the path."""
    parts = _CURSORS.read(cursor, path).split("|")
    exchange, trading_class, expires_on = parts if len(parts) == 3 else ("", "", "")
    return exchange, trading_class, expires_on
