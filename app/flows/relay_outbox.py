"""The outbox empties onto the bus: at least once, in order for each channel, by one relay at a time."""

import asyncio
import contextlib
import logging

from app.flows.hints import OUTBOX
from app.infra.bus import Bus
from app.infra.db import CONNECTION_LOST, Database
from app.infra.redis import REDIS_LOST, Redis
from app.infra.uow import begin_system
from app.outbox import repository as outbox

log = logging.getLogger(__name__)

BATCH = 500
IDLE_S = 0.25
STANDBY_S = 1.0
BACKOFF_S = 0.5


async def relay_once(database: Database, redis: Redis) -> int | None:
    """Publishes the oldest messages and takes them away, in one transaction; None while another relay is active.

    A crash between the two publishes again: subscribers know each event by its sequence.
    """
    async with begin_system(database) as session:
        if not await outbox.is_relay(session):
            return None
        messages = await outbox.take(session, BATCH)
        await redis.publish(messages)
    return len(messages)


async def relay_forever(database: Database, redis: Redis, bus: Bus) -> None:
    """Relays whenever something was committed; a server that is away is waited for, and nothing is lost."""
    is_failing = False
    async with bus.subscribe(OUTBOX, size=1) as hints:
        while True:
            try:
                sent = await relay_once(database, redis)
            except (*REDIS_LOST, *CONNECTION_LOST) as error:
                if not is_failing:
                    log.error("the outbox waits: %s", error)
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
