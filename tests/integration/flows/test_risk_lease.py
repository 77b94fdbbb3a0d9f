"""One monitor works at a time, over all tenants that have something to watch, and another takes over."""

from collections.abc import AsyncIterator
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from app.core.fix import RiskLimitType
from app.flows.desk import Desk, open_desk
from app.flows.risk.monitor_risk import RiskMonitor
from app.infra.db import Database, DatabaseRole
from app.infra.settings import Settings
from app.infra.uow import begin_batch
from tests import factories


@pytest.fixture(scope="module")
async def own_desk(own_database_url: str, redis_url: str, redis_prefix: str) -> AsyncIterator[Desk]:
    """A desk on a database whose tenants are this module's."""
    settings = Settings(
        environment="test", database_url=own_database_url, redis_url=redis_url, redis_prefix=redis_prefix
    )
    async with open_desk(settings) as desk:
        yield desk


@pytest.fixture
async def system(own_database_url: str) -> AsyncIterator[Database]:
    """The database as the monitor looks for tenants."""
    database = Database(own_database_url, DatabaseRole.SYSTEM, size=2)
    await database.open()
    yield database
    await database.close()


def monitor_of(desk: Desk, system: Database) -> RiskMonitor:
    return RiskMonitor(hands=desk, system_database=system, timezone=ZoneInfo("UTC"))


async def test_one_monitor_watches_until_it_stands_down(own_desk: Desk, system: Database) -> None:
    watched, idle = await factories.make_tenant(own_desk.database), await factories.make_tenant(own_desk.database)
    await factories.make_account(own_desk.database, watched)
    await factories.make_account(own_desk.database, idle)
    await factories.make_limit(own_desk.database, watched, RiskLimitType.MAX_OPEN_ORDERS, Decimal(5))
    first, second = monitor_of(own_desk, system), monitor_of(own_desk, system)

    by_first, by_second = await first.run_once(), await second.run_once()
    await first.stand_down()
    after = await second.run_once()
    back = await first.run_once()
    await second.stand_down()

    assert (by_first, by_second, after, back) == (1, None, 1, None)


async def test_a_tenant_that_cannot_be_watched_does_not_hold_up_the_others(
    own_desk: Desk, system: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tenants = [await factories.make_tenant(own_desk.database) for _ in range(2)]
    for tenant_id in tenants:
        await factories.make_account(own_desk.database, tenant_id)
        await factories.make_limit(own_desk.database, tenant_id, RiskLimitType.MAX_OPEN_ORDERS, Decimal(5))
    monitor, seen = monitor_of(own_desk, system), []
    look = monitor.watch

    async def failing(self: RiskMonitor, tenant_id: object) -> None:
        seen.append(tenant_id)
        if tenant_id == tenants[0]:
            raise ZeroDivisionError
        await look(tenants[1])

    monkeypatch.setattr(RiskMonitor, "watch", failing)
    await monitor.run_once()
    await monitor.stand_down()

    assert set(tenants) <= set(seen)
    assert f"the limits of tenant {tenants[0]} are not watched: ZeroDivisionError" in caplog.text
    async with begin_batch(own_desk.database, tenants[1]) as session:
        rows = await session.fetch("SELECT count(*) AS count FROM risk_watch_places WHERE tenant_id = $1", tenants[1])
    assert rows[0]["count"] == 1
