"""Contracts as IB writes them: its details into the house's words, and the house's queries into its fields. Pure."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Protocol

from app.brokers.ib.hours import ParsedHours, parse_hours, zone_of
from app.brokers.ib.translate import SECURITY_TYPES, exact, known
from app.brokers.inquiries import ContractHit, ContractQuery, OptionClass, ToldContract
from app.core.fix import InstrumentType, OptionRight
from app.core.messages import PriceBand
from app.core.money import ZERO, plain
from app.core.sessions import ToldSession

log = logging.getLogger(__name__)

ONE = Decimal(1)
_SHARES: Final = frozenset({InstrumentType.STOCK, InstrumentType.ETF})
_KINDS: Final = {name: kind for kind, name in SECURITY_TYPES.items() if kind is not InstrumentType.ETF}
_RIGHTS: Final = {"C": OptionRight.CALL, "CALL": OptionRight.CALL, "P": OptionRight.PUT, "PUT": OptionRight.PUT}


class RawContract(Protocol):
    """A contract as the library decodes it."""

    conId: int
    symbol: str
    secType: str
    lastTradeDateOrContractMonth: str
    strike: float
    right: str
    multiplier: str
    exchange: str
    primaryExchange: str
    currency: str
    localSymbol: str
    tradingClass: str


class RawDetails(Protocol):
    """Contract details as the library decodes them."""

    contract: RawContract
    minTick: float
    orderTypes: str
    validExchanges: str
    priceMagnifier: int
    underConId: int
    longName: str
    industry: str
    category: str
    subcategory: str
    timeZoneId: str
    tradingHours: str
    liquidHours: str
    underSymbol: str
    marketRuleIds: str
    realExpirationDate: str
    stockType: str
    sizeIncrement: float


class RawHit(Protocol):
    """What a search found, as the library decodes it."""

    contract: RawContract
    derivativeSecTypes: list[str]


class RawIncrement(Protocol):
    """One band of a market rule."""

    lowEdge: float
    increment: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryFields:
    """The fields of a contract that is asked for, as IB names them."""

    conId: int = 0
    symbol: str = ""
    secType: str = ""
    exchange: str = ""
    currency: str = ""
    localSymbol: str = ""
    lastTradeDateOrContractMonth: str = ""
    strike: str = ""
    right: str = ""


def query_fields(query: ContractQuery) -> QueryFields:
    """What names the contract to IB as far as it is known. A pair is its base currency there, dealt in the other."""
    if query.contract_id is not None:
        return QueryFields(conId=query.contract_id, exchange=query.exchange)
    symbol, currency = query.symbol, query.currency
    if query.instrument_type is InstrumentType.FOREX and "." in symbol:
        symbol, _, currency = symbol.partition(".")
    return QueryFields(
        symbol=symbol,
        secType="" if query.instrument_type is None else SECURITY_TYPES[query.instrument_type],
        exchange=query.exchange,
        currency=currency,
        localSymbol=query.local_symbol,
        lastTradeDateOrContractMonth="" if query.expires_on is None else query.expires_on.strftime("%Y%m%d"),
        strike="" if query.strike is None else plain(query.strike),
        right="" if query.option_right is None else query.option_right.value[0],
    )


def market_rule_of(details: RawDetails) -> int | None:
    """The market rule of the contract's own exchange: IB lists one for each of its valid exchanges, in their order."""
    rules = [rule.strip() for rule in details.marketRuleIds.split(",") if rule.strip()]
    exchanges = [one.strip() for one in details.validExchanges.split(",")]
    if not rules or not all(rule.isascii() and rule.isdigit() for rule in rules):
        return None
    named = dict(zip(exchanges, rules, strict=False))
    return int(named.get(details.contract.exchange, rules[0]))


def bands(increments: Sequence[RawIncrement]) -> tuple[PriceBand, ...]:
    """The bands of a market rule, the lowest first."""
    told = [(known(one.lowEdge), known(one.increment)) for one in increments]
    found = [PriceBand(lowest=low, increment=step) for low, step in told if low is not None and step and step > ZERO]
    return tuple(sorted(found, key=lambda band: band.lowest))


def told_contract(details: RawDetails, price_bands: tuple[PriceBand, ...]) -> ToldContract | None:
    """The contract of details; None for a kind that the house does not deal. Raises ValueError for unreadable ones."""
    raw = details.contract
    kind = _kind(raw.secType, details.stockType)
    if kind is None:
        return None
    zone = zone_of(details.timeZoneId)
    if zone is None and details.timeZoneId:
        log.warning("IB's time zone %r of %s is not known: its hours are not used", details.timeZoneId, raw.localSymbol)
    regular = None if zone is None else parse_hours(details.liquidHours, zone)
    extended = None if zone is None else parse_hours(details.tradingHours, zone)
    told = [one for one in (regular, extended) if one is not None]
    tick = known(details.minTick) or ZERO
    return ToldContract(
        contract_id=raw.conId,
        symbol=raw.symbol,
        local_symbol=" ".join(raw.localSymbol.split()),
        name=details.longName,
        instrument_type=kind,
        exchange=raw.exchange,
        primary_exchange=raw.primaryExchange,
        currency=raw.currency,
        multiplier=_multiplier(raw.multiplier) / max(details.priceMagnifier, 1),
        # Zero is what IB writes where it has no tick of its own: the lowest band has one.
        tick_size=tick if tick > ZERO else min((band.increment for band in price_bands), default=Decimal("0.01")),
        lot_size=_lot(kind, details),
        price_bands=price_bands,
        expires_on=_expiry(details),
        strike=(known(raw.strike) or None) if kind is InstrumentType.OPTION else None,
        option_right=_RIGHTS.get(raw.right.upper()) if kind is InstrumentType.OPTION else None,
        underlying_symbol=(details.underSymbol or raw.symbol) if _is_on_something(kind) else None,
        underlying_contract_id=details.underConId or None if _is_on_something(kind) else None,
        trading_class=raw.tradingClass,
        valid_exchanges=_listed(details.validExchanges),
        order_types=_listed(details.orderTypes),
        industry=details.industry,
        category=details.category,
        subcategory=details.subcategory,
        zone=None if zone is None or len(told) < _BOTH else zone.key,
        regular=_sessions(regular),
        extended=_sessions(extended),
        closed_days=() if extended is None else extended.closed_days,
        known_from=max((one.known_from for one in told), default=None),
        known_until=min((one.known_until for one in told), default=None),
    )


def contract_hit(raw: RawHit) -> ContractHit:
    """A contract that a search found."""
    contract = raw.contract
    return ContractHit(
        contract_id=contract.conId,
        symbol=contract.symbol,
        name=str(getattr(contract, "description", "") or ""),
        instrument_type=_kind(contract.secType, ""),
        security_type=contract.secType,
        exchange=contract.primaryExchange,
        currency=contract.currency,
        derivatives=tuple(raw.derivativeSecTypes),
    )


def option_class(
    exchange: str, trading_class: str, multiplier: str, expirations: Sequence[str], strikes: Sequence[float]
) -> OptionClass:
    """One class of options at one exchange. Raises ValueError for what cannot be read."""
    return OptionClass(
        exchange=exchange,
        trading_class=trading_class,
        multiplier=_multiplier(multiplier),
        expiries=tuple(sorted(_date(text) for text in expirations)),
        strikes=tuple(sorted(exact(strike) for strike in strikes)),
    )


_BOTH = 2


def _kind(security_type: str, stock_type: str) -> InstrumentType | None:
    kind = _KINDS.get(security_type)
    return InstrumentType.ETF if kind is InstrumentType.STOCK and stock_type.upper() == "ETF" else kind


def _is_on_something(kind: InstrumentType) -> bool:
    return kind in {InstrumentType.OPTION, InstrumentType.FUTURE}


def _multiplier(text: str) -> Decimal:
    number = known(text) if text else ONE
    return number if number is not None and number > ZERO else ONE


def _lot(kind: InstrumentType, details: RawDetails) -> Decimal:
    # Shares have increments of a fraction there, which orders over the API may not have.
    step = known(details.sizeIncrement)
    return ONE if kind in _SHARES or step is None or step <= ZERO else step


def _expiry(details: RawDetails) -> date | None:
    for text in (details.contract.lastTradeDateOrContractMonth, details.realExpirationDate):
        day = text.split("-")[0].split(" ")[0]
        if len(day) == _DATE_LENGTH:
            return _date(day)
    return None


_DATE_LENGTH = 8


def _date(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _sessions(parsed: ParsedHours | None) -> tuple[ToldSession, ...]:
    return () if parsed is None else parsed.sessions
