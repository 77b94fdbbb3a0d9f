"""Queries of instruments."""

import strawberry

from app.core.paging import Window
from app.identity.domain import Scope
from app.instruments import service as instruments
from app.instruments.service import InstrumentFilter, InstrumentKey
from schema.base.context import Info, RequestContext
from schema.base.ids import bounded, storable
from schema.base.pagination import window_of
from schema.base.permissions import scoped
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
