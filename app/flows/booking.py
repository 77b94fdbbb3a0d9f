"""What a transaction on locked accounts will store: gathered while deciding, written in sets, told in the outbox."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from app.audit import service as audit
from app.audit.domain import AuditEntry
from app.core.fix import Side
from app.core.ids import Ids, InstrumentId, OrderId, PositionId, TenantId
from app.core.messages import AccountKey
from app.infra.db import BatchSession, Write
from app.orders.domain.journal import event_document, events_channel
from app.orders.domain.order import Execution, LoggedEvent, Order, OrderEvent, OrderRequest
from app.orders.repository import account_books, event_log, lanes, ledger, order_requests
from app.orders.repository import batch as orders
from app.orders.repository.account_books import Book
from app.orders.repository.lanes import LaneEntry
from app.outbox import repository as outbox
from app.outbox.repository import OutboxMessage
from app.positions import batch as positions
from app.positions.batch import PositionKey
from app.positions.domain import Position
from app.positions.history_batch import HistoryEntry, append_history


@dataclass(slots=True)
class Booking:
    """The books, positions and rows of one transaction. Whoever made it holds the locks of the books."""

    books: dict[AccountKey, Book]
    positions: dict[PositionKey, Position]
    ids: Ids
    now: datetime
    new_orders: dict[OrderId, Order] = field(default_factory=dict)
    changed_orders: dict[OrderId, Order] = field(default_factory=dict)
    new_executions: list[tuple[TenantId, Execution]] = field(default_factory=list)
    changed_executions: list[tuple[TenantId, Execution]] = field(default_factory=list)
    new_requests: list[tuple[TenantId, OrderRequest]] = field(default_factory=list)
    resolved_requests: list[tuple[TenantId, OrderRequest]] = field(default_factory=list)
    lane: list[LaneEntry] = field(default_factory=list)
    audit: list[AuditEntry] = field(default_factory=list)
    _events: list[tuple[TenantId, LoggedEvent]] = field(default_factory=list)
    _stored: set[PositionKey] = field(default_factory=set)
    _moved: set[PositionKey] = field(default_factory=set)

    def log(self, key: AccountKey, events: Iterable[OrderEvent]) -> None:
        """Gives events their places at the end of the account's log."""
        for event in events:
            book = self.books[key]
            book.last_sequence += 1
            logged = LoggedEvent(sequence=book.last_sequence, event=event, recorded_at=self.now)
            self._events.append((key.tenant_id, logged))

    def count_open(self, key: AccountKey, change: int) -> None:
        """Counts orders that opened (above zero) or ended (below)."""
        self.books[key].open_orders += change

    def position(self, key: AccountKey, instrument_id: InstrumentId) -> Position:
        """The position as it runs, a flat one where there was none."""
        known = self.positions.get((key, instrument_id))
        if known is None:
            known = Position(
                id=PositionId(self.ids.new()),
                account_id=key.account_id,
                instrument_id=instrument_id,
                updated_at=self.now,
            )
        return known

    def store_position(self, key: AccountKey, position: Position) -> None:
        """Takes the position as it is to be written."""
        place = (key, position.instrument_id)
        self.positions[place] = position
        self._stored.add(place)

    def move_position(self, key: AccountKey, position: Position) -> None:
        """Takes a position that an event of this transaction has moved or charged: its history goes on."""
        self.store_position(key, position)
        self._moved.add((key, position.instrument_id))

    def leave_history(self, key: AccountKey, instrument_id: InstrumentId) -> None:
        """The position's history is written by what restates it."""
        self._moved.discard((key, instrument_id))

    def reserve(self, key: AccountKey, instrument_id: InstrumentId, side: Side, change: Decimal) -> None:
        """Raises or lowers what open orders may still add to a side of the position."""
        if not change:
            return
        position = self.position(key, instrument_id)
        if side is Side.BUY:
            position = replace(position, open_buy_quantity=position.open_buy_quantity + change)
        else:
            position = replace(position, open_sell_quantity=position.open_sell_quantity + change)
        self.store_position(key, position)

    def put_new(self, order: Order) -> None:
        """Takes an order that is not stored yet."""
        self.new_orders[order.id] = order

    def put_order(self, order: Order) -> None:
        """Takes an order as it is to stand."""
        order = replace(order, updated_at=self.now)
        if order.id in self.new_orders:
            self.new_orders[order.id] = order
        else:
            self.changed_orders[order.id] = order

    async def write(self, session: BatchSession, more: Iterable[Write] = ()) -> None:
        """Writes everything, what else is given and the outbox with it, in one round trip."""
        writes: list[Write] = list(more)
        if self.new_orders:
            writes.append(orders.insert_orders(list(self.new_orders.values())))
        if self.changed_orders:
            writes.append(orders.update_orders(list(self.changed_orders.values())))
        for tenant_id, executions in _by_tenant(self.new_executions).items():
            writes.append(ledger.insert_executions(tenant_id, executions))
        for tenant_id, executions in _by_tenant(self.changed_executions).items():
            writes.append(ledger.update_executions(tenant_id, executions))
        for tenant_id, requests in _by_tenant(self.new_requests).items():
            writes.append(order_requests.insert_requests(tenant_id, requests))
        for tenant_id, requests in _by_tenant(self.resolved_requests).items():
            writes.append(order_requests.resolve_requests(tenant_id, requests))
        if self._stored:
            stored = sorted(self._stored, key=lambda place: (place[0].tenant_id, place[0].account_id, place[1]))
            rows = [(key.tenant_id, replace(self.positions[key, one], updated_at=self.now)) for key, one in stored]
            writes.append(positions.store_positions(rows))
        if self._moved:
            writes.append(append_history([self.history(key, one) for key, one in self._moved]))
        if self._events:
            writes.append(event_log.append_events(self._events))
            writes.append(account_books.update_books(self.books))
            writes.append(outbox.append(self._messages(), self.now))
        if self.lane:
            writes.append(lanes.push_lane(self.lane, self.now))
        if self.audit:
            writes.append(audit.record_batch(self.audit))
        await session.write(writes)

    def history(
        self, key: AccountKey, instrument_id: InstrumentId, restated_from: datetime | None = None
    ) -> HistoryEntry:
        """The position as it stands behind the newest event of its account."""
        return HistoryEntry(
            tenant_id=key.tenant_id,
            sequence=self.books[key].last_sequence,
            position=self.positions[key, instrument_id],
            restated_from=restated_from,
            recorded_at=self.now,
        )

    @property
    def has_events(self) -> bool:
        """True when something happened that subscribers are to learn."""
        return bool(self._events)

    def _messages(self) -> list[OutboxMessage]:
        by_account: dict[AccountKey, list[LoggedEvent]] = {}
        for tenant_id, logged in self._events:
            key = AccountKey(tenant_id=tenant_id, account_id=logged.event.account_id)
            by_account.setdefault(key, []).append(logged)
        return [
            OutboxMessage(
                tenant_id=key.tenant_id,
                channel=events_channel(key.tenant_id, key.account_id),
                payload=[event_document(logged) for logged in events],
            )
            for key, events in by_account.items()
        ]


ValueT = TypeVar("ValueT")


def _by_tenant(pairs: list[tuple[TenantId, ValueT]]) -> dict[TenantId, list[ValueT]]:
    grouped: dict[TenantId, list[ValueT]] = {}
    for tenant_id, value in pairs:
        grouped.setdefault(tenant_id, []).append(value)
    return grouped
