"""What a broker reported becomes state: executions, orders, positions, events, in one transaction."""

import dataclasses
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.core.fix import OrderOrigin, OrderState, OrderType
from app.core.fx import FxRates
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
from app.core.money import ZERO, plain
from app.flows.booking import Booking
from app.flows.follow_links import Links, family_files
from app.flows.instrument_directory import InstrumentMemory
from app.flows.restate_position import restate_position
from app.infra.db import BatchSession
from app.instruments import batch as instruments
from app.orders.domain.journal import placement_details
from app.orders.domain.linking import families_of
from app.orders.domain.order import Execution, Order, OrderEvent, OrderRequest, reserved_quantity
from app.orders.domain.reports import (
    BROKER,
    Decision,
    OrderFile,
    apply_execution,
    apply_fault,
    apply_not_found,
    apply_status,
    quarantine_key,
)
from app.orders.events import EXECUTION_EVENTS, OrderEventType
from app.orders.repository import account_books, ledger, order_requests
from app.orders.repository import batch as orders
from app.orders.repository.account_books import Book
from app.orders.repository.ledger import QuarantinedReport
from app.positions import batch as positions
from app.positions.batch import PositionKey
from app.positions.domain import Position, apply_fill, book_realized, in_base

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
    refused: dict[OrderId, str] = {}
    if any(isinstance(report, FaultReport) for report in reports):
        refused = await order_requests.refused_replaces(session, key.tenant_id, [order.id for order in found])
    for order in found:
        work.remember(OrderFile(order=order, refused_replace=refused.get(order.id)))
    linked = [order for order in found if order.link_role is not None]
    if linked:
        for file in await family_files(session, key, linked):
            work.remember(dataclasses.replace(file, refused_replace=refused.get(file.order.id)))
    # A replace may be open in a working state too, and what follows for a family must know of it.
    asked = [
        one
        for one, file in work.files.items()
        if file.order.state in _WITH_REQUESTS or (file.order.shares_reserve and not file.order.state.is_terminal)
    ]
    if asked:
        for request in await order_requests.open_requests(session, key.tenant_id, asked):
            work.remember_request(request)
    if linked:
        work.links = Links(key=key, before=families_of(work.files.values()))
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
    held = await positions.of_account(session, key, list(work.instruments))
    work.base_currency, work.rates, work.seen = held.base_currency, held.rates, held.positions
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
    base_currency: str = ""
    rates: FxRates = dataclasses.field(default_factory=FxRates)
    restated: dict[InstrumentId, datetime] = dataclasses.field(default_factory=dict)
    links: Links | None = None
    too_early: dict[str, tuple[Decimal, str]] = dataclasses.field(default_factory=dict)
    no_longer_early: list[str] = dataclasses.field(default_factory=list)
    quarantined: list[QuarantinedReport] = dataclasses.field(default_factory=list)

    async def still_holds(self, session: BatchSession, books: dict[AccountKey, Book]) -> bool:
        # What follows for the others of a family is decided on all of them, behind the lock alone.
        if self.links is not None:
            return False
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
        if not order.shares_reserve:
            change = reserved_quantity(order, decision.file.pending_terms) - reserved_quantity(
                before.order, before.pending_terms
            )
            booking.reserve(key, order.instrument_id, order.side, change)
        if order.state.is_terminal is not before.order.state.is_terminal:
            booking.count_open(key, -1 if order.state.is_terminal else 1)
        realized = self.move_position(decision.fills, decision.executions)
        if realized[0] is not None:
            decision = _telling(decision, {"realizedPnl": plain(realized[0])})
        if decision.fills or decision.is_restated:
            rate = self.base_rate(decision.executions[0])
            decision = _telling(decision, {"baseRate": None if rate is None else plain(rate)})
        for row in decision.executions:
            self.store_execution(row, realized)
        if decision.is_restated:
            self.restate(order.instrument_id, min(row.executed_at for row in decision.executions))
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

    def move_position(self, fills: Sequence[Fill], dealt: Sequence[Execution]) -> "_Realized":
        realized, amount = None, None
        for fill in fills:
            position = self.booking.position(self.key, fill.instrument_id)
            at = dealt[0].executed_at
            if position.moved_until is not None and at < position.moved_until:
                # Real world: a gateway that was away tells fills late; the average price follows the order of dealing.
                self.restate(fill.instrument_id, at)
            position, realized = apply_fill(position, fill, self.instruments[fill.instrument_id].multiplier)
            position, amount = book_realized(position, realized, self.rate_of(fill.instrument_id))
            self.booking.move_position(self.key, position.moved_at(at))
        return realized, amount

    def restate(self, instrument_id: InstrumentId, since: datetime) -> None:
        self.restated[instrument_id] = min(since, self.restated.get(instrument_id, since))

    def base_rate(self, row: Execution) -> Decimal | None:
        # A correction is of the day of what it corrects, and so is its rate.
        known = (held.base_rate for held in self.ledger.get(row.root, ()) if held.base_rate is not None)
        first = next(known, None)
        return first if first is not None else self.rate_of(row.instrument_id)

    def rate_of(self, instrument_id: InstrumentId) -> Decimal | None:
        return self.rate(self.instruments[instrument_id].currency)

    def rate(self, currency: str) -> Decimal | None:
        found = self.rates.find(currency, self.base_currency, self.booking.now)
        return None if found is None else found.rate

    def store_execution(self, row: Execution, realized: "_Realized") -> None:
        rows = self.ledger.setdefault(row.root, [])
        known = next((place for place, held in enumerate(rows) if held.id == row.id), None)
        if known is None:
            rate = self.base_rate(row)
            row = dataclasses.replace(row, base_rate=rate, realized_pnl=realized[0], realized_pnl_base=realized[1])
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
                before = _charged(rows)
                rows[place] = dataclasses.replace(
                    row,
                    commission=commission,
                    commission_currency=currency,
                    commission_base=in_base(commission, self.rate(currency)),
                )
                self.touched.add(row.id)
                self.charge_order(rows[place], before, _charged(rows))
                return True
        return False

    def charge_order(self, row: Execution, before: Execution | None, after: Execution | None) -> None:
        booking, file = self.booking, self.files[row.order_id]
        change = _commission(after) - _commission(before)
        order = dataclasses.replace(file.order, commission=file.order.commission + change)
        self.remember(dataclasses.replace(file, order=order))
        booking.put_order(order)
        position = booking.position(self.key, order.instrument_id)
        change_base = _commission_base(after) - _commission_base(before)
        unconverted = _unconverted(after) - _unconverted(before)
        charged = dataclasses.replace(
            position,
            commission=position.commission + change,
            commission_base=position.commission_base + change_base,
            unconverted_commissions=position.unconverted_commissions + unconverted,
        )
        booking.move_position(self.key, charged)
        details = {
            "executionId": row.execution_id,
            "commission": plain(change),
            "told": plain(_commission(row)),
            "currency": row.commission_currency,
            "commissionBase": plain(change_base),
            "unconverted": unconverted,
        }
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
        entry_id = quarantine_key(self.key, report)
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
        if self.links is not None:
            await self.links.settle(session, self.files, booking)
        for instrument_id in self.restated:
            booking.leave_history(self.key, instrument_id)
        await booking.write(session)
        for instrument_id, since in self.restated.items():
            await restate_position(session, booking, self.key, self.instruments[instrument_id], since)


_Realized = tuple[Decimal | None, Decimal | None]


def _charged(rows: Iterable[Execution]) -> Execution | None:
    # Of all revisions of an execution the highest whose cost was told is charged, once.
    told = [row for row in rows if row.commission is not None]
    return max(told, key=lambda row: row.revision, default=None)


def _commission(row: Execution | None) -> Decimal:
    return ZERO if row is None or row.commission is None else row.commission


def _commission_base(row: Execution | None) -> Decimal:
    return ZERO if row is None or row.commission_base is None else row.commission_base


def _unconverted(row: Execution | None) -> int:
    return int(row is not None and row.commission_base is None)


def _room_for(file: OrderFile, report: ExecutionReport) -> OrderFile:
    # An imported order's quantity is what was seen of it, so it grows with each of its executions.
    order = file.order
    if order.origin is not OrderOrigin.EXTERNAL or order.filled_quantity == 0:
        return file
    seen = order.filled_quantity + report.quantity
    terms = dataclasses.replace(order.terms, quantity=max(order.terms.quantity, seen))
    return dataclasses.replace(file, order=dataclasses.replace(order, terms=terms))


def _telling(decision: Decision, details: dict[str, Any]) -> Decision:
    # What the order alone does not know goes with the event of its execution; others may stand around it.
    events = tuple(
        dataclasses.replace(event, details={**event.details, **details}) if event.type in EXECUTION_EVENTS else event
        for event in decision.events
    )
    return dataclasses.replace(decision, events=events)


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
