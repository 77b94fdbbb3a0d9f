"""riskUtilisationHistory, valueAtRiskHistory: what limits came to, and what was at risk at the end of each day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.brokers import batch as brokers
from app.brokers.errors import AccountUnknownError
from app.core.ids import AccountId, InstrumentId, LimitId
from app.core.paging import Page, Window
from app.flows.desk import Desk
from app.flows.positions.view_pnl import ACCOUNTS_MAX
from app.identity.domain import Principal
from app.infra.db import BatchSession
from app.infra.uow import begin_batch
from app.risk.history import days_batch, samples_batch
from app.risk.history.days_batch import DayFilter, DayKey
from app.risk.history.domain.backtest import FollowedDay, SeriesBacktest, backtests
from app.risk.history.domain.curve import CurvePoint, Span, span_of
from app.risk.history.errors import RiskHistoryRangeError
from app.risk.keeping.errors import LimitUnknownError


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveQuestion:
    """Of which limit, account and instrument, None for the fullest of all, and in which range; resolution in minutes.

    Without a resolution it is the finest that makes a chart.
    """

    limit_id: LimitId
    account_id: AccountId | None
    instrument_id: InstrumentId | None
    start: datetime
    end: datetime
    resolution: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilisationCurve:
    """How full a limit was; a slice of the span that nothing is known of has no point."""

    span: Span
    points: Sequence[CurvePoint]


async def utilisation_history(desk: Desk, principal: Principal, asked: CurveQuestion) -> UtilisationCurve:
    """How full a limit was, over the accounts that the principal sees.

    Raises RiskHistoryRangeError, LimitUnknownError, AccountUnknownError with the path of the argument.
    """
    span = span_of(asked.start, asked.end, asked.resolution, desk.clock.now(), is_of_one=asked.account_id is not None)
    tenant_id = principal.tenant_id
    async with begin_batch(desk.database, tenant_id, accounts=principal.viewable) as session:
        if not await samples_batch.has_limit(session, tenant_id, asked.limit_id):
            raise LimitUnknownError("limitId")
        accounts = await _accounts(session, principal, asked.account_id)
        points = await samples_batch.curve(session, tenant_id, asked.limit_id, accounts, asked.instrument_id, span)
    return UtilisationCurve(span=span, points=points)


async def page_of_days(
    desk: Desk, principal: Principal, wanted: DayFilter, window: Window[DayKey]
) -> Page[FollowedDay]:
    """The days of the window, the newest first. Raises AccountUnknownError, RiskHistoryRangeError."""
    if wanted.start is not None and wanted.end is not None and wanted.end < wanted.start:
        raise RiskHistoryRangeError("The end lies before the start.", path=["end"])
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        if wanted.account_id is not None:
            await _accounts(session, principal, wanted.account_id)
        return await days_batch.days_page(session, principal.tenant_id, wanted, window)


async def count_days(desk: Desk, principal: Principal, wanted: DayFilter) -> int:
    """How many days there are."""
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        return await days_batch.days_count(session, principal.tenant_id, wanted)


async def backtests_of(desk: Desk, principal: Principal, wanted: DayFilter) -> list[SeriesBacktest]:
    """How often more was lost than was at risk, of each series among the days."""
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        return backtests(await days_batch.days_tested(session, principal.tenant_id, wanted))


async def _accounts(session: BatchSession, principal: Principal, account_id: AccountId | None) -> list[AccountId]:
    found = await brokers.base_currencies(session, principal.tenant_id, account_id=account_id, limit=ACCOUNTS_MAX)
    if account_id is not None and not found:
        raise AccountUnknownError("accountId")
    return list(found)
