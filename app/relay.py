"""The relay process: publishes what was committed."""

from app.flows.journal.relay_outbox import Relay, relay_forever
from app.infra.bus import Bus
from app.infra.db import Database, DatabaseRole
from app.infra.lifetime import run_until_signalled
from app.infra.readiness import notify_ready
from app.infra.redis import open_redis
from app.infra.settings import Settings
from app.infra.system import SystemIds


def run(settings: Settings) -> None:
    """Relays until a signal ends it.

    Raises UnavailableError when PostgreSQL or Redis does not answer at the start.
    """
    run_until_signalled(lambda: _serve(settings))


async def _serve(settings: Settings) -> None:
    assert settings.database_url is not None, "the addresses are known once the servers run"
    assert settings.redis_url is not None, "the addresses are known once the servers run"
    database = Database(settings.database_url, DatabaseRole.SYSTEM, size=2, keeps_plans=True)
    await database.open()
    redis = await open_redis(settings.redis_url, settings.redis_prefix)
    try:
        async with Bus(settings.redis_url, settings.redis_prefix) as bus:
            notify_ready()
            await relay_forever(Relay(database, redis, SystemIds()), bus)
    finally:
        await redis.close()
        await database.close()
