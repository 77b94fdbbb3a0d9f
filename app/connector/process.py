"""Starts the connector and stops it in order."""

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import suppress

from redis.asyncio import Redis

from app.connector.service import Connector, ConnectorIntervals
from app.infra.db import Database, DatabaseRole
from app.infra.readiness import notify_ready
from app.infra.settings import Settings
from app.infra.system import SystemClock, SystemIds


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. The addresses of PostgreSQL and Redis are set.

    Raises UnavailableError when PostgreSQL does not answer.
    """
    logging.basicConfig(level=settings.log_level.upper(), format="%(levelname)s %(name)s: %(message)s")
    # The library tells each connect and disconnect; what it means is told by us.
    logging.getLogger(settings.ib_library).setLevel(logging.CRITICAL)
    asyncio.run(_until_signalled(settings))


async def serve(
    settings: Settings, *, intervals: ConnectorIntervals | None = None, ready: Callable[[], None] = notify_ready
) -> None:
    """Serve until cancelled.

    Raises UnavailableError when PostgreSQL does not answer.
    """
    assert settings.database_url is not None, "the addresses are known before a process starts"
    assert settings.redis_url is not None, "the addresses are known before a process starts"
    database = Database(settings.database_url, DatabaseRole.APP, size=8)
    system_database = Database(settings.database_url, DatabaseRole.SYSTEM, size=1)
    async with Redis.from_url(settings.redis_url) as redis:
        try:
            await database.open()
            await system_database.open()
            ready()
            connector = Connector(
                settings=settings,
                database=database,
                system_database=system_database,
                redis=redis,
                clock=SystemClock(),
                ids=SystemIds(),
                intervals=intervals,
            )
            await connector.run()
        finally:
            await system_database.close()
            await database.close()


async def _until_signalled(settings: Settings) -> None:
    serving = asyncio.current_task()
    assert serving is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serve(settings)
