"""What is asked of a broker about contracts and their past, and what it answers. Nothing of it is an order."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, Protocol

from app.core.allocation import AllocationGroup
from app.core.bars import Bar
from app.core.fix import BarInterval, InstrumentType, OptionRight
from app.core.messages import Contract, PriceBand
from app.core.sessions import ToldSession

CONTRACTS_MAX = 200
"""Contracts of one answer; what a query finds beyond is told by is_cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractQuery:
    """A contract as far as it is known: by contract_id alone, or by name, kind, exchange and currency."""

    contract_id: int | None = None
    symbol: str = ""
    local_symbol: str = ""
    instrument_type: InstrumentType | None = None
    exchange: str = ""
    currency: str = ""
    expires_on: date | None = None
    strike: Decimal | None = None
    option_right: OptionRight | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchContracts:
    """Which contracts may a few letters of a symbol or a name mean?"""

    pattern: str
    kind: Literal["SEARCH_CONTRACTS"] = "SEARCH_CONTRACTS"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractHit:
    """A contract that may be meant, without its details. derivatives are the kinds that are dealt on it."""

    contract_id: int
    symbol: str
    name: str
    instrument_type: InstrumentType | None
    security_type: str
    exchange: str
    currency: str
    derivatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractHits:
    """What a search found, the likeliest first."""

    hits: tuple[ContractHit, ...]
    kind: Literal["CONTRACT_HITS"] = "CONTRACT_HITS"


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeContracts:
    """What are the contracts that answer the query, with price increments and hours?"""

    query: ContractQuery
    kind: Literal["DESCRIBE_CONTRACTS"] = "DESCRIBE_CONTRACTS"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldContract:
    """A contract with all that the broker says of it.

    symbol is the broker's own, the same for a share and for what is on it; local_symbol that of this contract alone.
    Sessions are empty and zone None where the hours could not be read.
    """

    contract_id: int
    symbol: str
    local_symbol: str
    name: str
    instrument_type: InstrumentType
    exchange: str
    primary_exchange: str
    currency: str
    multiplier: Decimal
    tick_size: Decimal
    lot_size: Decimal
    price_bands: tuple[PriceBand, ...] = ()
    expires_on: date | None = None
    strike: Decimal | None = None
    option_right: OptionRight | None = None
    underlying_symbol: str | None = None
    underlying_contract_id: int | None = None
    trading_class: str = ""
    valid_exchanges: tuple[str, ...] = ()
    order_types: tuple[str, ...] = ()
    industry: str = ""
    category: str = ""
    subcategory: str = ""
    zone: str | None = None
    regular: tuple[ToldSession, ...] = ()
    extended: tuple[ToldSession, ...] = ()
    closed_days: tuple[date, ...] = ()
    known_from: datetime | None = None
    known_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldContracts:
    """The contracts that answer a query."""

    contracts: tuple[ToldContract, ...]
    is_cut: bool = False
    kind: Literal["TOLD_CONTRACTS"] = "TOLD_CONTRACTS"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOptions:
    """Which options are dealt on this contract?"""

    contract: Contract
    kind: Literal["LIST_OPTIONS"] = "LIST_OPTIONS"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionClass:
    """Options of one class at one exchange: each expiry may have each strike, though not each pair is listed."""

    exchange: str
    trading_class: str
    multiplier: Decimal
    expiries: tuple[date, ...]
    strikes: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionClasses:
    """All options on a contract."""

    classes: tuple[OptionClass, ...]
    kind: Literal["OPTION_CLASSES"] = "OPTION_CLASSES"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskBars:
    """The bars that begin from start on and before end. tenant-wide pacing decides when the broker is asked."""

    contract: Contract
    interval: BarInterval
    start: datetime
    end: datetime
    kind: Literal["ASK_BARS"] = "ASK_BARS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Bars in the order of time. They are whole up to `whole_until` alone."""

    bars: tuple[Bar, ...]
    whole_until: datetime
    kind: Literal["BARS"] = "BARS"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskTicks:
    """Single quotes or trades: the first `count` from start on, or the last before end where start is None."""

    contract: Contract
    start: datetime | None
    end: datetime | None
    count: int
    kind: Literal["ASK_TICKS"] = "ASK_TICKS"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTick:
    """A trade of the past, or a quote of what has no trades; IB's times are whole seconds."""

    time: datetime
    bid: Decimal | None = None
    bid_size: Decimal | None = None
    ask: Decimal | None = None
    ask_size: Decimal | None = None
    last: Decimal | None = None
    last_size: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTicks:
    """Ticks in the order of time."""

    ticks: tuple[PastTick, ...]
    kind: Literal["PAST_TICKS"] = "PAST_TICKS"


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeSnapshot:
    """The market of a contract now, without holding a line open for it."""

    contract: Contract
    kind: Literal["TAKE_SNAPSHOT"] = "TAKE_SNAPSHOT"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSnapshot:
    """A market as it was at one moment; None for what it did not show."""

    bid: Decimal | None = None
    bid_size: Decimal | None = None
    ask: Decimal | None = None
    ask_size: Decimal | None = None
    last: Decimal | None = None
    last_size: Decimal | None = None
    volume: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    previous_close: Decimal | None = None
    time: datetime
    is_delayed: bool = False
    kind: Literal["MARKET_SNAPSHOT"] = "MARKET_SNAPSHOT"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListGroups:
    """Which groups of accounts has the adviser?"""

    kind: Literal["LIST_GROUPS"] = "LIST_GROUPS"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldGroups:
    """An adviser's groups, in the broker's order."""

    groups: tuple[AllocationGroup, ...]
    kind: Literal["TOLD_GROUPS"] = "TOLD_GROUPS"


Inquiry = SearchContracts | DescribeContracts | ListOptions | AskBars | AskTicks | TakeSnapshot | ListGroups
Finding = ContractHits | ToldContracts | OptionClasses | Bars | PastTicks | MarketSnapshot | ToldGroups


class Inquired(Protocol):
    """A session with a broker that answers inquiries."""

    async def inquire(self, asked: Inquiry) -> Finding:
        """The finding of the inquiry's kind.

        Raises InquiryRefusedError with the broker's words, HistoryPacedError, BrokerBusyError, BrokerTimedOutError,
        BrokerDisconnectedError.
        """
        ...
