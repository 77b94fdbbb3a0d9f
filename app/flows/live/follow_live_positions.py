"""positionsChanged: what accounts hold, and what changes in it, their market prices included."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Final
from uuid import UUID

import orjson

from app.core.ids import AccountId, InstrumentId, OrderId, PositionId, TenantId
from app.core.paging import Window
from app.flows.desk import Desk
from app.flows.journal.event_feed import EventBatch
from app.flows.live.follow_orders import ends_of_known
from app.flows.live.live_table import DIRTY_MAX, ROWS_MAX, LiveTable, TableKey, TableUpdate, follow_table, window_s
from app.identity.domain import Principal
from app.infra.bus import Gap, Stream
from app.infra.db import ReadSession
from app.infra.uow import Scope, reading
from app.marketdata.domain import decode_ticks, ticks_channel
from app.orders import service as orders
from app.positions import service as positions
from app.positions.domain import Position, adjustments_channel

LOADED_MAX: Final = 1_000
# An adjustment is of no log that would show that its message was lost: positions are compared this often.
COMPARE_S: Final = 5.0


async def follow_live_positions(
    desk: Desk, principal: Principal, account_ids: Sequence[AccountId] | None, throttle_ms: int
) -> AsyncIterator[TableUpdate[Position]]:
    """The positions that are not flat, then those that changed or whose instrument's price did; None: of all accounts.

    Raises AccountUnknownError for an account that the tenant has not, PositionsTooManyError, and InputError for a
    window out of range.
    """
    window = window_s(throttle_ms)
    tenant_id = principal.tenant_id
    await ends_of_known(desk, principal, account_ids)
    accounts = principal.within(None if account_ids is None else tuple(sorted(set(account_ids))))
    key = TableKey(tenant_id=tenant_id, kind="positions", wanted=accounts, throttle_ms=throttle_ms)
    async for update in follow_table(desk, key, lambda: _PositionTable(desk, tenant_id, accounts, window)):
        yield update


class _PositionTable(LiveTable[Position]):
    def __init__(self, desk: Desk, tenant_id: TenantId, accounts: tuple[AccountId, ...] | None, window: float) -> None:
        super().__init__(desk.clock, window)
        self._desk = desk
        self._tenant_id = tenant_id
        self._accounts = accounts
        # As handed out last; and what else a follower may have read by itself.
        self._held: dict[PositionId, Position] = {}
        self._shown: set[PositionId] = set()
        self._dirty_orders: set[OrderId] = set()
        self._adjusted: set[InstrumentId] = set()
        self._dirty_prices: set[InstrumentId] = set()
        self._is_to_compare = False

    async def listen(self, stack: AsyncExitStack) -> Sequence[Coroutine[Any, Any, None]]:
        events = await stack.enter_async_context(self._desk.events.follow(self._tenant_id))
        adjusted = await stack.enter_async_context(self._desk.bus.subscribe(adjustments_channel(self._tenant_id)))
        ticks = await stack.enter_async_context(self._desk.bus.subscribe(ticks_channel(self._tenant_id)))
        self._held = {position.id: position for position in await self._all()}
        return [
            self._hear_events(events),
            self._hear_adjustments(adjusted),
            self._hear_ticks(ticks),
            self._compare_forever(),
        ]

    async def page(self, after: UUID | None) -> tuple[Sequence[Position], bool]:
        window = Window(size=ROWS_MAX, after=after)
        async with self._reading() as session:
            page = await positions.page(session, self._tenant_id, account_ids=self._accounts, window=window)
        self._shown.update(position.id for position in page.items)
        return page.items, page.has_more

    async def rows(self, ids: Sequence[UUID]) -> Sequence[Position]:
        async with self._reading() as session:
            found = await positions.positions(session, self._tenant_id, [PositionId(one) for one in ids])
        held = [position for position in found.values() if position.quantity]
        self._shown.update(position.id for position in held)
        return held

    async def changes(self) -> tuple[Sequence[Position], Sequence[UUID]]:
        order_ids, self._dirty_orders = list(self._dirty_orders), set()
        adjusted, self._adjusted = self._adjusted, set()
        priced, self._dirty_prices = self._dirty_prices, set()
        is_to_compare, self._is_to_compare = self._is_to_compare, False
        if is_to_compare:
            found = await self._all()
            gone = (self._held.keys() | self._shown) - {position.id for position in found}
        else:
            moved = await self._moved(order_ids, adjusted)
            known = {position.id for position in moved}
            found = [*moved, *(one for one in await self._valued(priced) if one.id not in known)]
            gone = set()
        upserts: list[Position] = []
        for position in found:
            if not position.quantity:
                gone.add(position.id)
            elif position.instrument_id in priced or self._held.get(position.id) != position:
                upserts.append(position)
                self._held[position.id] = position
        removed = [one for one in gone if one in self._held or one in self._shown]
        for one in removed:
            self._held.pop(one, None)
            self._shown.discard(one)
        return upserts, removed

    async def _hear_events(self, events: Stream[EventBatch]) -> None:
        async for batch in events:
            if isinstance(batch, Gap):
                self._compare_all()
                continue
            if self._accounts is not None and batch[0].event.account_id not in self._accounts:
                continue
            self._dirty_orders.update(logged.event.order_id for logged in batch)
            if len(self._dirty_orders) > DIRTY_MAX:
                self._compare_all()
            self.mark()

    async def _hear_adjustments(self, messages: Stream[bytes]) -> None:
        async for message in messages:
            if isinstance(message, Gap):
                self._compare_all()
                continue
            told = orjson.loads(message)
            if self._accounts is None or AccountId(UUID(told["accountId"])) in self._accounts:
                self._adjusted.add(InstrumentId(UUID(told["instrumentId"])))
                self.mark()

    async def _hear_ticks(self, messages: Stream[bytes]) -> None:
        async for message in messages:
            held = {position.instrument_id for position in self._held.values()}
            # Where ticks are missing, any price may have changed.
            news = held if isinstance(message, Gap) else held & {tick.instrument_id for tick in decode_ticks(message)}
            if news:
                self._dirty_prices |= news
                self.mark()

    async def _compare_forever(self) -> None:
        while True:
            await asyncio.sleep(COMPARE_S)
            self._compare_all()

    def _compare_all(self) -> None:
        self._dirty_orders.clear()
        self._is_to_compare = True
        self.mark()

    async def _moved(self, order_ids: Sequence[OrderId], adjusted: set[InstrumentId]) -> list[Position]:
        accounts: set[AccountId] = set()
        instruments: set[InstrumentId] = set()
        if not order_ids and not adjusted:
            return []
        async with self._reading() as session:
            for place in range(0, len(order_ids), LOADED_MAX):
                page = await orders.orders(session, self._tenant_id, order_ids[place : place + LOADED_MAX])
                accounts |= {order.account_id for order in page.values()}
                instruments |= {order.instrument_id for order in page.values()}
            if adjusted:
                return await self._held_in(session, self._accounts, instruments | adjusted, include_flat=True)
            return await self._held_in(session, sorted(accounts), instruments, include_flat=True)

    async def _valued(self, instrument_ids: set[InstrumentId]) -> list[Position]:
        if not instrument_ids:
            return []
        async with self._reading() as session:
            return await self._held_in(session, self._accounts, instrument_ids, include_flat=False)

    async def _held_in(
        self,
        session: ReadSession,
        account_ids: Sequence[AccountId] | None,
        instrument_ids: set[InstrumentId],
        *,
        include_flat: bool,
    ) -> list[Position]:
        return await positions.held(
            session,
            self._tenant_id,
            account_ids=account_ids,
            instrument_ids=sorted(instrument_ids),
            include_flat=include_flat,
            path="accountIds",
        )

    async def _all(self) -> list[Position]:
        async with self._reading() as session:
            return await positions.held(session, self._tenant_id, account_ids=self._accounts, path="accountIds")

    def _reading(self) -> AbstractAsyncContextManager[ReadSession]:
        # Whoever follows may see all accounts of the table, and nobody's power decides what the others see.
        return reading(self._desk.database, Scope(tenant_id=self._tenant_id, accounts=self._accounts))
