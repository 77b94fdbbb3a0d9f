"""previewOrder: what would become of an order placed now. It reads and asks the broker; it stores nothing."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from app.brokers.errors import BrokerDisconnectedError, BrokerTimedOutError
from app.brokers.questions import Reply
from app.brokers.what_if import WhatIf, WhatIfAnswer
from app.core.errors import OmsError, Problem
from app.core.fix import OrderState
from app.core.messages import Instrument, NewOrder, RiskCheck, Tick
from app.core.money import ZERO
from app.core.records import replace
from app.flows.desk import Desk
from app.flows.orders.claim_orders import contract_of
from app.flows.orders.place_orders import Intent, Rehearsal, rehearse
from app.flows.orders.placement import breach_problem
from app.flows.orders.quoted import reference_price
from app.identity.domain import Principal
from app.infra.uow import begin_snapshot
from app.orders.domain.placing import form_problems
from app.risk.domain import Exposure, Proposal, is_breach, price_of


class PriceUnknownError(OmsError):
    """No fresh quote says what the order is worth, and it has no limit of its own."""

    code = "PRICE_UNKNOWN"
    is_retryable = True


class NotPreviewedError(OmsError):
    """The figure was not asked for: the order is refused before, is placed already, or is of no instrument there."""

    code = "NOT_PREVIEWED"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPreview:
    """What would become of an order.

    problems are all the reasons to refuse it. Where price is None there is no notional, and notional_problem says why.
    Where answer is None the broker told nothing, and margin_problem says why; its figures may be None one by one.
    """

    problems: tuple[Problem, ...] = ()
    risk_checks: tuple[RiskCheck, ...] = ()
    would_need_approval: bool = False
    instrument: Instrument | None = None
    price: Decimal | None = None
    notional: Decimal | None = None
    notional_problem: Problem | None = None
    answer: WhatIfAnswer | None = None
    margin_currency: str | None = None
    margin_problem: Problem | None = None


async def preview_order(desk: Desk, principal: Principal, new: NewOrder) -> OrderPreview:
    """What placing the order would answer at this moment, and what the broker says that it would do.

    Raises UnavailableError when the database does not answer. A broker that does not answer is told in the preview.
    """
    problems = form_problems(new)
    if problems:
        return malformed(*problems)
    intent = await desk.intake.intent(principal, new)
    quotes = await desk.intake.quotes([intent])
    now = desk.clock.now()
    async with begin_snapshot(desk.database, principal.tenant_id, accounts=principal.tradable) as session:
        rehearsal = await rehearse(session, intent, quotes, market=desk.intake.market, now=now, ids=desk.ids)
    instrument = intent.matches[0] if len(intent.matches) == 1 else None
    price = None if instrument is None else _price(new, instrument, quotes.get(instrument.id), now)
    order = rehearsal.placement.order
    reply = await _reply(desk, intent, rehearsal)
    return OrderPreview(
        problems=_all_problems(rehearsal),
        risk_checks=() if order is None else order.risk_checks,
        would_need_approval=order is not None and order.state is OrderState.PENDING_APPROVAL,
        instrument=instrument,
        price=price,
        notional=None if instrument is None or price is None else new.terms.quantity * price * instrument.multiplier,
        notional_problem=_notional_problem(instrument, price),
        answer=_told(reply),
        margin_currency=reply.currency,
        margin_problem=reply.reason,
    )


def malformed(*problems: Problem) -> OrderPreview:
    """The preview of an input that is no order."""
    return OrderPreview(problems=problems, notional_problem=_NOT_VALUED, margin_problem=_REFUSED)


async def _reply(desk: Desk, intent: Intent, rehearsal: Rehearsal) -> Reply:
    order = rehearsal.placement.order
    if order is None:
        return _without(_REFUSED)
    if order.id != intent.order_id:
        return _without(_PLACED)
    instrument = intent.matches[0]
    if instrument.contract_id is None:
        return _without(_UNKNOWN_THERE)
    if not rehearsal.is_gate_open:
        return _without(_DISCONNECTED)
    new = intent.new
    asked = WhatIf(
        contract=contract_of(instrument),
        side=new.side,
        order_type=new.order_type,
        terms=new.terms,
        outside_regular_hours=new.outside_regular_hours,
        allocation=new.allocation,
    )
    reply = await desk.broker.ask(intent.key, asked)
    told = _told(reply)
    if told is not None and told.initial_margin_change is None:
        return replace(reply, reason=_UNTOLD)
    return reply


def _told(reply: Reply) -> WhatIfAnswer | None:
    return reply.answer if isinstance(reply.answer, WhatIfAnswer) else None


def _without(reason: Problem) -> Reply:
    return Reply(id=_NOBODY, reason=reason)


def _all_problems(rehearsal: Rehearsal) -> tuple[Problem, ...]:
    placement = rehearsal.placement
    order = placement.order
    if order is None or order.state is not OrderState.REJECTED:
        return placement.problems
    # A placement answers with the first limit that refuses; whoever looks ahead wants to know of all.
    breaches = [breach_problem(check) for check in order.risk_checks if is_breach(check)]
    return (*placement.problems, *(one for one in breaches if one not in placement.problems))


def _price(new: NewOrder, instrument: Instrument, quote: Tick | None, now: datetime) -> Decimal | None:
    valued = Proposal(
        account_id=new.account_id,
        instrument=instrument,
        side=new.side,
        order_type=new.order_type,
        terms=new.terms,
        adds_quantity=new.terms.quantity,
        adds_orders=1,
        reference=reference_price(quote, new.side, now),
        exposure=Exposure(position_quantity=ZERO, open_buy_quantity=ZERO, open_sell_quantity=ZERO, open_orders=0),
    )
    return price_of(valued)


def _notional_problem(instrument: Instrument | None, price: Decimal | None) -> Problem | None:
    if instrument is None:
        return _NOT_VALUED
    return _UNPRICED if price is None else None


def _problem(error: type[OmsError], message: str) -> Problem:
    return Problem(code=error.code, message=message)


_NOBODY: Final = UUID(int=0)
_NOT_VALUED: Final = _problem(NotPreviewedError, "The order cannot be valued as it was given.")
_UNPRICED: Final = _problem(PriceUnknownError, "There is no fresh quote of the instrument to value the order by.")
_REFUSED: Final = _problem(NotPreviewedError, "The broker was not asked: the order would not get that far.")
_PLACED: Final = _problem(NotPreviewedError, "The broker was not asked: an order of this clientOrderId is placed.")
_UNKNOWN_THERE: Final = _problem(NotPreviewedError, "The broker was not asked: it knows no such instrument.")
_DISCONNECTED: Final = _problem(BrokerDisconnectedError, "The account is not connected to its broker.")
_UNTOLD: Final = _problem(BrokerTimedOutError, "The broker told no margin in time.")
