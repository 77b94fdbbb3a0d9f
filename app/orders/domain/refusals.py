"""What the broker refuses: an order, a modify or a cancel."""

from app.core.fix import OrderState, RequestOutcome
from app.core.messages import FaultClass, FaultReport
from app.core.money import ZERO
from app.core.records import replace
from app.orders.domain.draft import Draft
from app.orders.domain.endings import end, reject
from app.orders.domain.journal import resolution
from app.orders.domain.transitions import may_move
from app.orders.events import OrderEventType

_DUPLICATE_ID = 103
_NOT_CANCELLABLE = frozenset({136, 161})
_UNKNOWN_TO_CANCEL = frozenset({135, 10147})
_STILL_ASKED = "the modify is still outstanding"


def refuse_order(draft: Draft, report: FaultReport) -> None:
    """An error about the order itself."""
    order, words = draft.order, _words(report)
    if order.state.is_terminal:
        return
    if order.state is OrderState.ROUTED:
        reject(draft, str(report.broker_code), report.message)
    elif report.broker_code == _DUPLICATE_ID:
        # Real world: 103 is about the newcomer that reused the id; the order that holds it is untouched.
        return
    elif draft.file.replace is not None and draft.file.replace.sent_at is not None:
        refuse_replace(draft, report)
    elif words == draft.file.refused_replace:
        # Said before, of a modify: said again it is no news of the order, which lives.
        return
    elif _may_be_rejected(draft, report):
        reject(draft, str(report.broker_code), report.message)
    else:
        draft.doubt(words)


def refuse_replace(draft: Draft, report: FaultReport) -> None:
    """The broker refused the open modify."""
    words = _words(report)
    if draft.order.state.is_terminal or (words == draft.file.refused_replace and draft.file.replace is None):
        return
    if draft.file.replace is None:
        draft.doubt(words)
        return
    draft.resolve_replace(RequestOutcome.REJECTED, words)
    draft.file = replace(draft.file, refused_replace=words)
    draft.move(OrderEventType.REPLACE_REFUSED, draft.working_state(), reason=report.message)


def refuse_cancel(draft: Draft, report: FaultReport) -> None:
    """The broker refused the open cancel."""
    order, cancel = draft.order, draft.file.cancel
    if order.state.is_terminal:
        return
    is_unknown = report.broker_code in _UNKNOWN_TO_CANCEL and cancel is not None and cancel.reason is None
    if is_unknown and order.in_doubt and order.permanent_id is None:
        # A sweep did not find it, the cancel does not either, and it was never acknowledged: it never arrived.
        draft.clear_doubt()
        end(draft)
        return
    if report.broker_code in _NOT_CANCELLABLE and cancel is not None:
        _refuse_open_cancel(draft, _words(report))
    elif cancel is not None and cancel.reason is None:
        # Still open: whether it came too late or is refused is for the query to say.
        noted = replace(cancel, reason=_words(report))
        draft.requests.append(noted)
        draft.untold.setdefault("resolved", []).append(resolution(noted))
        draft.file = replace(draft.file, cancel=noted)
    draft.doubt(_words(report))


def give_up_cancel(draft: Draft) -> None:
    """The order works on: a cancel that the broker refused is settled."""
    # The broker refused the cancel, and the query that followed says that the order works.
    cancel = draft.file.cancel
    if cancel is not None and cancel.reason is not None and draft.order.state is OrderState.PENDING_CANCEL:
        _refuse_open_cancel(draft, cancel.reason)


def _refuse_open_cancel(draft: Draft, words: str) -> None:
    draft.resolve_cancel(RequestOutcome.REJECTED, words)
    draft.move(OrderEventType.CANCEL_REFUSED, draft.working_state(), reason=words)
    if draft.file.replace is not None:
        # The table leads from a refused cancel to the working states alone, and from there on.
        draft.move(OrderEventType.CANCEL_REFUSED, OrderState.PENDING_REPLACE, reason=_STILL_ASKED)


def _may_be_rejected(draft: Draft, report: FaultReport) -> bool:
    # What was dealt in part, or outlived a refused modify, did live: then an error alone does not end it.
    return (
        report.fault is FaultClass.ORDER_REJECTED
        and draft.order.filled_quantity == ZERO
        and draft.file.refused_replace is None
        and may_move(draft.order.state, OrderState.REJECTED)
    )


def _words(report: FaultReport) -> str:
    return f"{report.broker_code}: {report.message}"
