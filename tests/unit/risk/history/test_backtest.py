"""Which days count for a backtest, and how many exceptions are expected."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from app.core.ids import AccountId
from app.risk.domain import AccountMode
from app.risk.history.domain.backtest import FollowedDay, RiskDay, Series, Tail, backtests, is_exception

NOW = datetime(2026, 3, 2, tzinfo=UTC)
LIVE = Series(account_id=None, mode=AccountMode.LIVE, currency="USD")
OWN = Series(account_id=AccountId(UUID(int=1)), mode=AccountMode.SIM, currency="EUR")


def day(historical: str | None, parametric: str | None, next_pnl: str | None, series: Series = LIVE) -> FollowedDay:
    at_risk = RiskDay(
        id=UUID(int=1),
        series=series,
        day=date(2026, 3, 1),
        closed_at=NOW,
        computed_at=NOW,
        confidence=Decimal("0.99"),
        historical=_tail(historical),
        parametric=_tail(parametric),
        observations=500,
        long=Decimal(0),
        short=Decimal(0),
        covered_gross=Decimal(0),
        positions=1,
        unvalued=0,
        uncovered=0,
        constant_currencies=(),
        oldest_price_at=None,
        pnl=None,
        reason=None,
    )
    return FollowedDay(at_risk=at_risk, next_pnl=None if next_pnl is None else Decimal(next_pnl))


def _tail(value: str | None) -> Tail:
    told = None if value is None else Decimal(value)
    return Tail(value_at_risk=told, expected_shortfall=told, reason=None if value else "none")


@pytest.mark.parametrize(
    ("value_at_risk", "next_pnl", "expected"),
    [
        ("100", "-100.01", True),
        ("100", "-100", False),
        ("100", "250", False),
        ("100", "0", None),
        ("0", "-5", None),
        (None, "-5", None),
        ("100", None, None),
    ],
    ids=["beyond", "as much", "won", "closed", "nothing held", "no figure", "no result"],
)
def test_a_loss_beyond_the_figure_is_an_exception(
    value_at_risk: str | None, next_pnl: str | None, expected: bool | None
) -> None:
    told = None if value_at_risk is None else Decimal(value_at_risk)

    assert is_exception(told, None if next_pnl is None else Decimal(next_pnl)) is expected


def test_each_series_and_figure_is_counted_by_itself() -> None:
    days = [
        day("100", "150", "-120"),
        day("100", "150", "-160"),
        day("100", None, "10"),
        day("100", "150", "0"),
        day("1", "1", "-2", OWN),
    ]

    [live, own] = backtests(days)

    assert (live.series, own.series) == (LIVE, OWN)
    assert (live.historical.days, live.historical.exceptions, live.historical.expected) == (3, 2, Decimal("0.03"))
    assert (live.parametric.days, live.parametric.exceptions, live.parametric.expected) == (2, 1, Decimal("0.02"))
    assert (own.historical.days, own.historical.exceptions) == (1, 1)


def test_no_days_have_no_backtest() -> None:
    assert backtests([]) == []
