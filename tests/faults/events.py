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

from app.core.money import plain
from app.infra.embedded import Folders, PostgresServer, RedisServer
from tests.installation import Installation, installed, until

FOLLOWERS: Final = 3
PLACERS: Final = 4
SYMBOLS: Final = ("AAPL", "MSFT", "SPY", "TSLA")
PAUSE_S: Final = 0.1
# A kill hits a system at work: orders were answered and every follower has moved on since the last one.
ORDERS_BETWEEN_KILLS: Final = 5
FLOW_S_MAX: Final = 40.0
BETWEEN_KILLS_S: Final = (0.0, 0.5)
SETTLED_S: Final = 3.0
CATCH_UP_S_MAX: Final = 60.0
RECOVERED_S_MAX: Final = 90.0
LOG_CHARACTERS: Final = 6_000

PLACE = "mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { order { id } errors { code } } }"
EVENTS = """subscription($account: ID!, $after: Int) {
  orderEvents(accountId: $account, afterSequence: $after) { sequence orderId type }
}"""
ORDERS = """subscription($account: ID!) {
  table: ordersChanged(filter: {accountIds: [$account]}, throttleMs: 100) {
    kind sequence hasMore removedIds upserts { id text: state quantity: filledQuantity }
  }
}"""
POSITIONS = """subscription($account: ID!) {
  table: positionsChanged(accountIds: [$account], throttleMs: 100) {
    kind sequence hasMore removedIds upserts { id text: averagePrice quantity }
  }
}"""
LOST: Final = (OSError, TimeoutError, WebSocketException)

Event = tuple[int, str, str]
_Rows = dict[str, tuple[str, str]]


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
    """Orders and positions that a live table showed otherwise than the database when all was quiet."""

    stalls: int
    """How often orders or a follower had not moved on so long after a kill: slow, not wrong."""

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
    """Keeps a live table of the account as the documentation says."""

    socket: _Socket
    document: str
    rows: _Rows = field(default_factory=dict)
    sequence: int = 0
    is_fresh: bool = True

    def ask(self) -> dict[str, Any]:
        self.sequence, self.is_fresh = 0, True
        return {"query": self.document, "variables": {"account": self.socket.demo["accountId"]}}

    def take(self, data: Any) -> None:
        batch = data["table"]
        self.sequence += 1
        assert batch["sequence"] == self.sequence
        if batch["kind"] == "RESET":
            self.is_fresh = True
        elif self.is_fresh and batch["kind"] == "SNAPSHOT":
            self.rows.clear()
            self.is_fresh = False
        self.rows.update({row["id"]: (row["text"], row["quantity"]) for row in batch["upserts"]})
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
    stalls: int = 0
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
        tables = [_TableFollower(_Socket(self.demo), document) for document in (ORDERS, POSITIONS)]
        sockets = [*(one.socket for one in followers), *(one.socket for one in tables)]
        listening = [asyncio.create_task(one.socket.keep(one.ask, one.take)) for one in followers]
        listening += [asyncio.create_task(one.socket.keep(one.ask, one.take)) for one in tables]
        placing = [asyncio.create_task(self._place()) for _ in range(PLACERS)]
        try:
            for _ in range(kills):
                await self._flowing(followers)
                await asyncio.sleep(self.chance.uniform(*between_s))
                await self._kill(sockets)
            self.is_over = True
            # Whoever waits for an answer asks again until there is one: a system that never recovers is told as that.
            async with asyncio.timeout(RECOVERED_S_MAX):
                await asyncio.gather(*placing)
                events, *stored = await self._settled()
            with contextlib.suppress(TimeoutError):
                await until(lambda: all(one.last >= events[-1][0] for one in followers), CATCH_UP_S_MAX)
            with contextlib.suppress(TimeoutError):
                await until(lambda: [one.rows for one in tables] == stored, CATCH_UP_S_MAX)
        except TimeoutError:
            raise AssertionError(f"the system did not recover:\n{self.installation.log()[-LOG_CHARACTERS:]}") from None
        finally:
            for task in (*listening, *placing):
                task.cancel()
            await asyncio.gather(*listening, *placing, return_exceptions=True)
        for task in listening:
            if not task.cancelled():
                task.result()
        return Report(
            kills=dict(self.killed),
            stalls=self.stalls,
            orders=len(self.placed),
            events=len(events),
            deliveries=sum(len(one.events) for one in followers),
            connections=sum(one.connections for one in sockets),
            missing=sum(len(set(events) - set(one.events)) for one in followers),
            doubled=sum(one.doubled + len(set(one.events) - set(events)) for one in followers),
            different=sum(
                len(set(rows.items()) ^ set(one.rows.items())) for one, rows in zip(tables, stored, strict=True)
            ),
        )

    async def _flowing(self, followers: list[_EventFollower]) -> None:
        answered, marks = len(self.placed) + ORDERS_BETWEEN_KILLS, [one.last for one in followers]

        def flows() -> bool:
            return len(self.placed) >= answered and all(
                one.last > mark for one, mark in zip(followers, marks, strict=True)
            )

        try:
            await until(flows, FLOW_S_MAX)
        except TimeoutError:
            self.stalls += 1

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

    async def _settled(self) -> tuple[list[Event], _Rows, _Rows]:
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
            positions = await connection.fetch(
                "SELECT id, average_price, quantity FROM positions WHERE account_id = $1 AND quantity <> 0", account_id
            )
        finally:
            await connection.close()
        return (
            [(row["sequence"], str(row["order_id"]), row["type"]) for row in events],
            {str(row["id"]): (row["state"], plain(row["filled_quantity"])) for row in orders},
            {str(row["id"]): (plain(row["average_price"]), plain(row["quantity"])) for row in positions},
        )
