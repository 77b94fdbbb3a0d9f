"""An order on its way from one report to what follows: the moves that the table allows, and the words for them."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.core.fix import OrderOrigin, OrderState, RejectOrigin, RequestOutcome, TimeInForce
from app.core.ids import ExecutionKey
from app.core.messages import (
    ExecutionReport,
    FaultClass,
    FaultReport,
    Fill,
    OrderAddress,
    OrderTerms,
    StatusReport,
    WorkingStatus,
)
from app.core.money import ZERO
from app.core.records import replace
from app.core.sessions import TradingDay
from app.orders.domain.journal import broker_names, execution_details, resolution
from app.orders.domain.order import Execution, Order, OrderEvent, OrderRequest
from app.orders.domain.order_file import Decision, OrderFile
from app.orders.domain.placing import terms_document
from app.orders.domain.transitions import may_move
from app.orders.events import OrderEventType

BROKER = "broker"
_UNSENT = frozenset({OrderState.NEW, OrderState.PENDING_APPROVAL, OrderState.HELD})
_DUPLICATE_ID = 103
_NOT_CANCELLABLE = frozenset({136, 161})
_UNKNOWN_TO_CANCEL = frozenset({135, 10147})
_STILL_ASKED = "the modify is still outstanding"
_ALL_BUSTED = "nothing of the order is filled any more"
_LOWERED = "the broker lowered what was filled; whether the rest works is not known"


@dataclass(slots=True)
class Draft:
    """The file as it changes, with what is to be stored and told so far; at is when the broker says it happened."""

    file: OrderFile
    at: datetime
    day: TradingDay | None = None
    events: list[OrderEvent] = field(default_factory=list)
    requests: list[OrderRequest] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    is_restated: bool = False
    quarantine: str | None = None
    untold: dict[str, Any] = field(default_factory=dict)
    before: Order = field(init=False)

    def __post_init__(self) -> None:
        self.before = self.file.order

    @property
    def order(self) -> Order:
        """The order as it stands now."""
        return self.file.order

    @property
    def never_left(self) -> bool:
        """True when the broker cannot know the order: it was not sent."""
        return self.order.reject_origin is RejectOrigin.OMS or self.order.state in _UNSENT

    def decision(self) -> Decision:
        """What follows, once all is said."""
        if self.untold:
            self.say(OrderEventType.ORDER_CONFIRMED, self.order.state)
        return Decision(
            file=self.file,
            events=tuple(self.events),
            requests=tuple(self.requests),
            executions=tuple(self.executions),
            fills=tuple(self.fills),
            is_restated=self.is_restated,
            quarantine=self.quarantine,
        )

    def quarantined(self, reason: str) -> Decision:
        """What follows from a report that fits nowhere: it is kept, and nothing moves."""
        self.quarantine = reason
        return self.decision()

    def learn(self, address: OrderAddress) -> None:
        """Takes the broker's own names for the order."""
        order = self.order
        if order.permanent_id is None and address.permanent_id:
            self.put(replace(order, permanent_id=address.permanent_id))
            self.untold["permanentId"] = address.permanent_id

    def put(self, order: Order) -> None:
        """Takes the order as it is to stand."""
        self.file = replace(self.file, order=order)

    def say(
        self,
        event_type: OrderEventType,
        before: OrderState | None,
        *,
        reason: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        """Tells what happened to the order, which was in the state `before`."""
        order = self.order
        told = {**(details or {}), **self.untold}
        self.untold = {}
        if before is OrderState.ROUTED and order.state is not before:
            told |= broker_names(order)
        self.events.append(
            OrderEvent(
                type=event_type.value,
                order_id=order.id,
                account_id=order.account_id,
                from_state=before,
                to_state=order.state,
                actor=BROKER,
                reason=reason,
                details=told,
                occurred_at=self.at,
            )
        )

    def move(
        self,
        event_type: OrderEventType,
        state: OrderState,
        *,
        reason: str | None = None,
        details: dict[str, Any] | None = None,
        **changes: Any,
    ) -> None:
        """Makes a move of the table and tells of it."""
        before = self.order.state
        if not may_move(before, state, self.order.reject_origin):
            self.quarantine = f"{before} does not become {state}"
            return
        self.put(replace(self.order, state=state, **changes))
        self.say(event_type, before, reason=reason, details=details)

    def clear_doubt(self) -> None:
        """The broker knows the order: whatever was in doubt is not any more."""
        if self.order.in_doubt:
            self.put(replace(self.order, in_doubt=False))
            self.untold["inDoubt"] = False

    def doubt(self, reason: str) -> None:
        """Marks the order as one whose fate is not known."""
        if self.order.state.is_terminal or self.order.in_doubt:
            return
        self.move(OrderEventType.ORDER_IN_DOUBT, self.order.state, reason=reason, in_doubt=True)

    def accept(self) -> None:
        """The broker has the order."""
        if self.order.state is OrderState.ROUTED:
            self.move(OrderEventType.ORDER_ACCEPTED, OrderState.ACCEPTED)

    def working_state(self) -> OrderState:
        """The state of a working order with what it has filled."""
        if self.file.cancel is not None:
            return OrderState.PENDING_CANCEL
        return OrderState.PARTIALLY_FILLED if self.order.filled_quantity > 0 else OrderState.ACCEPTED

    def resolve_cancel(self, outcome: RequestOutcome, reason: str | None = None) -> None:
        """Settles the open cancel."""
        if self.file.cancel is not None:
            self.resolve(self.file.cancel, outcome, reason)
            self.file = replace(self.file, cancel=None)

    def resolve_replace(self, outcome: RequestOutcome, reason: str | None = None) -> None:
        """Settles the open modify."""
        if self.file.replace is not None:
            self.resolve(self.file.replace, outcome, reason)
            self.file = replace(self.file, replace=None)

    def resolve(self, request: OrderRequest, outcome: RequestOutcome, reason: str | None) -> None:
        """Settles a request."""
        done = replace(request, outcome=outcome, reason=reason or request.reason, resolved_at=self.at)
        self.requests.append(done)
        self.untold.setdefault("resolved", []).append(resolution(done))

    def confirm_replace(self, terms: OrderTerms | None) -> None:
        """Takes the open modify for done where the broker tells its terms."""
        wanted = self.file.pending_terms
        if terms is None or wanted is None or not same_terms(terms, wanted):
            return
        self.resolve_replace(RequestOutcome.ACCEPTED)
        self.take_terms(wanted)

    def adopt(self, terms: OrderTerms | None) -> None:
        """Takes terms that the broker holds and that nobody here asked for."""
        order = self.order
        is_ours = order.origin is not OrderOrigin.EXTERNAL and not order.state.is_terminal
        if terms is None or not is_ours or same_terms(terms, order.terms):
            return
        if self.file.replace is None:
            # The broker holds other terms than we do and nothing is asked of it: a modify that was written twice,
            # refused once and taken once, or one by hand.
            self.take_terms(_merged(order.terms, terms))
        elif order.oca_group is not None and order.filled_quantity < terms.quantity != order.terms.quantity:
            # Within its group the broker lowers an order by what another of the group deals.
            self.take_terms(replace(order.terms, quantity=terms.quantity))

    def revive(self, report: StatusReport) -> None:
        """A filled order that the broker works on holds larger terms there, and lives again."""
        # Filled on its old terms, while the broker took a larger quantity and deals on.
        terms = report.terms
        is_alive = self.order.state is OrderState.FILLED and report.status is WorkingStatus.WORKING
        if is_alive and terms is not None and terms.quantity > self.order.filled_quantity:
            self.take_terms(_merged(self.order.terms, terms))

    def take_terms(self, wanted: OrderTerms) -> None:
        """The order stands under these terms from now on."""
        order = self.order
        is_done = order.filled_quantity >= wanted.quantity
        state = OrderState.FILLED if is_done else self.working_state()
        if is_done:
            self.clear_doubt()
            self.resolve_cancel(RequestOutcome.TOO_LATE)
        self.move(
            OrderEventType.ORDER_REPLACED,
            state,
            details={"version": order.version + 1, **terms_document(wanted)},
            terms=wanted,
            version=order.version + 1,
            overfilled_quantity=max(order.filled_quantity - wanted.quantity, ZERO),
        )

    def end(self) -> None:
        """The order is over: canceled, or expired where its time in force had ended."""
        # A cancel that never left cannot be why the order ended.
        was_asked = self.file.cancel is not None and self.file.cancel.sent_at is not None
        is_expired = not was_asked and self.life_is_over()
        self.resolve_cancel(RequestOutcome.TOO_LATE if is_expired else RequestOutcome.ACCEPTED)
        self.resolve_replace(RequestOutcome.TOO_LATE)
        if is_expired:
            self.move(OrderEventType.ORDER_EXPIRED, OrderState.EXPIRED)
        else:
            self.move(OrderEventType.ORDER_CANCELED, OrderState.CANCELED)

    def life_is_over(self) -> bool:
        """True when the time in force had ended, so that an end that nobody asked for is an expiry."""
        before, terms = self.before, self.order.terms
        match terms.time_in_force:
            case TimeInForce.IOC | TimeInForce.FOK:
                return True
            case TimeInForce.OPG:
                # One that never rested did not come to an opening.
                return before.state is not OrderState.ROUTED
            case TimeInForce.DAY:
                # What happened to an order in doubt does not prove that it lived then.
                alive_at = before.created_at if before.in_doubt else before.updated_at
                is_extended = before.outside_regular_hours
                return self.day is not None and self.day.is_over(alive_at=alive_at, at=self.at, is_extended=is_extended)
            case _:
                return terms.expires_at is not None and self.at >= _second(terms.expires_at)

    def end_as_told(self, filled: Decimal) -> None:
        """Ends an order in doubt of which the broker has dealt what the ledger holds, and that works no longer."""
        # An order in doubt of which the broker has dealt exactly what the ledger holds, and no longer works.
        order = self.order
        is_short = ZERO < order.filled_quantity < order.terms.quantity
        if order.in_doubt and is_short and filled == order.filled_quantity and self.file.replace is None:
            self.clear_doubt()
            self.end()

    def give_up_cancel(self) -> None:
        """The order works on: a cancel that the broker refused is settled."""
        # The broker refused the cancel, and the query that followed says that the order works.
        cancel = self.file.cancel
        if cancel is not None and cancel.reason is not None and self.order.state is OrderState.PENDING_CANCEL:
            self.refuse_open_cancel(cancel.reason)

    def refuse_open_cancel(self, words: str) -> None:
        """Settles the open cancel as refused, with these words."""
        self.resolve_cancel(RequestOutcome.REJECTED, words)
        self.move(OrderEventType.CANCEL_REFUSED, self.working_state(), reason=words)
        if self.file.replace is not None:
            # The table leads from a refused cancel to the working states alone, and from there on.
            self.move(OrderEventType.CANCEL_REFUSED, OrderState.PENDING_REPLACE, reason=_STILL_ASKED)

    def reject(self, code: str, reason: str) -> None:
        """The broker refused the order."""
        self.resolve_cancel(RequestOutcome.TOO_LATE)
        self.resolve_replace(RequestOutcome.TOO_LATE)
        self.move(
            OrderEventType.ORDER_REJECTED,
            OrderState.REJECTED,
            reason=reason,
            details={"rejectOrigin": RejectOrigin.BROKER.value, "code": code},
            reject_origin=RejectOrigin.BROKER,
            reject_code=code,
            reject_reason=reason,
            in_doubt=False,
        )

    def refuse_order(self, report: FaultReport) -> None:
        """An error about the order itself."""
        order, words = self.order, _words(report)
        if order.state.is_terminal:
            return
        if order.state is OrderState.ROUTED:
            self.reject(str(report.broker_code), report.message)
        elif report.broker_code == _DUPLICATE_ID:
            # Real world: 103 is about the newcomer that reused the id; the order that holds it is untouched.
            return
        elif self.file.replace is not None and self.file.replace.sent_at is not None:
            self.refuse_replace(report)
        elif words == self.file.refused_replace:
            # Said before, of a modify: said again it is no news of the order, which lives.
            return
        elif self.may_be_rejected(report):
            self.reject(str(report.broker_code), report.message)
        else:
            self.doubt(words)

    def may_be_rejected(self, report: FaultReport) -> bool:
        """True when the error may end the order."""
        # What was dealt in part, or outlived a refused modify, did live: then an error alone does not end it.
        return (
            report.fault is FaultClass.ORDER_REJECTED
            and self.order.filled_quantity == ZERO
            and self.file.refused_replace is None
            and may_move(self.order.state, OrderState.REJECTED)
        )

    def refuse_replace(self, report: FaultReport) -> None:
        """The broker refused the open modify."""
        words = _words(report)
        if self.order.state.is_terminal or (words == self.file.refused_replace and self.file.replace is None):
            return
        if self.file.replace is None:
            self.doubt(words)
            return
        self.resolve_replace(RequestOutcome.REJECTED, words)
        self.file = replace(self.file, refused_replace=words)
        self.move(OrderEventType.REPLACE_REFUSED, self.working_state(), reason=report.message)

    def refuse_cancel(self, report: FaultReport) -> None:
        """The broker refused the open cancel."""
        order, cancel = self.order, self.file.cancel
        if order.state.is_terminal:
            return
        is_unknown = report.broker_code in _UNKNOWN_TO_CANCEL and cancel is not None and cancel.reason is None
        if is_unknown and order.in_doubt and order.permanent_id is None:
            # A sweep did not find it, the cancel does not either, and it was never acknowledged: it never arrived.
            self.clear_doubt()
            self.end()
            return
        if report.broker_code in _NOT_CANCELLABLE and cancel is not None:
            self.refuse_open_cancel(_words(report))
        elif cancel is not None and cancel.reason is None:
            # Still open: whether it came too late or is refused is for the query to say.
            noted = replace(cancel, reason=_words(report))
            self.requests.append(noted)
            self.untold.setdefault("resolved", []).append(resolution(noted))
            self.file = replace(self.file, cancel=noted)
        self.doubt(_words(report))

    def book(self, revisions: tuple[Execution, ...], report: ExecutionReport, key: ExecutionKey, now: datetime) -> None:
        """Books what was dealt, corrected or busted into the ledger and the order."""
        active = next((row for row in revisions if not row.is_superseded), None)
        is_stale = active is not None and active.revision > report.revision
        order = self.order
        row = Execution(
            id=key,
            account_id=order.account_id,
            order_id=order.id,
            instrument_id=order.instrument_id,
            execution_id=report.execution_id,
            root=report.root,
            revision=report.revision,
            side=report.side,
            quantity=report.quantity,
            price=report.price,
            liquidity=report.liquidity,
            is_superseded=is_stale,
            executed_at=report.executed_at,
            recorded_at=now,
        )
        self.executions.append(row)
        if is_stale:
            return
        if active is not None:
            self.executions.append(replace(active, is_superseded=True))
            self.is_restated = True
        else:
            self.fills.append(
                Fill(
                    instrument_id=order.instrument_id,
                    signed_quantity=report.quantity * report.side.sign,
                    price=report.price,
                )
            )
        self.outgrow(report.quantity - (active.quantity if active else ZERO))
        order = self.order
        before_quantity = active.quantity if active else ZERO
        before_notional = active.quantity * active.price if active else ZERO
        filled = order.filled_quantity + report.quantity - before_quantity
        self.put(
            replace(
                order,
                filled_quantity=filled,
                filled_notional=order.filled_notional + report.quantity * report.price - before_notional,
                overfilled_quantity=max(filled - order.terms.quantity, ZERO),
            )
        )
        self.settle(_execution_event(active, report), row)

    def outgrow(self, dealt: Decimal) -> None:
        """More was dealt than was ordered: the surplus is counted apart."""
        # More is dealt than the old terms allow, and no more than the modify asked for: the broker took the modify.
        request, filled = self.file.replace, self.order.filled_quantity + dealt
        if request is None or request.terms is None or request.sent_at is None or self.order.state.is_terminal:
            return
        if self.order.terms.quantity < filled <= request.terms.quantity:
            self.confirm_replace(request.terms)

    def settle(self, event_type: OrderEventType, row: Execution) -> None:
        """Moves the order to where its fills put it."""
        details = execution_details(row, self.order)
        order = self.order
        if order.filled_quantity >= order.terms.quantity:
            self.resolve_cancel(RequestOutcome.TOO_LATE)
            self.resolve_replace(RequestOutcome.TOO_LATE)
            self.move(event_type, OrderState.FILLED, details=details)
            return
        match order.state:
            case OrderState.ACCEPTED if order.filled_quantity > 0:
                self.move(event_type, OrderState.PARTIALLY_FILLED, details=details)
            case OrderState.PARTIALLY_FILLED if order.filled_quantity == ZERO:
                # The broker restated the whole of it: by way of PENDING_REPLACE, as the table has it, it works anew.
                self.move(event_type, OrderState.PENDING_REPLACE, details=details)
                self.move(OrderEventType.ORDER_ACCEPTED, OrderState.ACCEPTED, reason=_ALL_BUSTED)
            case OrderState.FILLED if order.filled_quantity > 0:
                # Whether the rest works on is for a query to say.
                told = {**details, "inDoubt": True}
                self.move(event_type, OrderState.PARTIALLY_FILLED, details=told, reason=_LOWERED, in_doubt=True)
            case OrderState.FILLED | OrderState.REJECTED:
                # A bust of all reopens nothing, and a fill proves that a rejected order lived and is over.
                self.move(event_type, OrderState.CANCELED, details=details)
            case _:
                self.move(event_type, order.state, details=details)


def same_terms(held: OrderTerms, wanted: OrderTerms) -> bool:
    """True when the broker holds what was asked for; what it does not tell is not compared."""
    return (
        held.quantity == wanted.quantity
        and held.limit_price == wanted.limit_price
        and held.stop_price == wanted.stop_price
        and held.trailing_amount == wanted.trailing_amount
        and held.time_in_force is wanted.time_in_force
        and (
            held.expires_at is None
            or wanted.expires_at is None
            or _second(held.expires_at) == _second(wanted.expires_at)
        )
    )


def _second(moment: datetime) -> datetime:
    # IB holds whole seconds.
    return moment.replace(microsecond=0)


def _words(report: FaultReport) -> str:
    return f"{report.broker_code}: {report.message}"


def _merged(ours: OrderTerms, told: OrderTerms) -> OrderTerms:
    return replace(
        ours,
        quantity=told.quantity,
        limit_price=told.limit_price,
        stop_price=told.stop_price,
        trailing_amount=told.trailing_amount,
        time_in_force=told.time_in_force,
        expires_at=(told.expires_at or ours.expires_at) if told.time_in_force is TimeInForce.GTD else None,
    )


def _execution_event(active: Execution | None, report: ExecutionReport) -> OrderEventType:
    if report.quantity == Decimal(0):
        return OrderEventType.EXECUTION_BUSTED
    return OrderEventType.EXECUTION_BOOKED if active is None else OrderEventType.EXECUTION_CORRECTED
