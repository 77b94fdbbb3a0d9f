"""Stress: what a book gains or loses at once when prices, currencies and volatilities jump."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from app.core.fix import InstrumentType
from app.core.ids import InstrumentId
from app.core.money import ZERO, rounded
from app.risk.analytics.book import Book, Valued
from app.risk.analytics.options import ModelGap, OptionModel, model_of

SHOCK_MIN: Final = Decimal(-1)
"""All of a price is lost."""
RELATIVE_MIN: Final = Decimal("-0.99")
"""A currency that is worth nothing has no rate, and without volatility an option has no model."""
SHOCK_MAX: Final = Decimal(10)
SHOCKS_MAX: Final = 100
SCENARIOS_MAX: Final = 20


class StressMethod(StrEnum):
    """How a position was valued again.

    LINEAR by its price and rate; REVALUED as an option by its model; DELTA_ONE as an option without a model: its own
    price moves by the shock, and volatility does nothing.
    """

    LINEAR = "LINEAR"
    REVALUED = "REVALUED"
    DELTA_ONE = "DELTA_ONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Jumps relative to what is: -0.2 is a fall by a fifth.

    Of prices the narrowest holds: that of the instrument, of what it is derived from, of its sector, of all. price and
    by_sector leave currency pairs alone, which move by their two currencies. A currency moves against all that are not
    named. volatility is relative to the implied one.
    """

    name: str
    price: Decimal = ZERO
    by_sector: Mapping[str, Decimal] = field(default_factory=dict)
    by_instrument: Mapping[InstrumentId, Decimal] = field(default_factory=dict)
    by_currency: Mapping[str, Decimal] = field(default_factory=dict)
    volatility: Decimal = ZERO
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StressLine:
    """What a position gains or loses; gap says why an option has no model."""

    held: Valued
    pnl: Decimal
    method: StressMethod
    gap: ModelGap | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StressResult:
    """What a book gains or loses in a scenario, in its currency; the largest lines first."""

    scenario: Scenario
    pnl: Decimal
    lines: tuple[StressLine, ...]


def stressed(book: Book, scenario: Scenario, today: date, risk_free_rate: Decimal) -> StressResult:
    """The book in the scenario. The rate is per year, for the models of options."""
    lines = [_line(one, book.currency, scenario, today, risk_free_rate) for one in book.valued]
    lines.sort(key=lambda line: (-abs(line.pnl), str(line.held.holding.instrument_id)))
    return StressResult(scenario=scenario, pnl=sum((line.pnl for line in lines), ZERO), lines=tuple(lines))


def price_shock(one: Valued, scenario: Scenario) -> Decimal:
    """The jump of the price of a position, or of the underlying of an option."""
    holding = one.holding
    if holding.instrument_id in scenario.by_instrument:
        return scenario.by_instrument[holding.instrument_id]
    if holding.option is not None and holding.option.underlying_id in scenario.by_instrument:
        return scenario.by_instrument[holding.option.underlying_id]
    if holding.instrument_type is InstrumentType.FOREX:
        moved = 1 + scenario.by_currency.get(holding.base_currency or "", ZERO)
        return moved / (1 + scenario.by_currency.get(holding.currency, ZERO)) - 1
    if holding.sector is not None and holding.sector in scenario.by_sector:
        return scenario.by_sector[holding.sector]
    return scenario.price


def _line(one: Valued, currency: str, scenario: Scenario, today: date, risk_free_rate: Decimal) -> StressLine:
    holding = one.holding
    price = price_shock(one, scenario)
    rate = (1 + scenario.by_currency.get(holding.currency, ZERO)) / (1 + scenario.by_currency.get(currency, ZERO))
    # Where the option itself is named, it is its own price that jumps.
    model = None if holding.instrument_id in scenario.by_instrument else model_of(one, today, risk_free_rate)
    if isinstance(model, OptionModel):
        pnl = _revalued(one, model, price, scenario.volatility, rate)
        return StressLine(held=one, pnl=pnl, method=StressMethod.REVALUED)
    if holding.is_unpaid:
        return StressLine(held=one, pnl=rounded(one.value * price * rate), method=StressMethod.LINEAR)
    pnl = rounded(one.value * ((1 + price) * rate - 1))
    is_option = holding.instrument_type is InstrumentType.OPTION
    method = StressMethod.DELTA_ONE if is_option else StressMethod.LINEAR
    return StressLine(held=one, pnl=pnl, method=method, gap=model)


def _revalued(one: Valued, model: OptionModel, price: Decimal, volatility: Decimal, rate: Decimal) -> Decimal:
    spot = model.terms.spot * float(1 + price)
    value = model.value_at(spot, model.volatility * float(1 + volatility))
    # The change by the model on top of the price itself, so that no jump is no gain to the last digit.
    moved = Decimal(repr(value - model.value_at(model.terms.spot, model.volatility)))
    return rounded((one.value + moved * one.holding.units * one.rate) * rate - one.value)
