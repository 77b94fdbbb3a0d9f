"""At the end of each trading day: what of each account, and of all together, is at risk for the next."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from app.brokers.modes_batch import TradingAccount, trading_accounts
from app.core.clock import Clock
from app.core.errors import OmsError
from app.core.ids import AccountId, Ids, TenantId
from app.core.money import ZERO
from app.flows.positions.view_pnl import ACCOUNTS_MAX
from app.flows.risk.risk_book import BookQuestion
from app.flows.risk.risk_desk import RiskDesk
from app.flows.risk.risk_figures import ValueAtRiskAnswer, value_at_risk
from app.identity.domain import system_principal
from app.infra.db import Database
from app.infra.outages import tell
from app.infra.redis import Redis
from app.infra.uow import begin_batch, begin_system
from app.positions.domain import day_start, trading_day
from app.risk.analytics.exposure import exposure_of
from app.risk.analytics.terms import DEFAULT_CONFIDENCE, DEFAULT_DAYS, RiskTerms
from app.risk.domain import AccountMode
from app.risk.history import days_batch
from app.risk.history.domain.backtest import RiskDay, Series, Tail
from app.tenants import batch as tenants

log = logging.getLogger("oms.risk")

TERMS: Final = RiskTerms(
    confidence=DEFAULT_CONFIDENCE, horizon_days=1, days=DEFAULT_DAYS, decay=None, risk_free_rate=ZERO
)
LATENESS_MAX: Final = timedelta(hours=1)
"""A day that ended longer ago is left out: what is held now is not what was held then."""
SNAPSHOTS_WAIT: Final = timedelta(minutes=11)
"""For how long the snapshots of the day's end are waited for, which the day's result is read from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayEndDesk:
    """What figures of a day's end are made from: any process has it."""

    database: Database
    redis: Redis
    clock: Clock
    ids: Ids
    trading_timezone: ZoneInfo
    risk: RiskDesk = field(default_factory=RiskDesk)


@dataclass(frozen=True, slots=True, kw_only=True)
class _DayEnd:
    day: date
    begun_at: datetime
    closed_at: datetime

    @classmethod
    def before(cls, now: datetime, timezone: ZoneInfo) -> "_DayEnd":
        today = trading_day(now, timezone)
        day = today - timedelta(days=1)
        return cls(day=day, begun_at=day_start(day, timezone), closed_at=day_start(today, timezone))


async def keep_value_at_risk(desk: DayEndDesk, system_database: Database) -> int:
    """Stores what was at risk at the end of the trading day, if one ended lately, of every tenant; how many rows."""
    now = desk.clock.now()
    if now - _DayEnd.before(now, desk.trading_timezone).closed_at > LATENESS_MAX:
        return 0
    async with begin_system(system_database) as session:
        tenant_ids = await tenants.all_ids(session)
    stored = 0
    for tenant_id in tenant_ids:
        try:
            stored += await keep_day(desk, tenant_id)
        except Exception as error:
            # One tenant must not keep the others from theirs; the next minute tries again.
            tell(log, f"value at risk of tenant {tenant_id} is not kept", error)
    return stored


async def keep_day(desk: DayEndDesk, tenant_id: TenantId) -> int:
    """Stores what is missing of the day that ended last, of one tenant; how many rows.

    One for each account, and one for all accounts of a mode and a base currency: modes and currencies are never added
    up. A second worker, or a second run, changes nothing. Snapshots of the day's end are waited for for a while.
    """
    now = desk.clock.now()
    end = _DayEnd.before(now, desk.trading_timezone)
    async with begin_batch(desk.database, tenant_id) as session:
        known = await days_batch.stored_series(session, tenant_id, end.day)
        accounts = await trading_accounts(session, tenant_id, ACCOUNTS_MAX, before=end.closed_at)
        missing = {series: members for series, members in _series(accounts).items() if series not in known}
        ids = sorted({one for members in missing.values() for one in members})
        results = await days_batch.results_of(session, tenant_id, ids, end.begun_at, end.closed_at)
    if not missing or (len(results) < len(ids) and now - end.closed_at < SNAPSHOTS_WAIT):
        return 0
    for series, members in missing.items():
        day = await _day(desk, tenant_id, end, series, members, _sum([results.get(one) for one in members]))
        async with begin_batch(desk.database, tenant_id) as session:
            await session.write([days_batch.store(tenant_id, [day])])
    return len(missing)


def _series(accounts: Sequence[TradingAccount]) -> dict[Series, list[AccountId]]:
    found: dict[Series, list[AccountId]] = {}
    for one in accounts:
        mode = AccountMode(one.mode)
        found[Series(account_id=one.account_id, mode=mode, currency=one.base_currency)] = [one.account_id]
    for one in accounts:
        whole = Series(account_id=None, mode=AccountMode(one.mode), currency=one.base_currency)
        found.setdefault(whole, []).append(one.account_id)
    return found


async def _day(
    desk: DayEndDesk,
    tenant_id: TenantId,
    end: _DayEnd,
    series: Series,
    members: Sequence[AccountId],
    pnl: Decimal | None,
) -> RiskDay:
    asked = BookQuestion(account_ids=tuple(members), currency=series.currency)
    try:
        found = await value_at_risk(desk, system_principal(tenant_id, "risk-history"), asked, TERMS)
    except OmsError as error:
        if error.is_retryable:
            raise
        return _untold(desk, end, series, pnl, error.message)
    return _told(desk, end, series, pnl, found)


def _told(desk: DayEndDesk, end: _DayEnd, series: Series, pnl: Decimal | None, found: ValueAtRiskAnswer) -> RiskDay:
    figures, book = found.assessment, found.held.book
    total = exposure_of(book).total
    historical, parametric = figures.historical, figures.parametric
    return RiskDay(
        id=desk.ids.new(),
        series=series,
        day=end.day,
        closed_at=end.closed_at,
        computed_at=book.at,
        confidence=TERMS.confidence,
        historical=Tail(
            value_at_risk=historical.value_at_risk,
            expected_shortfall=historical.expected_shortfall,
            reason=historical.reason,
        ),
        parametric=Tail(
            value_at_risk=parametric.value_at_risk,
            expected_shortfall=parametric.expected_shortfall,
            reason=parametric.reason,
        ),
        observations=figures.observations,
        long=total.long,
        short=total.short,
        covered_gross=figures.covered_gross,
        positions=len(book.valued) + len(book.unvalued),
        unvalued=len(book.unvalued),
        uncovered=len(figures.uncovered),
        constant_currencies=figures.constant_currencies,
        oldest_price_at=found.held.oldest_price,
        pnl=pnl,
        reason=None,
    )


def _untold(desk: DayEndDesk, end: _DayEnd, series: Series, pnl: Decimal | None, reason: str) -> RiskDay:
    nothing = Tail(value_at_risk=None, expected_shortfall=None, reason=reason)
    return RiskDay(
        id=desk.ids.new(),
        series=series,
        day=end.day,
        closed_at=end.closed_at,
        computed_at=desk.clock.now(),
        confidence=TERMS.confidence,
        historical=nothing,
        parametric=nothing,
        observations=0,
        long=ZERO,
        short=ZERO,
        covered_gross=ZERO,
        positions=0,
        unvalued=0,
        uncovered=0,
        constant_currencies=(),
        oldest_price_at=None,
        pnl=pnl,
        reason=reason,
    )


def _sum(parts: Sequence[Decimal | None]) -> Decimal | None:
    known = [one for one in parts if one is not None]
    return sum(known, ZERO) if len(known) == len(parts) else None
