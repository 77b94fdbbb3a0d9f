"""The connector by itself: orders from the lane to filled, open orders resynchronised, ticks to Redis.

The connector, the gateways (simulators, unpaced) and PostgreSQL are processes of their own. What is placed waits in the
lane before the connector starts, so that neither GraphQL nor the intake is in the figures.
"""

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import asyncpg

from app.core.messages import AccountKey
from app.flows.desk import Desk, open_desk
from app.identity.domain import Principal
from app.infra.embedded.server import start_postgres, start_redis
from app.infra.migrations import upgrade
from app.infra.settings import Settings
from app.marketdata.domain import ticks_channel
from tests import factories
from tests.benchmarks.figures import Figure, print_table, processor_s

ORDERS = 4_500
GATEWAYS = 20
OPEN_ORDERS = 3_000
TICK_SECONDS = 10.0
TICKS_PER_SECOND = 10_000
TIMEOUT_S = 120.0

GATEWAY = """
import asyncio, sys
from time import monotonic
from app.simulator.config import AccountSeed, SimulatorConfig
from app.simulator.server import Simulator
from app.simulator.session import Session

TICKS = (b"1\\0", b"2\\0")
told = 0
send = Session.send

def counting(self, frame):
    global told
    at = 0
    while at < len(frame):
        told += frame[at + 4 : at + 6] in TICKS
        at += 4 + int.from_bytes(frame[at : at + 4])
    send(self, frame)

async def offer(simulator, per_second):
    # By the clock: what is told falls due with each moment, and is made up for after a pause of the machine.
    simulator.pause_market()
    began, before = monotonic(), told
    while True:
        due = (monotonic() - began) * per_second
        for _ in range(20):
            if told - before >= due:
                break
            simulator.step_market()
        await asyncio.sleep(0.002)

async def serve(count, per_second):
    running = []
    for number in range(1, count + 1):
        config = SimulatorConfig(
            accounts=(AccountSeed(account_id=f"DU{number:07d}"),),
            displayed_size_min=500_000,
            displayed_size_max=900_000,
        )
        running.append(Simulator(config))
        await running[-1].start()
    print(*(one.port for one in running), flush=True)
    offering = None
    while asked := await asyncio.to_thread(sys.stdin.readline):
        if asked == "offer\\n":
            offering = asyncio.create_task(offer(running[0], per_second))
        if asked == "drop\\n":
            for one in running:
                one.drop_connections()
        print(told, flush=True)

Session.send = counting
asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
"""


class Gateways:
    """Simulators in a process of their own."""

    def __init__(self, process: asyncio.subprocess.Process, ports: list[int]) -> None:
        self._process = process
        self.ports = ports

    async def drop(self) -> None:
        """Cuts every connection."""
        await self._ask(b"drop\n")

    async def offer(self) -> None:
        """Begins to tell as many ticks a second as were asked for, no matter how long each takes."""
        await self._ask(b"offer\n")

    async def ticks(self) -> int:
        """How many ticks were told until now."""
        return int(await self._ask(b"ticks\n"))

    async def _ask(self, question: bytes) -> bytes:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(question)
        return await self._process.stdout.readline()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A desk, a tenant with instruments, and the addresses that a connector needs."""

    desk: Desk
    principal: Principal
    environment: dict[str, str]
    owner: asyncpg.Connection


async def measure() -> list[Figure]:
    """Measures and prints."""
    figures = [
        await _with_bench(lambda bench: _orders(bench, 1)),
        await _with_bench(lambda bench: _orders(bench, GATEWAYS)),
        await _with_bench(_resynchronised),
        await _with_bench(_ticks),
    ]
    print_table("The connector, the gateways in a process of their own, unpaced", figures)
    return figures


async def _with_bench(work: Callable[[Bench], Awaitable[Figure]]) -> Figure:
    state_dir = Path(tempfile.mkdtemp(prefix="oms-bench-", dir="/var/tmp"))
    state_dir.chmod(0o711)
    try:
        async with start_postgres(state_dir) as database_url, start_redis(state_dir) as redis_url:
            await asyncio.to_thread(upgrade, database_url)
            settings = Settings(database_url=database_url, redis_url=redis_url, redis_prefix="bench:")
            owner = await asyncpg.connect(database_url)
            async with open_desk(settings) as desk:
                tenant_id = await factories.make_tenant(desk.database)
                await factories.make_instruments(desk.database, tenant_id)
                environment = {
                    **os.environ,
                    "OMS_DATABASE_URL": database_url,
                    "OMS_REDIS_URL": redis_url,
                    "OMS_REDIS_PREFIX": "bench:",
                    "OMS_IB_MESSAGES_PER_SECOND": "0",
                    "OMS_LOG_LEVEL": "warning",
                }
                principal = await factories.make_principal(desk.database, tenant_id)
                bench = Bench(desk=desk, principal=principal, environment=environment, owner=owner)
                figure = await work(bench)
            await owner.close()
            return figure
    finally:
        shutil.rmtree(state_dir)


async def _orders(bench: Bench, gateways: int) -> Figure:
    async with _gateways(gateways) as running:
        keys = await _accounts(bench, running.ports)
        await _place(bench, keys, ORDERS, limit_price=None)
        async with _connector(bench) as pid:
            await _until(bench, "SELECT count(*) > 0 FROM executions")
            began, cpu = time.perf_counter(), processor_s(pid)
            before = await bench.owner.fetchval("SELECT count(*) FROM orders WHERE state = 'FILLED'")
            await _until(bench, "SELECT count(*) = $1 FROM orders WHERE state = 'FILLED'", ORDERS)
            seconds, cpu = time.perf_counter() - began, processor_s(pid) - cpu
    filled = ORDERS - before
    return Figure(
        name=f"market orders, from the lane to filled, {gateways} gateway{'s' if gateways > 1 else ''}",
        per_second=filled / seconds,
        beside=f"connector {cpu / filled * 1e6:,.0f} us of processor an order; target 1,500/s",
    )


async def _resynchronised(bench: Bench) -> Figure:
    async with _gateways(1) as running:
        (key,) = await _accounts(bench, running.ports)
        await _place(bench, [key], OPEN_ORDERS, limit_price=Decimal("1.00"))
        async with _connector(bench):
            await _until(bench, "SELECT count(*) = $1 FROM orders WHERE state = 'ACCEPTED'", OPEN_ORDERS)
            since = "SELECT connected_since FROM broker_connections WHERE state = 'CONNECTED'"
            first = await bench.owner.fetchval(since)
            await running.drop()
            begun = "SELECT state = 'SYNCHRONIZING' FROM broker_connections"
            await _until(bench, begun, every_s=0.002)
            began = time.perf_counter()
            await _until(bench, "SELECT state = 'CONNECTED' FROM broker_connections", every_s=0.005)
            seconds = time.perf_counter() - began
            assert await bench.owner.fetchval(since) != first
    return Figure(
        name=f"{OPEN_ORDERS:,} open orders, resynchronised in {seconds:.2f} s",
        per_second=OPEN_ORDERS / seconds,
        beside="target 2 s",
    )


async def _ticks(bench: Bench) -> Figure:
    channel = ticks_channel(bench.principal.tenant_id)
    async with _gateways(1, per_second=TICKS_PER_SECOND) as running:
        await _accounts(bench, running.ports)
        async with _connector(bench) as pid, bench.desk.bus.subscribe(channel, size=100_000) as stream:
            await _until(bench, "SELECT bool_or(state = 'CONNECTED') FROM broker_connections")
            # The lines are open once the first quotes have come.
            await anext(stream)
            await running.offer()
            await asyncio.sleep(2)
            told = await running.ticks()
            began, cpu, windows = time.perf_counter(), processor_s(pid), stream.waiting
            await asyncio.sleep(TICK_SECONDS)
            seconds, cpu = time.perf_counter() - began, processor_s(pid) - cpu
            told, windows = await running.ticks() - told, stream.waiting - windows
    assert windows > 0, "what the gateway tells reaches Redis"
    return Figure(
        name=f"ticks through the connector to Redis, {TICKS_PER_SECOND:,} a second offered",
        per_second=told / seconds,
        beside=f"{cpu / seconds:.0%} of a core, {windows / seconds:.0f} windows a second in Redis; target 50%",
    )


async def _accounts(bench: Bench, ports: list[int]) -> list[AccountKey]:
    return [
        await factories.make_account(
            bench.desk.database,
            bench.principal.tenant_id,
            account_number=f"DU{number:07d}",
            port=port,
            client_id=number,
            is_gate_open=True,
        )
        for number, port in enumerate(ports, start=1)
    ]


async def _place(bench: Bench, keys: list[AccountKey], count: int, *, limit_price: Decimal | None) -> None:
    price = None if limit_price is None else str(limit_price)
    orders = [
        factories.new_order(keys[number % len(keys)].account_id, symbol="AAPL", quantity="1", limit_price=price)
        for number in range(count)
    ]
    for start in range(0, count, 1_000):
        for placement in await bench.desk.intake.submit_all(bench.principal, orders[start : start + 1_000]):
            assert placement.order is not None, placement.problems


@asynccontextmanager
async def _gateways(count: int, *, per_second: int = 0) -> AsyncIterator[Gateways]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", GATEWAY, str(count), str(per_second)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield Gateways(process, [int(port) for port in (await process.stdout.readline()).split()])
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def _connector(bench: Bench) -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "app.cli", "connector", env=bench.environment)
    try:
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


async def _until(bench: Bench, question: str, *parameters: object, every_s: float = 0.05) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not await bench.owner.fetchval(question, *parameters):
            await asyncio.sleep(every_s)
