"""What a broker reported becomes state: executions, orders, positions, events, in one transaction."""

import dataclasses
import logging
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.core.fix import OrderOrigin, OrderState, OrderType
from app.core.ids import ExecutionKey, Ids, InstrumentId, OrderId
from app.core.messages import (
    AccountKey,
    BrokerReport,
    CommissionReport,
    ExecutionReport,
    FaultReport,
    Fill,
    Instrument,
    NotFoundReport,
    OrderAddress,
    OrderTerms,
    StatusReport,
)
from app.core.money import plain
from app.flows.booking import Booking
from app.flows.instrument_directory import InstrumentMemory
from app.infra.db import BatchSession
from app.instruments import batch as instruments
from app.orders.domain.journal import placement_details
from app.orders.domain.order import Execution, Order, OrderEvent, OrderRequest, reserved_quantity
from app.orders.domain.reports import (
    BROKER,
    Decision,
    OrderFile,
    apply_execution,
    apply_fault,
    apply_not_found,
    apply_status,
)
from app.orders.events import OrderEventType
from app.orders.repository import account_books, ledger, order_requests
from app.orders.repository import batch as orders
from app.orders.repository.account_books import Book
from app.orders.repository.ledger import QuarantinedReport
from app.positions import batch as positions
from app.positions.batch import PositionKey
from app.positions.domain import Position, apply_fill, derive

log = logging.getLogger(__name__)

_WITH_REQUESTS = frozenset({OrderState.PENDING_CANCEL, OrderState.PENDING_REPLACE})

AddressedReport = StatusReport | ExecutionReport | FaultReport | NotFoundReport


async def apply_reports(
    session: BatchSession,
    key: AccountKey,
    reports: Sequence[BrokerReport],
    *,
    now: datetime,
    ids: Ids,
    memory: InstrumentMemory | None = None,
) -> bool:
    """Stores what the broker reported of an account, in the order of the reports; True when anything happened.

    A report that repeats another changes nothing; one that fits no order or no transition is quarantined. All is
    decided before the account's book is locked, so that orders come in meanwhile, and once more behind the lock where
    somebody moved what was decided on.
    """
    memory = memory or InstrumentMemory()
    booking = Booking(books={key: Book(last_sequence=0, open_orders=0)}, positions={}, ids=ids, now=now)
    work = await _decided(session, key, reports, booking, memory)
    books = await account_books.books_for_update(session, [key])
    assert key in books, "an account has a book from its creation"
    if not await work.still_holds(session, books):
        booking = Booking(books=books, positions={}, ids=ids, now=now)
        work = await _decided(session, key, reports, booking, memory)
    await work.finish(session)
    return work.booking.has_events


async def _decided(
    session: BatchSession,
    key: AccountKey,
    reports: Sequence[BrokerReport],
    booking: Booking,
    memory: InstrumentMemory,
) -> "_Work":
    work = await _load(session, key, reports, booking, memory)
    for report in reports:
        if isinstance(report, CommissionReport):
            work.book_commission(report)
        else:
            work.apply(report)
    return work


async def _load(
    session: BatchSession,
    key: AccountKey,
    reports: Sequence[BrokerReport],
    booking: Booking,
    memory: InstrumentMemory,
) -> "_Work":
    addresses = [report.address for report in reports if not isinstance(report, CommissionReport)]
    executed = [report for report in reports if isinstance(report, ExecutionReport)]
    named = [report.root for report in reports if isinstance(report, CommissionReport)]
    addressed = await orders.orders_by_address(
        session,
        key,
        order_ids=[address.order_id for address in addresses if address.order_id],
        permanent_ids=[address.permanent_id for address in addresses if address.permanent_id],
        broker_order_ids=[address.broker_order_id for address in addresses if address.broker_order_id],
        execution_roots=named,
    )
    found = addressed.orders
    work = _Work(key=key, booking=booking, stamps=addressed.stamps)
    for order in found:
        work.remember(OrderFile(order=order))
    asked = [order.id for order in found if order.state in _WITH_REQUESTS]
    if asked:
        for request in await order_requests.open_requests(session, key.tenant_id, asked):
            work.remember_request(request)
    if executed or named:
        for row in await ledger.revisions(session, key, [report.root for report in executed] + named):
            work.ledger.setdefault(row.root, []).append(row)
    if executed and addressed.has_early_commissions:
        work.early = await ledger.early_commissions(session, key, [report.execution_id for report in executed])
    work.instruments = await memory.by_ids(session, key.tenant_id, {order.instrument_id for order in found})
    traded = {instrument.contract_id for instrument in work.instruments.values()}
    strange = [(key.tenant_id, str(one.contract_id)) for one in executed if one.contract_id not in traded]
    if strange:
        known = await instruments.find(session, contract_ids=strange)
        work.instruments |= {instrument.id: instrument for _, instrument in known}
    work.seen = await positions.positions_of(session, [(key, one) for one in work.instruments])
    booking.positions.update(work.seen)
    return work


@dataclasses.dataclass(slots=True, kw_only=True)
class _Work:
    key: AccountKey
    booking: Booking
    stamps: dict[OrderId, int]
    seen: dict[PositionKey, Position] = dataclasses.field(default_factory=dict)
    files: dict[OrderId, OrderFile] = dataclasses.field(default_factory=dict)
    by_permanent_id: dict[int, OrderId] = dataclasses.field(default_factory=dict)
    by_broker_id: dict[tuple[int | None, int], OrderId] = dataclasses.field(default_factory=dict)
    ledger: dict[str, list[Execution]] = dataclasses.field(default_factory=dict)
    fresh: set[ExecutionKey] = dataclasses.field(default_factory=set)
    touched: set[ExecutionKey] = dataclasses.field(default_factory=set)
    early: dict[str, tuple[Decimal, str]] = dataclasses.field(default_factory=dict)
    instruments: dict[InstrumentId, Instrument] = dataclasses.field(default_factory=dict)
    restated: set[InstrumentId] = dataclasses.field(default_factory=set)
    too_early: dict[str, tuple[Decimal, str]] = dataclasses.field(default_factory=dict)
    no_longer_early: list[str] = dataclasses.field(default_factory=list)
    quarantined: list[QuarantinedReport] = dataclasses.field(default_factory=list)

    async def still_holds(self, session: BatchSession, books: dict[AccountKey, Book]) -> bool:
        if await orders.stamps(session, self.key.tenant_id, self.stamps) != self.stamps:
            return False
        moved = self.booking.moved
        now = await positions.positions_of(session, moved) if moved else {}
        return self.booking.rebase(books, now, self.seen)

    def remember(self, file: OrderFile) -> None:
        order = file.order
        self.files[order.id] = file
        if order.permanent_id is not None:
            self.by_permanent_id[order.permanent_id] = order.id
        if order.broker_order_id is not None:
            self.by_broker_id[order.broker_client_id, order.broker_order_id] = order.id

    def remember_request(self, request: OrderRequest) -> None:
        self.files[request.order_id] = self.files[request.order_id].with_request(request)

    def match(self, address: OrderAddress) -> OrderFile | None:
        if address.order_id is not None and address.order_id in self.files:
            return self.files[address.order_id]
        if address.permanent_id is not None and address.permanent_id in self.by_permanent_id:
            return self.files[self.by_permanent_id[address.permanent_id]]
        if address.broker_order_id is not None:
            place = (address.client_id, address.broker_order_id)
            if place in self.by_broker_id:
                return self.files[self.by_broker_id[place]]
        return None

    def apply(self, report: AddressedReport) -> None:
        file = self.match(report.address)
        if file is None and isinstance(report, ExecutionReport):
            file = self.imported(report)
        if file is None:
            if isinstance(report, ExecutionReport):
                self.quarantine(None, "an execution of an instrument that is not known", report)
            return
        grown = _room_for(file, report) if isinstance(report, ExecutionReport) else file
        decision = self.decide(grown, report)
        if not decision.events:
            decision = dataclasses.replace(decision, file=file)
        elif grown is not file:
            decision = _telling(decision, {"orderQuantity": plain(grown.order.terms.quantity)})
        if decision.quarantine is not None:
            self.quarantine(file.order.id, decision.quarantine, report)
        self.take(file, decision)

    def decide(self, file: OrderFile, report: AddressedReport) -> Decision:
        match report:
            case StatusReport():
                return apply_status(file, report)
            case ExecutionReport():
                revisions = tuple(self.ledger.get(report.root, ()))
                return apply_execution(file, revisions, report, self.booking.ids.new(), self.booking.now)
            case FaultReport():
                return apply_fault(file, report)
            case NotFoundReport():
                return apply_not_found(file, report)

    def take(self, before: OrderFile, decision: Decision) -> None:
        booking, key, order = self.booking, self.key, decision.file.order
        self.remember(decision.file)
        if order != before.order or decision.events:
            booking.put_order(order)
        change = reserved_quantity(order, decision.file.pending_terms) - reserved_quantity(
            before.order, before.pending_terms
        )
        booking.reserve(key, order.instrument_id, order.side, change)
        if order.state.is_terminal and not before.order.state.is_terminal:
            booking.count_open(key, -1)
        realized = self.move_position(decision.fills)
        if realized is not None:
            decision = _telling(decision, {"realizedPnl": plain(realized)})
        for row in decision.executions:
            self.store_execution(row, realized)
        if decision.is_restated:
            self.restated.add(order.instrument_id)
        booking.resolved_requests.extend((key.tenant_id, request) for request in decision.requests)
        booking.log(key, decision.events)
        for row in decision.executions:
            early = self.early_commission(row.execution_id)
            if early is not None:
                self.charge(row.execution_id, *early)

    def early_commission(self, execution_id: str) -> tuple[Decimal, str] | None:
        if execution_id in self.too_early:
            return self.too_early.pop(execution_id)
        if execution_id in self.early:
            self.no_longer_early.append(execution_id)
        return self.early.pop(execution_id, None)

    def move_position(self, fills: Sequence[Fill]) -> Decimal | None:
        realized: Decimal | None = None
        for fill in fills:
            multiplier = self.instruments[fill.instrument_id].multiplier
            position = self.booking.position(self.key, fill.instrument_id)
            position, realized = apply_fill(position, fill, multiplier)
            self.booking.store_position(self.key, position)
        return realized

    def store_execution(self, row: Execution, realized: Decimal | None) -> None:
        rows = self.ledger.setdefault(row.root, [])
        known = next((place for place, held in enumerate(rows) if held.id == row.id), None)
        if known is None:
            row = dataclasses.replace(row, realized_pnl=realized)
            rows.append(row)
            self.fresh.add(row.id)
        else:
            rows[known] = row
            self.touched.add(row.id)

    def book_commission(self, report: CommissionReport) -> None:
        if report.commission is None:
            return
        if not self.charge(report.execution_id, report.commission, report.currency):
            self.too_early[report.execution_id] = (report.commission, report.currency)

    def charge(self, execution_id: str, commission: Decimal, currency: str) -> bool:
        for rows in self.ledger.values():
            for place, row in enumerate(rows):
                if row.execution_id != execution_id:
                    continue
                if row.commission == commission and row.commission_currency == currency:
                    return True
                rows[place] = dataclasses.replace(row, commission=commission, commission_currency=currency)
                self.touched.add(row.id)
                self.charge_order(row, commission - (row.commission or Decimal(0)), currency)
                return True
        return False

    def charge_order(self, row: Execution, change: Decimal, currency: str) -> None:
        booking, file = self.booking, self.files[row.order_id]
        order = dataclasses.replace(file.order, commission=file.order.commission + change)
        self.remember(dataclasses.replace(file, order=order))
        booking.put_order(order)
        position = booking.position(self.key, order.instrument_id)
        booking.store_position(self.key, dataclasses.replace(position, commission=position.commission + change))
        details = {"executionId": row.execution_id, "commission": plain(change), "currency": currency}
        booking.log(self.key, [_event(OrderEventType.COMMISSION_BOOKED, order, None, details, booking.now)])

    def imported(self, report: ExecutionReport) -> OrderFile | None:
        instrument = next((one for one in self.instruments.values() if one.contract_id == report.contract_id), None)
        if instrument is None:
            return None
        booking = self.booking
        order_id = OrderId(booking.ids.new())
        order = Order(
            id=order_id,
            tenant_id=self.key.tenant_id,
            account_id=self.key.account_id,
            instrument_id=instrument.id,
            client_order_id=f"external-{report.address.permanent_id or report.root}",
            terms_hash=b"",
            side=report.side,
            order_type=OrderType.MARKET,
            terms=OrderTerms(quantity=report.quantity),
            origin=OrderOrigin.EXTERNAL,
            placed_by=BROKER,
            state=OrderState.ACCEPTED,
            broker_client_id=report.address.client_id,
            permanent_id=report.address.permanent_id,
            created_at=booking.now,
            updated_at=booking.now,
        )
        booking.put_new(order)
        booking.count_open(self.key, 1)
        booking.reserve(self.key, instrument.id, order.side, order.terms.quantity)
        details = placement_details(order)
        event = _event(OrderEventType.ORDER_IMPORTED, order, OrderState.NEW, details, report.executed_at)
        booking.log(self.key, [event])
        file = OrderFile(order=order)
        self.remember(file)
        return file

    def quarantine(self, order_id: OrderId | None, reason: str, report: AddressedReport) -> None:
        document = {"kind": type(report).__name__, **dataclasses.asdict(report)}
        entry_id = self.booking.ids.new()
        self.quarantined.append(QuarantinedReport(id=entry_id, order_id=order_id, reason=reason, report=document))

    async def finish(self, session: BatchSession) -> None:
        booking, tenant_id = self.booking, self.key.tenant_id
        if self.too_early:
            booking.extra.append(ledger.keep_early_commissions(self.key, self.too_early, booking.now))
        if self.no_longer_early:
            booking.extra.append(ledger.drop_early_commissions(self.key, self.no_longer_early))
        if self.quarantined:
            booking.extra.append(ledger.quarantine(self.key, self.quarantined, booking.now))
            for one in self.quarantined:
                log.error("quarantined: %s: %s", one.reason, one.report)
        for rows in self.ledger.values():
            for row in rows:
                if row.id in self.fresh:
                    booking.new_executions.append((tenant_id, row))
                elif row.id in self.touched:
                    booking.changed_executions.append((tenant_id, row))
        await booking.write(session)
        if self.restated:
            await self.derive_positions(session)

    async def derive_positions(self, session: BatchSession) -> None:
        rows = await ledger.active_executions(session, self.key, list(self.restated))
        for instrument_id in self.restated:
            fills = [
                Fill(instrument_id=instrument_id, signed_quantity=row.quantity * row.side.sign, price=row.price)
                for row in rows
                if row.instrument_id == instrument_id and row.quantity
            ]
            position = self.booking.position(self.key, instrument_id)
            derived = derive(position, fills, self.instruments[instrument_id].multiplier)
            derived = dataclasses.replace(derived, updated_at=self.booking.now)
            await session.write([positions.store_positions([(self.key.tenant_id, derived)])])


def _room_for(file: OrderFile, report: ExecutionReport) -> OrderFile:
    # An imported order's quantity is what was seen of it, so it grows with each of its executions.
    order = file.order
    if order.origin is not OrderOrigin.EXTERNAL or order.filled_quantity == 0:
        return file
    seen = order.filled_quantity + report.quantity
    terms = dataclasses.replace(order.terms, quantity=max(order.terms.quantity, seen))
    return dataclasses.replace(file, order=dataclasses.replace(order, terms=terms))


def _telling(decision: Decision, details: dict[str, Any]) -> Decision:
    # What the order alone does not know goes with the event of its execution, the last of the decision.
    if not decision.events:
        return decision
    *before, last = decision.events
    return dataclasses.replace(
        decision, events=(*before, dataclasses.replace(last, details={**last.details, **details}))
    )


def _event(
    event_type: OrderEventType, order: Order, before: OrderState | None, details: dict[str, Any], at: datetime
) -> OrderEvent:
    return OrderEvent(
        type=event_type.value,
        order_id=order.id,
        account_id=order.account_id,
        from_state=before or order.state,
        to_state=order.state,
        actor=BROKER,
        details=details,
        occurred_at=at,
    )
