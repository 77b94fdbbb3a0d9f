"""How many market orders per second the simulator takes and fills, over a socket, from one client.

Run: python -m tests.benchmarks.simulator_orders [raw|ib_insync|ib_async] [orders]
"""

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from tests.contract.simulator.clients import Desk, load
from tests.contract.simulator.raw import RawClients, place_order

ORDERS = 5_000
TIMEOUT_S = 60
BURST = 20

SERVER = """
import asyncio
from app.simulator.config import SimulatorConfig
from app.simulator.server import Simulator

async def serve():
    simulator = Simulator(SimulatorConfig(displayed_size_min=500_000, displayed_size_max=900_000))
    await simulator.start()
    print(simulator.port, flush=True)
    await asyncio.Event().wait()

asyncio.run(serve())
"""


async def raw(port: int, orders: int) -> float:
    """Seconds from the first order to the last fill, on the bare wire."""
    clients = RawClients()
    client = await clients.start(port, "v157..176")
    started = time.perf_counter()

    async def send() -> None:
        for order_id in range(1, orders + 1):
            client.writer.write(place_order(176, order_id, "BUY" if order_id % 2 else "SELL", "1"))
            if not order_id % BURST:
                await client.writer.drain()
                await asyncio.sleep(0)

    sending = asyncio.create_task(send())
    for _ in range(orders):
        await client.until("3", at2="Filled")
    seconds = time.perf_counter() - started
    await sending
    await clients.close()
    return seconds


async def with_library(name: str, port: int, orders: int) -> float:
    """Seconds from the first order to the last fill, through a client library with its own throttle off."""
    logging.disable(logging.CRITICAL)
    desk = Desk(load(name), port)
    for described in ("Trade", "Fill", "Execution", "CommissionReport"):
        # The libraries format whole trades for log lines that nobody reads.
        getattr(desk.library, described).__repr__ = lambda _: ""
    await desk.connect()
    filled = 0
    done = asyncio.Event()

    def count(trade: Any) -> None:
        nonlocal filled
        filled += trade.orderStatus.status == "Filled"
        if filled == orders:
            done.set()

    desk.ib.orderStatusEvent += count
    started = time.perf_counter()
    for number in range(orders):
        desk.place(desk.library.MarketOrder("SELL" if number % 2 else "BUY", 1))
        if not number % BURST:
            await asyncio.sleep(0)
    await done.wait()
    seconds = time.perf_counter() - started
    desk.ib.disconnect()
    return seconds


async def measure(client: str, orders: int) -> float:
    """Orders per second, the simulator running in a process of its own."""
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", SERVER, stdout=asyncio.subprocess.PIPE)
    assert server.stdout is not None
    try:
        port = int(await asyncio.wait_for(server.stdout.readline(), TIMEOUT_S))
        run: Callable[[], Awaitable[float]] = (
            (lambda: raw(port, orders)) if client == "raw" else (lambda: with_library(client, port, orders))
        )
        async with asyncio.timeout(TIMEOUT_S):
            return orders / await run()
    finally:
        with suppress(ProcessLookupError):
            server.terminate()
        await server.wait()


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else "raw"
    count_of_orders = int(sys.argv[2]) if len(sys.argv) > 2 else ORDERS
    rate = asyncio.run(measure(chosen, count_of_orders))
    print(f"simulator, {chosen} client: {count_of_orders} market orders, {rate:,.0f} placed and filled per second")
