"""Our books held against what the broker told: breaks open, are seen again and vanish, and a fresh book is opened."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from app.brokers import breaks_batch as breaks
from app.brokers import reconciliations_batch as reconciliations
from app.brokers.reconciling import (
    SEVERITY,
    Break,
    BreakKind,
    BreakState,
    Finding,
    Holding,
    Ledger,
    Look,
    Occasion,
    Reconciled,
    Reconciliation,
    freezes,
    keep_ledger,
    position_findings,
)
from app.core.ids import BreakId, Ids, InstrumentId, OrderId, ReconciliationId, TenantId
from app.core.messages import AccountKey, Instrument
from app.core.money import ZERO, rounded
from app.flows.orders.booking import Booking
from app.flows.positions.adjust_position import book_adjustment
from app.flows.reconciliation.reconcile_orders import order_findings, uncharged_findings
from app.identity.domain.access import system_principal
from app.infra.db import BatchSession, Write
from app.instruments import batch as instruments
from app.orders.domain.order import Order
from app.orders.repository import account_books
from app.orders.repository import batch as orders
from app.orders.repository.account_books import Book
from app.outbox import repository as outbox
from app.outbox.repository import OutboxMessage
from app.positions import batch as positions
from app.positions.domain import AdjustmentTerms, AdjustmentType, Position

log = logging.getLogger(__name__)

RECONCILIATION: Final = "reconciliation"
"""Who acts in the audit log where nobody asked."""


def breaks_channel(tenant_id: TenantId) -> str:
    """The channel that tells of breaks that opened or ended: accountId, and id, kind, severity and state of each."""
    return f"breaks:{tenant_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Books:
    book: Book
    positions: dict[InstrumentId, Position]
    instruments: dict[InstrumentId, Instrument]
    open_orders: list[Order]
    breaks: list[Break]
    newest: Reconciliation | None


async def reconcile_account(
    session: BatchSession, key: AccountKey, look: Look, *, now: datetime, ids: Ids
) -> Reconciled:
    """Compares and stores what differs, in one transaction behind the lock of the account's book.

    The first comparison of an account that has never traded here opens its book: what the broker holds comes in as
    adjustments of type BALANCE, and from then on every difference is a break.
    """
    held = await account_books.books_for_update(session, [key])
    books = await _read(session, key, held[key], look)
    findings = position_findings(_holdings(books), look.positions, look.in_flight)
    if books.newest is None and not await reconciliations.had_executions(session, key, look.started_at):
        findings = await _open_book(session, key, books, findings, look, now, ids)
    findings += await order_findings(session, key, books.open_orders, look)
    findings += await uncharged_findings(session, key, books.breaks, look)
    contracts = {one.id: one.contract_id for one in books.instruments.values()}
    doubted = frozenset(order.id for order in books.open_orders if order.in_doubt)
    ledger = keep_ledger(
        books.breaks,
        findings,
        is_checked=lambda one: _is_checked(one, look, contracts, doubted),
        seen_before=look.seen_before,
    )
    imported = 0
    if look.execution_roots:
        imported = await reconciliations.count_imported(session, key, list(look.execution_roots), look.started_at)
    return await _store(session, key, books, ledger, look, imported, now, ids)


async def _read(session: BatchSession, key: AccountKey, book: Book, look: Look) -> _Books:
    held = await positions.positions_of_account(session, key)
    used = [one.instrument_id for one in held.values() if one.quantity]
    found = await instruments.find(
        session,
        ids=[(key.tenant_id, one) for one in used],
        contract_ids=[(key.tenant_id, str(one.contract_id)) for one in look.positions],
    )
    return _Books(
        book=book,
        positions=held,
        instruments={instrument.id: instrument for _, instrument in found},
        open_orders=await orders.unsettled_orders(session, key),
        breaks=await breaks.held_breaks(session, key),
        newest=await reconciliations.newest(session, key),
    )


def _holdings(books: _Books) -> list[Holding]:
    holdings = []
    for instrument in books.instruments.values():
        position = books.positions.get(instrument.id)
        holdings.append(
            Holding(
                instrument_id=instrument.id,
                contract_id=instrument.contract_id,
                symbol=instrument.symbol,
                quantity=ZERO if position is None else position.quantity,
                average_price=ZERO if position is None else position.average_price,
                multiplier=instrument.multiplier,
                commission=ZERO if position is None else position.commission,
            )
        )
    return holdings


async def _open_book(
    session: BatchSession,
    key: AccountKey,
    books: _Books,
    findings: list[Finding],
    look: Look,
    now: datetime,
    ids: Ids,
) -> list[Finding]:
    told = {one.contract_id: one for one in look.positions}
    left = []
    for finding in findings:
        instrument = books.instruments.get(finding.instrument_id) if finding.instrument_id is not None else None
        position = None if instrument is None or instrument.contract_id is None else told.get(instrument.contract_id)
        if instrument is None or position is None or finding.kind is not BreakKind.POSITION_QUANTITY:
            left.append(finding)
            continue
        terms = AdjustmentTerms(
            account_id=key.account_id,
            instrument_id=instrument.id,
            type=AdjustmentType.BALANCE,
            quantity=Decimal(finding.difference),
            price=cost_per_unit(position.average_cost, instrument),
            effective_at=now,
            reason="the broker held it when the account was first connected",
            idempotency_key=f"opening-{instrument.id}",
        )
        booking = Booking(books={key: books.book}, positions={}, ids=ids, now=now)
        principal = system_principal(key.tenant_id, RECONCILIATION)
        await book_adjustment(session, booking, key, instrument, terms, principal)
    return left


def cost_per_unit(average_cost: Decimal, instrument: Instrument) -> Decimal:
    """The broker's average cost as a price: per unit, without the multiplier, never below zero."""
    return max(rounded(average_cost / instrument.multiplier), ZERO)


def _is_checked(
    one: Break, look: Look, contracts: Mapping[InstrumentId, int | None], doubted: frozenset[OrderId]
) -> bool:
    match one.kind:
        case BreakKind.POSITION_QUANTITY | BreakKind.AVERAGE_COST:
            contract_id = contracts.get(one.instrument_id) if one.instrument_id is not None else None
            return contract_id is None or contract_id not in look.in_flight
        case BreakKind.UNKNOWN_INSTRUMENT:
            return int(one.subject.removeprefix("contract:")) not in look.in_flight
        case BreakKind.ORDER_UNKNOWN_TO_US:
            return look.open_orders is not None
        case BreakKind.ORDER_UNKNOWN_AT_BROKER:
            # Nobody was asked for it: it stands as long as the doubt does.
            return look.open_orders is not None or one.order_id not in doubted
        case BreakKind.EXTERNAL_ORDER | BreakKind.COMMISSION_MISSING:
            return True


async def _store(
    session: BatchSession,
    key: AccountKey,
    books: _Books,
    ledger: Ledger,
    look: Look,
    imported: int,
    now: datetime,
    ids: Ids,
) -> Reconciled:
    opened = [(_opened(finding, key, look, now, ids), finding) for finding in ledger.new]
    was_open = sum(one.state is BreakState.OPEN for one in books.breaks)
    done = Reconciliation(
        id=ReconciliationId(ids.new()),
        account_id=key.account_id,
        occasion=look.occasion,
        started_at=look.started_at,
        finished_at=now,
        orders_checked=len(books.open_orders),
        positions_checked=len(books.instruments),
        positions_in_flight=len(look.in_flight),
        executions_imported=imported,
        breaks_open=was_open + len(opened) - len(ledger.vanished),
        looks=1,
    )
    writes: list[Write] = []
    last = books.newest
    if last is not None and last.occasion is look.occasion is Occasion.SWEEP and not ledger.is_news:
        # A run of sweeps that find the same is one entry: thousands a day would bury what happened.
        done = _extended(last, done)
        writes.append(reconciliations.extend(key.tenant_id, done))
    else:
        await session.write([reconciliations.insert(key.tenant_id, done)])
    if ledger.unmuted:
        await session.write([breaks.unmute(key.tenant_id, ledger.unmuted)])
    if opened:
        writes.append(breaks.insert_breaks(key, done.id, opened))
    if ledger.seen:
        writes.append(breaks.see_again(key.tenant_id, ledger.seen, now, look.taken_at))
    if ledger.vanished:
        writes.append(breaks.end_vanished(key.tenant_id, ledger.vanished, now))
    if ledger.is_news:
        told = [_told(one, BreakState.OPEN) for one, _ in opened]
        told += [_told(one, BreakState.VANISHED) for one in ledger.vanished]
        writes.append(outbox.append([breaks_message(key, told)], now))
    await session.write(writes)
    _say(key, opened, ledger)
    return Reconciled(id=done.id, open_breaks=done.breaks_open, new_breaks=len(opened), unconfirmed=ledger.unconfirmed)


def _extended(last: Reconciliation, done: Reconciliation) -> Reconciliation:
    return Reconciliation(
        id=last.id,
        account_id=last.account_id,
        occasion=last.occasion,
        started_at=last.started_at,
        finished_at=done.finished_at,
        orders_checked=done.orders_checked,
        positions_checked=done.positions_checked,
        positions_in_flight=done.positions_in_flight,
        executions_imported=last.executions_imported,
        breaks_open=last.breaks_open,
        looks=last.looks + 1,
    )


def _opened(finding: Finding, key: AccountKey, look: Look, now: datetime, ids: Ids) -> Break:
    return Break(
        id=BreakId(ids.new()),
        account_id=key.account_id,
        kind=finding.kind,
        subject=finding.subject,
        severity=SEVERITY[finding.kind],
        difference=finding.difference,
        ours=finding.ours,
        broker=finding.broker,
        instrument_id=finding.instrument_id,
        order_id=finding.order_id,
        state=BreakState.OPEN,
        is_freezing=freezes(finding.kind, finding.instrument_id),
        found_at=now,
        last_seen_at=now,
        snapshot_at=look.taken_at,
    )


def breaks_message(key: AccountKey, told: list[dict[str, Any]]) -> OutboxMessage:
    """What the channel of breaks tells of some of an account."""
    payload = {"accountId": str(key.account_id), "breaks": told}
    return OutboxMessage(tenant_id=key.tenant_id, channel=breaks_channel(key.tenant_id), payload=payload)


def _told(one: Break, state: BreakState) -> dict[str, Any]:
    return {"id": str(one.id), "kind": one.kind.value, "severity": one.severity.value, "state": state.value}


def _say(key: AccountKey, opened: Sequence[tuple[Break, Finding]], ledger: Ledger) -> None:
    for one, _ in opened:
        level = logging.ERROR if one.is_freezing else logging.WARNING
        log.log(
            level, "%s: %s %s: ours %s, the broker's %s", key.account_id, one.kind, one.subject, one.ours, one.broker
        )
    for one in ledger.vanished:
        log.warning("%s: %s %s has vanished", key.account_id, one.kind, one.subject)
