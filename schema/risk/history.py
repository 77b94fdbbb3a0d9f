"""The GraphQL types of risk over time."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import strawberry

from app.core.paging import Page, Window
from app.flows.risk.view_risk_history import UtilisationCurve
from app.risk.domain import AccountMode
from app.risk.history.days_batch import DayKey, key_of
from app.risk.history.domain import backtest, curve
from schema.base.pagination import Count, Counted, Cursors, page_info
from schema.risk.value_at_risk import RiskFigure

DAY_CURSORS: Final = Cursors("valueAtRiskDay")

strawberry.enum(
    AccountMode,
    description="What an account deals with: LIVE real money, PAPER a broker's paper money, SIM nothing outside the "
    "house.",
)


@strawberry.type(
    description="The fullest that a limit was within a slice of time. ratio and used are null where nothing could be "
    "measured, or the limit was not in force any more."
)
class RiskUtilisationPoint:
    """The fullest of a slice."""

    at: datetime = strawberry.field(description="When the slice begins.")
    account_id: strawberry.ID = strawberry.field(description="The account that was the fullest.")
    instrument_id: strawberry.ID | None = strawberry.field(
        description="The fullest instrument, of a limit that holds for each."
    )
    ratio: float | None
    used: Decimal | None
    value: Decimal = strawberry.field(description="What was allowed then.")
    is_measured: bool = strawberry.field(description="False where something that counts was not known.")

    @classmethod
    def of(cls, one: curve.CurvePoint) -> "RiskUtilisationPoint":
        """The type of the value."""
        return cls(
            at=one.at,
            account_id=strawberry.ID(str(one.account_id)),
            instrument_id=None if one.instrument_id is None else strawberry.ID(str(one.instrument_id)),
            ratio=None if one.ratio is None else float(one.ratio),
            used=one.used,
            value=one.value,
            is_measured=one.is_measured,
        )


@strawberry.type(description="How full a limit was. A slice that nothing is known of has no point.")
class RiskUtilisationHistory:
    """How full a limit was."""

    start: datetime = strawberry.field(description="When the first slice begins: a whole multiple of the resolution.")
    resolution_minutes: int
    points: list[RiskUtilisationPoint]

    @classmethod
    def of(cls, one: UtilisationCurve) -> "RiskUtilisationHistory":
        """The type of the value."""
        return cls(
            start=one.span.start,
            resolution_minutes=one.span.minutes,
            points=[RiskUtilisationPoint.of(each) for each in one.points],
        )


@strawberry.type(
    description="What was held at the end of a trading day, and what of it was at risk for the next, at confidence "
    "over one day. Positions that are in no figure are counted in unvaluedPositions (no price, no rate) and "
    "uncoveredPositions (no history); a day whose figures could not be told has the reason."
)
class ValueAtRiskDay:
    """What was at risk at the end of a day."""

    id: strawberry.ID
    account_id: strawberry.ID | None = strawberry.field(
        description="Null for all accounts of the mode and the base currency together."
    )
    mode: AccountMode
    currency: str
    day: date
    closed_at: datetime = strawberry.field(description="When the day ended.")
    computed_at: datetime = strawberry.field(description="When the positions were valued.")
    confidence: Decimal
    historical: RiskFigure
    parametric: RiskFigure
    observations: int
    long: Decimal
    short: Decimal
    gross: Decimal
    net: Decimal
    covered_gross: Decimal = strawberry.field(description="The part of gross that the figures are about.")
    positions: int
    unvalued_positions: int
    uncovered_positions: int
    constant_currencies: list[str]
    is_complete: bool = strawberry.field(
        description="False while a position is in no figure, or a rate counts as constant."
    )
    oldest_price_at: datetime | None
    reason: str | None = strawberry.field(description="Why there is no figure at all.")
    pnl: Decimal | None = strawberry.field(
        description="What the day itself had brought, by its snapshots; null where one is missing."
    )
    next_day_pnl: Decimal | None = strawberry.field(
        description="What the next day brought; null while it is not over, or was not kept."
    )
    is_historical_exception: bool | None = strawberry.field(
        description="Whether the next day lost more than the historical figure; null for a day that does not count."
    )
    is_parametric_exception: bool | None

    @classmethod
    def of(cls, followed: backtest.FollowedDay) -> "ValueAtRiskDay":
        """The type of the value."""
        one = followed.at_risk
        return cls(
            id=strawberry.ID(str(one.id)),
            account_id=_account(one.series),
            mode=one.series.mode,
            currency=one.series.currency,
            day=one.day,
            closed_at=one.closed_at,
            computed_at=one.computed_at,
            confidence=one.confidence,
            historical=_figure(one.historical),
            parametric=_figure(one.parametric),
            observations=one.observations,
            long=one.long,
            short=one.short,
            gross=one.long + one.short,
            net=one.long - one.short,
            covered_gross=one.covered_gross,
            positions=one.positions,
            unvalued_positions=one.unvalued,
            uncovered_positions=one.uncovered,
            constant_currencies=list(one.constant_currencies),
            is_complete=one.is_complete,
            oldest_price_at=one.oldest_price_at,
            reason=one.reason,
            pnl=one.pnl,
            next_day_pnl=followed.next_pnl,
            is_historical_exception=followed.historical_exception,
            is_parametric_exception=followed.parametric_exception,
        )


@strawberry.type(
    description="On how many of the days that count more was lost on the next day than the figure said, and on how "
    "many that is expected. Days without a figure or a result, with nothing at risk, or after which nothing was won "
    "or lost (markets were closed) do not count."
)
class ValueAtRiskExceptions:
    """How a figure stood its test."""

    days: int
    exceptions: int
    expected: Decimal

    @classmethod
    def of(cls, one: backtest.Backtest) -> "ValueAtRiskExceptions":
        """The type of the value."""
        return cls(days=one.days, exceptions=one.exceptions, expected=one.expected)


@strawberry.type(description="The backtest of an account, or of all of a mode and a base currency, in the range asked.")
class ValueAtRiskBacktest:
    """The backtest of a series of days."""

    account_id: strawberry.ID | None
    mode: AccountMode
    currency: str
    historical: ValueAtRiskExceptions
    parametric: ValueAtRiskExceptions

    @classmethod
    def of(cls, one: backtest.SeriesBacktest) -> "ValueAtRiskBacktest":
        """The type of the value."""
        return cls(
            account_id=_account(one.series),
            mode=one.series.mode,
            currency=one.series.currency,
            historical=ValueAtRiskExceptions.of(one.historical),
            parametric=ValueAtRiskExceptions.of(one.parametric),
        )


@strawberry.type
class ValueAtRiskDayEdge:
    """A day at its place in a list."""

    cursor: str
    node: ValueAtRiskDay


@strawberry.type(description="Days, the newest first.")
class ValueAtRiskDayConnection(Counted):
    """A page of days."""

    edges: list[ValueAtRiskDayEdge]
    test: strawberry.Private[Callable[[], Awaitable[list[backtest.SeriesBacktest]]]]

    @strawberry.field(description="Over all days that were asked for, whatever the page; one for each series of them.")
    async def backtests(self) -> list[ValueAtRiskBacktest]:
        """Counted when asked for."""
        return [ValueAtRiskBacktest.of(one) for one in await self.test()]

    @classmethod
    def of(
        cls,
        page: Page[backtest.FollowedDay],
        window: Window[DayKey],
        count: Count,
        test: Callable[[], Awaitable[list[backtest.SeriesBacktest]]],
    ) -> "ValueAtRiskDayConnection":
        """The page with its cursors."""
        edges = [
            ValueAtRiskDayEdge(cursor=_cursor(key_of(one.at_risk)), node=ValueAtRiskDay.of(one)) for one in page.items
        ]
        return cls(
            edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count, test=test
        )


def _cursor(key: DayKey) -> str:
    return DAY_CURSORS.write(f"{key[0].isoformat()}:{key[1]}")


def _account(series: backtest.Series) -> strawberry.ID | None:
    return None if series.account_id is None else strawberry.ID(str(series.account_id))


def _figure(one: backtest.Tail) -> RiskFigure:
    return RiskFigure(value_at_risk=one.value_at_risk, expected_shortfall=one.expected_shortfall, reason=one.reason)
