"""The pre-trade chain: all checks for one order in the core, and the intake with every limit on beside none."""

import asyncio
import shutil
import tempfile
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from app.core.fix import OrderType, RiskLimitType, Side
from app.core.ids import AccountId, LimitId, TenantId
from app.core.messages import NewOrder, OrderTerms, Tick
from app.core.money import ZERO
from app.core.records import replace
from app.core.sessions import ToldHours, ToldSession
from app.flows.desk import Desk, open_desk
from app.infra.embedded.server import start_postgres, start_redis
from app.infra.migrations import upgrade
from app.infra.readiness import settle
from app.infra.settings import Settings
from app.marketdata import service as marketdata
from app.risk.domain import (
    AccountFigures,
    AccountMode,
    Activity,
    Chain,
    Exposure,
    Facts,
    Proposal,
    Reference,
    RiskLimit,
    chain_of,
    evaluate,
)
from tests import factories
from tests.benchmarks.figures import Figure, percentile, print_table

SECONDS = 4.0
CALLERS = 64
ACCOUNTS = 16
ROUNDS = 2_000
TARGET_US = 100

_TYPE = RiskLimitType
_VALUES: Final[dict[RiskLimitType, str | None]] = {
    _TYPE.MAX_ORDER_QUANTITY: "1000000",
    _TYPE.MAX_ORDER_NOTIONAL: "1000000000",
    _TYPE.MAX_POSITION_QUANTITY: "1000000000",
    _TYPE.MAX_POSITION_NOTIONAL: "1000000000000",
    _TYPE.MAX_OPEN_ORDERS: "1000000",
    _TYPE.MAX_DAILY_LOSS: "1000000",
    _TYPE.MAX_DRAWDOWN: "50",
    _TYPE.MAX_LEVERAGE: "1000",
    _TYPE.MIN_MARGIN_EXCESS: "0",
    _TYPE.SYMBOL_WHITELIST: None,
    _TYPE.SYMBOL_BLACKLIST: None,
    _TYPE.TRADING_HOURS: None,
    _TYPE.MAX_ORDERS_PER_MINUTE: "1000000",
    _TYPE.PRICE_COLLAR: "50",
    _TYPE.MAX_CONCENTRATION: "10000",
    _TYPE.DUPLICATE_ORDER: "1",
    _TYPE.WASH_TRADE: None,
    _TYPE.COOLDOWN: "1",
    _TYPE.CANCEL_RATE: "100",
    _TYPE.ORDER_TO_TRADE_RATIO: "1000000",
}
_CONDITIONS: Final[dict[RiskLimitType, dict[str, Any]]] = {
    _TYPE.SYMBOL_WHITELIST: {"symbols": ["AAPL", "MSFT"]},
    _TYPE.SYMBOL_BLACKLIST: {"symbols": ["TSLA"]},
    _TYPE.DUPLICATE_ORDER: {"allowance": 100_000},
}


async def measure() -> list[Figure]:
    """Measures and prints."""
    figures = [core_figure()]
    print_table(f"The chain of {len(_TYPE)} checks for one order in the core, target {TARGET_US} us", figures)
    intake = [await _intake(is_limited=False), await _intake(is_limited=True)]
    rates = [figure.per_second or 0 for figure in intake]
    intake.append(Figure(name="ratio every limit : none", per_second=rates[1] / rates[0]))
    print_table("Intake with every limit on beside none", intake)
    return figures + intake


def core_figure(rounds: int = ROUNDS) -> Figure:
    """How long the whole chain takes for one order; every check passes, so that each does all of its work."""
    chain, proposal, facts = full_chain(), _proposal(), _facts()
    latencies = []
    for _ in range(rounds):
        start = time.perf_counter()
        checks = evaluate(chain, proposal, facts, time.perf_counter_ns)
        latencies.append((time.perf_counter() - start) * 1000)
        assert len(checks) == len(_TYPE)
    return Figure(
        name=f"{len(_TYPE)} checks, one order",
        per_second=1000 * len(latencies) / sum(latencies),
        p50_ms=percentile(latencies, 0.5),
        p99_ms=percentile(latencies, 0.99),
        beside=f"target {TARGET_US / 1000} ms",
    )


def full_chain() -> Chain:
    """A generous limit of each type."""
    return chain_of(_limits())


def _limits() -> list[RiskLimit]:
    return [
        RiskLimit(
            id=LimitId(UUID(int=place)),
            limit_type=kind,
            value=None if value is None else Decimal(value),
            conditions=_CONDITIONS.get(kind, {}),
        )
        for place, (kind, value) in enumerate(_VALUES.items())
    ]


_NOW: Final = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def _proposal() -> Proposal:
    begins, ends = _NOW - timedelta(hours=1), _NOW + timedelta(hours=1)
    told = (ToldSession(day=_NOW.date(), opens_at=begins, closes_at=ends),)
    hours = ToldHours(zone="UTC", regular=told, extended=told, closed_days=(), known_from=begins, known_until=ends)
    return Proposal(
        account_id=AccountId(UUID(int=1)),
        instrument=replace(factories.instrument("AAPL"), hours=hours),
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        terms=OrderTerms(quantity=Decimal(100), limit_price=Decimal("187.42")),
        adds_quantity=Decimal(100),
        adds_orders=1,
        reference=Reference(price=Decimal("187.40"), at=_NOW),
        exposure=Exposure(
            position_quantity=Decimal(500),
            open_buy_quantity=Decimal(100),
            open_sell_quantity=ZERO,
            open_orders=12,
        ),
    )


def _facts() -> Facts:
    figures = AccountFigures(
        mode=AccountMode.PAPER,
        base_currency="USD",
        equity=Decimal(1_000_000),
        daily_pnl=Decimal(-1000),
        excess_liquidity=Decimal(500_000),
        gross_position_value=Decimal(93_710),
        is_fresh=True,
        is_pnl_fresh=True,
        peaks={None: Decimal(1_010_000)},
    )
    return Facts(now=_NOW, account=figures, activity=Activity(orders=deque()))


async def _intake(*, is_limited: bool) -> Figure:
    state_dir = Path(tempfile.mkdtemp(prefix="oms-bench-", dir="/var/tmp"))
    state_dir.chmod(0o711)
    try:
        async with start_postgres(state_dir) as database_url, start_redis(state_dir) as redis_url:
            await asyncio.to_thread(upgrade, database_url)
            settings = Settings(database_url=database_url, redis_url=redis_url, redis_prefix="bench:")
            async with open_desk(settings) as desk:
                return await _loop(desk, database_url, is_limited=is_limited)
    finally:
        shutil.rmtree(state_dir)


async def _loop(desk: Desk, database_url: str, *, is_limited: bool) -> Figure:
    tenant_id = await factories.make_tenant(desk.database)
    principal = await factories.make_principal(desk.database, tenant_id)
    instruments = await factories.make_instruments(desk.database, tenant_id)
    keys = [await factories.make_account(desk.database, tenant_id, is_gate_open=True) for _ in range(ACCOUNTS)]
    await _tell(database_url, tenant_id, desk.clock.now())
    if is_limited:
        for one in _limits():
            await factories.make_limit(
                desk.database, tenant_id, one.limit_type, one.value, conditions=dict(one.conditions)
            )
    price = Decimal("187.40")
    quote = Tick(
        instrument_id=instruments["AAPL"].id, symbol="AAPL", bid=price, ask=price, last=price, time=desk.clock.now()
    )
    await marketdata.publish_ticks(desk.redis, tenant_id, [quote])
    latencies: list[float] = []
    # As the web process does.
    settle()
    ends = time.perf_counter() + SECONDS

    async def caller(number: int) -> None:
        while time.perf_counter() < ends:
            start = time.perf_counter()
            placement = await desk.intake.submit(principal, _order(desk, keys[number % len(keys)].account_id))
            latencies.append((time.perf_counter() - start) * 1000)
            assert placement.order is not None, placement.problems
            assert not placement.problems, placement.problems

    started = time.perf_counter()
    await asyncio.gather(*(caller(number) for number in range(CALLERS)))
    return Figure(
        name=f"{CALLERS} callers, {ACCOUNTS} accounts, {'every limit on' if is_limited else 'no limit'}",
        per_second=len(latencies) / (time.perf_counter() - started),
        p50_ms=percentile(latencies, 0.5),
        p99_ms=percentile(latencies, 0.99),
    )


async def _tell(database_url: str, tenant_id: TenantId, now: datetime) -> None:
    session = [[now.date().isoformat(), (now - timedelta(hours=1)).isoformat(), (now + timedelta(hours=1)).isoformat()]]
    hours = {
        "zone": "UTC",
        "regular": session,
        "extended": session,
        "closed": [],
        "from": (now - timedelta(days=1)).isoformat(),
        "until": (now + timedelta(days=1)).isoformat(),
    }
    owner = await asyncpg.connect(database_url)
    try:
        await owner.execute(
            "UPDATE instruments SET trading_hours = $2::text::jsonb WHERE tenant_id = $1",
            tenant_id,
            orjson.dumps(hours).decode(),
        )
        await owner.execute(
            "UPDATE account_balances SET equity = 1e9, daily_pnl = 0, excess_liquidity = 1e12, "
            "gross_position_value = 0, updated_at = $2, pnl_at = $2 WHERE tenant_id = $1",
            tenant_id,
            now,
        )
    finally:
        await owner.close()


def _order(desk: Desk, account_id: AccountId) -> NewOrder:
    return NewOrder(
        account_id=account_id,
        client_order_id=desk.ids.new().hex,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        terms=OrderTerms(quantity=Decimal(1), limit_price=Decimal("187.42")),
        symbol="AAPL",
    )
