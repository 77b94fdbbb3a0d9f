"""What the hub of live tables carries: one change to many subscribers, from the table to the bytes of the message."""

import asyncio
import shutil
import tempfile
import time
from pathlib import Path

import orjson

from app.core.ids import OrderId
from app.flows.desk import Desk, open_desk
from app.flows.live.live_table import LiveTable
from app.identity.domain import Client, Principal
from app.infra.db import ReadSession
from app.infra.embedded.server import start_postgres, start_redis
from app.infra.migrations import upgrade
from app.infra.outages import known_as
from app.infra.settings import Settings
from app.orders import service as orders
from app.orders.domain.order import Order
from schema.base.context import RequestContext
from schema.base.execution import Asked, GraphQLEngine
from schema.schema import schema, subscription_requirements
from tests import factories
from tests.benchmarks.figures import Figure, percentile, print_table

SUBSCRIBERS = 100
SECONDS = 4.0
ROWS = (1, 10)
PROTOTYPE = "prototype 69,000-86,000/s executed once, 8,000-10,000/s by each subscriber"

DOCUMENT = """subscription {
  ordersChanged(throttleMs: 5000) {
    kind sequence serverTime removedIds
    upserts { ID: id clientOrderId side orderType quantity limitPrice state filledQuantity averageFillPrice updatedAt }
  }
}"""


class Subscribers:
    """Subscriptions over the engine, whose answers become the bytes of a message and go nowhere."""

    def __init__(self, engine: GraphQLEngine, desk: Desk, principal: Principal) -> None:
        self._engine = engine
        self._desk = desk
        self._principal = principal
        self._client = Client(ip_address="127.0.0.1", user_agent="benchmark", request_id="benchmark")
        self._left = 0
        self._all_came = asyncio.Event()
        self.ages: list[float] = []
        self._handed_out_at = 0.0

    async def listen(self, document: str) -> None:
        """Reads one subscription for ever."""
        context = RequestContext(self._desk, self._client, self._principal)
        async for answer in self._engine.stream(Asked(document=document), context):
            assert "errors" not in answer, answer
            orjson.dumps({"id": "1", "type": "next", "payload": answer}).decode()
            self._left -= 1
            self.ages.append((time.perf_counter() - self._handed_out_at) * 1000)
            if self._left == 0:
                self._all_came.set()

    async def round(self, table: LiveTable[Order], rows: list[Order]) -> None:
        """One change to all of them."""
        self.expect()
        table.hand_out(rows, ())
        await self._all_came.wait()

    def expect(self) -> None:
        """A message to each is on its way."""
        self._left = SUBSCRIBERS
        self._all_came.clear()
        self._handed_out_at = time.perf_counter()

    async def all_came(self) -> None:
        """Waits until each has its message."""
        await self._all_came.wait()


async def measure() -> list[Figure]:
    """Measures and prints."""
    state_dir = Path(tempfile.mkdtemp(prefix="oms-bench-", dir="/var/tmp"))
    state_dir.chmod(0o711)
    try:
        async with start_postgres(state_dir) as database_url, start_redis(state_dir) as redis_url:
            await asyncio.to_thread(upgrade, database_url)
            settings = Settings(database_url=database_url, redis_url=redis_url, redis_prefix="bench:")
            async with open_desk(settings) as desk:
                figures = await _measure(desk)
    finally:
        shutil.rmtree(state_dir)
    print_table(
        f"Live orders: one change to {SUBSCRIBERS} subscribers, to the bytes of the message, no sockets", figures
    )
    return figures


async def _measure(desk: Desk) -> list[Figure]:
    tenant_id = await factories.make_tenant(desk.database)
    principal = await factories.make_principal(desk.database, tenant_id)
    key = await factories.make_account(desk.database, tenant_id, is_gate_open=True)
    await factories.make_instruments(desk.database, tenant_id, "AAPL")
    placed = await asyncio.gather(
        *(desk.intake.submit(principal, factories.new_order(key.account_id, symbol="AAPL")) for _ in range(max(ROWS)))
    )
    ids = [OrderId(one.order.id) for one in placed if one.order is not None]
    async with desk.reading(principal) as session:
        rows = await _orders(session, principal, ids)
    engine = GraphQLEngine(schema._schema, subscription_requirements(), known_as=known_as)
    figures: list[Figure] = []
    for count in ROWS:
        for name, is_equal in (("equal selections: executed once", True), ("each its own selection", False)):
            subscribers = Subscribers(engine, desk, principal)
            figures.append(await _rounds(desk, subscribers, rows[:count], name, is_equal=is_equal))
    return figures


async def _orders(session: ReadSession, principal: Principal, ids: list[OrderId]) -> list[Order]:
    return list((await orders.orders(session, principal.tenant_id, ids)).values())


async def _rounds(desk: Desk, subscribers: Subscribers, rows: list[Order], name: str, *, is_equal: bool) -> Figure:
    subscribers.expect()
    listening = [
        asyncio.create_task(subscribers.listen(DOCUMENT if is_equal else DOCUMENT.replace("ID:", f"id{number}:")))
        for number in range(SUBSCRIBERS)
    ]
    await subscribers.all_came()
    # The last snapshot was read: a moment later all are live.
    await asyncio.sleep(0.2)
    (table,) = desk.tables.things
    subscribers.ages.clear()
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < SECONDS:
        await subscribers.round(table, rows)
        count += 1
    took = time.perf_counter() - started
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    while desk.tables.things:
        await asyncio.sleep(0.01)
    return Figure(
        name=f"{len(rows)} orders a message, {name}",
        per_second=count * SUBSCRIBERS / took,
        p50_ms=percentile(subscribers.ages, 0.5),
        p99_ms=percentile(subscribers.ages, 0.99),
        beside=PROTOTYPE if is_equal else "",
    )
