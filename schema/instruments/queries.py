"""Queries of instruments."""

from datetime import date

import strawberry

from app.core.ids import InstrumentId
from app.core.paging import Window
from app.flows.marketdata import find_contracts as flow
from app.identity.domain import Scope
from app.instruments import service as instruments
from app.instruments.service import InstrumentFilter, InstrumentKey
from schema.base.context import Info, RequestContext
from schema.base.ids import bounded, parse_id, storable
from schema.base.pagination import window_of
from schema.base.permissions import scoped
from schema.instruments.contracts import BrokerContract, BrokerContracts, ContractHit, OptionChain, read_chain_cursor
from schema.instruments.mutations import ContractInput
from schema.instruments.types import InstrumentConnection, read_cursor

SEARCH_LENGTH_MAX = 100


@strawberry.type
class InstrumentQuery:
    """Queries of instruments."""

    @strawberry.field(
        description="The tenant's instruments; `search` looks into symbol and name.",
        extensions=scoped(Scope.VIEW_MARKET_DATA),
    )
    async def instruments(
        self,
        info: Info,
        search: str | None = None,
        symbols: list[str] | None = None,
        first: int | None = 50,
        after: str | None = None,
    ) -> InstrumentConnection:
        """A page of instruments."""
        window = window_of(first=first, after=after, read=read_cursor)
        if search is not None:
            search = storable(search, "search")[:SEARCH_LENGTH_MAX].strip()
        listed = None if symbols is None else tuple(bounded(symbols, "symbols"))
        return await _connection(info.context, InstrumentFilter(search=search, symbols=listed), window)

    @strawberry.field(
        description="Contracts at the broker that a few letters of a symbol or a name may mean, the likeliest first. "
        "The broker takes one search a second.",
        extensions=scoped(Scope.VIEW_MARKET_DATA),
    )
    async def search_contracts(self, info: Info, search: str) -> list[ContractHit]:
        """Contracts that may be meant."""
        found = await flow.search_contracts(info.context.desk, info.context.principal, search)
        return [ContractHit.of(hit) for hit in found]

    @strawberry.field(
        description="Contracts at the broker that answer the query, with price increments and trading hours.",
        extensions=scoped(Scope.VIEW_MARKET_DATA),
    )
    async def contracts(self, info: Info, query: ContractInput) -> BrokerContracts:
        """Contracts that answer the query."""
        told = await flow.describe_contracts(info.context.desk, info.context.principal, query.query())
        return BrokerContracts(contracts=[BrokerContract.of(one) for one in told.contracts], is_cut=told.is_cut)

    @strawberry.field(
        description="The options on an instrument, in the order of exchange, class and expiry. The broker is asked at "
        "most every ten minutes.",
        extensions=scoped(Scope.VIEW_MARKET_DATA),
    )
    async def option_chain(
        self,
        info: Info,
        instrument_id: strawberry.ID,
        exchange: str | None = None,
        expires_on: date | None = None,
        first: int | None = 50,
        after: str | None = None,
    ) -> OptionChain:
        """The options on an instrument."""
        window = window_of(first=first, after=after, read=read_chain_cursor)
        entries = await flow.option_chain(
            info.context.desk,
            info.context.principal,
            InstrumentId(parse_id(instrument_id, "instrumentId")),
            exchange=exchange,
            expires_on=expires_on,
        )
        return OptionChain.of(entries, window)


async def _connection(
    context: RequestContext, wanted: InstrumentFilter, window: Window[InstrumentKey]
) -> InstrumentConnection:
    tenant_id = context.principal.tenant_id

    async def count() -> int:
        async with context.desk.reading(context.principal) as session:
            return await instruments.count(session, tenant_id, wanted)

    async with context.desk.reading(context.principal) as session:
        page = await instruments.page(session, tenant_id, wanted, window)
    return InstrumentConnection.of(page, window, count)
