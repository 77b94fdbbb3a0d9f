"""What was at risk at the end of each day, and how often more was lost on the next than it said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from app.core.ids import AccountId
from app.core.money import ZERO
from app.risk.domain import AccountMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Whose days these are: an account's, or with None those of all accounts of a mode and a base currency."""

    account_id: AccountId | None
    mode: AccountMode
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """A value at risk and an expected shortfall, losses above zero; or, where both are None, the reason in words."""

    value_at_risk: Decimal | None
    expected_shortfall: Decimal | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskDay:
    """What was held at the end of a trading day, what of it was at risk for the next, and what the day had brought.

    pnl is None where the snapshots that it lies between were not taken. unvalued positions are in no figure for want
    of a price or a rate, uncovered ones for want of a history. reason says why there is no figure at all.
    """

    id: UUID
    series: Series
    day: date
    closed_at: datetime
    computed_at: datetime
    confidence: Decimal
    historical: Tail
    parametric: Tail
    observations: int
    long: Decimal
    short: Decimal
    covered_gross: Decimal
    positions: int
    unvalued: int
    uncovered: int
    constant_currencies: tuple[str, ...]
    oldest_price_at: datetime | None
    pnl: Decimal | None
    reason: str | None

    @property
    def is_complete(self) -> bool:
        """True when every position is in every figure."""
        return self.reason is None and not (self.unvalued or self.uncovered or self.constant_currencies)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedDay:
    """A day with what the next one brought; None while it is not over, or was not stored."""

    at_risk: RiskDay
    next_pnl: Decimal | None

    @property
    def historical_exception(self) -> bool | None:
        """Whether more was lost on the next day than the historical figure said; None where that does not count."""
        return is_exception(self.at_risk.historical.value_at_risk, self.next_pnl)

    @property
    def parametric_exception(self) -> bool | None:
        """The same of the parametric figure."""
        return is_exception(self.at_risk.parametric.value_at_risk, self.next_pnl)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """On how many of the days that count more was lost than the figure said, and on how many that is expected."""

    days: int
    exceptions: int
    expected: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesBacktest:
    """The backtests of both figures over the days of a series."""

    series: Series
    historical: Backtest
    parametric: Backtest


def is_exception(value_at_risk: Decimal | None, next_pnl: Decimal | None) -> bool | None:
    """Whether more was lost than the figure said; None for a day that does not count.

    It does not without a figure or a result, where nothing was at risk, and on a day that brought nothing at all:
    markets were closed, and calm days that are none would make the figure look careful.
    """
    if value_at_risk is None or next_pnl is None or value_at_risk <= 0 or next_pnl == 0:
        return None
    return -next_pnl > value_at_risk


def backtests(days: Sequence[FollowedDay]) -> list[SeriesBacktest]:
    """The backtests of each series among the days, in the order in which they first come."""
    by_series: dict[Series, list[FollowedDay]] = {}
    for one in days:
        by_series.setdefault(one.at_risk.series, []).append(one)
    return [
        SeriesBacktest(
            series=series,
            historical=_counted([(one.at_risk.confidence, one.historical_exception) for one in found]),
            parametric=_counted([(one.at_risk.confidence, one.parametric_exception) for one in found]),
        )
        for series, found in by_series.items()
    ]


def _counted(days: Sequence[tuple[Decimal, bool | None]]) -> Backtest:
    counted = [(confidence, is_one) for confidence, is_one in days if is_one is not None]
    return Backtest(
        days=len(counted),
        exceptions=sum(is_one for _, is_one in counted),
        expected=sum((1 - confidence for confidence, _ in counted), ZERO),
    )
