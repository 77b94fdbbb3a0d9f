"""Chores: sent by the scheduler's labels over real Redis, done by a worker on a real database."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from taskiq.api import run_receiver_task

from app.core.ids import TenantId
from app.core.messages import Tick
from app.flows.tasks import prune_identity_task, snapshot_pnl_task
from app.identity.models import RefreshTokenRow
from app.infra.db import Database, DatabaseRole
from app.infra.queue import make_broker, make_scheduler
from app.infra.redis import open_redis
from app.infra.system import SystemClock, SystemIds
from app.infra.uow import Scope, begin, begin_batch
from app.marketdata import service as marketdata
from tests import factories


async def test_scheduled_chore_prunes_spent_tokens(database_url: str, redis_url: str, redis_prefix: str) -> None:
    database = Database(database_url, DatabaseRole.APP, size=2)
    system_database = Database(database_url, DatabaseRole.SYSTEM, size=1)
    await database.open()
    await system_database.open()
    tenant_id = await factories.make_tenant(database)
    principal = await factories.make_principal(database, tenant_id)
    assert principal.session_id is not None
    async with begin(database, Scope(tenant_id=tenant_id)) as session:
        session.add(
            RefreshTokenRow(
                tenant_id=tenant_id,
                id=SystemIds().new(),
                session_id=principal.session_id,
                token_hash=b"h" * 32,
                created_at=datetime.now(UTC),
                expires_at=datetime.now(UTC),
            )
        )
    async with begin_batch(database, tenant_id) as batch:
        await batch.execute(
            "UPDATE auth_sessions SET revoked_at = $2 WHERE tenant_id = $1",
            tenant_id,
            datetime.now(UTC) - timedelta(days=8),
        )
    broker = make_broker(redis_url, redis_prefix)
    broker.is_worker_process = True
    broker.state.database = database
    broker.state.system_database = system_database
    broker.state.clock = SystemClock()
    await broker.startup()
    worker = asyncio.create_task(run_receiver_task(broker))

    scheduler = make_scheduler(broker)
    await scheduler.startup()
    (source,) = scheduler.sources
    await source.startup()
    schedules = await source.get_schedules()
    (hourly,) = [task for task in schedules if task.task_name == prune_identity_task.task_name]
    await scheduler.on_ready(source, hourly)

    async with asyncio.timeout(10):
        while await _tokens(database, principal.tenant_id):
            await asyncio.sleep(0.02)
    assert hourly.cron == "17 * * * *"
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    await scheduler.shutdown()
    await system_database.close()
    await database.close()


async def test_scheduled_chore_keeps_rates_and_takes_snapshots_of_every_account(
    own_database_url: str, redis_url: str, redis_prefix: str
) -> None:
    database = Database(own_database_url, DatabaseRole.APP, size=2)
    system_database = Database(own_database_url, DatabaseRole.SYSTEM, size=1)
    await database.open()
    await system_database.open()
    redis = await open_redis(redis_url, redis_prefix)
    tenant_ids = [await factories.make_tenant(database) for _ in range(2)]
    for tenant_id in tenant_ids:
        await factories.make_account(database, tenant_id)
        pair = (await factories.make_instruments(database, tenant_id, "EUR.USD"))["EUR.USD"]
        tick = Tick(instrument_id=pair.id, symbol="EUR.USD", last=Decimal("1.25"), time=datetime.now(UTC))
        await marketdata.publish_ticks(redis, tenant_id, [tick])
    broker = make_broker(redis_url, redis_prefix)
    broker.is_worker_process = True
    broker.state.database = database
    broker.state.system_database = system_database
    broker.state.clock = SystemClock()
    broker.state.ids = SystemIds()
    broker.state.redis = redis
    broker.state.trading_timezone = ZoneInfo("America/New_York")
    broker.state.snapshot_interval_s = 60
    await broker.startup()
    worker = asyncio.create_task(run_receiver_task(broker))

    scheduler = make_scheduler(broker)
    await scheduler.startup()
    (source,) = scheduler.sources
    await source.startup()
    (minutely,) = [one for one in await source.get_schedules() if one.task_name == snapshot_pnl_task.task_name]
    await scheduler.on_ready(source, minutely)

    async with asyncio.timeout(20):
        while not all([await _count(database, tenant_id, "pnl_snapshots") for tenant_id in tenant_ids]):
            await asyncio.sleep(0.02)
    assert minutely.cron == "* * * * *"
    assert [await _count(database, tenant_id, "fx_rates") for tenant_id in tenant_ids] == [1, 1]
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    await scheduler.shutdown()
    await redis.close()
    await system_database.close()
    await database.close()


async def _count(database: Database, tenant_id: TenantId, table: str) -> int:
    async with begin_batch(database, tenant_id) as session:
        return len(await session.fetch(f"SELECT 1 FROM {table} WHERE tenant_id = $1", tenant_id))


async def _tokens(database: Database, tenant_id: TenantId) -> int:
    async with begin_batch(database, tenant_id) as session:
        return len(await session.fetch("SELECT 1 FROM refresh_tokens WHERE tenant_id = $1", tenant_id))
