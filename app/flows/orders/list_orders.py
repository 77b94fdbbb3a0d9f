"""orders: a page of them, and how many there are."""

from collections.abc import Sequence
from uuid import UUID

from app.core.ids import OrderId
from app.core.paging import Page, Window
from app.core.records import replace
from app.flows.desk import Desk
from app.identity.domain import Principal
from app.infra.db import ReadSession
from app.instruments import service as instruments
from app.instruments.service import InstrumentFilter
from app.orders import service as orders
from app.orders.domain.listing import OrderFilter
from app.orders.domain.order import Order
from app.orders.errors import OrdersTooManyError

SYMBOL_INSTRUMENTS_MAX = 5_000


async def list_orders(
    desk: Desk, principal: Principal, wanted: OrderFilter, symbols: Sequence[str] | None, window: Window[UUID]
) -> Page[Order]:
    """The orders of the window, the newest first; with symbols, those in instruments that bear one of them."""
    async with desk.reading(principal) as session:
        known = await narrowed(session, principal, wanted, symbols)
        return await orders.page(session, principal.tenant_id, known, window)


async def open_order_ids(
    desk: Desk, principal: Principal, wanted: OrderFilter, symbols: Sequence[str] | None, limit: int
) -> list[OrderId]:
    """The open orders that fit, the oldest first. Raises OrdersTooManyError where more than `limit` do."""
    if wanted.is_open is False:
        return []
    wanted = replace(wanted, is_open=True)
    async with desk.acting(principal) as session:
        known = await narrowed(session, principal, wanted, symbols)
        page = await orders.page(session, principal.tenant_id, known, Window(size=limit))
        if page.has_more:
            raise OrdersTooManyError(await orders.count(session, principal.tenant_id, known), limit)
    return [order.id for order in reversed(page.items)]


async def count_orders(desk: Desk, principal: Principal, wanted: OrderFilter, symbols: Sequence[str] | None) -> int:
    """How many orders there are."""
    async with desk.reading(principal) as session:
        known = await narrowed(session, principal, wanted, symbols)
        return await orders.count(session, principal.tenant_id, known)


async def narrowed(
    session: ReadSession, principal: Principal, wanted: OrderFilter, symbols: Sequence[str] | None
) -> OrderFilter:
    """The filter with the symbols as the instruments that bear them now."""
    if symbols is None:
        return wanted
    bearing = await instruments.page(
        session,
        principal.tenant_id,
        InstrumentFilter(symbols=tuple(symbols)),
        Window(size=SYMBOL_INSTRUMENTS_MAX),
    )
    instrument_ids = {one.id for one in bearing.items}
    if wanted.instrument_ids is not None:
        instrument_ids &= set(wanted.instrument_ids)
    return replace(wanted, instrument_ids=tuple(sorted(instrument_ids)))
