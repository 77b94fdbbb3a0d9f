"""modifyOrder: new terms for a live order, checked and reserved before they leave for the broker."""

from datetime import datetime

from app.audit import service as audit
from app.audit.domain import AuditEntry
from app.brokers import batch as brokers
from app.brokers.batch import AccountFacts
from app.compliance.domain.restrictions import RestrictedAct
from app.core.errors import Problem, UnavailableError
from app.core.fix import RequestKind, RequestOutcome, Side
from app.core.ids import RequestId
from app.core.messages import AccountKey, Instrument, LaneKind, OrderTerms, RiskCheck, Tick
from app.core.money import ZERO
from app.core.records import replace
from app.flows.approvals.approval_policies import change_reasons
from app.flows.compliance.restrictions import only_shrinks, restricted, restrictions_on
from app.flows.desk import Desk
from app.flows.halts.trading_modes import change_halted_out
from app.flows.hints import LANES, OUTBOX, hint
from app.flows.orders.booking import Booking
from app.flows.orders.locked_order import lock_order
from app.flows.orders.place_blocks import block_facts, held_as_block
from app.flows.orders.place_orders import is_frozen_out
from app.flows.orders.placement import Placement, breach_problem
from app.flows.orders.pre_trade import Asked, read_pre_trade
from app.flows.orders.quoted import taking_problem
from app.identity.domain import Principal
from app.infra.db import CONNECTION_LOST, BatchSession
from app.infra.uow import begin_batch
from app.instruments import batch as instruments
from app.marketdata import service as marketdata
from app.orders.domain.changing import OrderChange, changed_terms, replace_asked, replace_problems
from app.orders.domain.journal import request_details
from app.orders.domain.order import Order, OrderEvent, OrderRequest, reserved_quantity
from app.orders.domain.order_file import OrderFile
from app.orders.domain.placing import problem, terms_document
from app.orders.errors import OrderProblem
from app.orders.events import OrderEventType
from app.orders.repository import batch as orders
from app.orders.repository.lanes import LaneEntry
from app.positions import batch as positions
from app.risk import batch as risk
from app.risk.domain import Proposal, Step, first_breach


async def replace_order(desk: Desk, principal: Principal, change: OrderChange) -> Placement:
    """The order after the modify was taken: live on its old terms until the broker confirms the new ones.

    A modify that breaches a limit is refused, and the order lives on. What the limits said is stored with it, and one
    that was refused after they were asked stays as a request that was REJECTED. Raises UnavailableError when the
    database does not answer.
    """
    tenant_id = principal.tenant_id
    try:
        found = await _instrument_of(desk, principal, change)
        if found is None:
            return _refused(None, problem(OrderProblem.ORDER_NOT_FOUND, "orderId"))
        quotes = await marketdata.reachable_quotes(desk.redis, tenant_id, [found.id])
        quote = quotes.get(found.id)
        async with begin_batch(desk.database, tenant_id, accounts=principal.tradable) as session:
            placement = await _replace(session, desk, principal, change, found, quote)
    except CONNECTION_LOST as error:
        raise UnavailableError("the order store does not answer; ask again") from error
    if not placement.problems:
        await hint(desk.redis, LANES, OUTBOX)
    elif placement.order is not None:
        await hint(desk.redis, OUTBOX)
    return placement


async def _replace(
    session: BatchSession,
    desk: Desk,
    principal: Principal,
    change: OrderChange,
    instrument: Instrument,
    quote: Tick | None,
) -> Placement:
    await risk.lock_washes(session, [(principal.tenant_id, instrument.id)])
    locked = await lock_order(session, principal.tenant_id, change.order_id)
    assert locked is not None, "an order that was seen stays"
    key, book, file = locked
    terms = changed_terms(file.order, change)
    problems = replace_problems(file, change, terms, instrument)
    if problems:
        return _refused(file.order, *problems)
    place = (key, instrument.id)
    now, market = desk.clock.now(), desk.intake.market
    traded = (key.tenant_id, instrument.id)
    asked = Asked(
        keys=[key],
        places=[traded],
        sides={traded: [file.order.side]},
        is_walled=principal.tradable is not None,
    )
    quotes = {} if quote is None else {instrument.id: quote}
    pre_trade, (held, told) = await read_pre_trade(
        session,
        asked,
        (positions.positions_at([place]), brokers.facts_of([key])),
        quotes=quotes,
        market=market,
        now=now,
    )
    booking, account = Booking(books={key: book}, positions=held, ids=desk.ids, now=now), told[key]
    if file.order.post_only:
        taking = taking_problem(file.order.side, terms, quote, booking.now)
        if taking is not None:
            return _refused(file.order, taking)
    plain = pre_trade.proposal(
        key,
        file.order,
        instrument,
        booking,
        step=Step.CHANGE,
        terms=terms,
        adds_quantity=max(terms.quantity - file.order.terms.quantity, ZERO),
    )
    proposal = plain
    of_shares: tuple[RiskCheck, ...] = ()
    if file.order.allocation is not None:
        facts = await block_facts(session, [place], {key: account}, pre_trade, market)
        account = facts.accounts.get(key, account)
        proposal, of_shares = held_as_block(pre_trade, plain, file.order.allocation, key, account, facts)
    checks = pre_trade.check(key, proposal)
    if not of_shares:
        # Of what is dealt for several no single figure would do.
        is_barred = _bar(file.order, terms, account, plain, proposal) is not None
        checks = pre_trade.explained(key, proposal, checks, is_barred=is_barred)
    checks += of_shares
    refusal = _refusal(file.order, terms, account, plain, proposal, checks)
    if refusal is None and not only_shrinks(file.order.terms, terms):
        restrictions = await restrictions_on(session, key.tenant_id, [instrument])
        verdict = restricted(restrictions, booking, RestrictedAct.MODIFY, file.order, principal.actor, proposal)
        refusal = verdict.refusal
    if refusal is None:
        reasons = _approval_reasons(account, file.order, plain, now)
        if reasons:
            refusal = problem(OrderProblem.APPROVAL_REQUIRED, "orderId", message="; ".join(reasons))
    request = OrderRequest(
        id=RequestId(booking.ids.new()),
        order_id=file.order.id,
        kind=RequestKind.REPLACE,
        outcome=RequestOutcome.PENDING,
        terms=terms,
        reason=None,
        requested_by=principal.actor,
        requested_at=booking.now,
        risk_checks=checks,
    )
    if refusal is not None:
        _book_refusal(key, file.order, request, refusal, principal, booking)
        await booking.write(session)
        return _refused(file.order, refusal)
    order = _book(key, file, request, principal, booking)
    await booking.write(session)
    return Placement(order=order)


def _refusal(
    order: Order,
    terms: OrderTerms,
    account: AccountFacts,
    plain: Proposal,
    proposal: Proposal,
    checks: tuple[RiskCheck, ...],
) -> Problem | None:
    barred, breach = _bar(order, terms, account, plain, proposal), first_breach(checks)
    if breach is None or (barred is not None and barred.code != OrderProblem.INSTRUMENT_FROZEN):
        return barred
    return breach_problem(breach)


def _bar(order: Order, terms: OrderTerms, account: AccountFacts, plain: Proposal, proposal: Proposal) -> Problem | None:
    # What keeps the new terms out whatever the limits say. A halt comes before them, a frozen instrument after.
    halted = change_halted_out(account, order, terms, proposal)
    if halted is not None:
        return problem(halted, "orderId")
    if terms.quantity > order.terms.quantity and is_frozen_out(account, plain):
        return problem(OrderProblem.INSTRUMENT_FROZEN, "quantity")
    return None


def _approval_reasons(account: AccountFacts, order: Order, after: Proposal, now: datetime) -> tuple[str, ...]:
    own = reserved_quantity(order, None)
    bought, sold = (own, ZERO) if order.side is Side.BUY else (ZERO, own)
    others = replace(
        after.exposure,
        open_buy_quantity=after.exposure.open_buy_quantity - bought,
        open_sell_quantity=after.exposure.open_sell_quantity - sold,
    )
    # What is filled already moved the position: the rest alone can still do so.
    before = replace(after, terms=order.terms, exposure=others)
    return change_reasons(
        account, before, replace(after, exposure=others), filled_quantity=order.filled_quantity, now=now
    )


def _book_refusal(
    key: AccountKey, order: Order, asked: OrderRequest, refusal: Problem, principal: Principal, booking: Booking
) -> None:
    request = replace(
        asked,
        outcome=RequestOutcome.REJECTED,
        reason=f"{refusal.code}: {refusal.message}",
        resolved_at=booking.now,
        is_house_refusal=True,
    )
    booking.put_order(order)
    booking.new_requests.append((key.tenant_id, request))
    booking.log(
        key,
        [
            booking.followed(
                OrderEventType.REPLACE_REFUSED,
                order,
                order.state,
                by=principal.actor,
                details={**request_details(request, order), "code": refusal.code},
                reason=refusal.message,
            )
        ],
    )
    told = {"outcome": request.outcome.value, "code": refusal.code, "reason": refusal.message}
    booking.audit.append(_entry(order, request, principal, booking, told))


def _book(key: AccountKey, file: OrderFile, request: OrderRequest, principal: Principal, booking: Booking) -> Order:
    order = replace_asked(file.order, booking.now)
    booking.put_order(order)
    booking.new_requests.append((key.tenant_id, request))
    booking.lane.append(LaneEntry(key=key, kind=LaneKind.REPLACE, order_id=order.id, request_id=request.id))
    booking.reserve(
        key,
        order.instrument_id,
        order.side,
        reserved_quantity(order, request.terms) - reserved_quantity(file.order, None),
    )
    booking.log(
        key,
        [
            OrderEvent(
                type=OrderEventType.REPLACE_REQUESTED.value,
                order_id=order.id,
                account_id=order.account_id,
                from_state=file.order.state,
                to_state=order.state,
                actor=principal.actor,
                details=request_details(request, file.order),
                occurred_at=booking.now,
            )
        ],
    )
    booking.audit.append(_entry(file.order, request, principal, booking, {}))
    return order


def _entry(
    before: Order, request: OrderRequest, principal: Principal, booking: Booking, told: dict[str, str]
) -> AuditEntry:
    assert request.terms is not None, "a modify has terms"
    return audit.entry(
        principal,
        "order.modify",
        "Order",
        before.id,
        entry_id=booking.ids.new(),
        now=booking.now,
        old=terms_document(before.terms),
        new={**terms_document(request.terms), **told},
    )


async def _instrument_of(desk: Desk, principal: Principal, change: OrderChange) -> Instrument | None:
    tenant_id = principal.tenant_id
    async with begin_batch(desk.database, tenant_id, accounts=principal.tradable) as session:
        order = (await orders.orders_by_id(session, tenant_id, [change.order_id])).get(change.order_id)
        if order is None:
            return None
        found = await instruments.find(session, ids=[(tenant_id, order.instrument_id)])
    return found[0][1]


def _refused(order: Order | None, *problems: Problem) -> Placement:
    return Placement(order=order, problems=problems)
