"""The order intake by itself: no HTTP, real PostgreSQL with durable commits, beside one transaction per order."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from app.core.ids import OrderId
from app.core.messages import AccountKey, NewOrder
from app.flows.desk import Desk, open_desk
from app.flows.orders.place_orders import Intent, place_batch
from app.identity.domain import Principal
from app.infra.db import Database, DatabaseRole
from app.infra.embedded.server import start_postgres, start_redis
from app.infra.migrations import upgrade
from app.infra.readiness import settle
from app.infra.settings import Settings
from app.infra.uow import begin_intake
from app.instruments.batch import find
from app.orders.repository import account_books
from tests import factories
from tests.benchmarks.figures import Figure, percentile, print_table

SECONDS = 4.0
CALLERS = 64
RATE = 1_000
ACCOUNTS = 16
PROTOTYPE_BATCHED = "prototype 17,000/s at 64 callers, 17,800/s on one account, p99 2.6 ms at 1,000/s"
PROTOTYPE_SINGLE = "prototype 2,000/s at 64 callers, 860/s on one account"

Place = Callable[[NewOrder], Awaitable[None]]


async def measure() -> list[Figure]:
    """Measures and prints."""
    state_dir = Path(tempfile.mkdtemp(prefix="oms-bench-", dir="/var/tmp"))
    state_dir.chmod(0o711)
    try:
        async with start_postgres(state_dir) as database_url, start_redis(state_dir) as redis_url:
            await asyncio.to_thread(upgrade, database_url)
            settings = Settings(database_url=database_url, redis_url=redis_url, redis_prefix="bench:")
            async with open_desk(settings) as desk:
                figures = await _measure(desk, database_url)
    finally:
        shutil.rmtree(state_dir)
    print_table("Intake alone, durable commits, no HTTP", figures)
    return figures


async def _measure(desk: Desk, database_url: str) -> list[Figure]:
    tenant_id = await factories.make_tenant(desk.database)
    principal = await factories.make_principal(desk.database, tenant_id)
    await factories.make_instruments(desk.database, tenant_id)
    keys = [await factories.make_account(desk.database, tenant_id, is_gate_open=True) for _ in range(ACCOUNTS)]
    single = Database(database_url, DatabaseRole.INTAKE, size=32, keeps_plans=True)
    await single.open()

    async def batched(new: NewOrder) -> None:
        placement = await desk.intake.submit(principal, new)
        assert placement.order is not None, placement.problems

    async def alone(new: NewOrder) -> None:
        await _place_alone(single, desk, principal, new)

    figures: list[Figure] = []
    for name, place, beside in (
        ("one batcher", batched, PROTOTYPE_BATCHED),
        ("one transaction per order", alone, PROTOTYPE_SINGLE),
    ):
        figures.append(await _closed_loop(f"{name}, {CALLERS} callers, {ACCOUNTS} accounts", place, keys, beside))
        figures.append(await _closed_loop(f"{name}, {CALLERS} callers, one account", place, keys[:1], ""))
    figures.append(await _open_loop(f"one batcher, {RATE}/s offered", batched, keys, ""))
    await single.close()
    rates = [figure.per_second or 0 for figure in figures]
    figures.append(Figure(name="ratio batched : single, many accounts", per_second=rates[0] / rates[2]))
    figures.append(Figure(name="ratio batched : single, one account", per_second=rates[1] / rates[3]))
    return figures


async def _place_alone(database: Database, desk: Desk, principal: Principal, new: NewOrder) -> None:
    key = AccountKey(tenant_id=principal.tenant_id, account_id=new.account_id)
    async with begin_intake(database, [principal.tenant_id], lock=account_books.locking([key])) as session:
        found = await find(session, symbols=[(principal.tenant_id, new.symbol or "")])
        intent = Intent(
            principal=principal,
            new=new,
            order_id=OrderId(desk.ids.new()),
            matches=tuple(one for _, one in found),
            key=key,
        )
        await place_batch(session, [intent], {}, market=desk.intake.market, now=desk.clock.now(), ids=desk.ids)


async def _closed_loop(name: str, place: Place, keys: list[AccountKey], beside: str) -> Figure:
    latencies: list[float] = []
    ends = time.perf_counter() + SECONDS

    async def caller(number: int) -> None:
        while time.perf_counter() < ends:
            start = time.perf_counter()
            await place(_order(keys[number % len(keys)]))
            latencies.append((time.perf_counter() - start) * 1000)

    started = time.perf_counter()
    await asyncio.gather(*(caller(number) for number in range(CALLERS)))
    rate = len(latencies) / (time.perf_counter() - started)
    return Figure(
        name=name,
        per_second=rate,
        p50_ms=percentile(latencies, 0.5),
        p99_ms=percentile(latencies, 0.99),
        beside=beside,
    )


async def _open_loop(name: str, place: Place, keys: list[AccountKey], beside: str) -> Figure:
    latencies: list[float] = []
    count = int(RATE * SECONDS)
    # As the web process does: a collection over all that was imported takes longer than many batches.
    settle()
    start = time.perf_counter()

    async def arrive(number: int) -> None:
        intended = start + number / RATE
        await asyncio.sleep(max(0.0, intended - time.perf_counter()))
        await place(_order(keys[number % len(keys)]))
        latencies.append((time.perf_counter() - intended) * 1000)

    await asyncio.gather(*(arrive(number) for number in range(count)))
    rate = count / (time.perf_counter() - start)
    return Figure(
        name=name, per_second=rate, p50_ms=percentile(latencies, 0.5), p99_ms=percentile(latencies, 0.99), beside=beside
    )


def _order(key: AccountKey) -> NewOrder:
    return factories.new_order(key.account_id, symbol="AAPL", quantity="1", limit_price="10.00")
