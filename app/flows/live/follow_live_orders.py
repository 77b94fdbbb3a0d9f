"""ordersChanged: the orders that fit a filter, and what changes in them."""

from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Final
from uuid import UUID

from app.core.fix import OrderState
from app.core.ids import OrderId, TenantId
from app.core.paging import Window
from app.core.records import replace
from app.flows.desk import Desk
from app.flows.journal.event_feed import EventBatch
from app.flows.live.live_table import DIRTY_MAX, ROWS_MAX, LiveTable, TableKey, TableUpdate, follow_table, window_s
from app.flows.orders.list_orders import narrowed
from app.identity.domain import Principal
from app.infra.bus import Gap, Stream
from app.infra.db import ReadSession
from app.infra.uow import Scope, reading
from app.orders import service as orders
from app.orders.domain.listing import OrderFilter
from app.orders.domain.order import LoggedEvent, Order

LOADED_MAX: Final = 1_000


async def follow_live_orders(
    desk: Desk, principal: Principal, wanted: OrderFilter, symbols: Sequence[str] | None, throttle_ms: int
) -> AsyncIterator[TableUpdate[Order]]:
    """The orders that fit, the newest first, then those that changed: with symbols, in instruments that bear one now.

    Raises InputError for a window out of range.
    """
    window = window_s(throttle_ms)
    tenant_id = principal.tenant_id
    wanted = replace(wanted, account_ids=principal.within(wanted.account_ids))
    if symbols is not None:
        async with desk.reading(principal) as session:
            wanted = await narrowed(session, principal, wanted, symbols)
    key = TableKey(tenant_id=tenant_id, kind="orders", wanted=wanted, throttle_ms=throttle_ms)
    async for update in follow_table(desk, key, lambda: _OrderTable(desk, tenant_id, wanted, window)):
        yield update


class _OrderTable(LiveTable[Order]):
    def __init__(self, desk: Desk, tenant_id: TenantId, wanted: OrderFilter, window: float) -> None:
        super().__init__(desk.clock, window)
        self._desk = desk
        self._tenant_id = tenant_id
        self._wanted = wanted
        # Each order with the states that it left or came to: had the table shown it, it was in one of them.
        self._dirty: dict[OrderId, set[OrderState]] = {}

    async def listen(self, stack: AsyncExitStack) -> Sequence[Coroutine[Any, Any, None]]:
        events = await stack.enter_async_context(self._desk.events.follow(self._tenant_id))
        return [self._hear(events)]

    async def page(self, after: UUID | None) -> tuple[Sequence[Order], bool]:
        async with self._reading() as session:
            page = await orders.page(session, self._tenant_id, self._wanted, Window(size=ROWS_MAX, after=after))
        return page.items, page.has_more

    async def rows(self, ids: Sequence[UUID]) -> Sequence[Order]:
        return [order for order in await self._loaded(ids) if self._wanted.fits_state(order.state)]

    async def changes(self) -> tuple[Sequence[Order], Sequence[UUID]]:
        dirty, self._dirty = self._dirty, {}
        upserts: list[Order] = []
        removed_ids: list[UUID] = []
        for order in await self._loaded(list(dirty)):
            if self._wanted.fits_state(order.state):
                upserts.append(order)
            elif any(self._wanted.fits_state(state) for state in dirty[order.id]):
                removed_ids.append(order.id)
        return upserts, removed_ids

    async def _hear(self, events: Stream[EventBatch]) -> None:
        async for batch in events:
            if isinstance(batch, Gap):
                self._forget()
                continue
            accounts = self._wanted.account_ids
            if accounts is not None and batch[0].event.account_id not in accounts:
                continue
            for logged in batch:
                self._touch(logged)
            if len(self._dirty) > DIRTY_MAX:
                self._forget()
            self.mark()

    def _touch(self, logged: LoggedEvent) -> None:
        states = self._dirty.setdefault(logged.event.order_id, set())
        states.add(logged.event.to_state)
        if logged.event.from_state is not None:
            states.add(logged.event.from_state)

    def _forget(self) -> None:
        self._dirty.clear()
        self.lose()

    async def _loaded(self, ids: Sequence[UUID]) -> list[Order]:
        found: list[Order] = []
        wanted = self._wanted.of_any_state()
        async with self._reading() as session:
            for place in range(0, len(ids), LOADED_MAX):
                found += await orders.fitting(session, self._tenant_id, wanted, ids[place : place + LOADED_MAX])
        return found

    def _reading(self) -> AbstractAsyncContextManager[ReadSession]:
        # Whoever follows may see all accounts of the table, and nobody's power decides what the others see.
        return reading(self._desk.database, Scope(tenant_id=self._tenant_id, accounts=self._wanted.account_ids))
