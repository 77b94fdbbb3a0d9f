"""Orders, requests and broker's reports as the tests of the order core hold them."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import reduce
from typing import Any
from uuid import UUID

from app.core.fix import OrderState, OrderType, RequestKind, RequestOutcome, Side, TimeInForce
from app.core.ids import AccountId, InstrumentId, OrderId, RequestId, TenantId
from app.core.messages import (
    ExecutionReport,
    FaultClass,
    FaultReport,
    NotFoundReport,
    OrderAddress,
    OrderTerms,
    StatusReport,
    WorkingStatus,
)
from app.core.sessions import TradingDay
from app.orders.domain.order import Execution, Order, OrderRequest
from app.orders.domain.order_file import Decision, OrderFile
from app.orders.domain.reports import apply_execution, apply_fault, apply_not_found, apply_status

AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
LATER = datetime(2026, 3, 2, 14, 31, tzinfo=UTC)
ORDER_ID = OrderId(UUID(int=4))
ADDRESS = OrderAddress(order_id=ORDER_ID, permanent_id=900, client_id=1, broker_order_id=7)
CONTRACT_ID = 265598

Report = StatusReport | ExecutionReport | FaultReport | NotFoundReport


def terms(
    quantity: str = "100", *, limit: str | None = "10", time_in_force: TimeInForce = TimeInForce.DAY
) -> OrderTerms:
    return OrderTerms(
        quantity=Decimal(quantity),
        limit_price=None if limit is None else Decimal(limit),
        time_in_force=time_in_force,
    )


def order(state: OrderState = OrderState.ROUTED, **changes: Any) -> Order:
    """An order to buy 100 at 10, claimed under IB's orderId 7, not yet known to the broker by permId."""
    made = Order(
        id=ORDER_ID,
        tenant_id=TenantId(UUID(int=1)),
        account_id=AccountId(UUID(int=2)),
        instrument_id=InstrumentId(UUID(int=3)),
        client_order_id="test-1",
        terms_hash=b"\x00" * 32,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        terms=terms(),
        placed_by="user:test",
        state=state,
        broker_client_id=1,
        broker_order_id=7,
        created_at=AT,
        updated_at=AT,
    )
    return replace(made, **changes)


def cancel_request() -> OrderRequest:
    return _request(RequestKind.CANCEL, None)


def replace_request(wanted: OrderTerms) -> OrderRequest:
    return _request(RequestKind.REPLACE, wanted)


def pending_cancel(**changes: Any) -> OrderFile:
    return OrderFile(order=order(OrderState.PENDING_CANCEL, **changes), cancel=cancel_request())


def pending_replace(wanted: OrderTerms, **changes: Any) -> OrderFile:
    return OrderFile(order=order(OrderState.PENDING_REPLACE, **changes), replace=replace_request(wanted))


def pending_both(wanted: OrderTerms, **changes: Any) -> OrderFile:
    """A cancel that was asked for while a replace was outstanding."""
    return replace(pending_cancel(**changes), replace=replace_request(wanted))


def status(word: WorkingStatus, held: OrderTerms | None = None, filled: str = "0") -> StatusReport:
    return StatusReport(address=ADDRESS, status=word, filled=Decimal(filled), terms=held, occurred_at=LATER)


def fill(
    quantity: str, price: str = "10", *, root: str = "0001.01", revision: int = 1, side: Side = Side.BUY
) -> ExecutionReport:
    return ExecutionReport(
        address=ADDRESS,
        execution_id=f"{root}.{revision:02d}",
        root=root,
        revision=revision,
        contract_id=CONTRACT_ID,
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        liquidity=None,
        executed_at=LATER,
    )


def fault(kind: FaultClass, code: int, message: str = "the broker's words") -> FaultReport:
    return FaultReport(address=ADDRESS, fault=kind, broker_code=code, message=message, occurred_at=LATER)


def not_found(*, is_certain: bool = True) -> NotFoundReport:
    return NotFoundReport(address=ADDRESS, is_certain=is_certain, occurred_at=LATER)


class Desk:
    """Holds one order's file and its ledger, and applies reports to them as the flow does."""

    def __init__(self, file: OrderFile, day: TradingDay | None = None) -> None:
        self.file = file
        self.day = day
        self.ledger: dict[UUID, Execution] = {}
        self.requests: list[OrderRequest] = []
        self.event_types: list[str] = []
        self.quarantined: list[str] = []

    @property
    def order(self) -> Order:
        return self.file.order

    @property
    def active(self) -> list[Execution]:
        return [row for row in self.ledger.values() if not row.is_superseded]

    def apply(self, *reports: Report) -> Decision:
        """Applies the reports one after the other; answers with the last decision."""
        return [self._apply_one(report) for report in reports][-1]

    def _apply_one(self, report: Report) -> Decision:
        decision = self._decide(report)
        self.file = decision.file
        self.ledger |= {row.id: row for row in decision.executions}
        self.requests += decision.requests
        self.event_types += [event.type for event in decision.events]
        if decision.quarantine is not None:
            self.quarantined.append(decision.quarantine)
        return decision

    def _decide(self, report: Report) -> Decision:
        match report:
            case StatusReport():
                return apply_status(self.file, report, self.day)
            case ExecutionReport():
                known = tuple(row for row in self.ledger.values() if row.root == report.root)
                return apply_execution(self.file, known, report, UUID(int=1000 + len(self.ledger)), LATER)
            case FaultReport():
                return apply_fault(self.file, report, self.day)
            case NotFoundReport():
                return apply_not_found(self.file, report)


def desk(file: OrderFile | Order, *reports: Report) -> Desk:
    """A desk after these reports."""
    made = Desk(file if isinstance(file, OrderFile) else OrderFile(order=file))
    return reduce(_applied, reports, made)


def _applied(made: Desk, report: Report) -> Desk:
    made.apply(report)
    return made


def _request(kind: RequestKind, wanted: OrderTerms | None) -> OrderRequest:
    return OrderRequest(
        id=RequestId(UUID(int=50 if kind is RequestKind.CANCEL else 51)),
        order_id=ORDER_ID,
        kind=kind,
        outcome=RequestOutcome.PENDING,
        terms=wanted,
        reason=None,
        requested_by="user:test",
        requested_at=AT,
        sent_at=AT,
    )
