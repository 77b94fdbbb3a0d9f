"""The SQL of reading instruments."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select, tuple_

from app.core.ids import InstrumentId, TenantId
from app.core.messages import Instrument
from app.core.paging import Page, Window, page_of
from app.infra.db import ReadSession
from app.infra.tables import metadata
from app.instruments import models
from app.instruments.batch import instrument_from_row

_INSTRUMENTS = metadata.tables[models.InstrumentRow.__tablename__]
_C = _INSTRUMENTS.c

InstrumentKey = tuple[str, UUID]
"""Symbol and id: the order of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentFilter:
    """Which instruments: those whose symbol or name holds the text, and those of the symbols; None asks nothing."""

    search: str | None = None
    symbols: tuple[str, ...] | None = None


async def by_ids(
    session: ReadSession, tenant_id: TenantId, instrument_ids: Sequence[InstrumentId]
) -> dict[InstrumentId, Instrument]:
    """The instruments by id; absent if the tenant has none of the id."""
    statement = select(_INSTRUMENTS).where(_C.tenant_id == tenant_id, _C.id.in_(instrument_ids))
    found = (instrument_from_row(row) for row in await _rows(session, statement))
    return {instrument.id: instrument for instrument in found}


async def by_symbols(session: ReadSession, tenant_id: TenantId, symbols: Sequence[str]) -> list[Instrument]:
    """The instruments that bear one of the symbols, in the order of symbol and id."""
    statement = select(_INSTRUMENTS).where(_C.tenant_id == tenant_id, _C.symbol.in_(symbols)).order_by(_C.symbol, _C.id)
    return [instrument_from_row(row) for row in await _rows(session, statement)]


async def symbols_borne(session: ReadSession, tenant_id: TenantId, symbols: Collection[str]) -> frozenset[str]:
    """Those of the symbols, in capitals, that an instrument bears in any letters."""
    symbol = func.upper(_C.symbol)
    statement = select(symbol).where(_C.tenant_id == tenant_id, symbol.in_(symbols)).distinct()
    return frozenset((await session.execute(statement)).scalars())


async def page(
    session: ReadSession, tenant_id: TenantId, wanted: InstrumentFilter, window: Window[InstrumentKey]
) -> Page[Instrument]:
    """The instruments of the window, in the order of symbol and id."""
    key = tuple_(_C.symbol, _C.id)
    statement = select(_INSTRUMENTS).where(*_conditions(tenant_id, wanted))
    if window.after is not None:
        statement = statement.where(key > tuple_(*window.after))
    if window.before is not None:
        statement = statement.where(key < tuple_(*window.before))
    order = (_C.symbol.desc(), _C.id.desc()) if window.is_from_end else (_C.symbol, _C.id)
    rows = await _rows(session, statement.order_by(*order).limit(window.size + 1))
    return page_of([instrument_from_row(row) for row in rows], window)


async def count(session: ReadSession, tenant_id: TenantId, wanted: InstrumentFilter) -> int:
    """How many instruments there are."""
    statement = select(func.count()).select_from(_INSTRUMENTS).where(*_conditions(tenant_id, wanted))
    return int((await session.execute(statement)).scalar_one())


def _conditions(tenant_id: TenantId, wanted: InstrumentFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [_C.tenant_id == tenant_id]
    if wanted.search:
        conditions.append(
            or_(_C.symbol.icontains(wanted.search, autoescape=True), _C.name.icontains(wanted.search, autoescape=True))
        )
    if wanted.symbols is not None:
        conditions.append(_C.symbol.in_(wanted.symbols))
    return conditions


async def _rows(session: ReadSession, statement: Select[Any]) -> Sequence[Any]:
    rows: Sequence[Any] = (await session.execute(statement)).mappings().all()
    return rows
