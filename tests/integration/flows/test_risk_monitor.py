"""The monitor on real PostgreSQL and Redis: what limits come to, what is told of it, and what halts by itself."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from app.core.fix import OrderState, RiskLimitType, Side
from app.core.ids import BreakerId
from app.core.messages import Tick
from app.core.trading_modes import TradingMode
from app.flows.desk import Desk
from app.flows.halts.halt_trading import resume_trading
from app.flows.hands import WorkerHands
from app.flows.risk.circuit_breakers import BreakerSetting, set_circuit_breaker
from app.flows.risk.monitor_risk import RiskMonitor
from app.flows.risk.risk_news import RiskAlert, alerts_channel, alerts_in
from app.infra.db import Database, DatabaseRole
from app.infra.uow import begin_batch
from app.marketdata import service as marketdata
from app.orders.errors import OrderProblem
from app.risk.domain import RiskLimit
from app.risk.halts import batch as halts
from app.risk.halts.domain import Halt
from app.risk.monitoring import batch, breakers_batch
from app.risk.monitoring.domain.breakers import BreakerKind, CircuitBreaker, Trip
from app.risk.monitoring.domain.watch import CALM, AlertKind, BreachRecord, Level
from tests import factories
from tests.fakes import SetClock
from tests.integration.flows.conftest import Trader

_TYPE = RiskLimitType
NO_ID = BreakerId(UUID(int=0))


@dataclass(kw_only=True)
class Post:
    """A monitor of one tenant with a clock of the test's."""

    trader: Trader
    clock: SetClock
    monitor: RiskMonitor = field(init=False)
    system_database: Database

    def __post_init__(self) -> None:
        self.restart()

    @property
    def desk(self) -> Desk:
        return self.trader.desk

    def restart(self) -> None:
        """Another process takes over, and remembers nothing."""
        hands = WorkerHands(
            database=self.desk.database,
            redis=self.desk.redis,
            intake=self.desk.intake,
            clock=self.clock,
            ids=self.desk.ids,
        )
        self.monitor = RiskMonitor(hands=hands, system_database=self.system_database, timezone=ZoneInfo("UTC"))

    async def look(self, after_s: float = 1.0) -> None:
        """One look of the monitor."""
        self.clock.advance(timedelta(seconds=after_s))
        await self.monitor.watch(self.trader.key.tenant_id)

    async def quote(self, price: str, symbol: str = "AAPL") -> None:
        """The market stands at this price."""
        value, instrument = Decimal(price), self.trader.instruments[symbol]
        tick = Tick(
            instrument_id=instrument.id, symbol=symbol, bid=value, ask=value, last=value, time=datetime.now(UTC)
        )
        await marketdata.publish_ticks(self.desk.redis, self.trader.key.tenant_id, [tick])

    async def hold(self, quantity: str, price: str = "100") -> None:
        """A position that was bought at this price."""
        order = await self.trader.placed(quantity=quantity, limit_price=price)
        await self.trader.claim()
        await self.trader.report(self.trader.execution(order, quantity, price))

    async def limit(self, of: RiskLimitType, value: str, **more: Any) -> RiskLimit:
        """A limit of the tenant."""
        return await factories.make_limit(self.desk.database, self.trader.key.tenant_id, of, Decimal(value), **more)

    async def breaker(self, kind: BreakerKind, threshold: str, **more: Any) -> CircuitBreaker:
        """A breaker of the account, or with account_id None of the firm."""
        values = {"account_id": self.trader.account_id, "mode": TradingMode.HALTED, "cooldown_s": 0, **more}
        wanted = CircuitBreaker(id=NO_ID, kind=kind, threshold=Decimal(threshold), **values)
        setting = BreakerSetting(id=None, expected_version=None, wanted=wanted)
        return await set_circuit_breaker(self.desk, self.trader.principal, setting)

    async def records(self) -> list[BreachRecord]:
        """All breaches, the oldest first."""
        async with begin_batch(self.desk.database, self.trader.key.tenant_id) as session:
            rows = await session.fetch("SELECT id FROM risk_breaches ORDER BY id")
            found = await batch.breaches_by_ids(session, self.trader.key.tenant_id, [row["id"] for row in rows])
        return [found[one] for one in sorted(found)]

    async def alerts(self) -> list[RiskAlert]:
        """What was left for the relay, the oldest first."""
        return [
            one for message in await self._left(alerts_channel(self.trader.key.tenant_id)) for one in alerts_in(message)
        ]

    async def kinds(self) -> list[AlertKind]:
        """The kinds of the alerts."""
        return [one.kind for one in await self.alerts()]

    async def halts(self) -> list[Halt]:
        """The halts in force."""
        async with begin_batch(self.desk.database, self.trader.key.tenant_id) as session:
            return await halts.in_force(session, self.trader.key.tenant_id)

    async def trip_of(self, one: CircuitBreaker) -> Trip | None:
        """The last trip of a breaker."""
        async with begin_batch(self.desk.database, self.trader.key.tenant_id) as session:
            return (await breakers_batch.last_trips(session, self.trader.key.tenant_id, [one.id])).get(one.id)

    async def _left(self, channel: str) -> list[bytes]:
        async with self.system_database.acquire() as connection:
            rows = await connection.fetch("SELECT payload FROM outbox WHERE channel = $1 ORDER BY id", channel)
        return [row["payload"].encode() for row in rows]


@pytest.fixture
async def post(trader: Trader, database_url: str) -> AsyncIterator[Post]:
    """A monitor over the trader's tenant."""
    system_database = Database(database_url, DatabaseRole.SYSTEM, size=1)
    await system_database.open()
    yield Post(trader=trader, clock=SetClock(datetime.now(UTC)), system_database=system_database)
    await system_database.close()


async def test_a_limit_that_fills_up_warns_breaches_and_ends_each_told_once(post: Post) -> None:
    limit = await post.limit(_TYPE.MAX_POSITION_NOTIONAL, "10000")
    await post.quote("100")
    await post.hold("50")
    await post.look()
    calm = await post.kinds()
    await post.quote("170")
    await post.look()
    await post.look()
    await post.quote("210")
    await post.look()
    await post.quote("100")
    await post.look()
    await post.look(CALM.total_seconds())

    records = await post.records()
    assert calm == []
    assert await post.kinds() == [AlertKind.WARNING, AlertKind.BREACH, AlertKind.CLEARED]
    assert [(one.level, one.observed, one.ratio, one.cleared_at is None) for one in records] == [
        (Level.WARNING, Decimal(8500), Decimal("0.85"), False),
        (Level.BREACH, Decimal(10500), Decimal("1.05"), False),
    ]
    assert {(one.limit_id, one.account_id, one.instrument_id) for one in records} == {
        (limit.id, post.trader.account_id, post.trader.instruments["AAPL"].id)
    }


async def test_a_restart_tells_nothing_again_and_keeps_the_record(post: Post) -> None:
    await post.limit(_TYPE.MAX_POSITION_NOTIONAL, "10000")
    await post.quote("100")
    await post.hold("90")
    await post.look()
    post.restart()
    await post.look()

    assert await post.kinds() == [AlertKind.WARNING]
    assert [one.cleared_at for one in await post.records()] == [None]


async def test_the_worst_of_a_breach_is_kept(post: Post) -> None:
    await post.limit(_TYPE.MAX_POSITION_NOTIONAL, "10000")
    await post.quote("100")
    await post.hold("90")
    await post.quote("200")
    await post.look()
    await post.quote("300")
    await post.look()
    await post.quote("250")
    await post.look()

    [record] = await post.records()
    assert (record.observed, record.peak_observed, record.peak_ratio) == (
        Decimal(18000),
        Decimal(27000),
        Decimal("2.7"),
    )


async def test_a_limit_that_is_gone_ends_its_record(post: Post) -> None:
    limit = await post.limit(_TYPE.MAX_POSITION_QUANTITY, "100")
    await post.hold("95")
    await post.look()
    async with begin_batch(post.desk.database, post.trader.key.tenant_id) as session:
        await session.execute("UPDATE risk_limits SET is_active = false WHERE id = $1", limit.id)
    await post.look()

    [record] = await post.records()
    assert record.level is Level.WARNING
    assert record.cleared_at == post.clock.now()


async def test_refused_orders_count_on_their_limit_once(post: Post) -> None:
    limit = await post.limit(_TYPE.MAX_ORDER_QUANTITY, "100")
    for _ in range(3):
        placement = await post.trader.place(quantity="150", limit_price="100")
        assert [one.code for one in placement.problems] == ["RISK_MAX_ORDER_QUANTITY"]
    await post.look()
    post.restart()
    await post.look()
    await post.trader.place(quantity="150", limit_price="100")
    await post.look()

    [record] = await post.records()
    assert (record.limit_id, record.level, record.refusals) == (limit.id, Level.REFUSALS, 4)
    assert (record.observed, record.value, record.ratio) == (Decimal(150), Decimal(100), Decimal("1.5"))
    assert await post.alerts() == []


async def test_refusals_alone_end_by_themselves(post: Post) -> None:
    await post.limit(_TYPE.MAX_ORDER_QUANTITY, "100")
    await post.trader.place(quantity="150", limit_price="100")
    await post.look()
    await post.look(after_s=120)

    assert [one.cleared_at for one in await post.records()] == [post.clock.now()]


async def test_a_refusal_counts_on_the_warning_that_stands(post: Post) -> None:
    await post.limit(_TYPE.MAX_POSITION_QUANTITY, "100")
    await post.hold("95")
    await post.look()
    await post.trader.place(quantity="10", limit_price="100")
    await post.look()

    assert [(one.level, one.refusals) for one in await post.records()] == [(Level.WARNING, 1)]


async def test_a_limit_on_open_orders_of_an_instrument_counts_those_alone(post: Post) -> None:
    limit = await post.limit(_TYPE.MAX_OPEN_ORDERS, "2", instrument_id=post.trader.instruments["AAPL"].id)
    await post.trader.placed(quantity="1", limit_price="100")
    await post.trader.placed(quantity="1", limit_price="100")
    await post.trader.placed(symbol="MSFT", quantity="1", limit_price="100")
    await post.look()

    assert [(one.limit_id, one.observed, one.level) for one in await post.records()] == [
        (limit.id, Decimal(2), Level.WARNING)
    ]


async def test_a_refusal_counts_on_the_limit_that_refused_not_on_a_shadow(post: Post) -> None:
    await post.limit(_TYPE.MAX_ORDER_QUANTITY, "10", is_shadow=True)
    live = await post.limit(_TYPE.MAX_ORDER_QUANTITY, "100")
    await post.trader.place(quantity="150", limit_price="100")
    await post.look()

    assert [(one.limit_id, one.refusals) for one in await post.records()] == [(live.id, 1)]


async def test_shadows_and_limits_of_another_day_are_not_watched(post: Post) -> None:
    await post.limit(_TYPE.MAX_POSITION_QUANTITY, "10", is_shadow=True)
    await post.hold("95")
    await post.limit(_TYPE.MAX_POSITION_QUANTITY, "10", effective_from=post.clock.now() + timedelta(days=1))
    await post.look()

    assert await post.records() == []


async def test_without_redis_a_breach_lasts(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    await post.limit(_TYPE.MAX_POSITION_NOTIONAL, "10000")
    await post.hold("90")
    await post.quote("200")
    await post.look()

    async def away(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("app.flows.risk.measure_risk.marketdata.read_quotes", away)
    await post.look()
    await post.look(after_s=60)

    assert [(one.level, one.cleared_at) for one in await post.records()] == [(Level.BREACH, None)]


async def test_a_marked_loss_trips_the_breaker_within_two_seconds_and_orders_are_refused(
    post: Post, own_monitor: "OwnMonitor"
) -> None:
    breaker = await own_monitor.post.breaker(BreakerKind.LOSS, "1000")
    trader = own_monitor.post.trader
    await own_monitor.post.quote("100")
    await own_monitor.post.hold("100")
    taken = await trader.place(quantity="1", limit_price="80")
    await own_monitor.post.quote("89")
    begun = asyncio.get_running_loop().time()
    while not await own_monitor.post.halts():
        await asyncio.sleep(0.05)
        assert asyncio.get_running_loop().time() - begun < 2

    refused = await trader.place(quantity="1", limit_price="80")

    [halt] = await own_monitor.post.halts()
    trip = await own_monitor.post.trip_of(breaker)
    assert taken.problems == ()
    assert [one.code for one in refused.problems] == [OrderProblem.TRADING_HALTED.value]
    assert refused.order is not None
    assert (await trader.stored(refused.order)).state is OrderState.REJECTED
    assert trip is not None
    assert (halt.id, halt.is_automatic, halt.halted_by) == (trip.halt_id, True, "system:circuit-breakers")
    assert halt.reason == "circuit breaker loss: the account has lost 1100 USD today, 1000 or more halts"


@dataclass(kw_only=True)
class OwnMonitor:
    """A monitor that runs by itself."""

    post: Post


@pytest.fixture
async def own_monitor(post: Post) -> AsyncIterator[OwnMonitor]:
    """The tenant is looked at every tenth of a second, as by a worker."""

    async def run() -> None:
        while True:
            await post.look(after_s=0.1)
            await asyncio.sleep(0.1)

    task = asyncio.create_task(run())
    yield OwnMonitor(post=post)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_breaker_trips_once_and_again_only_after_a_release(post: Post) -> None:
    breaker = await post.breaker(BreakerKind.LOSS, "1000", cooldown_s=30)
    await post.quote("100")
    await post.hold("100")
    await post.quote("80")
    await post.look()
    post.restart()
    await post.look()
    [halt] = await post.halts()
    officer = await factories.make_principal(post.desk.database, post.trader.key.tenant_id)
    post.clock.advance(datetime.now(UTC) - post.clock.now() + timedelta(seconds=1))
    await resume_trading(post.desk, officer, halt.id, "seen")
    await post.look()
    in_cooldown = await post.halts()
    await post.look(after_s=60)

    [again] = await post.halts()
    trip = await post.trip_of(breaker)
    assert in_cooldown == []
    assert again.id != halt.id
    assert trip is not None
    assert trip.halt_id == again.id


async def test_a_breaker_of_the_firm_counts_all_accounts_and_halts_all(post: Post) -> None:
    await post.breaker(BreakerKind.LOSS, "1000", account_id=None, mode=TradingMode.REDUCE_ONLY)
    await factories.make_account(post.desk.database, post.trader.key.tenant_id)
    await post.quote("100")
    await post.hold("100")
    await post.quote("80")
    await post.look()

    [halt] = await post.halts()
    assert (halt.target.scope.value, halt.target.target_id, halt.mode) == ("TENANT", None, TradingMode.REDUCE_ONLY)
    # What all accounts lost together is for who sees them all: a halt is for everybody.
    assert halt.reason == "circuit breaker loss of the firm"


async def test_rejected_orders_trip_a_breaker(post: Post) -> None:
    await post.limit(_TYPE.MAX_ORDER_QUANTITY, "100")
    await post.breaker(BreakerKind.REJECT_RATE, "50", minimum=4)
    for quantity in ("10", "10", "150"):
        await post.trader.place(quantity=quantity, limit_price="100")
    await post.look()
    too_few = await post.halts()
    await post.trader.place(quantity="150", limit_price="100")
    await post.look()

    assert too_few == []
    assert [one.reason for one in await post.halts()] == [
        "circuit breaker reject rate: 50% of the orders in 60 s were rejected, 50% or more halts"
    ]


async def test_messages_trip_a_breaker_and_are_counted_anew_after_a_restart(post: Post) -> None:
    await post.breaker(BreakerKind.MESSAGE_RATE, "3")
    await post.trader.placed(quantity="1", limit_price="100")
    await post.trader.placed(quantity="1", limit_price="100", side=Side.BUY)
    await post.look()
    before = await post.halts()
    post.restart()
    await post.trader.placed(quantity="1", limit_price="100")
    await post.look()

    assert before == []
    assert len(await post.halts()) == 1


async def test_a_broker_that_comes_and_goes_trips_a_breaker(post: Post) -> None:
    await post.breaker(BreakerKind.DISCONNECTS, "2")
    await _connected(post, datetime.now(UTC))
    await post.look()
    await _connected(post, None)
    await post.look()
    await _connected(post, datetime.now(UTC))
    await post.look()
    once = await post.halts()
    post.restart()
    # It was away for less than a look.
    await _connected(post, datetime.now(UTC) + timedelta(seconds=1))
    await post.look()

    assert once == []
    assert len(await post.halts()) == 1


async def test_a_drawdown_trips_a_breaker(post: Post) -> None:
    await post.breaker(BreakerKind.DRAWDOWN, "10")
    async with begin_batch(post.desk.database, post.trader.key.tenant_id) as session:
        await session.execute(
            """
            INSERT INTO pnl_snapshots (tenant_id, id, account_id, at, realized, unrealized, commission, net, equity,
              peak, drawdown, is_day_end)
            VALUES ($1, $2, $3, $4, 0, 0, 0, 0, 1000000, 1050000, 50000, false)
            """,
            post.trader.key.tenant_id,
            post.desk.ids.new(),
            post.trader.account_id,
            post.clock.now() - timedelta(minutes=5),
        )
    await post.quote("100")
    await post.hold("1000")
    await post.look()
    before = await post.halts()
    await post.quote("40")
    await post.look()

    assert before == []
    assert ["10.4762%" in one.reason for one in await post.halts()] == [True]


async def _connected(post: Post, since: datetime | None) -> None:
    async with begin_batch(post.desk.database, post.trader.key.tenant_id) as session:
        await session.execute(
            "UPDATE broker_connections SET connected_since = $2 WHERE tenant_id = $1",
            post.trader.key.tenant_id,
            since,
        )
