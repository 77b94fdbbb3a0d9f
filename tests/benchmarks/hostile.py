"""Hostile requests beside a steady flow of orders, in one run: what each costs, and what the orders feel of it."""

import asyncio
import gc
import json
import time
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from tests.benchmarks.figures import Figure, percentile, print_table
from tests.benchmarks.hostile_documents import HOSTILE, deep
from tests.benchmarks.http_orders import Connection, Load, cpu_seconds
from tests.installation import Installation, installed

ORDERS_PER_SECOND: Final = 100
ROUND_S: Final = 5.0
ROUNDS: Final = 3
HOSTILE_PER_SECOND: Final = 10
ATTACKERS: Final = 4
SLOW_BODIES: Final = 50
REPEATS: Final = 20
CALLERS: Final = 32
TARGET: Final = "at most 100 ms of processor time each; nobody else's p99 moves"


def requests() -> dict[str, bytes]:
    """The bodies that are offered, by their names; those of documents come in many variants: see variant()."""
    bodies = {name: json.dumps({"query": text}).encode() for name, text in HOSTILE.items()}
    asked = "query($v: JSON) { __typename }"
    bodies["variables of 900 levels"] = json.dumps({"query": asked, "variables": {"v": deep(900)}}).encode()
    bodies["JSON of 100,000 levels"] = b'{"query": "{ __typename }", "variables": {"v": ' + b"[" * 100_000
    bodies["variables of 300,000 values"] = json.dumps({"query": asked, "variables": {"v": [0] * 300_000}}).encode()
    bodies["a body of 1 MiB of nothing"] = b" " * (1024 * 1024)
    bodies["a body of 2 MiB"] = b" " * (2 * 1024 * 1024)
    return bodies


def variant(body: bytes, number: int) -> bytes:
    """The body with another document of the same cost, which nobody has seen yet."""
    marked = f" # {number}".encode()
    return body[:-2] + marked + body[-2:] if body.startswith(b'{"query"') and body.endswith(b'"}') else body


class Attackers:
    """Connections that offer hostile requests at a rate, with the demo's credential: an insider's, the worst case."""

    def __init__(self, demo: dict[str, Any]) -> None:
        self._demo = demo
        self._bodies = requests()
        self._number = 0
        self.offered = 0

    async def cost_ms(self, installation: Installation, name: str) -> float:
        """Processor time of the web process for one such request, in milliseconds."""
        connection = await Connection.open(self._demo)
        before = cpu_seconds(installation)["serve"]
        for _ in range(REPEATS):
            connection = await self._offer(connection, name)
        spent = cpu_seconds(installation)["serve"] - before
        connection.close()
        return spent / REPEATS * 1000

    async def attack(self) -> None:
        """Offers all of them in turn until it is canceled."""
        slow = [asyncio.create_task(self._send_slowly()) for _ in range(SLOW_BODIES)]
        try:
            await asyncio.gather(*(self._attack_by(place) for place in range(ATTACKERS)))
        finally:
            for task in slow:
                task.cancel()
            await asyncio.gather(*slow, return_exceptions=True)

    async def _attack_by(self, place: int) -> None:
        connection = await Connection.open(self._demo)
        names = list(self._bodies)
        begin = time.perf_counter()
        count = 0
        while True:
            at = begin + (count * ATTACKERS + place) / HOSTILE_PER_SECOND
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            connection = await self._offer(connection, names[(count * ATTACKERS + place) % len(names)])
            count += 1
            self.offered += 1

    async def _offer(self, connection: Connection, name: str) -> Connection:
        self._number += 1
        try:
            await connection.post(variant(self._bodies[name], self._number))
        except (OSError, asyncio.IncompleteReadError):
            # A body that is too large ends its connection.
            connection.close()
            return await Connection.open(self._demo)
        return connection

    async def _send_slowly(self) -> None:
        address = urlsplit(self._demo["graphqlUrl"])
        while True:
            _, writer = await asyncio.open_connection(address.hostname, address.port)
            head = f"POST {address.path} HTTP/1.1\r\nhost: {address.netloc}\r\ncontent-type: application/json\r\n"
            writer.write(head.encode() + b"content-length: 1000000\r\n\r\n")
            try:
                while not writer.is_closing():
                    writer.write(b" ")
                    await writer.drain()
                    await asyncio.sleep(0.5)
            except OSError:
                continue
            finally:
                writer.close()


async def measure() -> list[Figure]:
    """Measures and prints. Rounds with and without the attack take turns, so that both meet the same machine."""
    gc.disable()
    async with installed() as installation:
        demo = await installation.demo()
        load = Load(demo, [await Connection.open(demo) for _ in range(CALLERS)])
        await load.open_loop(ORDERS_PER_SECOND, 1.0)
        attackers = Attackers(demo)
        costs = {name: await attackers.cost_ms(installation, name) for name in requests()}
        calm: list[float] = []
        attacked: list[float] = []
        for _ in range(ROUNDS):
            await load.drained()
            calm += await _latencies(load)
            await load.drained()
            attack = asyncio.create_task(attackers.attack())
            attacked += await _latencies(load)
            attack.cancel()
            await asyncio.gather(attack, return_exceptions=True)
    _print_costs(costs)
    rate = attackers.offered / (ROUNDS * ROUND_S)
    figures = [
        _figure(f"placeOrder, {ORDERS_PER_SECOND}/s offered, alone", calm),
        _figure(f"the same beside {rate:.0f} hostile requests/s and {SLOW_BODIES} slow bodies", attacked),
    ]
    print_table("Orders beside an attack, in one run, rounds in turn", figures)
    return figures


async def _latencies(load: Load) -> list[float]:
    times = await load.open_loop(ORDERS_PER_SECOND, ROUND_S)
    return [(answered - intended) * 1000 for intended, answered in times.values()]


def _figure(name: str, latencies: Sequence[float]) -> Figure:
    return Figure(
        name=name,
        per_second=len(latencies) / (ROUNDS * ROUND_S),
        p50_ms=percentile(latencies, 0.5),
        p99_ms=percentile(latencies, 0.99),
        beside=TARGET,
    )


def _print_costs(costs: dict[str, float]) -> None:
    print("\n| hostile request | CPU of the web process, ms each |\n|---|---|")
    for name, cost_ms in sorted(costs.items(), key=lambda one: -one[1]):
        print(f"| {name} | {cost_ms:.1f} |")
