"""Contracts at the tenant's broker: searching, describing, and the options on an instrument. Nothing is stored."""

import contextlib
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from pydantic import TypeAdapter

from app.brokers.inquiries import (
    ContractHit,
    ContractHits,
    ContractQuery,
    DescribeContracts,
    ListOptions,
    OptionClasses,
    SearchContracts,
    ToldContract,
    ToldContracts,
)
from app.core.errors import InputError
from app.core.fix import InstrumentType
from app.core.ids import InstrumentId
from app.core.messages import Instrument
from app.core.sessions import ToldHours, known_hours
from app.flows.brokers.inquire import inquire
from app.flows.desk import Desk
from app.flows.orders.claim_orders import contract_of
from app.identity.domain import Principal
from app.infra.redis import REDIS_LOST
from app.infra.uow import begin_batch
from app.instruments import batch as instruments
from app.instruments.domain import ContractDescription
from app.instruments.errors import ContractMissingError, InstrumentUnknownError

PATTERN_LENGTH_MAX: Final = 64
CHAIN_KEPT_S: Final = 600
_USUAL_EXCHANGE: Final = {
    InstrumentType.STOCK: "SMART",
    InstrumentType.ETF: "SMART",
    InstrumentType.OPTION: "SMART",
    InstrumentType.BOND: "SMART",
    InstrumentType.FOREX: "IDEALPRO",
    InstrumentType.CRYPTO: "PAXOS",
}
"""Where a contract is looked for when no exchange is named; a future or an index is looked for at all of them."""

_BY_LOCAL_SYMBOL: Final = frozenset(
    {InstrumentType.OPTION, InstrumentType.FUTURE, InstrumentType.FOREX, InstrumentType.CRYPTO, InstrumentType.BOND}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainEntry:
    """The options of one class at one exchange that run out on one day: by their strikes, each a call and a put."""

    exchange: str
    trading_class: str
    multiplier: Decimal
    expires_on: date
    strikes: tuple[Decimal, ...]


_CLASSES: Final = TypeAdapter(OptionClasses)

ChainKey = tuple[str, str, str]
"""Exchange, class and expiry: the order of a chain."""


async def search_contracts(desk: Desk, principal: Principal, pattern: str) -> tuple[ContractHit, ...]:
    """The contracts that a few letters may mean, the likeliest first; a search waits its turn, one a second.

    Raises InputError for letters that are none, and what `inquire` raises.
    """
    wanted = pattern.strip()
    if not 1 <= len(wanted) <= PATTERN_LENGTH_MAX or not wanted.isprintable():
        raise InputError(f"A search has 1 to {PATTERN_LENGTH_MAX} printable characters.", path=["search"])
    return (await inquire(desk, principal, SearchContracts(pattern=wanted), ContractHits)).hits


async def describe_contracts(desk: Desk, principal: Principal, query: ContractQuery) -> ToldContracts:
    """The contracts that answer the query. Raises InputError for a query that names none, and what `inquire` raises."""
    return await inquire(desk, principal, DescribeContracts(query=at_usual_exchange(query)), ToldContracts)


def at_usual_exchange(query: ContractQuery) -> ContractQuery:
    """The query at the exchange that it most likely means. Raises InputError with the path for what names nothing."""
    if query.contract_id is None and not (query.symbol or query.local_symbol):
        raise InputError("Name the contract by its contractId, or by symbol and type.", path=["contractId"])
    if query.contract_id is None and query.instrument_type is None and not query.local_symbol:
        raise InputError("A symbol alone is not enough: name the type of the instrument.", path=["instrumentType"])
    if query.exchange or query.contract_id is not None or query.instrument_type is None:
        return query
    return replace(query, exchange=_USUAL_EXCHANGE.get(query.instrument_type, ""))


async def option_chain(
    desk: Desk, principal: Principal, instrument_id: InstrumentId, *, exchange: str | None, expires_on: date | None
) -> list[ChainEntry]:
    """All options on the instrument, in the order of ChainKey; kept for ten minutes, for a chain is large.

    Raises InstrumentUnknownError, ContractMissingError for an instrument without a contract, and what `inquire`
    raises.
    """
    async with begin_batch(desk.database, principal.tenant_id) as session:
        found = await instruments.find(session, ids=[(principal.tenant_id, instrument_id)])
    if not found:
        raise InstrumentUnknownError(str(instrument_id), "instrumentId")
    underlying = found[0][1]
    if underlying.contract_id is None:
        raise ContractMissingError("instrumentId")
    classes = await _classes(desk, principal, underlying)
    entries = [
        ChainEntry(
            exchange=one.exchange,
            trading_class=one.trading_class,
            multiplier=one.multiplier,
            expires_on=expiry,
            strikes=one.strikes,
        )
        for one in classes.classes
        if exchange is None or one.exchange == exchange
        for expiry in one.expiries
        if expires_on is None or expiry == expires_on
    ]
    return sorted(entries, key=chain_key)


def chain_key(entry: ChainEntry) -> ChainKey:
    """The place of an entry."""
    return entry.exchange, entry.trading_class, entry.expires_on.isoformat()


def description_of(told: ToldContract) -> ContractDescription:
    """What a broker says of a contract, in the words of the room of instruments, under the name that a trader types."""
    return ContractDescription(
        contract_id=told.contract_id,
        symbol=told.local_symbol if told.instrument_type in _BY_LOCAL_SYMBOL and told.local_symbol else told.symbol,
        name=told.name,
        instrument_type=told.instrument_type,
        exchange=told.exchange,
        currency=told.currency,
        multiplier=told.multiplier,
        tick_size=told.tick_size,
        lot_size=told.lot_size,
        price_bands=told.price_bands,
        hours=_hours(told),
        expires_on=told.expires_on,
        strike=told.strike,
        option_right=told.option_right,
        underlying_symbol=told.underlying_symbol,
        underlying_contract_id=told.underlying_contract_id,
        details=_details(told),
    )


async def _classes(desk: Desk, principal: Principal, underlying: Instrument) -> OptionClasses:
    key = f"{desk.redis.prefix}chain:{principal.tenant_id}:{underlying.id}"
    with contextlib.suppress(*REDIS_LOST, ValueError):
        kept = await desk.redis.client.get(key)
        if kept is not None:
            return _CLASSES.validate_json(kept)
    classes = await inquire(desk, principal, ListOptions(contract=contract_of(underlying)), OptionClasses)
    with contextlib.suppress(*REDIS_LOST):
        await desk.redis.client.set(key, _CLASSES.dump_json(classes), ex=CHAIN_KEPT_S)
    return classes


def _hours(told: ToldContract) -> ToldHours | None:
    if told.zone is None or told.known_from is None or told.known_until is None:
        return None
    return ToldHours(
        zone=told.zone,
        regular=told.regular,
        extended=told.extended,
        closed_days=told.closed_days,
        known_from=told.known_from,
        known_until=told.known_until,
        usual=known_hours(told.instrument_type, told.currency),
    )


def _details(told: ToldContract) -> dict[str, object]:
    details: dict[str, object] = {
        "primaryExchange": told.primary_exchange,
        "localSymbol": told.local_symbol,
        "tradingClass": told.trading_class,
        "industry": told.industry,
        "category": told.category,
        "subcategory": told.subcategory,
        "validExchanges": list(told.valid_exchanges),
        "orderTypes": list(told.order_types),
    }
    return {name: value for name, value in details.items() if value}
