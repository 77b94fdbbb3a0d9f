"""The intake of orders: concurrent calls are gathered, and each batch of them goes through one transaction."""

import contextlib
import logging
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import asyncpg

from app.core.clock import Clock
from app.core.errors import OmsError, Problem, UnavailableError
from app.core.ids import Ids, InstrumentId, OrderId, TenantId
from app.core.messages import AccountKey, NewOrder, Tick
from app.flows.hints import LANES, OUTBOX, Bell
from app.flows.marketdata.instrument_directory import InstrumentDirectory
from app.flows.orders.cancel_resting import place_over_resting
from app.flows.orders.place_orders import Intent, place_batch
from app.flows.orders.placement import Placement
from app.flows.orders.pre_trade import Market
from app.identity.domain import Principal
from app.infra.batching import Batcher
from app.infra.db import CONNECTION_LOST, PUT_OFF, Database
from app.infra.redis import REDIS_LOST, Redis
from app.infra.uow import begin_intake
from app.marketdata import service as marketdata
from app.orders.domain.placing import form_problems, problem
from app.orders.errors import OrderProblem
from app.orders.repository import account_books
from app.risk import batch as risk

log = logging.getLogger(__name__)


class OrderIntake:
    """The one door for orders of a process: a batcher in front of one transaction at a time.

    database is of the role INTAKE, acting of the role APP: an order that takes resting ones along has a transaction of
    its own there.

    market is what its orders are held against besides the database; whoever else holds orders against limits in this
    process goes by the same.
    """

    def __init__(self, database: Database, acting: Database, redis: Redis, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._acting = acting
        self._clock = clock
        self._ids = ids
        self._directory = InstrumentDirectory(database)
        self._redis = redis
        self.market = Market(redis=redis)
        self._bell = Bell(redis, LANES, OUTBOX)
        self._batcher: Batcher[Intent, Placement] = Batcher(self._place)

    async def __aenter__(self) -> Self:
        await self._bell.__aenter__()
        await self._batcher.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._batcher.__aexit__(kind, error, trace)
        await self._bell.__aexit__(kind, error, trace)

    async def submit(self, principal: Principal, new: NewOrder) -> Placement:
        """The stored order, once its transaction is durable; or what was wrong, with nothing stored.

        Raises UnavailableError when the database does not answer; the same order may then be sent again under the
        same client order id.
        """
        problems = form_problems(new)
        if problems:
            return Placement(order=None, problems=problems)
        try:
            intent = await self.intent(principal, new)
            placement = await self._batcher.submit(intent)
        except CONNECTION_LOST as error:
            raise _store_away() from error
        return await self._over_resting(intent) if placement.meets_resting else placement

    async def submit_all(self, principal: Principal, orders: Sequence[NewOrder]) -> list[Placement]:
        """What became of each of the orders, each on its own merits; handled in their order.

        An order whose outcome is not known says so: it may be sent again under its client order id. Raises
        UnavailableError when too many orders wait, with none of these taken.
        """
        placements = [Placement(order=None, problems=form_problems(new)) for new in orders]
        sound = [place for place, placement in enumerate(placements) if not placement.problems]
        try:
            intents = [await self.intent(principal, orders[place]) for place in sound]
        except CONNECTION_LOST as error:
            raise _store_away() from error
        for place, answer in zip(sound, await self._batcher.submit_all(intents), strict=True):
            placements[place] = _known(answer)
        for place, intent in zip(sound, intents, strict=True):
            if placements[place].meets_resting:
                placements[place] = await self._over_resting_or_why_not(intent)
        return placements

    async def intent(self, principal: Principal, new: NewOrder) -> Intent:
        """The order on its way into a batch, under an id of its own."""
        return Intent(
            principal=principal,
            new=new,
            order_id=OrderId(self._ids.new()),
            matches=await self._directory.matches(principal.tenant_id, new),
            key=AccountKey(tenant_id=principal.tenant_id, account_id=new.account_id),
        )

    async def quotes(self, intents: Sequence[Intent]) -> dict[InstrumentId, Tick]:
        """The newest quotes of the instruments that these orders may mean, as far as there are any."""
        wanted: dict[TenantId, set[InstrumentId]] = {}
        for intent in intents:
            wanted.setdefault(intent.key.tenant_id, set()).update(match.id for match in intent.matches)
        quotes: dict[InstrumentId, Tick] = {}
        # Without Redis there is no reference price, and a check that needs one fails closed.
        with contextlib.suppress(*REDIS_LOST):
            for tenant_id, instrument_ids in wanted.items():
                quotes |= await marketdata.read_quotes(self._redis, tenant_id, list(instrument_ids))
        return quotes

    async def _place(self, intents: Sequence[Intent]) -> Sequence[Placement]:
        placements = await self._place_or_split(intents, await self.quotes(intents))
        if any(placement.order is not None for placement in placements):
            self._bell.ring()
        return placements

    async def _over_resting(self, intent: Intent) -> Placement:
        try:
            placement = await place_over_resting(
                self._acting,
                intent,
                await self.quotes([intent]),
                market=self.market,
                now=self._clock.now(),
                ids=self._ids,
            )
        except (*CONNECTION_LOST, *PUT_OFF) as error:
            raise _store_away() from error
        except asyncpg.PostgresError as error:
            log.error("an order that takes resting ones along was not stored: %s", error)
            return Placement(order=None, problems=(problem(OrderProblem.ORDER_UNSTORABLE),))
        if placement.order is not None:
            self._bell.ring()
        return placement

    async def _over_resting_or_why_not(self, intent: Intent) -> Placement:
        try:
            return await self._over_resting(intent)
        except UnavailableError as error:
            return _known(error)

    async def _place_or_split(self, intents: Sequence[Intent], quotes: Mapping[InstrumentId, Tick]) -> list[Placement]:
        tenant_ids = sorted({intent.key.tenant_id for intent in intents})
        washes = {(intent.key.tenant_id, match.id) for intent in intents for match in intent.matches}
        lock = account_books.locking({intent.key for intent in intents})
        if washes:
            lock = f"{risk.locking_washes(washes)}; {lock}"
        try:
            async with begin_intake(self._database, tenant_ids, lock=lock) as session:
                return await place_batch(
                    session, intents, quotes, market=self.market, now=self._clock.now(), ids=self._ids
                )
        except CONNECTION_LOST:
            raise
        except PUT_OFF as error:
            raise _store_away() from error
        except asyncpg.PostgresError as error:
            log.error("a batch of %d orders was not stored: %s", len(intents), error)
            # One poisoned order must fail alone: halve until it stands by itself.
            if len(intents) == 1:
                return [Placement(order=None, problems=(problem(OrderProblem.ORDER_UNSTORABLE),))]
            middle = len(intents) // 2
            first = await self._place_or_split(intents[:middle], quotes)
            return first + await self._place_or_split(intents[middle:], quotes)


def _store_away() -> UnavailableError:
    return UnavailableError("the order store does not answer; send the order again under its key")


def _known(answer: Placement | BaseException) -> Placement:
    if isinstance(answer, Placement):
        return answer
    if isinstance(answer, CONNECTION_LOST):
        answer = _store_away()
    if not isinstance(answer, OmsError):
        raise answer
    return Placement(order=None, problems=(Problem(code=answer.code, message=answer.message),))
