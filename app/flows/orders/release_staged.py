"""releaseOrders: staged orders are checked again at today's prices and leave, by request or when their time comes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.audit import service as audit
from app.brokers import batch as brokers
from app.brokers.batch import AccountFacts
from app.compliance.domain.restrictions import RestrictedAct, Restriction
from app.core.clock import Clock
from app.core.errors import Problem, UnavailableError
from app.core.fix import OrderState, RejectOrigin
from app.core.ids import Ids, InstrumentId, OrderId, TenantId
from app.core.messages import AccountKey, Instrument, LaneKind, LookStep, RiskCheck, Tick
from app.core.records import replace
from app.flows.compliance.restrictions import restricted, restrictions_on
from app.flows.desk import Desk
from app.flows.halts.trading_modes import halted_out
from app.flows.hints import LANES, OUTBOX, hint
from app.flows.orders.booking import Booking
from app.flows.orders.follow_links import Links
from app.flows.orders.later_looks import looked_again
from app.flows.orders.place_blocks import NO_BLOCKS, BlockFacts, block_facts, held_as_block
from app.flows.orders.place_orders import is_frozen_out
from app.flows.orders.placement import Placement, breach_code
from app.flows.orders.pre_trade import Asked, Market, PreTrade, read_pre_trade
from app.identity.domain import Principal
from app.identity.domain.access import system_principal
from app.infra.db import CONNECTION_LOST, BatchSession, Database
from app.infra.redis import Redis
from app.infra.uow import begin_batch
from app.instruments import batch as instruments
from app.marketdata import service as marketdata
from app.orders.domain.order import Order, OrderEvent, reserved_quantity
from app.orders.domain.order_file import OrderFile
from app.orders.domain.placing import problem
from app.orders.errors import OrderProblem
from app.orders.events import OrderEventType
from app.orders.repository import account_books, linked_orders
from app.orders.repository import batch as orders
from app.orders.repository.lanes import LaneEntry
from app.positions import batch as positions
from app.risk.domain import Step, first_breach, waits_for_room

RELEASED_MAX = 500
"""How many orders one request or one look at the clock releases."""

_NOW_HELD = "released; waits for the connection"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    accounts: Mapping[AccountKey, AccountFacts]
    pre_trade: PreTrade
    instruments: Mapping[InstrumentId, Instrument]
    blocks: BlockFacts
    restrictions: Sequence[Restriction]


async def release_staged(desk: Desk, principal: Principal, order_ids: Sequence[OrderId]) -> list[Placement]:
    """What became of each of the orders, in their sequence, at most RELEASED_MAX.

    One that breaches a limit now stays staged, and its problems say why; what the limits said is kept with it, and who
    asked is in the audit log. Raises UnavailableError when the database does not answer.
    """
    assert len(order_ids) <= RELEASED_MAX
    tenant_id = principal.tenant_id
    try:
        quotes = await _quotes(desk.database, desk.redis, tenant_id, order_ids)
        async with begin_batch(desk.database, tenant_id, accounts=principal.tradable) as session:
            work = await _begin(
                session,
                tenant_id,
                order_ids,
                quotes,
                market=desk.intake.market,
                clock=desk.clock,
                ids=desk.ids,
                is_walled=principal.tradable is not None,
            )
            placements = [work.release(order_id, principal) for order_id in order_ids]
            work.note_refusals(principal)
            await work.write(session)
    except CONNECTION_LOST as error:
        raise UnavailableError("the order store does not answer; ask again") from error
    if any(not placement.problems for placement in placements):
        await hint(desk.redis, LANES, OUTBOX)
    return placements


async def release_due(database: Database, redis: Redis, key: AccountKey, *, clock: Clock, ids: Ids) -> int:
    """Releases the orders of the account whose time has come, and tells how many it decided.

    One that breaches a limit now is rejected: nobody is there to try again. One that only the rate of orders has no
    room for waits for it, and is looked at again the next time. Each is decided under the lock of the account's book,
    so that it leaves once, whoever looks at the clock.
    """
    async with begin_batch(database, key.tenant_id) as session:
        due = await linked_orders.due_orders(session, key, clock.now(), RELEASED_MAX)
    if not due:
        return 0
    quotes = await _quotes(database, redis, key.tenant_id, due)
    schedule = system_principal(key.tenant_id, "schedule")
    async with begin_batch(database, key.tenant_id) as session:
        market = Market(redis=redis)
        work = await _begin(session, key.tenant_id, due, quotes, market=market, clock=clock, ids=ids)
        for order_id in due:
            placement = work.release(order_id, schedule, is_timed=True)
            breach = work.breaches.get(order_id)
            if placement.order is not None and breach is not None:
                await work.reject(session, placement.order, breach, schedule)
        await work.write(session)
    return len(due) - len(work.waiting)


async def _quotes(
    database: Database, redis: Redis, tenant_id: TenantId, order_ids: Sequence[OrderId]
) -> dict[InstrumentId, Tick]:
    async with begin_batch(database, tenant_id) as session:
        found = await orders.orders_by_id(session, tenant_id, order_ids)
    return await marketdata.reachable_quotes(redis, tenant_id, list({order.instrument_id for order in found.values()}))


async def _begin(
    session: BatchSession,
    tenant_id: TenantId,
    order_ids: Sequence[OrderId],
    quotes: Mapping[InstrumentId, Tick],
    *,
    market: Market,
    clock: Clock,
    ids: Ids,
    is_walled: bool = False,
) -> "_Work":
    accounts = await linked_orders.accounts_of(session, tenant_id, order_ids)
    keys = [AccountKey(tenant_id=tenant_id, account_id=account_id) for account_id in accounts]
    books = await account_books.books_for_update(session, keys)
    found = await orders.orders_by_id(session, tenant_id, order_ids)
    instrument_ids = {order.instrument_id for order in found.values()}
    known = await instruments.find(session, ids=[(tenant_id, one) for one in instrument_ids])
    told = await brokers.account_facts(session, keys)
    places = {(_key_of(order), order.instrument_id) for order in found.values()}
    traded = {(tenant_id, instrument_id) for _, instrument_id in places}
    now = clock.now()
    pre_trade, (held,) = await read_pre_trade(
        session,
        Asked(keys=keys, places=traded, is_walled=is_walled),
        (positions.positions_at(places),),
        quotes=quotes,
        market=market,
        now=now,
    )
    blocks = [(_key_of(order), order.instrument_id) for order in found.values() if order.allocation is not None]
    shared = await block_facts(session, blocks, told, pre_trade, market) if blocks else NO_BLOCKS
    facts = _Facts(
        accounts={**told, **shared.accounts},
        blocks=shared,
        pre_trade=pre_trade,
        instruments={instrument.id: instrument for _, instrument in known},
        restrictions=await restrictions_on(session, tenant_id, [instrument for _, instrument in known]),
    )
    booking = Booking(books=books, positions=held, ids=ids, now=now)
    return _Work(orders=found, facts=facts, booking=booking)


@dataclass(slots=True, kw_only=True)
class _Work:
    orders: dict[OrderId, Order]
    facts: _Facts
    booking: Booking
    breaches: dict[OrderId, Problem] = field(default_factory=dict)
    waiting: set[OrderId] = field(default_factory=set)
    released: list[OrderId] = field(default_factory=list)
    looked: set[OrderId] = field(default_factory=set)

    def release(self, order_id: OrderId, principal: Principal, *, is_timed: bool = False) -> Placement:
        order = self.orders.get(order_id)
        if order is None:
            return Placement(order=None, problems=(problem(OrderProblem.ORDER_NOT_FOUND, "orderIds"),))
        if not order.is_staged or order.state is not OrderState.HELD:
            return Placement(order=order, problems=(problem(OrderProblem.ORDER_NOT_STAGED, "orderIds"),))
        key, pre_trade = _key_of(order), self.facts.pre_trade
        # It is reserved and counted since it was staged.
        instrument = self.facts.instruments[order.instrument_id]
        plain = pre_trade.proposal(key, order, instrument, self.booking, step=Step.RELEASE, leaving=[order])
        proposal, of_shares = held_as_block(
            pre_trade, plain, order.allocation, key, self.facts.accounts[key], self.facts.blocks
        )
        checks = pre_trade.check(key, proposal)
        halted = halted_out(self.facts.accounts[key], proposal, order.placed_by, order.allocation)
        is_frozen = is_frozen_out(self.facts.accounts[key], proposal)
        if not of_shares:
            checks = pre_trade.explained(key, proposal, checks, is_barred=halted is not None or is_frozen)
        checks += of_shares
        breach = first_breach(checks)
        if is_timed and halted is None and not is_frozen and waits_for_room(checks):
            # It is looked at anew until there is room: what is said of it is kept and told when it leaves.
            self.waiting.add(order_id)
            return Placement(order=order)
        order = self._kept(order, checks, principal)
        refused = None
        if halted is not None:
            refused = problem(halted, "orderIds")
        elif breach is not None:
            refused = Problem(code=breach_code(breach), message=breach.message, path=("orderIds",))
        elif is_frozen:
            refused = problem(OrderProblem.INSTRUMENT_FROZEN, "orderIds")
        verdict = restricted(
            self.facts.restrictions, self.booking, RestrictedAct.RELEASE, order, principal.actor, proposal
        )
        if refused is None and verdict.refusal is not None:
            refused = replace(verdict.refusal, path=("orderIds",))
        if refused is not None:
            self.breaches[order_id] = refused
            return Placement(order=order, problems=(refused,))
        pre_trade.let_go(key, order)
        return Placement(order=self._route(order, principal))

    def note_refusals(self, principal: Principal) -> None:
        for order_id, refusal in self.breaches.items():
            state = {"state": self.orders[order_id].state.value}
            refused = {**state, "code": refusal.code, "reason": refusal.message}
            self._audit(order_id, principal, old=state, new=refused)

    async def reject(self, session: BatchSession, order: Order, breach: Problem, principal: Principal) -> None:
        key, booking = _key_of(order), self.booking
        file = OrderFile(order=order)
        links = await Links.of(session, key, [file])
        over = replace(
            order,
            state=OrderState.REJECTED,
            reject_origin=RejectOrigin.OMS,
            reject_code=breach.code,
            reject_reason=breach.message,
        )
        self._book(OrderEventType.ORDER_REJECTED, order, over, principal, reason=breach.message)
        booking.count_open(key, -1)
        booking.reserve(key, order.instrument_id, order.side, -reserved_quantity(order, None))
        await links.settle(session, {order.id: replace(file, order=over)}, booking)

    async def write(self, session: BatchSession) -> None:
        await self.booking.write(session)
        if self.released:
            tenant_id = self.orders[self.released[0]].tenant_id
            await session.write([linked_orders.unstage(tenant_id, self.released)])
        if self.looked:
            # By itself: the writes of one round trip may not touch a row twice.
            looked = [self.orders[order_id] for order_id in sorted(self.looked)]
            await session.write([orders.store_checks(looked[0].tenant_id, looked)])

    def _kept(self, order: Order, checks: tuple[RiskCheck, ...], principal: Principal) -> Order:
        if not checks:
            return order
        said = looked_again(order, checks, LookStep.RELEASE, principal.actor, self.booking.now)
        self.orders[order.id] = replace(order, risk_checks=said)
        self.looked.add(order.id)
        return self.orders[order.id]

    def _route(self, order: Order, principal: Principal) -> Order:
        key = _key_of(order)
        is_open = self.facts.accounts[key].is_gate_open
        routed = replace(order, is_staged=False, state=OrderState.ROUTED if is_open else OrderState.HELD)
        if is_open:
            self.booking.lane.append(LaneEntry(key=key, kind=LaneKind.PLACE, order_id=order.id))
            self._book(OrderEventType.ORDER_ROUTED, order, routed, principal)
        else:
            self._book(OrderEventType.ORDER_HELD, order, routed, principal, reason=_NOW_HELD)
        self.released.append(order.id)
        return routed

    def _book(
        self,
        event_type: OrderEventType,
        before: Order,
        order: Order,
        principal: Principal,
        *,
        reason: str | None = None,
    ) -> None:
        booking = self.booking
        self.orders[order.id] = order
        booking.put_order(order)
        details: dict[str, Any] = {} if order.is_staged else {"staged": False}
        if order.reject_origin is not None:
            details |= {"rejectOrigin": order.reject_origin.value, "code": order.reject_code}
        event = OrderEvent(
            type=event_type.value,
            order_id=order.id,
            account_id=order.account_id,
            from_state=before.state,
            to_state=order.state,
            actor=principal.actor,
            reason=reason,
            details=details,
            occurred_at=booking.now,
        )
        booking.log(_key_of(order), [event])
        self._audit(order.id, principal, old={"state": before.state.value}, new={"state": order.state.value})

    def _audit(self, order_id: OrderId, principal: Principal, *, old: dict[str, str], new: dict[str, str]) -> None:
        booking = self.booking
        booking.audit.append(
            audit.entry(
                principal,
                "order.release",
                "Order",
                order_id,
                entry_id=booking.ids.new(),
                now=booking.now,
                old=old,
                new=new,
            )
        )


def _key_of(order: Order) -> AccountKey:
    return AccountKey(tenant_id=order.tenant_id, account_id=order.account_id)
