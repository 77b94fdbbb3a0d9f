"""Starts the connector and stops it in order."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from app.connector.service import Connector, ConnectorIntervals
from app.infra.bus import Bus
from app.infra.db import Database, DatabaseRole
from app.infra.lifetime import run_until_signalled
from app.infra.readiness import notify_ready
from app.infra.redis import open_redis
from app.infra.settings import Settings
from app.infra.system import SystemClock, SystemIds


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. The addresses of PostgreSQL and Redis are set.

    Raises UnavailableError when PostgreSQL or Redis does not answer.
    """
    run_until_signalled(lambda: serve(settings))


async def serve(
    settings: Settings, *, intervals: ConnectorIntervals | None = None, ready: Callable[[], None] = notify_ready
) -> None:
    """Serve until cancelled.

    Raises UnavailableError when PostgreSQL or Redis does not answer.
    """
    assert settings.database_url is not None, "the addresses are known before a process starts"
    assert settings.redis_url is not None, "the addresses are known before a process starts"
    database = Database(settings.database_url, DatabaseRole.APP, size=8, keeps_plans=True)
    system_database = Database(settings.database_url, DatabaseRole.SYSTEM, size=1, keeps_plans=True)
    async with AsyncExitStack() as stack:
        for opened in (database, system_database):
            await opened.open()
            stack.push_async_callback(opened.close)
        redis = await open_redis(settings.redis_url, settings.redis_prefix)
        stack.push_async_callback(redis.close)
        bus = await stack.enter_async_context(Bus(settings.redis_url, settings.redis_prefix))
        ready()
        await Connector(
            settings=settings,
            database=database,
            system_database=system_database,
            redis=redis,
            bus=bus,
            clock=SystemClock(),
            ids=SystemIds(),
            intervals=intervals,
        ).run()
