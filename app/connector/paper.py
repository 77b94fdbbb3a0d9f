"""What the paper broker needs of the house: its books in PostgreSQL and the tenant's live quotes from Redis."""

import asyncio
import dataclasses
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

from app.brokers.domain import BrokerAccount, backoff_s
from app.brokers.errors import BrokerAccountUnknownError, BrokerDisconnectedError, BrokerUnreachableError
from app.brokers.paper import batch as books
from app.brokers.paper.orders import PaperChanges, PaperState
from app.connector.store import TRANSIENT
from app.core.errors import UnavailableError
from app.core.fx import FxRates
from app.core.ids import InstrumentId, TenantId
from app.core.messages import AccountKey, Instrument, Tick
from app.flows.marketdata.instrument_directory import InstrumentMemory
from app.infra.bus import Bus, Gap
from app.infra.db import BatchSession, Database
from app.infra.redis import REDIS_LOST, Redis
from app.infra.uow import begin_batch
from app.marketdata import batch as marketdata
from app.marketdata.domain import decode_ticks, ticks_channel
from app.marketdata.service import read_quotes

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class PaperBooks:
    """The PaperLedger of an account: one session of its books."""

    def __init__(self, database: Database, account: BrokerAccount) -> None:
        self._database = database
        self._account = account
        self._key = AccountKey(tenant_id=account.tenant_id, account_id=account.id)
        self._session = 0
        self._memory = InstrumentMemory()

    async def open(self) -> PaperState:
        """Begin a session: what the books hold. Raises BrokerAccountUnknownError, BrokerUnreachableError."""
        tenant_id = self._key.tenant_id
        try:
            async with begin_batch(self._database, tenant_id) as session:
                begun = await books.begin_session(session, self._key)
                if begun is None:
                    raise BrokerAccountUnknownError(f"the paper broker has no books of {self._account.account_number}")
                self._session, state = begun
                wanted = {order.contract.instrument_id for order in state.orders if order.is_open}
                wanted |= {held.instrument_id for held in state.positions}
                state.instruments.update(await self._memory.by_ids(session, tenant_id, wanted))
                rates = FxRates(await marketdata.known_rates(session, tenant_id))
        except TRANSIENT as error:
            raise BrokerUnreachableError(f"the paper broker's books cannot be read: {error}") from error
        return dataclasses.replace(state, rates=rates)

    async def save(self, changes: PaperChanges) -> None:
        """Store changes in one transaction, however long the database is away.

        Raises BrokerDisconnectedError when a later session has opened the books.
        """
        if not await self._patiently(lambda session: books.save(session, self._key, self._session, changes)):
            raise BrokerDisconnectedError("another session has opened the paper account's books")

    async def instruments(self, ids: Iterable[InstrumentId]) -> dict[InstrumentId, Instrument]:
        """The instruments of these ids; absent where there is none."""
        wanted = list(ids)
        return await self._patiently(lambda session: self._memory.by_ids(session, self._key.tenant_id, wanted))

    async def rates(self) -> FxRates:
        """The exchange rates that are known. Raises UnavailableError."""
        try:
            async with begin_batch(self._database, self._key.tenant_id) as session:
                return FxRates(await marketdata.known_rates(session, self._key.tenant_id))
        except TRANSIENT as error:
            raise UnavailableError(f"exchange rates cannot be read: {error}") from error

    async def _patiently(self, work: Callable[[BatchSession], Awaitable[Answer]]) -> Answer:
        # Rows are stored whole, so that a transaction of which nobody knows whether it was kept may be done again.
        attempt = 0
        while True:
            try:
                async with begin_batch(self._database, self._key.tenant_id) as session:
                    return await work(session)
            except TRANSIENT as error:
                attempt += 1
                if attempt == 1:
                    log.error("%s: the paper broker's books cannot be written: %s", self._account.account_number, error)
            await asyncio.sleep(backoff_s(attempt, random.random()))


class HouseQuotes:
    """The PaperQuotes of a tenant: what its market data connections tell."""

    def __init__(self, redis: Redis, bus: Bus, tenant_id: TenantId) -> None:
        self._redis = redis
        self._bus = bus
        self._tenant_id = tenant_id

    async def newest(self, ids: Iterable[InstrumentId]) -> list[Tick]:
        """The newest quote of each of these that has one; none while Redis does not answer."""
        try:
            return list((await read_quotes(self._redis, self._tenant_id, list(ids))).values())
        except REDIS_LOST as error:
            log.warning("the paper broker has no quotes: %s", error)
            return []

    @asynccontextmanager
    async def stream(self) -> AsyncIterator[AsyncIterator[list[Tick] | None]]:
        """Every window's changes; None where some may be missing."""
        async with self._bus.subscribe(ticks_channel(self._tenant_id)) as messages:

            async def windows() -> AsyncIterator[list[Tick] | None]:
                async for message in messages:
                    yield None if isinstance(message, Gap) else decode_ticks(message)

            yield windows()
