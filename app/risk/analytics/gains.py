"""What each past day would have won or lost on what is held now: the positions with the moves of that day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from app.core.ids import InstrumentId
from app.core.money import ZERO
from app.risk.analytics.book import Book, Valued
from app.risk.analytics.options import OptionModel, delta_value, model_of
from app.risk.analytics.series import Aligned, Closes, Floats, aligned
from app.risk.analytics.terms import ClosesGap

Factor = InstrumentId | str
"""What moves: the price of an instrument, or a currency by its code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLine:
    """What is held of an instrument over all accounts, and what it hangs on.

    price_value moves with the price of factor_id, currency_value with the rate of the currency. is_modelled is True
    for an option that stands for its delta in the underlying.
    """

    instrument_id: InstrumentId
    factor_id: InstrumentId
    currency: str
    value: Decimal
    price_value: Decimal
    currency_value: Decimal
    is_modelled: bool


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PastGains:
    """Gains by day (rows) and line (columns), with the lines that have no history, and why.

    constant_currencies have no history of their rate, and count as if it had not moved.
    """

    lines: tuple[RiskLine, ...]
    uncovered: tuple[tuple[RiskLine, ClosesGap], ...]
    constant_currencies: tuple[str, ...]
    gains: Floats
    aligned: Aligned[Factor]

    @property
    def observations(self) -> int:
        """How many days."""
        return len(self.gains)


def risk_lines(book: Book, today: date, risk_free_rate: Decimal) -> list[RiskLine]:
    """The lines of a book, one for each instrument, the largest first."""
    lines = [_line(held, today, risk_free_rate) for held in book.by_instrument.values()]
    return sorted(lines, key=lambda line: (-abs(line.price_value), str(line.instrument_id)))


def past_gains(
    lines: list[RiskLine],
    currency: str,
    closes: Mapping[InstrumentId, Closes],
    rates: Mapping[str, Closes],
    days_max: int,
) -> PastGains:
    """The gains of the newest days. closes are by instrument, rates by currency, in the currency given."""
    nothing = Closes.of((), ())
    histories: dict[Factor, Closes] = {line.factor_id: closes.get(line.factor_id, nothing) for line in lines}
    foreign = sorted({line.currency for line in lines if line.currency != currency})
    histories.update({code: rates.get(code, nothing) for code in foreign})
    found = aligned(histories, days_max)
    covered = [line for line in lines if line.factor_id not in found.left_out]
    places: dict[Factor, int] = {key: place for place, key in enumerate(found.keys)}
    rows = [_gains(line, found.returns, places) for line in covered]
    empty: Floats = np.empty((found.observations if covered else 0, 0))
    return PastGains(
        lines=tuple(covered),
        uncovered=tuple((line, found.left_out[line.factor_id]) for line in lines if line.factor_id in found.left_out),
        constant_currencies=tuple(code for code in foreign if code in found.left_out),
        gains=np.vstack(rows).T if rows else empty,
        aligned=found,
    )


def _gains(line: RiskLine, returns: Floats, places: Mapping[Factor, int]) -> Floats:
    gains: Floats = float(line.price_value) * returns[:, places[line.factor_id]]
    if line.currency not in places:
        return gains
    rates = returns[:, places[line.currency]]
    return gains * (1.0 + rates) + float(line.currency_value) * rates


def _line(held: list[Valued], today: date, risk_free_rate: Decimal) -> RiskLine:
    holding = held[0].holding
    value = sum((one.value for one in held), ZERO)
    model = model_of(held[0], today, risk_free_rate)
    is_modelled = isinstance(model, OptionModel)
    return RiskLine(
        instrument_id=holding.instrument_id,
        factor_id=model.underlying_id if isinstance(model, OptionModel) else holding.instrument_id,
        currency=holding.currency,
        value=value,
        price_value=(sum((delta_value(one, model) for one in held), ZERO) if isinstance(model, OptionModel) else value),
        currency_value=ZERO if holding.is_unpaid else value,
        is_modelled=is_modelled,
    )
