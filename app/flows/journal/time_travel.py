"""asOf: orders and positions as they stood at an instant of the past, replayed from the event log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from app.brokers import batch as brokers
from app.core.errors import InputError
from app.core.fix import Side
from app.core.ids import AccountId, InstrumentId, OrderId
from app.core.messages import AccountKey
from app.core.money import ZERO
from app.core.paging import Page, Window
from app.core.records import replace
from app.flows.desk import Desk
from app.flows.journal.replay_positions import PositionReplay, booked_moves
from app.flows.orders.list_orders import list_orders
from app.identity.domain import Principal
from app.infra.db import BatchSession
from app.infra.uow import begin_snapshot
from app.instruments import batch as instruments
from app.orders import service as orders
from app.orders.domain.linking import reserved_by_place
from app.orders.domain.listing import OrderFilter
from app.orders.domain.order import LoggedEvent, Order
from app.orders.domain.order_file import OrderFile
from app.orders.domain.replay import MALFORMED, NotVerifiable, OrderHistory, replay_order
from app.orders.errors import OrderNotReplayableError
from app.orders.repository import batch as order_batch
from app.orders.repository import event_log
from app.positions import batch as positions
from app.positions.domain import Position, PositionAdjustment
from app.positions.errors import PositionHistoryTooLongError

MOVES_MAX: Final = 100_000
ORDERS_PAGE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PastOrder:
    """An order as it stood, with its requests and executions, and the events that had led there."""

    history: OrderHistory
    events: tuple[LoggedEvent, ...]

    @property
    def order(self) -> Order:
        """The order as it stood."""
        return self.history.order


async def order_as_of(desk: Desk, principal: Principal, order_id: OrderId, at: datetime) -> PastOrder | None:
    """The order as it stood at the instant; None if the tenant has none of the id, or had it not yet.

    Raises InputError for an instant of the future, OrderNotReplayableError.
    """
    refuse_future(desk, at)
    async with desk.reading(principal) as session:
        found = await orders.orders(session, principal.tenant_id, [order_id])
    past = await _past(desk, principal, list(found.values()), at)
    return past[0] if past else None


async def list_orders_as_of(
    desk: Desk,
    principal: Principal,
    wanted: OrderFilter,
    symbols: Sequence[str] | None,
    window: Window[UUID],
    at: datetime,
) -> Page[PastOrder]:
    """The orders of the window as they stood at the instant, the newest first; the filter is asked of that instant.

    Only the orders of the page are replayed. Raises InputError for an instant of the future, OrderNotReplayableError,
    OrderHistoryTooLongError.
    """
    refuse_future(desk, at)
    page = await list_orders(desk, principal, replace(wanted, as_of=at), symbols, window)
    past = await _past(desk, principal, page.items, at)
    return Page(items=tuple(past), has_more=page.has_more)


async def positions_as_of(
    desk: Desk,
    principal: Principal,
    account_id: AccountId | None,
    instrument_ids: Sequence[InstrumentId] | None,
    at: datetime,
    *,
    include_flat: bool,
) -> list[Position]:
    """What was held at the instant; updated_at is when an execution or a commission had last moved it.

    Raises InputError for an instant of the future, PositionHistoryTooLongError, OrderNotReplayableError.
    """
    refuse_future(desk, at)
    tenant_id = principal.tenant_id
    found: list[Position] = []
    async with begin_snapshot(desk.database, tenant_id, accounts=principal.viewable) as session:
        keys = [AccountKey(tenant_id=tenant_id, account_id=account_id)] if account_id is not None else None
        left = MOVES_MAX
        for key in keys or await brokers.tenant_accounts(session, tenant_id):
            end = await event_log.end_at(session, key, at)
            held, left = await _held(session, key, instrument_ids, end, at, left)
            found += held
    return [one for one in found if include_flat or one.quantity]


def refuse_future(desk: Desk, at: datetime) -> None:
    """Raises InputError for an instant that has not come."""
    if at > desk.clock.now():
        raise InputError("What comes is not known: asOf is in the future.", path=["asOf"])


async def _past(desk: Desk, principal: Principal, present: Sequence[Order], at: datetime) -> list[PastOrder]:
    if not present:
        return []
    async with desk.reading(principal) as session:
        events = await orders.events_of(session, principal.tenant_id, [order.id for order in present])
    past: list[PastOrder] = []
    for order in present:
        until = _until(events.get(order.id, []), at)
        history = replay_order(order.tenant_id, until)
        if isinstance(history, NotVerifiable):
            raise OrderNotReplayableError(order.id)
        if history is not None:
            # What the limits said and what was asked at first never changes, and is not of the log.
            history.change(risk_checks=order.risk_checks, terms_hash=order.terms_hash)
            past.append(PastOrder(history=history, events=tuple(until)))
    return past


def _until(events: Sequence[LoggedEvent], at: datetime) -> Sequence[LoggedEvent]:
    # The sequence tells what led to what, also where the clocks of two processes do not agree.
    count = next((place for place in range(len(events), 0, -1) if events[place - 1].recorded_at <= at), 0)
    return events[:count]


async def _held(
    session: BatchSession,
    key: AccountKey,
    instrument_ids: Sequence[InstrumentId] | None,
    end: int,
    at: datetime,
    left: int,
) -> tuple[list[Position], int]:
    stored = await positions.positions_of_account(session, key)
    if not stored:
        return [], left
    known = await instruments.find(session, ids=[(key.tenant_id, one) for one in stored])
    replay = PositionReplay(account_id=key.account_id, instruments={one.id: one for _, one in known})
    async for moving in booked_moves(session, key, until=end, at=at, instrument_ids=instrument_ids):
        left -= 1
        if left < 0:
            raise PositionHistoryTooLongError(MOVES_MAX)
        if isinstance(moving, PositionAdjustment):
            replay.adjust(moving)
            continue
        try:
            replay.read(*moving)
        except MALFORMED as error:
            raise OrderNotReplayableError(moving[0].event.order_id) from error
    replay.settle()
    reserved = await _reserved(session, key, instrument_ids, end, at)
    ordered = await order_batch.instruments_ordered(session, key, at)
    found: list[Position] = []
    for instrument_id in sorted((ordered | replay.positions.keys()) & stored.keys()):
        if instrument_ids is not None and instrument_id not in instrument_ids:
            continue
        position = replay.positions.get(instrument_id) or Position(
            id=stored[instrument_id].id, account_id=key.account_id, instrument_id=instrument_id, updated_at=at
        )
        found.append(
            replace(
                position,
                id=stored[instrument_id].id,
                open_buy_quantity=reserved.get((instrument_id, Side.BUY), ZERO),
                open_sell_quantity=reserved.get((instrument_id, Side.SELL), ZERO),
            )
        )
    return found, left


async def _reserved(
    session: BatchSession, key: AccountKey, instrument_ids: Sequence[InstrumentId] | None, end: int, at: datetime
) -> dict[tuple[InstrumentId, Side], Decimal]:
    files: list[OrderFile] = []
    ids = await order_batch.orders_open_at(session, key, at, instrument_ids)
    for start in range(0, len(ids), ORDERS_PAGE):
        events = await event_log.events_of(session, key.tenant_id, ids[start : start + ORDERS_PAGE], end)
        for order_id, told in events.items():
            history = replay_order(key.tenant_id, told)
            if isinstance(history, NotVerifiable):
                raise OrderNotReplayableError(order_id)
            if history is not None:
                files.append(history.file)
    return reserved_by_place(files)
