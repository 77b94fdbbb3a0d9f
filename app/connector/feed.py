"""A tenant's market data from one gateway to Redis, over a connection of its own so that orders never wait for it.

What is asked of the broker without being an order goes the same way.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import asyncpg

from app.brokers.domain import BrokerAccount, backoff_s
from app.brokers.errors import BrokerBusyError, BrokerDisconnectedError, BrokerTimedOutError
from app.brokers.inquiries import Inquired
from app.brokers.port import BrokerAdapter, BrokerSink, ConnectionEvent
from app.brokers.questions import Answer, Asked
from app.connector.inbox import Inbox
from app.connector.runner import end_of
from app.core.errors import UnavailableError
from app.core.messages import Contract
from app.infra.db import CONNECTION_LOST
from app.infra.redis import REDIS_LOST, Redis
from app.marketdata.service import publish_ticks

log = logging.getLogger(__name__)

_NOT_STORED: tuple[type[BaseException], ...] = (*CONNECTION_LOST, asyncpg.PostgresError, TimeoutError)
_NOT_RENEWED: tuple[type[BaseException], ...] = (BrokerTimedOutError, BrokerBusyError, *_NOT_STORED)


class FeedAdapter(BrokerAdapter, Inquired, Protocol):
    """A session that shows markets and answers questions."""

    async def answer(self, asked: Asked, account: str) -> Answer:
        """The broker's answer."""
        ...


CLIENT_ID_OFFSET = 1_000
"""What is added to the account's client id for its market data connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedIntervals:
    """How often the feed acts, in seconds. Within a window only the newest state of a market is told."""

    window_s: float = 0.05
    contracts_s: float = 5.0
    rates_s: float = 5.0
    renew_s: float = 30.0
    probe_s: float = 1.0


class FeedRunner:
    """Keeps the market data of a tenant's instruments flowing for as long as it runs."""

    def __init__(
        self,
        *,
        account: BrokerAccount,
        make_adapter: Callable[[BrokerSink], FeedAdapter],
        contracts: Callable[[], Awaitable[list[Contract]]],
        keep_rates: Callable[[], Awaitable[object]],
        renew: Callable[[Inquired], Awaitable[object]],
        redis: Redis,
        intervals: FeedIntervals | None = None,
    ) -> None:
        """`contracts` tells what to watch; `keep_rates` stores what the quotes say of exchange rates.

        `renew` asks about instruments that were not asked about for long.
        """
        self._account = account
        self._make_adapter = make_adapter
        self._contracts = contracts
        self._keep_rates = keep_rates
        self._renew = renew
        self._redis = redis
        self._intervals = intervals or FeedIntervals()
        self._attempts = 0
        self._adapter: FeedAdapter | None = None

    async def answer(self, asked: Asked, account: str) -> Answer:
        """The broker's answer. An order is asked about here, where order ids are not those of orders.

        Raises WhatIfRefusedError, InquiryRefusedError, HistoryPacedError, BrokerBusyError, BrokerTimedOutError,
        BrokerDisconnectedError.
        """
        if self._adapter is None:
            raise BrokerDisconnectedError("there is no session with the gateway")
        return await self._adapter.answer(asked, account)

    async def run(self) -> None:
        """Connect and tell; whatever ends the session is logged and followed by another try."""
        while True:
            error = await end_of(self._one_session())
            self._attempts += 1
            log.warning("market data of %s stopped: %s", self._account.account_number, error.message)
            await asyncio.sleep(backoff_s(self._attempts, random.random()))

    async def _one_session(self) -> None:
        inbox = Inbox()
        adapter = self._make_adapter(inbox)
        try:
            await adapter.connect()
            self._adapter = adapter
            self._attempts = 0
            log.info("market data of %s is open", self._account.account_number)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch_connection(inbox))
                group.create_task(self._watch_contracts(adapter))
                group.create_task(self._publish(adapter))
                group.create_task(self._store_rates())
                group.create_task(self._renew_instruments(adapter))
                group.create_task(self._probe(adapter))
        finally:
            self._adapter = None
            await adapter.close()

    async def _watch_connection(self, inbox: Inbox) -> None:
        while True:
            change = await inbox.next_change()
            log.log(
                logging.DEBUG if change.event is ConnectionEvent.FEED_UP else logging.WARNING,
                "market data of %s: %s %s",
                self._account.account_number,
                change.event.value,
                change.detail,
            )
            if change.event is ConnectionEvent.LOST:
                raise BrokerDisconnectedError(change.detail)

    async def _watch_contracts(self, adapter: BrokerAdapter) -> None:
        while True:
            try:
                adapter.watch(await self._contracts())
            except UnavailableError as error:
                # The lines that are open stay open: quotes do not need the database.
                log.warning("market data of %s: %s", self._account.account_number, error.message)
            await asyncio.sleep(self._intervals.contracts_s)

    async def _publish(self, adapter: BrokerAdapter) -> None:
        is_redis_up = True
        while True:
            await asyncio.sleep(self._intervals.window_s)
            ticks = adapter.take_ticks()
            try:
                await publish_ticks(self._redis, self._account.tenant_id, ticks)
            except REDIS_LOST as error:
                # Quotes are replaced by the next ones anyway: nothing is kept for later.
                if is_redis_up:
                    log.error("quotes cannot be stored: %s", error)
                is_redis_up = False
            else:
                is_redis_up = True

    async def _store_rates(self) -> None:
        while True:
            await asyncio.sleep(self._intervals.rates_s)
            try:
                await self._keep_rates()
            except _NOT_STORED as error:
                # The rates known last still convert, and their time shows how old they are.
                log.warning("exchange rates cannot be stored: %s", error)

    async def _renew_instruments(self, adapter: FeedAdapter) -> None:
        while True:
            try:
                await self._renew(adapter)
            except _NOT_RENEWED as error:
                # What is known of them serves until the next try.
                log.warning("instruments of %s were not renewed: %s", self._account.account_number, error)
            await asyncio.sleep(self._intervals.renew_s)

    async def _probe(self, adapter: BrokerAdapter) -> None:
        while True:
            await adapter.probe()
            await asyncio.sleep(self._intervals.probe_s)
