"""Whether the event log is the journal that it claims to be: the tables held against a replay, account by account."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from app.brokers import batch as brokers
from app.core.fix import OrderState, Side
from app.core.ids import AccountId, InstrumentId, OrderId, TenantId
from app.core.messages import AccountKey, Instrument
from app.core.money import ZERO
from app.flows.journal.replay_positions import PositionReplay, booked_moves
from app.infra.db import BatchSession, Database
from app.infra.uow import begin_snapshot, begin_system
from app.instruments import batch as instruments
from app.orders.domain.linking import families_of, reserved_together
from app.orders.domain.order import Execution, LoggedEvent, Order, OrderRequest, reserved_quantity
from app.orders.domain.order_file import OrderFile
from app.orders.domain.replay import MALFORMED, NotVerifiable, OrderHistory, replay_order
from app.orders.repository import account_books, event_log, ledger, order_requests
from app.orders.repository import batch as orders
from app.positions import batch as positions
from app.positions.domain import Position, PositionAdjustment

ORDERS_PAGE: Final = 200

# What is not of the order's life, what it makes way for and waits for, which the one that waits tells when it is
# placed, and the send intent: see app/orders/domain/replay.py.
_ORDER_SKIPPED: Final = frozenset({"terms_hash", "risk_checks", "close_id", "waits_for", "is_awaited"})
_CLAIM: Final = frozenset({"broker_client_id", "broker_order_id"})
_REQUEST_SKIPPED: Final = frozenset({"sent_at"})
# What an execution realized follows from the course of its position, which is held against its replay, and changes
# where an earlier time is worked over; what it cost in base currency is told as a change of the position.
_EXECUTION_SKIPPED: Final = frozenset({"base_rate", "realized_pnl", "realized_pnl_base", "commission_base"})
_RESERVED: Final = frozenset({"open_buy_quantity", "open_sell_quantity"})
_IN_BASE: Final = frozenset({"realized_pnl_base", "unconverted_pnl", "commission_base", "unconverted_commissions"})
_POSITION_COMPARED: Final = (
    *("quantity", "average_price", "realized_pnl", "commission"),
    *sorted(_IN_BASE),
    *sorted(_RESERVED),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that the tables hold otherwise than the replay tells.

    subject is order, request, execution, position or account, and id its id, for a position the instrument's.
    is_verifiable is False where nothing can be said: the order was placed before events told all.
    """

    subject: str
    id: UUID
    field: str
    stored: str
    replayed: str
    is_verifiable: bool = True


@dataclass(slots=True, kw_only=True)
class Examination:
    """What was found of an account, and over how many orders and events."""

    differences: list[Difference] = field(default_factory=list)
    orders: int = 0
    events: int = 0


@dataclass(slots=True, kw_only=True)
class _Totals:
    reserved: dict[tuple[InstrumentId, Side], Decimal] = field(default_factory=dict)
    open_orders: int = 0
    unknown: set[InstrumentId] = field(default_factory=set)
    linked: list[OrderFile] = field(default_factory=list)

    def add_families(self) -> None:
        """Adds what linked orders reserve together, once all of them are read."""
        for family in families_of(self.linked).values():
            for side, quantity in reserved_together(family).items():
                place = (family.members[0].order.instrument_id, side)
                self.reserved[place] = self.reserved.get(place, ZERO) + quantity


async def accounts_to_verify(system: Database, slug: str | None, account_id: AccountId | None) -> list[AccountKey]:
    """The accounts of the installation, of the tenant of the slug, or the one; the database must be of role SYSTEM."""
    async with begin_system(system) as session:
        return await brokers.account_keys(session, slug, account_id)


async def differences(database: Database, tenant_id: TenantId, account_id: AccountId) -> list[Difference]:
    """What the account's tables hold otherwise than its event log tells; empty when the log is the journal.

    Writers may go on meanwhile: everything is read from one snapshot. What cannot be verified is among them.
    """
    return (await examine(database, tenant_id, account_id)).differences


async def examine(database: Database, tenant_id: TenantId, account_id: AccountId) -> Examination:
    """Holds the account's orders, requests, executions, positions and counts against the replay of its log."""
    key = AccountKey(tenant_id=tenant_id, account_id=account_id)
    found, totals = Examination(), _Totals()
    async with begin_snapshot(database, tenant_id) as session:
        await _examine_orders(session, key, found, totals)
        totals.add_families()
        await _examine_book(session, key, found, totals)
        await _examine_positions(session, key, found, totals)
    return found


async def _examine_orders(session: BatchSession, key: AccountKey, found: Examination, totals: _Totals) -> None:
    behind: OrderId | None = None
    while page := await orders.orders_of_account(session, key, behind, ORDERS_PAGE):
        behind = page[-1].id
        ids = [order.id for order in page]
        events = await event_log.events_of(session, key.tenant_id, ids)
        requests = await order_requests.requests_of(session, key.tenant_id, ids)
        executions = await ledger.active_of_orders(session, key.tenant_id, ids)
        for order in page:
            found.orders += 1
            mine = [request for request in requests if request.order_id == order.id]
            held = [row for row in executions if row.order_id == order.id]
            found.differences += _order_differences(order, mine, held, events.get(order.id, ()), totals)


def _order_differences(
    order: Order,
    requests: Sequence[OrderRequest],
    executions: Sequence[Execution],
    events: Sequence[LoggedEvent],
    totals: _Totals,
) -> list[Difference]:
    history = replay_order(order.tenant_id, events)
    if history is None:
        return [Difference(subject="order", id=order.id, field="events", stored="the order", replayed="nothing")]
    if isinstance(history, NotVerifiable):
        totals.unknown.add(order.instrument_id)
        return [_not_verifiable("order", order.id, history.reason, is_old=history.is_old)]
    _count(history, totals)
    unsent = history.order.state is OrderState.ROUTED and history.order.broker_order_id is None
    found = _compared("order", order.id, order, history.order, _ORDER_SKIPPED | (_CLAIM if unsent else frozenset()))
    found += _compared_all(
        "request", {one.id: one for one in requests}, {one.id: one for one in history.requests.values()}
    )
    found += _compared_all("execution", {row.id: row for row in executions}, {row.id: row for row in history.active})
    return found


def _count(history: OrderHistory, totals: _Totals) -> None:
    order = history.order
    if order.link_role is not None:
        totals.linked.append(history.file)
    if order.state.is_terminal:
        return
    totals.open_orders += 1
    if not order.shares_reserve:
        place = (order.instrument_id, order.side)
        totals.reserved[place] = totals.reserved.get(place, ZERO) + reserved_quantity(order, history.file.pending_terms)


async def _examine_book(session: BatchSession, key: AccountKey, found: Examination, totals: _Totals) -> None:
    book = await account_books.book(session, key)
    extent = await event_log.extent(session, key)
    found.events = extent.count
    stored_last = 0 if book is None else book.last_sequence
    first = min(extent.count, 1)
    told = [("sequence", stored_last, extent.last), ("log", extent.last, extent.count), ("first", first, extent.first)]
    if not totals.unknown:
        told.append(("open_orders", 0 if book is None else book.open_orders, totals.open_orders))
    found.differences += [
        Difference(subject="account", id=key.account_id, field=name, stored=str(stored), replayed=str(replayed))
        for name, stored, replayed in told
        if stored != replayed
    ]


async def _examine_positions(session: BatchSession, key: AccountKey, found: Examination, totals: _Totals) -> None:
    stored = await positions.positions_of_account(session, key)
    known = await _instruments_of(session, key, stored)
    replay = PositionReplay(account_id=key.account_id, instruments=known)
    broken: set[InstrumentId] = set()
    async for moving in booked_moves(session, key):
        if isinstance(moving, PositionAdjustment):
            replay.adjust(moving)
            continue
        try:
            replay.read(*moving)
        except MALFORMED:
            broken.add(moving[1])
    replay.settle()
    for instrument_id in sorted(stored.keys() | replay.positions.keys() | {place for place, _ in totals.reserved}):
        if instrument_id in broken:
            is_old = instrument_id in totals.unknown
            reason = "its executions cannot be read"
            found.differences.append(_not_verifiable("position", instrument_id, reason, is_old=is_old))
            continue
        skipped = _RESERVED if instrument_id in totals.unknown else frozenset()
        if instrument_id in replay.without_base:
            skipped |= _IN_BASE
        found.differences += _position_differences(
            instrument_id,
            stored.get(instrument_id),
            replay.positions.get(instrument_id),
            (
                totals.reserved.get((instrument_id, Side.BUY), ZERO),
                totals.reserved.get((instrument_id, Side.SELL), ZERO),
            ),
            skipped,
        )


async def _instruments_of(
    session: BatchSession, key: AccountKey, wanted: Iterable[InstrumentId]
) -> dict[InstrumentId, Instrument]:
    found = await instruments.find(session, ids=[(key.tenant_id, one) for one in wanted])
    return {instrument.id: instrument for _, instrument in found}


def _position_differences(
    instrument_id: InstrumentId,
    stored: Position | None,
    replayed: Position | None,
    reserved: tuple[Decimal, Decimal],
    skipped: frozenset[str],
) -> list[Difference]:
    told = {name: getattr(replayed, name) if replayed is not None else ZERO for name in _POSITION_COMPARED}
    told["open_buy_quantity"], told["open_sell_quantity"] = reserved
    held = {name: getattr(stored, name) if stored is not None else ZERO for name in _POSITION_COMPARED}
    return [
        Difference(subject="position", id=instrument_id, field=name, stored=str(held[name]), replayed=str(told[name]))
        for name in _POSITION_COMPARED
        if name not in skipped and held[name] != told[name]
    ]


def _compared_all(subject: str, stored: Mapping[Any, Any], replayed: Mapping[Any, Any]) -> list[Difference]:
    found: list[Difference] = []
    for one in sorted(stored.keys() | replayed.keys()):
        if one not in stored or one not in replayed:
            present = ("present", "absent") if one in stored else ("absent", "present")
            found.append(Difference(subject=subject, id=one, field="row", stored=present[0], replayed=present[1]))
        else:
            found += _compared(subject, one, stored[one], replayed[one], _REQUEST_SKIPPED | _EXECUTION_SKIPPED)
    return found


def _compared(subject: str, one: UUID, stored: Any, replayed: Any, skipped: frozenset[str]) -> list[Difference]:
    return [
        Difference(
            subject=subject,
            id=one,
            field=member.name,
            stored=str(getattr(stored, member.name)),
            replayed=str(getattr(replayed, member.name)),
        )
        for member in fields(stored)
        if member.name not in skipped and getattr(stored, member.name) != getattr(replayed, member.name)
    ]


def _not_verifiable(subject: str, one: UUID, reason: str, *, is_old: bool) -> Difference:
    return Difference(
        subject=subject, id=one, field="events", stored="the row", replayed=reason, is_verifiable=not is_old
    )
