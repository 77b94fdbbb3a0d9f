"""Two web processes at once: inside every limit, one answer for one key, and never in each other's way."""

import asyncio
import json
import os
import signal
import tempfile
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.core.fix import RiskLimitType
from app.core.ids import AccountId, LimitId, TenantId
from app.infra.db import Database, DatabaseRole
from app.infra.system import SystemClock, SystemIds
from app.infra.uow import begin_batch
from app.risk import batch as risk
from app.risk.domain import RiskLimit
from tests.benchmarks.http_orders import Connection
from tests.faults.evidence import ask_broker
from tests.faults.load import PLACE
from tests.faults.stage import Stage, staged

pytestmark = pytest.mark.campaign

ORDERS = 2_000
ROOM = 500
RACERS = 100
TRIES_MAX = 60
LANES = 48
SETTLED_S = 60
RESTING = {"symbol": "AAPL", "side": "BUY", "orderType": "LIMIT", "limitPrice": "5.00", "timeInForce": "GTC"}


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    """A running installation with a second web process, five accounts and open gates."""
    with tempfile.TemporaryDirectory(prefix="oms-two-webs-", dir="/var/tmp") as folder:
        async with staged(Path(folder), accounts=5) as stage:
            yield stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """An order for one of the web processes."""

    web: int
    account_id: UUID
    key: str
    terms: dict[str, Any] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The request."""
        order = {**RESTING, "quantity": "1", "accountId": str(self.account_id), "clientOrderId": self.key, **self.terms}
        return json.dumps({"query": PLACE, "variables": {"input": order}}).encode()


@asynccontextmanager
async def connected(stage: Stage, web: int) -> AsyncIterator[Connection]:
    """A connection to a web process, with the demo's key."""
    connection = await Connection.open({"graphqlUrl": stage.webs[web], "apiKey": stage.api_key})
    try:
        yield connection
    finally:
        connection.close()


async def ask(connection: Connection, asking: Asking) -> Any:
    """The payload of placeOrder; None for an answer that does not say what came of it."""
    answer = await connection.post(asking.body)
    return None if answer.get("errors") else answer["data"]["placeOrder"]


async def ask_all(stage: Stage, askings: Sequence[Asking]) -> list[Any]:
    """The payloads, in order: each web process is asked over many connections at once."""
    payloads: list[Any] = [None] * len(askings)
    waiting = [deque((place, one) for place, one in enumerate(askings) if one.web == web) for web in range(2)]

    async def lane(web: int) -> None:
        async with connected(stage, web) as connection:
            while waiting[web]:
                place, one = waiting[web].popleft()
                payloads[place] = await ask(connection, one)

    await asyncio.gather(*(lane(web) for web in range(2) for _ in range(LANES)))
    return payloads


async def limit(stage: Stage, account_id: UUID, kind: RiskLimitType, value: int) -> None:
    """Puts a limit on the account."""
    database = Database(stage.database_url, DatabaseRole.APP, size=1)
    await database.open()
    tenant_id, ids = TenantId(stage.tenant_id), SystemIds()
    new = RiskLimit(id=LimitId(ids.new()), limit_type=kind, value=Decimal(value), account_id=AccountId(account_id))
    async with begin_batch(database, tenant_id) as session:
        await risk.insert_limits(session, tenant_id, [new], "system:test", SystemClock().now())
    await database.close()


async def count(stage: Stage, sql: str, *parameters: Any) -> int:
    """What the owner of the database counts."""
    connection = await stage.connect()
    try:
        return int(await connection.fetchval(sql, *parameters))
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("place_of_account", "kind", "value", "quantity"),
    [
        (1, RiskLimitType.MAX_OPEN_ORDERS, ROOM, "1"),
        (2, RiskLimitType.MAX_POSITION_QUANTITY, 2 * ROOM, "2"),
        (4, RiskLimitType.MAX_ORDERS_PER_MINUTE, ROOM, "1"),
    ],
)
async def test_parallel_orders_fill_a_limit_exactly(
    stage: Stage, place_of_account: int, kind: RiskLimitType, value: int, quantity: str
) -> None:
    account_id = stage.accounts[place_of_account].id
    await limit(stage, account_id, kind, value)

    answers = await ask_all(
        stage,
        [
            Asking(web=number % 2, account_id=account_id, key=f"{kind}-{number}", terms={"quantity": quantity})
            for number in range(ORDERS)
        ],
    )

    told = Counter(tuple(error["code"] for error in answer["errors"]) for answer in answers)
    assert told == {(): ROOM, (f"RISK_{kind}",): ORDERS - ROOM}
    is_open = "state NOT IN ('REJECTED', 'CANCELED', 'EXPIRED', 'FILLED')"
    assert await count(stage, f"SELECT count(*) FROM orders WHERE account_id = $1 AND {is_open}", account_id) == ROOM


async def test_orders_that_cross_at_one_instant_in_two_processes_never_both_stand(stage: Stage) -> None:
    accounts = stage.accounts[2].id, stage.accounts[3].id
    await guard_wash_trades(stage)
    crossing = [
        Asking(
            web=web,
            account_id=accounts[web],
            key=f"wash-{turn}-{web}",
            # Staged: one that dealt at the market before the other came would stand no more.
            terms={"symbol": "MSFT", "side": side, "limitPrice": f"{400 - turn}.00", "staged": True},
        )
        for turn in range(100)
        for web, side in enumerate(("BUY", "SELL"))
    ]

    answers = await ask_all(stage, crossing)

    taken = [one.terms for one, answer in zip(crossing, answers, strict=True) if not answer["errors"]]
    bought, sold = (
        [Decimal(terms["limitPrice"]) for terms in taken if terms["side"] == side] for side in ("BUY", "SELL")
    )
    told = Counter(error["code"] for answer in answers for error in answer["errors"])
    assert set(told) == {"RISK_WASH_TRADE"}
    assert bought or sold
    assert max(bought, default=Decimal(0)) < min(sold, default=Decimal(1_000))


async def test_crossing_orders_of_one_account_in_two_processes_never_wait_for_each_other(stage: Stage) -> None:
    account_id = stage.accounts[3].id
    await guard_wash_trades(stage, account_id=AccountId(account_id), conditions={"policy": "CANCEL_RESTING"})
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = 'oms'"
    before = await count(stage, deadlocks)
    crossing = [
        Asking(
            web=web,
            account_id=account_id,
            key=f"along-{turn}-{web}",
            terms={"side": side, "limitPrice": "6.00"},
        )
        # Fewer than one order may take along.
        for turn in range(40)
        for web, side in enumerate(("BUY", "SELL"))
    ]

    resting = [
        Asking(web=0, account_id=account_id, key=f"along-first-{turn}", terms={"side": "BUY", "limitPrice": "6.00"})
        for turn in range(5)
    ]
    assert [answer["errors"] for answer in await ask_all(stage, resting)] == [[]] * len(resting)

    answers = await ask_all(stage, crossing)

    assert [answer["errors"] for answer in answers] == [[]] * len(crossing)
    own = "account_id = $1 AND client_order_id LIKE 'along-%'"
    on_the_way = "state IN ('HELD', 'ROUTED', 'PENDING_CANCEL')"
    async with asyncio.timeout(SETTLED_S):
        while await count(stage, f"SELECT count(*) FROM orders WHERE {own} AND {on_the_way}", account_id):
            await asyncio.sleep(0.1)
    # Sales deal at the market at once; purchases rest, unless a sale takes them along: the first one takes five.
    standing = f"SELECT count(DISTINCT side) FROM orders WHERE {own} AND state = 'ACCEPTED'"
    assert await count(stage, standing, account_id) <= 1
    canceled = f"SELECT count(*) FROM orders WHERE {own} AND state = 'CANCELED'"
    assert await count(stage, canceled, account_id) > 0
    waited = f"""
      SELECT count(*) FROM order_events WHERE details ? 'waitsFor' AND order_id IN (SELECT id FROM orders WHERE {own})
    """
    assert await count(stage, waited, account_id) > 0
    assert await count(stage, deadlocks) == before


async def guard_wash_trades(
    stage: Stage, *, account_id: AccountId | None = None, conditions: dict[str, Any] | None = None
) -> None:
    """Puts a limit on wash trades for the whole firm, or for one account."""
    database = Database(stage.database_url, DatabaseRole.APP, size=1)
    await database.open()
    tenant_id, ids = TenantId(stage.tenant_id), SystemIds()
    new = RiskLimit(
        id=LimitId(ids.new()),
        limit_type=RiskLimitType.WASH_TRADE,
        value=None,
        account_id=account_id,
        conditions=conditions or {"symbols": ["MSFT"]},
    )
    async with begin_batch(database, tenant_id) as session:
        await risk.insert_limits(session, tenant_id, [new], "system:test", SystemClock().now())
    await database.close()


async def test_a_hundred_callers_with_one_key_get_one_order(stage: Stage) -> None:
    account = stage.accounts[3]

    answers = await ask_all(
        stage, [Asking(web=number % 2, account_id=account.id, key="one-key") for number in range(RACERS)]
    )

    assert [answer["errors"] for answer in answers] == [[]] * RACERS
    assert len({answer["order"]["id"] for answer in answers}) == 1
    assert await count(stage, "SELECT count(*) FROM orders WHERE client_order_id = 'one-key'") == 1


async def test_one_key_is_one_order_also_when_a_web_process_dies_in_the_race(stage: Stage) -> None:
    account = stage.accounts[3]
    told = asyncio.Event()

    async def insist(number: int) -> str:
        for attempt in range(TRIES_MAX):
            one = Asking(web=(number + attempt) % 2, account_id=account.id, key="dying-key")
            with suppress(OSError, asyncio.IncompleteReadError):
                async with connected(stage, one.web) as connection:
                    answer = await ask(connection, one)
                if answer is not None:
                    told.set()
                    return str(answer["order"]["id"])
            await asyncio.sleep(0.1)
        raise AssertionError("no web process answers")

    async def kill_at_the_first_answer() -> None:
        await told.wait()
        for pid in stage.pids("serve", 1):
            os.kill(pid, signal.SIGKILL)

    _, *order_ids = await asyncio.gather(kill_at_the_first_answer(), *(insist(number) for number in range(RACERS)))

    assert len(set(order_ids)) == 1
    assert await count(stage, "SELECT count(*) FROM orders WHERE client_order_id = 'dying-key'") == 1
    assert await stage.recovered()
    await until_at_broker(stage, str(order_ids[0]))
    copies = [order for order in (await ask_broker(account)).orders if order.ref == order_ids[0]]
    assert len(copies) == 1


async def test_crossed_accounts_never_wait_for_each_other(stage: Stage) -> None:
    accounts = [account.id for account in stage.accounts if not account.is_hot]
    before = await count(stage, "SELECT deadlocks FROM pg_stat_database WHERE datname = 'oms'")
    orders = [
        Asking(
            web=web,
            account_id=account_id,
            key=f"crossed-{turn}-{web}-{account_id}",
            terms={"side": "SELL", "limitPrice": "4000.00"},
        )
        for turn in range(100)
        for web in range(2)
        # Each process meets the accounts in the order opposite to the other's.
        for account_id in (accounts if web else reversed(accounts))
    ]

    answers = await ask_all(stage, orders)

    assert all(answer is not None for answer in answers)
    assert await count(stage, "SELECT deadlocks FROM pg_stat_database WHERE datname = 'oms'") == before
    assert await count(stage, "SELECT count(*) FROM orders WHERE starts_with(client_order_id, 'crossed-')") == len(
        orders
    )


async def until_at_broker(stage: Stage, order_id: str) -> None:
    """Waits until the broker has acknowledged the order."""
    async with asyncio.timeout(30):
        while not await count(
            stage, "SELECT count(*) FROM orders WHERE id = $1 AND permanent_id IS NOT NULL", UUID(order_id)
        ):
            await asyncio.sleep(0.1)
