"""What reports of an account are decided on: the orders, executions and positions that they may mean, read in sets."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from app.core.fix import OrderState
from app.core.fx import FxRates
from app.core.ids import ExecutionKey, InstrumentId, OrderId
from app.core.messages import (
    AccountKey,
    BrokerReport,
    CommissionReport,
    ExecutionReport,
    FaultReport,
    Instrument,
    OrderAddress,
    StatusReport,
)
from app.core.records import replace
from app.core.sessions import UTC_ZONE, TradingDay, known_hours
from app.flows.marketdata.instrument_directory import InstrumentMemory
from app.flows.orders.booking import Booking
from app.flows.orders.follow_closes import Closes
from app.flows.orders.follow_links import Links, family_files
from app.infra.db import BatchSession
from app.instruments import batch as instruments
from app.orders.domain.draft import BROKER
from app.orders.domain.linking import families_of
from app.orders.domain.order import Execution, Order, OrderEvent, OrderRequest
from app.orders.domain.order_file import OrderFile
from app.orders.events import OrderEventType
from app.orders.repository import batch as orders
from app.orders.repository import ledger, order_requests
from app.orders.repository.account_books import Book
from app.orders.repository.ledger import QuarantinedReport
from app.positions import batch as positions
from app.positions.batch import PositionKey
from app.positions.domain import Position

_WITH_REQUESTS = frozenset({OrderState.PENDING_CANCEL, OrderState.PENDING_REPLACE})


@dataclasses.dataclass(slots=True, kw_only=True)
class Reported:
    """What reports of an account are decided on as it runs: its orders, their ledger and their positions."""

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
    closes: Closes | None = None
    told_filled: dict[OrderId, Decimal] = dataclasses.field(default_factory=dict)
    too_early: dict[str, tuple[Decimal, str]] = dataclasses.field(default_factory=dict)
    no_longer_early: list[str] = dataclasses.field(default_factory=list)
    quarantined: list[QuarantinedReport] = dataclasses.field(default_factory=list)
    outside: dict[int, StatusReport] = dataclasses.field(default_factory=dict)
    zone: ZoneInfo = UTC_ZONE
    is_adviser: bool = False
    blocks: Mapping[OrderId, Order] = dataclasses.field(default_factory=dict)
    """The block of each share that is new, by the id that the share is to have."""

    async def still_holds(self, session: BatchSession, books: dict[AccountKey, Book]) -> bool:
        """Puts what was decided onto the books as locked; False where somebody moved what it was decided on."""
        # What follows for other orders is decided on all of them, behind the lock alone.
        if self.links is not None or self.closes is not None:
            return False
        are_the_same, now = await session.read(
            orders.has_stamps(self.key.tenant_id, self.stamps), positions.positions_at(self.booking.moved)
        )
        return are_the_same and self.booking.rebase(books, now, self.seen)

    def remember(self, file: OrderFile) -> None:
        """Takes an order as it stands now."""
        order = file.order
        self.files[order.id] = file
        if order.permanent_id is not None:
            self.by_permanent_id[order.permanent_id] = order.id
        if order.broker_order_id is not None:
            self.by_broker_id[order.broker_client_id, order.broker_order_id] = order.id

    def remember_request(self, request: OrderRequest) -> None:
        """Takes an open request of an order that is known."""
        self.files[request.order_id] = self.files[request.order_id].with_request(request)

    def match(self, address: OrderAddress) -> OrderFile | None:
        """The order that a report means; None for none that is known."""
        if address.order_id is not None and address.order_id in self.files:
            return self.files[address.order_id]
        if address.permanent_id is not None and address.permanent_id in self.by_permanent_id:
            return self.files[self.by_permanent_id[address.permanent_id]]
        if address.broker_order_id is not None:
            place = (address.client_id, address.broker_order_id)
            if place in self.by_broker_id:
                return self.files[self.by_broker_id[place]]
        return None

    def day_of(self, order: Order) -> TradingDay:
        """How long a DAY order of this one's instrument lives."""
        instrument = self.instruments[order.instrument_id]
        hours = instrument.hours or known_hours(instrument.instrument_type, instrument.currency)
        return TradingDay(hours=hours, zone=self.zone)

    def base_rate(self, row: Execution) -> Decimal | None:
        """The rate that an execution is booked at; None where none is known."""
        # A correction is of the day of what it corrects, and so is its rate.
        known = (held.base_rate for held in self.ledger.get(row.root, ()) if held.base_rate is not None)
        first = next(known, None)
        return first if first is not None else self.rate_of(row.instrument_id)

    def rate_of(self, instrument_id: InstrumentId) -> Decimal | None:
        """Units of base currency for one of the instrument's now; None where none is known."""
        return self.rate(self.instruments[instrument_id].currency)

    def rate(self, currency: str) -> Decimal | None:
        """Units of base currency for one of the currency now; None where none is known."""
        found = self.rates.find(currency, self.base_currency, self.booking.now)
        return None if found is None else found.rate


async def load_reported(
    session: BatchSession,
    key: AccountKey,
    reports: Sequence[BrokerReport],
    booking: Booking,
    memory: InstrumentMemory,
    zone: ZoneInfo,
) -> Reported:
    """Reads all that the reports may mean, and puts the positions into the booking. Nothing is locked."""
    addresses = [report.address for report in reports if not isinstance(report, CommissionReport)]
    executed = [report for report in reports if isinstance(report, ExecutionReport)]
    named = [report.root for report in reports if isinstance(report, CommissionReport)]
    addressed = await orders.orders_by_address(
        session,
        key,
        order_ids=[address.order_id for address in addresses if address.order_id],
        permanent_ids=[address.permanent_id for address in addresses if address.permanent_id],
        broker_order_ids=[
            (address.client_id, address.broker_order_id)
            for address in addresses
            if address.client_id is not None and address.broker_order_id
        ],
        execution_roots=named,
    )
    found = addressed.orders
    work = Reported(key=key, booking=booking, stamps=addressed.stamps, zone=zone)
    refused: dict[OrderId, str] = {}
    if any(isinstance(report, FaultReport) for report in reports):
        refused = await order_requests.refused_replaces(session, key.tenant_id, [order.id for order in found])
    for order in found:
        work.remember(OrderFile(order=order, refused_replace=refused.get(order.id)))
    linked = [order for order in found if order.link_role is not None]
    if linked:
        for file in await family_files(session, key, linked):
            work.remember(replace(file, refused_replace=refused.get(file.order.id)))
    # A replace may be open in a working state too, and what follows for a family must know of it.
    asked = [
        one
        for one, file in work.files.items()
        if file.order.state in _WITH_REQUESTS
        or ((file.order.shares_reserve or file.order.close_id is not None) and not file.order.state.is_terminal)
    ]
    if asked:
        for request in await order_requests.open_requests(session, key.tenant_id, asked):
            work.remember_request(request)
    if linked:
        work.links = Links(key=key, before=families_of(work.files.values()))
    makes_way = {order.close_id for order in found if order.close_id is not None and order.close_id != order.id}
    if makes_way:
        work.closes = await Closes.of(session, key, makes_way)
    if executed or named:
        for row in await ledger.revisions(session, key, [report.root for report in executed] + named):
            work.ledger.setdefault(row.root, []).append(row)
    if executed and addressed.has_early_commissions:
        work.early = await ledger.early_commissions(session, key, [report.execution_id for report in executed])
    work.instruments = await memory.by_ids(session, key.tenant_id, {order.instrument_id for order in found})
    traded = {instrument.contract_id for instrument in work.instruments.values()}
    placed_outside = [one for one in reports if isinstance(one, StatusReport) and one.outside is not None]
    work.outside = {one.address.permanent_id or 0: one for one in placed_outside}
    named_contracts = {one.contract_id for one in executed}
    named_contracts |= {one.outside.contract_id for one in placed_outside if one.outside is not None}
    strange = [(key.tenant_id, str(one)) for one in named_contracts - traded]
    if strange:
        known = await instruments.find(session, contract_ids=strange)
        work.instruments |= {instrument.id: instrument for _, instrument in known}
    held = await positions.of_account(session, key, list(work.instruments))
    work.base_currency, work.rates, work.seen = held.base_currency, held.rates, held.positions
    booking.positions.update(work.seen)
    return work


def reported_event(
    event_type: OrderEventType, order: Order, before: OrderState | None, details: dict[str, Any], at: datetime
) -> OrderEvent:
    """An event that the broker caused; before is the state until then, None where it stays."""
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
