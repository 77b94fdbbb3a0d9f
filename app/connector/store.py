"""An account's side of the database, under its lease: what the connection reads and writes."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import asyncpg

from app.brokers import repository as brokers
from app.brokers.domain import BrokerAccount, ConnectionStatus, Lease, backoff_s
from app.brokers.errors import LeaseLostError
from app.brokers.port import Snapshot
from app.core.clock import Clock
from app.core.errors import UnavailableError
from app.core.ids import Ids
from app.core.messages import AccountValues, BrokerReport, LaneCommand, LaneKind
from app.infra.db import CONNECTION_LOST, BatchSession, Database
from app.infra.uow import begin_batch

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

TRANSIENT: tuple[type[BaseException], ...] = (
    *CONNECTION_LOST,
    TimeoutError,
    asyncpg.TransactionRollbackError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
)
"""Failures after which the same transaction may succeed."""


class AccountStore:
    """The Store of a runner."""

    def __init__(self, *, database: Database, account: BrokerAccount, lease: Lease, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._account = account
        self._lease = lease
        self._clock = clock
        self._ids = ids

    async def raise_next_order_id(self, at_least: int) -> int:
        """Store that the broker will not take an order id below this one; ids never go back.

        Raises LeaseLostError.
        """
        raised = await self._patiently(lambda session: brokers.raise_next_order_id(session, self._lease, at_least))
        if raised is None:
            raise LeaseLostError("the lease was taken over")
        return raised

    async def show(self, status: ConnectionStatus) -> None:
        """Store how far the connection has come.

        Raises LeaseLostError.
        """
        if not await self._patiently(lambda session: brokers.set_status(session, self._lease, status)):
            raise LeaseLostError("the lease was taken over")

    async def beat(self, round_trip_ms: float) -> None:
        """Store a sign of life; one that cannot be stored now is worth nothing later."""
        try:
            async with begin_batch(self._database, self._lease.tenant_id) as session:
                await brokers.beat(session, self._lease, round_trip_ms)
        except TRANSIENT as error:
            log.warning("%s: a sign of life was not stored: %s", self._account.account_number, error)

    async def save_values(self, values: AccountValues) -> None:
        """Store the account's figures."""
        if values != AccountValues():
            await self._patiently(lambda session: brokers.save_balance(session, self._lease, values))

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
