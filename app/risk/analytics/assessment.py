"""A book held against its past: value at risk, expected shortfall and what each position adds, or why not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from app.core.ids import InstrumentId
from app.core.money import ZERO
from app.risk.analytics.book import Book
from app.risk.analytics.gains import PastGains, RiskLine, past_gains, risk_lines
from app.risk.analytics.series import Closes, rate_history
from app.risk.analytics.terms import OBSERVATIONS_MIN, ClosesGap, RiskTerms, money, observations_needed, ratio
from app.risk.analytics.value_at_risk import Tail, historical, parametric

_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskFigure:
    """A value at risk and an expected shortfall, losses above zero; or, where both are None, the reason in words."""

    value_at_risk: Decimal | None
    expected_shortfall: Decimal | None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskContribution:
    """What a position adds: component_var to the parametric figure, component_shortfall to the historical shortfall.

    marginal_var is what one more unit of money in it would add to the parametric figure, None where it has no value.
    """

    line: RiskLine
    component_var: Decimal | None
    marginal_var: Decimal | None
    component_shortfall: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncovered:
    """A position that is in no figure for want of history. days is how many closes were found."""

    line: RiskLine
    gap: ClosesGap
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The figures of a book, the largest contributions first, with what they rest on.

    observations are daily returns, between first_day and last_day; filled counts closes that were carried forward.
    covered_gross is the part of the book's gross that the figures are about.
    """

    terms: RiskTerms
    observations: int
    first_day: date | None
    last_day: date | None
    filled: int
    gross: Decimal
    covered_gross: Decimal
    historical: RiskFigure
    parametric: RiskFigure
    contributions: tuple[RiskContribution, ...]
    uncovered: tuple[Uncovered, ...]
    constant_currencies: tuple[str, ...]


def assessed(
    book: Book,
    closes: Mapping[InstrumentId, Closes],
    pairs: Mapping[tuple[str, str], Closes],
    terms: RiskTerms,
    today: date,
) -> Assessment:
    """The figures of a book. closes are by instrument; pairs tell what a unit of the first currency was worth."""
    lines = risk_lines(book, today, terms.risk_free_rate)
    codes = {line.currency for line in lines} - {book.currency}
    rates = {code: found for code in codes if (found := rate_history(pairs, code, book.currency)) is not None}
    past = past_gains(lines, book.currency, closes, rates, terms.days)
    by_history, by_variance = _tails(past, terms)
    days = past.aligned.days
    return Assessment(
        terms=terms,
        observations=past.observations,
        first_day=_day(int(days[0])) if len(days) else None,
        last_day=_day(int(days[-1])) if len(days) else None,
        filled=past.aligned.filled,
        gross=sum((abs(line.value) for line in lines), ZERO),
        covered_gross=sum((abs(line.value) for line in past.lines), ZERO),
        historical=_figure(by_history, _reason(book, past, max(OBSERVATIONS_MIN, _needed(terms)))),
        parametric=_figure(by_variance, _reason(book, past, OBSERVATIONS_MIN)),
        contributions=_contributions(past, by_history, by_variance),
        uncovered=tuple(
            Uncovered(line=line, gap=gap, days=len(closes.get(line.factor_id, ()))) for line, gap in past.uncovered
        ),
        constant_currencies=past.constant_currencies,
    )


def _needed(terms: RiskTerms) -> int:
    return observations_needed(terms.confidence)


def _tails(past: PastGains, terms: RiskTerms) -> tuple[Tail | None, Tail | None]:
    if not past.lines or past.observations < OBSERVATIONS_MIN:
        return None, None
    by_variance = parametric(past.gains, terms.confidence, terms.horizon_days, decay=terms.decay)
    if past.observations < _needed(terms):
        return None, by_variance
    return historical(past.gains, terms.confidence, terms.horizon_days), by_variance


def _reason(book: Book, past: PastGains, needed: int) -> str | None:
    if past.lines and past.observations >= needed:
        return None
    if past.lines:
        return f"{past.observations} daily returns were found that all positions share, and {needed} are needed."
    if past.uncovered:
        return f"No position has closes of more than {OBSERVATIONS_MIN} days that reach to now."
    if book.unvalued:
        return "No position has a price and an exchange rate."
    return None


def _figure(tail: Tail | None, reason: str | None) -> RiskFigure:
    if reason is not None:
        return RiskFigure(value_at_risk=None, expected_shortfall=None, reason=reason)
    if tail is None:
        # Nothing is held, and nothing can be lost.
        return RiskFigure(value_at_risk=ZERO, expected_shortfall=ZERO)
    return RiskFigure(value_at_risk=money(tail.value_at_risk), expected_shortfall=money(tail.expected_shortfall))


def _contributions(past: PastGains, by_history: Tail | None, by_variance: Tail | None) -> tuple[RiskContribution, ...]:
    found = []
    for place, line in enumerate(past.lines):
        component = None if by_variance is None else float(by_variance.components[place])
        shortfall = None if by_history is None else float(by_history.components[place])
        exposure = float(line.price_value)
        marginal = None if component is None or exposure == 0 else ratio(component / exposure)
        found.append(
            RiskContribution(
                line=line,
                component_var=None if component is None else money(component),
                marginal_var=marginal,
                component_shortfall=None if shortfall is None else money(shortfall),
            )
        )
    return tuple(sorted(found, key=lambda one: (-abs(one.component_var or ZERO), str(one.line.instrument_id))))


def _day(number: int) -> date:
    return _EPOCH + timedelta(days=number)
