"""The house in memory: what PostgreSQL holds of one account, moved by the same decisions as in the flows.

Each method is one transaction: it does everything or, where it raises, nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.brokers.errors import LeaseLostError
from app.brokers.reconciling import BreakKind, Finding, Holding, Ledger, Look, keep_ledger, position_findings
from app.core.clock import Clock
from app.core.fix import InstrumentType, OrderState, OrderType, RequestKind, RequestOutcome, Side, TimeInForce
from app.core.ids import AccountId, ExecutionKey, InstrumentId, OrderId, PositionId, RequestId, TenantId
from app.core.messages import (
    AccountKey,
    BrokerReport,
    CommissionReport,
    Contract,
    ExecutionReport,
    FaultReport,
    Fill,
    LaneCommand,
    LaneKind,
    NotFoundReport,
    OrderAddress,
    OrderTerms,
    StatusReport,
)
from app.core.money import ZERO
from app.orders.domain import claiming
from app.orders.domain.changing import cancel_asked, ended_unsent, is_unsent, replace_asked, superseded
from app.orders.domain.order import Execution, Order, OrderEvent, OrderRequest, reserved_quantity
from app.orders.domain.order_file import Decision, OrderFile
from app.orders.domain.reports import apply_execution, apply_fault, apply_not_found, apply_status, quarantine_key
from app.positions.domain import Position, apply_fill
from tests.simulation.loop import CountedIds

TENANT = TenantId(UUID(int=1 << 100))
ACCOUNT = AccountId(UUID(int=2 << 100))
INSTRUMENT = InstrumentId(UUID(int=3 << 100))
KEY = AccountKey(tenant_id=TENANT, account_id=ACCOUNT)
CONTRACT = Contract(
    instrument_id=INSTRUMENT,
    contract_id=265598,
    symbol="AAPL",
    instrument_type=InstrumentType.STOCK,
    exchange="SMART",
    currency="USD",
)
CLIENT_ID = 7
LEASE_S = 6.0

Entry = tuple[LaneKind, OrderId, RequestId | None]


class House:
    """One account's orders, requests, ledger, events, lane, lease and position."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.ids = CountedIds()
        self.orders: dict[OrderId, Order] = {}
        self.requests: dict[RequestId, OrderRequest] = {}
        self.ledger: dict[ExecutionKey, Execution] = {}
        self.early: dict[str, Decimal] = {}
        self.events: list[OrderEvent] = []
        self.lane: list[Entry] = []
        self.quarantined: dict[UUID, str] = {}
        self.breaks: list[Finding] = []
        self.position = Position(
            id=PositionId(UUID(int=4 << 100)), account_id=ACCOUNT, instrument_id=INSTRUMENT, updated_at=clock.now()
        )
        self.open_orders = 0
        self.is_gate_open = False
        self.generation = 0
        self.lease_until: datetime | None = None
        self.next_order_id = 1

    # What clients do.

    def place(self, side: Side, terms: OrderTerms) -> OrderId:
        """A new order, routed while the gate is open and held while it is not."""
        now, order_id = self.clock.now(), OrderId(self.ids.new())
        state = OrderState.ROUTED if self.is_gate_open else OrderState.HELD
        order = Order(
            id=order_id,
            tenant_id=TENANT,
            account_id=ACCOUNT,
            instrument_id=INSTRUMENT,
            client_order_id=str(order_id),
            terms_hash=b"",
            side=side,
            order_type=OrderType.LIMIT,
            terms=terms,
            placed_by="client",
            state=state,
            created_at=now,
            updated_at=now,
        )
        self._tell(order, OrderState.NEW)
        self._store(None, OrderFile(order=order))
        if state is OrderState.ROUTED:
            self.lane.append((LaneKind.PLACE, order_id, None))
        return order_id

    def cancel(self, order_id: OrderId) -> None:
        """A cancel: the end of an unsent order, a request for a live one."""
        before = self.file(order_id)
        if before.order.state.is_terminal or before.cancel is not None:
            return
        now = self.clock.now()
        if is_unsent(before.order):
            order = ended_unsent(before.order, now)
            self.lane = [entry for entry in self.lane if entry[1] != order_id]
            self._tell(order, before.order.state)
            self._store(before, replace(before, order=order))
            return
        waiting, after = before.replace, before
        if waiting is not None and any(entry[2] == waiting.id for entry in self.lane):
            self.lane = [entry for entry in self.lane if entry[2] != waiting.id]
            self.requests[waiting.id] = superseded(waiting, now)
            after = replace(before, replace=None)
        request = self._request(order_id, RequestKind.CANCEL, None)
        order = cancel_asked(before.order, now)
        self.lane.append((LaneKind.CANCEL, order_id, request.id))
        self._tell(order, before.order.state)
        self._store(before, replace(after, order=order))

    def modify(self, order_id: OrderId, terms: OrderTerms) -> None:
        """A modify, where one can be taken."""
        before = self.file(order_id)
        order = before.order
        is_working = order.state in {OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED}
        if not is_working or order.in_doubt or terms.quantity <= order.filled_quantity:
            return
        request = self._request(order_id, RequestKind.REPLACE, terms)
        after = replace_asked(order, self.clock.now())
        self.lane.append((LaneKind.REPLACE, order_id, request.id))
        self._tell(after, order.state)
        self._store(before, OrderFile(order=after, replace=request))

    # What the connector does, under its lease.

    def take_lease(self) -> int | None:
        """The newest generation, when nobody holds the account."""
        now = self.clock.now()
        if self.lease_until is not None and self.lease_until > now:
            return None
        self.generation += 1
        self.is_gate_open = False
        self.lease_until = self._until()
        return self.generation

    def renew(self, generation: int) -> None:
        """The lease lasts on. Raises LeaseLostError."""
        self.check(generation)
        if self.lease_until is None or self.lease_until < self.clock.now():
            raise LeaseLostError("the lease ran out")
        self.lease_until = self._until()

    def give(self, generation: int) -> None:
        """The account is free."""
        if generation == self.generation:
            self.lease_until = None
            self.is_gate_open = False

    def check(self, generation: int) -> None:
        """Raises LeaseLostError when another connector has the account."""
        if generation != self.generation:
            raise LeaseLostError("the lease was taken over")

    def set_gate(self, generation: int, *, is_open: bool) -> None:
        """The gate as the connection shows it; orders that waited for it are routed."""
        self.check(generation)
        self.is_gate_open = is_open
        if not is_open:
            return
        for order in list(self.orders.values()):
            if order.state is OrderState.HELD:
                routed = order.routed()
                self._tell(routed, OrderState.HELD)
                self._store(OrderFile(order=order), OrderFile(order=routed))
                self.lane.append((LaneKind.PLACE, order.id, None))

    def raise_next_order_id(self, generation: int, at_least: int) -> int:
        """Ids never go back."""
        self.check(generation)
        self.next_order_id = max(self.next_order_id, at_least)
        return self.next_order_id

    def claim(self, generation: int, limit: int) -> list[LaneCommand]:
        """The next commands: their intents are durable when this returns."""
        self.check(generation)
        taken = [entry for entry in self.lane if self.is_gate_open or entry[0] is LaneKind.CANCEL][:limit]
        commands: list[LaneCommand] = []
        for entry in taken:
            self.lane.remove(entry)
            kind, order_id, request_id = entry
            if kind is LaneKind.PLACE and claiming.waits_to_be_claimed(self.orders[order_id]):
                number, self.next_order_id = self.next_order_id, self.next_order_id + 1
                self.orders[order_id] = replace(
                    self.orders[order_id], broker_order_id=number, broker_client_id=CLIENT_ID
                )
            if request_id is not None:
                self.requests[request_id] = replace(self.requests[request_id], sent_at=self.clock.now())
            order = self.orders[order_id]
            request = self.requests[request_id] if request_id is not None else None
            command = claiming.claimed_command(kind, order, request, order.broker_order_id, CONTRACT)
            if command is not None:
                commands.append(command)
        return commands

    def resent(self, generation: int, told: Sequence[BrokerReport] | None) -> list[LaneCommand]:
        """What is written again after a synchronisation."""
        self.check(generation)
        if told is not None:
            self.apply(claiming.doubts(self.at_broker(), told, self.clock.now()))
        unsettled = self.at_broker()
        known = {order.id for order in unsettled}
        pending = [one for one in self._open_requests() if one.order_id in known]
        return claiming.resent_commands(unsettled, pending, {INSTRUMENT: CONTRACT})

    def at_broker(self, *, only_in_doubt: bool = False) -> list[Order]:
        """Claimed orders that are not over."""
        return [
            order
            for order in self.orders.values()
            if order.was_claimed and not order.state.is_terminal and (order.in_doubt or not only_in_doubt)
        ]

    def apply(self, reports: Sequence[BrokerReport]) -> None:
        """What the broker reported, in its order."""
        for report in reports:
            if isinstance(report, CommissionReport):
                self._charge(report)
            else:
                self._apply_one(report)

    def compare(self, look: Look) -> Ledger:
        """Holds the position against the broker's, as a reconciliation does; what it would call a break is kept."""
        held = Holding(
            instrument_id=INSTRUMENT,
            contract_id=CONTRACT.contract_id,
            symbol=CONTRACT.symbol,
            quantity=self.position.quantity,
            average_price=self.position.average_price,
            multiplier=Decimal(1),
        )
        findings = position_findings([held], look.positions, look.in_flight)
        findings = [one for one in findings if one.kind is BreakKind.POSITION_QUANTITY]
        ledger = keep_ledger((), findings, is_checked=lambda _: True, seen_before=look.seen_before)
        self.breaks.extend(ledger.new)
        return ledger

    def file(self, order_id: OrderId) -> OrderFile:
        """The order with its open requests."""
        mine = [one for one in self.requests.values() if one.order_id == order_id]
        refused = [one for one in mine if one.kind is RequestKind.REPLACE and one.outcome is RequestOutcome.REJECTED]
        file = OrderFile(order=self.orders[order_id], refused_replace=refused[-1].reason if refused else None)
        for request in mine:
            if request.outcome is RequestOutcome.PENDING:
                file = file.with_request(request)
        return file

    def reserved(self) -> tuple[Decimal, Decimal]:
        """What the open orders may still buy and sell, computed anew."""
        sums = {Side.BUY: ZERO, Side.SELL: ZERO}
        for order in self.orders.values():
            sums[order.side] += reserved_quantity(order, self.file(order.id).pending_terms)
        return sums[Side.BUY], sums[Side.SELL]

    def _apply_one(self, report: StatusReport | ExecutionReport | FaultReport | NotFoundReport) -> None:
        before = self._match(report.address)
        if before is None:
            if isinstance(report, ExecutionReport):
                self.quarantined[quarantine_key(KEY, report)] = "an execution of nobody's order"
            return
        decision = self._decide(before, report)
        if decision.quarantine is not None:
            self.quarantined[quarantine_key(KEY, report)] = decision.quarantine
        for row in decision.executions:
            self.ledger[row.id] = row
        for request in decision.requests:
            self.requests[request.id] = request
        for fill in decision.fills:
            self.position, _ = apply_fill(self.position, fill, Decimal(1))
        self.events += decision.events
        self._store(before, decision.file)
        if decision.is_restated:
            self.position = replace(self.position, quantity=ZERO, average_price=ZERO, realized_pnl=ZERO)
            for fill in self._fills():
                self.position, _ = apply_fill(self.position, fill, Decimal(1))
        for row in decision.executions:
            if row.execution_id in self.early:
                self._book_commission(row, self.early.pop(row.execution_id))

    def _decide(
        self, file: OrderFile, report: StatusReport | ExecutionReport | FaultReport | NotFoundReport
    ) -> Decision:
        match report:
            case StatusReport():
                return apply_status(file, report)
            case ExecutionReport():
                revisions = tuple(row for row in self.ledger.values() if row.root == report.root)
                return apply_execution(file, revisions, report, self.ids.new(), self.clock.now())
            case FaultReport():
                return apply_fault(file, report)
            case NotFoundReport():
                return apply_not_found(file, report)

    def _charge(self, report: CommissionReport) -> None:
        if report.commission is None:
            return
        row = next((row for row in self.ledger.values() if row.execution_id == report.execution_id), None)
        if row is None:
            self.early[report.execution_id] = report.commission
        elif row.commission is None:
            self._book_commission(row, report.commission)

    def _book_commission(self, row: Execution, commission: Decimal) -> None:
        self.ledger[row.id] = replace(self.ledger[row.id], commission=commission)
        order = self.orders[row.order_id]
        self.orders[order.id] = replace(order, commission=order.commission + commission)
        self.position = replace(self.position, commission=self.position.commission + commission)

    def _match(self, address: OrderAddress) -> OrderFile | None:
        if address.order_id is not None and address.order_id in self.orders:
            return self.file(address.order_id)
        for order in self.orders.values():
            if address.permanent_id is not None and order.permanent_id == address.permanent_id:
                return self.file(order.id)
        for order in self.orders.values():
            place = (order.broker_client_id, order.broker_order_id)
            if address.broker_order_id is not None and place == (address.client_id, address.broker_order_id):
                return self.file(order.id)
        return None

    def _store(self, before: OrderFile | None, after: OrderFile) -> None:
        order = after.order
        self.orders[order.id] = order
        was_open = before is not None and not before.order.state.is_terminal
        self.open_orders += (not order.state.is_terminal) - was_open
        change = reserved_quantity(order, after.pending_terms)
        if before is not None:
            change -= reserved_quantity(before.order, before.pending_terms)
        position = self.position
        if order.side is Side.BUY:
            self.position = replace(position, open_buy_quantity=position.open_buy_quantity + change)
        else:
            self.position = replace(position, open_sell_quantity=position.open_sell_quantity + change)

    def _tell(self, order: Order, before: OrderState) -> None:
        self.events.append(
            OrderEvent(
                type="test",
                order_id=order.id,
                account_id=ACCOUNT,
                from_state=before,
                to_state=order.state,
                actor="client",
                occurred_at=self.clock.now(),
            )
        )

    def _request(self, order_id: OrderId, kind: RequestKind, terms: OrderTerms | None) -> OrderRequest:
        request = OrderRequest(
            id=RequestId(self.ids.new()),
            order_id=order_id,
            kind=kind,
            outcome=RequestOutcome.PENDING,
            terms=terms,
            reason=None,
            requested_by="client",
            requested_at=self.clock.now(),
        )
        self.requests[request.id] = request
        return request

    def _open_requests(self) -> list[OrderRequest]:
        return [one for one in self.requests.values() if one.outcome is RequestOutcome.PENDING]

    def _fills(self) -> list[Fill]:
        rows = sorted(self.ledger.values(), key=lambda row: (row.executed_at, row.id))
        return [
            Fill(instrument_id=INSTRUMENT, signed_quantity=row.quantity * row.side.sign, price=row.price)
            for row in rows
            if not row.is_superseded and row.quantity
        ]

    def _until(self) -> datetime:
        now = self.clock.now()
        return now.fromtimestamp(now.timestamp() + LEASE_S, tz=now.tzinfo)


def limit_terms(quantity: int, limit: str = "10", time_in_force: TimeInForce = TimeInForce.DAY) -> OrderTerms:
    """Terms of a limit order."""
    return OrderTerms(quantity=Decimal(quantity), limit_price=Decimal(limit), time_in_force=time_in_force)
