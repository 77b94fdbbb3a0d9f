"""What a broker's report does to an order: facts are never refused, and only the table's moves are made."""

from dataclasses import asdict
from datetime import datetime
from uuid import UUID, uuid5

from app.core.fix import OrderState
from app.core.ids import ExecutionKey
from app.core.messages import (
    AccountKey,
    BrokerReport,
    ExecutionReport,
    FaultClass,
    FaultReport,
    NotFoundReport,
    StatusReport,
    WorkingStatus,
)
from app.core.money import ZERO
from app.core.records import replace
from app.core.sessions import TradingDay
from app.orders.domain.dealings import book
from app.orders.domain.draft import Draft
from app.orders.domain.endings import end, end_as_told, reject
from app.orders.domain.order import Execution
from app.orders.domain.order_file import Decision, OrderFile
from app.orders.domain.refusals import give_up_cancel, refuse_cancel, refuse_order, refuse_replace
from app.orders.domain.told_terms import adopt, confirm_replace, revive


def apply_status(file: OrderFile, report: StatusReport, day: TradingDay | None = None) -> Decision:
    """The broker told how the order stands. Text never creates quantity.

    day is that of the order's instrument: without it the end of a DAY order is never taken for its expiry.
    """
    draft = Draft(file, report.occurred_at, day)
    if draft.never_left:
        return draft.quarantined("a status of an order that never left")
    draft.learn(report.address)
    if draft.order.state.is_terminal:
        revive(draft, report)
        return draft.decision()
    match report.status:
        case WorkingStatus.PENDING:
            pass
        case WorkingStatus.WORKING:
            draft.clear_doubt()
            draft.accept()
            give_up_cancel(draft)
            confirm_replace(draft, report.terms)
            adopt(draft, report.terms)
        case WorkingStatus.FILLED:
            # The executions that make it true end the doubt, not the word.
            draft.accept()
            confirm_replace(draft, report.terms)
            end_as_told(draft, report.filled)
        case WorkingStatus.CANCELED:
            draft.clear_doubt()
            end(draft)
    return draft.decision()


def apply_execution(
    file: OrderFile, revisions: tuple[Execution, ...], report: ExecutionReport, key: UUID, now: datetime
) -> Decision:
    """Part of the order was dealt, or an earlier dealing was corrected or busted.

    revisions are the ledger's rows of the same root; key is the id of a new row. A repeated report changes nothing.
    """
    draft = Draft(file, report.executed_at)
    if any(row.revision == report.revision for row in revisions):
        return draft.decision()
    if draft.never_left:
        return draft.quarantined("an execution of an order that never left")
    draft.learn(report.address)
    draft.clear_doubt()
    draft.accept()
    book(draft, revisions, report, ExecutionKey(key), now)
    return draft.decision()


def apply_fault(file: OrderFile, report: FaultReport, day: TradingDay | None = None) -> Decision:
    """The broker sent an error about the order; the table of codes has said what it means. day as for a status."""
    draft = Draft(file, report.occurred_at, day)
    if draft.never_left:
        return draft.quarantined("an error about an order that never left")
    draft.learn(report.address)
    match report.fault:
        case FaultClass.INFORMATION | FaultClass.CONNECTIVITY:
            pass
        case FaultClass.ORDER_REJECTED | FaultClass.REJECTED_BY_STATE:
            refuse_order(draft, report)
        case FaultClass.REPLACE_REJECTED:
            refuse_replace(draft, report)
        case FaultClass.CANCEL_REJECTED:
            refuse_cancel(draft, report)
        case FaultClass.CANCEL_CONFIRMED:
            if not draft.order.state.is_terminal:
                draft.clear_doubt()
                end(draft)
        case FaultClass.UNKNOWN:
            draft.doubt(f"{report.broker_code}: {report.message}")
    return draft.decision()


def apply_not_found(file: OrderFile, report: NotFoundReport) -> Decision:
    """The broker did not tell of the order where it should have: only one that it never acknowledged may end so."""
    draft = Draft(file, report.occurred_at)
    if draft.never_left or draft.order.state.is_terminal:
        return draft.decision()
    if report.declared_by is not None:
        return _declared_dead(draft, report.declared_by, report.reason)
    never_arrived = report.is_certain and draft.order.permanent_id is None
    match draft.order.state:
        case OrderState.ROUTED if never_arrived:
            reject(draft, "NOT_FOUND", "the broker does not know the order")
        case OrderState.PENDING_CANCEL if never_arrived and draft.order.filled_quantity == ZERO:
            # Asked to end, and nowhere to be found: there is nothing left that could be canceled.
            draft.clear_doubt()
            end(draft)
        case _:
            draft.doubt("the broker does not know the order")
    return draft.decision()


def _declared_dead(draft: Draft, person: str, reason: str | None) -> Decision:
    # A person takes the broker's silence for its word: what was never acknowledged was never taken, the rest is over.
    if draft.order.state is OrderState.ROUTED and draft.order.filled_quantity == ZERO:
        reject(draft, "DECLARED_DEAD", reason or "the broker does not know the order")
    else:
        draft.clear_doubt()
        end(draft)
    decision = draft.decision()
    events = tuple(replace(event, actor=person, reason=reason) for event in decision.events)
    return replace(decision, events=events)


def quarantine_key(key: AccountKey, report: BrokerReport) -> UUID:
    """The id under which a report that fits nowhere is kept: the same whenever it is told again.

    Left out is when we heard of it: a broker that is asked again says the same at another time.
    """
    told = {**asdict(report), "occurred_at": None, "kind": type(report).__name__}
    return uuid5(key.account_id, repr(sorted(told.items())))
