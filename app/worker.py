"""The worker and the scheduler: background chores."""

from zoneinfo import ZoneInfo

from taskiq import AsyncBroker
from taskiq.api import run_scheduler_task

from app.flows import tasks  # noqa: F401 - imported for the tasks that it declares
from app.flows.keep_audit import sealing, signer_of
from app.infra.db import Database, DatabaseRole
from app.infra.lifetime import run_until_signalled
from app.infra.queue import do_chores, make_broker, make_scheduler
from app.infra.readiness import notify_ready
from app.infra.redis import Redis, make_client
from app.infra.settings import Settings
from app.infra.system import SystemClock, SystemIds


def run(settings: Settings) -> None:
    """Does what the scheduler and others ask for, until a signal ends it.

    Raises UnavailableError when PostgreSQL does not answer at the start.
    """
    run_until_signalled(lambda: _work(settings))


def run_scheduler(settings: Settings) -> None:
    """Sends each chore at its time, until a signal ends it. One scheduler runs in an installation."""
    run_until_signalled(lambda: _schedule(settings))


def _broker(settings: Settings) -> AsyncBroker:
    assert settings.redis_url is not None, "the addresses are known once the servers run"
    return make_broker(settings.redis_url, settings.redis_prefix)


async def _work(settings: Settings) -> None:
    assert settings.database_url is not None, "the addresses are known once the servers run"
    assert settings.redis_url is not None, "the addresses are known once the servers run"
    broker = _broker(settings)
    broker.is_worker_process = True
    database = Database(settings.database_url, DatabaseRole.APP, size=2)
    system_database = Database(settings.database_url, DatabaseRole.SYSTEM, size=1)
    await database.open()
    await system_database.open()
    broker.state.database = database
    broker.state.system_database = system_database
    broker.state.clock = SystemClock()
    broker.state.ids = SystemIds()
    broker.state.redis = Redis(make_client(settings.redis_url), settings.redis_prefix)
    broker.state.trading_timezone = ZoneInfo(settings.trading_timezone)
    broker.state.snapshot_interval_s = settings.pnl_snapshot_interval_s
    broker.state.signer = signer_of(settings)
    sealer_database = Database(settings.database_url, DatabaseRole.SEALER, size=3)
    broker.state.sealer_database = sealer_database
    try:
        await sealer_database.open()
        await broker.startup()
        notify_ready()
        async with sealing(settings, sealer_database, broker.state.clock, broker.state.ids):
            await do_chores(broker)
    finally:
        await broker.shutdown()
        await broker.state.redis.close()
        await sealer_database.close()
        await system_database.close()
        await database.close()


async def _schedule(settings: Settings) -> None:
    broker = _broker(settings)
    scheduler = make_scheduler(broker)
    try:
        notify_ready()
        await run_scheduler_task(scheduler, run_startup=True)
    finally:
        await scheduler.shutdown()
