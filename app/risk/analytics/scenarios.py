"""Falls of the past as scenarios: how far an index fell between two days, and what implied volatility did."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from app.core.money import ZERO, plain
from app.risk.analytics.stress import Scenario

_STEP: Final = Decimal("0.0001")


class PastFall(StrEnum):
    """A fall of the past that a book can be held against."""

    BLACK_MONDAY_1987 = "BLACK_MONDAY_1987"
    DOT_COM_2000 = "DOT_COM_2000"
    SEPTEMBER_2001 = "SEPTEMBER_2001"
    LEHMAN_2008 = "LEHMAN_2008"
    COVID_2020 = "COVID_2020"
    RATES_2022 = "RATES_2022"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """Closes of the S&P 500 at both ends, and of the VIX where it was told: what all prices and volatilities did."""

    title: str
    first: date
    last: date
    index: tuple[Decimal, Decimal]
    volatility: tuple[Decimal, Decimal] | None = None


def _fall(title: str, days: tuple[str, str], index: tuple[str, str], volatility: tuple[str, str] | None = None) -> Fall:
    return Fall(
        title=title,
        first=date.fromisoformat(days[0]),
        last=date.fromisoformat(days[1]),
        index=(Decimal(index[0]), Decimal(index[1])),
        volatility=None if volatility is None else (Decimal(volatility[0]), Decimal(volatility[1])),
    )


# Source: closing levels of the S&P 500 (S&P Dow Jones Indices) and of the VIX (Cboe). The VIX is told since 1990.
FALLS: Final = MappingProxyType(
    {
        PastFall.BLACK_MONDAY_1987: _fall("Black Monday", ("1987-10-16", "1987-10-19"), ("282.70", "224.84")),
        PastFall.DOT_COM_2000: _fall("The end of the dot-coms", ("2000-03-24", "2002-10-09"), ("1527.46", "776.76")),
        PastFall.SEPTEMBER_2001: _fall(
            "Markets open again after 11 September", ("2001-09-10", "2001-09-21"), ("1092.54", "965.80")
        ),
        PastFall.LEHMAN_2008: _fall(
            "Lehman Brothers and after", ("2008-09-12", "2008-11-20"), ("1251.70", "752.44"), ("25.66", "80.86")
        ),
        PastFall.COVID_2020: _fall(
            "Covid-19", ("2020-02-19", "2020-03-23"), ("3386.15", "2237.40"), ("14.38", "61.59")
        ),
        PastFall.RATES_2022: _fall(
            "Rates rise", ("2022-01-03", "2022-10-12"), ("4796.56", "3577.03"), ("16.60", "33.57")
        ),
    }
)


def past_scenario(fall: PastFall) -> Scenario:
    """The fall as a scenario: every price falls as the index did, every implied volatility moves as the VIX did."""
    told = FALLS[fall]
    source = f"S&P 500 {plain(told.index[0])} on {told.first} to {plain(told.index[1])} on {told.last}"
    if told.volatility is not None:
        source += f"; VIX {plain(told.volatility[0])} to {plain(told.volatility[1])}"
    return Scenario(
        name=told.title,
        price=_move(told.index),
        volatility=ZERO if told.volatility is None else _move(told.volatility),
        source=source,
    )


def _move(ends: tuple[Decimal, Decimal]) -> Decimal:
    return (ends[1] / ends[0] - 1).quantize(_STEP, rounding=ROUND_HALF_EVEN)
