"""An account's side of the database, under its lease: what the connection reads and writes."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from zoneinfo import ZoneInfo

from app.brokers import batch as broker_batch
from app.brokers import repository as brokers
from app.brokers.domain import BrokerAccount, ConnectionStatus, Lease, backoff_s
from app.brokers.errors import LeaseLostError
from app.brokers.reconciling import Look, Reconciled
from app.brokers.vitals import DayOfOrders, GatewayUse, Vitals
from app.core.clock import Clock
from app.core.errors import UnavailableError
from app.core.ids import Ids
from app.core.messages import AccountKey, AccountValues, BrokerReport, LaneCommand
from app.core.sessions import UTC_ZONE
from app.flows.brokers.connection_news import HEARTBEAT_TOLD_S, connection_changed, sign_of_life
from app.flows.brokers.connection_vitals import read_vitals, tell_vitals
from app.flows.halts.refuse_halted import still_wanted
from app.flows.hints import LANES, OUTBOX, hint
from app.flows.marketdata.instrument_directory import InstrumentMemory
from app.flows.orders.claim_orders import claim_orders, commands_after_sync, orders_at_broker, orders_not_told
from app.flows.orders.release_orders import lock_account, release_orders
from app.flows.orders.release_staged import release_due
from app.flows.reconciliation.reconcile_account import reconcile_account
from app.flows.reports.apply_reports import apply_reports
from app.flows.reports.book_blocks import apply_account_reports, apply_adviser_reports
from app.infra.db import CONNECTION_LOST, PUT_OFF, BatchSession, Database
from app.infra.redis import REDIS_LOST, Redis
from app.infra.uow import begin_batch
from app.orders.domain.order import Order

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

TRANSIENT: tuple[type[BaseException], ...] = (*CONNECTION_LOST, *PUT_OFF, TimeoutError)
"""Failures after which the same transaction may succeed."""


class AccountStore:
    """The Store of a runner."""

    def __init__(
        self,
        *,
        database: Database,
        redis: Redis,
        account: BrokerAccount,
        lease: Lease,
        clock: Clock,
        ids: Ids,
        trading_zone: ZoneInfo = UTC_ZONE,
        use: Callable[[], GatewayUse] | None = None,
    ) -> None:
        """`use` tells how hard the account's gateway is used; without it signs of life tell nothing of that."""
        self._database = database
        self._redis = redis
        self._account = account
        self._lease = lease
        self._key = AccountKey(tenant_id=lease.tenant_id, account_id=lease.account_id)
        self._clock = clock
        self._ids = ids
        self._memory = InstrumentMemory()
        self._trading_zone = trading_zone
        self._told_at = float("-inf")
        self._apply_reports: Callable[..., Awaitable[bool]] = apply_reports
        if account.is_adviser:
            self._apply_reports = apply_adviser_reports
        elif account.adviser_id is not None:
            self._apply_reports = apply_account_reports
        self._use = use
        self._orders_of_day = DayOfOrders(trading_zone)
        self._has_resumed = False

    async def raise_next_order_id(self, at_least: int) -> int:
        """Store that the broker will not take an order id below this one; ids never go back.

        Raises LeaseLostError.
        """
        raised = await self._patiently(lambda session: brokers.raise_next_order_id(session, self._lease, at_least))
        if raised is None:
            raise LeaseLostError("the lease was taken over")
        return raised

    async def show(self, status: ConnectionStatus) -> None:
        """Store how far the connection has come. When the gate opens, orders that waited for it are routed.

        Raises LeaseLostError.
        """

        async def change(session: BatchSession) -> int | None:
            await lock_account(session, self._key)
            if not await brokers.set_status(session, self._lease, status):
                return None
            await session.write([connection_changed([self._key], self._clock.now())])
            if not status.is_gate_open:
                return 0
            return await release_orders(session, self._key, now=self._clock.now(), ids=self._ids)

        released = await self._patiently(change)
        if released is None:
            raise LeaseLostError("the lease was taken over")
        if released:
            log.info("%s: %d orders that waited are routed", self._account.account_number, released)
        await hint(self._redis, OUTBOX)

    async def release_due(self) -> None:
        """Release the staged orders whose time has come; what cannot be done now is due at the next look."""
        try:
            count = await release_due(self._database, self._redis, self._key, clock=self._clock, ids=self._ids)
        except TRANSIENT as error:
            log.warning("%s: due orders were not released: %s", self._account.account_number, error)
            return
        if count:
            log.info("%s: %d orders came to their time", self._account.account_number, count)
            await hint(self._redis, LANES, OUTBOX)

    async def beat(self, round_trip_ms: float) -> None:
        """Store a sign of life; one that cannot be stored now is worth nothing later."""
        try:
            async with begin_batch(self._database, self._lease.tenant_id, is_durable=False) as session:
                await brokers.beat(session, self._lease, round_trip_ms)
        except TRANSIENT as error:
            log.warning("%s: a sign of life was not stored: %s", self._account.account_number, error)
            return
        now = asyncio.get_running_loop().time()
        if now - self._told_at >= HEARTBEAT_TOLD_S:
            self._told_at = now
            with contextlib.suppress(*REDIS_LOST):
                await self._tell()

    async def claim(self, limit: int) -> list[LaneCommand]:
        """Take commands off the lane: cancels first, whatever the limit, then others while the gate is open.

        Raises LeaseLostError, and UnavailableError when nobody knows whether the database kept the claim: whatever
        was claimed then is found by the next synchronisation.
        """
        try:
            async with begin_batch(self._database, self._lease.tenant_id) as session:
                commands = await claim_orders(
                    session,
                    self._lease,
                    self._account.client_id,
                    limit=limit,
                    now=self._clock.now(),
                    ids=self._ids,
                    memory=self._memory,
                )
        except TRANSIENT as error:
            raise UnavailableError(f"the lane cannot be read: {error}") from error
        self._orders_of_day.sent(commands, self._clock.now())
        return commands

    async def still_wanted(self, commands: Sequence[LaneCommand], *, may_have_left: bool) -> list[LaneCommand]:
        """Those of the claimed commands that no halt keeps out by now; the others are refused.

        Raises UnavailableError when the database does not answer: then none of them may be written.
        """
        try:
            async with begin_batch(self._database, self._lease.tenant_id) as session:
                kept = await still_wanted(
                    session,
                    self._key,
                    commands,
                    may_have_left=may_have_left,
                    now=self._clock.now(),
                    ids=self._ids,
                    memory=self._memory,
                )
        except TRANSIENT as error:
            raise UnavailableError(f"halts cannot be read: {error}") from error
        if len(kept) < len(commands):
            log.warning("%s: %d commands are halted", self._account.account_number, len(commands) - len(kept))
            await hint(self._redis, LANES, OUTBOX)
        return kept

    async def apply(self, reports: Sequence[BrokerReport]) -> None:
        """Store what the broker reported, in one transaction, however long the database is away."""
        if not reports:
            return
        self._orders_of_day.heard(reports, self._clock.now())
        try:
            is_news = await self._patiently(
                lambda session: self._apply_reports(
                    session,
                    self._key,
                    reports,
                    now=self._clock.now(),
                    ids=self._ids,
                    memory=self._memory,
                    zone=self._trading_zone,
                )
            )
        except LeaseLostError:
            raise
        except Exception:
            # A report that cannot be stored must not hold up the others, and must not pass unseen.
            if len(reports) == 1:
                log.exception("%s: a report of the broker is NOT STORED: %s", self._account.account_number, reports[0])
                return
            middle = len(reports) // 2
            await self.apply(reports[:middle])
            await self.apply(reports[middle:])
            return
        if is_news:
            await hint(self._redis, OUTBOX)

    async def unsettled(self, told: Sequence[BrokerReport] | None) -> list[LaneCommand]:
        """After a complete and applied snapshot: what is to be written again, under the same order ids.

        Raises LeaseLostError.
        """

        async def settle(session: BatchSession) -> list[LaneCommand]:
            if told is not None:
                missing = await orders_not_told(session, self._lease, told, self._clock.now())
                if missing:
                    log.error("%s: the broker does not know %d orders", self._account.account_number, len(missing))
                    await apply_reports(session, self._key, missing, now=self._clock.now(), ids=self._ids)
            return await commands_after_sync(session, self._lease)

        commands = await self._patiently(settle)
        self._orders_of_day.sent(commands, self._clock.now())
        await hint(self._redis, OUTBOX)
        return commands

    async def at_broker(self, *, only_in_doubt: bool) -> list[Order]:
        """The claimed orders that are not over, or those of them that are in doubt."""
        return await self._patiently(
            lambda session: orders_at_broker(session, self._lease, only_in_doubt=only_in_doubt)
        )

    async def save_values(self, values: AccountValues) -> None:
        """Store the account's figures."""
        if values != AccountValues():
            await self._patiently(lambda session: brokers.save_balance(session, self._lease, values))

    async def reconcile(self, look: Look) -> Reconciled:
        """Compare what the broker said with what is stored, and store the breaks.

        Raises LeaseLostError.
        """

        async def compare(session: BatchSession) -> Reconciled:
            if await broker_batch.take_order_ids(session, self._key, self._lease.generation, 0) is None:
                raise LeaseLostError("the lease was taken over")
            return await reconcile_account(session, self._key, look, now=self._clock.now(), ids=self._ids)

        done = await self._patiently(compare)
        if done.new_breaks:
            await hint(self._redis, OUTBOX)
        return done

    async def _tell(self) -> None:
        if self._use is None:
            await self._redis.publish([sign_of_life(self._key)])
            return
        now = self._clock.now()
        if not self._has_resumed:
            # Another connector may have counted before us.
            told = await read_vitals(self._redis, self._key.tenant_id, [self._key.account_id])
            for vitals in told.values():
                self._orders_of_day.resume(vitals.activity, now)
            self._has_resumed = True
        vitals = Vitals(at=now, use=self._use(), activity=self._orders_of_day.activity(now))
        await tell_vitals(self._redis, self._key, vitals)

    async def _patiently(self, work: Callable[[BatchSession], Awaitable[Answer]]) -> Answer:
        # What the transaction holds may not be lost, so it is tried until the database takes it.
        attempt = 0
        while True:
            try:
                async with begin_batch(self._database, self._lease.tenant_id) as session:
                    return await work(session)
            except TRANSIENT as error:
                attempt += 1
                if attempt == 1:
                    log.error("%s: the database does not take a transaction: %s", self._account.account_number, error)
            await asyncio.sleep(backoff_s(attempt, random.random()))
