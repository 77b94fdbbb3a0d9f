"""What a transaction on locked accounts will store: gathered while deciding, written in sets, told in the outbox."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from app.approvals import batch as approvals
from app.approvals.domain import Decision, OrderApproval
from app.audit import service as audit
from app.audit.domain import AuditEntry
from app.compliance.domain.restrictions import RestrictionAlert
from app.compliance.restrictions_batch import insert_alerts
from app.core.fix import OrderState, Side
from app.core.ids import Ids, InstrumentId, OrderId, PositionId, TenantId
from app.core.messages import AccountKey
from app.core.money import ZERO
from app.core.records import replace
from app.flows.compliance.compliance_news import alert_messages
from app.infra.db import BatchSession, Write
from app.orders.domain.journal import event_document, events_channel
from app.orders.domain.order import Execution, LoggedEvent, Order, OrderEvent, OrderRequest
from app.orders.events import OrderEventType
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
    new_approvals: list[OrderApproval] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    lane: list[LaneEntry] = field(default_factory=list)
    audit: list[AuditEntry] = field(default_factory=list)
    alerts: list[RestrictionAlert] = field(default_factory=list)
    extra: list[Write] = field(default_factory=list)
    _events: list[tuple[AccountKey, OrderEvent]] = field(default_factory=list)
    _reserved: dict[PositionKey, tuple[Decimal, Decimal]] = field(default_factory=dict)
    _moved: set[PositionKey] = field(default_factory=set)
    _with_history: set[PositionKey] = field(default_factory=set)

    def log(self, key: AccountKey, events: Iterable[OrderEvent]) -> None:
        """Takes events for the end of the account's log; they get their places when they are written."""
        self._events.extend((key, event) for event in events)

    def followed(
        self,
        event_type: OrderEventType,
        order: Order,
        before: OrderState,
        *,
        by: str,
        details: dict[str, Any],
        reason: str | None = None,
    ) -> OrderEvent:
        """The event of an order that the house moved because of another; `before` is the state it came from."""
        return OrderEvent(
            type=event_type.value,
            order_id=order.id,
            account_id=order.account_id,
            from_state=before,
            to_state=order.state,
            actor=by,
            reason=reason,
            details=details,
            occurred_at=self.now,
        )

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
        self._moved.add(place)

    def move_position(self, key: AccountKey, position: Position) -> None:
        """Takes a position that an event of this transaction has moved or charged: its history goes on."""
        self.store_position(key, position)
        self._with_history.add((key, position.instrument_id))

    def leave_history(self, key: AccountKey, instrument_id: InstrumentId) -> None:
        """The position's history is written by what restates it."""
        self._with_history.discard((key, instrument_id))

    def reserve(self, key: AccountKey, instrument_id: InstrumentId, side: Side, change: Decimal) -> None:
        """Raises or lowers what open orders may still add to a side of the position."""
        if not change:
            return
        bought, sold = (change, ZERO) if side is Side.BUY else (ZERO, change)
        before = self._reserved.get((key, instrument_id), _NOTHING)
        self._reserved[key, instrument_id] = (before[0] + bought, before[1] + sold)
        self.store_position(key, _reserving(self.position(key, instrument_id), bought, sold))

    def rebase(
        self,
        books: dict[AccountKey, Book],
        positions: Mapping[PositionKey, Position],
        seen: Mapping[PositionKey, Position],
    ) -> bool:
        """Puts what was decided on counts from zero and on the positions seen onto the books and positions as locked.

        False, with nothing changed, where a position was moved by another since it was seen: all is to be decided anew.
        What others reserved meanwhile is kept.
        """
        for place in self._moved & positions.keys():
            if not _holds_the_same(positions[place], seen.get(place)):
                return False
        for key, book in books.items():
            book.open_orders += self.books[key].open_orders
        self.books = books
        for place in self._moved & positions.keys():
            now = positions[place]
            held = replace(
                self.positions[place],
                id=now.id,
                open_buy_quantity=now.open_buy_quantity,
                open_sell_quantity=now.open_sell_quantity,
            )
            self.positions[place] = _reserving(held, *self._reserved.get(place, _NOTHING))
        return True

    def put_new(self, order: Order) -> None:
        """Takes an order that is not stored yet."""
        self.new_orders[order.id] = order

    def put_order(self, order: Order) -> None:
        """Takes an order as it is to stand."""
        if order.id in self.new_orders:
            self.new_orders[order.id] = order
        else:
            self.changed_orders[order.id] = order

    async def write(self, session: BatchSession) -> None:
        """Writes everything, and the outbox with it, in one round trip."""
        writes = list(self.extra)
        if self.new_orders:
            new = list(self.new_orders.values())
            # An order of others may have moved on in the transaction that imports it; the writes of one round trip
            # have no order.
            moved_on = [order for order in new if order.version > 1 or order.in_doubt]
            if moved_on:
                await session.write([orders.insert_orders(new)])
                writes.append(orders.update_orders(moved_on))
            else:
                writes.append(orders.insert_orders(new))
        if self.changed_orders:
            changed = [replace(order, updated_at=self.now) for order in self.changed_orders.values()]
            writes.append(orders.update_orders(changed))
        for tenant_id, executions in _by_tenant(self.new_executions).items():
            writes.append(ledger.insert_executions(tenant_id, executions))
        for tenant_id, executions in _by_tenant(self.changed_executions).items():
            writes.append(ledger.update_executions(tenant_id, executions))
        resolved = [
            order_requests.resolve_requests(tenant_id, requests)
            for tenant_id, requests in _by_tenant(self.resolved_requests).items()
        ]
        if self.new_requests and resolved:
            # The writes of one round trip have no order, and an order has one open request of a kind.
            await session.write(resolved)
        else:
            writes.extend(resolved)
        for tenant_id, requests in _by_tenant(self.new_requests).items():
            writes.append(order_requests.insert_requests(tenant_id, requests))
        if self.new_approvals:
            writes.append(approvals.insert_approvals(self.new_approvals))
        if self.decisions:
            writes.append(approvals.decide(self.decisions))
        if self._moved:
            moved = sorted(self._moved, key=lambda place: (place[0].tenant_id, place[0].account_id, place[1]))
            rows = [(key.tenant_id, replace(self.positions[key, one], updated_at=self.now)) for key, one in moved]
            writes.append(positions.store_positions(rows))
        if self._events:
            logged = self._logged()
            writes.append(event_log.append_events(logged))
            writes.append(account_books.update_books(self.books))
            writes.append(outbox.append(_messages(logged), self.now))
        if self.alerts:
            writes += [insert_alerts(self.alerts), outbox.append(alert_messages(self.alerts), self.now)]
        if self._with_history:
            # Behind the events, whose places it names.
            writes.append(append_history([self.history(key, one) for key, one in self._with_history]))
        if self.lane:
            writes.append(lanes.push_lane(self.lane, self.now))
        if self.audit:
            writes.append(audit.record_batch(self.audit))
        await session.write(writes)

    def history(
        self, key: AccountKey, instrument_id: InstrumentId, restated_from: datetime | None = None, place: int = 0
    ) -> HistoryEntry:
        """The position as it stands behind the newest event that was written of its account, or an adjustment there."""
        return HistoryEntry(
            tenant_id=key.tenant_id,
            sequence=self.books[key].last_sequence,
            place=place,
            position=self.positions[key, instrument_id],
            restated_from=restated_from,
            recorded_at=self.now,
        )

    @property
    def has_events(self) -> bool:
        """True when something happened that subscribers are to learn."""
        return bool(self._events)

    @property
    def moved(self) -> frozenset[PositionKey]:
        """The positions that are to be written."""
        return frozenset(self._moved)

    def _logged(self) -> list[tuple[TenantId, LoggedEvent]]:
        logged: list[tuple[TenantId, LoggedEvent]] = []
        for key, event in self._events:
            book = self.books[key]
            book.last_sequence += 1
            place = LoggedEvent(sequence=book.last_sequence, event=event, recorded_at=self.now)
            logged.append((key.tenant_id, place))
        return logged


_NOTHING = (ZERO, ZERO)


def _reserving(position: Position, bought: Decimal, sold: Decimal) -> Position:
    return replace(
        position,
        open_buy_quantity=position.open_buy_quantity + bought,
        open_sell_quantity=position.open_sell_quantity + sold,
    )


def _holds_the_same(now: Position, seen: Position | None) -> bool:
    before = seen or Position(
        id=now.id, account_id=now.account_id, instrument_id=now.instrument_id, updated_at=now.updated_at
    )
    return now == replace(
        before,
        id=now.id,
        open_buy_quantity=now.open_buy_quantity,
        open_sell_quantity=now.open_sell_quantity,
        updated_at=now.updated_at,
    )


def _messages(events: Iterable[tuple[TenantId, LoggedEvent]]) -> list[OutboxMessage]:
    by_account: dict[AccountKey, list[LoggedEvent]] = {}
    for tenant_id, logged in events:
        key = AccountKey(tenant_id=tenant_id, account_id=logged.event.account_id)
        by_account.setdefault(key, []).append(logged)
    return [
        OutboxMessage(
            tenant_id=key.tenant_id,
            channel=events_channel(key.tenant_id),
            payload=[event_document(logged) for logged in told],
        )
        for key, told in by_account.items()
    ]


ValueT = TypeVar("ValueT")


def _by_tenant(pairs: list[tuple[TenantId, ValueT]]) -> dict[TenantId, list[ValueT]]:
    grouped: dict[TenantId, list[ValueT]] = {}
    for tenant_id, value in pairs:
        grouped.setdefault(tenant_id, []).append(value)
    return grouped
