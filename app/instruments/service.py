"""Finding instruments: by id, by the symbol that a person types, and as a list."""

from collections.abc import Collection, Sequence

from app.core.ids import InstrumentId, TenantId
from app.core.messages import Instrument
from app.core.paging import Page, Window
from app.infra.db import ReadSession
from app.instruments import repository
from app.instruments.errors import InstrumentSeveralError, InstrumentUnknownError
from app.instruments.repository import InstrumentFilter, InstrumentKey

__all__ = [
    "InstrumentFilter",
    "InstrumentKey",
    "by_symbols",
    "count",
    "instruments",
    "named",
    "named_all",
    "page",
    "symbols_borne",
]


async def instruments(
    session: ReadSession, tenant_id: TenantId, instrument_ids: Sequence[InstrumentId]
) -> dict[InstrumentId, Instrument]:
    """The instruments by id; absent if the tenant has none of the id."""
    return await repository.by_ids(session, tenant_id, instrument_ids)


async def by_symbols(session: ReadSession, tenant_id: TenantId, symbols: Sequence[str]) -> list[Instrument]:
    """The instruments that bear one of the symbols; a symbol that none bears brings nothing."""
    return await repository.by_symbols(session, tenant_id, symbols)


async def symbols_borne(session: ReadSession, tenant_id: TenantId, symbols: Collection[str]) -> frozenset[str]:
    """Those of the symbols, in capitals, that an instrument bears in any letters."""
    return await repository.symbols_borne(session, tenant_id, symbols)


async def named(session: ReadSession, tenant_id: TenantId, symbol: str, exchange: str | None) -> Instrument:
    """The one instrument that is meant. Raises InstrumentUnknownError, InstrumentSeveralError."""
    matches = [
        one
        for one in await repository.by_symbols(session, tenant_id, [symbol])
        if exchange is None or one.exchange == exchange
    ]
    if not matches:
        raise InstrumentUnknownError(symbol, "symbol")
    if len(matches) > 1:
        raise InstrumentSeveralError(symbol, sorted({one.exchange for one in matches}), "symbol")
    return matches[0]


async def named_all(session: ReadSession, tenant_id: TenantId, symbols: Sequence[str]) -> list[Instrument]:
    """All instruments that bear one of the symbols. Raises InstrumentUnknownError for a symbol that none bears."""
    found = await repository.by_symbols(session, tenant_id, symbols)
    known = {one.symbol for one in found}
    for index, symbol in enumerate(symbols):
        if symbol not in known:
            raise InstrumentUnknownError(symbol, "symbols", str(index))
    return found


async def page(
    session: ReadSession, tenant_id: TenantId, wanted: InstrumentFilter, window: Window[InstrumentKey]
) -> Page[Instrument]:
    """The instruments of the window, in the order of symbol and id."""
    return await repository.page(session, tenant_id, wanted, window)


async def count(session: ReadSession, tenant_id: TenantId, wanted: InstrumentFilter) -> int:
    """How many instruments there are."""
    return await repository.count(session, tenant_id, wanted)
