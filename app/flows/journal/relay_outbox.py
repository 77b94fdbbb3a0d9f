"""The outbox empties onto the bus: at least once, in order for each account, by one relay at a time."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Final

from app.core.ids import Ids
from app.flows.hints import OUTBOX
from app.infra.bus import Bus
from app.infra.db import CONNECTION_LOST, Database
from app.infra.redis import REDIS_LOST, Redis
from app.infra.uow import begin_system, system_statements
from app.outbox import repository as outbox
from app.outbox.repository import RelayLease

log = logging.getLogger(__name__)

BATCH: Final = 500
IDLE_S: Final = 0.25
STANDBY_S: Final = 1.0
BACKOFF_S: Final = 0.5
# A relay that is frozen or killed is followed by another after this long; subscribers look for themselves meanwhile.
LEASE_S: Final = 5.0
# Less than half a lease: whoever publishes has had the lease at its begin and still has it at its end.
PUBLISH_TIMEOUT_S: Final = 2.0
# A lease that was renewed so short ago, as a part of its length, is not renewed again.
RENEWED_PART: Final = 0.2


class Relay:
    """One of the relays that there may be: it publishes while it holds the lease."""

    def __init__(
        self,
        database: Database,
        redis: Redis,
        ids: Ids,
        *,
        lease_s: float = LEASE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """The database must be of the role SYSTEM."""
        self._database = database
        self._redis = redis
        self._holder = str(ids.new())
        self._lease_s = lease_s
        self._monotonic = monotonic
        self._lease: RelayLease | None = None
        self._renewed_at = 0.0

    async def relay_once(self) -> int | None:
        """Publishes the oldest messages, then takes them away; how many, None while another relay is active.

        No transaction is open while Redis is waited for. What was published and not taken away, because the process
        ended or the lease went in between, is published again: subscribers know each event by its sequence.
        Raises TimeoutError when Redis does not take the messages in time.
        """
        if self._lease is None or self._monotonic() - self._renewed_at > self._lease_s * RENEWED_PART:
            self._renewed_at = self._monotonic()
            async with begin_system(self._database) as session:
                self._lease = await outbox.take_lease(session, self._holder, self._lease_s)
        if self._lease is None:
            return None
        async with system_statements(self._database) as session:
            messages = await outbox.oldest(session, BATCH)
        if not messages:
            return 0
        async with asyncio.timeout(PUBLISH_TIMEOUT_S):
            await self._redis.publish([(channel, payload) for _, channel, payload in messages])
        async with system_statements(self._database) as session:
            is_ours = await outbox.remove(session, self._lease, [message_id for message_id, _, _ in messages])
        if not is_ours:
            self._lease = None
        return len(messages) if is_ours else None

    async def stand_down(self) -> None:
        """Lets another relay take over at once."""
        lease, self._lease = self._lease, None
        if lease is not None:
            async with begin_system(self._database) as session:
                await outbox.give_lease(session, lease)


async def relay_forever(relay: Relay, bus: Bus) -> None:
    """Relays whenever something was committed; a server that is away is waited for, and nothing is lost."""
    is_failing = False
    try:
        async with bus.subscribe(OUTBOX, size=1) as hints:
            while True:
                try:
                    sent = await relay.relay_once()
                except (*REDIS_LOST, *CONNECTION_LOST) as error:
                    if not is_failing:
                        log.error("the outbox waits: %s", str(error) or type(error).__name__)
                    is_failing = True
                    await asyncio.sleep(BACKOFF_S)
                    continue
                if is_failing:
                    log.info("the outbox flows again")
                    is_failing = False
                if sent is None:
                    await asyncio.sleep(STANDBY_S)
                elif sent < BATCH:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(IDLE_S):
                            await anext(hints)
    finally:
        with contextlib.suppress(*CONNECTION_LOST):
            await relay.stand_down()
