"""Positions with what they are worth: in their own currency and in one that all are told in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from app.core.fix import InstrumentType, OptionRight
from app.core.fx import FxRate, FxRates
from app.core.ids import AccountId, InstrumentId
from app.core.money import ZERO, rounded

# Only what its price changes is won or lost on these: what they are worth was never paid.
_UNPAID: Final = frozenset({InstrumentType.FUTURE, InstrumentType.FOREX})


class PriceSource(StrEnum):
    """Where the price of a position came from: a quote of the market, or the last close that is known."""

    QUOTE = "QUOTE"
    CLOSE = "CLOSE"


class ValuationGap(StrEnum):
    """Why a position is in no sum."""

    NO_PRICE = "NO_PRICE"
    NO_RATE = "NO_RATE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A price per unit, and when it was good."""

    value: Decimal
    source: PriceSource
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What an option is on, as far as the house knows it. spot is the price of the underlying."""

    strike: Decimal
    right: OptionRight
    expires_on: date
    underlying_id: InstrumentId
    spot: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What an account holds of an instrument. quantity is signed.

    sector is the industry of the instrument, or of what it is derived from, as the broker names it. base_currency is
    that of a currency pair, None of anything else. option is None where something is missing to model it.
    """

    account_id: AccountId
    instrument_id: InstrumentId
    symbol: str
    instrument_type: InstrumentType
    currency: str
    sector: str | None
    quantity: Decimal
    multiplier: Decimal
    price: Price | None
    base_currency: str | None = None
    option: Option | None = None

    @property
    def is_unpaid(self) -> bool:
        """True for futures and currency pairs: the value is that of what was dealt, and not of what was paid."""
        return self.instrument_type in _UNPAID

    @property
    def units(self) -> Decimal:
        """How much of the underlying it stands for: quantity x multiplier."""
        return self.quantity * self.multiplier


@dataclass(frozen=True, slots=True, kw_only=True)
class Valued:
    """A holding with its signed value, in the currency of the book. rate is that of the instrument's currency."""

    holding: Holding
    price: Price
    rate: Decimal
    value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Unvalued:
    """A holding that cannot be told in the currency of the book, and why."""

    holding: Holding
    gap: ValuationGap


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Holdings as they are worth at an instant, in one currency; oldest_rate is None where none was needed."""

    currency: str
    at: datetime
    valued: tuple[Valued, ...]
    unvalued: tuple[Unvalued, ...]
    oldest_rate: FxRate | None

    @property
    def by_instrument(self) -> dict[InstrumentId, list[Valued]]:
        """What is held of each instrument, by account."""
        found: dict[InstrumentId, list[Valued]] = {}
        for one in self.valued:
            found.setdefault(one.holding.instrument_id, []).append(one)
        return found

    @property
    def gross(self) -> Decimal:
        """The sum of what the holdings are worth, signs aside."""
        return sum((abs(one.value) for one in self.valued), ZERO)


def valued_book(holdings: Iterable[Holding], currency: str, rates: FxRates, now: datetime) -> Book:
    """The holdings in a currency; what lacks a price or a rate stands apart, and is in no sum."""
    found: Mapping[str, FxRate | None]
    listed = list(holdings)
    found = {code: rates.find(code, currency, now) for code in {one.currency for one in listed}}
    valued: list[Valued] = []
    unvalued: list[Unvalued] = []
    for one in listed:
        rate = found[one.currency]
        if one.price is None:
            unvalued.append(Unvalued(holding=one, gap=ValuationGap.NO_PRICE))
        elif rate is None:
            unvalued.append(Unvalued(holding=one, gap=ValuationGap.NO_RATE))
        else:
            value = rounded(one.units * one.price.value * rate.rate)
            valued.append(Valued(holding=one, price=one.price, rate=rate.rate, value=value))
    used = [rate for rate in found.values() if rate is not None and rate.base != rate.quote]
    return Book(
        currency=currency,
        at=now,
        valued=tuple(valued),
        unvalued=tuple(unvalued),
        oldest_rate=min(used, key=lambda rate: rate.at, default=None),
    )
