"""G5 under fire: sockets, web process, relay and Redis die at random while orders flow; followers resume."""

import asyncio
import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import httpx
import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from app.infra.embedded import Folders, PostgresServer, RedisServer
from tests.installation import Installation, installed, until

FOLLOWERS: Final = 3
PLACERS: Final = 4
SYMBOLS: Final = ("AAPL", "MSFT", "SPY", "TSLA")
PAUSE_S: Final = 0.1
BETWEEN_KILLS_S: Final = (0.2, 1.0)
SETTLED_S: Final = 3.0
CATCH_UP_S_MAX: Final = 60.0

PLACE = "mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { order { id } errors { code } } }"
EVENTS = """subscription($account: ID!, $after: Int) {
  orderEvents(accountId: $account, afterSequence: $after) { sequence orderId type }
}"""
TABLE = """subscription($account: ID!) {
  ordersChanged(filter: {accountIds: [$account]}, throttleMs: 100) {
    kind sequence hasMore removedIds upserts { id state filledQuantity }
  }
}"""
LOST: Final = (OSError, TimeoutError, WebSocketException)

Event = tuple[int, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was done to the system, what flowed meanwhile, and what came out wrong."""

    kills: dict[str, int]
    orders: int
    events: int
    deliveries: int
    connections: int
    missing: int
    doubled: int
    different: int
    """Orders that a live table showed in another state than the database's when all was quiet."""

    @property
    def violations(self) -> int:
        """Everything that came out wrong."""
        return self.missing + self.doubled + self.different

    def row(self) -> str:
        """The report as a row: promise, faults, operations, violations."""
        faults = ", ".join(f"{name} {count}" for name, count in sorted(self.kills.items()))
        return (
            f"| G5 | {sum(self.kills.values())} ({faults}) | {self.orders} orders, {self.events} events, "
            f"{self.deliveries} deliveries over {self.connections} connections | {self.violations} |"
        )


def run(kills: int, *, seed: int | None = None, between_s: tuple[float, float] = BETWEEN_KILLS_S) -> Report:
    """The campaign with so many kills and so much time between them, from a seed where one is given."""
    return asyncio.run(campaign(kills, seed=seed, between_s=between_s))


async def campaign(kills: int, *, seed: int | None = None, between_s: tuple[float, float] = BETWEEN_KILLS_S) -> Report:
    """Kills at random while orders flow, then compares what followers got with the database."""
    async with installed() as installation:
        field_of_battle = await _Field.of(installation, random.Random(seed))
        return await field_of_battle.fight(kills, between_s)


@dataclass(slots=True)
class _Socket:
    """One client that comes back whatever breaks."""

    demo: dict[str, Any]
    connections: int = 0
    raw: ClientConnection | None = None

    async def keep(self, ask: Callable[[], dict[str, Any]], take: Callable[[Any], None]) -> None:
        while True:
            try:
                await self._listen(ask(), take)
            except LOST:
                self.raw = None
            await asyncio.sleep(PAUSE_S)

    def cut(self) -> None:
        if self.raw is not None:
            self.raw.transport.abort()

    async def _listen(self, payload: dict[str, Any], take: Callable[[Any], None]) -> None:
        protocols = [Subprotocol("graphql-transport-ws")]
        async with connect(self.demo["websocketUrl"], subprotocols=protocols, open_timeout=5) as raw:
            self.raw = raw
            greeting = {"type": "connection_init", "payload": {"authorization": f"Bearer {self.demo['apiKey']}"}}
            await raw.send(orjson.dumps(greeting).decode())
            async for text in raw:
                message = orjson.loads(text)
                match message["type"]:
                    case "connection_ack":
                        self.connections += 1
                        subscribe = {"id": "1", "type": "subscribe", "payload": payload}
                        await raw.send(orjson.dumps(subscribe).decode())
                    case "ping":
                        await raw.send('{"type": "pong"}')
                    case "next" if "errors" not in message["payload"]:
                        take(message["payload"]["data"])
                    case _:
                        # The server ended the subscription: what it follows had failed.
                        return


@dataclass(slots=True)
class _EventFollower:
    """Follows the account's events and always resumes with the last sequence that it saw."""

    socket: _Socket
    events: list[Event] = field(default_factory=list)
    doubled: int = 0

    @property
    def last(self) -> int:
        return self.events[-1][0] if self.events else 0

    def ask(self) -> dict[str, Any]:
        return {"query": EVENTS, "variables": {"account": self.socket.demo["accountId"], "after": self.last}}

    def take(self, data: Any) -> None:
        event = data["orderEvents"]
        if event["sequence"] <= self.last:
            self.doubled += 1
        else:
            self.events.append((event["sequence"], event["orderId"], event["type"]))


@dataclass(slots=True)
class _TableFollower:
    """Keeps a live table of the account's orders as the documentation says."""

    socket: _Socket
    rows: dict[str, tuple[str, str]] = field(default_factory=dict)
    sequence: int = 0
    is_fresh: bool = True

    def ask(self) -> dict[str, Any]:
        self.sequence, self.is_fresh = 0, True
        return {"query": TABLE, "variables": {"account": self.socket.demo["accountId"]}}

    def take(self, data: Any) -> None:
        batch = data["ordersChanged"]
        self.sequence += 1
        assert batch["sequence"] == self.sequence
        if batch["kind"] == "RESET":
            self.is_fresh = True
        elif self.is_fresh and batch["kind"] == "SNAPSHOT":
            self.rows.clear()
            self.is_fresh = False
        self.rows.update({row["id"]: (row["state"], row["filledQuantity"]) for row in batch["upserts"]})
        for one in batch["removedIds"]:
            self.rows.pop(one, None)


@dataclass(slots=True)
class _Field:
    installation: Installation
    demo: dict[str, Any]
    chance: random.Random
    database_url: str
    redis_url: str
    killed: Counter[str] = field(default_factory=Counter)
    placed: set[str] = field(default_factory=set)
    is_over: bool = False

    @classmethod
    async def of(cls, installation: Installation, chance: random.Random) -> "_Field":
        folders = Folders.at(installation.state_dir)
        return cls(
            installation=installation,
            demo=await installation.demo(),
            chance=chance,
            database_url=PostgresServer(folders).url,
            redis_url=RedisServer(folders).url,
        )

    async def fight(self, kills: int, between_s: tuple[float, float]) -> Report:
        followers = [_EventFollower(_Socket(self.demo)) for _ in range(FOLLOWERS)]
        table = _TableFollower(_Socket(self.demo))
        sockets = [*(one.socket for one in followers), table.socket]
        listening = [asyncio.create_task(one.socket.keep(one.ask, one.take)) for one in followers]
        listening.append(asyncio.create_task(table.socket.keep(table.ask, table.take)))
        placing = [asyncio.create_task(self._place()) for _ in range(PLACERS)]
        try:
            for _ in range(kills):
                await asyncio.sleep(self.chance.uniform(*between_s))
                await self._kill(sockets)
            self.is_over = True
            await asyncio.gather(*placing)
            events, orders = await self._settled()
            with contextlib.suppress(TimeoutError):
                await until(lambda: all(one.last >= events[-1][0] for one in followers), CATCH_UP_S_MAX)
            with contextlib.suppress(TimeoutError):
                await until(lambda: table.rows == orders, CATCH_UP_S_MAX)
        finally:
            for task in (*listening, *placing):
                task.cancel()
            await asyncio.gather(*listening, *placing, return_exceptions=True)
        for task in listening:
            if not task.cancelled():
                task.result()
        return Report(
            kills=dict(self.killed),
            orders=len(self.placed),
            events=len(events),
            deliveries=sum(len(one.events) for one in followers),
            connections=sum(one.connections for one in sockets),
            missing=sum(len(set(events) - set(one.events)) for one in followers),
            doubled=sum(one.doubled + len(set(one.events) - set(events)) for one in followers),
            different=len(set(orders.items()) ^ set(table.rows.items())),
        )

    async def _kill(self, sockets: list[_Socket]) -> None:
        what = self.chance.choice(("socket", "socket", "serve", "redis", "relay", "flush"))
        match what:
            case "socket":
                self.chance.choice(sockets).cut()
            case "flush":
                with contextlib.suppress(RedisError, OSError):
                    async with Redis.from_url(self.redis_url) as client:
                        await client.flushall()
            case "redis":
                self._kill_process(lambda name: "redis.sock" in name)
            case _:
                self._kill_process(lambda name: name == what)
        self.killed[what] += 1

    def _kill_process(self, is_meant: Callable[[str], bool]) -> None:
        for pid, name in self.installation.children().items():
            if is_meant(name):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    async def _place(self) -> None:
        headers = {"authorization": f"Bearer {self.demo['apiKey']}"}
        async with httpx.AsyncClient(headers=headers, timeout=5) as client:
            while not self.is_over:
                await self._place_one(client)

    async def _place_one(self, client: httpx.AsyncClient) -> None:
        # The same key until there is an answer: a lost one is asked for again, not ordered again.
        order = {
            "accountId": self.demo["accountId"],
            "symbol": self.chance.choice(SYMBOLS),
            "side": self.chance.choice(("BUY", "SELL")),
            "orderType": "MARKET",
            "quantity": "1",
            "clientOrderId": uuid4().hex,
        }
        while True:
            try:
                response = await client.post(
                    self.demo["graphqlUrl"], json={"query": PLACE, "variables": {"input": order}}
                )
                answer = response.json()
            except (httpx.HTTPError, ValueError):
                answer = {"errors": ["no answer"]}
            if "errors" not in answer:
                payload = answer["data"]["placeOrder"]
                if payload["order"] is not None:
                    self.placed.add(payload["order"]["id"])
                return
            await asyncio.sleep(PAUSE_S)

    async def _settled(self) -> tuple[list[Event], dict[str, tuple[str, str]]]:
        # Nothing more is asked for: quiet is when the log has not grown for a while.
        connection = await asyncpg.connect(self.database_url)
        try:
            account_id, known = UUID(self.demo["accountId"]), -1
            while True:
                last = await connection.fetchval(
                    "SELECT max(sequence) FROM order_events WHERE account_id = $1", account_id
                )
                if last == known:
                    break
                known = last
                await asyncio.sleep(SETTLED_S)
            events = await connection.fetch(
                "SELECT sequence, order_id, type FROM order_events WHERE account_id = $1 ORDER BY sequence", account_id
            )
            orders = await connection.fetch(
                "SELECT id, state, filled_quantity FROM orders WHERE account_id = $1", account_id
            )
        finally:
            await connection.close()
        return (
            [(row["sequence"], str(row["order_id"]), row["type"]) for row in events],
            {str(row["id"]): (row["state"], f"{row['filled_quantity'].normalize():f}") for row in orders},
        )
