"""The worker and the scheduler: background chores, and errands such as mails."""

import asyncio
import logging
from datetime import timedelta
from zoneinfo import ZoneInfo

from taskiq import AsyncBroker
from taskiq.api import run_scheduler_task

from app.errands.service import Errands
from app.flows import tasks  # noqa: F401 - imported for the tasks that it declares
from app.flows.audit.keep_audit import sealing, signer_of
from app.flows.compliance.run_record_exports import RecordExportRunner
from app.flows.halts.run_kill_switches import KillSwitchRunner
from app.flows.hands import WorkerHands
from app.flows.identity.answer_requests import DoorRequests
from app.flows.identity.run_errands import ErrandRunner
from app.flows.orders.order_intake import OrderIntake
from app.flows.risk.monitor_risk import RiskMonitor
from app.infra.db import Database, DatabaseRole
from app.infra.lifetime import run_until_signalled
from app.infra.mail import transport_of
from app.infra.queue import do_chores, make_broker, make_scheduler
from app.infra.readiness import notify_ready
from app.infra.redis import Redis, make_client
from app.infra.settings import Settings, variable
from app.infra.sharing import end_task
from app.infra.system import SystemClock, SystemIds
from app.infra.vault import Vault


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
    database = Database(settings.database_url, DatabaseRole.APP, size=6)
    system_database = Database(settings.database_url, DatabaseRole.SYSTEM, size=3)
    await database.open()
    await system_database.open()
    broker.state.database = database
    broker.state.system_database = system_database
    broker.state.clock = SystemClock()
    broker.state.ids = SystemIds()
    broker.state.redis = Redis(make_client(settings.redis_url), settings.redis_prefix)
    broker.state.trading_timezone = ZoneInfo(settings.trading_timezone)
    broker.state.snapshot_interval_s = settings.pnl_snapshot_interval_s
    broker.state.risk_history_days = settings.risk_history_days
    errands = asyncio.create_task(_runner(settings, database, system_database).run_forever(), name="errands")
    intake_database = Database(settings.database_url, DatabaseRole.INTAKE, size=1)
    await intake_database.open()
    hands = WorkerHands(
        database=database,
        redis=broker.state.redis,
        intake=OrderIntake(intake_database, database, broker.state.redis, broker.state.clock, broker.state.ids),
        clock=broker.state.clock,
        ids=broker.state.ids,
    )
    kill_switches = asyncio.create_task(
        KillSwitchRunner(hands=hands, system_database=system_database).run_forever(), name="kill switches"
    )
    monitor = RiskMonitor(hands=hands, system_database=system_database, timezone=broker.state.trading_timezone)
    monitoring = asyncio.create_task(monitor.run_forever(), name="risk monitor")
    exports = asyncio.create_task(
        RecordExportRunner(
            database=database,
            system_database=system_database,
            clock=broker.state.clock,
            ids=broker.state.ids,
            keep=timedelta(days=settings.order_record_export_days),
            bytes_max=settings.order_record_export_mib_max * 1024 * 1024,
        ).run_forever(),
        name="record exports",
    )
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
        await end_task(exports)
        await end_task(monitoring)
        await end_task(kill_switches)
        await end_task(errands)
        await broker.shutdown()
        await broker.state.redis.close()
        await sealer_database.close()
        await system_database.close()
        await intake_database.close()
        await database.close()


def _runner(settings: Settings, database: Database, system_database: Database) -> ErrandRunner:
    clock, ids = SystemClock(), SystemIds()
    vault = Vault.of(settings.master_key.get_secret_value())
    transport = transport_of(settings)
    if transport is None:
        logging.getLogger("oms.errands").error("no mail goes out: set %s", variable("smtp_host"))
    errands = Errands(vault=vault, clock=clock, ids=ids)
    return ErrandRunner(
        database=system_database,
        errands=errands,
        doing=DoorRequests(database=database, errands=errands, clock=clock, ids=ids).doing,
        transport=transport,
        sender=settings.mail_sender,
        link_base=settings.link_base,
        clock=clock,
    )


async def _schedule(settings: Settings) -> None:
    broker = _broker(settings)
    scheduler = make_scheduler(broker)
    try:
        notify_ready()
        await run_scheduler_task(scheduler, run_startup=True)
    finally:
        await scheduler.shutdown()
