"""approveOrder: a second person lets an order go, after risk has looked again, or ends it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.approvals import batch as approvals
from app.approvals.domain import ApprovalDecision, Decision, OrderApproval
from app.audit import service as audit
from app.brokers import batch as brokers
from app.compliance.domain.restrictions import RestrictedAct
from app.core.errors import Problem, UnavailableError
from app.core.fix import OrderState, RejectOrigin
from app.core.ids import OrderId, UserId
from app.core.messages import AccountKey, Instrument, LaneKind, LookStep, RiskCheck, Tick
from app.core.records import replace
from app.flows.compliance.restrictions import restricted, restrictions_on
from app.flows.desk import Desk
from app.flows.halts.trading_modes import halted_out
from app.flows.hints import LANES, OUTBOX, hint
from app.flows.orders.booking import Booking
from app.flows.orders.follow_links import Links
from app.flows.orders.later_looks import looked_again
from app.flows.orders.locked_order import lock_order
from app.flows.orders.place_blocks import block_facts, held_as_block
from app.flows.orders.place_orders import is_frozen_out
from app.flows.orders.placement import Placement, breach_code, breach_problem, rejection_problems
from app.flows.orders.pre_trade import Asked, read_pre_trade
from app.identity import batch as identity
from app.identity.domain import Principal
from app.infra.db import CONNECTION_LOST, BatchSession
from app.infra.uow import begin_batch
from app.instruments import batch as instruments
from app.marketdata import service as marketdata
from app.orders.domain.order import Order, OrderEvent, reserved_quantity
from app.orders.domain.order_file import OrderFile
from app.orders.domain.placing import problem
from app.orders.errors import MEANING, OrderProblem
from app.orders.events import OrderEventType
from app.orders.repository import batch as orders
from app.orders.repository.lanes import LaneEntry
from app.positions import batch as positions
from app.risk.domain import Step, first_breach, waits_for_room


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an approver says of an order."""

    order_id: OrderId
    is_approved: bool
    reason: str | None = None


async def decide_approval(desk: Desk, principal: Principal, verdict: Verdict) -> Placement:
    """The order after the decision: on its way, held by the gate, or REJECTED with why.

    The same person saying the same again is answered with the order as it stands. Raises UnavailableError when the
    database does not answer.
    """
    tenant_id = principal.tenant_id
    try:
        instrument = await _instrument_of(desk, principal, verdict.order_id)
        if instrument is None:
            return Placement(order=None, problems=(problem(OrderProblem.ORDER_NOT_FOUND, "orderId"),))
        quotes = await marketdata.reachable_quotes(desk.redis, tenant_id, [instrument.id])
        quote = quotes.get(instrument.id)
        async with begin_batch(desk.database, tenant_id, accounts=principal.tradable) as session:
            placement = await _decide(session, desk, principal, verdict, instrument, quote)
    except CONNECTION_LOST as error:
        raise UnavailableError("the order store does not answer; ask again") from error
    await hint(desk.redis, LANES, OUTBOX)
    return placement


async def _decide(
    session: BatchSession,
    desk: Desk,
    principal: Principal,
    verdict: Verdict,
    instrument: Instrument,
    quote: Tick | None,
) -> Placement:
    locked = await lock_order(session, principal.tenant_id, verdict.order_id)
    assert locked is not None, "an order that was seen stays"
    key, book, file = locked
    order = file.order
    asked = await approvals.approvals_of(session, principal.tenant_id, order.id)
    people = await identity.people_behind(session, principal.tenant_id, [order.placed_by, principal.actor])
    person = people.get(principal.actor)
    now = desk.clock.now()
    refused = _refusal(order, asked, people, verdict, principal, is_over=any(one.expires_at <= now for one in asked))
    if refused is not None or person is None:
        return Placement(order=order, problems=() if refused is None else (refused,))
    if order.state is not OrderState.PENDING_APPROVAL:
        return Placement(order=order, problems=rejection_problems(order) if verdict.is_approved else ())
    place = (key, instrument.id)
    booking = Booking(
        books={key: book}, positions=await positions.positions_of(session, [place]), ids=desk.ids, now=now
    )
    links = await Links.of(session, key, [file])
    others = await orders.orders_by_id(session, order.tenant_id, [one.id for one in links.waiting_with([order])])
    waiting = [order, *others.values()]
    after = await _after(session, desk, principal, key, waiting, verdict, instrument, quote, booking)
    if isinstance(after, Problem):
        return Placement(order=order, problems=(after,))
    for before, one in zip(waiting, after, strict=True):
        _book(key, before, one, principal, person, verdict, booking)
    await links.settle(session, {one.id: OrderFile(order=one) for one in after}, booking)
    await booking.write(session)
    checked = [one for before, one in zip(waiting, after, strict=True) if one.risk_checks is not before.risk_checks]
    if checked:
        # By itself: the writes of a booking may not touch a row twice.
        await session.write([orders.store_checks(order.tenant_id, checked)])
    first, *rest = after
    return Placement(order=first, problems=rejection_problems(first) if verdict.is_approved else (), linked=tuple(rest))


def _refusal(
    order: Order,
    asked: list[OrderApproval],
    people: dict[str, UserId],
    verdict: Verdict,
    principal: Principal,
    *,
    is_over: bool,
) -> Problem | None:
    if not asked:
        return problem(OrderProblem.ORDER_NOT_PENDING_APPROVAL, "orderId")
    person, maker = people.get(principal.actor), people.get(order.placed_by)
    if person is None:
        return problem(OrderProblem.APPROVER_NOT_A_PERSON, "orderId")
    # A maker whose key is gone cannot be told apart from the approver.
    if maker == person or (maker is None and order.placed_by.startswith("key:")):
        return problem(OrderProblem.APPROVER_IS_MAKER, "orderId")
    if order.state is not OrderState.PENDING_APPROVAL:
        said = ApprovalDecision.APPROVED if verdict.is_approved else ApprovalDecision.REFUSED
        if all((one.decision, one.decider) == (said, person) for one in asked):
            return None
        return problem(OrderProblem.ORDER_NOT_PENDING_APPROVAL, "orderId")
    if is_over:
        return problem(OrderProblem.APPROVAL_EXPIRED, "orderId")
    return None


async def _after(
    session: BatchSession,
    desk: Desk,
    principal: Principal,
    key: AccountKey,
    waiting: Sequence[Order],
    decision: Verdict,
    instrument: Instrument,
    quote: Tick | None,
    booking: Booking,
) -> list[Order] | Problem:
    # What waits together goes or ends together.
    if not decision.is_approved:
        return _rejected(waiting, "APPROVAL_REFUSED", decision.reason or "the approver refused the order")
    account = (await brokers.account_facts(session, [key]))[key]
    if not account.is_active:
        return _rejected(waiting, OrderProblem.ACCOUNT_INACTIVE.value, MEANING[OrderProblem.ACCOUNT_INACTIVE])
    if not instrument.is_active:
        return _rejected(waiting, OrderProblem.INSTRUMENT_INACTIVE.value, MEANING[OrderProblem.INSTRUMENT_INACTIVE])
    market, place = desk.intake.market, (key.tenant_id, instrument.id)
    asked = Asked(keys=[key], places=[place], is_walled=principal.tradable is not None)
    quotes = {} if quote is None else {instrument.id: quote}
    pre_trade, _ = await read_pre_trade(session, asked, (), quotes=quotes, market=market, now=booking.now)
    # What the orders may add is reserved and counted since they were placed.
    leaving = [order for order in waiting if not order.is_staged]
    proposals = [
        pre_trade.proposal(key, order, instrument, booking, step=Step.RELEASE, leaving=leaving) for order in waiting
    ]
    of_shares: tuple[RiskCheck, ...] = ()
    if waiting[0].allocation is not None:
        facts = await block_facts(session, [(key, instrument.id)], {key: account}, pre_trade, market)
        account = facts.accounts.get(key, account)
        # A block stands alone.
        whole, of_shares = held_as_block(pre_trade, proposals[0], waiting[0].allocation, key, account, facts)
        proposals = [whole]
    checks = tuple(check for proposal in proposals for check in pre_trade.check(key, proposal))
    first = waiting[0]
    halted = [halted_out(account, proposal, first.placed_by, first.allocation) for proposal in proposals]
    problems = [one for one in halted if one is not None]
    is_frozen = any(is_frozen_out(account, proposal) for proposal in proposals)
    if len(proposals) == 1 and not of_shares:
        # Of what is dealt for several, or together, no single figure would do.
        checks = pre_trade.explained(key, proposals[0], checks, is_barred=bool(problems) or is_frozen)
    checks += of_shares
    checked = [_looked_at(order, checks, principal, booking.now) for order in waiting]
    if problems:
        return _rejected(checked, problems[0].value, MEANING[problems[0]])
    if is_frozen:
        return _rejected(checked, OrderProblem.INSTRUMENT_FROZEN.value, MEANING[OrderProblem.INSTRUMENT_FROZEN])
    breach = first_breach(checks)
    if breach is not None and not waits_for_room(checks):
        return _rejected(checked, breach_code(breach), breach.message)
    restrictions = await restrictions_on(session, key.tenant_id, [instrument])
    verdict = restricted(restrictions, booking, RestrictedAct.APPROVE, waiting[0], principal.actor, *proposals)
    if verdict.refusal is not None:
        return _rejected(checked, verdict.refusal.code, verdict.refusal.message)
    if breach is not None:
        # There is nothing about the order: it waits on, and may be approved once there is room.
        return replace(breach_problem(breach), path=("orderId",))
    # A staged order that may go still waits for its release.
    return [
        one.routed() if account.is_gate_open and not one.is_staged else replace(one, state=OrderState.HELD)
        for one in checked
    ]


def _looked_at(order: Order, checks: tuple[RiskCheck, ...], principal: Principal, now: datetime) -> Order:
    if not checks:
        return order
    return replace(order, risk_checks=looked_again(order, checks, LookStep.APPROVAL, principal.actor, now))


def _rejected(waiting: Sequence[Order], code: str, reason: str) -> list[Order]:
    return [
        replace(
            order,
            state=OrderState.REJECTED,
            reject_origin=RejectOrigin.OMS,
            reject_code=code,
            reject_reason=reason,
        )
        for order in waiting
    ]


def _book(
    key: AccountKey,
    before: Order,
    after: Order,
    principal: Principal,
    person: UserId,
    verdict: Verdict,
    booking: Booking,
) -> None:
    decision = ApprovalDecision.APPROVED if verdict.is_approved else ApprovalDecision.REFUSED
    booking.put_order(after)
    booking.decisions.append(
        Decision(
            tenant_id=key.tenant_id,
            order_id=after.id,
            decision=decision,
            by=principal.actor,
            person=person,
            at=booking.now,
            reason=verdict.reason,
        )
    )
    if after.state is OrderState.REJECTED:
        booking.count_open(key, -1)
        if not before.shares_reserve:
            booking.reserve(key, after.instrument_id, after.side, -reserved_quantity(before, None))
        event_type, reason = OrderEventType.ORDER_REJECTED, after.reject_reason
    else:
        event_type, reason = OrderEventType.ORDER_APPROVED, verdict.reason
    if after.state is OrderState.ROUTED:
        booking.lane.append(LaneEntry(key=key, kind=LaneKind.PLACE, order_id=after.id))
    details: dict[str, Any] = {"decision": decision.value}
    if event_type is OrderEventType.ORDER_APPROVED and not after.is_staged:
        details["staged"] = False
    if after.reject_origin is not None:
        details |= {"rejectOrigin": after.reject_origin.value, "code": after.reject_code}
    booking.log(
        key,
        [
            OrderEvent(
                type=event_type.value,
                order_id=after.id,
                account_id=after.account_id,
                from_state=before.state,
                to_state=after.state,
                actor=principal.actor,
                reason=reason,
                details=details,
                occurred_at=booking.now,
            )
        ],
    )
    booking.audit.append(
        audit.entry(
            principal,
            "order.approve" if verdict.is_approved else "order.refuse",
            "Order",
            after.id,
            entry_id=booking.ids.new(),
            now=booking.now,
            old={"state": before.state.value},
            new={"state": after.state.value, "reason": verdict.reason, **details},
        )
    )


async def _instrument_of(desk: Desk, principal: Principal, order_id: OrderId) -> Instrument | None:
    tenant_id = principal.tenant_id
    async with begin_batch(desk.database, tenant_id, accounts=principal.tradable) as session:
        order = (await orders.orders_by_id(session, tenant_id, [order_id])).get(order_id)
        if order is None:
            return None
        found = await instruments.find(session, ids=[(tenant_id, order.instrument_id)])
    return found[0][1]
