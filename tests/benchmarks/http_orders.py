"""placeOrder over HTTP on the whole system: to the durable acknowledgement, and to FILLED at the simulator."""

import asyncio
import gc
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

from websockets.asyncio.client import connect

from tests.benchmarks.figures import Figure, percentile, print_table
from tests.installation import Installation, installed

CALLERS = 64
SECONDS = 5.0
RATES = (200, 1_000)
FILL_RATE = 100
SETTLE_S = 60.0
CLOSED_LOOP_S = 2.0
BULK = 1_000
BULKS = 3
DRAIN_S = 1.0
SYMBOLS = ("AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "META", "TSLA", "JPM", "SPY", "QQQ", "IWM")
PROTOTYPE = "prototype without HTTP and GraphQL: p99 2.6 ms at 1,000/s; target p99 < 10 ms"

_PLACE = """mutation Place($input: PlaceOrderInput!) {
  placeOrder(input: $input) { order { id clientOrderId state } errors { code message path } }
}"""
_PLACE_ALL = """mutation PlaceAll($input: [PlaceOrderInput!]!) {
  placeOrders(input: $input) { accepted results { order { id state } errors { code message path } } }
}"""
_EVENTS = """subscription Events($accountId: ID!) {
  orderEvents(accountId: $accountId) { orderId toState }
}"""


class Connection:
    """One keep-alive HTTP/1.1 connection, as lean as a load generator beside the server must be."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        self._reader = reader
        self._writer = writer
        self._head = head

    @classmethod
    async def open(cls, demo: dict[str, Any]) -> Self:
        """A connection to the server of the demo, with its API key."""
        address = urlsplit(demo["graphqlUrl"])
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        head = (
            f"POST {address.path} HTTP/1.1\r\nhost: {address.netloc}\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {demo['apiKey']}\r\ncontent-length: "
        )
        return cls(reader, writer, head.encode())

    async def post(self, body: bytes) -> dict[str, Any]:
        """The JSON answer."""
        self._writer.write(self._head + str(len(body)).encode() + b"\r\n\r\n" + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        answer: dict[str, Any] = json.loads(await self._reader.readexactly(length))
        return answer

    def close(self) -> None:
        """Ends it."""
        self._writer.close()


class Load:
    """Orders against a running demo, each answered without an error or the benchmark ends."""

    def __init__(self, demo: dict[str, Any], connections: Sequence[Connection]) -> None:
        self._demo = demo
        self._idle: asyncio.Queue[Connection] = asyncio.Queue()
        for connection in connections:
            self._idle.put_nowait(connection)
        self._number = 0

    async def place(self) -> str:
        """Places one market order and answers with its id."""
        body = json.dumps({"query": _PLACE, "variables": {"input": self._order()}}).encode()
        connection = await self._idle.get()
        answer = await connection.post(body)
        self._idle.put_nowait(connection)
        payload = answer["data"]["placeOrder"]
        assert payload["errors"] == [], payload
        return str(payload["order"]["id"])

    async def place_all(self, count: int) -> float:
        """Places so many orders in one request and answers with the milliseconds that it took."""
        body = json.dumps({"query": _PLACE_ALL, "variables": {"input": [self._order() for _ in range(count)]}}).encode()
        connection = await self._idle.get()
        start = time.perf_counter()
        answer = await connection.post(body)
        took_ms = (time.perf_counter() - start) * 1000
        self._idle.put_nowait(connection)
        assert answer["data"]["placeOrders"]["accepted"] == count, answer
        return took_ms

    def _order(self) -> dict[str, Any]:
        self._number += 1
        return {
            "accountId": self._demo["accountId"],
            "symbol": SYMBOLS[self._number % len(SYMBOLS)],
            "side": "BUY" if self._number // len(SYMBOLS) % 2 else "SELL",
            "orderType": "MARKET",
            "quantity": "1",
            "clientOrderId": uuid4().hex,
        }

    async def drained(self) -> None:
        """Waits until no order is open: the connector trades slower than orders come, and a limit is in the way."""
        body = json.dumps({"query": "{ orders(filter: {isOpen: true}, first: 1) { totalCount } }"}).encode()
        async with asyncio.timeout(SETTLE_S):
            while True:
                connection = await self._idle.get()
                answer = await connection.post(body)
                self._idle.put_nowait(connection)
                if answer["data"]["orders"]["totalCount"] == 0:
                    return
                await asyncio.sleep(0.2)

    async def open_loop(self, rate: int, seconds: float) -> dict[str, tuple[float, float]]:
        """Offers orders at a rate: intended arrival and answer by order id."""
        start = time.perf_counter() + 0.1
        times: dict[str, tuple[float, float]] = {}

        async def arrive(number: int) -> None:
            intended = start + number / rate
            await asyncio.sleep(max(0.0, intended - time.perf_counter()))
            order_id = await self.place()
            times[order_id] = (intended, time.perf_counter())

        await asyncio.gather(*(arrive(number) for number in range(int(rate * seconds))))
        return times

    async def closed_loop(self, callers: int, seconds: float) -> list[float]:
        """Latencies of callers that each place one order after the other."""
        latencies: list[float] = []
        ends = time.perf_counter() + seconds

        async def caller() -> None:
            while time.perf_counter() < ends:
                start = time.perf_counter()
                await self.place()
                latencies.append((time.perf_counter() - start) * 1000)

        await asyncio.gather(*(caller() for _ in range(callers)))
        return latencies


async def measure() -> list[Figure]:
    """Measures and prints."""
    # The load generator's own pauses are nobody's latency.
    gc.disable()
    async with installed() as installation:
        demo = await installation.demo()
        load = Load(demo, [await Connection.open(demo) for _ in range(CALLERS)])
        await load.open_loop(50, 1.0)
        figures = [await _to_filled(demo, load)]
        for rate in RATES:
            await load.drained()
            times = await load.open_loop(rate, SECONDS)
            latencies = [(answered - intended) * 1000 for intended, answered in times.values()]
            took = max(answered for _, answered in times.values()) - min(intended for intended, _ in times.values())
            figures.append(_figure(f"acknowledged, {rate}/s offered, one account", latencies, took, PROTOTYPE))
        await load.drained()
        before = cpu_seconds(installation)
        started = time.perf_counter()
        latencies = await load.closed_loop(CALLERS, CLOSED_LOOP_S)
        took = time.perf_counter() - started
        await load.drained()
        await asyncio.sleep(DRAIN_S)
        after = cpu_seconds(installation)
        figures += [await _in_bulk(load, callers) for callers in (1, 2)]
        figures.append(_figure(f"acknowledged, {CALLERS} callers, one account", latencies, took, "target 1,000/s"))
    print_table("placeOrder over HTTP, whole system on this machine, connector and simulator trading along", figures)
    print("\n| process | CPU for an order, placed to filled and told, us |\n|---|---|")
    for name, seconds in after.items():
        print(f"| {name} | {(seconds - before.get(name, 0.0)) / len(latencies) * 1e6:,.0f} |")
    return figures


async def _in_bulk(load: Load, callers: int) -> Figure:
    took_ms: list[float] = []
    spent_s = 0.0
    for _ in range(BULKS):
        await load.drained()
        started = time.perf_counter()
        took_ms += await asyncio.gather(*(load.place_all(BULK) for _ in range(callers)))
        spent_s += time.perf_counter() - started
    return Figure(
        name=f"placeOrders of {BULK:,}, {callers} at a time, one account",
        per_second=BULK * BULKS * callers / spent_s,
        p50_ms=percentile(took_ms, 0.5),
        p99_ms=percentile(took_ms, 0.99),
        beside="orders a second; target 10,000/s",
    )


async def _to_filled(demo: dict[str, Any], load: Load) -> Figure:
    filled: dict[str, float] = {}
    async with connect(demo["websocketUrl"], subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
        await socket.send(
            json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {demo['apiKey']}"}})
        )
        await socket.recv()
        payload = {"query": _EVENTS, "variables": {"accountId": demo["accountId"]}}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))

        async def listen() -> None:
            async for message in socket:
                told = json.loads(message)
                if told["type"] != "next":
                    continue
                event = told["payload"]["data"]["orderEvents"]
                if event["toState"] == "FILLED":
                    filled.setdefault(event["orderId"], time.perf_counter())

        listening = asyncio.create_task(listen())
        await asyncio.sleep(0.5)
        times = await load.open_loop(FILL_RATE, SECONDS)
        async with asyncio.timeout(SETTLE_S):
            while not times.keys() <= filled.keys():
                await asyncio.sleep(0.05)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    latencies = [(filled[order_id] - intended) * 1000 for order_id, (intended, _) in times.items()]
    return _figure(
        f"FILLED event at a subscriber, {FILL_RATE}/s offered", latencies, SECONDS, "target p50 < 10 ms to filled"
    )


def cpu_seconds(installation: Installation) -> dict[str, float]:
    """Processor time so far by process, PostgreSQL's backends with their postmaster."""
    names = {pid: _short(name) for pid, name in installation.children().items()}
    spent: dict[str, float] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        name = names.get(int(entry.name)) or ("postgres" if names.get(int(fields[1])) == "postgres" else None)
        if name is not None:
            ticks = int(fields[11]) + int(fields[12])
            spent[name] = spent.get(name, 0.0) + ticks / os.sysconf("SC_CLK_TCK")
    return spent


def _short(name: str) -> str:
    if "shared_buffers" in name:
        return "postgres"
    return "redis" if "redis" in name else name


def _figure(name: str, latencies: Sequence[float], took_s: float, beside: str) -> Figure:
    return Figure(
        name=name,
        per_second=len(latencies) / took_s,
        p50_ms=percentile(latencies, 0.5),
        p99_ms=percentile(latencies, 0.99),
        beside=beside,
    )
