"""Queries of risk over time."""

from datetime import date, datetime
from typing import Final

import strawberry

from app.core.currencies import is_currency
from app.core.errors import InputError
from app.core.ids import AccountId, InstrumentId, LimitId
from app.flows.risk.view_risk_history import (
    CurveQuestion,
    backtests_of,
    count_days,
    page_of_days,
    utilisation_history,
)
from app.identity.domain import Scope
from app.risk.domain import AccountMode
from app.risk.history.days_batch import DayFilter, DayKey
from app.risk.history.domain.curve import DAYS_MAX, DAYS_OF_ALL_MAX, POINTS_MAX, POINTS_WANTED, RESOLUTIONS
from schema.base.context import Info
from schema.base.ids import parse_id
from schema.base.pagination import window_of
from schema.base.permissions import scoped
from schema.risk.history import DAY_CURSORS, RiskUtilisationHistory, ValueAtRiskDayConnection

_COST: Final = 50
_SERIES_LENGTH_MAX: Final = 36


@strawberry.type
class RiskHistoryQuery:
    """Queries of risk over time."""

    @strawberry.field(
        description="How full a limit was from start on and before end: the fullest of each slice of "
        f"resolutionMinutes, which is one of {', '.join(str(one) for one in RESOLUTIONS)}, or the finest that needs "
        f"no more than {POINTS_WANTED} points. Of an account at most {DAYS_MAX} days, of all that the credential sees "
        f"{DAYS_OF_ALL_MAX}, and at most {POINTS_MAX} points. With instrumentId only where it was the fullest "
        "instrument. A limit that was deleted keeps its history.",
        extensions=scoped(Scope.VIEW_POSITIONS, cost=_COST),
    )
    async def risk_utilisation_history(
        self,
        info: Info,
        limit_id: strawberry.ID,
        start: datetime,
        end: datetime,
        account_id: strawberry.ID | None = None,
        instrument_id: strawberry.ID | None = None,
        resolution_minutes: int | None = None,
    ) -> RiskUtilisationHistory:
        """How full a limit was."""
        asked = CurveQuestion(
            limit_id=LimitId(parse_id(limit_id, "limitId")),
            account_id=_account(account_id),
            instrument_id=None if instrument_id is None else InstrumentId(parse_id(instrument_id, "instrumentId")),
            start=start,
            end=end,
            resolution=resolution_minutes,
        )
        return RiskUtilisationHistory.of(await utilisation_history(info.context.desk, info.context.principal, asked))

    @strawberry.field(
        description="What was at risk at the end of each trading day, the newest first: of the account, or without one "
        "of all accounts together, by mode and base currency, which are never added up; who is restricted to some "
        "accounts sees days of those alone. start and end are days, both included.",
        extensions=scoped(Scope.VIEW_POSITIONS, cost=_COST),
    )
    async def value_at_risk_history(
        self,
        info: Info,
        account_id: strawberry.ID | None = None,
        mode: AccountMode | None = None,
        currency: str | None = None,
        start: date | None = None,
        end: date | None = None,
        first: int | None = 50,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> ValueAtRiskDayConnection:
        """A page of days."""
        desk, principal = info.context.desk, info.context.principal
        if currency is not None and not is_currency(currency):
            raise InputError("This is not the code of a currency.", path=["currency"])
        wanted = DayFilter(account_id=_account(account_id), mode=mode, currency=currency, start=start, end=end)
        window = window_of(first=first, after=after, last=last, before=before, read=_key)
        page = await page_of_days(desk, principal, wanted, window)
        return ValueAtRiskDayConnection.of(
            page,
            window,
            lambda: count_days(desk, principal, wanted),
            lambda: backtests_of(desk, principal, wanted),
        )


def _account(given: str | None) -> AccountId | None:
    return None if given is None else AccountId(parse_id(given, "accountId"))


def _key(cursor: str, path: str) -> DayKey:
    day, _, series = DAY_CURSORS.read(cursor, path).partition(":")
    try:
        if len(series) > _SERIES_LENGTH_MAX:
            raise ValueError
        return date.fromisoformat(day), series
    except ValueError as error:
        raise InputError("This is not a cursor of this list.", path=[path]) from error
