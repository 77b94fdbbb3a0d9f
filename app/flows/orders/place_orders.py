"""placeOrder: a batch of orders goes through one transaction, each on its own merits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.approvals.domain import OrderApproval, approvals_document
from app.audit import service as audit
from app.brokers import batch as brokers
from app.brokers.batch import AccountFacts
from app.compliance.domain.restrictions import RestrictedAct
from app.compliance.restrictions_batch import Restrictions, restrictions_of
from app.core.arrival import arrival_of
from app.core.errors import Problem
from app.core.fix import OrderState, PositionAim, RejectOrigin, Side
from app.core.ids import Ids, InstrumentId, OrderId, TenantId
from app.core.messages import AccountKey, Aim, Instrument, LaneKind, NewOrder, OcoLeg, RiskCheck, Tick
from app.core.money import ZERO
from app.core.records import replace
from app.flows.approvals.approval_policies import needed_approvals
from app.flows.compliance.restrictions import restricted
from app.flows.halts.trading_modes import halted_out
from app.flows.orders.booking import Booking
from app.flows.orders.follow_links import place_linked
from app.flows.orders.place_blocks import (
    NO_BLOCKS,
    BlockFacts,
    block_facts,
    block_problem,
    held_as_block,
    route_problem,
)
from app.flows.orders.placement import Placement, breach_problem, refused, rejection_problems
from app.flows.orders.pre_trade import Asked, Market, PreTrade, read_pre_trade
from app.flows.orders.quoted import beyond_zero_problem, reference_price, taking_problem
from app.identity.domain import Principal
from app.infra.db import BatchSession
from app.orders.domain.aiming import aimed
from app.orders.domain.journal import placement_details
from app.orders.domain.linking import link_first, linked_client_order_ids, linked_roles
from app.orders.domain.order import Order, OrderEvent
from app.orders.domain.placing import (
    expiry_problem,
    grid_problems,
    linked_grid_problems,
    problem,
    terms_hash,
)
from app.orders.errors import OrderProblem
from app.orders.events import OrderEventType
from app.orders.repository import account_books
from app.orders.repository import batch as orders
from app.orders.repository.lanes import LaneEntry
from app.positions import batch as positions
from app.risk.domain import Proposal, Step, adds_risk, canceled_for, first_breach


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What placing would make of an order, with nothing stored, and whether its account's broker takes orders now."""

    placement: Placement
    is_gate_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """An order on its way into a batch: who asks, what, under which id, and which instruments it may mean."""

    principal: Principal
    new: NewOrder
    order_id: OrderId
    matches: tuple[Instrument, ...]
    key: AccountKey


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    accounts: Mapping[AccountKey, AccountFacts]
    known: dict[tuple[AccountKey, str], Order]
    quotes: Mapping[InstrumentId, Tick]
    pre_trade: PreTrade
    restrictions: Restrictions
    blocks: BlockFacts = NO_BLOCKS
    cancels_resting: bool = False
    put_off: set[tuple[AccountKey, InstrumentId]] = field(default_factory=set)


async def place_batch(
    session: BatchSession,
    intents: Sequence[Intent],
    quotes: Mapping[InstrumentId, Tick],
    *,
    market: Market,
    now: datetime,
    ids: Ids,
    is_walled: bool = False,
    cancels_resting: bool = False,
) -> list[Placement]:
    """Decides and stores a batch in the order of its arrival, against the exposure that is running.

    The transaction has locked the books of the batch at its opening, and before them what locking_washes locks.
    is_walled is that of beyond_walls. An order that would go once resting ones are canceled is held for their end where
    the transaction cancels_resting; otherwise nothing is stored of it, nor of what comes behind it in the same place.
    """
    facts, booking = await _known(
        session,
        intents,
        quotes,
        market=market,
        now=now,
        ids=ids,
        is_walled=is_walled,
        cancels_resting=cancels_resting,
    )
    placements = [_decide(intent, facts, booking) for intent in intents]
    await booking.write(session)
    return placements


async def rehearse(
    session: BatchSession,
    intent: Intent,
    quotes: Mapping[InstrumentId, Tick],
    *,
    market: Market,
    now: datetime,
    ids: Ids,
) -> Rehearsal:
    """What a batch of this order alone would make of it now: nothing is locked, and nothing is written.

    Whom it would meet in accounts that the principal may not see is not told: nothing would keep anybody from asking
    price by price, and unlike an order a question leaves no trace.
    """
    is_walled = intent.principal.tradable is not None
    facts, booking = await _known(
        session,
        [intent],
        quotes,
        market=market,
        now=now,
        ids=ids,
        is_walled=is_walled,
        cancels_resting=True,
        is_rehearsal=True,
    )
    seen = intent.principal.viewable
    if seen is not None:
        for place, resting in facts.pre_trade.resting.items():
            facts.pre_trade.resting[place] = [one for one in resting if one.account_id in seen]
    account = facts.accounts.get(intent.key)
    return Rehearsal(
        placement=_decide(intent, facts, booking),
        is_gate_open=account is not None and account.is_gate_open,
    )


async def _known(
    session: BatchSession,
    intents: Sequence[Intent],
    quotes: Mapping[InstrumentId, Tick],
    *,
    market: Market,
    now: datetime,
    ids: Ids,
    is_walled: bool,
    cancels_resting: bool,
    is_rehearsal: bool = False,
) -> tuple[_Facts, Booking]:
    keys = {intent.key for intent in intents}
    names = [(intent.key, one) for intent in intents for one in _client_order_ids(intent.new)]
    places = {(intent.key, match.id) for intent in intents for match in intent.matches}
    traded = {(key.tenant_id, instrument_id) for key, instrument_id in places}
    sides: dict[tuple[TenantId, InstrumentId], set[Side]] = {}
    for intent in intents:
        for match in intent.matches:
            sides.setdefault((intent.key.tenant_id, match.id), set()).update(_sides(intent.new))
    pre_trade, (books, accounts, held, is_known, restrictions) = await read_pre_trade(
        session,
        Asked(keys=keys, places=traded, sides=sides, is_walled=is_walled),
        (
            account_books.locked_books(keys),
            brokers.facts_of(keys),
            positions.positions_at(places),
            orders.client_ids_taken(names),
            restrictions_of((intent.key.tenant_id, match) for intent in intents for match in intent.matches),
        ),
        quotes=quotes,
        market=market,
        now=now,
        is_rehearsal=is_rehearsal,
    )
    known = await orders.orders_by_client_id(session, names) if is_known else {}
    blocks = NO_BLOCKS
    asked = [intent for intent in intents if intent.new.allocation is not None]
    if asked:
        shared = {(intent.key, match.id) for intent in asked for match in intent.matches}
        blocks = await block_facts(session, shared, accounts, pre_trade, market)
        accounts = {**accounts, **blocks.accounts}
    facts = _Facts(
        accounts=accounts,
        known=known,
        quotes=quotes,
        pre_trade=pre_trade,
        restrictions=restrictions,
        blocks=blocks,
        cancels_resting=cancels_resting,
    )
    return facts, Booking(books=books, positions=held, ids=ids, now=now)


def _decide(intent: Intent, facts: _Facts, booking: Booking) -> Placement:
    account = facts.accounts.get(intent.key)
    if account is None or intent.key not in booking.books or not intent.principal.may_trade(intent.key.account_id):
        if intent.new.through is not None:
            return refused(OrderProblem.ALLOCATION_ACCOUNT_UNKNOWN, "allocation", "accountId")
        return refused(OrderProblem.ACCOUNT_NOT_FOUND, "accountId")
    if not intent.matches:
        return refused(OrderProblem.INSTRUMENT_NOT_FOUND, "symbol" if intent.new.symbol else "instrumentId")
    if len(intent.matches) > 1:
        return refused(OrderProblem.INSTRUMENT_AMBIGUOUS, "symbol")
    instrument = intent.matches[0]
    asked = terms_hash(intent.new, instrument.id)
    known = facts.known.get((intent.key, intent.new.client_order_id))
    derived = linked_client_order_ids(intent.new)
    if known is not None:
        if known.terms_hash != asked:
            return refused(OrderProblem.IDEMPOTENCY_CONFLICT, "clientOrderId")
        named = (facts.known.get((intent.key, one)) for one in derived)
        return Placement(
            order=known,
            problems=rejection_problems(known),
            linked=tuple(one for one in named if one is not None),
        )
    if any((intent.key, one) in facts.known for one in derived):
        return refused(OrderProblem.IDEMPOTENCY_CONFLICT, "clientOrderId")
    if not account.is_active:
        return refused(OrderProblem.ACCOUNT_INACTIVE, "accountId")
    if not instrument.is_active:
        return refused(OrderProblem.INSTRUMENT_INACTIVE, "instrumentId")
    if intent.new.allocation is not None or intent.new.through is not None or account.adviser is not None:
        misrouted = route_problem(intent.new, account)
        if misrouted is None and intent.new.allocation is not None:
            misrouted = block_problem(intent.new, intent.key, account, instrument, facts.blocks)
        if misrouted is not None:
            return Placement(order=None, problems=(misrouted,))
    if intent.new.aim is not None:
        found = _aimed(intent, intent.new.aim, instrument.id, booking)
        if isinstance(found, Problem):
            return Placement(order=None, problems=(found,))
        intent = found
    if intent.new.release_at is not None and intent.new.release_at <= booking.now:
        return refused(OrderProblem.RELEASE_TIME_INVALID, "releaseAt")
    untimely = expiry_problem(intent.new.terms, booking.now)
    if untimely is None and intent.new.oco is not None:
        untimely = expiry_problem(intent.new.oco.terms, booking.now)
        untimely = untimely and replace(untimely, path=("legs", "1", *untimely.path))
    if untimely is not None:
        return Placement(order=None, problems=(untimely,))
    off_grid = grid_problems(intent.new.terms, instrument) + linked_grid_problems(intent.new, instrument)
    if off_grid:
        return Placement(order=None, problems=off_grid)
    beyond = beyond_zero_problem(intent.new, facts.quotes.get(instrument.id), booking.now)
    if beyond is not None:
        return Placement(order=None, problems=(beyond,))
    if intent.new.post_only:
        taking = taking_problem(intent.new.side, intent.new.terms, facts.quotes.get(instrument.id), booking.now)
        if taking is not None:
            return Placement(order=None, problems=(taking,))
    told = len(booking.alerts)
    order, proposals = _checked(intent, instrument, asked, account, facts, booking)
    asked_approvals: list[OrderApproval] = []
    if account.approval_policies and order.state is not OrderState.REJECTED:
        asked_approvals = needed_approvals(
            account, proposals, tenant_id=order.tenant_id, order_id=order.id, now=booking.now
        )
        if asked_approvals and (order.waits_for_others or order.waits_for):
            message = "an order that takes working orders along cannot wait for approval: cancel them first"
            return Placement(order=None, problems=(problem(OrderProblem.APPROVAL_REQUIRED, message=message),))
        if asked_approvals:
            order = replace(order, state=OrderState.PENDING_APPROVAL)
    place = (intent.key, instrument.id)
    is_refused = order.state is OrderState.REJECTED
    if not is_refused and not facts.cancels_resting and (order.waits_for or place in facts.put_off):
        # What comes behind it in the batch stays behind it.
        facts.put_off.add(place)
        del booking.alerts[told:]
        return Placement(order=None, meets_resting=True)
    facts.known[intent.key, order.client_order_id] = order
    _book(intent, order, asked_approvals, booking)
    if order.state is OrderState.REJECTED:
        return Placement(order=order, problems=rejection_problems(order))
    if order.link_role is None:
        facts.pre_trade.taken(intent.key, proposals, [order])
        return Placement(order=order)
    linked = place_linked(order, intent.new, intent.key, intent.principal, booking, asked_approvals)
    facts.known.update({(intent.key, one.client_order_id): one for one in linked})
    facts.pre_trade.taken(intent.key, proposals, [order, *linked])
    return Placement(order=order, linked=linked)


def _checked(
    intent: Intent,
    instrument: Instrument,
    asked: bytes,
    account: AccountFacts,
    facts: _Facts,
    booking: Booking,
) -> tuple[Order, list[Proposal]]:
    new, key = intent.new, intent.key
    covered = ZERO if new.aim is None else new.aim.covered
    quote = facts.quotes.get(instrument.id)
    order = _order(intent, instrument, asked, booking, quote, is_gate_open=account.is_gate_open)
    proposal = facts.pre_trade.proposal(
        key,
        order,
        instrument,
        booking,
        step=Step.NEW,
        adds_quantity=max(new.terms.quantity - covered, ZERO),
        adds_orders=1 + len(linked_roles(new)) + (ZERO < covered < new.terms.quantity),
    )
    exits = (new.stop_loss, new.take_profit) if new.side is Side.BUY else (new.take_profit, new.stop_loss)
    proposal = replace(proposal, can_wait=_can_wait(new), exits=exits)
    of_shares: tuple[RiskCheck, ...] = ()
    if new.allocation is not None:
        is_walled = intent.principal.accounts is not None
        proposal, of_shares = held_as_block(
            facts.pre_trade, proposal, new.allocation, key, account, facts.blocks, is_walled=is_walled
        )
    checks = facts.pre_trade.check(key, proposal)
    if not of_shares and new.oco is None:
        # Of what is dealt for several, or in a pair, no single figure would do.
        is_barred = halted_out(account, proposal, order.placed_by) is not None or is_frozen_out(account, proposal)
        checks = facts.pre_trade.explained(key, proposal, checks, is_barred=is_barred)
    checks += of_shares
    proposals = [proposal]
    if new.oco is not None:
        proposals.append(_second_leg(proposal, new.oco, quote, booking.now))
        checks += facts.pre_trade.check(key, proposals[1])
    order = replace(order, risk_checks=checks)
    restrictions = facts.restrictions.get(key.tenant_id, ())
    refusal = restricted(restrictions, booking, RestrictedAct.PLACE, order, order.placed_by, *proposals).refusal
    breach = first_breach(checks)
    halts = (halted_out(account, one, order.placed_by, new.allocation) for one in proposals)
    halted = next((one for one in halts if one is not None), None)
    if halted is not None:
        refusal = problem(halted)
    elif breach is not None:
        refusal = breach_problem(breach)
    elif any(is_frozen_out(account, one) for one in proposals):
        refusal = problem(OrderProblem.INSTRUMENT_FROZEN)
    if refusal is None:
        resting = canceled_for(checks)
        if resting:
            order = replace(order, state=OrderState.HELD, waits_for=resting)
        return order, proposals
    rejected = replace(
        order,
        state=OrderState.REJECTED,
        reject_origin=RejectOrigin.OMS,
        reject_code=refusal.code,
        reject_reason=refusal.message,
    )
    return rejected, proposals


def _order(
    intent: Intent, instrument: Instrument, asked: bytes, booking: Booking, quote: Tick | None, *, is_gate_open: bool
) -> Order:
    new = intent.new
    order = Order(
        id=intent.order_id,
        tenant_id=intent.key.tenant_id,
        account_id=new.account_id,
        instrument_id=instrument.id,
        client_order_id=new.client_order_id,
        terms_hash=asked,
        side=new.side,
        order_type=new.order_type,
        terms=new.terms,
        post_only=new.post_only,
        outside_regular_hours=new.outside_regular_hours,
        origin=new.origin,
        metadata=new.metadata,
        placed_by=intent.principal.actor,
        closes_position=new.aim is not None and new.aim.kind is PositionAim.CLOSE,
        is_staged=new.is_staged,
        release_at=new.release_at,
        allocation=new.allocation,
        arrival=arrival_of(quote),
        state=OrderState.ROUTED if is_gate_open and not new.is_staged else OrderState.HELD,
        created_at=booking.now,
        updated_at=booking.now,
    )
    if new.aim is not None and new.aim.covered > ZERO:
        order = replace(order, state=OrderState.HELD, close_id=order.id)
    if new.take_profit is not None or new.stop_loss is not None or new.oco is not None:
        order = link_first(order, new)
    return order


def _can_wait(new: NewOrder) -> bool:
    # A close and a pair hang with others already, a block is several orders, and what is staged is not on its way.
    return new.aim is None and new.oco is None and new.allocation is None and new.through is None and not new.is_staged


def is_frozen_out(account: AccountFacts, proposal: Proposal) -> bool:
    """True when a break of the position keeps the order out: it would add risk, by our book or by the broker's."""
    if not account.frozen:
        return False
    held = account.frozen.get(proposal.instrument.id)
    return held is not None and adds_risk(proposal, held)


def _aimed(intent: Intent, aim: Aim, instrument_id: InstrumentId, booking: Booking) -> Intent | Problem:
    position = booking.position(intent.key, instrument_id)
    found = aimed(aim, position.quantity, position.open_buy_quantity, position.open_sell_quantity)
    if isinstance(found, Problem):
        return found
    side, quantity = found
    new = replace(intent.new, side=side, terms=replace(intent.new.terms, quantity=quantity))
    return replace(intent, new=new)


def _second_leg(first: Proposal, leg: OcoLeg, quote: Tick | None, now: datetime) -> Proposal:
    return replace(
        first,
        side=leg.side,
        order_type=leg.order_type,
        terms=leg.terms,
        adds_quantity=leg.terms.quantity,
        reference=reference_price(quote, leg.side, now),
    )


def _sides(new: NewOrder) -> Iterable[Side]:
    # On which side one deals that is to end or turn a position, the position tells.
    if new.aim is not None:
        return Side
    return (new.side,) if new.oco is None else (new.side, new.oco.side)


def _client_order_ids(new: NewOrder) -> tuple[str, ...]:
    return (new.client_order_id, *linked_client_order_ids(new))


def _book(intent: Intent, order: Order, approvals: Sequence[OrderApproval], booking: Booking) -> None:
    key = intent.key
    booking.put_new(order)
    booking.new_approvals.extend(approvals)
    details = placement_details(order)
    if approvals:
        details["approval"] = approvals_document(approvals)
    is_rejected = order.state is OrderState.REJECTED
    event_type = {
        OrderState.REJECTED: OrderEventType.ORDER_REJECTED,
        OrderState.HELD: OrderEventType.ORDER_HELD,
        OrderState.PENDING_APPROVAL: OrderEventType.ORDER_APPROVAL_REQUESTED,
    }.get(order.state, OrderEventType.ORDER_PLACED)
    booking.log(
        key,
        [
            OrderEvent(
                type=event_type.value,
                order_id=order.id,
                account_id=order.account_id,
                from_state=OrderState.NEW,
                to_state=order.state,
                actor=order.placed_by,
                reason=order.reject_reason,
                details=details,
                occurred_at=booking.now,
            )
        ],
    )
    booking.audit.append(
        audit.entry(
            intent.principal,
            "order.place",
            "Order",
            order.id,
            entry_id=booking.ids.new(),
            now=booking.now,
            new={**details, "state": order.state.value},
        )
    )
    if is_rejected:
        return
    booking.count_open(key, 1)
    if not order.waits_for_others:
        booking.reserve(key, order.instrument_id, order.side, order.terms.quantity)
    if order.state is OrderState.ROUTED:
        booking.lane.append(LaneEntry(key=key, kind=LaneKind.PLACE, order_id=order.id))
