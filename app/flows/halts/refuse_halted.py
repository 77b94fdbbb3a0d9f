"""What waits in an account's lane and a halt keeps out is refused by the house before the connector takes anything."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.brokers import batch as brokers
from app.brokers.batch import AccountFacts
from app.core.fix import OrderState, RejectOrigin, RequestOutcome
from app.core.ids import Ids, InstrumentId, OrderId
from app.core.messages import AccountKey, Instrument, LaneCommand, LaneKind, NotFoundReport, OrderAddress
from app.core.money import ZERO
from app.core.records import replace
from app.flows.compliance.restrictions import proposal_of
from app.flows.halts.trading_modes import HALTS, change_halted_out, halted_out
from app.flows.marketdata.instrument_directory import InstrumentMemory
from app.flows.orders.booking import Booking
from app.flows.orders.follow_links import Links
from app.flows.orders.place_blocks import NO_BLOCKS, BlockFacts, block_facts, held_as_block
from app.flows.orders.pre_trade import PreTrade
from app.flows.reports.apply_reports import apply_reports
from app.infra.db import BatchSession
from app.orders.domain.changing import replace_refused
from app.orders.domain.claiming import waits_to_be_claimed
from app.orders.domain.journal import broker_names, resolution
from app.orders.domain.order import Order, OrderRequest, reserved_quantity
from app.orders.domain.order_file import OrderFile
from app.orders.errors import MEANING, OrderProblem
from app.orders.events import OrderEventType
from app.orders.repository import account_books, lanes, order_requests
from app.orders.repository import batch as orders
from app.orders.repository.account_books import Book
from app.positions import batch as positions
from app.risk.domain import Proposal

ROUNDS_MAX = 8
"""How often the lane is looked at again because a refusal let other orders go; beyond, nothing is taken this time."""


async def refuse_halted(
    session: BatchSession, key: AccountKey, limit: int, *, now: datetime, ids: Ids, memory: InstrumentMemory
) -> bool:
    """Refuses the first commands of the lane, up to the limit, as far as halts keep them out, and locks the book.

    True when what is left of those may be taken. An order that was not sent ends REJECTED, a modify is refused and its
    order lives on; either bears the halt's code. Cancels stay.
    """
    for _ in range(ROUNDS_MAX):
        books = await account_books.books_for_update(session, [key])
        found = await lanes.waiting(session, key, limit)
        if not found:
            return True
        requests = await order_requests.requests_by_id(
            session, key.tenant_id, [entry.request_id for entry, _ in found if entry.request_id is not None]
        )
        waiting = [
            _Waiting(order=order, request=None if entry.request_id is None else requests[entry.request_id])
            for entry, order in found
            if entry.request_id is not None or waits_to_be_claimed(order)
        ]
        work = await _Work.of(session, key, books, waiting, now=now, ids=ids, memory=memory)
        refused = work.refused(waiting)
        if not refused:
            return True
        await lanes.withdraw(session, key, [one.order.id for one, _ in refused if one.request is None])
        await lanes.withdraw_requests(session, key, [one.request.id for one, _ in refused if one.request is not None])
        await work.refuse(session, refused)
    return False


async def still_wanted(
    session: BatchSession,
    key: AccountKey,
    commands: Sequence[LaneCommand],
    *,
    may_have_left: bool,
    now: datetime,
    ids: Ids,
    memory: InstrumentMemory,
) -> list[LaneCommand]:
    """Those of the claimed commands, none of which was written in this session, that no halt keeps out by now.

    What is kept out is refused as in the lane. may_have_left says that they were written in a session before and are
    to be written again: then an order is not refused but in doubt, for the broker may have it, and the sweeps decide.
    """
    (is_halted,) = await session.read(brokers.has_halts(key))
    if not is_halted:
        return list(commands)
    books = await account_books.books_for_update(session, [key])
    orders_by_id = await orders.orders_by_id(session, key.tenant_id, {command.order_id for command in commands})
    request_ids = [command.request_id for command in commands if command.request_id is not None]
    requests = await order_requests.requests_by_id(session, key.tenant_id, request_ids)
    waiting = {
        place: _Waiting(
            order=orders_by_id[command.order_id],
            request=None if command.request_id is None else requests[command.request_id],
        )
        for place, command in enumerate(commands)
        if command.kind is not LaneKind.CANCEL
    }
    work = await _Work.of(session, key, books, list(waiting.values()), now=now, ids=ids, memory=memory)
    # An order whose cancel is asked for meanwhile has its end in that.
    ends = [
        one for one in waiting.values() if one.is_change or (one.order.state is OrderState.ROUTED and not may_have_left)
    ]
    refused = work.refused(ends)
    if refused:
        await work.refuse(session, refused)
    stays = [one for one in waiting.values() if one not in ends and work.problem(one) is not None]
    # What the broker may have is neither sent nor over: it is looked for at once.
    doubts = [
        NotFoundReport(address=OrderAddress(order_id=one.order.id), is_certain=False, occurred_at=now)
        for one in stays
        if one.order.state is OrderState.ROUTED
    ]
    if doubts:
        await apply_reports(session, key, doubts, now=now, ids=ids)
    gone = {id(one) for one in (*(one for one, _ in refused), *stays)}
    return [command for place, command in enumerate(commands) if id(waiting.get(place)) not in gone]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    order: Order
    request: OrderRequest | None

    @property
    def is_change(self) -> bool:
        return self.request is not None


_Refused = Sequence[tuple[_Waiting, OrderProblem]]


@dataclass(slots=True, kw_only=True)
class _Work:
    key: AccountKey
    account: AccountFacts
    booking: Booking
    instruments: Mapping[InstrumentId, Instrument]
    blocks: BlockFacts
    limits: PreTrade

    @classmethod
    async def of(
        cls,
        session: BatchSession,
        key: AccountKey,
        books: dict[AccountKey, Book],
        waiting: Sequence[_Waiting],
        *,
        now: datetime,
        ids: Ids,
        memory: InstrumentMemory,
    ) -> "_Work":
        account = (await brokers.account_facts(session, [key]))[key]
        instrument_ids = {one.order.instrument_id for one in waiting}
        held = await positions.positions_of(session, {(key, instrument_id) for instrument_id in instrument_ids})
        # A halt is no limit: none is asked.
        limits = PreTrade(now=now, quotes={}, chains={})
        divided = {(key, one.order.instrument_id) for one in waiting if one.order.allocation is not None}
        return cls(
            key=key,
            account=account,
            booking=Booking(books=books, positions=held, ids=ids, now=now),
            instruments=await memory.by_ids(session, key.tenant_id, instrument_ids),
            blocks=await block_facts(session, divided, {key: account}, limits, None) if divided else NO_BLOCKS,
            limits=limits,
        )

    def refused(self, waiting: Iterable[_Waiting]) -> list[tuple[_Waiting, OrderProblem]]:
        found: list[tuple[_Waiting, OrderProblem]] = []
        for one in waiting:
            problem = self.problem(one)
            if problem is not None:
                found.append((one, problem))
                self._give_back(one)
        return found

    def problem(self, one: _Waiting) -> OrderProblem | None:
        order, proposal = one.order, self._proposal(one.order)
        if one.request is None:
            return halted_out(self.account, proposal, order.placed_by, order.allocation)
        terms = one.request.terms
        if terms is None or one.request.outcome is not RequestOutcome.PENDING:
            return None
        return change_halted_out(self.account, order, terms, replace(proposal, terms=terms))

    def _give_back(self, one: _Waiting) -> None:
        # What follows is held against what is left.
        order, terms = one.order, None if one.request is None else one.request.terms
        if order.shares_reserve:
            return
        kept = ZERO if one.request is None else reserved_quantity(order, None)
        self.booking.reserve(self.key, order.instrument_id, order.side, kept - reserved_quantity(order, terms))

    async def refuse(self, session: BatchSession, refused: _Refused) -> None:
        new = [OrderFile(order=one.order) for one, _ in refused if one.request is None]
        links = await Links.of(session, self.key, new)
        over: dict[OrderId, OrderFile] = {}
        for one, problem in refused:
            if one.request is None:
                over[one.order.id] = OrderFile(order=self._reject(one.order, problem))
            else:
                self._refuse_change(one.order, one.request, problem)
        await links.settle(session, over, self.booking)
        await self.booking.write(session)

    def _reject(self, order: Order, problem: OrderProblem) -> Order:
        rejected = replace(
            order,
            state=OrderState.REJECTED,
            reject_origin=RejectOrigin.OMS,
            reject_code=problem.value,
            reject_reason=MEANING[problem],
        )
        booking = self.booking
        booking.put_order(rejected)
        booking.count_open(self.key, -1)
        details = {"rejectOrigin": RejectOrigin.OMS.value, "code": problem.value, **broker_names(order)}
        event = booking.followed(
            OrderEventType.ORDER_REJECTED, rejected, order.state, by=HALTS, details=details, reason=MEANING[problem]
        )
        booking.log(self.key, [event])
        return rejected

    def _refuse_change(self, order: Order, request: OrderRequest, problem: OrderProblem) -> None:
        booking = self.booking
        done = replace(
            request,
            outcome=RequestOutcome.REJECTED,
            reason=f"{problem.value}: {MEANING[problem]}",
            resolved_at=booking.now,
            is_house_refusal=True,
        )
        booking.resolved_requests.append((self.key.tenant_id, done))
        after = replace_refused(order, booking.now) if order.state is OrderState.PENDING_REPLACE else order
        booking.put_order(after)
        event = booking.followed(
            OrderEventType.REPLACE_REFUSED,
            after,
            order.state,
            by=HALTS,
            details={"resolved": [resolution(done)]},
            reason=MEANING[problem],
        )
        booking.log(self.key, [event])

    def _proposal(self, order: Order) -> Proposal:
        # It is reserved and counted since it was placed, a modify since it was asked for.
        instrument = self.instruments[order.instrument_id]
        counted = proposal_of(self.booking, self.key, order, instrument)
        proposal = replace(counted, closes_position=order.closes_position)
        whole, _ = held_as_block(self.limits, proposal, order.allocation, self.key, self.account, self.blocks)
        return whole
