"""What a broker reported becomes state: executions, orders, positions, events, in one transaction."""

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from app.core.ids import Ids, InstrumentId, OrderId
from app.core.messages import (
    AccountKey,
    BrokerReport,
    CommissionReport,
    ExecutionReport,
    FaultReport,
    Fill,
    NotFoundReport,
    StatusReport,
)
from app.core.money import plain
from app.core.records import replace
from app.core.sessions import UTC_ZONE
from app.flows.marketdata.instrument_directory import InstrumentMemory
from app.flows.orders.booking import Booking
from app.flows.orders.follow_waits import settle_waits
from app.flows.positions.restate_position import restate_position
from app.flows.reports.charge_commissions import book_commission, charge, early_commission
from app.flows.reports.import_orders import import_executed, import_working, room_for
from app.flows.reports.reported import Reported, load_reported
from app.infra.db import BatchSession
from app.orders.domain.order import Execution, Order, reserved_quantity
from app.orders.domain.order_file import Decision, OrderFile
from app.orders.domain.reports import apply_execution, apply_fault, apply_not_found, apply_status, quarantine_key
from app.orders.events import EXECUTION_EVENTS
from app.orders.repository import account_books, ledger
from app.orders.repository.account_books import Book
from app.orders.repository.ledger import QuarantinedReport
from app.positions.domain import apply_fill, book_realized

log = logging.getLogger(__name__)

AddressedReport = StatusReport | ExecutionReport | FaultReport | NotFoundReport
_Realized = tuple[Decimal | None, Decimal | None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    zone: ZoneInfo
    is_adviser: bool
    blocks: Mapping[OrderId, Order]


async def apply_reports(
    session: BatchSession,
    key: AccountKey,
    reports: Sequence[BrokerReport],
    *,
    now: datetime,
    ids: Ids,
    memory: InstrumentMemory | None = None,
    zone: ZoneInfo = UTC_ZONE,
    is_adviser: bool = False,
    blocks: Mapping[OrderId, Order] | None = None,
) -> bool:
    """Stores what the broker reported of an account, in the order of the reports; True when anything happened.

    A report that repeats another changes nothing; one that fits no order or no transition is quarantined. All is
    decided before the account's book is locked, so that orders come in meanwhile, and once more behind the lock where
    somebody moved what was decided on. zone is where a trading day ends at midnight. In an adviser's account all that
    is dealt is dealt in blocks; blocks are those of new shares, by the ids that the shares are to have.
    """
    memory = memory or InstrumentMemory()
    booking = Booking(books={key: Book(last_sequence=0, open_orders=0)}, positions={}, ids=ids, now=now)
    known = _Known(zone=zone, is_adviser=is_adviser, blocks=blocks or {})
    work = await _decided(session, key, reports, booking, memory, known)
    books = await account_books.books_for_update(session, [key])
    assert key in books, "an account has a book from its creation"
    if not await work.still_holds(session, books):
        booking = Booking(books=books, positions={}, ids=ids, now=now)
        work = await _decided(session, key, reports, booking, memory, known)
    await _finish(work, session)
    return work.booking.has_events


async def _decided(
    session: BatchSession,
    key: AccountKey,
    reports: Sequence[BrokerReport],
    booking: Booking,
    memory: InstrumentMemory,
    known: _Known,
) -> Reported:
    work = await load_reported(session, key, reports, booking, memory, known.zone)
    work.is_adviser, work.blocks = known.is_adviser, known.blocks
    for report in reports:
        if isinstance(report, CommissionReport):
            book_commission(work, report)
        else:
            _apply(work, report)
    return work


def _apply(work: Reported, report: AddressedReport) -> None:
    file = work.match(report.address)
    if file is not None and isinstance(report, StatusReport):
        work.told_filled[file.order.id] = max(report.filled, work.told_filled.get(file.order.id, report.filled))
    if file is None and isinstance(report, ExecutionReport):
        file = import_executed(work, report)
    elif file is None and isinstance(report, StatusReport):
        file = import_working(work, report)
    if file is None:
        if isinstance(report, ExecutionReport):
            _quarantine(work, None, "an execution of an instrument that is not known", report)
        return
    grown = file
    if isinstance(report, ExecutionReport):
        grown = room_for(file, report, work.ledger.get(report.root, ()))
    decision = _decide(work, grown, report)
    if grown is not file:
        if any(event.type in EXECUTION_EVENTS for event in decision.events):
            decision = _telling(decision, {"orderQuantity": plain(grown.order.terms.quantity)})
        else:
            # A repeated or an outdated revision makes no room.
            decision = _decide(work, file, report)
    if decision.quarantine is not None:
        _quarantine(work, file.order.id, decision.quarantine, report)
    if not decision.events and not decision.executions:
        # Most of what a broker tells repeats what is known.
        return
    if not decision.events:
        decision = replace(decision, file=file)
    _take(work, file, decision)


def _decide(work: Reported, file: OrderFile, report: AddressedReport) -> Decision:
    match report:
        case StatusReport():
            return apply_status(file, report, work.day_of(file.order))
        case ExecutionReport():
            revisions = tuple(work.ledger.get(report.root, ()))
            return apply_execution(file, revisions, report, work.booking.ids.new(), work.booking.now)
        case FaultReport():
            return apply_fault(file, report, work.day_of(file.order))
        case NotFoundReport():
            return apply_not_found(file, report)


def _take(work: Reported, before: OrderFile, decision: Decision) -> None:
    booking, key, order = work.booking, work.key, decision.file.order
    work.remember(decision.file)
    if decision.events:
        booking.put_order(order)
    if not order.shares_reserve:
        change = reserved_quantity(order, decision.file.pending_terms) - reserved_quantity(
            before.order, before.pending_terms
        )
        booking.reserve(key, order.instrument_id, order.side, change)
    if order.state.is_terminal is not before.order.state.is_terminal:
        booking.count_open(key, -1 if order.state.is_terminal else 1)
    # What a block deals is its accounts': their shares move their positions.
    is_block = order.allocation is not None
    realized: _Realized = (None, None)
    if not is_block:
        realized = _move_position(work, decision.fills, decision.executions)
    told: dict[str, Any] = {}
    if realized[0] is not None:
        told["realizedPnl"] = plain(realized[0])
    if decision.fills or decision.is_restated:
        rate = work.base_rate(decision.executions[0])
        told["baseRate"] = None if rate is None else plain(rate)
    if told:
        decision = _telling(decision, told)
    for row in decision.executions:
        _store_execution(work, row, realized)
    if decision.is_restated and not is_block:
        _restate(work, order.instrument_id, min(row.executed_at for row in decision.executions))
    booking.resolved_requests.extend((key.tenant_id, request) for request in decision.requests)
    booking.log(key, decision.events)
    for row in decision.executions:
        early = early_commission(work, row.execution_id)
        if early is not None:
            charge(work, row.root, row.execution_id, *early)


def _move_position(work: Reported, fills: Sequence[Fill], dealt: Sequence[Execution]) -> _Realized:
    realized, amount = None, None
    for fill in fills:
        position = work.booking.position(work.key, fill.instrument_id)
        at = dealt[0].executed_at
        if position.moved_until is not None and at < position.moved_until:
            # Real world: a gateway that was away tells fills late; the average price follows the order of dealing.
            _restate(work, fill.instrument_id, at)
        position, realized = apply_fill(position, fill, work.instruments[fill.instrument_id].multiplier)
        position, amount = book_realized(position, realized, work.rate_of(fill.instrument_id))
        work.booking.move_position(work.key, position.moved_at(at))
    return realized, amount


def _restate(work: Reported, instrument_id: InstrumentId, since: datetime) -> None:
    work.restated[instrument_id] = min(since, work.restated.get(instrument_id, since))


def _store_execution(work: Reported, row: Execution, realized: _Realized) -> None:
    rows = work.ledger.setdefault(row.root, [])
    known = next((place for place, held in enumerate(rows) if held.id == row.id), None)
    if known is None:
        rate = work.base_rate(row)
        row = replace(row, base_rate=rate, realized_pnl=realized[0], realized_pnl_base=realized[1])
        rows.append(row)
        work.fresh.add(row.id)
    else:
        rows[known] = row
        work.touched.add(row.id)


def _quarantine(work: Reported, order_id: OrderId | None, reason: str, report: AddressedReport) -> None:
    document = {"kind": type(report).__name__, **dataclasses.asdict(report)}
    entry_id = quarantine_key(work.key, report)
    work.quarantined.append(QuarantinedReport(id=entry_id, order_id=order_id, reason=reason, report=document))


async def _finish(work: Reported, session: BatchSession) -> None:
    booking, tenant_id = work.booking, work.key.tenant_id
    if work.too_early:
        booking.extra.append(ledger.keep_early_commissions(work.key, work.too_early, booking.now))
    if work.no_longer_early:
        booking.extra.append(ledger.drop_early_commissions(work.key, work.no_longer_early))
    if work.quarantined:
        booking.extra.append(ledger.quarantine(work.key, work.quarantined, booking.now))
        for one in work.quarantined:
            log.error("quarantined: %s: %s", one.reason, one.report)
    for rows in work.ledger.values():
        for row in rows:
            if row.id in work.fresh:
                booking.new_executions.append((tenant_id, row))
            elif row.id in work.touched:
                booking.changed_executions.append((tenant_id, row))
    if work.links is not None:
        await work.links.settle(session, work.files, booking)
    if work.closes is not None:
        await work.closes.settle(session, work.files, booking, work.told_filled)
    for instrument_id in work.restated:
        booking.leave_history(work.key, instrument_id)
    await booking.write(session)
    for instrument_id, since in work.restated.items():
        await restate_position(session, booking, work.key, work.instruments[instrument_id], since)
    if any(file.order.is_awaited for file in work.files.values()):
        await settle_waits(session, work.key, now=booking.now, ids=booking.ids)


def _telling(decision: Decision, details: dict[str, Any]) -> Decision:
    # What the order alone does not know goes with the event of its execution; others may stand around it.
    events = tuple(
        replace(event, details={**event.details, **details}) if event.type in EXECUTION_EVENTS else event
        for event in decision.events
    )
    return replace(decision, events=events)
