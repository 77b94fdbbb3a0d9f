"""Books that the tests of risk figures stand on."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from app.core.fix import InstrumentType, OptionRight
from app.core.fx import FxRate, FxRates
from app.core.ids import AccountId, InstrumentId
from app.risk.analytics.book import Book, Holding, Option, Price, PriceSource, valued_book

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
TODAY = NOW.date()
ZERO_RATE = Decimal(0)


def account(number: int = 1) -> AccountId:
    """An account's id."""
    return AccountId(UUID(int=number))


def instrument(number: int) -> InstrumentId:
    """An instrument's id."""
    return InstrumentId(UUID(int=1_000_000 + number))


def holding(
    number: int,
    quantity: str,
    price: str | None,
    *,
    currency: str = "USD",
    kind: InstrumentType = InstrumentType.STOCK,
    sector: str | None = None,
    multiplier: str = "1",
    of: int = 1,
    base_currency: str | None = None,
    option: Option | None = None,
) -> Holding:
    """What an account holds of an instrument."""
    return Holding(
        account_id=account(of),
        instrument_id=instrument(number),
        symbol=f"S{number}",
        instrument_type=kind,
        currency=currency,
        sector=sector,
        quantity=Decimal(quantity),
        multiplier=Decimal(multiplier),
        price=None if price is None else Price(value=Decimal(price), source=PriceSource.QUOTE, at=NOW),
        base_currency=base_currency,
        option=option,
    )


def call(number: int, quantity: str, price: str, *, spot: str, strike: str, expires_on: date) -> Holding:
    """A call of a hundred on the instrument 900."""
    terms = Option(
        strike=Decimal(strike),
        right=OptionRight.CALL,
        expires_on=expires_on,
        underlying_id=instrument(900),
        spot=Decimal(spot),
    )
    return holding(number, quantity, price, kind=InstrumentType.OPTION, multiplier="100", option=terms)


def book(holdings: Iterable[Holding], currency: str = "USD", **rates: str) -> Book:
    """The holdings in a currency, with rates such as EURUSD="1.1"."""
    known = FxRates(FxRate(base=pair[:3], quote=pair[3:], rate=Decimal(rate), at=NOW) for pair, rate in rates.items())
    return valued_book(holdings, currency, known, NOW)
