"""What the dashboard is measured with: a running system whose tenant holds fifty instruments, and their market."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
import httpx

from app.core.fix import InstrumentType
from app.core.ids import InstrumentId, TenantId
from app.core.messages import Instrument, Tick
from app.infra.db import Database, DatabaseRole
from app.infra.embedded import Folders, PostgresServer, RedisServer
from app.infra.redis import Redis, open_redis
from app.infra.settings import Settings
from app.infra.sharing import end_task
from app.infra.system import SystemIds
from app.infra.uow import begin_batch
from app.instruments import batch as instruments
from app.marketdata.service import publish_ticks
from tests.benchmarks.figures import processor_s
from tests.installation import Installation

ROWS: Final = 50
PUBLISHED_EVERY_S: Final = 0.05
"""The window of the connector: ROWS changes in each are 1,000 a second."""
MOVING_S_MAX: Final = 90.0
_CENT: Final = Decimal("0.01")
_LOG_IN = "mutation($i: LoginInput!) { login(input: $i) { tokens { accessToken } errors { code } } }"
_OPEN = """mutation($i: CreateBrokerAccountInput!) {
  createBrokerAccount(input: $i) { brokerAccount { id } errors { code path } }
}"""
_ADJUST = "mutation($i: AdjustPositionInput!) { adjustPosition(input: $i) { errors { code path } } }"


class Market:
    """Prices of the fifty that all move in each window, told as the connector tells them."""

    def __init__(self, redis: Redis, tenant_id: TenantId, dealt: Sequence[Instrument]) -> None:
        self._redis = redis
        self._tenant_id = tenant_id
        self._dealt = dealt
        self._number = 0
        self.sent_at: dict[str, float] = {}
        """When each price of the first instrument was told, in seconds of the epoch: no price comes twice."""

    @property
    def symbols(self) -> list[str]:
        """What moves; the prices of the first are noted."""
        return [one.symbol for one in self._dealt]

    @asynccontextmanager
    async def moving(self) -> AsyncIterator["Market"]:
        """The market moves while the block lasts, for MOVING_S_MAX at most."""
        await self._tell()
        moves = asyncio.create_task(self._move())
        try:
            yield self
        finally:
            await end_task(moves)

    async def _move(self) -> None:
        began = time.perf_counter()
        for number in range(1, int(MOVING_S_MAX / PUBLISHED_EVERY_S)):
            await asyncio.sleep(max(0.0, began + number * PUBLISHED_EVERY_S - time.perf_counter()))
            await self._tell()

    async def _tell(self) -> None:
        self._number += 1
        # Up and down in turn, and never the same twice.
        step = 2 * self._number + (5 if self._number % 2 else 0)
        now = datetime.now(UTC)
        ticks = [self._tick(place, one, step, now) for place, one in enumerate(self._dealt)]
        self.sent_at[f"{ticks[0].last:.2f}"] = time.time()
        await publish_ticks(self._redis, self._tenant_id, ticks)

    def _tick(self, place: int, one: Instrument, step: int, now: datetime) -> Tick:
        last = Decimal(100 + place) + step * _CENT
        size = Decimal(100 + (self._number * 7 + place) % 900)
        return Tick(
            instrument_id=one.id,
            symbol=one.symbol,
            bid=last - _CENT,
            bid_size=size,
            ask=last + _CENT,
            ask_size=size + 11,
            last=last,
            last_size=Decimal(100),
            volume=Decimal(1_000_000 + self._number * 100),
            high=Decimal(1_000),
            low=Decimal(1),
            previous_close=Decimal(100 + place),
            time=now,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The running system: where it is, who signs in, and the market that moves on demand."""

    base: str
    demo: Mapping[str, Any]
    market: Market
    web_pids: Sequence[int] = field(default_factory=tuple)

    def web_s(self) -> float:
        """Processor time of the web process until now, in seconds."""
        return sum(processor_s(pid) for pid in self.web_pids)


@asynccontextmanager
async def open_house(installation: Installation) -> AsyncIterator[House]:
    """The demo with fifty instruments more, each of them held on an account that is connected to nothing."""
    demo = await installation.demo()
    folders = Folders.at(installation.state_dir)
    owner = await asyncpg.connect(PostgresServer(folders).url)
    tenant_id = TenantId(await owner.fetchval("SELECT id FROM tenants WHERE slug = $1", demo["tenant"]))
    await owner.close()
    dealt = _instruments()
    database = Database(PostgresServer(folders).process_url, DatabaseRole.APP, size=1)
    await database.open()
    try:
        async with begin_batch(database, tenant_id) as session:
            await instruments.insert_missing(session, tenant_id, dealt, datetime.now(UTC))
    finally:
        await database.close()
    redis = await open_redis(RedisServer(folders).url, Settings().redis_prefix)
    try:
        await _hold(demo, dealt)
        address = urlsplit(demo["graphqlUrl"])
        yield House(
            base=f"{address.scheme}://{address.netloc}",
            demo=demo,
            market=Market(redis, tenant_id, dealt),
            web_pids=[pid for pid, name in installation.children().items() if name == "serve"],
        )
    finally:
        await redis.close()


def _instruments() -> list[Instrument]:
    ids = SystemIds()
    return [
        Instrument(
            id=InstrumentId(ids.new()),
            # Before all others in the order of the table. No broker knows them, so nobody else tells of them.
            symbol=f"AA{place:02}",
            name=f"Measured share {place}",
            exchange="SMART",
            currency="USD",
            instrument_type=InstrumentType.STOCK,
            multiplier=Decimal(1),
            tick_size=_CENT,
            lot_size=Decimal(1),
            contract_id=None,
        )
        for place in range(ROWS)
    ]


async def _hold(demo: Mapping[str, Any], dealt: Sequence[Instrument]) -> None:
    async with httpx.AsyncClient(timeout=30) as client:

        async def ask(document: str, given: Mapping[str, Any]) -> dict[str, Any]:
            answer = (await client.post(demo["graphqlUrl"], json={"query": document, "variables": {"i": given}})).json()
            assert "errors" not in answer, answer
            (payload,) = answer["data"].values()
            assert payload["errors"] == [], payload
            found: dict[str, Any] = payload
            return found

        entered = await ask(_LOG_IN, {"email": demo["email"], "password": demo["password"]})
        client.headers["authorization"] = f"Bearer {entered['tokens']['accessToken']}"
        account = {
            "broker": "PAPER",
            "accountNumber": "MEASURED",
            "accountType": "MARGIN",
            "baseCurrency": "USD",
            "host": "127.0.0.1",
            "port": 1,
            "clientId": 1,
            "isPaper": True,
        }
        opened = await ask(_OPEN, account)
        for one in dealt:
            transfer = {
                "accountId": opened["brokerAccount"]["id"],
                "instrumentId": str(one.id),
                "type": "TRANSFER",
                "quantity": "100",
                "price": "100",
                "reason": "to have something that moves",
                "idempotencyKey": f"held-{one.symbol}",
            }
            await ask(_ADJUST, transfer)
