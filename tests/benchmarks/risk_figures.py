"""Value at risk of five hundred positions over five hundred days: the figures alone, and from the database on."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np

from app.core.fix import BarInterval, InstrumentType
from app.core.fx import FxRates
from app.core.ids import AccountId, InstrumentId, PositionId
from app.core.messages import Instrument, Tick
from app.flows.desk import Desk, open_desk
from app.flows.risk.risk_book import BookQuestion
from app.flows.risk.risk_desk import RiskDesk
from app.flows.risk.risk_figures import value_at_risk
from app.infra.embedded.server import start_postgres, start_redis
from app.infra.migrations import upgrade
from app.infra.settings import Settings
from app.infra.system import SystemIds
from app.infra.uow import begin_batch
from app.instruments import batch as instruments
from app.marketdata import service as marketdata
from app.positions.batch import store_positions
from app.positions.domain import Position
from app.risk.analytics.assessment import assessed
from app.risk.analytics.book import Holding, Price, PriceSource, valued_book
from app.risk.analytics.series import Closes
from app.risk.analytics.terms import RiskTerms
from tests import factories
from tests.benchmarks.figures import Figure, percentile, print_table

POSITIONS: Final = 500
DAYS: Final = 500
ROUNDS: Final = 20
MS_MAX: Final = 250.0
TERMS: Final = RiskTerms(confidence=Decimal("0.99"), horizon_days=1, days=DAYS, decay=None, risk_free_rate=Decimal(0))
_ids: Final = SystemIds()


async def measure() -> list[Figure]:
    """Measures and prints. Raises AssertionError where the figures take longer than they may."""
    state_dir = Path(tempfile.mkdtemp(prefix="oms-bench-", dir="/var/tmp"))
    state_dir.chmod(0o711)
    try:
        async with start_postgres(state_dir) as database_url, start_redis(state_dir) as redis_url:
            await asyncio.to_thread(upgrade, database_url)
            settings = Settings(database_url=database_url, redis_url=redis_url, redis_prefix="bench:")
            async with open_desk(settings) as desk:
                figures = [await _alone(), await _whole(desk)]
    finally:
        shutil.rmtree(state_dir)
    print_table(f"Value at risk, {POSITIONS} positions, {DAYS} days", figures)
    return figures


async def _alone() -> Figure:
    now = datetime.now(UTC)
    account_id = AccountId(_ids.new())
    names = [InstrumentId(_ids.new()) for _ in range(POSITIONS)]
    held = [
        Holding(
            account_id=account_id,
            instrument_id=one,
            symbol="S",
            instrument_type=InstrumentType.STOCK,
            currency="USD",
            sector=None,
            quantity=Decimal(10),
            multiplier=Decimal(1),
            price=Price(value=Decimal(100), source=PriceSource.QUOTE, at=now),
        )
        for one in names
    ]
    days = _days(now.date())
    closes = {one: Closes.of(days, prices) for one, prices in zip(names, _closes(), strict=True)}

    async def once() -> None:
        found = assessed(valued_book(held, "USD", FxRates(), now), closes, {}, TERMS, now.date())
        assert found.observations == DAYS
        assert len(found.contributions) == POSITIONS

    return await _timed("the figures alone", once)


async def _whole(desk: Desk) -> Figure:
    tenant_id = await factories.make_tenant(desk.database)
    principal = await factories.make_principal(desk.database, tenant_id)
    key = await factories.make_account(desk.database, tenant_id)
    now = desk.clock.now()
    listed = [_share(place) for place in range(POSITIONS)]
    positions = [
        Position(
            id=PositionId(_ids.new()),
            account_id=key.account_id,
            instrument_id=one.id,
            quantity=Decimal(10),
            average_price=Decimal(100),
            moved_until=now,
            updated_at=now,
        )
        for one in listed
    ]
    async with begin_batch(desk.database, tenant_id) as session:
        await instruments.insert_missing(session, tenant_id, listed, now)
        await session.write([store_positions([(tenant_id, one) for one in positions])])
        for one, prices in zip(listed, _closes(), strict=True):
            await session.execute(
                """
                INSERT INTO bars (tenant_id, instrument_id, bar_interval, starts_at, open_price, high_price, low_price,
                  close_price, volume)
                SELECT $1, $2, $3, '1970-01-01T00:00:00Z'::timestamptz + n.day * interval '1 day', n.price, n.price,
                  n.price, n.price, 0 FROM unnest($4::int[], $5::numeric[]) AS n(day, price)
                """,
                tenant_id,
                one.id,
                BarInterval.DAY_1,
                _days(now.date()),
                [Decimal(str(round(price, 4))) for price in prices],
            )
    ticks = [Tick(instrument_id=one.id, symbol=one.symbol, last=Decimal(100), time=now) for one in listed]
    await marketdata.publish_ticks(desk.redis, tenant_id, ticks)
    forgetful = _Forgetful(desk)

    async def once() -> None:
        answer = await value_at_risk(forgetful.fresh(), principal, BookQuestion(), TERMS)
        assert answer.assessment.observations == DAYS
        assert answer.assessment.historical.value_at_risk is not None

    return await _timed("from the database on", once)


class _Forgetful:
    def __init__(self, desk: Desk) -> None:
        self.database, self.redis, self.clock = desk.database, desk.redis, desk.clock
        self.trading_timezone = desk.trading_timezone
        self.risk = RiskDesk()

    def fresh(self) -> "_Forgetful":
        self.risk = RiskDesk()
        return self


def _share(place: int) -> Instrument:
    return Instrument(
        id=InstrumentId(_ids.new()),
        symbol=f"S{place}",
        name=f"Share {place}",
        exchange="SMART",
        currency="USD",
        instrument_type=InstrumentType.STOCK,
        multiplier=Decimal(1),
        tick_size=Decimal("0.01"),
        lot_size=Decimal(1),
        contract_id=1_000_000 + place,
    )


def _days(today: date) -> list[int]:
    last = (today - timedelta(days=1) - date(1970, 1, 1)).days
    return list(range(last - DAYS, last + 1))


def _closes() -> list[list[float]]:
    steps = np.random.default_rng(1).normal(0, 0.01, (POSITIONS, DAYS + 1))
    walks: list[list[float]] = (100 * np.cumprod(1 + steps, axis=1)).tolist()
    return walks


async def _timed(name: str, once: Callable[[], Awaitable[None]]) -> Figure:
    await once()
    taken: list[float] = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        await once()
        taken.append((time.perf_counter() - begun) * 1_000)
    return Figure(
        name=name, p50_ms=percentile(taken, 0.5), p99_ms=percentile(taken, 0.99), beside=f"under {MS_MAX:.0f} ms"
    )
