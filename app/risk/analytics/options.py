"""Options that are held: which can be modelled, by the volatility that their own price implies, and their greeks."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from app.core.fix import InstrumentType, OptionRight
from app.core.ids import InstrumentId
from app.core.money import ZERO, rounded
from app.risk.analytics.black_scholes import (
    DAYS_PER_YEAR,
    Greeks,
    OptionTerms,
    greeks_of,
    implied_volatility,
    value_of,
    years_until,
)
from app.risk.analytics.book import Book, Valued

_POINT: Final = 0.01


class ModelGap(StrEnum):
    """Why an option counts as if it were worth its price alone, with a delta of one to it."""

    NO_UNDERLYING = "NO_UNDERLYING"
    EXPIRED = "EXPIRED"
    NO_VOLATILITY = "NO_VOLATILITY"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionModel:
    """A model of a held option: its terms, the volatility that its price implies, and its greeks."""

    underlying_id: InstrumentId
    terms: OptionTerms
    volatility: float
    greeks: Greeks

    def value_at(self, spot: float, volatility: float) -> float:
        """The value of one unit at another spot, at or above zero, and another volatility, above zero."""
        if spot <= 0:
            # Of a call nothing is left, and a put pays its strike, when it expires.
            is_call = self.terms.right is OptionRight.CALL
            return 0.0 if is_call else self.terms.strike * math.exp(-self.terms.rate * self.terms.years)
        moved = OptionTerms(
            right=self.terms.right,
            spot=spot,
            strike=self.terms.strike,
            years=self.terms.years,
            rate=self.terms.rate,
        )
        return value_of(moved, volatility)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookGreeks:
    """Greeks of what is held on one underlying, in the currency of the book.

    delta is the value of the underlying that moves alike; gamma how much of that one per cent of its price adds; vega
    the gain for one point of volatility; theta the gain by one day passing.
    """

    underlying_id: InstrumentId
    delta: Decimal
    gamma: Decimal
    vega: Decimal
    theta: Decimal


def model_of(one: Valued, today: date, risk_free_rate: Decimal) -> OptionModel | ModelGap | None:
    """The model of an option, or why there is none; None of what is no option. The rate is per year."""
    holding = one.holding
    if holding.instrument_type is not InstrumentType.OPTION:
        return None
    option = holding.option
    if option is None or option.spot <= ZERO or option.strike <= ZERO:
        return ModelGap.NO_UNDERLYING
    years = years_until(option.expires_on, today)
    if years <= 0:
        return ModelGap.EXPIRED
    terms = OptionTerms(
        right=option.right,
        spot=float(option.spot),
        strike=float(option.strike),
        years=years,
        rate=float(risk_free_rate),
    )
    volatility = implied_volatility(terms, float(one.price.value))
    if volatility is None:
        return ModelGap.NO_VOLATILITY
    return OptionModel(
        underlying_id=option.underlying_id, terms=terms, volatility=volatility, greeks=greeks_of(terms, volatility)
    )


def delta_value(one: Valued, model: OptionModel) -> Decimal:
    """The value of the underlying that moves as the option does, in the currency of the book."""
    return _money(one, model.greeks.delta * model.terms.spot)


def book_greeks(book: Book, today: date, risk_free_rate: Decimal) -> list[BookGreeks]:
    """The greeks of the options of a book that can be modelled, by underlying; the largest delta first."""
    found: dict[InstrumentId, BookGreeks] = {}
    for one in book.valued:
        model = model_of(one, today, risk_free_rate)
        if not isinstance(model, OptionModel):
            continue
        before = found.get(model.underlying_id) or _nothing(model.underlying_id)
        greeks, spot = model.greeks, model.terms.spot
        found[model.underlying_id] = BookGreeks(
            underlying_id=model.underlying_id,
            delta=before.delta + delta_value(one, model),
            gamma=before.gamma + _money(one, greeks.gamma * spot * spot * _POINT),
            vega=before.vega + _money(one, greeks.vega * _POINT),
            theta=before.theta + _money(one, greeks.theta / DAYS_PER_YEAR),
        )
    return sorted(found.values(), key=lambda one: (-abs(one.delta), str(one.underlying_id)))


def model_gaps(book: Book, today: date, risk_free_rate: Decimal) -> dict[InstrumentId, ModelGap]:
    """The options of a book that cannot be modelled, and why."""
    found = ((one.holding.instrument_id, model_of(one, today, risk_free_rate)) for one in book.valued)
    return {instrument_id: gap for instrument_id, gap in found if isinstance(gap, ModelGap)}


def underlyings(book: Iterable[Valued]) -> set[InstrumentId]:
    """What the options are on."""
    return {one.holding.option.underlying_id for one in book if one.holding.option is not None}


def _nothing(underlying_id: InstrumentId) -> BookGreeks:
    return BookGreeks(underlying_id=underlying_id, delta=ZERO, gamma=ZERO, vega=ZERO, theta=ZERO)


def _money(one: Valued, per_unit: float) -> Decimal:
    return rounded(Decimal(repr(per_unit)) * one.holding.units * one.rate)
