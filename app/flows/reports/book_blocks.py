"""What a broker reports of an adviser's blocks becomes state: the block in the adviser's account, its shares in theirs.

Interactive Brokers tells of a block twice: what it deals as executions of the adviser's account, and what each account
gets of it as executions of that account, at the average price. The first fill the block and move no position; the
second are booked to the accounts, each as an order of its own that is a share of the block.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.brokers import advisers_batch
from app.core.ids import AccountId, Ids, OrderId
from app.core.messages import AccountKey, BrokerReport, CommissionReport, ExecutionReport, OrderAddress
from app.core.money import plain
from app.core.records import replace
from app.core.sessions import UTC_ZONE
from app.flows.marketdata.instrument_directory import InstrumentMemory
from app.flows.orders.booking import Booking
from app.flows.reports.apply_reports import apply_reports
from app.flows.reports.reported import reported_event
from app.infra.db import BatchSession
from app.orders.domain.allocating import told_executions
from app.orders.domain.order import Order
from app.orders.events import OrderEventType
from app.orders.repository import account_books, blocks, event_log, ledger
from app.orders.repository import batch as orders

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    now: datetime
    ids: Ids
    memory: InstrumentMemory
    zone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    report: ExecutionReport
    block: Order
    number: str


async def apply_adviser_reports(
    session: BatchSession,
    key: AccountKey,
    reports: Sequence[BrokerReport],
    *,
    now: datetime,
    ids: Ids,
    memory: InstrumentMemory | None = None,
    zone: ZoneInfo = UTC_ZONE,
) -> bool:
    """Stores what an adviser's session reported, of its own account and of shares; True when anything happened.

    The books of the adviser and of all accounts that have a share are locked at once, in key order. A share of an
    account that the tenant has not is told of the block alone. Executions of accounts that are no share of a known
    block are left to the sessions of those accounts.
    """
    desk = _Desk(now=now, ids=ids, memory=memory or InstrumentMemory(), zone=zone)
    own = [report for report in reports if _number(report) is None]
    others = [report for report in reports if _number(report) is not None]
    numbers = sorted({number for report in others if (number := _number(report)) is not None})
    accounts: dict[str, AccountId] = {}
    if others:
        accounts = await advisers_batch.accounts_by_number(session, key.tenant_id, numbers)
        keys = {key, *(AccountKey(tenant_id=key.tenant_id, account_id=one) for one in accounts.values())}
        await account_books.books_for_update(session, keys)
    is_news = False
    if own:
        is_news = await apply_reports(
            session, key, own, now=now, ids=ids, memory=desk.memory, zone=zone, is_adviser=True
        )
    shared = await _shared(session, key, others)
    shares: dict[tuple[str, str], OrderId] = {}
    for number in numbers:
        account_id = accounts.get(number)
        if account_id is not None:
            theirs = AccountKey(tenant_id=key.tenant_id, account_id=account_id)
            of_account = [one for one in shared if one.number == number]
            charged = _commissions(number, others, of_account)
            found = await _book_shares(session, theirs, of_account, charged, desk)
            is_news = found.is_news or is_news
            shares |= {(number, root): share_id for root, share_id in found.shares.items()}
    told = await _tell_shares(session, key, shared, accounts, shares, desk)
    return is_news or told


async def apply_account_reports(
    session: BatchSession,
    key: AccountKey,
    reports: Sequence[BrokerReport],
    *,
    now: datetime,
    ids: Ids,
    memory: InstrumentMemory | None = None,
    zone: ZoneInfo = UTC_ZONE,
) -> bool:
    """Stores what the session of an account under an adviser reported; True when anything happened.

    Where it is the first to hear of a share of a block, it books it as the adviser's session would.
    """
    memory = memory or InstrumentMemory()
    named = {one.address.order_id for one in reports if isinstance(one, ExecutionReport) and one.address.order_id}
    found = await blocks.blocks_by_id(session, key.tenant_id, named) if named else {}
    new: dict[OrderId, Order] = {}
    if found:
        await account_books.books_for_update(session, [key])
        desk = _Desk(now=now, ids=ids, memory=memory, zone=zone)
        shared = [
            _Shared(report=one, block=found[one.address.order_id], number="")
            for one in reports
            if isinstance(one, ExecutionReport) and one.address.order_id in found
        ]
        places, new = await _places(session, key, shared, desk)
        reports = [_readdressed(one, places) if isinstance(one, ExecutionReport) else one for one in reports]
    return await apply_reports(session, key, reports, now=now, ids=ids, memory=memory, zone=zone, blocks=new)


async def _shared(session: BatchSession, key: AccountKey, others: Sequence[BrokerReport]) -> list[_Shared]:
    executed = [one for one in others if isinstance(one, ExecutionReport)]
    if not executed:
        return []
    addresses = [one.address for one in executed]
    found = await orders.orders_by_address(
        session,
        key,
        order_ids=[one.order_id for one in addresses if one.order_id],
        permanent_ids=[one.permanent_id for one in addresses if one.permanent_id],
        broker_order_ids=[
            (one.client_id, one.broker_order_id)
            for one in addresses
            if one.client_id is not None and one.broker_order_id
        ],
        execution_roots=[],
    )
    known = [order for order in found.orders if order.allocation is not None]
    by_id = {order.id: order for order in known}
    by_permanent_id = {order.permanent_id or 0: order for order in known}
    by_number = {(order.broker_client_id, order.broker_order_id): order for order in known}
    shared = []
    for report in executed:
        address = report.address
        block = None if address.order_id is None else by_id.get(address.order_id)
        if block is None and address.permanent_id is not None:
            block = by_permanent_id.get(address.permanent_id)
        if block is None and address.broker_order_id is not None:
            block = by_number.get((address.client_id, address.broker_order_id))
        if block is not None and report.account_number is not None:
            shared.append(_Shared(report=report, block=block, number=report.account_number))
    return shared


def _commissions(number: str, others: Sequence[BrokerReport], shared: Sequence[_Shared]) -> list[CommissionReport]:
    # What came with an execution that is no share is for the account's own session to charge.
    ours = {one.report.execution_id for one in shared}
    executed = {one.execution_id for one in others if isinstance(one, ExecutionReport)}
    return [
        one
        for one in others
        if isinstance(one, CommissionReport)
        and one.account_number == number
        and (one.execution_id in ours or one.execution_id not in executed)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Booked:
    is_news: bool
    shares: Mapping[str, OrderId]


async def _book_shares(
    session: BatchSession,
    key: AccountKey,
    shared: Sequence[_Shared],
    charged: Sequence[CommissionReport],
    desk: _Desk,
) -> _Booked:
    places, new = await _places(session, key, shared, desk)
    told: list[BrokerReport] = [_readdressed(one.report, places) for one in shared]
    told += [replace(one, account_number=None) for one in charged]
    is_news = False
    if told:
        is_news = await apply_reports(
            session, key, told, now=desk.now, ids=desk.ids, memory=desk.memory, zone=desk.zone, blocks=new
        )
    return _Booked(is_news=is_news, shares=places)


async def _places(
    session: BatchSession, key: AccountKey, shared: Sequence[_Shared], desk: _Desk
) -> tuple[dict[str, OrderId], dict[OrderId, Order]]:
    # An execution belongs where the ledger has it, else to the account's share of the block, else to a new one.
    if not shared:
        return {}, {}
    booked = {
        row.root: row.order_id for row in await ledger.revisions(session, key, [one.report.root for one in shared])
    }
    known = await blocks.share_ids(session, key, [(one.block.id, one.report.address.permanent_id) for one in shared])
    new: dict[OrderId, Order] = {}
    for one in shared:
        if one.report.root in booked:
            continue
        if one.block.id not in known:
            known[one.block.id] = OrderId(desk.ids.new())
            new[known[one.block.id]] = one.block
        booked[one.report.root] = known[one.block.id]
    return booked, new


def _readdressed(report: ExecutionReport, places: Mapping[str, OrderId]) -> ExecutionReport:
    share_id = places.get(report.root)
    if share_id is None:
        return report
    address = OrderAddress(order_id=share_id, permanent_id=report.address.permanent_id)
    return replace(report, address=address, account_number=None)


async def _tell_shares(
    session: BatchSession,
    key: AccountKey,
    shared: Sequence[_Shared],
    accounts: Mapping[str, AccountId],
    shares: Mapping[tuple[str, str], OrderId],
    desk: _Desk,
) -> bool:
    if not shared:
        return False
    ids = sorted({one.block.id for one in shared})
    events = await event_log.events_of(session, key.tenant_id, ids)
    told = {block_id: told_executions(events.get(block_id, ())) for block_id in ids}
    # As they stand behind what this transaction has booked of them.
    current = await orders.orders_by_id(session, key.tenant_id, ids)
    booking = Booking(
        books=await account_books.books_for_update(session, [key]), positions={}, ids=desk.ids, now=desk.now
    )
    for one in shared:
        place = (one.number, one.report.execution_id)
        if place in told[one.block.id]:
            continue
        told[one.block.id].add(place)
        account_id = accounts.get(one.number)
        if account_id is None:
            log.error("block %s: account %s has a share and is no account here", one.block.id, one.number)
        block = current[one.block.id]
        booking.put_order(block)
        details = _details(one, account_id, shares.get((one.number, one.report.root)))
        event = reported_event(OrderEventType.ORDER_ALLOCATED, block, None, details, one.report.executed_at)
        booking.log(key, [event])
    if not booking.has_events:
        return False
    await booking.write(session)
    return True


def _details(one: _Shared, account_id: AccountId | None, share_id: OrderId | None) -> dict[str, Any]:
    report = one.report
    return {
        "accountNumber": one.number,
        "shareOfAccountId": None if account_id is None else str(account_id),
        "shareId": None if share_id is None else str(share_id),
        "executionId": report.execution_id,
        "root": report.root,
        "revision": report.revision,
        "quantity": plain(report.quantity),
        "price": plain(report.price),
    }


def _number(report: BrokerReport) -> str | None:
    return report.account_number if isinstance(report, ExecutionReport | CommissionReport) else None
