"""The paper broker's books in the words of a broker's reports."""

from datetime import datetime

from app.brokers.paper.orders import PaperExecution, PaperOrder, PaperStatus
from app.brokers.paper.rules import Refusal
from app.core.messages import (
    CommissionReport,
    ExecutionReport,
    FaultClass,
    FaultReport,
    LaneCommand,
    OrderAddress,
    StatusReport,
    WorkingStatus,
)

_STATUS = {
    PaperStatus.OPEN: WorkingStatus.WORKING,
    PaperStatus.FILLED: WorkingStatus.FILLED,
    PaperStatus.CANCELED: WorkingStatus.CANCELED,
}


def status_report(order: PaperOrder, client_id: int, now: datetime) -> StatusReport:
    """How an order stands, with the terms that the broker holds while it works."""
    return StatusReport(
        address=_address(order, client_id),
        status=_STATUS[order.status],
        filled=order.filled,
        terms=order.terms if order.is_open else None,
        occurred_at=order.ended_at or now,
    )


def refusal_report(order: PaperOrder, client_id: int) -> FaultReport:
    """Why an order was never taken."""
    assert order.reason is not None, "a refusal has its words"
    assert order.refusal_code is not None, "a refusal has its number"
    return FaultReport(
        address=_address(order, client_id),
        fault=FaultClass.ORDER_REJECTED,
        broker_code=order.refusal_code,
        message=order.reason,
        occurred_at=order.ended_at or order.placed_at,
    )


def fault_report(command: LaneCommand, refusal: Refusal, client_id: int, now: datetime) -> FaultReport:
    """What was not done of a command."""
    return FaultReport(
        address=OrderAddress(order_id=command.order_id, client_id=client_id, broker_order_id=command.broker_order_id),
        fault=refusal.fault,
        broker_code=refusal.code,
        message=refusal.message,
        occurred_at=now,
    )


def execution_report(execution: PaperExecution, client_id: int) -> ExecutionReport:
    """A deal."""
    return ExecutionReport(
        address=OrderAddress(
            order_id=execution.order_id,
            permanent_id=execution.permanent_id,
            client_id=client_id,
            broker_order_id=execution.broker_order_id,
        ),
        execution_id=execution.execution_id,
        root=execution.root,
        revision=1,
        contract_id=execution.contract_id,
        side=execution.side,
        quantity=execution.quantity,
        price=execution.price,
        liquidity="ADDED" if execution.is_maker else "REMOVED",
        executed_at=execution.executed_at,
    )


def commission_report(execution: PaperExecution) -> CommissionReport:
    """What a deal cost."""
    return CommissionReport(
        execution_id=execution.execution_id,
        root=execution.root,
        commission=execution.commission,
        currency=execution.currency,
        realized_pnl=execution.realized_pnl,
    )


def _address(order: PaperOrder, client_id: int) -> OrderAddress:
    return OrderAddress(
        order_id=order.order_id,
        permanent_id=order.permanent_id,
        client_id=client_id,
        broker_order_id=order.broker_order_id,
    )
