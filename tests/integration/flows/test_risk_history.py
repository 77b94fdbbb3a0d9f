"""What limits came to and what was at risk at the end of each day, as it is stored on real servers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from app.core.bars import Bar
from app.core.fix import BarInterval, BrokerKind, RiskLimitType
from app.core.ids import LimitId
from app.core.messages import AccountKey
from app.flows.risk.keep_value_at_risk import DayEndDesk, keep_day, keep_value_at_risk
from app.flows.risk.sample_limits import prune_samples
from app.infra.db import Database, DatabaseRole
from app.infra.uow import begin_batch
from app.marketdata import bars_batch
from app.marketdata.bars import TimeRange
from app.risk.domain import AccountMode
from app.risk.history import days_batch, samples_batch
from app.risk.history.days_batch import DayFilter
from app.risk.history.domain.backtest import FollowedDay
from app.risk.history.domain.curve import CurvePoint, span_of
from app.risk.history.domain.sampling import MINUTE, Sample
from tests import factories
from tests.fakes import SetClock
from tests.integration.flows.conftest import Trader
from tests.integration.flows.test_risk_monitor import Post

_TYPE = RiskLimitType
NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 4, 0, 0, tzinfo=UTC)
TODAY = date(2026, 3, 3)
UTC_ZONE = ZoneInfo("UTC")


@pytest.fixture
async def system_database(database_url: str) -> AsyncIterator[Database]:
    """The database as what goes through all tenants."""
    database = Database(database_url, DatabaseRole.SYSTEM, size=1)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def post(trader: Trader, system_database: Database) -> Post:
    """A monitor over the trader's tenant, at the beginning of a minute."""
    now = datetime.now(UTC).replace(minute=10, second=0, microsecond=0)
    return Post(trader=trader, clock=SetClock(now), system_database=system_database)


async def samples(post: Post) -> list[dict[str, Any]]:
    """What is stored, the oldest first."""
    async with begin_batch(post.desk.database, post.trader.key.tenant_id) as session:
        rows = await session.fetch("SELECT * FROM risk_utilisation_samples ORDER BY minute, limit_id, account_id")
    return [dict(row) for row in rows]


async def curve(post: Post, limit_id: LimitId, minutes: int, step: int = 1, **of: Any) -> list[CurvePoint]:
    """The curve of the last minutes."""
    now = post.clock.now()
    span = span_of(now - timedelta(minutes=minutes), now, step, now, is_of_one=True)
    values = {"account_ids": [post.trader.account_id], "instrument_id": None, **of}
    async with begin_batch(post.desk.database, post.trader.key.tenant_id) as session:
        return await samples_batch.curve(session, post.trader.key.tenant_id, limit_id, span=span, **values)


def sample(post: Post, limit_id: LimitId, at: datetime, ratio: str) -> Sample:
    """A sample of the account."""
    return Sample(
        limit_id=limit_id,
        account_id=post.trader.account_id,
        minute=at,
        instrument_id=None,
        ratio=Decimal(ratio),
        used=Decimal(ratio) * 100,
        value=Decimal(100),
        is_measured=True,
    )


async def keep(post: Post, *given: Sample) -> None:
    """Stores samples."""
    async with begin_batch(post.desk.database, post.trader.key.tenant_id) as session:
        await session.write([samples_batch.store(post.trader.key.tenant_id, given)])


async def test_the_highest_of_each_minute_is_stored_once_it_is_over(post: Post) -> None:
    limit = await post.limit(_TYPE.MAX_POSITION_NOTIONAL, "10000")
    await post.quote("100")
    await post.hold("50")
    for price in ("120", "150", "110"):
        await post.quote(price)
        await post.look(after_s=15)
    early = await post.monitor.sampler.store_due()
    await post.look(after_s=30)
    stored = await post.monitor.sampler.store_due()

    [one] = await samples(post)
    assert (early, stored) == (0, 1)
    assert (one["limit_id"], one["account_id"]) == (limit.id, post.trader.account_id)
    assert (one["used"], one["ratio"], one["value"], one["is_measured"]) == (7500, Decimal("0.75"), 10000, True)
    assert one["instrument_id"] == post.trader.instruments["AAPL"].id
    assert one["minute"] == (post.clock.now() - MINUTE).replace(second=0)


async def test_an_idle_limit_is_stored_once_an_hour_over_two_monitors(post: Post) -> None:
    await post.limit(_TYPE.MAX_OPEN_ORDERS, "5")
    for _ in range(40):
        await post.look(after_s=30)
    await post.monitor.sampler.hand_over()
    first = await samples(post)
    post.restart()
    for _ in range(80):
        await post.look(after_s=30)
    await post.monitor.sampler.store_due()

    found = await samples(post)
    assert [(one["used"], one["minute"].minute) for one in first] == [(0, 10)]
    # The second monitor knows of nothing, and tells once what it finds.
    assert [one["minute"].minute for one in found] == [10, 30, 0]


async def test_two_monitors_in_the_same_minute_leave_one_sample_the_fuller(post: Post) -> None:
    await post.limit(_TYPE.MAX_POSITION_QUANTITY, "100")
    await post.hold("60")
    await post.look(after_s=5)
    before = post.monitor
    post.restart()
    await post.hold("20")
    await post.look(after_s=5)

    await asyncio.gather(before.sampler.hand_over(), post.monitor.sampler.hand_over())
    await before.sampler.hand_over()

    assert [(one["used"], one["ratio"]) for one in await samples(post)] == [(80, Decimal("0.8"))]


async def test_what_cannot_be_stored_waits_and_is_told_once(
    post: Post, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await post.limit(_TYPE.MAX_OPEN_ORDERS, "5")
    await post.look()
    post.clock.advance(MINUTE)
    with monkeypatch.context() as broken:
        broken.setattr(samples_batch, "store", _away)
        assert await post.monitor.sampler.store_due() == 0
        assert await post.monitor.sampler.store_due() == 0

    assert caplog.text.count("utilisation of tenant") == 1
    assert await post.monitor.sampler.store_due() == 1
    assert len(await samples(post)) == 1


def _away(*_: object) -> None:
    raise asyncpg.CannotConnectNowError


async def test_a_limit_that_is_switched_off_ends_its_curve(post: Post) -> None:
    limit = await post.limit(_TYPE.MAX_POSITION_QUANTITY, "100")
    other = await post.limit(_TYPE.MAX_OPEN_ORDERS, "5")
    await post.hold("60")
    await post.look()
    async with begin_batch(post.desk.database, post.trader.key.tenant_id) as session:
        await session.execute("UPDATE risk_limits SET is_active = false WHERE id = $1", limit.id)
    await post.look(after_s=60)
    await post.look(after_s=60)
    await post.monitor.sampler.hand_over()

    told = [(one.ratio, one.is_measured) for one in await curve(post, limit.id, 3)]
    assert told == [(Decimal("0.6"), True), (None, False), (None, False)]
    assert [one.ratio for one in await curve(post, other.id, 3)] == [0, 0, 0]


async def test_a_sample_holds_until_the_next_and_no_longer_than_its_hour(post: Post) -> None:
    limit = await post.limit(_TYPE.MAX_POSITION_QUANTITY, "100")
    hour = post.clock.now().replace(minute=0)
    await keep(
        post,
        sample(post, limit.id, hour + timedelta(minutes=2), "0.2"),
        sample(post, limit.id, hour + timedelta(minutes=5), "0.9"),
        sample(post, limit.id, hour + timedelta(minutes=6), "0.4"),
    )
    post.clock.advance(hour + timedelta(minutes=70) - post.clock.now())

    by_minute = {
        one.at.minute if one.at < hour + timedelta(hours=1) else 60: one for one in await curve(post, limit.id, 70)
    }
    by_five = await curve(post, limit.id, 70, step=5)

    assert sorted(by_minute) == list(range(2, 60))
    assert [str(by_minute[minute].ratio) for minute in (2, 4, 5, 6, 59)] == [
        "0.2000000000",
        "0.2000000000",
        "0.9000000000",
        "0.4000000000",
        "0.4000000000",
    ]
    assert [(one.at.minute, one.ratio) for one in by_five][:3] == [
        (0, Decimal("0.2")),
        (5, Decimal("0.9")),
        (10, Decimal("0.4")),
    ]
    assert len(by_five) == 12


async def test_a_curve_begins_with_what_held_before_it(post: Post) -> None:
    limit = await post.limit(_TYPE.MAX_POSITION_QUANTITY, "100")
    hour = post.clock.now().replace(minute=0)
    await keep(post, sample(post, limit.id, hour, "0.7"))
    post.clock.advance(hour + timedelta(minutes=40) - post.clock.now())

    assert [one.ratio for one in await curve(post, limit.id, 5)] == [Decimal("0.7")] * 5


async def test_old_samples_go_by_batches_and_young_ones_stay(
    post: Post, own_world: "OwnWorld", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.flows.risk.sample_limits.PRUNED_AT_ONCE", 2)
    tenant_id, limit_id, account_id = own_world.tenant_id, own_world.limit_id, own_world.key.account_id
    now = datetime.now(UTC)
    old = [now - timedelta(days=93, minutes=minute) for minute in range(5)]
    given = [
        Sample(
            limit_id=limit_id,
            account_id=account_id,
            minute=at,
            instrument_id=None,
            ratio=Decimal(0),
            used=None,
            value=Decimal(1),
            is_measured=False,
        )
        for at in (*old, now - timedelta(days=91))
    ]
    async with begin_batch(own_world.database, tenant_id) as session:
        await session.write([samples_batch.store(tenant_id, given)])

    gone = await prune_samples(own_world.database, own_world.system_database, now, 92)

    async with begin_batch(own_world.database, tenant_id) as session:
        left = await session.fetch("SELECT minute FROM risk_utilisation_samples")
    assert gone == 5
    assert [row["minute"] for row in left] == [now - timedelta(days=91)]


class OwnWorld:
    """A database whose tenants are this module's: one of them, with an account and a limit."""

    def __init__(self, database: Database, system_database: Database, key: AccountKey, limit_id: LimitId) -> None:
        self.database, self.system_database = database, system_database
        self.key, self.limit_id, self.tenant_id = key, limit_id, key.tenant_id


@pytest.fixture
async def own_world(own_database_url: str) -> AsyncIterator[OwnWorld]:
    """For what goes through all tenants."""
    database = Database(own_database_url, DatabaseRole.APP, size=2)
    system_database = Database(own_database_url, DatabaseRole.SYSTEM, size=1)
    await database.open()
    await system_database.open()
    tenant_id = await factories.make_tenant(database)
    key = await factories.make_account(database, tenant_id)
    limit = await factories.make_limit(database, tenant_id, _TYPE.MAX_OPEN_ORDERS, Decimal(5))
    yield OwnWorld(database, system_database, key, limit.id)
    await system_database.close()
    await database.close()


def day_end(trader: Trader, now: datetime = MIDNIGHT + MINUTE, zone: ZoneInfo = UTC_ZONE) -> DayEndDesk:
    """The worker a moment after the day's end."""
    return DayEndDesk(
        database=trader.desk.database,
        redis=trader.desk.redis,
        clock=SetClock(now),
        ids=trader.desk.ids,
        trading_timezone=zone,
    )


async def found_before(trader: Trader, *keys: AccountKey) -> None:
    """The accounts were there long before the days that the tests are about."""
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        await session.execute(
            "UPDATE broker_accounts SET created_at = $2 WHERE tenant_id = $1",
            trader.key.tenant_id,
            NOON - timedelta(days=30),
        )


async def snapshot(trader: Trader, at: datetime, net: str, key: AccountKey | None = None) -> None:
    """The snapshot of a day's end."""
    of = key or trader.key
    async with begin_batch(trader.desk.database, of.tenant_id) as session:
        await session.execute(
            """
            INSERT INTO pnl_snapshots (tenant_id, id, account_id, at, realized, unrealized, commission, net, equity,
              peak, drawdown, is_day_end)
            VALUES ($1, $2, $3, $4, $5, 0, 0, $5, 0, 0, 0, true)
            """,
            of.tenant_id,
            trader.desk.ids.new(),
            of.account_id,
            at,
            Decimal(net),
        )


async def closes(trader: Trader, symbol: str, prices: Sequence[str]) -> None:
    """Daily closes, the last of them that of the day."""
    first = MIDNIGHT - timedelta(days=len(prices))
    bars = [
        Bar(
            time=first + timedelta(days=place),
            open=Decimal(one),
            high=Decimal(one),
            low=Decimal(one),
            close=Decimal(one),
            volume=Decimal(0),
        )
        for place, one in enumerate(prices)
    ]
    told, instrument_id = TimeRange(start=first, end=MIDNIGHT), trader.instruments[symbol].id
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        await bars_batch.keep(session, trader.key.tenant_id, instrument_id, BarInterval.DAY_1, told, bars)


async def bought(trader: Trader, quantity: str, price: str = "100") -> None:
    """A position."""
    order = await trader.placed(quantity=quantity, limit_price=price)
    await trader.claim()
    await trader.report(trader.execution(order, quantity, price))


async def days(trader: Trader, **of: Any) -> list[FollowedDay]:
    """What is stored, the newest first."""
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        return await days_batch.days_tested(session, trader.key.tenant_id, DayFilter(**of))


async def test_the_end_of_a_day_is_stored_once_with_its_figures_and_result(trader: Trader) -> None:
    await found_before(trader)
    await closes(trader, "AAPL", ["100" if place % 2 else "101" for place in range(201)])
    await bought(trader, "100")
    await snapshot(trader, MIDNIGHT - timedelta(days=1), "50")
    await snapshot(trader, MIDNIGHT, "-70")
    desk = day_end(trader)

    stored = await asyncio.gather(keep_day(desk, trader.key.tenant_id), keep_day(desk, trader.key.tenant_id))
    again = await keep_day(day_end(trader, MIDNIGHT + timedelta(minutes=50)), trader.key.tenant_id)

    [own] = await days(trader, account_id=trader.account_id)
    [whole] = await days(trader)
    assert (set(stored), again) == ({2}, 0)
    one = own.at_risk
    # Every other day it falls from 101 to 100: 0.99 per cent of the 10,100 at the last close.
    assert (one.day, one.closed_at, one.computed_at) == (TODAY, MIDNIGHT, MIDNIGHT + MINUTE)
    assert (one.historical.value_at_risk, one.historical.expected_shortfall) == (Decimal("100.00"), Decimal("100.00"))
    assert one.parametric.value_at_risk is not None
    assert (one.confidence, one.observations, one.long, one.short) == (Decimal("0.99"), 200, Decimal(10100), Decimal(0))
    assert (one.pnl, own.next_pnl, one.is_complete, one.reason) == (Decimal(-120), None, True, None)
    assert (whole.at_risk.series.account_id, whole.at_risk.series.currency) == (None, "USD")
    assert whole.at_risk.historical == one.historical


async def test_missing_prices_and_histories_are_told_in_the_row(trader: Trader) -> None:
    await found_before(trader)
    await bought(trader, "100")
    await snapshot(trader, MIDNIGHT, "0")

    await keep_day(day_end(trader), trader.key.tenant_id)
    [one] = [each.at_risk for each in await days(trader, account_id=trader.account_id)]

    assert (one.positions, one.unvalued, one.is_complete) == (1, 1, False)
    assert (one.historical.value_at_risk, one.historical.reason) == (
        None,
        "No position has a price and an exchange rate.",
    )
    # The snapshot of the day's beginning was never taken.
    assert one.pnl is None


async def test_modes_and_currencies_are_never_added_up(trader: Trader) -> None:
    tenant_id = trader.key.tenant_id
    live = await factories.make_account(trader.desk.database, tenant_id, client_id=21)
    house = await factories.make_account(trader.desk.database, tenant_id, broker=BrokerKind.PAPER, client_id=22)
    euros = await factories.make_account(trader.desk.database, tenant_id, client_id=23)
    closed = await factories.make_account(trader.desk.database, tenant_id, client_id=24, is_active=False)
    async with begin_batch(trader.desk.database, tenant_id) as session:
        await session.execute(
            "UPDATE broker_accounts SET is_paper = false WHERE id = ANY($1)", [live.account_id, euros.account_id]
        )
        await session.execute("UPDATE broker_accounts SET base_currency = 'EUR' WHERE id = $1", euros.account_id)
    await found_before(trader)
    for key in (trader.key, live, house, euros):
        await snapshot(trader, MIDNIGHT, "0", key)

    await keep_day(day_end(trader), tenant_id)

    wholes = {(one.at_risk.series.mode, one.at_risk.series.currency) for one in await days(trader)}
    assert wholes == {
        (AccountMode.LIVE, "USD"),
        (AccountMode.LIVE, "EUR"),
        (AccountMode.PAPER, "USD"),
        (AccountMode.SIM, "USD"),
    }
    assert len(await days(trader, account_id=live.account_id)) == 1
    assert await days(trader, account_id=closed.account_id) == []


async def test_the_day_waits_for_its_snapshots_and_not_for_ever(trader: Trader) -> None:
    await found_before(trader)
    tenant_id = trader.key.tenant_id

    early = await keep_day(day_end(trader), tenant_id)
    late = await keep_day(day_end(trader, MIDNIGHT + timedelta(minutes=12)), tenant_id)

    assert (early, late) == (0, 2)
    assert [one.at_risk.pnl for one in await days(trader)] == [None]


async def test_a_trading_day_ends_at_midnight_of_the_trading_time_zone(trader: Trader) -> None:
    await found_before(trader)
    zone = ZoneInfo("America/New_York")
    closing = datetime(2026, 3, 4, 5, 0, tzinfo=UTC)
    await snapshot(trader, closing, "0")

    await keep_day(day_end(trader, closing + MINUTE, zone), trader.key.tenant_id)

    assert [(one.at_risk.day, one.at_risk.closed_at) for one in await days(trader)] == [(TODAY, closing)]


async def test_the_next_days_result_is_beside_the_figure(trader: Trader) -> None:
    await found_before(trader)
    for place, net in enumerate(("0", "-10", "-500")):
        await snapshot(trader, MIDNIGHT + timedelta(days=place - 1), net)
    for place in range(2):
        await keep_day(day_end(trader, MIDNIGHT + timedelta(days=place, minutes=1)), trader.key.tenant_id)

    found = await days(trader, account_id=trader.account_id)

    assert [(one.at_risk.day.day, one.at_risk.pnl, one.next_pnl) for one in found] == [
        (4, Decimal(-490), None),
        (3, Decimal(-10), Decimal(-490)),
    ]


async def test_a_day_that_ended_long_ago_is_left_out(own_world: OwnWorld, trader: Trader) -> None:
    def desk(after: timedelta) -> DayEndDesk:
        return DayEndDesk(
            database=own_world.database,
            redis=trader.desk.redis,
            clock=SetClock(_tomorrow() + after),
            ids=trader.desk.ids,
            trading_timezone=UTC_ZONE,
        )

    late = await keep_value_at_risk(desk(timedelta(minutes=61)), own_world.system_database)
    in_time = await keep_value_at_risk(desk(timedelta(minutes=20)), own_world.system_database)

    assert late == 0
    assert in_time >= 2


def _tomorrow() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


async def test_whoever_is_restricted_to_accounts_sees_days_and_samples_of_those_alone(post: Post) -> None:
    trader, tenant_id = post.trader, post.trader.key.tenant_id
    other = await factories.make_account(trader.desk.database, tenant_id, client_id=31)
    limit = await post.limit(_TYPE.MAX_OPEN_ORDERS, "5")
    await found_before(trader)
    await post.look()
    await post.monitor.sampler.hand_over()
    await keep_day(day_end(trader, MIDNIGHT + timedelta(minutes=30)), tenant_id)

    async with begin_batch(trader.desk.database, tenant_id, accounts=[other.account_id]) as session:
        seen = await session.fetch("SELECT account_id FROM risk_utilisation_samples WHERE limit_id = $1", limit.id)
        told = await session.fetch("SELECT account_id FROM value_at_risk_days")

    assert [row["account_id"] for row in seen] == [other.account_id]
    assert [row["account_id"] for row in told] == [other.account_id]
